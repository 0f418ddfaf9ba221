"""What snapshots cost: each hour by what was stored in it, whatever happened since."""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import policy_scene
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import GIB, REGION, Cloud, block

from snapcli.ecs import billing, ledger, usage
from snapcli.ecs.prices import Tariff
from snapcli.ecs.records import Chain, EndedChain, SnapshotRecord
from snapcli.workspace.settings import Prices

START = datetime(2022, 3, 1, tzinfo=UTC)
MONTH_HOURS = 31 * 24
BLOCKS = 16384  # a GiB
PRICES = Prices()


def bill(cloud: Cloud, **options: str) -> Any:
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return cloud.ok("billing", *words, "--output", "json").json


# The rules of a bill, against a count of every snapshot in every hour


class Life(NamedTuple):
    """One snapshot: what it holds, and from when to when (seconds of the month)."""

    chain: int
    kind: str
    tags: tuple[tuple[str, str], ...]
    blocks: int
    start: int
    end: int
    fast_until: int


class Fake:
    """As much of a call as the ledger needs."""

    def __init__(self) -> None:
        self.now = START
        self.account_id = "1"
        self.regions_to_fold: set[tuple[str, str]] = set()


TAGS = st.sampled_from([{}, {"env": "prod"}, {"env": "test"}])
STEP = st.tuples(
    st.sampled_from([0, 1, 59, 600, 3600, 5000, 86400, 3 * 86400]),  # seconds to wait before
    st.integers(0, 1),  # which chain
    st.sampled_from(["make", "make", "make", "delete", "tag"]),
    st.sampled_from(["standard", "standard", "flash", "archive"]),
    st.sampled_from([0, 1, 7, 3 * BLOCKS, 6 * BLOCKS]),
    TAGS,
    st.sampled_from([None, 0, 1, 3]),  # days of instant access; 0: for good
)


def play(steps: list[Any]) -> tuple[list[Chain], list[Life], int]:
    """Carry out steps on two chains; return them, what lived when, and the end in seconds."""
    call: Any = Fake()
    chains = [Chain(disk_id=f"d-{at}", region_id=REGION) for at in range(2)]
    open_: dict[int, Life] = {}  # by the node's identity
    lives: list[Life] = []
    now = 0

    def close(node: SnapshotRecord) -> None:
        lives.append(open_.pop(id(node))._replace(end=now))

    def begin(at: int, node: SnapshotRecord) -> None:
        made = int((node.created_at - START).total_seconds())
        days = node.instant_access_days
        fast = -1 if not node.instant_access else made + days * 86400 if days else 1 << 40
        tags = tuple(sorted(node.tags.items()))
        open_[id(node)] = Life(at, node.category, tags, node.data_blocks, now, 0, fast)

    for number, (wait, at, what, kind, blocks, tags, days) in enumerate(steps):
        now += wait
        call.now = START + timedelta(seconds=now, microseconds=number)
        chain = chains[at]
        if what == "make":
            node = SnapshotRecord(
                snapshot_id=f"s-{number}",
                created_at=call.now.replace(microsecond=0),
                ready_at=call.now,
                number=number,
                size_gib=20,
                disk_type="data",
                category=kind,
                data_blocks=blocks,
                instant_access=days is not None,
                instant_access_days=days or 0,
                tags=dict(tags),
            )
            chain.nodes.append(node)
            begin(at, node)
            if node.instant_access:
                ledger.count_use(call, chain, node)
        elif chain.nodes and what == "delete":
            close(chain.nodes.pop(number % len(chain.nodes)))
        elif chain.nodes:
            node = chain.nodes[number % len(chain.nodes)]
            close(node)
            node.tags = dict(tags)
            begin(at, node)
        ledger.note(call, chain)
        assert ledger.is_right(chain, call.now)
    for chain in chains:
        for node in chain.nodes:
            lives.append(open_.pop(id(node))._replace(end=1 << 40))
    return chains, lives, now


def overlap(start: int, end: int, hour: int) -> int:
    return max(min(end, (hour + 1) * 3600) - max(start, hour * 3600), 0)


