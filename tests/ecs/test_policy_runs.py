"""What policies do as time passes: when they run, when not, and what becomes of the snapshots."""

import json
from pathlib import Path
from typing import Any

import pytest
from policy_scene import (
    HOURLY,
    advance,
    apply,
    cancel,
    covered,
    create,
    hold_by_image,
    kinds,
    times,
)
from refusals import refused
from support import REGION, Cloud, block


@pytest.mark.rule("PO-1", "PO-5")
def test_a_policy_runs_at_its_hours_in_the_accounts_time_zone(cloud: Cloud) -> None:
    """It is 10:33 on Friday 11 March 2022 in Shanghai."""
    disk_id, policy_id = covered(
        cloud,
        timePoints='["0","13"]',
        retentionDays=3,
        Tag__1__Key="env",
        Tag__1__Value="prod",
        ResourceGroupId="rg-1",
    )
    events = advance(cloud, "1d")
    assert kinds(events) == [
        ("2022-03-11T05:00:00Z", "SnapshotCreated"),
        ("2022-03-11T16:00:00Z", "SnapshotCreated"),
    ]
    second, first = cloud.snapshots(DiskId=disk_id)
    assert first["SnapshotName"] == f"auto2.0_20220311_{policy_id}"
    assert second["SnapshotName"] == f"auto2.0_20220312_{policy_id}"
    assert (second["SnapshotType"], second["RetentionDays"], second["ResourceGroupId"]) == (
        "auto",
        3,
        "rg-1",
    )
    assert second["Tags"]["Tag"] == [{"TagKey": "env", "TagValue": "prod"}]
    assert second["Status"] == "accomplished"
    assert [event["SnapshotId"] for event in events] == [
        first["SnapshotId"],
        second["SnapshotId"],
    ]
    cloud.check()


@pytest.mark.rule("PO-1")
def test_a_policy_runs_on_its_days_only(cloud: Cloud) -> None:
    covered(cloud, repeatWeekdays='["1","6"]')
    advance(cloud, "14d")
    assert times(cloud) == [
        f"2022-03-{day}T16:00:00Z" for day in ("11", "13", "18", "20")
    ]  # the evenings before a Saturday and a Monday


@pytest.mark.rule("PO-1", "PO-12")
def test_another_time_zone_counts_from_when_it_is_set(cloud: Cloud) -> None:
    covered(cloud)
    advance(cloud, "1d")
    cloud.ok("config", "set", "time_zone", "Europe/Berlin")
    advance(cloud, "1d")
    assert times(cloud) == ["2022-03-11T16:00:00Z", "2022-03-12T23:00:00Z"]
    advance(cloud, "16d")  # over the beginning of summer time there
    assert times(cloud)[-4:] == [
        "2022-03-25T23:00:00Z",
        "2022-03-26T23:00:00Z",
        "2022-03-27T22:00:00Z",
        "2022-03-28T22:00:00Z",
    ]


