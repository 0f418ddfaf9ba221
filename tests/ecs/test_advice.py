"""Advice on fees from the guide's table: what could go, and exactly what that would save (SZ-5)."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import policy_scene
import pytest
from refusals import picture
from support import REGION, Cloud, block

from snapcli.ecs.advice_rules import CORE, NON_CORE, SYSTEM, TABLE, TEMPORARY, surplus
from snapcli.ecs.records import SnapshotRecord

pytestmark = pytest.mark.rule("SZ-5")

NOW = datetime(2022, 3, 31, 12, tzinfo=UTC)


def advise(cloud: Cloud, *words: str) -> Any:
    return cloud.ok("advise", *words, "--output", "json").json


def tag(cloud: Cloud, kind: str, resource_id: str, role: str) -> None:
    cloud.ecs(
        "TagResources",
        RegionId=REGION,
        ResourceType=kind,
        ResourceId__1=resource_id,
        Tag__1__Key="snapcli:role",
        Tag__1__Value=role,
    )


@pytest.fixture
def dear(cloud: Cloud) -> Cloud:
    """A workspace where a block costs a dollar a month, and none is free."""
    cloud.ok("config", "set", "prices.standard_usd_per_gib_month", "16384")
    cloud.ok("config", "set", "prices.standard_free_gib", "0")
    return cloud


# The table


def kept(role: str, hours_ago: list[float]) -> list[float]:
    """Which of the snapshots taken so many hours ago the table keeps."""
    nodes = [
        SnapshotRecord(
            snapshot_id=f"s-{at}",
            created_at=NOW - timedelta(hours=at),
            ready_at=NOW,
            number=number,
            size_gib=1,
            disk_type="data",
        )
        for number, at in enumerate(hours_ago)
    ]
    gone = {node.snapshot_id for node in surplus(role, nodes, NOW, UTC)}
    return [at for at in hours_ago if f"s-{at}" not in gone]


@pytest.mark.parametrize(
    ("role", "taken", "left"),
    [
        (CORE, [5000, 60, 50, 30, 20, 3, 2], [5000, 50, 20, 2]),
        (
            NON_CORE,
            [24 * 29, 24 * 20, 24 * 19, 24 * 8, 24 * 7, 30, 2],
            [24 * 19, 24 * 7, 2],
        ),
        (NON_CORE, [24 * 400], [24 * 400]),
        (SYSTEM, [900, 800, 700, 600], [700, 600]),
        (SYSTEM, [900], [900]),
        (TEMPORARY, [900, 25, 24, 23], [23]),
        (TEMPORARY, [], []),
    ],
)
def test_what_each_line_of_the_table_keeps(role: str, taken: Any, left: Any) -> None:
    assert kept(role, taken) == left


def test_the_table_has_the_guides_lines() -> None:
    assert {role: line.frequency.split(" or ")[0] for role, line in TABLE.items()} == {
        CORE: "once every day",
        NON_CORE: "once every week",
        SYSTEM: "whenever needed",
        TEMPORARY: "whenever needed",
    }
    assert TABLE[SYSTEM].retention == "one or two snapshots"


# Through the front door


@pytest.mark.parametrize("seed", range(4))
def test_following_the_advice_changes_size_and_fee_by_exactly_what_it_said(
    dear: Cloud, seed: int
) -> None:
    chance = random.Random(seed)
    instance_id = dear.instance()
    disks = [each["DiskId"] for each in dear.disks(InstanceId=instance_id)]
    for number in range(14):
        disk_id = chance.choice(disks)
        for at in chance.sample(range(6), chance.randint(0, 4)):
            # Blocks that come back to what they were, and that become empty, too.
            dear.write(disk_id, at, chance.choice([block("A"), block("B"), bytes(65536)]))
        dear.snapshot(disk_id, SnapshotName=f"n{number}")
        dear.ok("clock", "advance", chance.choice(["1h", "9h", "40h"]))
    before = dear.ecs("DescribeSnapshotsUsage", RegionId=REGION)["SnapshotSize"]
    told = advise(dear, "--role", "non-core")
    assert {item["Role"] for item in told["Advice"]} <= {"non-core", "system"}
    assert sum(item["FreedBytes"] for item in told["Advice"]) == told["FreedBytes"]
    for item in told["Advice"]:
        assert Decimal(item["Saving"]) == Decimal(item["FreedBytes"]) / 65536
        size = dear.ecs("DescribeSnapshotsUsage", RegionId=REGION)["SnapshotSize"]
        dear.ok("delete-snapshots", *item["SnapshotIds"])
        after = dear.ecs("DescribeSnapshotsUsage", RegionId=REGION)["SnapshotSize"]
        assert size - after == item["FreedBytes"], item
    after = dear.ecs("DescribeSnapshotsUsage", RegionId=REGION)["SnapshotSize"]
    assert before - after == told["FreedBytes"]
    assert Decimal(told["Saving"]) == Decimal(told["FreedBytes"]) / 65536
    assert advise(dear, "--role", "non-core")["Advice"] == []
    dear.check()


def test_what_a_disk_is_for_is_its_tag_or_assumed(dear: Cloud) -> None:
    instance_id = dear.instance()
    data = dear.data_disk(instance_id)
    for number in range(3):
        dear.write(data, 0, block("ABC"[number]))
        dear.snapshot(data)
        dear.ok("clock", "advance", "8d")
    assert advise(dear)["Advice"] == []  # a core application's: one a day is what is right
    tag(dear, "disk", data, "system")
    [item] = advise(dear)["Advice"]
    assert (item["Role"], item["RoleAssumed"], len(item["SnapshotIds"])) == ("system", False, 1)
    tag(dear, "disk", data, "temporary")
    [item] = advise(dear)["Advice"]
    assert len(item["SnapshotIds"]) == 3 and item["FreedBytes"] == dear.chain_size(data)


def test_a_snapshot_tagged_temporary_goes_a_day_later_though_its_disk_is_core(
    dear: Cloud,
) -> None:
    disk_id = dear.data_disk(dear.instance())
    dear.write(disk_id, 0, block("A"))
    upgrade = dear.snapshot(disk_id)
    tag(dear, "snapshot", upgrade, "temporary")
    dear.ok("clock", "advance", "23h")
    assert advise(dear)["Advice"] == []
    dear.ok("clock", "advance", "1h")
    [item] = advise(dear)["Advice"]
    assert item["SnapshotIds"] == [upgrade]
    assert Decimal(item["Saving"]) == 1


def test_what_something_holds_stays_and_it_says_why(dear: Cloud) -> None:
    disk_id = dear.data_disk(dear.instance())
    made = []
    for letter in "ABC":
        dear.write(disk_id, 0, block(letter))
        made.append(dear.snapshot(disk_id))
        dear.ok("clock", "advance", "1m")
    new = {"RegionId": REGION, "ZoneId": "cn-hangzhou-b", "DiskCategory": "cloud_essd"}
    dear.ecs("CreateDisk", SnapshotId=made[0], **new)
    [item] = advise(dear)["Advice"]
    assert item["SnapshotIds"] == [made[1]]
    [held] = item["Held"]
    assert held["SnapshotId"] == made[0] and "Disks were made from" in held["Reason"]


def test_the_free_tier_makes_deleting_save_nothing(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    for letter in "AB":
        cloud.write(disk_id, 0, block(letter))
        cloud.snapshot(disk_id)
    told = advise(cloud)
    assert (told["FreedBytes"], told["Saving"]) == (65536, "0.00000000")


def test_instant_access_that_is_not_switched_off_is_told(cloud: Cloud) -> None:
    cloud.ok("config", "set", "prices.instant_access_usd_per_gib_month", "16384")
    disk_id = cloud.data_disk(cloud.instance())
    for at in range(3):
        cloud.write(disk_id, at, block("A"))
    snapshot_id = cloud.snapshot(disk_id, InstantAccess=True)
    cloud.ok("clock", "advance", "1h")
    [item] = advise(cloud)["Advice"]
    assert (item["Action"], item["SnapshotIds"]) == ("disable-instant-access", [snapshot_id])
    assert (item["FreedBytes"], item["Saving"]) == (0, "3.00000000")
    cloud.ecs("ModifySnapshotAttribute", SnapshotId=snapshot_id, DisableInstantAccess=True)
    assert advise(cloud)["Advice"] == []


def test_a_policy_that_captures_more_often_than_is_recommended_is_told(dear: Cloud) -> None:
    disk_id, policy_id = policy_scene.covered(dear, timePoints='["0","6","12","18"]')
    for day in range(3):
        dear.write(disk_id, 0, block("ABC"[day]))
        dear.ok("clock", "advance", "1d")
    often = next(item for item in advise(dear)["Advice"] if item["Action"] == "change-policy")
    assert (often["PolicyId"], often["SnapshotIds"]) == (policy_id, [])
    assert "28 times a week" in often["Found"]
    surplus_ = next(item for item in advise(dear)["Advice"] if item["Action"] == "delete")
    assert often["Saving"] == surplus_["Saving"]  # all of them are automatic
    assert policy_id in dear.ok("advise").out
    dear.ecs(
        "ModifyAutoSnapshotPolicyEx",
        regionId=REGION,
        autoSnapshotPolicyId=policy_id,
        timePoints='["0"]',
    )
    assert "change-policy" not in {item["Action"] for item in advise(dear)["Advice"]}
    tag(dear, "disk", disk_id, "system")
    assert "change-policy" in {item["Action"] for item in advise(dear)["Advice"]}


def test_advice_changes_nothing_and_reads_as_text(dear: Cloud) -> None:
    disk_id = dear.data_disk(dear.instance())
    assert dear.ok("advise").out.startswith("Nothing to advise")
    for letter in "ABC":
        dear.write(disk_id, 0, block(letter))
        dear.snapshot(disk_id)
        dear.ok("clock", "advance", "1m")
    before = picture(dear)
    text = dear.ok("advise").out
    assert picture(dear) == before
    assert "3 snapshots since 2022-03-11, 2 more than recommended" in text
    assert "Deleting 2 snapshots frees 128 KiB and saves 2.00000000 USD a month" in text
    assert "That is assumed" in text and max(map(len, text.splitlines())) <= 100
    [_, *commands] = text.split("  snapcli delete-snapshots ", 1)
    words = commands[0].split("\n\n")[0].replace("\\\n", " ").split()
    dear.ok("delete-snapshots", *words)
    assert dear.chain_size(disk_id) == 65536


def test_a_damaged_chain_is_named_and_stops_no_other_advice(dear: Cloud) -> None:
    disks = [dear.data_disk(dear.instance()) for _ in range(2)]
    for disk_id in disks:
        for letter in "ABC":
            dear.write(disk_id, 0, block(letter))
            dear.snapshot(disk_id)
            dear.ok("clock", "advance", "1m")
    for path in (dear.root / "chains" / REGION / disks[0]).glob("*.map"):
        path.write_bytes(path.read_bytes()[:-8])
    told = advise(dear)
    assert told["DamagedDisks"] == [disks[0]]
    assert [item["DiskId"] for item in told["Advice"]] == [disks[1]]
    assert "snapcli check" in dear.ok("advise").out


def test_nothing_is_advised_that_would_cost_more(dear: Cloud) -> None:
    """Without the first snapshot the local one would hold its block, at eleven times the fee."""
    dear.ok("config", "set", "prices.local_usd_per_gib_month", "180224")
    disk_id = dear.data_disk(dear.instance())
    dear.write(disk_id, 0, block("A"))
    first = dear.snapshot(disk_id)
    local = dear.snapshot(disk_id, Category="flash")
    dear.ok("clock", "advance", "2d")
    told = advise(dear)
    assert (told["Advice"], told["FreedBytes"], Decimal(told["Saving"])) == ([], 0, 0)
    tag(dear, "snapshot", local, TEMPORARY)
    tag(dear, "snapshot", first, TEMPORARY)
    [advice] = advise(dear)["Advice"]
    assert set(advice["SnapshotIds"]) == {first, local} and Decimal(advice["Saving"]) == 1
