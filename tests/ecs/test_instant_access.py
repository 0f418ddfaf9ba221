"""Instant access: use while in creation, its limits, its end (rules IA)."""

import msgspec
import pytest
from snapshot_steps import found, slow
from support import REGION, Cloud, block

from snapcli.ecs.records import Chain
from snapcli.ecs.snapshot_state import instant_access_ends_at


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return cloud.instance()


@pytest.fixture
def disk_id(cloud: Cloud, instance_id: str) -> str:
    return cloud.data_disk(instance_id)


@pytest.mark.rule("IA-1", "CR-11", "RB-3")
def test_taken_while_running_it_rolls_the_disk_back_as_soon_as_the_instance_is_stopped(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    slow(cloud, minimum_seconds=600)
    cloud.write(disk_id, 0, block("A") * 4)
    made = cloud.snapshot(disk_id, InstantAccess=True, InstantAccessRetentionDays=1)
    cloud.write(disk_id, 1, block("B"))
    cloud.ecs("StopInstance", InstanceId=instance_id)
    state = found(cloud, made)
    assert (state["Status"], state["Available"]) == ("progressing", True)
    cloud.ok("reset-disk", "--disk-id", disk_id, "--snapshot-id", made, "--start-instance")
    assert cloud.read(disk_id, 0, 4) == block("A") * 4
    cloud.ecs("RebootInstance", InstanceId=instance_id)
    assert found(cloud, made)["Status"] == "progressing"
    cloud.ok("clock", "advance", "11m")
    assert found(cloud, made)["Status"] == "accomplished"
    cloud.check()


@pytest.mark.rule("IA-5", "IA-6")
def test_the_record_tells_when_it_was_switched_on_and_off(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    by_hand = cloud.snapshot(disk_id, InstantAccess=True, InstantAccessRetentionDays=9)
    with_disk = cloud.snapshot(disk_id, InstantAccess=True)
    never = cloud.snapshot(disk_id)
    cloud.ok("clock", "advance", "1h")
    for snapshot_id in (by_hand, never):
        request = {"SnapshotId": snapshot_id, "DisableInstantAccess": True}
        cloud.ecs("ModifySnapshotAttribute", **request)
        cloud.ecs("ModifySnapshotAttribute", **request)
    cloud.ok("clock", "advance", "1h")
    cloud.ecs("DetachDisk", InstanceId=instance_id, DiskId=disk_id)
    cloud.ecs("DeleteDisk", DiskId=disk_id)
    cloud.ok("clock", "advance", "1h")
    document = cloud.root / "chains" / REGION / disk_id / "chain.json"
    ends = {
        node.snapshot_id: (
            node.instant_access,
            (end := instant_access_ends_at(node)) and f"{end:%H:%M}",
        )
        for node in msgspec.json.decode(document.read_bytes(), type=Chain).nodes
    }
    assert ends == {by_hand: (True, "03:33"), with_disk: (True, "04:33"), never: (False, None)}
    for snapshot_id in ends:
        assert found(cloud, snapshot_id)["InstantAccess"] is False
