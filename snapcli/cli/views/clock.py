"""The workspace's clock in a line. Draws text only."""

import msgspec

from snapcli.cli.session import Session


class _Clock(msgspec.Struct, rename="pascal"):
    now: str
    mode: str
    offset_seconds: float
    moved_from: str | None = None


def view(answer: object, _: Session) -> str:
    """Return the time and how it runs; after a move, also where it was."""
    clock = msgspec.convert(answer, _Clock)
    moved = f"was   {clock.moved_from}\nis    " if clock.moved_from else ""
    return f"{moved}{clock_text(answer)}\n"


def clock_text(answer: object) -> str:
    """Return `2022-03-11T02:33:00Z  frozen`, or how far the time is off the system's."""
    clock = msgspec.convert(answer, _Clock)
    if clock.mode == "frozen":
        return f"{clock.now}  frozen"
    if not clock.offset_seconds:
        return f"{clock.now}  running, the system's time"
    from datetime import timedelta

    from snapcli.workspace.time_text import format_duration

    off = format_duration(timedelta(seconds=abs(round(clock.offset_seconds))))
    where = "ahead of" if clock.offset_seconds > 0 else "behind"
    return f"{clock.now}  running, {off} {where} the system's time"
