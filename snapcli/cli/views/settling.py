"""What the passing of time did, a line an event. Draws text only."""

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.clock import Event, event_text, happened_text


class _Settled(msgspec.Struct, rename="pascal"):
    now: str
    next_due_at: str
    happened: dict[str, int]
    events: list[Event]


def view(answer: object, _: Session) -> str:
    """Return the events of a SettleTime answer, how many there were, and what is due next."""
    settled = msgspec.convert(answer, _Settled)
    events = "".join(event_text(event) + "\n" for event in settled.events)
    happened = happened_text(settled.happened)
    nothing = "" if events or happened else "Nothing was due.\n"
    due = settled.next_due_at
    following = f"Next: {due}\n" if due else "Nothing is due next.\n"
    return f"{events}{happened}{nothing}It is {settled.now}. {following}"