@pytest.mark.rule("PO-12")
def test_hours_that_were_past_when_a_policy_was_applied_are_not_made_up_for(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    policy_id = create(cloud, timePoints=HOURLY)
    cloud.ok("clock", "advance", "5h")
    apply(cloud, policy_id, disk_id)
    cloud.ok("clock", "set", "2022-03-11T08:00:00Z")
    assert times(cloud) == ["2022-03-11T08:00:00Z"]
    cancel(cloud, disk_id)
    cloud.ok("clock", "advance", "5h")
    apply(cloud, policy_id, disk_id)  # at the very hour: the next one is the first
    cloud.ok("clock", "advance", "59m59s")
    assert len(times(cloud)) == 1
    common = {"regionId": REGION, "autoSnapshotPolicyId": policy_id}
    cloud.ecs("ModifyAutoSnapshotPolicyEx", timePoints='["5"]', **common)
    cloud.ok("clock", "advance", "10h")
    assert times(cloud)[1:] == ["2022-03-11T21:00:00Z"]
    assert len(cloud.snapshots()) == 2


@pytest.mark.rule("PO-3")
@pytest.mark.parametrize("case", ["detached", "switched off", "gone"])
def test_only_disks_in_use_that_may_be_captured_are(cloud: Cloud, case: str) -> None:
    disk_id, _ = covered(cloud)
    instance_id = cloud.disk(disk_id)["InstanceId"]
    reason = ""
    if case == "switched off":
        cloud.ecs("ModifyDiskAttribute", DiskId=disk_id, EnableAutoSnapshot=False)
        reason = "EnableAutoSnapshot is false"
    else:
        cloud.ecs("DetachDisk", DiskId=disk_id, InstanceId=instance_id)
        reason = "it is Available"
    if case == "gone":
        cloud.ecs("DeleteDisk", DiskId=disk_id)
    events = advance(cloud, "1d")
    assert times(cloud) == []
    assert [(event["Event"], event["Reason"]) for event in events] == (
        [] if case == "gone" else [("SnapshotSkipped", reason)]
    )
    if case == "detached":
        cloud.ecs("AttachDisk", DiskId=disk_id, InstanceId=instance_id)
        advance(cloud, "1d")
        assert times(cloud) == ["2022-03-12T16:00:00Z"]


@pytest.mark.rule("PO-3")
def test_a_stopped_instances_disk_is_in_use(cloud: Cloud) -> None:
    disk_id, _ = covered(cloud)
    cloud.ecs("StopInstance", InstanceId=cloud.disk(disk_id)["InstanceId"])
    advance(cloud, "1d")
    [made] = cloud.snapshots()
    assert (made["Category"], made["InstantAccess"]) == ("standard", False)


@pytest.mark.rule("PO-4", "CR-7")
def test_an_hour_is_skipped_while_a_snapshot_of_the_disk_is_in_creation(memory_path: Path) -> None:
    cloud = Cloud(memory_path / "slow", speed="instant")
    cloud.ok("config", "set", "speeds.instant.snapshot_minimum_seconds", "4000")
    disk_id, _ = covered(cloud, timePoints=HOURLY)
    cloud.ok("clock", "set", "2022-03-11T02:59:00Z")
    manual = cloud.snapshot(disk_id)
    events = advance(cloud, "2h")
    assert [(e["Time"][11:16], e["Event"]) for e in events] == [
        ("03:00", "SnapshotSkipped"),
        ("04:00", "SnapshotSkipped"),
    ]
    assert "in creation" in events[0]["Reason"]
    events = advance(cloud, "1h1s")
    assert kinds(events)[-1] == ("2022-03-11T05:00:00Z", "SnapshotCreated")
    # Now the automatic one is in creation: no manual one can be started, not even ...
    refused(cloud, "IncorrectDiskStatus.CreatingSnapshot", "CreateSnapshot", DiskId=disk_id)
    refused(
        cloud,
        "IncorrectDiskStatus.CreatingSnapshot",
        "CreateSnapshot",
        DiskId=disk_id,
        InstantAccess=True,
    )
    cloud.ok("clock", "advance", "2h")
    assert times(cloud)[0] == "2022-03-11T05:00:00Z"
    assert manual in {each["SnapshotId"] for each in cloud.snapshots()}


@pytest.mark.rule("PO-6", "PO-7")
def test_a_new_retention_is_for_the_snapshots_made_afterwards(cloud: Cloud) -> None:
    disk_id, policy_id = covered(cloud, retentionDays=2)
    advance(cloud, "1d")
    cloud.ecs(
        "ModifyAutoSnapshotPolicyEx",
        regionId=REGION,
        autoSnapshotPolicyId=policy_id,
        retentionDays=10,
    )
    cloud.write(disk_id, 3, block("x"))
    events = advance(cloud, "2d")
    assert ("2022-03-13T16:00:00Z", "SnapshotReleased") in kinds(events)
    assert times(cloud) == ["2022-03-12T16:00:00Z", "2022-03-13T16:00:00Z"]
    assert {each["RetentionDays"] for each in cloud.snapshots()} == {10}
    cloud.check()


@pytest.mark.rule("PO-7")
def test_snapshots_go_at_the_end_of_their_retention_in_the_order_of_instants(cloud: Cloud) -> None:
    disk_id, _ = covered(cloud, retentionDays=1)
    cloud.write(disk_id, 1, block("A"))
    events = advance(cloud, "4d")
    stamps = [event["Time"] for event in events]
    assert stamps == sorted(stamps)
    # The one that goes makes way before the next is taken.
    assert kinds(events)[1:3] == [
        ("2022-03-12T16:00:00Z", "SnapshotReleased"),
        ("2022-03-12T16:00:00Z", "SnapshotCreated"),
    ]
    assert times(cloud) == ["2022-03-14T16:00:00Z"]
    cancel(cloud, disk_id)
    advance(cloud, "1d")
    assert times(cloud) == []
    assert not (cloud.root / "chains" / REGION / disk_id).exists()


@pytest.mark.rule("IN-5", "PO-7")
def test_at_the_limit_the_oldest_automatic_snapshot_makes_room(cloud: Cloud) -> None:
    cloud.ok("config", "set", "quotas.automatic_snapshots_per_disk", "3")
    disk_id, _ = covered(cloud, retentionDays=-1)
    manual = cloud.snapshot(disk_id)
    events = advance(cloud, "5d")
    assert [event["Event"] for event in events].count("SnapshotReleased") == 2
    assert {e["Reason"] for e in events if e["Event"] == "SnapshotReleased"} == {
        "the limit needs room"
    }
    assert times(cloud) == [f"2022-03-{day}T16:00:00Z" for day in (13, 14, 15)]
    assert manual in {each["SnapshotId"] for each in cloud.snapshots()}
    assert "RetentionDays" not in cloud.snapshots()[0]
    cloud.check()


@pytest.mark.rule("IN-5", "PO-7", "FQ-3")
def test_one_that_an_image_needs_waits_and_the_next_oldest_goes(cloud: Cloud) -> None:
    cloud.ok("config", "set", "quotas.automatic_snapshots_per_disk", "3")
    instance_id = cloud.instance()
    system = cloud.disks(InstanceId=instance_id, DiskType="system")[0]["DiskId"]
    policy_id = create(cloud, retentionDays=2)
    apply(cloud, policy_id, system)
    advance(cloud, "1d")
    held = cloud.snapshots()[0]["SnapshotId"]
    image_id = hold_by_image(cloud, held)
    common = {"regionId": REGION, "autoSnapshotPolicyId": policy_id}
    cloud.ecs("ModifyAutoSnapshotPolicyEx", retentionDays=-1, **common)
    advance(cloud, "6d")  # the policy goes on, past the end of that one's retention
    assert times(cloud) == [
        "2022-03-11T16:00:00Z",
        "2022-03-16T16:00:00Z",
        "2022-03-17T16:00:00Z",
    ]
    cloud.ecs("DeleteImage", RegionId=REGION, ImageId=image_id)
    assert held not in {each["SnapshotId"] for each in cloud.snapshots()}
    cloud.check()


@pytest.mark.rule("IN-5")
def test_when_none_may_go_the_new_one_fails_and_the_policy_goes_on(cloud: Cloud) -> None:
    cloud.ok("config", "set", "quotas.automatic_snapshots_per_disk", "1")
    instance_id = cloud.instance()
    system = cloud.disks(InstanceId=instance_id, DiskType="system")[0]["DiskId"]
    apply(cloud, create(cloud, retentionDays=-1), system)
    advance(cloud, "1d")
    image_id = hold_by_image(cloud, cloud.snapshots()[0]["SnapshotId"])
    events = advance(cloud, "1d")
    assert [event["Event"] for event in events] == ["SnapshotFailed"]
    assert times(cloud) == ["2022-03-11T16:00:00Z"]
    cloud.ecs("DeleteImage", RegionId=REGION, ImageId=image_id)
    advance(cloud, "1d")
    assert times(cloud) == ["2022-03-13T16:00:00Z"]


@pytest.mark.rule("IN-5", "PO-7")
def test_one_that_is_locked_is_spared_by_the_limit_and_by_its_retention(cloud: Cloud) -> None:
    cloud.ok("config", "set", "quotas.automatic_snapshots_per_disk", "2")
    covered(cloud, retentionDays=2)
    advance(cloud, "1d")
    locked = cloud.snapshots()[0]["SnapshotId"]
    cloud.ecs(
        "LockSnapshot", SnapshotId=locked, LockMode="compliance", LockDuration=1, CoolOffPeriod=0
    )
    cloud.ok("config", "set", "quotas.automatic_snapshots_per_disk", "1")
    events = advance(cloud, "1d")
    assert ("2022-03-12T16:00:00Z", "SnapshotFailed") in kinds(events)
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [locked]
    advance(cloud, "1d")
    assert times(cloud) == ["2022-03-13T16:00:00Z"]
    cloud.check()


@pytest.mark.rule("PO-3")
def test_policies_rest_from_the_hour_at_which_the_service_is_off(cloud: Cloud) -> None:
    """A day after a bill fell due (SZ-3), in the middle of an advance."""
    covered(cloud)
    cloud.ok("account", "overdue")
    events = advance(cloud, "3d")
    assert [event["Event"] for event in events] == ["SnapshotCreated"] + ["SnapshotSkipped"] * 2
    cloud.ok("account", "pay")
    advance(cloud, "1d")
    assert times(cloud) == ["2022-03-11T16:00:00Z", "2022-03-14T16:00:00Z"]


@pytest.mark.rule("FQ-3")
def test_a_disk_made_from_an_automatic_snapshot_does_not_stop_the_policy(cloud: Cloud) -> None:
    disk_id, _ = covered(cloud, retentionDays=2)
    advance(cloud, "1d")
    [snapshot] = cloud.snapshots()
    made = cloud.ecs(
        "CreateDisk",
        RegionId=REGION,
        ZoneId=f"{REGION}-h",
        SnapshotId=snapshot["SnapshotId"],
        DiskCategory="cloud_essd",
    )
    advance(cloud, "5d")
    assert times(cloud, DiskId=disk_id) == ["2022-03-15T16:00:00Z", "2022-03-16T16:00:00Z"]
    assert cloud.read(made["DiskId"])[:10] == b"some bytes"


@pytest.mark.rule("PO-7", "PO-8")
@pytest.mark.parametrize("delete", [True, False])
def test_automatic_snapshots_go_with_the_disk_or_outlive_it_to_their_end(
    cloud: Cloud, delete: bool
) -> None:
    disk_id, _ = covered(cloud, retentionDays=5)
    instance_id = cloud.disk(disk_id)["InstanceId"]
    cloud.ecs("ModifyDiskAttribute", DiskId=disk_id, DeleteAutoSnapshot=delete)
    manual = cloud.snapshot(disk_id)
    cloud.write(disk_id, 2, block("B"))
    advance(cloud, "2d")
    cloud.ecs("DeleteInstance", InstanceId=instance_id, Force=True)
    kept = [] if delete else ["2022-03-11T16:00:00Z", "2022-03-12T16:00:00Z"]
    assert times(cloud) == kept
    advance(cloud, "2d23h")
    assert times(cloud) == kept
    advance(cloud, "2d")
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [manual]
    cloud.check()


@pytest.mark.rule("PO-10")
def test_cancelling_and_deleting_keep_the_snapshots_to_their_end(cloud: Cloud) -> None:
    disk_id, policy_id = covered(cloud, retentionDays=5)
    advance(cloud, "1d")
    cancel(cloud, disk_id)
    advance(cloud, "1d")
    assert len(times(cloud)) == 1
    apply(cloud, policy_id, disk_id)
    advance(cloud, "1d")
    cloud.ecs("DeleteAutoSnapshotPolicy", regionId=REGION, autoSnapshotPolicyId=policy_id)
    events = advance(cloud, "2d")
    assert events == []
    assert len(times(cloud)) == 2
    advance(cloud, "10d")
    assert times(cloud) == []


@pytest.mark.rule("PO-2", "PO-12")
def test_many_policies_run_in_one_order_by_instant(cloud: Cloud) -> None:
    instance_id = cloud.instance(
        DataDisk__2__Size=20, DataDisk__2__Category="cloud_essd", DataDisk__3__Size=20
    )
    disks = [disk["DiskId"] for disk in cloud.disks(InstanceId=instance_id)]
    plans = [{0, 1}, {1, 2, 3}, {3, 23}, {12}]
    for disk_id, hours in zip(disks, plans, strict=True):
        apply(cloud, create(cloud, timePoints=json.dumps(sorted(hours))), disk_id)
    events = advance(cloud, "10d")
    stamps = [event["Time"] for event in events]
    assert stamps == sorted(stamps)
    assert len(events) == 10 * sum(map(len, plans))
    for disk_id, hours in zip(disks, plans, strict=True):
        of_disk = [e["Time"] for e in events if e["DiskId"] == disk_id]
        assert len(set(of_disk)) == len(of_disk) == 10 * len(hours)
        assert {(int(stamp[11:13]) + 8) % 24 for stamp in of_disk} == hours


@pytest.mark.rule("PO-12")
def test_a_machine_that_slept_makes_up_for_every_hour_dated_when_it_was_due(cloud: Cloud) -> None:
    """The time leaps by a day with no command in between; then any command comes."""
    disk_id, _ = covered(cloud, timePoints=HOURLY)
    cloud.write(disk_id, 5, block("l"))
    cloud.edit_clock(at="2022-03-12T03:33:00Z")
    found = cloud.ecs("DescribeSnapshots", RegionId=REGION, MaxResults=100)
    stamps = sorted(each["CreationTime"] for each in found["Snapshots"]["Snapshot"])
    assert len(stamps) == 25
    assert stamps[0] == "2022-03-11T03:00:00Z" and stamps[-1] == "2022-03-12T03:00:00Z"
    # Each holds the bytes as they were when it was made up for.
    instance_id = cloud.disk(disk_id)["InstanceId"]
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.write(disk_id, 5, block("Z"))
    oldest = next(s for s in cloud.snapshots() if s["CreationTime"] == stamps[0])
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=oldest["SnapshotId"])
    assert cloud.read(disk_id, 5, 1) == block("l")


