"""A rollback or capture that is cut off, meets damage or a full file system (rule RB-9)."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from refusals import picture
from snapshot_steps import digest
from support import BLOCK_BYTES, REGION, Cloud, block


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return cloud.instance()


@pytest.fixture
def disk_id(cloud: Cloud, instance_id: str) -> str:
    return cloud.data_disk(instance_id)


def stop(cloud: Cloud, instance_id: str) -> None:
    cloud.ecs("StopInstance", InstanceId=instance_id)


# Ends the process, as kill -9 would, after so many pieces of a rollback were written.
_DIE = """
import os, sys, threading
from snapcli.volumes import restore
left, lock, write = [int(sys.argv[1])], threading.Lock(), restore._Filler.write
def dying(self, first, blocks):
    with lock:
        if left[0] == 0:
            os._exit(9)
        left[0] -= 1
        write(self, first, blocks)
restore._Filler.write = dying
from snapcli.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.rule("RB-9")
@pytest.mark.parametrize("pieces", [0, 1, 3])
@pytest.mark.parametrize("more", [(), ("--snapshot-first",)])
def test_a_rollback_cut_off_half_way_is_finished_by_the_next_command(
    cloud: Cloud, instance_id: str, disk_id: str, pieces: int, more: tuple[str, ...]
) -> None:
    cloud.snapshot(disk_id)
    for at in range(0, 4000, 1000):
        cloud.write(disk_id, at, random.randbytes(40 * BLOCK_BYTES))
    wanted = digest(cloud, disk_id)
    made = cloud.snapshot(disk_id)
    for at in range(0, 4000, 1000):
        cloud.write(disk_id, at, random.randbytes(40 * BLOCK_BYTES))
    cloud.write(disk_id, 9000, block("N"))
    later = digest(cloud, disk_id)
    stop(cloud, instance_id)
    image = cloud.image(disk_id)
    line = ["reset-disk", "--disk-id", disk_id, "--snapshot-id", made, *more]
    died = subprocess.run(
        [sys.executable, "-c", _DIE, str(pieces), "--workspace", str(cloud.root), *line],
        capture_output=True,
        timeout=60,
    )
    assert died.returncode == 9
    assert (cloud.root / "journal.json").exists()
    with image.open("rb") as file:  # really cut off: the last data is still the later one
        file.seek(9000 * BLOCK_BYTES)
        assert file.read(BLOCK_BYTES) == block("N")
    count = len(cloud.snapshots())  # a command that only reads is enough
    assert count == 2 + len(more)
    assert not (cloud.root / "journal.json").exists()
    assert digest(cloud, disk_id) == wanted
    cloud.check()
    if more:
        cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=cloud.snapshots()[0]["SnapshotId"])
        assert digest(cloud, disk_id) == later


@pytest.mark.rule("RB-9", "OV-2")
def test_a_capture_cut_off_half_way_leaves_the_state_before(cloud: Cloud, disk_id: str) -> None:
    cloud.write(disk_id, 0, random.randbytes(8 * BLOCK_BYTES))
    kept = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, random.randbytes(8 * BLOCK_BYTES))
    before = picture(cloud)
    script = (
        "import os, sys\n"
        "from snapcli.volumes import packs\n"
        "packs.PackWriter.finish = lambda *_: os._exit(9)\n"
        "from snapcli.cli.main import main\n"
        "main(sys.argv[1:])\n"
    )
    line = ["--workspace", str(cloud.root), "ecs", "CreateSnapshot", "--DiskId", disk_id]
    died = subprocess.run([sys.executable, "-c", script, *line], capture_output=True, timeout=60)
    assert died.returncode == 9
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [kept]
    assert picture(cloud) == before
    cloud.check()


@pytest.mark.rule("RB-9")
def test_a_damaged_block_is_found_before_anything_is_changed(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 0, random.randbytes(4 * BLOCK_BYTES))
    made = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, bytes(4 * BLOCK_BYTES))
    stop(cloud, instance_id)
    pack = cloud.root / "chains" / REGION / disk_id / f"{made}.pack"
    content = bytearray(pack.read_bytes())
    content[-10] ^= 1
    pack.write_bytes(content)
    before = picture(cloud)
    result = cloud.run("ecs", "ResetDisk", "--DiskId", disk_id, "--SnapshotId", made)
    assert result.code == 4
    assert made in result.err and "block 3" in result.err and "Traceback" not in result.err
    assert picture(cloud) == before
    # The damaged snapshot can be deleted; the disk goes on.
    cloud.ecs("DeleteSnapshot", SnapshotId=made)
    cloud.check()


@pytest.fixture
def small_cloud(tmp_path: Path) -> Iterator[Cloud]:
    """A workspace on a file system of 12 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    mounting = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)]
    if subprocess.run(mounting, capture_output=True).returncode != 0:
        pytest.skip("no small file system can be mounted here")
    try:
        yield Cloud(folder / "workspace")
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Use up what is left of a file system, and return the file that does."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for piece in (1 << 16, 1 << 12):
            try:
                while True:
                    file.write(bytes(piece))
            except OSError:
                continue
    with filler.open("r+b") as file:  # documents need a little
        file.truncate(filler.stat().st_size - (256 << 10))
    return filler


@pytest.mark.rule("RB-9")
def test_on_a_full_file_system_a_rollback_is_refused_before_anything_is_changed(
    small_cloud: Cloud,
) -> None:
    cloud = small_cloud
    instance_id = cloud.instance()
    disk_id = cloud.data_disk(instance_id)
    empty = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, random.randbytes(48 * BLOCK_BYTES))
    wanted = digest(cloud, disk_id)
    made = cloud.snapshot(disk_id)
    stop(cloud, instance_id)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=empty)
    filler = fill(cloud.root)
    before = cloud.image(disk_id).stat().st_blocks
    result = cloud.run("ecs", "ResetDisk", "--DiskId", disk_id, "--SnapshotId", made)
    assert result.code == 4
    assert "space" in result.err and "Traceback" not in result.err
    assert not (cloud.root / "journal.json").exists()
    assert cloud.image(disk_id).stat().st_blocks == before
    assert cloud.read(disk_id, 0, 48) == bytes(48 * BLOCK_BYTES)
    assert len(cloud.snapshots()) == 2
    filler.unlink()
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=made)
    assert digest(cloud, disk_id) == wanted
    cloud.check()


@pytest.mark.rule("OV-2", "DL-1")
def test_on_a_full_file_system_a_capture_is_refused_and_deleting_makes_room(
    small_cloud: Cloud,
) -> None:
    cloud = small_cloud
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, random.randbytes(40 * BLOCK_BYTES))
    first = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, random.randbytes(40 * BLOCK_BYTES))
    filler = fill(cloud.root)
    result = cloud.run("ecs", "CreateSnapshot", "--DiskId", disk_id)
    assert result.code == 4
    assert "space" in result.err and "Traceback" not in result.err
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [first]
    cloud.check()
    cloud.ecs("DeleteSnapshot", SnapshotId=first)
    cloud.snapshot(disk_id)
    filler.unlink()
    cloud.check()
