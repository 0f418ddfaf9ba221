"""`cp -al` is a right way to keep a workspace: work on one of the two never shows in the other."""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from guest_steps import clear, needs_root
from refusals import refused
from support import BLOCK_BYTES, Cloud, block

IMAGE = "centos_7_6_x64_20G_alibase_20220101.vhd"


class Kept:
    """A workspace with a chain of three snapshots, and its hard-linked copy."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.instance = cloud.instance()
        self.disk = cloud.data_disk(self.instance)
        self.snapshots = []
        for _ in range(3):
            cloud.write(self.disk, 0, os.urandom(8 * BLOCK_BYTES))
            self.snapshots.append(cloud.snapshot(self.disk))
        # The second snapshot's pack is needed for what the third did not change.
        cloud.write(self.disk, 0, os.urandom(3 * BLOCK_BYTES))
        self.snapshots.append(cloud.snapshot(self.disk))
        cloud.ok("guest", "path", self.instance)
        cloud.ok("guest", "run", self.instance, "-d", "--", "echo", "before")
        [log] = cloud.root.glob("guests/*/var/log/guest-run.log")
        until(lambda: log.stat().st_size > 0)
        cloud.ecs("StopInstance", InstanceId=self.instance)
        self.copy = Path(f"{cloud.root}.copy")
        shutil.copytree(cloud.root, self.copy, copy_function=os.link, symlinks=True)

    def check(self) -> None:
        """Check both workspaces, every stored block included."""
        self.cloud.check()
        problems = self.cloud.run_bare(
            "--workspace", str(self.copy), "check", "--read-data", "--output", "json"
        )
        assert problems.json["Problems"] == []


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def content(root: Path) -> dict[str, str]:
    """Return a digest of every file of a folder: its length, its bytes, and where its data is."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            if path.is_symlink():
                found[str(path.relative_to(root))] = os.readlink(path)
                continue
            summed = hashlib.sha256()
            with path.open("rb") as file:
                end = at = file.seek(0, os.SEEK_END)
                try:
                    at = os.lseek(file.fileno(), 0, os.SEEK_DATA)
                except OSError:
                    at = end
                while at < end:
                    after = os.lseek(file.fileno(), at, os.SEEK_HOLE)
                    for start in range(at, after, BLOCK_BYTES):
                        piece = os.pread(file.fileno(), min(BLOCK_BYTES, after - start), start)
                        if piece.strip(b"\0"):
                            summed.update(b"%d " % start + piece.rstrip(b"\0"))
                    try:
                        at = os.lseek(file.fileno(), after, os.SEEK_DATA)
                    except OSError:
                        break
            found[str(path.relative_to(root))] = f"{end} {summed.hexdigest()}"
    return found


def write(kept: Kept) -> None:
    kept.cloud.ok("disk", "write", kept.disk, "--offset", "10", stdin=os.urandom(100_000))


def reset(kept: Kept) -> None:
    kept.cloud.ecs("ResetDisk", DiskId=kept.disk, SnapshotId=kept.snapshots[0])


def reset_all(kept: Kept) -> None:
    pair = {"Disk__1__DiskId": kept.disk, "Disk__1__SnapshotId": kept.snapshots[0]}
    kept.cloud.ecs("ResetDisks", RegionId="cn-hangzhou", **pair)


def re_initialise(kept: Kept) -> None:
    kept.cloud.ecs("ReInitDisk", DiskId=kept.disk)
    [system] = [d["DiskId"] for d in kept.cloud.disks(DiskType="system")]
    kept.cloud.ecs("ReInitDisk", DiskId=system)


def resize(kept: Kept) -> None:
    kept.cloud.ecs("ResizeDisk", DiskId=kept.disk, NewSize=30)


def replace(kept: Kept) -> None:
    kept.cloud.ecs("ReplaceSystemDisk", InstanceId=kept.instance, ImageId=IMAGE)


def delete(kept: Kept, *which: int) -> None:
    for number in which:
        kept.cloud.ecs("DeleteSnapshot", SnapshotId=kept.snapshots[number])


def release(kept: Kept) -> None:
    kept.cloud.ecs("DeleteInstance", InstanceId=kept.instance)


def write_inside(kept: Kept) -> None:
    kept.cloud.ecs("StartInstance", InstanceId=kept.instance)
    line = "printf new | dd of=dev/vdb bs=8 conv=notrunc status=none"
    kept.cloud.ok("guest", "run", kept.instance, "--", "sh", "-c", line)
    assert kept.cloud.read(kept.disk, 0, 1)[:3] == b"new"
    kept.cloud.ok("guest", "run", kept.instance, "-d", "--", "echo", "after")
    kept.cloud.ok("guest", "put", kept.instance, "-", "/etc/new", stdin=b"new")
    kept.cloud.ecs("StopInstance", InstanceId=kept.instance)


def configure(kept: Kept) -> None:
    kept.cloud.ok("config", "set", "speed", "quick")
    kept.cloud.ok("clock", "advance", "2h")
    kept.cloud.snapshot(kept.disk)


WORK: dict[str, Callable[[Kept], None]] = {
    "deletion of the first": lambda kept: delete(kept, 0),
    "deletion of one whose blocks are needed": lambda kept: delete(kept, 2),
    "deletion of the last": lambda kept: delete(kept, 3),
    "deletion of several": lambda kept: delete(kept, 1, 2, 0),
    "rollback": reset,
    "rollback of several": reset_all,
    "re-initialisation": re_initialise,
    "resize": resize,
    "replacement": replace,
    "writing": write,
    "release": release,
    "a program inside": write_inside,
    "settings and time": configure,
}


@pytest.fixture
def kept(cloud: Cloud) -> Iterator[Kept]:
    found = Kept(cloud)
    yield found
    clear(cloud)