@pytest.mark.rule("PO-9")
def test_each_snapshot_is_copied_to_the_other_region_with_its_own_retention(cloud: Cloud) -> None:
    disk_id, policy_id = covered(
        cloud,
        retentionDays=5,
        EnableCrossRegionCopy=True,
        TargetCopyRegions='["cn-beijing"]',
        CopiedSnapshotsRetentionDays=2,
    )
    events = advance(cloud, "2d")
    assert [event["Event"] for event in events] == ["SnapshotCreated", "SnapshotCopied"] * 2
    copies = cloud.ecs("DescribeSnapshots", RegionId="cn-beijing")["Snapshots"]["Snapshot"]
    [copied] = (cloud.root / "chains" / "cn-beijing").glob("*/chain.json")
    assert {node["source_snapshot_id"] for node in json.loads(copied.read_text())["nodes"]} == {
        each["SnapshotId"] for each in cloud.snapshots()
    }
    assert {each["RetentionDays"] for each in copies} == {2}
    assert {each["SnapshotName"] for each in copies} == {
        f"auto2.0_20220312_{policy_id}",
        f"auto2.0_20220313_{policy_id}",
    }
    cancel(cloud, disk_id)
    advance(cloud, "2d")
    assert cloud.ecs("DescribeSnapshots", RegionId="cn-beijing")["TotalCount"] == 0
    assert len(times(cloud)) == 2
    cloud.check()


