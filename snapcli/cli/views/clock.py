"""The workspace's clock in a line. Draws text only."""

from collections.abc import Mapping

import msgspec

from snapcli.cli.session import Session


class Event(msgspec.Struct, rename="pascal"):
    """An event of time as answered."""

    time: str
    event: str
    region_id: str = ""
    snapshot_id: str = ""
    disk_id: str = ""
    auto_snapshot_policy_id: str = ""
    instance_id: str = ""
    reason: str = ""


class _Clock(msgspec.Struct, rename="pascal"):
    now: str
    mode: str
    offset_seconds: float
    behind_seconds: float = 0
    runs_on_at: str = ""
    moved_from: str | None = None
    happened: dict[str, int] = {}
    events: list[Event] = []


_HAPPENED = {
    "SnapshotsCreated": "automatic snapshots created",
    "SnapshotsSkipped": "automatic snapshots skipped",
    "SnapshotsFailed": "automatic snapshots failed",
    "SnapshotsReleased": "snapshots released",
    "SnapshotsCopied": "snapshots copied to another region",
    "CopiesFailed": "copies to another region failed",
    "InstancesReleased": "instances released",
}


def view(answer: object, _: Session) -> str:
    """Return the time and how it runs; after a move, also where it was and what happened."""
    clock = msgspec.convert(answer, _Clock)
    events = "".join(event_text(event) + "\n" for event in clock.events)
    moved = f"was   {clock.moved_from}\nis    " if clock.moved_from else ""
    state = clock_text(answer)
    if clock.behind_seconds:
        state = f"{clock.now}  standing still\n{_lag_text(clock)}"
    return f"{events}{moved}{state}\n{happened_text(clock.happened)}"


def resumed_view(answer: object, session: Session) -> str:
    """Return the same, and how to come back to the system's time where it is another."""
    clock = msgspec.convert(answer, _Clock)
    way = "To come back to the system's time: snapcli clock reset\n" if clock.offset_seconds else ""
    return view(answer, session) + way


def _lag_text(clock: _Clock) -> str:
    """Return why a clock that runs stands still, and for how long."""
    where = "ahead of" if clock.offset_seconds > 0 else "behind"
    return (
        f"The workspace's time is {_duration_text(clock.offset_seconds)} {where} the system's. It "
        f"stands still until the system's time is {clock.runs_on_at}, in "
        f"{_duration_text(clock.behind_seconds)}; `snapcli clock resume` lets it run on at once."
    )


def _duration_text(seconds: float) -> str:
    from datetime import timedelta

    from snapcli.workspace.time_text import format_duration

    return format_duration(timedelta(seconds=max(round(abs(seconds)), 1)))


def happened_text(counts: Mapping[str, int]) -> str:
    """Return how often each kind of thing happened, a line a kind."""
    return "".join(
        f"{counts[name]:>7} {text}\n" for name, text in _HAPPENED.items() if counts.get(name)
    )


def event_text(event: Event) -> str:
    """Return an event as a line."""
    named = (
        event.snapshot_id,
        event.disk_id,
        event.auto_snapshot_policy_id,
        event.instance_id,
    )
    line = "  ".join((event.time, f"{event.event:<16}", *filter(None, named)))
    return f"{line}  ({event.reason})" if event.reason else line


def clock_text(answer: object) -> str:
    """Return `2022-03-11T02:33:00Z  frozen`, or how far the time is off the system's, in a line."""
    clock = msgspec.convert(answer, _Clock)
    if clock.mode == "frozen":
        return f"{clock.now}  frozen"
    if clock.behind_seconds:
        how_long = _duration_text(clock.behind_seconds)
        return (
            f"{clock.now}  standing still until the system's time is {clock.runs_on_at}, "
            f"in {how_long}"
        )
    if not clock.offset_seconds:
        return f"{clock.now}  running, the system's time"
    off = _duration_text(clock.offset_seconds)
    where = "ahead of" if clock.offset_seconds > 0 else "behind"
    return f"{clock.now}  running, {off} {where} the system's time"
