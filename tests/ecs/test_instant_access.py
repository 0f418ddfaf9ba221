"""Instant access: use while in creation, its limits, its end (rules IA)."""

import msgspec
import pytest
from refusals import refused
from snapshot_steps import found, slow, table
from support import LINUX_IMAGE, REGION, Cloud, block

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


@pytest.mark.rule("IA-1")
def test_while_in_creation_it_makes_disks_in_any_zone_and_data_disks_of_new_instances(
    cloud: Cloud, disk_id: str
) -> None:
    slow(cloud, minimum_seconds=600)
    cloud.write(disk_id, 3, block("A"))
    made = cloud.snapshot(disk_id, InstantAccess=True)
    cloud.write(disk_id, 3, block("B"))
    assert found(cloud, made)["Progress"] == "0%"
    for zone_id in ("cn-hangzhou-b", "cn-hangzhou-h"):
        new = {"RegionId": REGION, "ZoneId": zone_id, "DiskCategory": "cloud_essd"}
        copy = cloud.ecs("CreateDisk", SnapshotId=made, **new)["DiskId"]
        assert cloud.read(copy, 3, 1) == block("A")
    launch = {"RegionId": REGION, "ImageId": LINUX_IMAGE, "InstanceType": "ecs.g7.large"}
    request = launch | {"DataDisk__1__SnapshotId": made, "DataDisk__1__Category": "cloud_essd"}
    [instance_id] = cloud.ecs("RunInstances", **request)["InstanceIdSets"]["InstanceIdSet"]
    assert cloud.read(cloud.data_disk(instance_id), 3, 1) == block("A")
    # A plain one in creation makes none.
    cloud.ok("clock", "advance", "1h")
    request["DataDisk__1__SnapshotId"] = cloud.snapshot(disk_id)
    refused(cloud, "InvalidSnapshotId.NotReady", "RunInstances", **request)


@pytest.mark.rule("IA-1")
def test_while_in_creation_its_disk_can_be_resized_and_the_rollback_takes_the_size_back(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    """Resizing is one of the risky changes that the feature is offered for."""
    slow(cloud, minimum_seconds=600)
    made = cloud.snapshot(disk_id, InstantAccess=True)
    cloud.ecs("ResizeDisk", DiskId=disk_id, NewSize=30)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=made)
    assert cloud.disk(disk_id)["Size"] == 20
    cloud.snapshot(disk_id)
    refused(cloud, "DiskCreatingSnapshot", "ResizeDisk", DiskId=disk_id, NewSize=30)


@pytest.mark.rule("IA-2")
@pytest.mark.parametrize("category", ["cloud", "cloud_efficiency", "cloud_ssd", "cloud_auto"])
def test_it_is_for_essds_only(cloud: Cloud, category: str) -> None:
    made = cloud.instance(data_gib=None, DataDisk__1__Size=40, DataDisk__1__Category=category)
    request = {"DiskId": cloud.data_disk(made), "InstantAccess": True}
    result = refused(cloud, "DiskCategory.OperationNotSupported", "CreateSnapshot", **request)
    assert category in result.err and "cloud_essd" in result.err


@pytest.mark.rule("IA-2")
def test_ten_snapshots_of_a_disk_have_it_until_one_is_off_or_gone(
    cloud: Cloud, disk_id: str
) -> None:
    request = {"DiskId": disk_id, "InstantAccess": True}
    made = [cloud.snapshot(disk_id, InstantAccess=True) for _ in range(9)]
    cloud.snapshot(disk_id, InstantAccess=True, InstantAccessRetentionDays=1)
    result = refused(cloud, "QuotaExceed.Snapshot", "CreateSnapshot", **request)
    assert "10 are allowed (quotas.instant_access_snapshots_per_disk)" in result.err
    assert "DisableInstantAccess" in result.err
    cloud.snapshot(disk_id)  # without it there is room
    cloud.ecs("ModifySnapshotAttribute", SnapshotId=made[0], DisableInstantAccess=True)
    cloud.snapshot(disk_id, InstantAccess=True)
    refused(cloud, "QuotaExceed.Snapshot", "CreateSnapshot", **request)
    cloud.ecs("DeleteSnapshot", SnapshotId=made[1])
    cloud.snapshot(disk_id, InstantAccess=True)
    refused(cloud, "QuotaExceed.Snapshot", "CreateSnapshot", **request)
    cloud.ok("clock", "advance", "1d")  # the one of a day is over
    cloud.snapshot(disk_id, InstantAccess=True)
    cloud.ok("config", "set", "quotas.instant_access_snapshots_per_disk", "12")
    cloud.snapshot(disk_id, InstantAccess=True)


