"""When a policy runs: the instants of its hours on its days, in a time zone. Pure; asks no clock.

An hour on a day is one run, whatever the zone's clock does on that day, as RFC 5545 counts it: an
hour that the clock goes through twice runs the first time; an hour that the clock leaps over runs
at the moment of the leap, together with the hour that stands there when that is due too (PO-12).
"""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from snapcli.workspace.errors import WorkspaceError

EVERY_HOUR = tuple(range(24))
EVERY_DAY = tuple(range(1, 8))  # Monday first
_DAY = timedelta(days=1)
# A day of a zone begins no further than this from the same day of UTC.
_WIDEST_OFFSET = timedelta(hours=24)
_LAST_DAY = date(9998, 12, 31)


@lru_cache(maxsize=8)
def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; raises WorkspaceError where the machine has none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WorkspaceError(
            f"This machine knows no time zone {name!r}, in which policies' hours are counted.",
            None,
            "Install the time zone database (the package tzdata), or set another zone: "
            "snapcli config set time_zone NAME",
        ) from None


def runs_after(
    hours: Collection[int], weekdays: Collection[int], zone_name: str, after: datetime
) -> Iterator[datetime]:
    """Yield the instants (UTC, ascending, each once) later than `after` at which a policy runs.

    `hours` are 0 to 23 and `weekdays` 1 (Monday) to 7 of the zone. Ends with the calendar.
    """
    there = zone(zone_name)
    ordered = sorted(set(hours))
    wanted = set(weekdays)
    day = after.astimezone(UTC).date() - 2 * _DAY
    last: datetime = after
    pending: set[datetime] = set()
    while day < _LAST_DAY:
        if day.isoweekday() in wanted:
            pending.update(_instant(day, hour, there) for hour in ordered)
        day += _DAY
        # The runs of later days are all after this, so the order of those before it is settled.
        settled = datetime(day.year, day.month, day.day, tzinfo=UTC) - _WIDEST_OFFSET
        ready = sorted(instant for instant in pending if instant < settled)
        pending.difference_update(ready)
        for instant in ready:
            if instant > last:
                last = instant
                yield instant


def _instant(day: date, hour: int, there: ZoneInfo) -> datetime:
    local = datetime(day.year, day.month, day.day, hour, tzinfo=there)
    return local.astimezone(UTC)  # fold 0: the first of two, the offset before a leap


def runs_between(
    hours: Collection[int],
    weekdays: Collection[int],
    zone_name: str,
    after: datetime,
    until: datetime,
) -> Iterator[datetime]:
    """Yield the instants later than `after` and not later than `until` at which a policy runs."""
    for instant in runs_after(hours, weekdays, zone_name, after):
        if instant > until:
            return
        yield instant


def next_run(
    hours: Collection[int], weekdays: Collection[int], zone_name: str, after: datetime
) -> datetime | None:
    """Return the first instant later than `after` at which a policy runs."""
    return next(runs_after(hours, weekdays, zone_name, after), None)


def local_date(instant: datetime, zone_name: str) -> date:
    """Return the day that an instant belongs to in a zone."""
    return instant.astimezone(zone(zone_name)).date()