@pytest.mark.rule("PO-9")
def test_copies_begin_when_the_snapshot_is_accomplished_and_wait_for_each_other(
    memory_path: Path,
) -> None:
    cloud = Cloud(memory_path / "slow")
    cloud.ok("config", "set", "speeds.instant.snapshot_minimum_seconds", "3000")
    covered(
        cloud,
        timePoints=HOURLY,
        EnableCrossRegionCopy=True,
        TargetCopyRegions='["cn-beijing"]',
    )
    events = advance(cloud, "3h30m")
    copied = [event["Time"] for event in events if event["Event"] == "SnapshotCopied"]
    assert copied == [f"2022-03-11T0{hour}:50:00Z" for hour in (3, 4, 5)]
    copies = cloud.ecs("DescribeSnapshots", RegionId="cn-beijing")["Snapshots"]["Snapshot"]
    assert [each["Status"] for each in copies][:1] == ["progressing"]


@pytest.mark.rule("PO-9", "CP-5")
def test_of_an_encrypted_disk_the_copy_fails_and_not_the_snapshot(cloud: Cloud) -> None:
    instance_id = cloud.instance()
    given = {"InstanceId": instance_id, "Size": 20, "Encrypted": True}
    disk_id = cloud.ecs("CreateDisk", DiskCategory="cloud_essd", **given)["DiskId"]
    copied = {"EnableCrossRegionCopy": True, "TargetCopyRegions": '["cn-beijing"]'}
    apply(cloud, create(cloud, **copied), disk_id)
    events = advance(cloud, "1d")
    assert [event["Event"] for event in events] == ["SnapshotCreated", "SnapshotCopyFailed"]
    assert "encrypted" in events[1]["Reason"]
    [made] = cloud.snapshots(DiskId=disk_id)
    assert made["Status"] == "accomplished"
    told = cloud.ok("clock", "advance", "1d", "--output", "table").out
    assert "1 copies to another region failed" in told and "snapshots failed" not in told


