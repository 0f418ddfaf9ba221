"""The promises on bytes, through the front door, with the workspace on each kind of file system."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from holding import loop_device
from holding import mounted as mounted_at
from real_file_systems import MAKERS, mounted
from refusals import refused
from snapshot_steps import digest
from support import BLOCK_BYTES, REGION, Cloud, block

pytestmark = pytest.mark.slow


@pytest.fixture(params=MAKERS)
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cloud]:
    with mounted(request.param, tmp_path) as mount:
        yield Cloud(mount / "workspace")


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return cloud.instance()


@pytest.fixture
def disk_id(cloud: Cloud, instance_id: str) -> str:
    return cloud.data_disk(instance_id)


def restored(cloud: Cloud, snapshot_id: str) -> Path:
    """The file of a new disk made from a snapshot."""
    made = cloud.ecs(
        "CreateDisk",
        RegionId=REGION,
        ZoneId=cloud.disks()[0]["ZoneId"],
        SnapshotId=snapshot_id,
        DiskCategory="cloud_essd",
    )
    return cloud.image(made["DiskId"])


def put(image: Path, text: bytes) -> None:
    with image.open("r+b") as file:
        file.write(text)


@pytest.mark.rule("OV-1", "OV-2")
def test_a_second_write_in_the_same_second_is_in_the_next_snapshot(
    cloud: Cloud, disk_id: str
) -> None:
    image = cloud.image(disk_id)
    for _ in range(3):
        time.sleep(1 - time.time() % 1)  # a second begins
        put(image, b"old")
        cloud.snapshot(disk_id)
        put(image, b"new")
        time.sleep(2.5)
        with restored(cloud, cloud.snapshot(disk_id)).open("rb") as file:
            assert file.read(3) == b"new"
        cloud.check()


@pytest.mark.rule("OV-2")
def test_a_disk_that_is_written_through_a_mapping_is_captured_whole_or_refused(
    cloud: Cloud, disk_id: str
) -> None:
    image, last = cloud.image(disk_id), 4096 * BLOCK_BYTES
    put(image, bytes(range(256)) * 4096)
    program = Path(__file__).parent.parent / "volumes" / "two_counters.py"
    words = [sys.executable, program, "mapped", image, "0", image, str(last)]
    with image.open("r+b") as file:
        os.pwrite(file.fileno(), bytes(8), 0)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdin is not None and writer.stdout is not None
        assert writer.stdout.readline()
        results = [cloud.run("ecs", "CreateSnapshot", "--DiskId", disk_id) for _ in range(6)]
        writer.stdin.close()
    for result in results:
        if result.code:
            assert result.error_code == "CreateSnapshot.Failed"
            continue
        with restored(cloud, result.json["SnapshotId"]).open("rb") as file:
            first, second = (
                int.from_bytes(os.pread(file.fileno(), 8, at), "little") for at in (0, last)
            )
        assert first - second in (0, 1)
    cloud.check()


@pytest.mark.rule("RB-2")
def test_a_rollback_under_a_foreign_mount_is_refused(
    cloud: Cloud, instance_id: str, disk_id: str, tmp_path: Path
) -> None:
    image, point = cloud.image(disk_id), tmp_path / "point"
    subprocess.run(["mkfs.ext4", "-q", "-F", image, "64M"], check=True)
    made = cloud.snapshot(disk_id)
    kept = cloud.read(disk_id, 0, 1024)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    with loop_device(image) as device, mounted_at(device, point, "rw"):
        (point / "file").write_bytes(b"written by another program")
        os.sync()
        wanted = {"DiskId": disk_id, "SnapshotId": made}
        result = refused(cloud, "IncorrectDiskStatus", "ResetDisk", **wanted)
        assert device in result.err and str(point) in result.err
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=made)
    assert cloud.read(disk_id, 0, 1024) == kept
    cloud.check()


@pytest.mark.rule("IN-6")
def test_a_hard_linked_copy_is_whole_after_work_on_the_original(cloud: Cloud, disk_id: str) -> None:
    cloud.write(disk_id, 0, os.urandom(32 * BLOCK_BYTES))
    first = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, os.urandom(16 * BLOCK_BYTES))
    cloud.snapshot(disk_id)
    copy = cloud.root.with_name("copy")
    subprocess.run(["cp", "-al", cloud.root, copy], check=True)
    kept = digest(cloud, disk_id)
    cloud.ecs("DeleteSnapshot", SnapshotId=first)
    cloud.ok("disk", "write", disk_id, stdin=block("N"))
    cloud.check()
    other = Cloud.__new__(Cloud)
    other.root = copy
    other.check()
    assert digest(other, disk_id) == kept
    shutil.rmtree(copy)
    cloud.check()


@pytest.mark.rule("OV-1")
@pytest.mark.parametrize("length", [3 << 20, (20 << 30) + 512])
def test_a_disk_of_the_wrong_length_is_not_captured(
    cloud: Cloud, disk_id: str, length: int
) -> None:
    os.truncate(cloud.image(disk_id), length)
    result = cloud.run("ecs", "CreateSnapshot", "--DiskId", disk_id)
    assert result.code == 4
    assert f"{length} bytes" in result.err and f"truncate -s {20 << 30}" in result.err
    assert cloud.snapshots() == []
