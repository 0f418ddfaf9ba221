"""A month's bill as text: its lines, below each other by their column, and the total."""

from datetime import datetime, timedelta

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.chain_view import aligned


class _Line(msgspec.Struct, rename="pascal"):
    kind: str
    amount: str
    gib_hours: float
    uses: int
    region_id: str
    disk_id: str
    disk_name: str
    tags: dict[str, str]


class _Hour(msgspec.Struct, rename="pascal"):
    hour: str
    amount: str
    standard_gib: float
    free_gib: float
    local_gib: float
    archive_gib: float
    instant_access_gib: float
    uses: int


class _Bill(msgspec.Struct, rename="pascal"):
    month: str
    start: str
    end: str
    complete: bool
    currency: str
    total: str
    by: str
    lines: list[_Line]
    hours: list[_Hour]


def view(answer: object, _: Session) -> str:
    """Return a ShowBill answer as a bill."""
    bill = msgspec.convert(answer, _Bill)
    rows = _hour_rows(bill) if bill.hours else _line_rows(bill)
    text = "".join(f"{line}\n" for line in [_headline(bill), "", *_numbers_right(rows)])
    if bill.complete:
        return text
    running = bill.end[:13].replace("T", " ") + ":00 UTC"
    return text + f"\nThe hour since {running} is billed when it is over.\n"


def _headline(bill: _Bill) -> str:
    if bill.complete:
        return f"Snapshots in {bill.month} (UTC): {bill.total} {bill.currency}"
    until = datetime.fromisoformat(bill.end)
    return (
        f"Snapshots in {bill.month} until {until:%B} {until.day}, {until:%H:%M} UTC: "
        f"{bill.total} {bill.currency} so far"
    )


def _line_rows(bill: _Bill) -> list[list[str]]:
    """Return a row for each line, those of one group together in the order of a bill."""
    heads = {"disk": ["Region", "Disk"], "region": ["Region"], "tag": ["Tags"], "kind": []}
    rows = [[*heads[bill.by], "Fee", "GiB hours", "Times", bill.currency]]
    for line in bill.lines:
        name = f"{line.disk_id} ({line.disk_name})" if line.disk_name else line.disk_id
        tags = ", ".join(f"{key}={value}" for key, value in sorted(line.tags.items())) or "-"
        group = {"disk": [line.region_id, name], "region": [line.region_id], "tag": [tags]}
        amount = f"{line.gib_hours:,.3f}" if line.gib_hours else ""
        uses = str(line.uses) if line.uses else ""
        rows.append([*group.get(bill.by, []), line.kind, amount, uses, line.amount])
    lead = ["Total", *[""] * (len(rows[0]) - 2)]
    return [*rows, [*lead, bill.total]]


def _hour_rows(bill: _Bill) -> list[list[str]]:
    rows = [["Hour (UTC)", "Standard GiB", "Free", "Local", "Archive", "Instant", "Times", "USD"]]
    for each in bill.hours:
        sizes = (
            each.standard_gib,
            each.free_gib,
            each.local_gib,
            each.archive_gib,
            each.instant_access_gib,
        )
        start = datetime.fromisoformat(each.hour)
        until = start + timedelta(hours=1)
        rows.append(
            [
                f"{start:%Y-%m-%d %H:%M}-{until:%H:%M}",
                *(f"{size:,.3f}" if size else "" for size in sizes),
                str(each.uses) if each.uses else "",
                each.amount,
            ]
        )
    return [*rows, ["Total", *[""] * 6, bill.total]]


def _numbers_right(rows: list[list[str]]) -> list[str]:
    """Return rows as lines, the columns of numbers flush right."""
    first = next(at for at, name in enumerate(rows[0]) if name in ("GiB hours", "Standard GiB"))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    moved = [
        [cell.rjust(widths[at]) if at >= first else cell for at, cell in enumerate(row)]
        for row in rows
    ]
    return aligned(moved)