@pytest.mark.parametrize("work", WORK)
def test_work_on_the_original_leaves_the_copy_byte_for_byte_as_it_is(kept: Kept, work: str) -> None:
    before = content(kept.copy)
    WORK[work](kept)
    assert content(kept.copy) == before
    kept.check()


@pytest.mark.parametrize("work", WORK)
def test_work_on_the_copy_leaves_the_original_as_it_is(kept: Kept, work: str) -> None:
    before = content(kept.cloud.root)
    original, kept.cloud.root = kept.cloud.root, kept.copy
    WORK[work](kept)
    assert content(original) == before
    kept.check()


@pytest.mark.rule("IN-6")
def test_the_space_of_what_is_deleted_comes_back_once_the_copy_is_gone(kept: Kept) -> None:
    cloud = kept.cloud
    for number in (0, 1, 2):
        cloud.ecs("DeleteSnapshot", SnapshotId=kept.snapshots[number])
    shutil.rmtree(kept.copy)
    [chain] = cloud.root.glob(f"chains/*/{kept.disk}")
    packs = list(chain.glob("*.pack"))
    assert all(path.stat().st_nlink == 1 for path in packs)
    # 8 blocks of random bytes are what the one that is left holds.
    assert sum(path.stat().st_blocks for path in packs) * 512 <= 8 * BLOCK_BYTES + 5 * 4096
    cloud.check()
    cloud.ecs("ResetDisk", DiskId=kept.disk, SnapshotId=kept.snapshots[3])


def test_a_pack_with_holes_already_is_not_rewritten_for_nothing(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    made = []
    for blocks in (8, 4, 1):
        cloud.write(disk_id, 0, os.urandom(blocks * BLOCK_BYTES))
        made.append(cloud.snapshot(disk_id))
    cloud.ecs("DeleteSnapshot", SnapshotId=made[0])
    copy = Path(f"{cloud.root}.copy")
    shutil.copytree(cloud.root, copy, copy_function=os.link)
    [first] = cloud.root.glob(f"chains/*/*/{made[0]}.pack")
    before = first.stat()
    # What the second holds goes to the third; nothing more of the first's pack is dead then.
    cloud.ecs("DeleteSnapshot", SnapshotId=made[1])
    assert (first.stat().st_ino, first.stat().st_nlink) == (before.st_ino, 2)
    assert not list(cloud.root.glob(f"chains/*/*/{made[1]}.pack"))
    cloud.check()


@pytest.mark.rule("IN-6")
def test_the_pack_of_a_snapshot_that_needs_none_of_it_any_more_is_replaced_by_an_empty_one(
    cloud: Cloud,
) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    made = []
    for letter in "ABA":
        cloud.write(disk_id, 0, block(letter))
        made.append(cloud.snapshot(disk_id))
    copy = Path(f"{cloud.root}.copy")
    shutil.copytree(cloud.root, copy, copy_function=os.link)
    before = content(copy)
    # The third holds what the first does, so its own block is not needed.
    cloud.ecs("DeleteSnapshot", SnapshotId=made[1])
    [pack] = cloud.root.glob(f"chains/*/*/{made[2]}.pack")
    assert (pack.stat().st_nlink, pack.stat().st_size) == (1, 16)
    assert content(copy) == before
    cloud.check()


def test_a_disk_that_is_alone_is_not_copied(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    before = cloud.image(disk_id).stat().st_ino
    cloud.ok("disk", "write", disk_id, stdin=b"x")
    assert cloud.image(disk_id).stat().st_ino == before


def test_what_a_kill_left_of_breaking_off_hinders_nothing_and_is_no_problem(kept: Kept) -> None:
    image = kept.cloud.image(kept.disk)
    left = image.with_name(f".{image.name}.apart")
    left.write_bytes(b"half")
    kept.cloud.check()
    write(kept)
    assert not left.exists()
    left.write_bytes(b"half")
    kept.cloud.ecs("DeleteInstance", InstanceId=kept.instance)
    assert not left.exists()
    kept.cloud.check()


def test_where_there_is_no_room_for_a_file_of_its_own_nothing_is_changed(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapcli.volumes import images

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    before = content(kept.cloud.root)
    monkeypatch.setattr(images, "copy_image", full)
    result = kept.cloud.run("disk", "write", kept.disk, stdin=b"x")
    assert (result.code, result.error_code) == (1, "InvalidParameter")
    assert "No space left" in result.err
    result = kept.cloud.run("ecs", "ResizeDisk", f"--DiskId={kept.disk}", "--NewSize=30")
    assert result.code == 4 and "No space left" in result.err
    assert content(kept.cloud.root) == before


@pytest.mark.slow
@needs_root
def test_a_file_system_inside_is_written_to_in_a_file_of_its_own(cloud: Cloud) -> None:
    instance = cloud.instance()
    disk_id = cloud.data_disk(instance)
    subprocess.run(["mkfs.ext4", "-q", "-F", cloud.image(disk_id), "64M"], check=True)
    copy = Path(f"{cloud.root}.copy")
    shutil.copytree(cloud.root, copy, copy_function=os.link)
    before = content(copy)
    try:
        cloud.ok("guest", "mount", instance, disk_id, "/data")
        cloud.ok("guest", "put", instance, "-", "/data/new", stdin=b"new")
        # Linked while it is mounted: it can't be parted from the mount.
        os.link(cloud.image(disk_id), f"{copy}/linked.raw")
        refused(
            cloud, "IncorrectDiskStatus", "ResizeDisk", DiskId=disk_id, NewSize=30, Type="online"
        )
        os.unlink(f"{copy}/linked.raw")
        cloud.ok("guest", "umount", instance, "/data")
        assert content(copy) == before
    finally:
        clear(cloud)
