"""The clock and the texts of instants and durations."""

import datetime
from datetime import UTC, timedelta

import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from snapcli.workspace import clock
from snapcli.workspace.clock import Clock
from snapcli.workspace.errors import WorkspaceError
from snapcli.workspace.settings import ClockSettings
from snapcli.workspace.time_text import format_duration, parse_duration, parse_instant

NOON = datetime.datetime(2024, 1, 31, 12, tzinfo=UTC)
RUNNING = ClockSettings()
FROZEN = ClockSettings(mode="frozen", at="2024-01-31T12:00:00Z")


def test_a_running_clock_follows_the_system_and_freezegun() -> None:
    ahead = ClockSettings(offset_seconds=90.5)
    with freeze_time("2024-01-31T12:00:00Z") as time:
        assert Clock(RUNNING).now() == NOON
        assert Clock(ahead).now() == NOON + timedelta(seconds=90.5)
        assert Clock(ahead).offset == timedelta(seconds=90.5)
        assert not Clock(ahead).frozen
        time.tick(5)
        assert Clock(RUNNING).now() == NOON + timedelta(seconds=5)
        assert Clock(RUNNING).now().tzinfo == UTC


def test_a_frozen_clock_stands() -> None:
    with freeze_time("2030-01-01"):
        assert Clock(FROZEN).now() == NOON
    assert Clock(FROZEN).frozen
    assert Clock(FROZEN).offset == timedelta(0)
    east = ClockSettings(mode="frozen", at="2024-01-31T20:00:00+08:00")
    assert Clock(east).now() == NOON


def test_freezing_stops_at_now_or_at_an_instant() -> None:
    hour_ahead = ClockSettings(offset_seconds=3600)
    assert Clock(clock.freeze(hour_ahead, NOON)).now() == NOON + timedelta(hours=1)
    assert Clock(clock.freeze(RUNNING, NOON, NOON - timedelta(days=9))).now() == NOON - timedelta(9)


def test_advancing_shifts_a_running_clock_and_moves_a_frozen_one() -> None:
    shifted = clock.advance(clock.advance(RUNNING, NOON, timedelta(days=3)), NOON, timedelta(1))
    assert shifted == ClockSettings(offset_seconds=4 * 86400)
    moved = clock.advance(FROZEN, NOON + timedelta(99), timedelta(days=3))
    assert moved.mode == "frozen"
    assert Clock(moved).now() == NOON + timedelta(days=3)


def test_setting_keeps_a_clock_running_or_frozen() -> None:
    target = NOON + timedelta(days=7)
    assert clock.set_to(RUNNING, NOON, target) == ClockSettings(offset_seconds=7 * 86400)
    assert Clock(clock.set_to(FROZEN, NOON, target)).now() == target


def test_resuming_runs_on_from_where_the_clock_stood() -> None:
    resumed = clock.resume(FROZEN, NOON + timedelta(days=2))
    assert resumed == ClockSettings(offset_seconds=-2 * 86400)
    assert clock.resume(ClockSettings(offset_seconds=5), NOON) == ClockSettings(offset_seconds=5)
    assert clock.to_system(FROZEN, NOON) == RUNNING


def test_a_clock_does_not_leave_the_calendar() -> None:
    for current in (RUNNING, FROZEN):
        for days in (3_000_000, -300_000, 999_999_999):
            with pytest.raises(ValueError, match="1971 to 8999"):
                clock.advance(current, NOON, timedelta(days=days))
    with pytest.raises(ValueError, match="1971 to 8999"):
        clock.set_to(RUNNING, NOON, datetime.datetime(1, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="no time zone"):
        clock.freeze(RUNNING, NOON, datetime.datetime(2024, 1, 1))  # noqa: DTZ001
    with pytest.raises(WorkspaceError, match="leads out of the calendar"):
        Clock(ClockSettings(offset_seconds=1e15)).now()


@given(
    # An offset is a float of seconds: exact to the microsecond for some 270 years.
    st.datetimes(NOON.replace(tzinfo=None, year=1972), NOON.replace(tzinfo=None, year=2200)),
    st.timedeltas(timedelta(days=-300), timedelta(days=300)),
)
def test_moving_there_and_back_loses_nothing(at: datetime.datetime, by: timedelta) -> None:
    at = at.replace(tzinfo=UTC)
    frozen = clock.freeze(RUNNING, NOON, at)
    assert Clock(frozen).now() == at
    assert Clock(clock.advance(frozen, NOON, by)).now() == at + by
    assert clock.freeze(clock.resume(frozen, NOON), NOON) == frozen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3d2h", timedelta(days=3, hours=2)),
        ("90s", timedelta(seconds=90)),
        ("1w2d", timedelta(days=9)),
        ("30m", timedelta(minutes=30)),
        ("1.5h", timedelta(minutes=90)),
        (" 3D 2H ", timedelta(days=3, hours=2)),
        ("0s", timedelta(0)),
    ],
)
def test_a_duration_is_numbers_with_units(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "3", "d", "3x", "-3d", "3d2", "1d1d", "1e9d", "9999999d"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"^'.*' (is|names) .*\.$"):
        parse_duration(text)


@given(st.timedeltas(timedelta(0), timedelta(days=365_000)))
def test_a_duration_is_written_as_it_is_read(duration: timedelta) -> None:
    assert abs(parse_duration(format_duration(duration)) - duration) <= timedelta(microseconds=2)


def test_a_negative_duration_has_a_sign() -> None:
    assert format_duration(timedelta(seconds=-90)) == "-1m30s"
    assert format_duration(timedelta(0)) == "0s"
    assert format_duration(timedelta(days=9, milliseconds=500)) == "1w2d0.5s"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-31T12:00:00Z", NOON),
        ("2024-01-31t12:00z", NOON),
        ("2024-01-31 12:00", NOON),
        ("2024-01-31T20:00:00+08:00", NOON),
        ("2024-01-31T04:30-07:30", NOON),
        ("2024-01-31T12:00:00.25Z", NOON + timedelta(milliseconds=250)),
        ("2024-01-31T12:00:00.123456789Z", NOON + timedelta(microseconds=123456)),
        ("2024-01-31", NOON - timedelta(hours=12)),
        ("now", NOON),
        ("+3d2h", NOON + timedelta(days=3, hours=2)),
        ("-90s", NOON - timedelta(seconds=90)),
    ],
)
def test_an_instant_is_rfc_3339_or_counted_from_now(text: str, expected: datetime.datetime) -> None:
    found = parse_instant(text, NOON)
    assert found == expected
    assert found.tzinfo == UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "noon",
        "2024-02-30",
        "2024-01-31T25:00Z",
        "2024-01-31T12:00:60Z",
        "2024-01-31T12Z",
        "20240131T120000Z",
        "2024-01-31T12:00:00+24:00",
        "0001-01-01T00:00:00+08:00",
        "+",
        "+3",
        "-3000000d",
        "-365000d0.1w",
    ],
)
def test_anything_else_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"^'.*' (is|leads) .*\.$"):
        parse_instant(text, NOON)