@pytest.mark.rule("PO-12")
def test_a_disk_that_cannot_be_captured_stops_no_other(cloud: Cloud) -> None:
    instance_id = cloud.instance(DataDisk__2__Size=20, DataDisk__2__Category="cloud_essd")
    bad, good = (d["DiskId"] for d in cloud.disks(InstanceId=instance_id, DiskType="data"))
    apply(cloud, create(cloud), bad, good)
    image = cloud.image(bad)
    away = image.with_name("away")
    image.rename(away)
    events = advance(cloud, "1d")
    assert sorted((e["Event"], e["DiskId"]) for e in events) == sorted(
        [("SnapshotFailed", bad), ("SnapshotCreated", good)]
    )
    [failed] = cloud.snapshots(DiskId=bad)
    assert (failed["Status"], failed["SnapshotType"]) == ("failed", "auto")
    away.rename(image)
    advance(cloud, "1d")
    assert [each["Status"] for each in cloud.snapshots(DiskId=bad)] == ["accomplished", "failed"]
    cloud.check()


def seen(cloud: Cloud, disk_ids: list[str]) -> dict[str, Any]:
    """What there is of each disk's snapshots, new ids left out."""
    found: dict[str, Any] = {}
    for number, disk_id in enumerate(disk_ids):
        chain = cloud.root / "chains" / REGION / disk_id / "chain.json"
        nodes = json.loads(chain.read_text())["nodes"] if chain.exists() else []
        found[str(number)] = [
            {key: value for key, value in node.items() if key in KEPT} for node in nodes
        ]
    found["account"] = {
        key: value
        for key, value in json.loads((cloud.root / "state" / "account.json").read_text()).items()
        if key in ("settled_at", "next_due_at")
    }
    return found