@pytest.mark.rule("IA-3")
def test_a_disk_with_one_is_not_re_initialised_even_while_it_is_in_creation(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.ecs("StopInstance", InstanceId=instance_id)
    slow(cloud, minimum_seconds=600)
    made = cloud.snapshot(disk_id, InstantAccess=True, InstantAccessRetentionDays=1)
    code = "DiskHasSnapshotsWithInstantAccessEnabled.OperationNotSupported"
    for wait in ("0s", "11m"):
        cloud.ok("clock", "advance", wait)
        assert made in refused(cloud, code, "ReInitDisk", DiskId=disk_id).err
    cloud.ok("clock", "advance", "1d")
    cloud.ecs("ReInitDisk", DiskId=disk_id)


@pytest.mark.rule("IA-4")
@pytest.mark.parametrize("days", [0, 65537, "x"])
def test_its_days_are_1_to_65536(cloud: Cloud, disk_id: str, days: object) -> None:
    code = "InvalidInstantAccessRetentionDays.Malformed"
    request = {"DiskId": disk_id, "InstantAccess": True, "InstantAccessRetentionDays": days}
    refused(cloud, code, "CreateSnapshot", **request)


@pytest.mark.rule("IA-4")
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"InstantAccessRetentionDays": 1}, 1),
        ({"InstantAccessRetentionDays": 65536}, 65536),
        ({"RetentionDays": 7}, 7),
        ({"RetentionDays": 7, "InstantAccessRetentionDays": 2}, 2),
        ({}, None),
    ],
)
def test_without_days_of_its_own_it_lasts_as_long_as_the_snapshot(
    cloud: Cloud, disk_id: str, given: dict[str, int], shown: int | None
) -> None:
    state = found(cloud, cloud.snapshot(disk_id, InstantAccess=True, **given))
    assert (state["InstantAccess"], state.get("InstantAccessRetentionDays")) == (True, shown)
    state = found(cloud, cloud.snapshot(disk_id, **given))
    assert (state["InstantAccess"], "InstantAccessRetentionDays" in state) == (False, False)


@pytest.mark.rule("IA-4")
def test_when_its_days_are_over_it_is_off_and_the_snapshot_stays(
    cloud: Cloud, disk_id: str
) -> None:
    made = cloud.snapshot(disk_id, InstantAccess=True, InstantAccessRetentionDays=2)
    cloud.ok("clock", "advance", "1d23h59m59s")
    assert found(cloud, made)["InstantAccess"] is True
    cloud.ok("clock", "advance", "1s")
    state = found(cloud, made)
    assert (state["InstantAccess"], state["Status"]) == (False, "accomplished")
    assert "InstantAccessRetentionDays" not in state


@pytest.mark.rule("IA-5")
def test_it_is_switched_off_by_hand_only_when_creation_is_finished(
    cloud: Cloud, disk_id: str
) -> None:
    slow(cloud, minimum_seconds=60)
    made = cloud.snapshot(disk_id, InstantAccess=True)
    request = {"SnapshotId": made, "DisableInstantAccess": True}
    code = "IncorrectDiskStatus.CreatingSnapshot"
    refused(cloud, code, "ModifySnapshotAttribute", **request)
    # A refusal takes the whole change with it.
    refused(cloud, code, "ModifySnapshotAttribute", SnapshotName="other", **request)
    cloud.ok("clock", "advance", "61s")
    code = "InvalidSnapshotDisableInstantAccess.Malformed"
    wrong = {"SnapshotId": made, "DisableInstantAccess": "maybe"}
    refused(cloud, code, "ModifySnapshotAttribute", **wrong)
    cloud.ecs("ModifySnapshotAttribute", **request)
    assert found(cloud, made)["InstantAccess"] is False


@pytest.mark.rule("IA-5")
def test_deleting_the_snapshot_ends_it_even_in_creation(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    slow(cloud, minimum_seconds=60)
    made = cloud.snapshot(disk_id, InstantAccess=True)
    cloud.ecs("DeleteSnapshot", SnapshotId=made)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ecs("ReInitDisk", DiskId=disk_id)


@pytest.mark.rule("IA-7")
def test_the_consoles_column_says_until_when(cloud: Cloud, disk_id: str) -> None:
    def column() -> str:
        [row] = table(cloud, "describe-snapshots")
        return row["Instant Access"]

    made = cloud.snapshot(disk_id, InstantAccess=True, InstantAccessRetentionDays=1)
    assert column() == "Expires At March 12, 2022, 10:33"
    cloud.ecs("ModifySnapshotAttribute", SnapshotId=made, DisableInstantAccess=True)
    assert column() == "Disabled"
    cloud.ecs("DeleteSnapshot", SnapshotId=made)
    cloud.snapshot(disk_id, InstantAccess=True)
    assert column() == "Enabled"


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