def naive_bill(lives: list[Life], hours: int) -> tuple[Fraction, dict[Any, Fraction]]:
    """Hour by hour: what standard storage costs above 5 GiB, and what each line stored costs."""
    net = Fraction(0)
    lines: dict[Any, Fraction] = defaultdict(Fraction)
    cents = {"standard": "0.02", "flash": "0.224", "archive": "0.02", "instant": "0.224"}
    for hour in range(hours):
        standard = Fraction(0)
        for life in lives:
            for kind, end in ((life.kind, life.end), ("instant", min(life.end, life.fast_until))):
                gib = Fraction(life.blocks * overlap(life.start, end, hour), BLOCKS * 3600)
                lines[life.chain, kind, life.tags] += gib * Fraction(cents[kind]) / MONTH_HOURS
                if kind == "standard":
                    standard += gib
        net += max(standard - 5, Fraction(0)) * Fraction("0.02") / MONTH_HOURS
    return net, lines


def to_cents(amount: Fraction) -> Decimal:
    return Decimal(round(amount * 10**8)) / 10**8


@pytest.mark.rule("SZ-2")
@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=25))
def test_a_bill_is_the_sum_of_its_hours_whatever_happened_in_them(steps: list[Any]) -> None:
    chains, lives, end = play(steps)
    hours = min(end // 3600 + 30, MONTH_HOURS)
    found = [
        EndedChain(chain_id=chain.disk_id, disk_id=chain.disk_id, history=chain.history)
        for chain in chains
    ]
    free_an_hour = 5 * BLOCKS * 3600
    month = usage.add_up(found, START, hours, free_an_hour)
    charges = list(billing._charges(REGION, month, Tariff(PRICES, MONTH_HOURS)))
    net, lines = naive_bill(lives, hours)
    got = {
        (int(c.disk_id[2:]), c.kind, tuple(sorted(c.tags.items()))): c.amount
        for c in charges
        if c.disk_id and not c.uses
    }
    names = {"flash": "local", "instant": "instant access"}
    want = {
        (chain, names.get(kind, kind), tags): to_cents(amount)
        for (chain, kind, tags), amount in lines.items()
        if amount
    }
    assert got == want
    standard = [c.amount for c in charges if c.kind in ("standard", "free tier")]
    assert sum(standard) == to_cents(net)
    made = sum(step[2] == "make" and step[6] is not None for step in steps)
    uses = [c.amount for c in charges if c.uses]
    assert sum(uses) == Decimal("0.1415") * made


@settings(max_examples=30, deadline=None)
@given(st.lists(STEP, min_size=5, max_size=60))
def test_thinning_leaves_a_point_an_hour_and_every_sum(steps: list[Any]) -> None:
    chains, lives, end = play([(min(s[0], 5000), *s[1:]) for s in steps])
    for chain in chains:
        for history in chain.history:
            old = [key[:13] for key in history.points if _seconds(key) < end - 3 * 86400]
            assert len(old) == len(set(old))
    del lives


def _seconds(key: str) -> int:
    return ledger.seconds_of(key) - int(START.timestamp())


# Through the front door


@pytest.fixture
def dear(cloud: Cloud) -> Cloud:
    """A workspace where a block costs a dollar a month, and none is free."""
    cloud.ok("config", "set", "prices.standard_usd_per_gib_month", str(BLOCKS))
    cloud.ok("config", "set", "prices.standard_free_gib", "0")
    cloud.ok("clock", "set", "2022-04-01T00:00:00Z")
    return cloud


def captured(cloud: Cloud, disk_id: str, blocks: int, **parameters: Any) -> str:
    for number in range(blocks):
        cloud.write(disk_id, number, block(parameters.get("SnapshotName", "A")[0]))
    return cloud.snapshot(disk_id, **parameters)


@pytest.mark.rule("SZ-2")
def test_the_prices_are_the_guides_and_are_settings(cloud: Cloud) -> None:
    listed = cloud.ok("config", "list", "--output", "json").json
    assert {k.removeprefix("prices."): v for k, v in listed.items() if "prices." in k} == {
        "standard_usd_per_gib_month": 0.02,
        "standard_free_gib": 5,
        "local_usd_per_gib_month": 0.224,
        "archive_usd_per_gib_month": 0.02,
        "instant_access_usd_per_gib_month": 0.224,
        "instant_access_usd_per_use": 0.1415,
    }
    assert cloud.run("config", "set", "prices.standard_free_gib", "-1").code == 2


@pytest.mark.rule("SZ-2")
def test_a_month_of_a_block_costs_its_price_and_half_of_it_half(dear: Cloud) -> None:
    disk_id = dear.data_disk(dear.instance())
    captured(dear, disk_id, 2)
    dear.ok("clock", "advance", "15d")
    assert bill(dear)["Total"] == "1.00000000"
    dear.ok("clock", "advance", "15d")
    april = bill(dear, month="2022-04")
    assert (april["Total"], april["Complete"]) == ("2.00000000", True)
    may = bill(dear)
    assert (may["Month"], may["Total"], may["Complete"]) == ("2022-05", "0.00000000", False)


@pytest.mark.rule("SZ-2")
def test_an_hour_is_billed_when_it_is_over_for_what_was_stored_in_it(dear: Cloud) -> None:
    disk_id = dear.data_disk(dear.instance())
    dear.ok("clock", "advance", "30m")
    snapshot_id = captured(dear, disk_id, 4)
    dear.ok("clock", "advance", "29m")
    assert bill(dear)["Total"] == "0.00000000"
    dear.ok("clock", "advance", "31m")
    dear.ecs("DeleteSnapshot", SnapshotId=snapshot_id)  # an hour after it was made
    dear.ok("clock", "advance", "5h")
    [line] = bill(dear)["Lines"]
    assert line["DiskId"] == disk_id and line["Amount"] == f"{Decimal(4) / 720:.8f}"
    hours = bill_hours(dear)
    assert [hour["Hour"][11:13] for hour in hours] == ["00", "01"]
    assert {hour["Amount"] for hour in hours} == {f"{Decimal(2) / 720:.8f}"}


def bill_hours(cloud: Cloud) -> Any:
    return cloud.ok("billing", "--hours", "--output", "json").json["Hours"]


@pytest.mark.rule("SZ-2")
def test_the_first_gib_of_a_region_are_free_in_each_hour(dear: Cloud) -> None:
    dear.ok("config", "set", "prices.standard_free_gib", str(3 / BLOCKS))
    disk_id = dear.data_disk(dear.instance())
    captured(dear, disk_id, 1)
    dear.ok("clock", "advance", "10h")
    assert bill(dear)["Total"] == "0.00000000"  # what these hours leave of it helps no other:
    for number in range(1, 8):
        dear.write(disk_id, number, block("B"))
    dear.snapshot(disk_id)
    dear.ok("clock", "advance", "10h")
    answer = bill(dear, by="kind")
    assert Decimal(answer["Total"]) == round(Decimal(10 * 5) / 720, 8)
    assert [line["Kind"] for line in answer["Lines"]] == ["standard", "free tier"]
    assert sum(Decimal(line["Amount"]) for line in answer["Lines"]) == Decimal(answer["Total"])


@pytest.mark.rule("IA-6")
def test_instant_access_is_billed_for_each_switching_on_and_by_size_and_time(
    dear: Cloud,
) -> None:
    dear.ok("config", "set", "prices.instant_access_usd_per_gib_month", str(10 * BLOCKS))
    disk_id = dear.data_disk(dear.instance())
    captured(dear, disk_id, 2, InstantAccess=True, InstantAccessRetentionDays=1)
    kept = captured(dear, disk_id, 1, InstantAccess=True, SnapshotName="Zx")
    dear.ok("clock", "advance", "36h")
    dear.ecs("ModifySnapshotAttribute", SnapshotId=kept, DisableInstantAccess=True)
    dear.ok("clock", "advance", "1w")
    amounts = {line["Kind"]: line["Amount"] for line in bill(dear, by="kind")["Lines"]}
    assert amounts["instant access use"] == "0.28300000"
    fast = Decimal(10) * (2 * 24 + 1 * 36) / 720
    assert amounts["instant access"] == f"{fast:.8f}"
    stored = Decimal(3) * (36 + 7 * 24) / 720  # the storage of both goes on
    assert amounts["standard"] == f"{stored:.8f}"


def test_a_bill_is_split_by_disk_kind_tag_and_region_to_the_same_total(dear: Cloud) -> None:
    instance_id = dear.instance()
    data = dear.data_disk(instance_id)
    [system] = [d["DiskId"] for d in dear.disks(DiskType="system")]
    captured(dear, data, 3, Tag__1__Key="env", Tag__1__Value="prod")
    moved = captured(dear, data, 2, SnapshotName="Yx", Tag__1__Key="env", Tag__1__Value="test")
    captured(dear, system, 1)
    dear.ok("clock", "advance", "10h")
    dear.ecs(
        "TagResources",
        RegionId=REGION,
        ResourceType="snapshot",
        ResourceId__1=moved,
        Tag__1__Key="env",
        Tag__1__Value="prod",
    )
    copy = dear.ecs(
        "CopySnapshot", RegionId=REGION, SnapshotId=moved, DestinationRegionId="cn-beijing"
    )
    assert copy["SnapshotId"]
    dear.ok("clock", "advance", "10h")
    bills = {by: bill(dear, by=by) for by in ("disk", "kind", "tag", "region")}
    assert len({answer["Total"] for answer in bills.values()}) == 1
    for answer in bills.values():
        assert sum(Decimal(each["Amount"]) for each in answer["Lines"]) == Decimal(answer["Total"])
    hours = {json.dumps(each["Tags"]): each["GibHours"] * BLOCKS for each in bills["tag"]["Lines"]}
    image = dear.chain_size(system) // 65536
    prod, test, none = 3 * 20 + 2 * 10, 2 * 10, image * 20 + 3 * 10
    assert [round(hours[key]) for key in ('{"env": "prod"}', '{"env": "test"}', "{}")] == [
        prod,
        test,
        none,
    ]
    assert {each["RegionId"] for each in bills["region"]["Lines"]} == {REGION, "cn-beijing"}
    by_value = dear.ok("billing", "--by", "tag", "--tag-key", "team", "--output", "json").json
    assert [each["Tags"] for each in by_value["Lines"]] == [{}]


@pytest.mark.rule("SZ-2")
def test_what_was_deleted_was_stored_until_then_disk_and_chain_too(dear: Cloud) -> None:
    instance_id = dear.instance()
    disk_id = dear.data_disk(instance_id)
    snapshot_id = captured(dear, disk_id, 3)
    dear.ok("clock", "advance", "10h")
    dear.ecs("DeleteInstance", InstanceId=instance_id, Force=True)
    dear.ecs("DeleteSnapshot", SnapshotId=snapshot_id)
    assert not list(dear.root.glob("chains/*/*/chain.json"))
    dear.ok("clock", "advance", "100d")
    [line] = bill(dear, month="2022-04")["Lines"]
    assert (line["DiskId"], line["Amount"]) == (disk_id, f"{Decimal(30) / 720:.8f}")
    dear.check()


@pytest.mark.rule("SZ-2")
def test_a_month_of_a_policy_in_one_advance_is_billed_hour_by_hour(dear: Cloud) -> None:
    """Hourly snapshots of an unchanged disk, kept two days: one block, and never another."""
    disk_id, _ = policy_scene.covered(dear, timePoints=policy_scene.HOURLY, retentionDays=2)
    dear.ok("clock", "advance", "30d")
    assert bill(dear, month="2022-04")["Total"] == f"{Decimal(719) / 720:.8f}"
    file = dear.root / "chains" / REGION / disk_id / "chain.json"
    [history] = json.loads(file.read_text())["history"]
    assert history == {"kind": "standard", "points": {"2022-04-01T01:00:00Z": 1}}
    dear.check()


@pytest.mark.rule("SZ-4")
def test_nothing_but_what_is_stored_costs(dear: Cloud) -> None:
    """Instances, disks and empty snapshots are on no bill; so are groups of snapshots."""
    instance_id = dear.instance()
    disk_id = dear.data_disk(instance_id)
    dear.write(disk_id, 0, block("A"))
    made = dear.ecs("CreateSnapshotGroup", RegionId=REGION, InstanceId=instance_id)
    assert made["SnapshotGroupId"]
    stored = dear.ecs("DescribeSnapshotsUsage", RegionId=REGION)["SnapshotSize"] // 65536
    dear.ok("clock", "advance", "12h")
    lines = bill(dear)["Lines"]
    assert {line["Kind"] for line in lines} == {"standard"}
    assert sum(Decimal(line["Amount"]) for line in lines) == round(Decimal(stored * 12) / 720, 8)


def test_folding_old_months_changes_no_bill(dear: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    dear.ok("config", "set", "prices.standard_free_gib", str(2 / BLOCKS))
    disks = [dear.data_disk(dear.instance()) for _ in range(2)]
    gone = captured(dear, disks[1], 2, SnapshotName="Gone")
    for number in range(12):
        captured(dear, disks[0], number % 4 + 1, SnapshotName="ABCDEFGHIJKL"[number] + "x")
        dear.ok("clock", "advance", "11d1h7m")
        if number == 4:
            dear.ecs("DeleteSnapshot", SnapshotId=gone)
    months = [f"2022-{month:02}" for month in range(4, 9)]
    before = [bill(dear, month=month) for month in months]
    assert not any("months" in path.read_text() for path in dear.root.glob("state/*/usage.json"))
    monkeypatch.setattr(ledger, "_LONG", 3)
    captured(dear, disks[0], 5, SnapshotName="Zx")
    [path] = dear.root.glob("state/*/usage.json")
    kept = json.loads(path.read_text())
    assert list(kept["months"]) == ["2022-04", "2022-05", "2022-06"]
    assert "ended" not in kept
    after = [bill(dear, month=month) for month in months]
    for one, other in zip(before, after, strict=True):
        assert one | {"RequestId": ""} == other | {"RequestId": ""}
    refused = dear.run("billing", "--month", "2022-05", "--hours")
    assert (refused.code, refused.error_code) == (1, "InvalidParameter")
    dear.check()


def test_a_long_history_is_folded_by_itself_and_stays_small(cloud: Cloud) -> None:
    call: Any = Fake()
    chain = Chain(disk_id="d", region_id=REGION, nodes=[])
    node = SnapshotRecord(
        snapshot_id="s", created_at=START, ready_at=START, number=1, size_gib=1, disk_type="data"
    )
    chain.nodes.append(node)
    for minute in range(0, 100 * 24 * 60, 20):
        call.now = START + timedelta(minutes=minute)
        node.data_blocks = minute % 7 + 1
        ledger.note(call, chain)
        if call.regions_to_fold:
            text = ledger.instant_text(ledger.fold_limit(call.now))
            chain.history = usage._kept(chain.history, text)
            call.regions_to_fold.clear()
    [history] = chain.history
    assert len(history.points) < 62 * 24 + 48 * 3 and len(history.hours) < 62 * 24
    del cloud


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--month", "March"), "InvalidParameter"),
        (("--month", "2022-13"), "InvalidParameter"),
        (("--month", "2030-01"), "InvalidParameter"),
    ],
)
def test_what_is_no_month_is_refused(cloud: Cloud, words: tuple[str, ...], code: str) -> None:
    refused = cloud.run("billing", *words)
    assert (refused.code, refused.error_code) == (1, code)
    assert "2022-03" in refused.err


def test_a_bill_is_text_that_adds_up(dear: Cloud) -> None:
    captured(dear, dear.data_disk(dear.instance()), 2)
    dear.ok("clock", "advance", "10h")
    for by in ("disk", "kind", "tag", "region"):
        lines = dear.ok("billing", "--by", by).out.splitlines()
        assert lines[0] == "Snapshots in 2022-04 until April 1, 10:00 UTC: 0.02777778 USD so far"
        assert lines[-3].split() == ["Total", "0.02777778"], lines
    assert "2022-04-01 09:00-10:00" in dear.ok("billing", "--hours").out
    assert GIB == BLOCKS * 65536
