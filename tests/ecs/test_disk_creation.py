"""CreateDisk from a snapshot: identical disks, in any zone of the region (rules OV-3, IA-1)."""

import json

import pytest
from refusals import refused
from support import BLOCK_BYTES, GIB, REGION, Cloud, block

ZONES = ("cn-hangzhou-g", "cn-hangzhou-h", "cn-hangzhou-i")
ESSD = {"RegionId": REGION, "DiskCategory": "cloud_essd"}
LAST_BLOCK = 20 * GIB // BLOCK_BYTES - 1


@pytest.fixture
def disk_id(cloud: Cloud) -> str:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, block("A") + bytes(BLOCK_BYTES) + block("C"))
    cloud.write(disk_id, LAST_BLOCK, block("Z"))
    return disk_id


def occupied_bytes(cloud: Cloud, disk_id: str) -> int:
    """What the disk's file takes on the machine."""
    return cloud.image(disk_id).stat().st_blocks * 512


@pytest.mark.rule("OV-3")
def test_one_snapshot_makes_identical_disks_in_every_zone_of_its_region(
    cloud: Cloud, disk_id: str
) -> None:
    first = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, block("X"))
    cloud.snapshot(disk_id)
    made = [
        cloud.ecs("CreateDisk", ZoneId=zone, SnapshotId=first, **ESSD)["DiskId"] for zone in ZONES
    ]
    made.append(cloud.ecs("CreateDisk", ZoneId=ZONES[0], SnapshotId=first, **ESSD)["DiskId"])
    assert len(set(made)) == 4
    for new in made:
        assert cloud.image(new).stat().st_size == 20 * GIB
        assert cloud.read(new, 0, 4) == (
            block("A") + bytes(BLOCK_BYTES) + block("C") + bytes(BLOCK_BYTES)
        )
        assert cloud.read(new, LAST_BLOCK, 1) == block("Z")
        assert occupied_bytes(cloud, new) == 3 * BLOCK_BYTES
        assert cloud.disk(new)["SourceSnapshotId"] == first
    assert {cloud.disk(new)["ZoneId"] for new in made} == set(ZONES)
    # Each is a disk of its own.
    cloud.write(made[0], 0, block("Q"))
    assert cloud.read(made[1], 0, 1) == block("A")
    cloud.check()


@pytest.mark.rule("OV-3")
def test_a_larger_disk_ends_in_zeros_and_a_smaller_one_becomes_as_large_as_the_snapshot(
    cloud: Cloud, disk_id: str
) -> None:
    made = cloud.snapshot(disk_id)
    large = cloud.ecs("CreateDisk", ZoneId=ZONES[0], SnapshotId=made, Size=40, **ESSD)["DiskId"]
    assert cloud.disk(large)["Size"] == 40
    assert cloud.read(large, LAST_BLOCK, 2) == block("Z") + bytes(BLOCK_BYTES)
    small = cloud.ecs(
        "CreateDisk", ZoneId=ZONES[0], SnapshotId=made, Size=1, PerformanceLevel="PL0", **ESSD
    )["DiskId"]
    assert cloud.disk(small)["Size"] == 20


@pytest.mark.rule("OV-3")
def test_a_snapshot_of_a_system_disk_makes_a_data_disk(cloud: Cloud) -> None:
    [system] = cloud.disks(InstanceId=cloud.instance(data_gib=None))
    made = cloud.snapshot(system["DiskId"])
    new = cloud.ecs("CreateDisk", ZoneId=ZONES[1], SnapshotId=made, **ESSD)["DiskId"]
    assert cloud.disk(new)["Type"] == "data"
    assert cloud.read(new, 0, 1) == cloud.read(system["DiskId"], 0, 1)
    assert b"snapcli public image" in cloud.read(new, 0, 1)


@pytest.mark.rule("OV-3")
def test_in_another_region_the_snapshot_is_not_found(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    request = {"SnapshotId": made, "RegionId": "cn-beijing", "ZoneId": "cn-beijing-h"}
    result = refused(cloud, "InvalidSnapshotId.NotFound", "CreateDisk", **request)
    assert REGION in result.err


@pytest.mark.rule("OV-3")
def test_an_instance_gets_a_data_disk_made_from_a_snapshot(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    instance_id = cloud.instance(
        data_gib=None, DataDisk__1__SnapshotId=made, DataDisk__1__Category="cloud_essd"
    )
    assert cloud.read(cloud.data_disk(instance_id), LAST_BLOCK, 1) == block("Z")
    usage = cloud.snapshots(SnapshotIds=json.dumps([made]))[0]["Usage"]
    assert usage == "disk"


@pytest.mark.rule("IA-1")
def test_a_snapshot_in_creation_makes_a_disk_only_with_instant_access(
    cloud: Cloud, disk_id: str
) -> None:
    cloud.ok("config", "set", "speed", "quick")
    request = {"ZoneId": ZONES[0], **ESSD}
    fast = cloud.snapshot(disk_id, InstantAccess=True)
    new = cloud.ecs("CreateDisk", SnapshotId=fast, **request)["DiskId"]
    assert cloud.read(new, 0, 1) == block("A")
    plain = cloud.snapshot(disk_id)
    refused(cloud, "InvalidSnapshotId.NotReady", "CreateDisk", SnapshotId=plain, **request)
    cloud.ok("clock", "advance", "1m")
    cloud.ecs("CreateDisk", SnapshotId=plain, **request)
