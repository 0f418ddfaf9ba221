"""ShowTimeline and the journal: what has happened, what is due, and that it comes so."""

import json
from typing import Any

import pytest
from policy_scene import HOURLY, advance, apply, covered, create, hold_by_image
from refusals import refused
from support import REGION, Cloud

from snapcli.ecs import events


def timeline(cloud: Cloud, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloud.ok("timeline", *words, "--output", "json").json["Items"]
    return found


def brief(items: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(each["Time"], each["Kind"], each["Outcome"]) for each in items]


@pytest.mark.rule("PO-12")
def test_what_is_due_is_what_then_has_happened(cloud: Cloud) -> None:
    disk_id, _ = covered(cloud, timePoints='["0","13"]', retentionDays=2)
    cloud.snapshot(disk_id, RetentionDays=3)
    ahead = timeline(cloud, "--ahead", "--days", "5")
    assert {each["When"] for each in ahead} == {"ahead"}
    assert {each["Outcome"] for each in ahead} == {"due"}
    cloud.ok("clock", "advance", "5d")
    past = timeline(cloud, "--past", "--days", "5")
    assert {each["When"] for each in past} == {"past"}
    told = sorted((each["Time"], each["Kind"], each["DiskId"]) for each in past)
    assert told == sorted((each["Time"], each["Kind"], each["DiskId"]) for each in ahead)
    assert len([each for each in past if each["Kind"] == "policy-run"]) == 10
    assert len([each for each in past if each["Kind"] == "release"]) == 7
    assert [each["Time"] for each in past] == sorted(each["Time"] for each in past)


def test_ends_of_locks_and_instant_access_and_releases_of_instances(cloud: Cloud) -> None:
    instance_id = cloud.instance(AutoReleaseTime="2022-03-15T00:00:00Z")
    disk_id = cloud.data_disk(instance_id)
    snapshot_id = cloud.snapshot(disk_id, InstantAccess=True, InstantAccessRetentionDays=2)
    cloud.ecs(
        "LockSnapshot",
        RegionId=REGION,
        SnapshotId=snapshot_id,
        LockMode="compliance",
        LockDuration=3,
        CoolOffPeriod=1,
    )
    expected = [
        ("2022-03-13T02:33:00Z", "instant-access-end"),
        ("2022-03-14T02:33:00Z", "lock-end"),
        ("2022-03-15T00:00:00Z", "instance-release"),
    ]
    assert [each[:2] for each in brief(timeline(cloud))] == expected
    assert timeline(cloud)[2]["InstanceId"] == instance_id
    assert timeline(cloud)[0]["SnapshotId"] == snapshot_id
    of_disk = timeline(cloud, "--disk-id", disk_id)
    assert len(of_disk) == 3
    cloud.ok("clock", "advance", "4d")
    shown = timeline(cloud)
    assert [each[:2] for each in brief(shown)] == expected
    assert [each["Outcome"] for each in shown] == ["ended", "ended", "released"]


@pytest.mark.rule("PO-9")
def test_copies_are_told_ahead_and_after(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, b"some bytes")
    policy_id = create(
        cloud,
        EnableCrossRegionCopy=True,
        TargetCopyRegions='["cn-beijing"]',
        CopiedSnapshotsRetentionDays=5,
    )
    cloud.ok(
        "apply-auto-snapshot-policy",
        "--auto-snapshot-policy-id",
        policy_id,
        "--disk-ids",
        disk_id,
    )
    [due] = timeline(cloud, "--ahead", "--days", "1", "--kind", "copy")
    assert due["DiskId"] == disk_id
    advance(cloud, "1d")
    [copied] = timeline(cloud, "--past", "--kind", "copy")
    assert (copied["Time"], copied["Outcome"]) == (due["Time"], "copied")
    assert copied["RegionId"] == "cn-beijing"


@pytest.mark.rule("PO-7")
def test_what_would_not_happen_is_told_with_the_reason(cloud: Cloud) -> None:
    instance_id = cloud.instance()
    disk_id = cloud.disks(InstanceId=instance_id, DiskType="system")[0]["DiskId"]
    apply(cloud, create(cloud, retentionDays=2), disk_id)
    advance(cloud, "1d")
    [snapshot] = cloud.snapshots(DiskId=disk_id)
    cloud.ecs("ModifyDiskAttribute", DiskId=disk_id, EnableAutoSnapshot=False)
    hold_by_image(cloud, snapshot["SnapshotId"])
    ahead = timeline(cloud, "--ahead", "--days", "2")
    assert {(each["Kind"], each["Outcome"], each["Reason"]) for each in ahead} == {
        ("policy-run", "skipped", "EnableAutoSnapshot is false"),
        ("release", "kept", "an image needs it"),
    }


def test_filters_and_stretches(cloud: Cloud) -> None:
    disk_id, _ = covered(cloud, timePoints=HOURLY)
    advance(cloud, "3h")
    assert len(timeline(cloud, "--from", "-2h", "--to", "+2h")) == 4
    assert len(timeline(cloud, "--to", "+1h", "--ahead")) == 1
    assert timeline(cloud, "--from", "2022-03-11T04:00Z", "--to", "2022-03-11T04:00Z") != []
    assert len(timeline(cloud, "--from", "2022-03-11T09:00Z", "--to", "2022-03-11T09:00Z")) == 1
    assert timeline(cloud, "--disk-id", "d-other") == []
    cloud.ok("clock", "set", "2022-03-11T06:00Z")  # at an hour, what it brought is past
    assert brief(timeline(cloud, "--from", "now", "--to", "now")) == [
        ("2022-03-11T06:00:00Z", "policy-run", "created")
    ]
    assert len(timeline(cloud, "--disk-id", disk_id, "--days", "1", "--past")) == 4
    assert timeline(cloud, "--kind", "lock-end") == []
    answer = cloud.ok("timeline", "--limit", "2", "--output", "json").json
    assert [each["Time"][11:13] for each in answer["Items"]] == ["05", "06", "07", "08"]
    assert answer["MorePast"] and answer["MoreAhead"]
    refused(cloud, "InvalidParameter", "ShowTimeline", Kind__1="nonsense")
    refused(cloud, "InvalidParameter", "ShowTimeline", From="yesterday")
    refused(cloud, "InvalidParameter", "ShowTimeline", From="2022-03-12T00:00Z", To="-1h")
    refused(cloud, "InvalidParameter.Conflict", "ShowTimeline", Past=True, Ahead=True)
    shown = cloud.ok("timeline", "--days", "1", "--output", "table").out
    assert shown.index("created") < shown.index(" now\n") < shown.index(" due ")


def test_a_stretch_of_a_century_is_worked_out_only_as_far_as_it_is_shown(cloud: Cloud) -> None:
    covered(cloud, timePoints=HOURLY)
    assert len(timeline(cloud, "--days", "36500", "--limit", "10")) == 10
    # Nothing but runs that are skipped: no endless search for what they would lead to.
    [disk] = [each for each in cloud.disks() if each["Type"] == "data"]
    cloud.ecs("ModifyDiskAttribute", DiskId=disk["DiskId"], EnableAutoSnapshot=False)
    assert timeline(cloud, "--days", "30", "--kind", "release") == []


def test_the_journal_does_not_grow_with_time(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEPT", 10)
    covered(cloud, timePoints=HOURLY, retentionDays=1)
    advance(cloud, "3d")
    document = json.loads((cloud.root / "state" / "events.json").read_text())
    assert len(document["events"]) == 10
    assert document["number"] == 72 + 48
    answer = cloud.ok("timeline", "--past", "--output", "json").json
    assert len(answer["Items"]) == 10
    advance(cloud, "2h")  # two more steps
    document = json.loads((cloud.root / "state" / "events.json").read_text())
    assert (len(document["events"]), document["number"]) == (10, 72 + 48 + 4)
    answer = cloud.ok("timeline", "--past", "--output", "json").json
    assert answer["KeptSince"] == answer["Items"][0]["Time"]
    settled = cloud.ok("settle", "--after", "104", "--output", "json").json
    assert (len(settled["Events"]), settled["Omitted"]) == (10, 10)
    cloud.check()


def test_accounts_see_their_own_events(cloud: Cloud) -> None:
    covered(cloud)
    cloud.ok("account", "add", "partner")
    advance(cloud, "1d")
    assert len(timeline(cloud, "--past")) == 1
    assert timeline(cloud, "--past", "--profile", "partner") == []


def test_a_damaged_journal_keeps_nothing_from_happening(cloud: Cloud) -> None:
    covered(cloud, timePoints=HOURLY)
    advance(cloud, "2h")
    journal = cloud.root / "state" / "events.json"
    journal.write_text("{")
    assert "events.json is damaged" in cloud.run("timeline").err
    assert cloud.run("check").code == 5
    assert cloud.ok("settle", "--after", "2", "--output", "json").json["Number"] == 0
    assert len(advance(cloud, "1h")) == 1
    assert len(timeline(cloud, "--past")) == 1  # what it knew is lost, and nothing else
    assert len(cloud.snapshots()) == 3
    again = cloud.ok("settle", "--after", "2", "--output", "json").json
    assert [event["Time"] for event in again["Events"]] == ["2022-03-11T05:00:00Z"]
    cloud.check()
