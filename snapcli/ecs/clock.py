"""The workspace's clock for people: `clock show|freeze|advance|set|resume|reset|configure`.

Moving it forward lets everything that falls due in between happen, in order (lifecycle). It starts
from the time that the transaction has, never from what the settings alone would say.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.ecs.call import Call
from snapcli.ecs.events import EventCounts, EventItem, Log
from snapcli.ecs.wire import seconds_time
from snapcli.workspace import clock as moving
from snapcli.workspace.clock import Clock
from snapcli.workspace.clock_mark import Reading, caught_up, reading_of
from snapcli.workspace.settings import ClockSettings

_ROUNDING = timedelta(milliseconds=1)  # an offset is a float of seconds


class ClockResponse(Response):
    """The workspace's time: now, whether it stands still, how far it is off the system's.

    A running clock that lies behind what has happened stands still for `BehindSeconds`, until the
    system's clock shows `RunsOnAt`.

    After a move also what happened on the way: how much of each kind and, when asked for, each
    event, in order. Of a long way this command's part, when others take turns in settling it.
    """

    now: str
    mode: str
    offset_seconds: float
    behind_seconds: float | msgspec.UnsetType = msgspec.UNSET
    runs_on_at: str | msgspec.UnsetType = msgspec.UNSET
    moved_from: str | None = None
    happened: EventCounts | msgspec.UnsetType = msgspec.UNSET
    events: list[EventItem] | msgspec.UnsetType = msgspec.UNSET


class ShowClockRequest(Request):
    """Nothing to say."""


@operation("ShowClock", lock=False, changes=False, settles=False)
def show_clock(call: Call, request: ShowClockRequest) -> ClockResponse:
    """Tell the workspace's time."""
    return _response(call.settings.clock, call.tx.reading)


class FreezeClockRequest(Request):
    """Where to stop the clock."""

    at: Annotated[str, "An instant such as 2022-03-11T10:33Z; by default now."] = ""


@operation("FreezeClock", lock=True, changes=True)
def freeze_clock(call: Call, request: FreezeClockRequest) -> ClockResponse:
    """Stop the workspace's time, where it is or at an instant."""
    at = _instant(call, request.at) if request.at else None
    return _move(call, lambda clock, system: moving.freeze(clock, system, at))


class AdvanceClockRequest(Request):
    """How far to move the clock."""

    by: Annotated[str, "How far: 3d2h, 90s, 1w."]
    events: Annotated[bool, "Tell each thing that happens on the way, not only how many."] = False


@operation("AdvanceClock", lock=True, changes=True)
def advance_clock(call: Call, request: AdvanceClockRequest) -> ClockResponse:
    """Move the time forward; a running clock runs on from there."""
    from snapcli.workspace.time_text import parse_duration

    try:
        by = parse_duration(request.by)
    except ValueError as error:
        raise ApiError("InvalidParameter", 400, str(error)) from None
    return _move(call, lambda clock, system: moving.advance(clock, system, by), request.events)


class SetClockRequest(Request):
    """Which time it shall be."""

    at: Annotated[str, "An instant such as 2022-03-11T10:33Z."]
    events: Annotated[bool, "Tell each thing that happens on the way, not only how many."] = False


@operation("SetClock", lock=True, changes=True)
def set_clock(call: Call, request: SetClockRequest) -> ClockResponse:
    """Set the time; a running clock runs on from there, a frozen one stays frozen there."""
    at = _instant(call, request.at)
    return _move(call, lambda clock, system: moving.set_to(clock, system, at), request.events)


class ResumeClockRequest(Request):
    """Nothing to say."""


@operation("ResumeClock", lock=True, changes=True)
def resume_clock(call: Call, request: ResumeClockRequest) -> ClockResponse:
    """Let a clock that stands still run on from there; ResetClock returns to the system's time."""
    return _move(call, moving.resume)


class ResetClockRequest(Request):
    """Nothing to say."""


@operation("ResetClock", lock=True, changes=True)
def reset_clock(call: Call, request: ResetClockRequest) -> ClockResponse:
    """Let the clock follow the system's time again.

    It goes back at once as far as nothing has happened since. Ahead of the system's time it then
    stands still until that has caught up.
    """
    from snapcli.ecs.recorded import latest_instant

    reading = call.tx.reading
    now = reading.system
    if now < call.now:
        now = max(now, latest_instant(call) or now)
    moved = moving.to_system(call.settings.clock, reading.system)
    _write(call, moved)
    return _go(call, moved, now, reading.system)


