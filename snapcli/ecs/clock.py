"""The workspace's clock for people: `clock show|freeze|advance|set|resume`.

Moving it forward lets everything that falls due in between happen, in order (lifecycle).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.ecs.call import Call
from snapcli.ecs.events import EventCounts, EventItem, Log
from snapcli.ecs.wire import seconds_time
from snapcli.workspace import clock as moving
from snapcli.workspace.clock import Clock
from snapcli.workspace.settings import ClockSettings


class ClockResponse(Response):
    """The workspace's time: now, whether it stands still, how far it is off the system's.

    After a move also what happened on the way: how much of each kind and, when asked for, each
    event, in order. Of a long way this command's part, when others take turns in settling it.
    """

    now: str
    mode: str
    offset_seconds: float
    moved_from: str | None = None
    happened: EventCounts | msgspec.UnsetType = msgspec.UNSET
    events: list[EventItem] | msgspec.UnsetType = msgspec.UNSET


class ShowClockRequest(Request):
    """Nothing to say."""


@operation("ShowClock", lock=False, changes=False, settles=False)
def show_clock(call: Call, request: ShowClockRequest) -> ClockResponse:
    """Tell the workspace's time."""
    return _response(call.settings.clock)


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
    """Let a frozen clock run on from where it stands."""
    return _move(call, moving.resume)


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
    try:
        moved = change(call.settings.clock, moving.system_now())
    except ValueError as error:
        raise ApiError("InvalidParameter", 400, str(error)) from None
    before, now = call.now, Clock(moved).now()
    if now < before:
        _refuse_before_records(call, now)
    call.tx.change_settings(
        {
            "clock.mode": moved.mode,
            "clock.offset_seconds": moved.offset_seconds,
            "clock.at": moved.at,
        }
    )
    log = call.to_settle = Log(wanted=tell_events)
    next_due_at = call.account.next_due_at
    if next_due_at is not None and next_due_at <= now:
        from snapcli.ecs import lifecycle

        call.now = now
        lifecycle.settle(call, log)
    response = _response(moved)
    response.moved_from = seconds_time(before)
    response.happened = log.counts  # both go on being filled while the rest is settled
    if tell_events:
        response.events = log.events
    return response


def _refuse_before_records(call: Call, now: datetime) -> None:
    """Raise ApiError when the time would go back before something that was recorded."""
    latest = _latest_record(call)
    if latest is not None and now < latest:
        raise ApiError(
            "InvalidParameter",
            400,
            f"The time can't go back to {seconds_time(now)}: the workspace holds something that "
            f"happened at {seconds_time(latest)}. Use a new workspace for an earlier time.",
        )


def _latest_record(call: Call) -> datetime | None:
    instants: list[datetime] = []
    for region_id in call.regions_in_use():
        inventory = call.inventory(region_id)
        for disk in inventory.disks.values():
            known = (disk.created_at, disk.attached_at, disk.detached_at)
            instants += [instant for instant in known if instant is not None]
        instants += [i.started_at or i.created_at for i in inventory.instances.values()]
        for chain in call.chains(region_id):
            for history in chain.history:
                instants += [datetime.fromisoformat(each) for each in [*history.points][-1:]]
            for node in chain.nodes:
                known = (node.created_at, node.failed_at, node.modified_at)
                instants += [instant for instant in known if instant is not None]
    marks = (call.account.settled_at, call.account.overdue_at)
    instants += [instant for instant in marks if instant is not None]
    return max(instants, default=None)


def _response(settings: ClockSettings) -> ClockResponse:
    return ClockResponse(
        now=seconds_time(Clock(settings).now()),
        mode=settings.mode,
        offset_seconds=float(settings.offset_seconds) if settings.mode == "system" else 0.0,
    )
