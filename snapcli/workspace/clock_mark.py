"""The mark of the newest instant at which something was recorded, and the time that follows.

The workspace's time is never before its mark, whatever workspace.toml or the system's clock say.
Reads state/clock.json and /proc; writes nothing: the commit does, before its commit point.
"""

import datetime
import os

import msgspec

from snapcli.workspace import clock, documents, files
from snapcli.workspace.clock import Clock, format_instant
from snapcli.workspace.errors import WorkspaceError
from snapcli.workspace.settings import ClockSettings

MARK_NAME = "state/clock.json"

# Of the running kernel; neither the wall clock nor who sets it has a part in them.
_BOOT_ID_PATH = "/proc/sys/kernel/random/boot_id"
_UPTIME_PATH = "/proc/uptime"


class ClockMark(msgspec.Struct, frozen=True, kw_only=True):
    """The newest instant recorded, and of a running clock what the machine showed with it."""

    format: int = 1
    at: datetime.datetime
    system_at: datetime.datetime | None = None
    boot_id: str = ""
    uptime_seconds: float = 0


class Machine(msgspec.Struct, frozen=True):
    """Which start of the machine this is, and how long ago that was."""

    boot_id: str
    uptime_seconds: float


class Reading(msgspec.Struct, frozen=True):
    """The clock, read once.

    `system` is what the system's clock shows and `taken` what it is taken to show; `behind` is
    how long a running clock will stand at `now` before its own time has come there.
    """

    now: datetime.datetime
    system: datetime.datetime
    taken: datetime.datetime
    behind: datetime.timedelta = datetime.timedelta(0)

    @property
    def runs_on_at(self) -> datetime.datetime:
        """What the system's clock shows when a clock that stands behind runs on."""
        return self.system + self.behind


def read_clock(settings: ClockSettings, mark: ClockMark | None) -> Reading:
    """Return the time by the settings and the system, but not before the mark.

    Raises WorkspaceError when the offset leads out of the calendar.
    """
    system = clock.system_now()
    return reading_of(settings, system, _taken(system, mark), mark.at if mark else None)


def reading_of(
    settings: ClockSettings,
    system: datetime.datetime,
    taken: datetime.datetime,
    reached: datetime.datetime | None,
) -> Reading:
    """Return the time by the settings where the system's clock shows, and is taken to show, this.

    It is not before what was `reached`. Raises WorkspaceError.
    """
    shown = Clock(settings)
    own = shown.at(taken)
    if reached is None or own >= reached:
        return Reading(own, system, taken)
    now = reached.astimezone(datetime.UTC)
    return Reading(now, system, taken, datetime.timedelta(0) if shown.frozen else now - own)


def caught_up(settings: ClockSettings, reading: Reading) -> ClockSettings:
    """Return settings of which the clock's own time is the time that was read."""
    shown = Clock(settings)
    if shown.at(reading.taken) >= reading.now:
        return settings
    if shown.frozen:
        at = format_instant(reading.now)
        return ClockSettings(mode="frozen", offset_seconds=0, at=at)
    offset_seconds = (reading.now - reading.taken).total_seconds()
    return ClockSettings(mode="system", offset_seconds=offset_seconds, at="")


def new_mark(
    at: datetime.datetime, settings: ClockSettings, system: datetime.datetime
) -> ClockMark:
    """Return the mark of `at`, recorded while the system's clock was taken to show `system`.

    A frozen clock says nothing about the system's.
    """
    machine = this_machine() if settings.mode != "frozen" else None
    if machine is None:
        return ClockMark(at=at, system_at=None if settings.mode == "frozen" else system)
    return ClockMark(
        at=at,
        system_at=system,
        boot_id=machine.boot_id,
        uptime_seconds=machine.uptime_seconds,
    )


def read_mark(root: str) -> tuple[ClockMark | None, str]:
    """Return the mark of the workspace `root`, and what is wrong with it when it can't be read.

    One that is not there or can't be read counts as none: the next change makes it anew.
    """
    path = os.path.join(root, MARK_NAME)
    try:
        data = files.read_bytes(path)
    except (FileNotFoundError, NotADirectoryError):
        return None, ""
    except OSError as error:
        return None, f"{path} cannot be read: {error.strerror}."
    try:
        mark = documents.decode(path, ClockMark, data)
    except WorkspaceError as error:
        return None, error.message
    if mark.at.tzinfo is None or (mark.system_at is not None and mark.system_at.tzinfo is None):
        return None, f"{path} is damaged: an instant has no time zone."
    return mark, ""


def this_machine() -> Machine | None:
    """Return which start of the machine this is and how long it lasts; None where that is unknown.

    Suspended time counts. Looked up at call time, so that a test can replace it.
    """
    try:
        boot_id = files.read_bytes(_BOOT_ID_PATH).decode().strip()
        uptime_seconds = float(files.read_bytes(_UPTIME_PATH).split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return Machine(boot_id, uptime_seconds)


def _taken(system: datetime.datetime, mark: ClockMark | None) -> datetime.datetime:
    """Return the system's time, counted on from the mark when its clock was set back since.

    After another start of the machine nobody knows how long it was off: then it is what it shows.
    """
    if mark is None or mark.system_at is None or system >= mark.system_at:
        return system
    machine = this_machine()
    if machine is None or machine.boot_id != mark.boot_id:
        return system
    passed_seconds = machine.uptime_seconds - mark.uptime_seconds
    if passed_seconds < 0:
        return system
    try:
        return mark.system_at + datetime.timedelta(seconds=passed_seconds)
    except OverflowError:
        return system
