"""When policies run: held against a walk through every half hour of years, in zones with DST."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapcli.ecs.schedule import local_date, next_run, runs_after, runs_between
from snapcli.workspace.errors import WorkspaceError

HALF_HOUR = timedelta(minutes=30)
ZONES = (
    "Asia/Shanghai",
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
)
HOURS = st.sets(st.integers(0, 23), min_size=1)
STARTS = st.integers(0, 5 * 365 * 24 * 60).map(
    lambda minutes: datetime(2021, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
DAYS = st.sets(st.integers(1, 7), min_size=1)


def walk(
    hours: set[int], weekdays: set[int], zone: str, after: datetime, until: datetime
) -> list[datetime]:
    """Every half hour is looked at on the zone's own clock, as a person with that clock would.

    The hand reaches an hour of a day: it runs, but only the first time. The hand leaps over one:
    it runs at that moment. Two at one moment are one run.
    """
    there = ZoneInfo(zone)
    done: set[tuple[date, int]] = set()
    found: list[datetime] = []
    at = after.replace(minute=0, second=0, microsecond=0) - timedelta(days=2)
    hand = at.astimezone(there).replace(tzinfo=None)
    while at <= until:
        before, hand = hand, at.astimezone(there).replace(tzinfo=None)
        mark = before.replace(minute=0)
        while mark <= hand:
            if before < mark and (mark.date(), mark.hour) not in done:
                done.add((mark.date(), mark.hour))
                if mark.hour in hours and mark.isoweekday() in weekdays and at > after:
                    found.append(at)
            mark += timedelta(hours=1)
        at += HALF_HOUR
    return list(dict.fromkeys(found))


TABLE = [
    ({0}, set(range(1, 8))),
    ({2}, set(range(1, 8))),
    ({1, 2, 3}, {7}),
    (set(range(24)), set(range(1, 8))),
    ({23, 0}, {1, 7}),
    ({13}, {3}),
]


@pytest.mark.rule("PO-1", "PO-12")
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("hours", "weekdays"), TABLE)
def test_the_instants_are_those_that_a_walk_on_the_zones_clock_meets(
    zone: str, hours: set[int], weekdays: set[int]
) -> None:
    after = datetime(2021, 12, 31, 22, 17, tzinfo=UTC)
    until = datetime(2023, 1, 1, 5, tzinfo=UTC)
    assert list(runs_between(hours, weekdays, zone, after, until)) == walk(
        hours, weekdays, zone, after, until
    )


@pytest.mark.rule("PO-12")
@settings(max_examples=25, deadline=None)
@given(
    hours=HOURS,
    weekdays=DAYS,
    zone=st.sampled_from(ZONES),
    start=STARTS,
)
def test_no_hour_of_any_policy_is_lost_or_doubled(
    hours: set[int], weekdays: set[int], zone: str, start: datetime
) -> None:
    after = start
    until = after + timedelta(days=200)
    found = list(runs_between(hours, weekdays, zone, after, until))
    assert found == walk(hours, weekdays, zone, after, until)
    assert found == sorted(set(found))


@pytest.mark.rule("PO-12")
@settings(max_examples=30, deadline=None)
@given(
    hours=HOURS,
    weekdays=DAYS,
    zone=st.sampled_from(ZONES),
    start=STARTS,
    steps=st.lists(st.integers(0, 100_000), min_size=1, max_size=20),
)
def test_a_span_in_any_steps_is_the_span_in_one(
    hours: set[int], weekdays: set[int], zone: str, start: datetime, steps: list[int]
) -> None:
    after = at = start
    parts: list[datetime] = []
    for minutes in steps:
        then = at + timedelta(minutes=minutes)
        parts += runs_between(hours, weekdays, zone, at, then)
        at = then
    assert parts == list(runs_between(hours, weekdays, zone, after, at))


@pytest.mark.rule("PO-12")
@pytest.mark.parametrize(
    ("zone", "hour", "day", "instant"),
    [
        # Leapt over: at the moment of the leap.
        ("Europe/Berlin", 2, "2022-03-27", "2022-03-27T01:00"),
        ("America/New_York", 2, "2022-03-13", "2022-03-13T07:00"),
        ("Australia/Lord_Howe", 2, "2022-10-02", "2022-10-01T15:30"),
        # Gone through twice: the first time.
        ("Europe/Berlin", 2, "2022-10-30", "2022-10-30T00:00"),
        ("America/New_York", 1, "2022-11-06", "2022-11-06T05:00"),
        ("Australia/Lord_Howe", 2, "2022-04-03", "2022-04-02T15:30"),
        # Neither.
        ("Europe/Berlin", 3, "2022-03-27", "2022-03-27T01:00"),
        ("Asia/Shanghai", 0, "2022-03-27", "2022-03-26T16:00"),
    ],
)
def test_an_hour_at_a_change_of_the_clock_runs_once(
    zone: str, hour: int, day: str, instant: str
) -> None:
    begin = datetime.fromisoformat(f"{day}T00:00Z") - timedelta(hours=14)
    found = list(runs_between({hour}, set(range(1, 8)), zone, begin, begin + timedelta(hours=50)))
    of_day = [each for each in found if local_date(each, zone).isoformat() == day]
    assert of_day == [datetime.fromisoformat(f"{instant}Z")]


def test_hours_of_a_leap_that_fall_together_are_one_run() -> None:
    every = set(range(1, 8))
    day = datetime(2022, 3, 26, 23, tzinfo=UTC)  # midnight in Berlin
    found = list(
        runs_between(set(range(24)), every, "Europe/Berlin", day, day + timedelta(23 / 24))
    )
    assert len(found) == 23
    back = datetime(2022, 10, 29, 22, tzinfo=UTC)
    found = list(
        runs_between(set(range(24)), every, "Europe/Berlin", back, back + timedelta(25 / 24))
    )
    assert len(found) == 24


def test_a_day_that_a_zone_leapt_over_keeps_the_order() -> None:
    """Samoa had no 30 December 2011; its hours run together with those of the 31st."""
    after = datetime(2011, 12, 28, tzinfo=UTC)
    found = list(islice(runs_after({0, 12}, set(range(1, 8)), "Pacific/Apia", after), 10))
    assert found == sorted(set(found))
    assert all(two - one == timedelta(hours=12) for one, two in pairwise(found))


def test_a_run_at_the_very_instant_is_past_and_the_next_is_later() -> None:
    midnight = datetime(2022, 3, 11, 16, tzinfo=UTC)
    every = set(range(1, 8))
    assert next_run({0}, every, "Asia/Shanghai", midnight) == midnight + timedelta(days=1)
    just_before = midnight - timedelta(microseconds=1)
    assert next_run({0}, every, "Asia/Shanghai", just_before) == midnight


def test_a_zone_that_the_machine_does_not_know_is_named_with_a_way_on() -> None:
    with pytest.raises(WorkspaceError, match=r"Mars/Olympus.*tzdata"):
        next_run({0}, {1}, "Mars/Olympus", datetime(2022, 3, 11, tzinfo=UTC))


def test_the_calendar_ends_and_so_do_the_runs() -> None:
    last = datetime(9998, 12, 20, tzinfo=UTC)
    assert 1 < len(list(runs_after({0}, {1, 2, 3, 4, 5, 6, 7}, "UTC", last))) < 15
