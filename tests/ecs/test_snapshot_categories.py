"""ModifySnapshotCategory: archiving, which nothing undoes, and what archived ones can't do."""

import pytest
from refusals import refused
from snapshot_steps import found, slow, table
from support import BLOCK_BYTES, REGION, Cloud, block

ARCHIVE = "ModifySnapshotCategory"
NEW = {"RegionId": REGION, "ZoneId": "cn-hangzhou-b", "DiskCategory": "cloud_essd"}


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return cloud.instance()


@pytest.fixture
def disk_id(cloud: Cloud, instance_id: str) -> str:
    return cloud.data_disk(instance_id)


def old(cloud: Cloud, disk_id: str, **parameters: object) -> str:
    """Create a snapshot and let 14 days pass."""
    made = cloud.snapshot(disk_id, **parameters)
    cloud.ok("clock", "advance", "14d")
    return made


@pytest.mark.parametrize("category", [{}, {"Category": "Archive"}, {"Category": "archive"}])
def test_a_snapshot_of_14_days_is_archived_and_kept_for_ever(
    cloud: Cloud, disk_id: str, category: dict[str, str]
) -> None:
    cloud.write(disk_id, 0, block("A"))
    made = old(cloud, disk_id, RetentionDays=30)
    answer = cloud.ecs(ARCHIVE, SnapshotId=made, **category)
    assert set(answer) == {"RequestId", "TaskId"} and answer["TaskId"].startswith("t-bp1")
    state = found(cloud, made)
    assert (state["Category"], state["Status"]) == ("archive", "accomplished")
    assert "RetentionDays" not in state and state["Available"] is False
    assert state["LastModifiedTime"] == "2022-03-25T02:33:00Z"
    cloud.ok("clock", "advance", "1000d")
    assert [each["SnapshotId"] for each in cloud.snapshots(Category="archive")] == [made]
    [row] = table(cloud, "describe-snapshots")
    assert row["Snapshot Type"] == "Archived Snapshot"
    cloud.check()


def test_with_retention_days_it_goes_so_long_after_its_creation(cloud: Cloud, disk_id: str) -> None:
    made = old(cloud, disk_id)
    cloud.ecs(ARCHIVE, SnapshotId=made, RetentionDays=74)
    cloud.ok("clock", "advance", "59d23h59m59s")
    assert found(cloud, made)["RetentionDays"] == 74
    cloud.ok("clock", "advance", "1s")
    assert cloud.snapshots() == []


def test_a_younger_one_is_told_when_it_is_old_enough(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    cloud.ok("clock", "advance", "13d23h59m59s")
    result = refused(cloud, "InvalidStatus.SnapshotAgeLimit", ARCHIVE, SnapshotId=made)
    assert "from 2022-03-25T02:33:00Z on" in result.err


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"RetentionDays": 73}, "InvalidRetentionDays.Malformed"),
        ({"RetentionDays": 65537}, "InvalidRetentionDays.Malformed"),
        ({"RetentionDays": 99}, "InvalidOperation.DecreaseRetentionDaysUnsupported"),
        ({"Category": "standard"}, "InvalidParameter.SnapshotCategory"),
        ({"Category": "flash"}, "InvalidParameter.SnapshotCategory"),
        ({"SnapshotId": "s-none"}, "InvalidSnapshotId.NotFound"),
    ],
)
def test_what_is_not_right_is_refused(
    cloud: Cloud, disk_id: str, given: dict[str, object], code: str
) -> None:
    made = old(cloud, disk_id, RetentionDays=100)
    refused(cloud, code, ARCHIVE, **{"SnapshotId": made} | given)


def test_a_retention_that_is_over_already_is_refused(cloud: Cloud, disk_id: str) -> None:
    made = old(cloud, disk_id)
    cloud.ok("clock", "advance", "60d")
    code = "InvalidRetentionDays.Malformed"
    result = refused(cloud, code, ARCHIVE, SnapshotId=made, RetentionDays=74)
    assert "over at 2022-05-24T02:33:00Z" in result.err
    cloud.ecs(ARCHIVE, SnapshotId=made, RetentionDays=75)