KEPT = {
    "created_at", "ready_at", "number", "retention_days", "data_blocks", "empty_blocks",
    "view_blocks", "kind", "tags",
}  # fmt: skip


def run_in_steps(cloud: Cloud, total_hours: int, step_hours: int) -> tuple[Any, list[Any]]:
    """Two disks with policies, three instants of change before; then time in such steps."""
    instance_id = cloud.instance(DataDisk__2__Size=20, DataDisk__2__Category="cloud_essd")
    disks = sorted(
        (d["Device"], d["DiskId"]) for d in cloud.disks(InstanceId=instance_id, DiskType="data")
    )
    ids = [disk_id for _, disk_id in disks]
    for number, disk_id in enumerate(ids):
        cloud.write(disk_id, number, block("A"))
        cloud.snapshot(disk_id, RetentionDays=3)
        cloud.write(disk_id, number + 1, block("B"))
    apply(cloud, create(cloud, timePoints=HOURLY, retentionDays=2), ids[0])
    plan = {"timePoints": '["1","2","7"]', "repeatWeekdays": '["1","3","6"]', "retentionDays": -1}
    apply(cloud, create(cloud, **plan), ids[1])
    names = {disk_id: str(number) for number, disk_id in enumerate(ids)}
    events: list[Any] = []
    for _ in range(total_hours // step_hours):
        events += [
            (each["Time"], each["Event"], names[each["DiskId"]], each["Reason"])
            for each in advance(cloud, f"{step_hours}h")
        ]
    events.sort(key=lambda event: (event[0], event[2]))  # of one disk's the order stays
    return seen(cloud, ids), events


@pytest.mark.rule("PO-12")
def test_one_long_step_does_what_many_short_ones_do(memory_path: Path) -> None:
    hours = 10 * 24
    done = []
    for number, step in enumerate((hours, 24, 4)):
        cloud = Cloud(memory_path / f"steps-{number}")
        cloud.ok("config", "set", "quotas.automatic_snapshots_per_disk", "40")
        done.append(run_in_steps(cloud, hours, step))
        cloud.check()
    assert done[0] == done[1] == done[2]
    assert len(done[0][1]) > 240


@pytest.mark.slow
@pytest.mark.rule("PO-12")
def test_a_year_in_one_step_is_a_year_of_days_and_of_hours(memory_path: Path) -> None:
    done = []
    for number, step in enumerate((8760, 24, 1)):
        cloud = Cloud(memory_path / f"steps-{number}")
        done.append(run_in_steps(cloud, 8760, step))
        cloud.check()
    assert done[0] == done[1] == done[2]


@pytest.mark.rule("PO-12")
def test_small_steps_of_settling_do_what_a_large_one_does(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    for most in (4000, 50, 9):
        monkeypatch.setattr("snapcli.ecs.lifecycle.MOST_EVENTS", most)
        done.append(run_in_steps(Cloud(memory_path / f"most-{most}"), 8 * 24, 8 * 24))
    assert done[0] == done[1] == done[2]


def test_the_clock_tells_what_happened(cloud: Cloud) -> None:
    covered(cloud, retentionDays=1)
    shown = cloud.ok("clock", "advance", "3d").out
    assert "3 automatic snapshots created" in shown and "2 snapshots released" in shown
    assert "SnapshotCreated" not in shown
    shown = cloud.ok("clock", "advance", "1d", "--events").out
    assert "2022-03-14T16:00:00Z  SnapshotReleased" in shown and "its retention ended" in shown
    quiet = cloud.ok("clock", "advance", "1h", "--output", "json").json
    assert set(quiet["Happened"].values()) == {0} and "Events" not in quiet
    days = cloud.ok("clock", "set", "2022-03-20T00:00Z", "--events", "--output", "json").json
    assert days["Happened"]["SnapshotsCreated"] == 5
    assert [e["Event"] for e in days["Events"]].count("SnapshotCreated") == 5


@pytest.mark.rule("PO-12")
def test_a_snapshot_of_an_unchanged_disk_holds_nothing_of_its_own(cloud: Cloud) -> None:
    disk_id, _ = covered(cloud, timePoints=HOURLY, retentionDays=1)
    for letter in "AB":
        cloud.write(disk_id, 2, block(letter))
        advance(cloud, "12h")
    folder = cloud.root / "chains" / REGION / disk_id
    assert len(list(folder.glob("*.pack"))) == len(list(folder.glob("*.map"))) == 2
    assert len(times(cloud)) == 24
    assert cloud.chain_size(disk_id) == 3 * 65536
    instance_id = cloud.disk(disk_id)["InstanceId"]
    cloud.ecs("StopInstance", InstanceId=instance_id)
    for day, letter in ((5, "A"), (15, "B")):
        back = [s for s in cloud.snapshots(DiskId=disk_id) if s["SnapshotType"] == "auto"][::-1]
        cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=back[day]["SnapshotId"])
        assert cloud.read(disk_id, 2, 1) == block(letter)
        assert cloud.read(disk_id)[:10] == b"some bytes"
    cloud.check()
    # The first goes, and what it holds goes on to the next that has nothing of its own.
    advance(cloud, "6h")
    cloud.check()
    assert cloud.chain_size(disk_id) == 3 * 65536
