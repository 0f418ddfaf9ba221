"""ShowBill: what a month's snapshots cost, by disk, kind or tag, or hour by hour (SZ-2, IA-6).

A bill is worked out from the ledgers and the prices of workspace.toml; nothing of it is stored.
An hour is billed when it is over, for what was stored in it: size times time, to the second.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.types import choice
from snapcli.ecs import usage
from snapcli.ecs.call import Call
from snapcli.ecs.ledger import INSTANT, month_start
from snapcli.ecs.prices import AMOUNT_DIGITS, Tariff, rounded
from snapcli.ecs.records import FoldedLine, FoldedMonth
from snapcli.ecs.wire import seconds_time

CURRENCY = "USD"
# The kinds of fees, in the order of a bill.
KINDS = ("standard", "free tier", "local", "archive", "instant access", "instant access use")
FREE = "free tier"
USES = "instant access use"
NAMES = {"flash": "local", INSTANT: "instant access"}


class ShowBillRequest(Request):
    """Which month, and how the bill is split."""

    month: Annotated[
        str, "A month such as 2022-03; by default the present one. Months are UTC's."
    ] = ""
    by: Annotated[
        str,
        choice("InvalidParameter", 400, "disk", "kind", "tag", "region"),
        "How the lines are split: each disk, kind of fee, set of tags, or region.",
    ] = "disk"
    tag_key: Annotated[str, "With By tag: split by the values of this tag only."] = ""
    hours: Annotated[bool, "A line for each hour instead."] = False


class BillLine(Item):
    """A line of a bill; what it is not split by is empty. `Amount` is in the bill's currency."""

    kind: str
    amount: str
    gib_hours: float
    uses: int
    region_id: str = ""
    disk_id: str = ""
    disk_name: str = ""
    tags: dict[str, str] = {}


class HourLine(Item):
    """What an hour costs: the average GiB of each kind in it, how much was free, the amount."""

    hour: str
    amount: str
    standard_gib: float
    free_gib: float
    local_gib: float
    archive_gib: float
    instant_access_gib: float
    uses: int


class ShowBillResponse(Response):
    """A month's bill so far: hours that are over, from `Start` to `End`."""

    month: str
    start: str
    end: str
    complete: bool
    currency: str
    total: str
    by: str
    lines: list[BillLine]
    hours: list[HourLine]


class _Charge(msgspec.Struct):
    """The smallest thing on a bill: what one chain stored of one kind, under one set of tags."""

    kind: str
    amount: Decimal
    region_id: str
    disk_id: str = ""
    disk_name: str = ""
    tags: dict[str, str] = {}
    block_seconds: int = 0
    uses: int = 0


@operation("ShowBill", lock=False, changes=False)
def show_bill(call: Call, request: ShowBillRequest) -> ShowBillResponse:
    """Add up what the account's snapshots cost in a month, in all regions, those deleted too."""
    start = _month(call, request.month)
    end = usage.next_month(start)
    until = min(end, call.now.replace(minute=0, second=0, microsecond=0))
    hours = usage.hours_between(start, until)
    tariff = Tariff(call.settings.prices, usage.hours_between(start, end))
    charges: list[_Charge] = []
    for region_id in call.regions_in_use():
        month = _stored(call, region_id, start, hours)
        charges += _charges(region_id, month, tariff)
    response = ShowBillResponse(
        month=usage.month_name(start),
        start=seconds_time(start),
        end=seconds_time(max(until, start)),
        complete=until == end,
        currency=CURRENCY,
        total=amount_text(sum((charge.amount for charge in charges), Decimal(0))),
        by=request.by,
        lines=[],
        hours=[],
    )
    if request.hours:
        response.hours = list(_hours(call, start, hours, tariff))
    else:
        response.lines = _lines(charges, request)
    return response


def _month(call: Call, text: str) -> datetime:
    """Return the beginning of the month that was asked for. Raises ApiError."""
    if not text:
        return month_start(call.now)
    try:
        found = datetime.strptime(text + "-01T00:00:00Z", "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        raise ApiError(
            "InvalidParameter",
            400,
            f"{text!r} is no month. It must be written like {usage.month_name(call.now)}.",
        ) from None
    if found > call.now:
        raise ApiError(
            "InvalidParameter",
            400,
            f"The month {text} has not begun; it is {seconds_time(call.now)}.",
        )
    return found


def _stored(call: Call, region_id: str, start: datetime, hours: int) -> FoldedMonth:
    """Return what a region stored in the first hours of a month."""
    kept = usage.region_usage(call, region_id)
    if seconds_time(start) < kept.folded_until:
        return kept.months.get(usage.month_name(start), FoldedMonth())
    free_an_hour = usage.free_block_seconds_an_hour(call)
    return usage.add_up(list(usage.owners(call, region_id)), start, hours, free_an_hour)


