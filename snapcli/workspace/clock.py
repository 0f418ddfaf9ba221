"""The workspace's clock: the only place that asks the system for the time. Stores nothing.

A clock either runs (the system's time plus an offset) or is frozen at an instant. The functions
that move it are pure: they take settings and the system's time and return new settings.
"""

import datetime

from snapcli.workspace.errors import WorkspaceError
from snapcli.workspace.settings import ClockSettings

# Wide enough for any test, far enough from the ends of datetime that sums stay inside it.
EARLIEST = datetime.datetime(1971, 1, 1, tzinfo=datetime.UTC)
LATEST = datetime.datetime(9000, 1, 1, tzinfo=datetime.UTC)


class Clock:
    """The time as one workspace sees it."""

    def __init__(self, settings: ClockSettings) -> None:
        self._settings = settings

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._settings.mode == "frozen"

    @property
    def offset(self) -> datetime.timedelta:
        """How far a running clock is ahead of the system's; zero for a frozen one."""
        if self.frozen:
            return datetime.timedelta(0)
        return datetime.timedelta(seconds=self._settings.offset_seconds)

    def now(self) -> datetime.datetime:
        """Return the instant it is by the settings alone, as an aware UTC datetime.

        The time of a workspace is never before its mark: see `clock_mark.read_clock`. Raises
        WorkspaceError when the offset leads out of the calendar.
        """
        return self.at(system_now())

    def at(self, system: datetime.datetime) -> datetime.datetime:
        """Return what the clock shows when the system's shows `system`. Raises WorkspaceError."""
        try:
            return _instant(self._settings, system)
        except OverflowError:
            raise WorkspaceError(
                f"The clock's offset of {self._settings.offset_seconds} seconds leads out of the "
                "calendar.",
                None,
                "Set another one: snapcli config set clock.offset_seconds 0",
            ) from None


def system_now() -> datetime.datetime:
    """Return the system's time as an aware UTC datetime (looked up at call time: freezegun)."""
    return datetime.datetime.now(datetime.UTC)


def freeze(
    current: ClockSettings, system: datetime.datetime, at: datetime.datetime | None = None
) -> ClockSettings:
    """Return settings of a clock that stands at `at`, by default where it is. Raises ValueError."""
    return _frozen(_instant(current, system) if at is None else at)


def advance(
    current: ClockSettings, system: datetime.datetime, by: datetime.timedelta
) -> ClockSettings:
    """Return settings moved by `by`: a running clock is shifted, a frozen one moved.

    Raises ValueError when that leads out of the years 1971 to 8999.
    """
    try:
        target = _instant(current, system) + by
    except OverflowError:
        raise ValueError(_out_of_range(str(by))) from None
    if current.mode == "frozen":
        return _frozen(target)
    check_shown(target)
    # Added to the offset, not computed anew from the target: repeated steps stay exact.
    return _running(datetime.timedelta(seconds=current.offset_seconds) + by)


def set_to(
    current: ClockSettings, system: datetime.datetime, at: datetime.datetime
) -> ClockSettings:
    """Return settings whose now is `at`; a running clock runs on from there. Raises ValueError."""
    if current.mode == "frozen":
        return _frozen(at)
    check_shown(at)
    return _running(at - system)


def resume(current: ClockSettings, system: datetime.datetime) -> ClockSettings:
    """Return settings that let time run on from where it stands; those of a running clock stay."""
    if current.mode != "frozen":
        return current
    return _running(_instant(current, system) - system)


def to_system(current: ClockSettings, system: datetime.datetime) -> ClockSettings:
    """Return settings of a clock that shows the system's time again."""
    del current, system
    return _running(datetime.timedelta(0))


def check_shown(at: datetime.datetime) -> None:
    """Raise ValueError for an instant that no clock is to show."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    if not EARLIEST <= at < LATEST:
        raise ValueError(_out_of_range(format_instant(at)))


def format_instant(at: datetime.datetime) -> str:
    """Return RFC 3339 in UTC, `2024-01-31T08:00:00Z`, with microseconds only when there are."""
    return at.astimezone(datetime.UTC).replace(tzinfo=None).isoformat() + "Z"


def _instant(current: ClockSettings, system: datetime.datetime) -> datetime.datetime:
    if current.mode == "frozen":
        return datetime.datetime.fromisoformat(current.at).astimezone(datetime.UTC)
    return system + datetime.timedelta(seconds=current.offset_seconds)


def _frozen(at: datetime.datetime) -> ClockSettings:
    check_shown(at)
    return ClockSettings(mode="frozen", offset_seconds=0, at=format_instant(at))


def _running(offset: datetime.timedelta) -> ClockSettings:
    return ClockSettings(mode="system", offset_seconds=offset.total_seconds(), at="")


def _out_of_range(value: str) -> str:
    return f"{value} leads out of the years a clock can show, 1971 to 8999."
