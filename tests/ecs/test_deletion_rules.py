"""What rules choose for deletion, and why: plain functions (rules DL-1, TG-2)."""

from datetime import UTC, datetime, timedelta

import pytest

from snapcli.ecs.deletion_rules import Candidate, Rules, choose
from snapcli.ecs.wire import Tag

NOW = datetime(2022, 3, 31, 12, tzinfo=UTC)


def made(name: str, days: float, **more: object) -> Candidate:
    """A snapshot that is so many days old; its name is its id."""
    fields: dict[str, object] = {
        "snapshot_id": name,
        "chain": "d-1",
        "disk_id": more.get("chain", "d-1"),
        "created_at": NOW - timedelta(days=days),
        "number": 1,
        "name": name,
        "kind": "user",
        "status": "accomplished",
        "tags": {},
    }
    return Candidate(**{**fields, **more})  # type: ignore[arg-type]


def rules(**fields: object) -> Rules:
    if "older_than" in fields:
        days = fields["older_than"]
        fields |= {"older_than": timedelta(days=days), "older_than_text": f"{days}d"}  # type: ignore[arg-type]
    return Rules(**fields)  # type: ignore[arg-type]


def chosen(candidates: list[Candidate], asked: Rules) -> list[str]:
    return [each.snapshot_id for each in choose(candidates, asked, NOW) if each.chosen]


DAILY = [made(f"daily-{n}", n) for n in range(10)]


@pytest.mark.rule("DL-1")
def test_the_newest_of_each_disk_are_kept_however_they_are_given() -> None:
    other = [made(f"other-{n}", n, chain="d-2") for n in range(4)]
    mixed = [each for pair in zip(DAILY[:4], other, strict=True) for each in pair] + DAILY[4:]
    assert chosen(mixed, rules(keep_last=7)) == ["daily-9", "daily-8", "daily-7"]
    assert chosen(mixed, rules(keep_last=3)) == [f"daily-{n}" for n in range(9, 2, -1)] + [
        "other-3"
    ]
    assert chosen(DAILY, rules(keep_last=10)) == []


@pytest.mark.rule("DL-1")
def test_older_than_means_older_by_any_moment() -> None:
    assert chosen(DAILY, rules(older_than=7)) == ["daily-9", "daily-8"]
    a_moment_more = made("x", 7, created_at=NOW - timedelta(days=7, microseconds=1))
    assert chosen([a_moment_more], rules(older_than=7)) == ["x"]


@pytest.mark.rule("DL-1")
def test_all_rules_hold_together() -> None:
    # Of the ten, two are older than 7 days, and 9 newest are kept: one is left.
    assert chosen(DAILY, rules(older_than=7, keep_last=9)) == ["daily-9"]
    weekly = [made("weekly-1", 20)]
    assert chosen(DAILY + weekly, rules(name="daily-*", older_than=8)) == ["daily-9"]
    # The last are counted among those the name leaves.
    assert chosen(DAILY + weekly, rules(name="weekly-*", keep_last=1)) == []


@pytest.mark.rule("TG-2", "DL-1")
def test_tags_and_kinds_choose() -> None:
    prod = made("a", 1, tags={"env": "prod", "team": "blue"})
    test = made("b", 2, tags={"env": "test"}, kind="auto")
    bare = made("c", 3)
    every = [prod, test, bare]
    assert chosen(every, rules(tags=[Tag(key="env")])) == ["b", "a"]
    assert chosen(every, rules(tags=[Tag(key="env", value="prod")])) == ["a"]
    assert chosen(every, rules(tags=[Tag(key="env"), Tag(key="team", value="red")])) == []
    assert chosen(every, rules(kind="auto")) == ["b"]
    assert chosen(every, rules(disk_ids=frozenset({"d-2"}))) == []


@pytest.mark.rule("DL-1")
def test_one_in_creation_stays_and_takes_no_place_and_a_failed_one_takes_none_either() -> None:
    newest = made("making", 0, status="progressing")
    failed = made("failed", 1, status="failed")
    good = [made("good-1", 2), made("good-2", 3), made("good-3", 4)]
    assert chosen([newest, failed, *good], rules(keep_last=2)) == ["good-3", "failed"]
    assert chosen([newest], rules(name="mak*")) == []
    assert chosen([failed], rules(keep_last=1, older_than=5)) == []


@pytest.mark.rule("DL-1")
def test_every_choice_says_why() -> None:
    asked = rules(name="daily-*", older_than=7, keep_last=3)
    reasons = {each.snapshot_id: each.reason for each in choose(DAILY, asked, NOW)}
    assert set(reasons) == {each.snapshot_id for each in DAILY}
    assert reasons["daily-0"] == "it is number 1 of the newest 3 of its disk"
    assert reasons["daily-3"] == "it is 3 days old, not older than 7d"
    assert reasons["daily-9"] == (
        "its name is like daily-*; it is 9 days old, older than 7d; it is not among the newest 3 "
        "of its disk"
    )
    tagged = made("x", 0.3, tags={"env": "test"}, kind="auto")
    everything = rules(
        tags=[Tag(key="env")], kind="auto", disk_ids=frozenset({"d-1"}), older_than=0.1
    )
    assert choose([tagged], everything, NOW)[0].reason == (
        "it is of disk d-1; it carries env=test; it is automatic; it is 7 hours old, older than "
        "0.1d"
    )
    assert choose([made("y", 0, status="progressing")], rules(kind="user"), NOW)[0].reason == (
        "it is in creation"
    )


@pytest.mark.rule("DL-1")
@pytest.mark.parametrize(
    ("asked", "narrow"),
    [
        ({}, False),
        ({"name": "*"}, False),
        ({"name": "**"}, False),
        ({"older_than": 0}, False),
        ({"name": "a*"}, True),
        ({"keep_last": 1}, True),
        ({"older_than": 1}, True),
        ({"kind": "auto"}, True),
        ({"tags": [Tag(key="env")]}, True),
        ({"disk_ids": frozenset()}, True),
    ],
)
def test_rules_that_leave_nothing_out_are_known(asked: dict[str, object], narrow: bool) -> None:
    assert rules(**asked).narrow is narrow
