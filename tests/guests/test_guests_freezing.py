"""Freezing a guest stops every write, and whatever happens it thaws. Real file systems, as root."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from snapcli.guests import folder, mounts, processes
from snapcli.guests.errors import GuestError, StillBusy
from snapcli.guests.freezing import Freeze, FreezeFailed, FreezeTimedOut, thaw_left

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists("/dev/loop-control") or not shutil.which("mkfs.ext4"),
    reason="mounting needs root, loop devices and mkfs.ext4",
)


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[str]:
    made = str(tmp_path / "guest")
    folder.make(made)
    yield made
    thaw_left(str(tmp_path / "frozen"))
    while _WAITING:
        _WAITING.pop().wait()
    processes.end_all(made, 0)
    mounts.unmount_all(made)


def image(tmp_path: Path, name: str = "disk.raw", maker: str = "mkfs.ext4") -> str:
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(400 << 20 if "xfs" in maker else 64 << 20)
    subprocess.run([maker, "-q", str(path)], check=True)
    return str(path)


def frozen(point: str) -> bool:
    """Whether a write waits: tried in a process that can be given up."""
    probe = subprocess.Popen(["touch", f"{point}/probe"])
    try:
        probe.wait(0.3)
    except subprocess.TimeoutExpired:
        _WAITING.append(probe)
        return True
    return False


# Probes that wait for the end of a freeze.
_WAITING: list["subprocess.Popen[bytes]"] = []


@needs_root
def test_a_disks_file_system_is_mounted_and_unmounted_by_the_guests_path(
    root: str, tmp_path: Path
) -> None:
    disk = image(tmp_path)
    made = mounts.mount(root, disk, "/mnt/data")
    assert (made.point, made.image, made.type) == (f"{root}/mnt/data", disk, "ext4")
    Path(made.point, "file").write_text("content")
    with pytest.raises(GuestError, match="mounted at /mnt/data already"):
        mounts.mount(root, disk, "/mnt/other")
    with pytest.raises(GuestError, match="is mounted at /mnt/data"):
        mounts.mount(root, image(tmp_path, "second.raw"), "/mnt/data")
    mounts.unmount(root, "/mnt/data")
    assert mounts.mounted(root) == []
    with pytest.raises(GuestError, match="Nothing is mounted"):
        mounts.unmount(root, "/mnt/data")
    mounts.mount(root, disk, "/mnt/data", read_only=True)
    assert Path(root, "mnt/data/file").read_text() == "content"


@needs_root
def test_an_image_without_a_file_system_and_the_root_are_refused(root: str, tmp_path: Path) -> None:
    (tmp_path / "empty.raw").write_bytes(bytes(1 << 20))
    with pytest.raises(GuestError, match="can't be mounted"):
        mounts.mount(root, str(tmp_path / "empty.raw"), "/mnt")
    with pytest.raises(GuestError, match="root"):
        mounts.mount(root, str(tmp_path / "empty.raw"), "/tmp/..")


@needs_root
def test_a_file_system_that_others_use_is_not_torn_away_and_they_are_named(
    root: str, tmp_path: Path
) -> None:
    mounts.mount(root, image(tmp_path), "/mnt")
    outside = subprocess.Popen(["sleep", "60"], cwd=f"{root}/mnt")
    try:
        with pytest.raises(StillBusy, match=str(outside.pid)):
            mounts.unmount_all(root)
    finally:
        outside.kill()
        outside.wait()
    assert mounts.unmount_all(root) == 1


@needs_root
@pytest.mark.rule("AP-13")
@pytest.mark.parametrize("maker", ["mkfs.ext4", "mkfs.xfs"])
def test_while_frozen_no_write_reaches_the_disk_and_then_it_goes_on(
    root: str, tmp_path: Path, maker: str
) -> None:
    if not shutil.which(maker):
        pytest.skip(f"{maker} is not here")
    disk = image(tmp_path, maker=maker)
    mounts.mount(root, disk, "/mnt")
    text = "while :; do date +%N >> /proc/self/cwd/log; sync /proc/self/cwd/log; done"
    writer = processes.start(root, ["/bin/sh", "-c", text], folder=f"{root}/mnt")
    until(Path(root, "mnt/log").exists)
    freeze = Freeze(root, str(tmp_path / "frozen" / "i-1.json"), 10)
    freeze.begin()
    assert freeze.points == [f"{root}/mnt"]
    before = os.stat(disk).st_mtime_ns
    time.sleep(0.2)
    assert os.stat(disk).st_mtime_ns == before
    freeze.end()
    until(lambda: os.stat(disk).st_mtime_ns > before)
    assert not (tmp_path / "frozen").exists()
    processes.end_all(root, 0)
    writer.wait()


@pytest.mark.rule("AP-13")
def test_a_guest_without_mounts_has_its_processes_held(root: str, tmp_path: Path) -> None:
    target = Path(root, "log")
    writer = processes.start(root, ["/bin/sh", "-c", "while :; do echo x >> log; done"])
    until(target.exists)
    freeze = Freeze(root, str(tmp_path / "frozen" / "i-1.json"), 10)
    freeze.begin()
    before = target.stat().st_size
    time.sleep(0.1)
    assert target.stat().st_size == before
    freeze.end()
    until(lambda: target.stat().st_size > before)
    processes.end_all(root, 0)
    writer.wait()


@needs_root
@pytest.mark.rule("AP-12")
def test_a_freeze_that_lasts_too_long_is_ended_by_its_watchdog_and_told(
    root: str, tmp_path: Path
) -> None:
    mounts.mount(root, image(tmp_path), "/mnt")
    freeze = Freeze(root, str(tmp_path / "frozen" / "i-1.json"), 2)
    freeze.begin()
    until(lambda: not (tmp_path / "frozen" / "i-1.json").exists())
    assert not frozen(f"{root}/mnt")
    with pytest.raises(FreezeTimedOut):
        freeze.end()


_HOLDER = """
import sys, time
from snapcli.guests.freezing import Freeze
Freeze(sys.argv[1], sys.argv[2], 60).begin()
print("frozen", flush=True)
time.sleep(60)
"""


def _holder(root: str, record: str) -> "subprocess.Popen[bytes]":
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, root, record], stdout=subprocess.PIPE)
    assert holder.stdout is not None and holder.stdout.readline() == b"frozen\n"
    return holder


def _end(holder: "subprocess.Popen[bytes]") -> None:
    holder.kill()
    holder.wait()
    assert holder.stdout is not None
    holder.stdout.close()


@needs_root
@pytest.mark.rule("AP-12")
def test_a_command_that_is_killed_leaves_nothing_frozen(root: str, tmp_path: Path) -> None:
    mounts.mount(root, image(tmp_path), "/mnt")
    record = tmp_path / "frozen" / "i-1.json"
    _end(_holder(root, str(record)))
    until(lambda: not record.exists())
    assert not frozen(f"{root}/mnt")


def _watchdogs(record: str) -> list[int]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"snapcli.guests.watchdog" in words and record.encode() in words:
            found.append(int(name))
    return found


@needs_root
@pytest.mark.rule("AP-12")
def test_where_the_watchdog_was_killed_too_the_next_command_thaws(
    root: str, tmp_path: Path
) -> None:
    mounts.mount(root, image(tmp_path), "/mnt")
    record = tmp_path / "frozen" / "i-1.json"
    holder = _holder(root, str(record))
    assert thaw_left(str(record.parent)) == []  # its command still runs
    [watchdog] = _watchdogs(str(record))
    os.kill(watchdog, signal.SIGKILL)
    _end(holder)
    assert frozen(f"{root}/mnt")
    assert thaw_left(str(record.parent)) == ["i-1.json"]
    assert not frozen(f"{root}/mnt")
    assert thaw_left(str(tmp_path / "nowhere")) == []


@needs_root
def test_what_cannot_be_frozen_leaves_nothing_frozen(root: str, tmp_path: Path) -> None:
    first = mounts.mount(root, image(tmp_path, "a.raw"), "/mnt/a")
    second = mounts.mount(root, image(tmp_path, "b.raw"), "/mnt/b")
    subprocess.run(["fsfreeze", "-f", second.point], check=True)
    try:
        with pytest.raises(FreezeFailed, match="frozen already"):
            Freeze(root, str(tmp_path / "frozen" / "i-1.json"), 10).begin()
    finally:
        subprocess.run(["fsfreeze", "-u", second.point], check=False)
    assert not frozen(first.point)
    assert not (tmp_path / "frozen").exists()
