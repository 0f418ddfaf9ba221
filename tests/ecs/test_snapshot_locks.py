"""Locks: a locked snapshot is deleted by nobody and nothing until its lock ends."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hand_edits import make_automatic
from refusals import refused
from snapshot_steps import found, slow, table
from support import REGION, Cloud, block

from snapcli.ecs.records import LockRecord, SnapshotRecord
from snapcli.ecs.snapshot_state import is_locked, lock_status, released_at

IS_LOCKED = "InvalidOperation.SnapshotIsLocked"
COOL_OFF_OVER = "InvalidOperation.CoolOffPeriodExpired"
START = datetime(2022, 3, 11, 2, 33, tzinfo=UTC)


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return cloud.instance()


@pytest.fixture
def disk_id(cloud: Cloud, instance_id: str) -> str:
    return cloud.data_disk(instance_id)


def parameters(snapshot_id: str, days: int = 10, hours: int = 0, **more: object) -> dict[str, Any]:
    return {
        "RegionId": REGION,
        "SnapshotId": snapshot_id,
        "LockMode": "compliance",
        "LockDuration": days,
        "CoolOffPeriod": hours,
    } | more


def lock(cloud: Cloud, snapshot_id: str, days: int = 10, hours: int = 0) -> dict[str, Any]:
    answer = cloud.ecs("LockSnapshot", **parameters(snapshot_id, days, hours))
    return dict(answer["LockedSnapshotInfo"])


def locks(cloud: Cloud, **filters: object) -> list[dict[str, Any]]:
    answer = cloud.ecs("DescribeLockedSnapshots", RegionId=REGION, **filters)
    assert answer["NextToken"] == ""
    return list(answer["LockedSnapshotsInfo"])


def state(cloud: Cloud, snapshot_id: str) -> str:
    [info] = locks(cloud, SnapshotIds__1=snapshot_id)
    return str(info["LockStatus"])


def test_a_lock_passes_from_cool_off_through_compliance_to_expired_and_stays_listed(
    cloud: Cloud, disk_id: str
) -> None:
    made = cloud.snapshot(disk_id)
    expected = {
        "SnapshotId": made,
        "LockMode": "compliance",
        "LockStatus": "compliance-cooloff",
        "LockDuration": 2,
        "CoolOffPeriod": 3,
        "LockCreationTime": "2022-03-11T02:33:00Z",
        "LockDurationStartTime": "2022-03-11T02:33:00Z",
        "CoolOffPeriodExpiredTime": "2022-03-11T05:33:00Z",
        "LockExpiredTime": "2022-03-13T02:33:00Z",
    }
    assert lock(cloud, made, days=2, hours=3) == expected
    assert locks(cloud) == [expected]
    for step, status in [
        ("2h59m59s", "compliance-cooloff"),
        ("1s", "compliance"),
        ("44h59m59s", "compliance"),
        ("1s", "expired"),
        ("1000d", "expired"),
    ]:
        cloud.ok("clock", "advance", step)
        assert state(cloud, made) == status
    cloud.ecs("DeleteSnapshot", SnapshotId=made)
    assert locks(cloud) == []


@pytest.mark.parametrize(
    ("advance", "way_out"), [("0s", "until 2022-03-11T03:33:00Z"), ("2h", "can't be taken off")]
)
def test_a_locked_snapshot_is_not_deleted_forced_or_not(
    cloud: Cloud, disk_id: str, advance: str, way_out: str
) -> None:
    """In its cool-off period neither."""
    made = cloud.snapshot(disk_id)
    lock(cloud, made, hours=1)
    cloud.ok("clock", "advance", advance)
    result = refused(cloud, IS_LOCKED, "DeleteSnapshot", SnapshotId=made)
    assert made in result.err and "2022-03-21T02:33:00Z" in result.err and way_out in result.err
    refused(cloud, IS_LOCKED, "DeleteSnapshot", SnapshotId=made, Force=True)


def test_cancelling_a_locked_copy_is_refused(cloud: Cloud, disk_id: str) -> None:
    cloud.write(disk_id, 0, block("A"))
    made = cloud.snapshot(disk_id)
    slow(cloud, minimum_seconds=600)
    request = {"RegionId": REGION, "DestinationRegionId": "cn-beijing", "SnapshotId": made}
    copy = cloud.ecs("CopySnapshot", **request)["SnapshotId"]
    assert lock(cloud, made)["SnapshotId"] == made
    [state_there] = cloud.ecs("DescribeSnapshots", RegionId="cn-beijing")["Snapshots"]["Snapshot"]
    assert state_there["Status"] == "progressing"
    # The lock of the source is not inherited.
    assert cloud.ecs("DescribeLockedSnapshots", RegionId="cn-beijing")["LockedSnapshotsInfo"] == []
    cloud.ecs("LockSnapshot", **parameters(copy, RegionId="cn-beijing"))
    refused(cloud, IS_LOCKED, "DeleteSnapshot", SnapshotId=copy)


def test_of_several_deleted_the_locked_one_stays(cloud: Cloud, disk_id: str) -> None:
    made = [cloud.snapshot(disk_id) for _ in range(3)]
    lock(cloud, made[1])
    result = cloud.run("delete-snapshots", "--force", *made, "--output", "json")
    assert [outcome["Code"] for outcome in result.json["Outcomes"]] == ["", IS_LOCKED, ""]
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [made[1]]


def test_the_end_of_the_retention_waits_for_the_end_of_the_lock() -> None:
    """No command locks a snapshot beyond its retention, but the two are held apart anyway."""
    node = SnapshotRecord(
        snapshot_id="s-x", created_at=START, ready_at=START, number=1, size_gib=20,
        disk_type="data", retention_days=5,
        lock=LockRecord(mode="compliance", created_at=START, starts_at=START, duration_days=7),
    )  # fmt: skip
    assert released_at(node) == START + timedelta(days=7)
    node.retention_days = 9
    assert released_at(node) == START + timedelta(days=9)
    assert is_locked(node, START + timedelta(days=6, hours=23))
    assert not is_locked(node, START + timedelta(days=7))
    node.failed_at = START
    assert not is_locked(node, START) and lock_status(node, START) == "expired"


def test_a_snapshot_goes_when_its_retention_ends_with_its_lock(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id, RetentionDays=10)
    lock(cloud, made, days=10)
    cloud.ok("clock", "advance", "9d23h59m")
    assert found(cloud, made)["Status"] == "accomplished"
    cloud.ok("clock", "advance", "1m")
    assert cloud.snapshots() == []
    cloud.check()


def test_the_release_of_the_disk_spares_a_locked_automatic_snapshot(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("A"))
    spared = cloud.snapshot(disk_id)
    gone = cloud.snapshot(disk_id)
    for index in (0, 1):
        make_automatic(cloud, disk_id, index)
    lock(cloud, spared)
    cloud.ecs("DetachDisk", InstanceId=instance_id, DiskId=disk_id)
    cloud.ecs("DeleteDisk", DiskId=disk_id)
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [spared]
    assert gone != spared
    cloud.ok("clock", "advance", "10d")
    cloud.ecs("DeleteSnapshot", SnapshotId=spared)
    cloud.check()


def test_the_release_of_the_instance_spares_a_locked_one_in_creation(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    slow(cloud, minimum_seconds=60)
    cloud.write(disk_id, 0, block("A"))
    made = cloud.snapshot(disk_id)
    lock(cloud, made)
    cloud.ecs("DeleteInstance", InstanceId=instance_id, Force=True)
    cloud.ok("clock", "advance", "61s")
    assert found(cloud, made)["Status"] == "accomplished"
    new = {"RegionId": REGION, "ZoneId": "cn-hangzhou-h", "DiskCategory": "cloud_essd"}
    assert cloud.read(cloud.ecs("CreateDisk", SnapshotId=made, **new)["DiskId"], 0, 1) == block("A")


def test_a_lock_on_a_snapshot_in_creation_counts_from_its_end(cloud: Cloud, disk_id: str) -> None:
    slow(cloud, minimum_seconds=3600)
    made = cloud.snapshot(disk_id)
    info = lock(cloud, made, days=1, hours=2)
    assert info["LockCreationTime"] == "2022-03-11T02:33:00Z"
    assert info["LockDurationStartTime"] == "2022-03-11T03:33:00Z"
    assert info["LockExpiredTime"] == "2022-03-12T03:33:00Z"
    assert info["CoolOffPeriodExpiredTime"] == "2022-03-11T04:33:00Z"


def test_a_lock_that_failed_with_its_snapshot_hinders_nothing(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    slow(cloud, minimum_seconds=60)
    made = cloud.snapshot(disk_id)
    lock(cloud, made)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    assert (found(cloud, made)["Status"], state(cloud, made)) == ("failed", "expired")
    code = "InvalidOperation.SnapshotNotAvailable"
    refused(cloud, code, "LockSnapshot", **parameters(made))
    cloud.ecs("DeleteSnapshot", SnapshotId=made)


def test_in_cool_off_a_lock_is_made_longer_shorter_or_taken_off(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    lock(cloud, made, days=10, hours=24)
    cloud.ok("clock", "advance", "1h")
    for days, hours in ((20, 48), (3, 12)):
        info = lock(cloud, made, days, hours)
        assert (info["LockDuration"], info["CoolOffPeriod"]) == (days, hours)
        assert info["LockCreationTime"] == "2022-03-11T02:33:00Z"
    cloud.ecs("UnlockSnapshot", RegionId=REGION, SnapshotId=made)
    assert locks(cloud) == []
    cloud.ecs("DeleteSnapshot", SnapshotId=made)


def test_a_cool_off_that_is_cut_short_is_over_at_once(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    lock(cloud, made, days=10, hours=24)
    cloud.ok("clock", "advance", "2h")
    assert lock(cloud, made, days=10, hours=1)["LockStatus"] == "compliance"
    refused(cloud, COOL_OFF_OVER, "UnlockSnapshot", RegionId=REGION, SnapshotId=made)


def test_after_cool_off_a_lock_is_only_made_longer(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    lock(cloud, made, days=10, hours=1)
    cloud.ok("clock", "advance", "2h")
    refused(cloud, COOL_OFF_OVER, "UnlockSnapshot", RegionId=REGION, SnapshotId=made)
    for days, hours in ((9, 0), (10, 0), (11, 1)):
        result = refused(cloud, COOL_OFF_OVER, "LockSnapshot", **parameters(made, days, hours))
        assert "to more days, with CoolOffPeriod 0" in result.err
    info = lock(cloud, made, days=11)
    assert info["LockExpiredTime"] == "2022-03-22T02:33:00Z"
    assert info["LockStatus"] == "compliance"


def test_an_expired_lock_cannot_be_taken_off_but_a_new_one_set(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    lock(cloud, made, days=1)
    cloud.ok("clock", "advance", "2d")
    result = refused(cloud, COOL_OFF_OVER, "UnlockSnapshot", RegionId=REGION, SnapshotId=made)
    assert "hinders nothing" in result.err
    info = lock(cloud, made, days=1, hours=1)
    assert info["LockCreationTime"] == "2022-03-13T02:33:00Z"
    assert info["LockStatus"] == "compliance-cooloff"


@pytest.mark.parametrize(
    ("days", "hours", "code"),
    [
        (5, 1, "InvalidLockDuration.ExceedRetentionDays"),
        (36500, 0, "InvalidLockDuration.ExceedRetentionDays"),
        (1, 24, "InvalidCoolOffPeriod.ExceedLockDuration"),
        (2, 72, "InvalidCoolOffPeriod.ExceedLockDuration"),
        (0, 0, "InvalidParameter"),
        (36501, 0, "InvalidParameter"),
        (1, -1, "InvalidParameter"),
        (4, 73, "InvalidParameter"),
    ],
)
def test_a_lock_that_does_not_fit_is_refused(
    cloud: Cloud, disk_id: str, days: int, hours: int, code: str
) -> None:
    made = cloud.snapshot(disk_id, RetentionDays=5)
    cloud.ok("clock", "advance", "1h")
    refused(cloud, code, "LockSnapshot", **parameters(made, days, hours))
    assert lock(cloud, made, 4, 72)["LockDuration"] == 4


def test_only_the_mode_compliance_is_known_in_any_letter_case(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    code = "InvalidLockMode.Malformed"
    refused(cloud, code, "LockSnapshot", **parameters(made, LockMode="governance"))
    answer = cloud.ecs("LockSnapshot", **parameters(made, LockMode="Compliance"))
    assert answer["LockedSnapshotInfo"]["LockMode"] == "compliance"


def test_an_unlocked_unknown_or_foreign_snapshot_is_refused(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    one = {"RegionId": REGION, "SnapshotId": made}
    refused(cloud, "InvalidSnapshotLock.NotFound", "UnlockSnapshot", **one)
    code = "InvalidSnapshotId.NotFound"
    refused(cloud, code, "UnlockSnapshot", RegionId=REGION, SnapshotId="s-none")
    refused(cloud, code, "LockSnapshot", **parameters("s-none"))
    elsewhere = parameters(made, RegionId="cn-beijing")
    assert REGION in refused(cloud, code, "LockSnapshot", **elsewhere).err


def test_a_dry_run_checks_everything_and_changes_nothing(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    refused(cloud, "DryRunOperation", "LockSnapshot", **parameters(made, DryRun=True))
    code = "InvalidCoolOffPeriod.ExceedLockDuration"
    refused(cloud, code, "LockSnapshot", **parameters(made, 1, 24, DryRun=True))
    lock(cloud, made, hours=2)
    one = {"RegionId": REGION, "SnapshotId": made, "DryRun": True}
    refused(cloud, "DryRunOperation", "UnlockSnapshot", **one)
    refused(cloud, "DryRunOperation", "DescribeLockedSnapshots", RegionId=REGION, DryRun=True)


def test_a_repeated_call_with_its_token_answers_the_same(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    request = parameters(made, ClientToken="once")
    first = cloud.ecs("LockSnapshot", **request)["LockedSnapshotInfo"]
    cloud.ok("clock", "advance", "1h")
    # Without the token a lock of the same length would be refused now.
    assert cloud.ecs("LockSnapshot", **request)["LockedSnapshotInfo"] == first
    refused(cloud, COOL_OFF_OVER, "LockSnapshot", **parameters(made))


def test_locks_are_listed_by_status_and_snapshot_and_page_by_page(
    cloud: Cloud, disk_id: str
) -> None:
    made = [cloud.snapshot(disk_id) for _ in range(14)]
    for index, snapshot_id in enumerate(made[:12]):
        lock(cloud, snapshot_id, days=2 + index, hours=1 if index < 2 else 0)
        cloud.ok("clock", "advance", "1s")
    assert {each["SnapshotId"] for each in locks(cloud, LockStatus="compliance-cooloff")} == set(
        made[:2]
    )
    [one] = locks(cloud, SnapshotIds__1=made[3], SnapshotIds__2=made[13])
    assert one["SnapshotId"] == made[3]
    code = "InvalidSnapshotLock.NotFound"
    request = {"RegionId": REGION, "SnapshotIds__1": made[13]}
    refused(cloud, code, "DescribeLockedSnapshots", **request)
    assert locks(cloud, LockStatus="expired") == []
    refused(
        cloud, "InvalidLockStatus.Malformed", "DescribeLockedSnapshots", RegionId=REGION,
        LockStatus="open",
    )  # fmt: skip
    seen, token = [], ""
    for many in (10, 2):
        answer = cloud.ecs(
            "DescribeLockedSnapshots", RegionId=REGION, MaxResults=3, NextToken=token
        )
        seen += [each["SnapshotId"] for each in answer["LockedSnapshotsInfo"]]
        assert len(answer["LockedSnapshotsInfo"]) == many  # a value below 10 becomes 10
        token = answer["NextToken"]
    assert (seen, token) == (made[11::-1], "")


def test_the_table_tells_how_far_a_lock_is(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    lock(cloud, made, days=2, hours=3)
    [row] = table(cloud, "describe-locked-snapshots")
    assert row["Snapshot ID"] == made
    assert (row["Lock Status"], row["Locked For"]) == ("Cool-off", "2Days")
    assert row["Cool-off Ends At"] == "March 11, 2022, 13:33"
    assert row["Lock Ends At"] == "March 13, 2022, 10:33"


def test_at_a_terminal_a_lock_without_cool_off_is_asked_about(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    line = ["lock-snapshot", "--snapshot-id", made, "--lock-mode", "compliance"]
    line += ["--lock-duration", "9", "--cool-off-period"]
    result = cloud.run(*line, "0", stdin=b"n\n", terminal=True)
    assert result.code == 1 and "for 9 days" in result.err
    assert locks(cloud) == []
    assert cloud.run(*line, "1", terminal=True).code == 0
    assert state(cloud, made) == "compliance-cooloff"
