"""What becomes of a snapshot in creation when its instance or disk changes (CR-11, CR-12)."""

import pytest
from refusals import refused
from snapshot_steps import found, slow
from support import BLOCK_BYTES, REGION, Cloud, block


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return cloud.instance()


@pytest.fixture
def disk_id(cloud: Cloud, instance_id: str) -> str:
    return cloud.data_disk(instance_id)


@pytest.mark.rule("CR-11")
@pytest.mark.parametrize("action", ["StopInstance", "RebootInstance", "StartInstance"])
def test_stopping_starting_or_rebooting_the_instance_makes_the_snapshot_in_creation_fail(
    cloud: Cloud, instance_id: str, disk_id: str, action: str
) -> None:
    cloud.write(disk_id, 0, block("A") * 8)
    before = cloud.snapshot(disk_id)
    if action == "StartInstance":
        cloud.ecs("StopInstance", InstanceId=instance_id)
    slow(cloud, minimum_seconds=10)
    cloud.write(disk_id, 0, block("B") * 4)
    made = cloud.snapshot(disk_id)
    cloud.ok("clock", "advance", "5s")
    cloud.ecs(action, InstanceId=instance_id)
    cloud.ok("clock", "advance", "1h")
    state = found(cloud, made)
    assert (state["Status"], state["Available"], state["RemainTime"]) == ("failed", False, 0)
    assert found(cloud, before)["Status"] == "accomplished"
    # It occupies nothing: neither in the books nor on the machine.
    assert cloud.chain_size(disk_id) == 8 * BLOCK_BYTES
    assert not list((cloud.root / "chains" / REGION / disk_id).glob(f"{made}.*"))
    cloud.check()


@pytest.mark.rule("CR-11")
def test_a_failed_snapshot_can_be_deleted_but_not_used(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    slow(cloud, minimum_seconds=10)
    cloud.write(disk_id, 0, block("A"))
    made = cloud.snapshot(disk_id)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ok("clock", "advance", "1h")
    refused(cloud, "OperationDenied", "ResetDisk", DiskId=disk_id, SnapshotId=made)
    new = {"RegionId": REGION, "ZoneId": "cn-hangzhou-h", "DiskCategory": "cloud_essd"}
    refused(cloud, "OperationDenied", "CreateDisk", SnapshotId=made, **new)
    # It does not stand in the way of the next, which holds everything again.
    following = cloud.snapshot(disk_id)
    assert cloud.chain_size(disk_id) == BLOCK_BYTES
    cloud.ecs("DeleteSnapshot", SnapshotId=made)
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [following]
    cloud.check()


@pytest.mark.rule("CR-12")
def test_a_disk_released_with_its_instance_takes_its_snapshot_in_creation_with_it(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("A") * 4)
    kept = cloud.snapshot(disk_id)
    slow(cloud, minimum_seconds=10)
    cloud.write(disk_id, 0, block("B"))
    unfinished = cloud.snapshot(disk_id)
    cloud.ecs("DeleteInstance", InstanceId=instance_id, Force=True)
    assert cloud.disks() == []
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [kept]
    assert cloud.chain_size(disk_id) == 4 * BLOCK_BYTES
    cloud.check()
    folder = cloud.root / "chains" / REGION / disk_id
    assert not list(folder.glob(f"{unfinished}*"))


@pytest.mark.rule("CR-12")
def test_an_only_snapshot_in_creation_leaves_nothing_behind(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    slow(cloud, minimum_seconds=10)
    cloud.write(disk_id, 0, block("A"))
    cloud.snapshot(disk_id)
    cloud.ecs("DeleteInstance", InstanceId=instance_id, Force=True)
    assert cloud.snapshots() == []
    assert not list((cloud.root / "chains").glob("*/*"))
    cloud.check()
