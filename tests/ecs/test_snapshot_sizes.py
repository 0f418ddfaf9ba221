"""A region's snapshot size over time: as the API tells it, and as the console draws it."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from refusals import refused
from support import REGION, Cloud, block

B = 65536


def monitor(cloud: Cloud, start: str, end: str, period: int = 60, **parameters: Any) -> Any:
    answer = cloud.ecs(
        "DescribeSnapshotMonitorData",
        RegionId=REGION,
        StartTime=start,
        EndTime=end,
        Period=period,
        **parameters,
    )
    return {each["TimeStamp"]: each["Size"] for each in answer["MonitorData"]["DataPoint"]}


def size(cloud: Cloud, *words: str) -> Any:
    return cloud.ok("console", "size", *words, "--output", "json").json


def now(cloud: Cloud) -> datetime:
    shown = cloud.ok("clock", "show", "--output", "json").json["Now"]
    return datetime.fromisoformat(shown)


@pytest.mark.rule("SZ-1")
def test_the_size_at_every_instant_is_what_the_region_said_then(cloud: Cloud) -> None:
    """Captures, deletions and a released disk, looked at again from later."""
    chance = random.Random(7)
    disks = [cloud.data_disk(cloud.instance()) for _ in range(2)]
    said: dict[str, int] = {}
    begin = now(cloud)
    for number in range(14):
        disk_id = chance.choice(disks)
        made = cloud.snapshots()
        if made and chance.random() < 0.3:
            cloud.ecs("DeleteSnapshot", SnapshotId=chance.choice(made)["SnapshotId"])
        else:
            for at in range(chance.randint(1, 6)):
                cloud.write(disk_id, at, block("ABCDEFGHIJKLMN"[number]))
            cloud.snapshot(disk_id)
        usage = cloud.ecs("DescribeSnapshotsUsage", RegionId=REGION)
        said[now(cloud).strftime("%Y-%m-%dT%H:%M:%SZ")] = usage["SnapshotSize"]
        cloud.ok("clock", "advance", "27m")
    for each in cloud.snapshots(DiskId=disks[1]):
        cloud.ecs("DeleteSnapshot", SnapshotId=each["SnapshotId"])
    end = begin + timedelta(hours=6)
    found = monitor(cloud, f"{begin:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}")
    assert {at: found[at] for at in said} == said
    told = size(cloud, "--days", "1")
    assert told["StepSeconds"] == 300
    assert told["Points"][0]["Size"] == 0
    by_time = {each["Time"]: each["Size"] for each in told["Points"]}
    assert by_time[told["End"]] == cloud.chain_size(disks[0])
    common = by_time.keys() & found.keys()
    assert len(common) > 50 and all(by_time[at] == found[at] for at in common)


def test_points_come_in_steps_and_none_is_yet_to_come(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, block("A"))
    cloud.ok("clock", "set", "2022-03-11T03:05:10Z")
    cloud.snapshot(disk_id)
    cloud.ok("clock", "set", "2022-03-11T03:31:00Z")
    assert monitor(cloud, "2022-03-11T02:59:30Z", "2022-03-12T00:00:00Z", 600) == {
        "2022-03-11T03:00:00Z": 0,
        "2022-03-11T03:10:00Z": B,
        "2022-03-11T03:20:00Z": B,
        "2022-03-11T03:30:00Z": B,
    }
    assert list(monitor(cloud, "2022-03-11T03:00Z", "2022-03-11T03:00Z")) == [
        "2022-03-11T03:00:00Z"
    ]
    assert monitor(cloud, "2022-04-11T03:00Z", "2022-04-11T04:00Z") == {}


def test_each_storage_kind_is_told_by_itself(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, block("A"))
    cloud.snapshot(disk_id, Category="flash")
    cloud.write(disk_id, 1, block("B"))
    cloud.write(disk_id, 2, block("B"))
    cloud.snapshot(disk_id, InstantAccess=True)
    cloud.ok("clock", "advance", "1h")
    at = f"{now(cloud):%Y-%m-%dT%H:%M:%SZ}"
    kinds = {
        kind: monitor(cloud, at, at, Category=kind)[at] for kind in ("Standard", "flash", "Archive")
    }
    last = size(cloud)["Points"][-1]
    assert kinds == {"Standard": last["StandardSize"], "flash": last["LocalSize"], "Archive": 0}
    assert last["Size"] == kinds["Standard"] + kinds["flash"] > 2 * B
    assert last["InstantAccessSize"] == kinds["Standard"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"StartTime": "yesterday"}, "InvalidStartTime.Malformed"),
        ({"EndTime": "2022-03-11"}, "InvalidEndTime.Malformed"),
        ({"EndTime": "2022-03-11T00:00:00Z"}, "InvalidEndTime.Malformed"),
        ({"Period": 300}, "InvalidPeriod.ValueNotSupported"),
        ({"StartTime": "2022-02-09T02:32:00Z"}, "InvalidStartTime.TooEarly"),
        ({"StartTime": "2022-03-10T19:52:00Z"}, "InvalidParameter.TooManyDataQueried"),
        ({"Category": "gold"}, "InvalidSnapshotCategory.Malformed"),
        ({"RegionId": "cn-nowhere"}, "InvalidRegionId.NotFound"),
    ],
)
def test_what_cannot_be_told_is_refused(cloud: Cloud, change: Any, code: str) -> None:
    given = {
        "RegionId": REGION,
        "StartTime": "2022-03-11T01:00:00Z",
        "EndTime": "2022-03-11T02:33:00Z",
    }
    refused(cloud, code, "DescribeSnapshotMonitorData", **given | change)


def test_400_points_of_the_last_30_days_are_told(cloud: Cloud) -> None:
    assert len(monitor(cloud, "2022-03-10T19:54:00Z", "2022-03-11T02:33:00Z")) == 400
    assert monitor(cloud, "2022-02-09T02:33:00Z", "2022-02-09T02:33:00Z")


@pytest.mark.rule("SZ-1")
def test_any_period_of_the_last_15_days_is_charted_and_no_other(cloud: Cloud) -> None:
    assert size(cloud)["Start"] == "2022-02-24T02:33:00Z"
    assert size(cloud, "--days", "2")["Start"] == "2022-03-09T02:33:00Z"
    some = size(cloud, "--from", "2022-03-01T00:00Z", "--to", "-2d")
    assert (some["Start"], some["End"]) == ("2022-03-01T00:00:00Z", "2022-03-09T02:33:00Z")
    for words in (
        ("--days", "16"),
        ("--from", "-16d"),
        ("--to", "+1h"),
        ("--from", "-1d", "--to", "-2d"),
        ("--days", "2", "--from", "-1d"),
        ("--from", "long ago"),
    ):
        assert cloud.run("console", "size", *words).code != 0, words


def test_no_account_has_a_package(cloud: Cloud) -> None:
    answer = cloud.ecs("DescribeSnapshotPackage", RegionId=REGION, PageSize=20)
    assert answer["SnapshotPackages"] == {"SnapshotPackage": []}
    assert (answer["TotalCount"], answer["PageNumber"], answer["PageSize"]) == (0, 1, 20)
    refused(cloud, "InvalidRegionId.NotFound", "DescribeSnapshotPackage", RegionId="cn-nowhere")


# How it is drawn


def drawn(cloud: Cloud, *words: str) -> list[str]:
    return cloud.ok("console", "size", *words).out.splitlines()


def test_the_chart_rises_where_the_size_does(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    for blocks in (1, 4):
        cloud.ok("clock", "advance", "1d")
        for at in range(blocks):
            cloud.write(disk_id, at, block("ABCDE"[at]))
        cloud.snapshot(disk_id)
    cloud.ok("clock", "advance", "1d")
    lines = drawn(cloud, "--days", "3")
    assert lines[0] == "Snapshot size in cn-hangzhou"
    assert "At the end 256 KiB" in lines[2]
    chart = [line.partition("┤")[2] for line in lines if "┤" in line]
    assert len(chart) == 10 and max(map(len, chart)) <= 80
    filled = [sum(at < len(row) and row[at] != " " for row in chart) for at in range(60)]
    assert filled == sorted(filled) and filled[0] == 0 and filled[-1] == 10
    assert len(set(filled)) == 3
    assert [line.split()[0] for line in lines[-4:]] == [f"2022-03-{at}" for at in range(11, 15)]
    assert all(len(line) <= 80 for line in lines)


def test_a_period_in_which_nothing_was_stored_is_said_in_words(cloud: Cloud) -> None:
    assert drawn(cloud)[-1] == "Nothing was stored in this period."


@pytest.mark.parametrize("columns", [20, 40, 200])
def test_the_chart_fits_the_terminal(
    cloud: Cloud, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, block("A"))
    cloud.snapshot(disk_id)
    from snapcli.cli.streams import Streams

    monkeypatch.setattr(Streams, "width", property(lambda _: columns))
    lines = cloud.run("console", "size", terminal=True).out.splitlines()
    assert any("█" in line for line in lines)
    assert max(len(line) for line in lines if "┤" in line or "└" in line) <= max(columns, 24)