def test_neither_local_nor_unfinished_nor_failed_nor_instant_nor_archived_ones(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    local = cloud.snapshot(disk_id, Category="flash")
    instant = cloud.snapshot(disk_id, InstantAccess=True)
    plain = old(cloud, disk_id)
    refused(cloud, "InvalidParameter.SnapshotCategory", ARCHIVE, SnapshotId=local)
    code = "InvalidOperation.InstantAccessEnabledUnsupport"
    assert "DisableInstantAccess" in refused(cloud, code, ARCHIVE, SnapshotId=instant).err
    cloud.ecs(ARCHIVE, SnapshotId=plain)
    refused(cloud, "InvalidStatus.SnapshotInArchive", ARCHIVE, SnapshotId=plain)
    slow(cloud, minimum_seconds=60)
    unfinished = cloud.snapshot(disk_id)
    refused(cloud, "InvalidStatus.SnapshotUnfinished", ARCHIVE, SnapshotId=unfinished)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    refused(cloud, "InvalidSnapshotId.NotReady", ARCHIVE, SnapshotId=unfinished)


def test_its_retention_must_not_end_before_its_lock(cloud: Cloud, disk_id: str) -> None:
    made = old(cloud, disk_id)
    cloud.ecs(
        "LockSnapshot", RegionId=REGION, SnapshotId=made, LockMode="compliance",
        LockDuration=100, CoolOffPeriod=0,
    )  # fmt: skip
    code = "InvalidRetentionDays.LessThanLockExpiredTime"
    refused(cloud, code, ARCHIVE, SnapshotId=made, RetentionDays=113)
    cloud.ecs(ARCHIVE, SnapshotId=made, RetentionDays=114)


def test_an_archived_one_makes_no_disk_and_rolls_none_back(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("A"))
    made = old(cloud, disk_id)
    child = cloud.ecs("CreateDisk", SnapshotId=made, **NEW)["DiskId"]
    cloud.ecs("AttachDisk", InstanceId=instance_id, DiskId=child)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ecs("ReInitDisk", DiskId=child)
    cloud.ecs(ARCHIVE, SnapshotId=made)
    code = "OperationDenied.SnapshotNotAllowed"
    assert "archived" in refused(cloud, code, "CreateDisk", SnapshotId=made, **NEW).err
    launch = {
        "RegionId": REGION,
        "ImageId": "centos_7_9_x64_20G_alibase_20220101.vhd",
        "InstanceType": "ecs.g7.large",
        "DataDisk__1__SnapshotId": made,
    }
    refused(cloud, code, "RunInstances", **launch)
    refused(cloud, "OperationDenied", "ResetDisk", DiskId=disk_id, SnapshotId=made)
    refused(cloud, "OperationDenied", "ReInitDisk", DiskId=child)


def test_the_blocks_that_later_ones_need_stay_in_the_chain(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("A") * 3)
    made = old(cloud, disk_id)
    cloud.write(disk_id, 1, block("B"))
    later = cloud.snapshot(disk_id)
    cloud.ecs(ARCHIVE, SnapshotId=made)
    links = cloud.ecs("DescribeSnapshotLinks", RegionId=REGION)["SnapshotLinks"]["SnapshotLink"]
    assert {(row["Category"], row["TotalCount"], row["TotalSize"]) for row in links} == {
        ("archive", 1, 3 * BLOCK_BYTES),
        ("standard", 1, BLOCK_BYTES),
    }
    cloud.ecs("StopInstance", InstanceId=instance_id)
    roll_back = {"DiskId": disk_id, "SnapshotId": later}
    for step in ("archived", "deleted"):
        if step == "deleted":
            cloud.ecs("DeleteSnapshot", SnapshotId=made)
        cloud.write(disk_id, 0, block("X") * 3)
        cloud.ecs("ResetDisk", **roll_back)
        assert cloud.read(disk_id, 0, 3) == block("A") + block("B") + block("A")
    cloud.check()


def test_at_a_terminal_it_is_asked_about(cloud: Cloud, disk_id: str) -> None:
    made = old(cloud, disk_id)
    line = ("modify-snapshot-category", "--snapshot-id", made)
    result = cloud.run(*line, stdin=b"n\n", terminal=True)
    assert result.code == 1 and "for good" in result.err
    assert found(cloud, made)["Category"] == "standard"
    assert cloud.run(*line, "--yes", terminal=True).code == 0
    assert found(cloud, made)["Category"] == "archive"
