"""What has happened and what is due, a row each, with the present between. Draws nothing."""

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import Calendar, Listing


class _Item(msgspec.Struct, rename="pascal"):
    time: str
    when: str
    kind: str
    outcome: str
    region_id: str
    disk_id: str
    snapshot_id: str
    auto_snapshot_policy_id: str
    instance_id: str
    reason: str


class _Timeline(msgspec.Struct, rename="pascal"):
    now: str
    start: str
    end: str
    kept_since: str
    more_past: bool
    more_ahead: bool
    items: list[_Item]


def view(answer: object, session: Session) -> Listing:
    """Return a ShowTimeline answer as a table."""
    found = msgspec.convert(answer, _Timeline)
    calendar = Calendar(session)
    rows = [_row(calendar, item) for item in found.items]
    past = sum(item.when == "past" for item in found.items)
    if rows:
        rows.insert(past, (found.now, calendar.wire(found.now), "now", "", "", ""))
    return Listing(
        what=f"events from {found.start} to {found.end}",
        columns=("Time (UTC)", "Time", "Kind", "Outcome", "Of", "Reason"),
        rows=rows,
        more=_more(found),
        colours={"skipped": "yellow", "failed": "red", "kept": "yellow", "now": "bold"},
    )


def _row(calendar: Calendar, item: _Item) -> tuple[str, ...]:
    of = (item.instance_id, item.disk_id, item.snapshot_id, item.auto_snapshot_policy_id)
    return (
        item.time,
        calendar.wire(item.time),
        item.kind,
        item.outcome,
        "\n".join(filter(None, of)),
        item.reason,
    )


def _more(found: _Timeline) -> str:
    said = []
    if found.more_past or found.more_ahead:
        where = [name for name in ("past", "ahead") if getattr(found, f"more_{name}")]
        said.append(f"There is more {' and '.join(where)}; --limit shows more.")
    if found.kept_since > found.start:
        said.append(f"What happened before {found.kept_since} is no longer kept.")
    return " ".join(said)
