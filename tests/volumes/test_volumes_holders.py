"""Who else uses an image: programs that write to it, loop devices, and what stands on those."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from holding import MAPPER, READER, held_by, loop_device, mounted, needs_linux, needs_loop, written

from snapcli.volumes import holders as module
from snapcli.volumes.holders import holders
from snapcli.volumes.mount_table import Mounted

pytestmark = needs_linux


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "d-1.raw"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    return path


@pytest.fixture
def file_system(image: Path) -> Path:
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    return image


def test_nobody_uses_a_file_that_is_read_only_or_not_there(image: Path, tmp_path: Path) -> None:
    assert holders(image) == []
    with held_by(READER, image):
        assert holders(image) == []
    assert holders(tmp_path / "none.raw") == []
    assert holders(tmp_path) == []


def test_asking_costs_less_than_a_millisecond_where_nobody_uses_it(image: Path) -> None:
    holders(image)
    took = []
    for _ in range(20):
        start = time.perf_counter()
        holders(image)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.001


def test_who_has_it_open_for_writing_is_named(image: Path) -> None:
    with written(image) as pid:
        [found] = holders(image)
        assert (found.kind, found.pid) == ("process", pid)
        assert f"(process {pid}) has it open for writing" in str(found)
    assert holders(image) == []


def test_who_has_it_mapped_for_writing_is_named_though_no_descriptor_is_left(image: Path) -> None:
    with held_by(MAPPER, image) as pid:
        [found] = holders(image)
        assert (found.kind, found.pid) == ("process", pid)


def test_it_is_the_file_that_counts_not_its_name(image: Path, tmp_path: Path) -> None:
    os.link(image, tmp_path / "other.raw")
    os.symlink(image, tmp_path / "link.raw")
    with written(tmp_path / "other.raw") as pid:
        assert [each.pid for each in holders(image)] == [pid]
        assert [each.pid for each in holders(tmp_path / "link.raw")] == [pid]


def test_the_asking_process_itself_does_not_count(image: Path) -> None:
    with image.open("r+b"):
        assert holders(image) == []
        with written(image) as pid:
            assert [each.pid for each in holders(image)] == [pid]


def test_a_writer_that_cannot_be_named_is_told_of_all_the_same(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_processes", lambda state: iter(()))
    with written(image):
        [found] = holders(image)
    assert found.kind == "unknown" and "can't be named from here" in str(found)
    # A remote file system's kernel refuses leases for other reasons too, so none is asked for.
    monkeypatch.setattr("snapcli.volumes.syscalls._file_system", lambda fd: 0x6969)
    with written(image):
        assert holders(image) == []


def test_a_writer_that_ends_in_a_moment_is_waited_for(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([True, True, False])
    monkeypatch.setattr(module, "_is_open_for_writing", lambda name: next(answers))
    assert holders(image) == [] and next(answers, None) is None


def test_without_leases_writers_are_looked_for_all_the_same(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_is_open_for_writing", lambda name: None)
    assert holders(image) == []
    with written(image) as pid:
        assert [each.pid for each in holders(image)] == [pid]


def test_device_mapper_on_a_loop_device_is_named_with_where_it_is_mounted(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a /sys as the kernel makes it: not every machine has device mapper."""
    files = {
        "block/loop9/dev": "7:9",
        "block/loop9/loop/backing_file": str(image),
        "block/loop9/loop/autoclear": "0",
        "block/loop9/loop9p1/dev": "259:3",
        "block/loop9/holders/dm-0/here": "",
        "block/dm-0/dev": "253:0",
        "block/dm-0/dm/name": "vault-data",
        "block/loop8/dev": "7:8",
        "block/loop8/loop/backing_file": str(tmp_path / "other.raw"),
    }
    for name, content in files.items():
        path = tmp_path / "sys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    monkeypatch.setattr(module, "_SYS", str(tmp_path / "sys"))
    table = [Mounted("/srv/x", "/dev/mapper/vault-data", "ext4", (253, 0))]
    monkeypatch.setattr(module, "mount_table", lambda: table)
    [found] = holders(image)
    assert str(found) == (
        "/dev/loop9 with /dev/loop9p1, /dev/mapper/vault-data on it, mounted at /srv/x"
    )


@pytest.mark.slow
@needs_loop
@pytest.mark.parametrize("options", ["loop", "loop,ro"])
def test_a_mounted_image_is_in_use_also_read_only(
    file_system: Path, tmp_path: Path, options: str
) -> None:
    with mounted(file_system, tmp_path / "a b", options) as point:
        [found] = holders(file_system)
        assert found.kind == "device" and found.name.startswith("/dev/loop")
        assert found.points == (str(point),)
    assert holders(file_system) == []


@pytest.mark.slow
@needs_loop
def test_a_loop_device_alone_counts_and_so_does_one_on_it(image: Path) -> None:
    with loop_device(image) as device:
        [found] = holders(image)
        assert (found.name, found.above, found.points) == (device, (), ())
        with loop_device(device) as upper:
            [found] = holders(image)
            assert (found.name, found.above) == (device, (upper,))
            assert [each.above for each in holders(device)] == [(upper,)]
    assert holders(image) == []


@pytest.mark.slow
@needs_loop
def test_device_mapper_over_a_loop_device_is_seen_through(
    file_system: Path, tmp_path: Path
) -> None:
    with loop_device(file_system) as device:
        name = f"snapcli-test-{os.getpid()}"
        table = f"0 {64 << 11} linear {device} 0"
        if (
            not shutil.which("dmsetup")
            or subprocess.run(
                ["dmsetup", "create", name, "--table", table], capture_output=True
            ).returncode
        ):
            pytest.skip("there is no device mapper here")
        try:
            with mounted(f"/dev/mapper/{name}", tmp_path / "mnt", "rw") as point:
                [found] = holders(file_system)
                assert (found.above, found.points) == ((f"/dev/mapper/{name}",), (str(point),))
        finally:
            subprocess.run(["dmsetup", "remove", name], check=True)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("qemu-io"), reason="needs qemu-io")
def test_qemu_is_named(image: Path) -> None:
    with subprocess.Popen(
        ["qemu-io", "-f", "raw", str(image)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as qemu:
        end = time.monotonic() + 20
        while not (found := holders(image)) and time.monotonic() < end:
            time.sleep(0.05)
        assert [str(each) for each in found] == [
            f"qemu-io (process {qemu.pid}) has it open for writing"
        ]
        qemu.kill()
