"""PreviewPolicy: the next runs, and what would keep one from making a snapshot."""

import json
from typing import Any

import pytest
from policy_scene import HOURLY, advance, apply, covered, create, times
from refusals import refused
from support import REGION, Cloud


def preview(cloud: Cloud, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = cloud.ok("policy", "preview", *words, "--output", "json").json
    return found


def reasons(cloud: Cloud, policy_id: str) -> list[str]:
    [run] = preview(cloud, policy_id, "--count", "1")["Runs"]
    return [disk["Reason"] for disk in run["Disks"]]


@pytest.mark.rule("PO-1", "PO-12")
def test_the_runs_that_are_told_are_the_runs_that_come(cloud: Cloud) -> None:
    disk_id, policy_id = covered(cloud, timePoints='["0","13"]', repeatWeekdays='["1","5","7"]')
    told = preview(cloud, policy_id, "--count", "7")
    assert told["TimeZone"] == "Asia/Shanghai"
    first = told["Runs"][0]
    assert first["LocalTime"] == "2022-03-11T13:00:00+08:00"
    assert first["Weekday"] == "Friday"
    assert first["Disks"] == [{"DiskId": disk_id, "Reason": ""}]
    cloud.ok("clock", "set", told["Runs"][-1]["Time"])
    assert times(cloud) == [run["Time"] for run in told["Runs"]]


@pytest.mark.rule("PO-12")
def test_an_hour_that_comes_twice_is_told_once(cloud: Cloud) -> None:
    cloud.ok("config", "set", "time_zone", "Europe/Berlin")
    cloud.ok("clock", "set", "2022-10-29T12:00Z")
    told = preview(cloud, "--at", "2", "--on", "sun", "--count", "2")["Runs"]
    assert [run["Time"] for run in told] == ["2022-10-30T00:00:00Z", "2022-11-06T01:00:00Z"]
    assert told[0]["LocalTime"] == "2022-10-30T02:00:00+02:00"


def test_hours_can_be_looked_at_before_there_is_a_policy(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    told = preview(cloud, "--at", "8-10", "--disk-id", disk_id, "--count", "3")
    assert told["AutoSnapshotPolicyId"] == ""
    assert [run["Time"][11:13] for run in told["Runs"]] == ["00", "01", "02"]
    assert told["Runs"][0]["Disks"] == [{"DiskId": disk_id, "Reason": ""}]
    assert len(preview(cloud, "--at", "hourly")["Runs"]) == 10
    shown = cloud.ok("policy", "preview", create(cloud), "--output", "table").out
    assert "2022-03-12 00:00:00+08:00" in shown
    assert "2022-03-11T16:00:00Z" in shown


@pytest.mark.rule("PO-3")
def test_a_disk_that_would_be_left_out_is_told_with_the_reason(cloud: Cloud) -> None:
    disk_id, policy_id = covered(cloud)
    instance_id = cloud.disk(disk_id)["InstanceId"]
    assert reasons(cloud, policy_id) == [""]
    cloud.ecs("ModifyDiskAttribute", DiskId=disk_id, EnableAutoSnapshot=False)
    assert reasons(cloud, policy_id) == ["EnableAutoSnapshot is false"]
    cloud.ecs("ModifyDiskAttribute", DiskId=disk_id, EnableAutoSnapshot=True)
    cloud.ecs("DetachDisk", DiskId=disk_id, InstanceId=instance_id)
    assert reasons(cloud, policy_id) == ["it is Available"]
    cloud.ecs("AttachDisk", DiskId=disk_id, InstanceId=instance_id)
    cloud.ok("account", "overdue")
    # The grace of a day reaches over the next midnight and not over the one after.
    told = preview(cloud, policy_id, "--count", "2")["Runs"]
    assert [run["Disks"][0]["Reason"] for run in told] == ["", "the snapshot service is off"]
    events = advance(cloud, "2d")
    assert [event["Event"] for event in events] == ["SnapshotCreated", "SnapshotSkipped"]


@pytest.mark.rule("PO-4")
def test_an_hour_within_a_creation_is_told_as_left_out(cloud: Cloud) -> None:
    disk_id, policy_id = covered(cloud, timePoints=HOURLY)
    cloud.ok("config", "set", "speed", "realistic")
    cloud.ok("config", "set", "speeds.realistic.snapshot_minimum_seconds", "3600")
    cloud.snapshot(disk_id)
    told = preview(cloud, policy_id, "--count", "2")["Runs"]
    expected = ["a snapshot of it is in creation", ""]
    assert [run["Disks"][0]["Reason"] for run in told] == expected
    events = advance(cloud, "30m")
    assert [event["Reason"] for event in events] == expected[:1]


@pytest.mark.rule("PO-7")
def test_a_full_chain_of_snapshots_that_must_stay_is_told(cloud: Cloud) -> None:
    disk_id, policy_id = covered(cloud)
    cloud.ok("config", "set", "quotas.automatic_snapshots_per_disk", "1")
    advance(cloud, "1d")
    assert reasons(cloud, policy_id) == [""]  # the oldest makes room
    [snapshot] = cloud.snapshots(DiskId=disk_id)
    cloud.ecs(
        "LockSnapshot",
        RegionId=REGION,
        SnapshotId=snapshot["SnapshotId"],
        LockMode="compliance",
        LockDuration=3,
        CoolOffPeriod=1,
    )
    assert reasons(cloud, policy_id) == [
        "the limit is reached and no automatic snapshot may be deleted"
    ]
    [event] = advance(cloud, "1d")
    assert event["Event"] == "SnapshotFailed"


def test_what_cannot_be_previewed_is_refused(cloud: Cloud) -> None:
    policy_id = create(cloud)
    assert "At with hours" in refused(cloud, "MissingParameter", "PreviewPolicy").err
    refused(cloud, "MissingParameter", "PreviewPolicy", On="mon")
    refused(
        cloud, "InvalidParameter.Conflict", "PreviewPolicy", AutoSnapshotPolicyId=policy_id, At="1"
    )
    refused(cloud, "ParameterInvalid", "PreviewPolicy", AutoSnapshotPolicyId="sp-none")
    refused(cloud, "ParameterInvalid", "PreviewPolicy", At="24")
    refused(cloud, "InvalidParameter", "PreviewPolicy", At="1", Count=0)
    refused(cloud, "InvalidDiskId.NotFound", "PreviewPolicy", At="1", DiskId="d-none")


def test_looking_changes_nothing(cloud: Cloud) -> None:
    _, policy_id = covered(cloud)
    before = {p: p.read_bytes() for p in cloud.root.rglob("*.json")}
    preview(cloud, policy_id)
    cloud.ok("timeline", "--output", "json")
    assert {p: p.read_bytes() for p in cloud.root.rglob("*.json")} == before
    assert json.loads((cloud.root / "state" / "account.json").read_text())["next_due_at"]


def test_applying_to_more_disks_shows_them_all(cloud: Cloud) -> None:
    one, policy_id = covered(cloud)
    other = cloud.data_disk(cloud.instance())
    apply(cloud, policy_id, other)
    [run] = preview(cloud, policy_id, "--count", "1")["Runs"]
    assert {disk["DiskId"] for disk in run["Disks"]} == {one, other}
