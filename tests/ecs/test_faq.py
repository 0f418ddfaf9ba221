"""The guide's questions and answers that say how things behave (rules FQ-1, IN-7)."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from refusals import refused
from snapshot_steps import found
from support import BLOCK_BYTES, REGION, Cloud, block

NEW_DISK = {"RegionId": REGION, "ZoneId": "cn-hangzhou-b", "DiskCategory": "cloud_essd"}
_TOOLS = {
    name: shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    for name in ("mkfs.ext4", "debugfs", "e2fsck")
}
needs_ext4 = pytest.mark.skipif(not all(_TOOLS.values()), reason="there are no tools for ext4")


@pytest.mark.rule("FQ-1")
@pytest.mark.parametrize("kept", [False, True])
def test_snapshots_of_a_released_instance_make_disks_for_another_and_restore_nothing(
    cloud: Cloud, kept: bool
) -> None:
    released = cloud.instance()
    disk_id = cloud.data_disk(released)
    cloud.ecs("ModifyDiskAttribute", DiskId=disk_id, DeleteWithInstance=not kept)
    cloud.write(disk_id, 0, block("A") + block("B"))
    made = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, block("X"))
    cloud.ecs("StopInstance", InstanceId=released)
    cloud.ecs("DeleteInstance", InstanceId=released)
    # The instance is gone for good, and its disk can't be rolled back.
    refused(cloud, "InvalidInstanceId.NotFound", "StartInstance", InstanceId=released)
    if kept:
        detached = cloud.refused("ResetDisk", DiskId=disk_id, SnapshotId=made)
        assert detached.error_code != "InvalidDiskId.NotFound"
        assert cloud.read(disk_id, 0, 2) == block("X") + block("B")
    else:
        code = "InvalidDiskId.NotFound"
        refused(cloud, code, "ResetDisk", DiskId=disk_id, SnapshotId=made)
    # A disk made from the snapshot brings the data to another instance.
    other = cloud.instance(data_gib=None)
    child = cloud.ecs("CreateDisk", SnapshotId=made, **NEW_DISK)["DiskId"]
    cloud.ecs("AttachDisk", InstanceId=other, DiskId=child)
    assert cloud.disk(child)["InstanceId"] == other
    assert cloud.read(child, 0, 3) == block("A") + block("B") + bytes(BLOCK_BYTES)
    # It is not the snapshot's own disk, so it can't be rolled back to it either.
    cloud.ecs("StopInstance", InstanceId=other)
    assert cloud.refused("ResetDisk", DiskId=child, SnapshotId=made).error_code
    cloud.check()


def tool(name: str, *words: str) -> str:
    done = subprocess.run(
        [str(_TOOLS[name]), *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_ext4
@pytest.mark.rule("IN-7")
def test_a_file_deleted_in_a_real_file_system_stays_in_later_snapshots(
    cloud: Cloud, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    content = os.urandom(4 << 20)
    (files / "large").write_bytes(content)
    (files / "small").write_bytes(b"small\n")
    disk_id = cloud.data_disk(cloud.instance())
    image = str(cloud.image(disk_id))
    tool("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-d", str(files), image)
    before = found(cloud, cloud.snapshot(disk_id))
    tool("debugfs", "-w", "-R", "rm /large", image)
    assert "large" not in tool("debugfs", "-R", "ls /", image)
    tool("e2fsck", "-f", "-n", image)
    made = cloud.snapshot(disk_id)
    after = found(cloud, made)
    size = "FullSnapshotSizeInBytes"
    assert after[size] >= before[size] >= len(content)
    # Only the file system's tables changed, so the second snapshot itself is small...
    nodes = cloud.ok("chain", "show", disk_id, "--output", "json").json["Nodes"]
    assert 0 < nodes[1]["DataBlocks"] * BLOCK_BYTES < len(content) // 4
    # ... and a disk made from it still has the file's bytes in its blocks.
    child = cloud.ecs("CreateDisk", SnapshotId=made, **NEW_DISK)["DiskId"]
    with cloud.image(child).open("rb") as disk:
        beginning = disk.read(64 << 20)
    assert content[: 1 << 20] in beginning or content[-(1 << 20) :] in beginning
    assert "small" in tool("debugfs", "-R", "ls /", str(cloud.image(child)))


@pytest.mark.rule("IN-7", "IN-1")
def test_the_first_snapshot_is_as_large_as_what_was_written_and_zeros_are_not(
    cloud: Cloud,
) -> None:
    disk_id = cloud.data_disk(cloud.instance(data_gib=200))
    cloud.write(disk_id, 0, block("A") * 12)
    cloud.write(disk_id, 1 << 20, block("B") * 3)
    cloud.write(disk_id, 2 << 20, bytes(20 * BLOCK_BYTES))
    state = found(cloud, cloud.snapshot(disk_id))
    assert state["FullSnapshotSizeInBytes"] == cloud.chain_size(disk_id) == 15 * BLOCK_BYTES
    assert state["SourceDiskSize"] == "200"
