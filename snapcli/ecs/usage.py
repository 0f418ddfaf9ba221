"""What a region stored, added up from the ledgers of its chains: at an instant, by hour, by month.

Knows no prices. Changes documents in one case only: it folds months whose hours need not be kept.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from snapcli.ecs.call import Call
from snapcli.ecs.ledger import (
    blocks_at,
    fold_limit,
    instant_text,
    month_start,
    seconds_of,
    usage_file,
)
from snapcli.ecs.records import (
    BLOCK_BYTES,
    GIB,
    Chain,
    EndedChain,
    FoldedLine,
    FoldedMonth,
    SizeHistory,
    Usage,
)
from snapcli.workspace.errors import WorkspaceError

HOUR_SECONDS = 3600
BLOCKS_PER_GIB = GIB // BLOCK_BYTES
FREE_KIND = "standard"  # the only kind of which the first GiB are free


def region_usage(call: Call, region_id: str) -> Usage:
    """Return what is kept of a region beside its chains."""
    file = usage_file(call, region_id)
    return call.tx.load(file, Usage) if call.tx.exists(file) else Usage()


def owners(call: Call, region_id: str) -> Iterator[EndedChain]:
    """Yield what each chain of a region stored, those that are gone after those that are."""
    for chain in call.chains(region_id):
        if chain.history:
            yield EndedChain(
                chain_id=chain.link_id,
                disk_id=chain.disk_id,
                disk_name=_disk_name(call, chain),
                history=chain.history,
            )
    yield from region_usage(call, region_id).ended


def _disk_name(call: Call, chain: Chain) -> str:
    disk = call.inventory(chain.region_id).disks.get(chain.disk_id)
    return disk.name if disk else chain.disk_name


def course(histories: Sequence[SizeHistory], times: Sequence[str]) -> list[int]:
    """Return the blocks that all the histories together stored at each of ascending instants."""
    totals = [0] * len(times)
    for history in histories:
        steps = [*history.points.items(), *history.ahead.items()]
        at, blocks = 0, 0
        for number, time in enumerate(times):
            while at < len(steps) and steps[at][0] <= time:
                blocks = steps[at][1]
                at += 1
            totals[number] += blocks
    return totals


def by_hour(history: SizeHistory, start: datetime, count: int) -> list[int]:
    """Return the block-seconds of `count` hours from `start`, a whole hour."""
    first = int(start.timestamp())
    end = first + count * HOUR_SECONDS
    sums = [0] * count
    at, blocks = first, 0
    for instant, value in (*history.points.items(), *history.ahead.items()):
        until = min(max(seconds_of(instant), first), end)
        if blocks and until > at:
            _add(sums, blocks, at - first, until - first)
        at, blocks = until, value
    if blocks and end > at:
        _add(sums, blocks, at - first, end - first)
    for hour, block_seconds in history.hours.items():
        number = (seconds_of(hour) - first) // HOUR_SECONDS
        if 0 <= number < count:
            sums[number] = block_seconds
    return sums


def _add(sums: list[int], blocks: int, start: int, end: int) -> None:
    """Add so many blocks for the seconds from `start` to `end` to the hours these are in."""
    first, last = start // HOUR_SECONDS, (end - 1) // HOUR_SECONDS
    if first == last:
        sums[first] += blocks * (end - start)
        return
    sums[first] += blocks * ((first + 1) * HOUR_SECONDS - start)
    for number in range(first + 1, last):
        sums[number] += blocks * HOUR_SECONDS
    sums[last] += blocks * (end - last * HOUR_SECONDS)


def uses_by_hour(history: SizeHistory, start: datetime, count: int) -> list[int]:
    """Return how often instant access was switched on in each of `count` hours from `start`."""
    first = int(start.timestamp())
    found = [0] * count
    for hour, uses in history.uses.items():
        number = (seconds_of(hour) - first) // HOUR_SECONDS
        if 0 <= number < count:
            found[number] += uses
    return found


def free_block_seconds_an_hour(call: Call) -> int:
    """Return how many block-seconds of an hour are free in a region: its tier of GiB (SZ-2)."""
    free_gib = Decimal(str(call.settings.prices.standard_free_gib))
    return int(free_gib * BLOCKS_PER_GIB * HOUR_SECONDS)


def add_up(
    found: Sequence[EndedChain], start: datetime, hours: int, free_an_hour: int
) -> FoldedMonth:
    """Return what chains of one region stored in the hours from `start`, and how much was free.

    The free tier is that of each hour: what one hour leaves of it is of no use to another.
    """
    lines: dict[tuple[object, ...], FoldedLine] = {}
    standard = [0] * hours
    for owner in found:
        for history in owner.history:
            sums = by_hour(history, start, hours)
            uses = sum(uses_by_hour(history, start, hours))
            total = sum(sums)
            if history.kind == FREE_KIND and total:
                standard = [one + other for one, other in zip(standard, sums, strict=True)]
            if not total and not uses:
                continue
            key = (owner.chain_id, history.kind, *sorted(history.tags.items()))
            line = lines.get(key)
            if line is None:
                line = lines[key] = FoldedLine(
                    chain_id=owner.chain_id,
                    disk_id=owner.disk_id,
                    kind=history.kind,
                    disk_name=owner.disk_name,
                    tags=dict(history.tags),
                )
            line.block_seconds += total
            line.uses += uses
    free = sum(min(block_seconds, free_an_hour) for block_seconds in standard)
    return FoldedMonth(free_block_seconds=free, lines=list(lines.values()))


def next_month(start: datetime) -> datetime:
    """Return the beginning of the month after the one that begins at `start`."""
    return month_start(start + timedelta(days=32))


def hours_between(start: datetime, end: datetime) -> int:
    """Return the whole hours from `start` to `end`, none when it lies before."""
    return max((end - start) // timedelta(hours=1), 0)


def gib_hours(block_seconds: int) -> float:
    """Return blocks times seconds as GiB times hours, to six digits."""
    return round(block_seconds / (BLOCKS_PER_GIB * HOUR_SECONDS), 6)


def fold_months(call: Call) -> None:
    """Fold old months in the regions in which a history got long, so that documents stay small.

    A region with a damaged chain is left as it is: `check` tells of it, and nothing is lost.
    """
    for account_id, region_id in sorted(call.regions_to_fold):
        try:
            _fold(call.for_account(account_id), region_id)
        except WorkspaceError:
            continue
    call.regions_to_fold.clear()


def _fold(call: Call, region_id: str) -> None:
    found = list(owners(call, region_id))
    usage = call.tx.load(usage_file(call, region_id), Usage, Usage)
    limit = fold_limit(call.now)
    text = instant_text(limit)
    known = (*(key for owner in found for history in owner.history for key in _keys(history)), text)
    start = month_start(datetime.fromisoformat(usage.folded_until or min(known)))
    free_an_hour = free_block_seconds_an_hour(call)
    while start < limit:
        end = next_month(start)
        month = add_up(found, start, hours_between(start, end), free_an_hour)
        if month.lines:
            usage.months[month_name(start)] = month
        start = end
    usage.folded_until = text
    for chain in call.chains(region_id):
        chain.history = _kept(chain.history, text)
    for ended in usage.ended:
        ended.history = _kept(ended.history, text)
    usage.ended = [ended for ended in usage.ended if ended.history]


def month_name(start: datetime) -> str:
    """Return a month as bills name it, 2022-03."""
    return start.astimezone(UTC).strftime("%Y-%m")


def _keys(history: SizeHistory) -> Iterator[str]:
    yield from history.points
    yield from history.uses


def _kept(histories: list[SizeHistory], limit: str) -> list[SizeHistory]:
    """Return histories with nothing in them of before `limit` but what was stored then."""
    for history in histories:
        entering = blocks_at(history, limit)
        steps = history.points | {k: v for k, v in history.ahead.items() if k <= limit}
        later = {instant: blocks for instant, blocks in steps.items() if instant > limit}
        history.points = ({limit: entering} if entering else {}) | later
        history.ahead = {k: v for k, v in history.ahead.items() if k > limit}
        history.hours = {hour: value for hour, value in history.hours.items() if hour >= limit}
        history.uses = {hour: value for hour, value in history.uses.items() if hour >= limit}
    return [h for h in histories if h.points or h.ahead or h.hours or h.uses]