class ConfigureClockRequest(Request):
    """Which settings of the clock to change, as `config set` takes them."""

    mode: Annotated[str, "clock.mode: system or frozen."] | None = None
    offset_seconds: Annotated[str, "clock.offset_seconds: how far it is ahead."] | None = None
    at: Annotated[str, "clock.at: where a frozen clock stands."] | None = None


@operation("ConfigureClock", lock=True, changes=True)
def configure_clock(call: Call, request: ConfigureClockRequest) -> ClockResponse:
    """Change settings of the clock, with all that SetClock brings about and refuses."""
    from snapcli.workspace.errors import SettingError

    given = {
        "clock.mode": request.mode,
        "clock.offset_seconds": request.offset_seconds,
        "clock.at": request.at,
    }
    values = {key: text for key, text in given.items() if text is not None}
    if not values:
        raise ApiError("MissingParameter", 400, "Give Mode, OffsetSeconds or At.")
    try:
        moved = call.tx.change_settings(values)
    except SettingError as error:
        raise ApiError("InvalidParameter", 400, str(error)) from None
    reading = call.tx.reading
    now = Clock(moved.clock).at(reading.taken)
    if now == Clock(call.settings.clock).at(reading.taken):
        return _go(call, moved.clock, call.now, reading.taken)
    try:
        moving.check_shown(now)
    except ValueError as error:
        raise ApiError("InvalidParameter", 400, str(error)) from None
    return _go(call, moved.clock, now, reading.taken)


def _instant(call: Call, text: str) -> datetime:
    from snapcli.workspace.time_text import parse_instant

    try:
        return parse_instant(text, call.now)
    except ValueError as error:
        raise ApiError("InvalidParameter", 400, str(error)) from None


def _move(
    call: Call,
    change: Callable[[ClockSettings, datetime], ClockSettings],
    tell_events: bool = False,
) -> ClockResponse:
    """Write the clock's settings as `change` makes them, then let what has fallen due happen.

    What is more than one step of it follows after the commit; a kill in between leaves the clock
    where it is to be, and the next command settles the rest. Raises ApiError when they lead out of
    the calendar or before what was recorded.
    """
    reading = call.tx.reading
    try:
        moved = change(caught_up(call.settings.clock, reading), reading.taken)
    except ValueError as error:
        raise ApiError("InvalidParameter", 400, str(error)) from None
    _write(call, moved)
    return _go(call, moved, Clock(moved).at(reading.taken), reading.taken, tell_events)


def _write(call: Call, moved: ClockSettings) -> None:
    call.tx.change_settings(
        {
            "clock.mode": moved.mode,
            "clock.offset_seconds": moved.offset_seconds,
            "clock.at": moved.at,
        }
    )


def _go(
    call: Call,
    moved: ClockSettings,
    now: datetime,
    system: datetime,
    tell_events: bool = False,
) -> ClockResponse:
    """Let the time be `now` by settings that are written, and what has fallen due happen.

    `system` is what the system's clock is taken to show. Raises ApiError when that lies before
    what was recorded.
    """
    before = call.now
    if now < before < now + _ROUNDING:
        now = before
    if now < before:
        _refuse_before_records(call, now)
    call.tx.moves_time(moved, now, system)
    log = call.to_settle = Log(wanted=tell_events)
    next_due_at = call.account.next_due_at
    if next_due_at is not None and next_due_at <= now:
        from snapcli.ecs import lifecycle

        call.now = now
        lifecycle.settle(call, log)
    response = _response(moved, reading_of(moved, call.tx.reading.system, system, now))
    response.moved_from = seconds_time(before)
    response.happened = log.counts  # both go on being filled while the rest is settled
    if tell_events:
        response.events = log.events
    return response


def _refuse_before_records(call: Call, now: datetime) -> None:
    """Raise ApiError when the time would go back before something that was recorded."""
    from snapcli.ecs.recorded import latest_instant

    latest = latest_instant(call)
    if latest is not None and now < latest:
        raise ApiError(
            "InvalidParameter",
            400,
            f"The time can't go back to {seconds_time(now)}: the workspace holds something that "
            f"happened at {seconds_time(latest)}. Use a new workspace for an earlier time; the way "
            "back to the system's time is: snapcli clock reset",
        )


def _response(settings: ClockSettings, reading: Reading) -> ClockResponse:
    response = ClockResponse(
        now=seconds_time(reading.now),
        mode=settings.mode,
        offset_seconds=float(settings.offset_seconds) if settings.mode == "system" else 0.0,
    )
    if settings.mode == "system" and (reading.behind or reading.taken != reading.system):
        response.offset_seconds = (reading.now - reading.system).total_seconds()
    if reading.behind:
        response.behind_seconds = reading.behind.total_seconds()
        response.runs_on_at = seconds_time(reading.runs_on_at)
    return response
