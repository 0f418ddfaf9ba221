"""ForecastPolicy beside what really comes: disks that are really changed, day by day."""

from fractions import Fraction
from typing import Any

import pytest
from policy_scene import HOURLY, advance, apply, covered, create
from refusals import refused
from support import BLOCK_BYTES, REGION, Cloud, block


class Writer:
    """Writes blocks of a disk round and round, each time with something else."""

    def __init__(self, cloud: Cloud, disk_id: str, blocks: int) -> None:
        self._cloud, self._disk_id, self._blocks = cloud, disk_id, blocks
        self._at = 0

    def write(self, count: int) -> None:
        for _ in range(count):
            content = self._at.to_bytes(4, "big") * (BLOCK_BYTES // 4)
            self._cloud.write(self._disk_id, self._at % self._blocks, b"x" + content[1:])
            self._at += 1


def forecast(cloud: Cloud, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = cloud.ok("policy", "forecast", *words, "--output", "json").json
    return found


def outcome(told: dict[str, Any]) -> list[tuple[int, int]]:
    return [(chain["Snapshots"], chain["StoredBytes"]) for chain in told["Disks"]]


def stored(cloud: Cloud, disk_id: str, region: str = REGION) -> tuple[int, int]:
    """What there really is: how many snapshots of a disk, and what their chain stores."""
    links = cloud.ecs("DescribeSnapshotLinks", RegionId=region)["SnapshotLinks"]["SnapshotLink"]
    mine = [link for link in links if link["SourceDiskId"] == disk_id]
    return sum(x["TotalCount"] for x in mine), sum(x["TotalSize"] for x in mine)


def live(cloud: Cloud, writer: Writer, steps: int, writes: int, by: str = "1d") -> None:
    """Let time pass in steps, with so many blocks written before each."""
    for _ in range(steps):
        writer.write(writes)
        cloud.ok("clock", "advance", by)


@pytest.mark.rule("PO-12", "PO-7", "IN-6")
def test_the_forecast_is_what_comes_when_the_disk_changes_so(cloud: Cloud) -> None:
    disk_id, policy_id = covered(cloud, retentionDays=5)
    writer = Writer(cloud, disk_id, 50)
    writer.write(50)
    told = forecast(cloud, "--days", "12", "--change", "2%/day")
    [chain] = told["Disks"]
    assert chain["DiskBytes"] == 50 * BLOCK_BYTES
    assert chain["ChangeBytesPerDay"] == BLOCK_BYTES
    assert (chain["SnapshotsMade"], chain["SnapshotsReleased"]) == (12, 7)
    points = {point["Time"]: point for point in told["Points"]}
    for _ in range(12):
        live(cloud, writer, 1, 1)
        now = cloud.ok("clock", "show", "--output", "json").json["Now"]
        point = points[now]
        assert (point["Snapshots"], point["StoredBytes"]) == stored(cloud, disk_id)
    assert outcome(told) == [stored(cloud, disk_id)] == [(5, 54 * BLOCK_BYTES)]
    # From here on its own snapshots say how fast it changes.
    again = forecast(cloud, "--policy-id", policy_id, "--days", "9")
    assert again["Disks"][0]["ChangeMeasured"]
    assert again["Disks"][0]["ChangeBytesPerDay"] == BLOCK_BYTES
    live(cloud, writer, 9, 1)
    assert outcome(again) == [stored(cloud, disk_id)]
    cloud.check()


@pytest.mark.rule("IN-6")
def test_it_holds_with_snapshots_that_stay_and_blocks_that_are_written_again(cloud: Cloud) -> None:
    disk_id, _ = covered(cloud, timePoints='["0","12"]', retentionDays=3)
    writer = Writer(cloud, disk_id, 10)
    writer.write(10)
    cloud.ok("clock", "set", "2022-03-11T04:00:00Z")  # noon there, which makes the first
    cloud.snapshot(disk_id)
    cloud.snapshot(disk_id, RetentionDays=4)
    told = forecast(cloud, "--days", "11", "--change", f"{2 * BLOCK_BYTES}B/day")
    live(cloud, writer, 22, 1, "12h")
    assert outcome(told) == [stored(cloud, disk_id)]
    # Kept are the one for always, in full, and those of three days; all was written twice.
    assert stored(cloud, disk_id) == (7, (10 + 10 + 5) * BLOCK_BYTES)
    assert told["Disks"][0]["SnapshotsReleased"] == 2 + 22 - 6


@pytest.mark.rule("IN-6")
def test_no_more_than_the_whole_disk_changes_between_two_runs(cloud: Cloud) -> None:
    disk_id, _ = covered(cloud, repeatWeekdays='["6"]', retentionDays=15)
    writer = Writer(cloud, disk_id, 10)
    writer.write(10)
    told = forecast(cloud, "--days", "35", "--change", "30%/day")
    live(cloud, writer, 35, 3)
    assert outcome(told) == [stored(cloud, disk_id)] == [(2, 20 * BLOCK_BYTES)]


@pytest.mark.rule("IN-6")
def test_a_disk_that_rewrites_the_same_blocks_stores_no_more_than_was_foretold(
    cloud: Cloud,
) -> None:
    disk_id, _ = covered(cloud, retentionDays=4)
    Writer(cloud, disk_id, 20).write(20)
    cloud.snapshot(disk_id, RetentionDays=2)
    told = forecast(cloud, "--days", "8", "--change", "15%/day")
    live(cloud, Writer(cloud, disk_id, 4), 8, 3)  # round and round in four of twenty
    [(count, size)] = outcome(told)
    assert stored(cloud, disk_id)[0] == count == 4
    assert stored(cloud, disk_id)[1] <= size


@pytest.mark.rule("IN-5")
def test_it_heeds_the_limit_of_automatic_snapshots(cloud: Cloud) -> None:
    disk_id, _ = covered(cloud, timePoints=HOURLY, retentionDays=-1)
    cloud.ok("config", "set", "quotas.automatic_snapshots_per_disk", "6")
    writer = Writer(cloud, disk_id, 24)
    writer.write(24)
    cloud.ok("clock", "advance", "1h")
    told = forecast(cloud, "--days", "1", "--change", "64KiB/hour")
    live(cloud, writer, 24, 1, "1h")
    assert outcome(told) == [stored(cloud, disk_id)] == [(6, (24 + 5) * BLOCK_BYTES)]


@pytest.mark.rule("PO-9")
def test_copies_in_another_region_are_foretold_too(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    writer = Writer(cloud, disk_id, 20)
    writer.write(20)
    policy_id = create(
        cloud,
        retentionDays=2,
        EnableCrossRegionCopy=True,
        TargetCopyRegions='["cn-beijing"]',
        CopiedSnapshotsRetentionDays=4,
    )
    apply(cloud, policy_id, disk_id)
    told = forecast(cloud, "--days", "7", "--change", "10%")
    assert [chain["IsCopy"] for chain in told["Disks"]] == [False, True]
    live(cloud, writer, 7, 2)
    assert outcome(told) == [stored(cloud, disk_id), stored(cloud, disk_id, "cn-beijing")]
    again = forecast(cloud, "--days", "6")
    live(cloud, writer, 6, 2)
    assert outcome(again) == [stored(cloud, disk_id), stored(cloud, disk_id, "cn-beijing")]


@pytest.mark.rule("SZ-2")
def test_the_fee_is_what_the_bill_then_has(cloud: Cloud) -> None:
    cloud.ok("config", "set", "prices.standard_usd_per_gib_month", "100000")
    cloud.ok("config", "set", "prices.standard_free_gib", "0.001")  # 16.384 blocks
    disk_id, _ = covered(cloud, retentionDays=3)
    writer = Writer(cloud, disk_id, 30)
    writer.write(30)
    other = cloud.data_disk(cloud.instance())
    cloud.write(other, 0, block("O"))
    cloud.snapshot(other)
    told = forecast(cloud, "--days", "8", "--change", "10%/day")
    live(cloud, writer, 8, 3)
    assert outcome(told) == [stored(cloud, disk_id)] == [(3, 36 * BLOCK_BYTES)]
    [hour] = cloud.ok("billing", "--hours", "--output", "json").json["Hours"][-1:]
    of_month = Fraction(hour["Amount"]) * 31 * 24
    assert abs(of_month - Fraction(told["MonthlyFee"])) < Fraction("0.0001")
    assert told["MonthlyFee"] == told["Points"][-1]["MonthlyFee"]
    # The other's block is free, and the disk has what is left of the tier.
    gib = Fraction(36 * BLOCK_BYTES, 1 << 30)
    assert Fraction(told["Disks"][0]["MonthlyFee"]) == gib * 100000
    assert Fraction(told["MonthlyFee"]) < gib * 100000


@pytest.mark.rule("PO-3")
def test_runs_that_would_be_skipped_are_counted(cloud: Cloud) -> None:
    disk_id, _ = covered(cloud)
    cloud.ok("account", "overdue")
    told = forecast(cloud, "--days", "5", "--change", "1%")
    assert (told["Disks"][0]["SnapshotsMade"], told["Disks"][0]["RunsSkipped"]) == (1, 4)
    assert len(advance(cloud, "5d")) == 5
    assert outcome(told) == [stored(cloud, disk_id)]


@pytest.mark.rule("PO-4")
def test_runs_within_a_creation_are_foretold_as_skipped(cloud: Cloud) -> None:
    disk_id, _ = covered(cloud, timePoints=HOURLY)
    cloud.ok("config", "set", "speed", "realistic")
    cloud.ok("config", "set", "speeds.realistic.snapshot_minimum_seconds", "5400")
    told = forecast(cloud, "--days", "1", "--change", "0%")
    assert (told["Disks"][0]["SnapshotsMade"], told["Disks"][0]["RunsSkipped"]) == (12, 12)
    done = [event["Event"] for event in advance(cloud, "1d")]
    assert (done.count("SnapshotCreated"), done.count("SnapshotSkipped")) == (12, 12)
    assert outcome(told) == [stored(cloud, disk_id)]


def test_a_policy_is_tried_on_a_disk_that_has_none(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, block("A") * 4)
    policy_id = create(cloud, timePoints=HOURLY, retentionDays=2)
    assert forecast(cloud, "--change", "1%")["Disks"] == []
    assert "No disk has a policy" in cloud.ok("policy", "forecast").out
    as_if = forecast(
        cloud, "--policy-id", policy_id, "--disk-id", disk_id, "--change", "0%", "--days", "4"
    )
    assert outcome(as_if) == [(48, 4 * BLOCK_BYTES)]
    assert outcome(forecast(cloud, "--disk-id", disk_id, "--change", "1%")) == [(0, 0)]
    table = cloud.ok("policy", "forecast", "--disk-id", disk_id, "--change", "1%").out
    assert disk_id in table and "0 -> 0" in table


def test_what_cannot_be_foretold_is_refused(cloud: Cloud) -> None:
    disk_id, _ = covered(cloud)
    bad = "InvalidParameter"
    assert "Say it with Change" in refused(cloud, bad, "ForecastPolicy").err
    for change in ("2%/fortnight", "much", "-1%", "%"):
        refused(cloud, bad, "ForecastPolicy", Change=change)
    refused(cloud, bad, "ForecastPolicy", Change="1%", Days=0)
    refused(cloud, "InvalidDiskId.NotFound", "ForecastPolicy", Change="1%", DiskId__1="d-none")
    refused(cloud, "ParameterInvalid", "ForecastPolicy", Change="1%", PolicyId="sp-none")
    told = [forecast(cloud, "--change", change) for change in ("7GiB/week", "1GiB", "1GiB/day")]
    assert {each["Disks"][0]["ChangeBytesPerDay"] for each in told} == {1 << 30}
    assert disk_id == told[0]["Disks"][0]["DiskId"]