def _charges(region_id: str, month: FoldedMonth, tariff: Tariff) -> Iterator[_Charge]:
    """Yield what a region's month costs; the free tier is a charge below zero.

    Each amount is rounded once. Standard storage as a whole is too, so the free tier's amount
    is what is missing to that: where all was free, nothing is left over.
    """
    gross, standard = Decimal(0), 0
    for line in month.lines:
        charge = _charge(region_id, line)
        charge.amount = rounded(tariff.storage(line.kind, line.block_seconds))
        if line.kind == usage.FREE_KIND:
            gross += charge.amount
            standard += line.block_seconds
        if line.block_seconds:
            yield charge
        if line.uses:
            charge = _charge(region_id, line)
            charge.kind, charge.uses, charge.block_seconds = USES, line.uses, 0
            charge.amount = rounded(tariff.uses(line.uses))
            yield charge
    if month.free_block_seconds:
        net = rounded(tariff.storage(usage.FREE_KIND, standard - month.free_block_seconds))
        yield _Charge(
            kind=FREE,
            amount=net - gross,
            region_id=region_id,
            block_seconds=-month.free_block_seconds,
        )


def _charge(region_id: str, line: FoldedLine) -> _Charge:
    return _Charge(
        kind=NAMES.get(line.kind, line.kind),
        amount=Decimal(0),
        region_id=region_id,
        disk_id=line.disk_id,
        disk_name=line.disk_name,
        tags=line.tags,
        block_seconds=line.block_seconds,
    )


def _lines(charges: Sequence[_Charge], request: ShowBillRequest) -> list[BillLine]:
    """Return charges added up into the lines that were asked for, the dearest group first."""
    split = _SPLITS[request.by]
    groups: dict[tuple[object, str], list[_Charge]] = {}
    for charge in charges:
        if request.by == "tag" and request.tag_key:
            tags = charge.tags
            charge.tags = {k: v for k, v in tags.items() if k == request.tag_key}
        groups.setdefault((split(charge), charge.kind), []).append(charge)
    totals: dict[object, Decimal] = {}
    for (name, _), members in groups.items():
        total = sum((member.amount for member in members), Decimal(0))
        totals[name] = totals.get(name, Decimal(0)) + total

    def place(group: tuple[object, str]) -> tuple[Decimal, str, int]:
        name, kind = group
        return -totals[name], repr(name), KINDS.index(kind)

    ordered = sorted(groups.items(), key=lambda each: place(each[0]))
    return [_line(members, request.by) for _, members in ordered]


_SPLITS: dict[str, Callable[[_Charge], object]] = {
    "disk": lambda charge: (charge.region_id, charge.disk_id),
    "kind": lambda charge: charge.kind,
    "tag": lambda charge: (charge.kind == FREE, tuple(sorted(charge.tags.items()))),
    "region": lambda charge: charge.region_id,
}


def _line(members: Sequence[_Charge], by: str) -> BillLine:
    first = members[0]
    return BillLine(
        kind=first.kind,
        amount=amount_text(sum((member.amount for member in members), Decimal(0))),
        gib_hours=usage.gib_hours(sum(member.block_seconds for member in members)),
        uses=sum(member.uses for member in members),
        region_id=first.region_id if by in ("disk", "region") else "",
        disk_id=first.disk_id if by == "disk" else "",
        disk_name=first.disk_name if by == "disk" else "",
        tags=first.tags if by == "tag" else {},
    )


def _hours(call: Call, start: datetime, hours: int, tariff: Tariff) -> Iterator[HourLine]:
    """Yield a line for each hour in which something was stored or switched on."""
    kinds = {kind: [0] * hours for kind in tariff.kinds}
    free, uses = [0] * hours, [0] * hours
    free_an_hour = usage.free_block_seconds_an_hour(call)
    for region_id in call.regions_in_use():
        _refuse_folded(call, region_id, start)
        standard = [0] * hours
        for owner in usage.owners(call, region_id):
            for history in owner.history:
                sums = usage.by_hour(history, start, hours)
                if history.kind == usage.FREE_KIND:
                    standard = _sum(standard, sums)
                kinds[history.kind] = _sum(kinds[history.kind], sums)
                uses = _sum(uses, usage.uses_by_hour(history, start, hours))
        free = _sum(free, [min(block_seconds, free_an_hour) for block_seconds in standard])
    for number in range(hours):
        stored = {kind: sums[number] for kind, sums in kinds.items()}
        if any(stored.values()) or uses[number]:
            paid = stored | {usage.FREE_KIND: stored[usage.FREE_KIND] - free[number]}
            amount = tariff.uses(uses[number])
            amount += sum(tariff.storage(kind, each) for kind, each in paid.items())
            yield HourLine(
                hour=seconds_time(start + timedelta(hours=number)),
                amount=amount_text(rounded(amount)),
                standard_gib=usage.gib_hours(stored["standard"]),
                free_gib=usage.gib_hours(free[number]),
                local_gib=usage.gib_hours(stored["flash"]),
                archive_gib=usage.gib_hours(stored["archive"]),
                instant_access_gib=usage.gib_hours(stored[INSTANT]),
                uses=uses[number],
            )


def _sum(one: list[int], other: list[int]) -> list[int]:
    return [mine + yours for mine, yours in zip(one, other, strict=True)]


def _refuse_folded(call: Call, region_id: str, start: datetime) -> None:
    if seconds_time(start) < usage.region_usage(call, region_id).folded_until:
        raise ApiError(
            "InvalidParameter",
            400,
            f"The single hours of {usage.month_name(start)} are no longer kept in {region_id}; "
            "without Hours the month's bill is shown.",
        )


def amount_text(amount: Decimal) -> str:
    """Write an amount as bills do."""
    return f"{amount:.{AMOUNT_DIGITS}f}"
