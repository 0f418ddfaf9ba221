"""The ledger of a chain: what it stored from when on, written down when that changes.

It stands in the chain's own document, so that a snapshot command writes no second one. A line of
it is a kind of storage and a set of tags. Knows no prices and adds nothing up: see usage.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from snapcli.ecs.call import Call
from snapcli.ecs.records import Chain, EndedChain, SizeHistory, SnapshotRecord, Usage
from snapcli.ecs.snapshot_state import has_instant_access, instant_access_ends_at

INSTANT = "instant"  # the kind of what is billed for instant access, beside its storage

# The days of which every hour is kept, for charts and DescribeSnapshotMonitorData; older months
# are folded once a history is so long.
KEPT_DAYS = 31
_LONG = 1500
_MANY_ENDED = 200
_FINE = timedelta(days=1)  # so long every point is kept, then one an hour

Key = tuple[str, tuple[tuple[str, str], ...]]


def note(call: Call, chain: Chain) -> None:
    """Write down what the chain stores now, where that differs from what was last noted.

    To be called after every change of a node's blocks, tags, category or instant access, and of
    the nodes themselves. Costs a look at each node.
    """
    stored, ends = present(chain, call.now)
    at = instant_text(call.now)
    for history in chain.history:
        key = _key(history.kind, history.tags)
        _put(call, chain.region_id, history, at, stored.pop(key, 0), ends.pop(key, None))
    for (kind, tags), blocks in stored.items():
        history = SizeHistory(kind=kind, tags=dict(tags))
        _put(call, chain.region_id, history, at, blocks, ends.get((kind, tags)))
        chain.history.append(history)


def count_use(call: Call, chain: Chain, node: SnapshotRecord) -> None:
    """Write down that instant access was switched on for a snapshot, which is billed (IA-6)."""
    key = _key(INSTANT, node.tags)
    for history in chain.history:
        if _key(history.kind, history.tags) == key:
            break
    else:
        history = SizeHistory(kind=INSTANT, tags=dict(node.tags))
        chain.history.append(history)
    hour = instant_text(call.now)[:13] + ":00:00Z"
    history.uses[hour] = history.uses.get(hour, 0) + 1


def keep_ended(call: Call, chain: Chain) -> None:
    """Keep in the region's document what a chain stored whose own document goes."""
    if not chain.history:
        return
    usage = call.tx.load(usage_file(call, chain.region_id), Usage, Usage)
    usage.ended.append(
        EndedChain(
            chain_id=chain.link_id,
            disk_id=chain.disk_id,
            disk_name=chain.disk_name,
            history=chain.history,
        )
    )
    if len(usage.ended) > _MANY_ENDED and any(
        is_foldable(history, call.now) for history in usage.ended[0].history
    ):
        call.regions_to_fold.add((call.account_id, chain.region_id))


def is_right(chain: Chain, now: datetime) -> bool:
    """Say whether the ledger has what the chain's snapshots hold now.

    Where the clock is behind its last entry, it is asked for what it has from there on.
    """
    at = max([instant_text(now), *(text for each in chain.history for text in each.points)])
    if at > instant_text(now):
        now = datetime.fromisoformat(at)
    stored, _ = present(chain, now)
    noted = {_key(each.kind, each.tags): blocks_at(each, at) for each in chain.history}
    return stored == {key: blocks for key, blocks in noted.items() if blocks}


def blocks_at(history: SizeHistory, at: str) -> int:
    """Return the blocks that were stored at an instant of the ledger."""
    blocks = 0
    for steps in (history.points, history.ahead):
        for instant, value in steps.items():
            if instant > at:
                return blocks
            blocks = value
    return blocks


def usage_file(call: Call, region_id: str) -> str:
    """Return where what a region stored is kept, relative to the workspace."""
    return f"{call.home}state/{region_id}/usage.json"


def is_foldable(history: SizeHistory, now: datetime) -> bool:
    """Say whether a history reaches back into months of which hours need not be kept."""
    return next(iter(history.points), "9") < instant_text(fold_limit(now))


def fold_limit(now: datetime) -> datetime:
    """Return the instant before which months may be folded: the first of a month."""
    return month_start(now - timedelta(days=KEPT_DAYS))


def month_start(instant: datetime) -> datetime:
    """Return the beginning of the calendar month, in UTC, that `instant` is in."""
    return instant.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def instant_text(instant: datetime) -> str:
    """Write an instant as the ledger does: in whole seconds, rounded down."""
    return instant.isoformat(timespec="seconds")[:19] + "Z"


def seconds_of(text: str) -> int:
    """Return an instant of the ledger in seconds since 1970."""
    return int(datetime.fromisoformat(text).timestamp())


def _key(kind: str, tags: dict[str, str]) -> Key:
    return kind, tuple(sorted(tags.items())) if tags else ()


def present(chain: Chain, now: datetime) -> tuple[dict[Key, int], dict[Key, list[tuple[str, int]]]]:
    """Return the blocks stored now, and when how many of them lose instant access."""
    stored: dict[Key, int] = {}
    ends: dict[Key, list[tuple[str, int]]] = {}
    plain = 0  # most are without tags, and a chain may have a thousand nodes
    for node in chain.nodes:
        blocks = node.data_blocks
        if not blocks:
            continue
        if not node.tags and node.category == "standard" and not node.instant_access:
            plain += blocks
            continue
        key = _key(node.category, node.tags)
        stored[key] = stored.get(key, 0) + blocks
        if node.instant_access and has_instant_access(node, now):
            key = INSTANT, key[1]
            stored[key] = stored.get(key, 0) + blocks
            ends_at = instant_access_ends_at(node)
            if ends_at is not None:
                ends.setdefault(key, []).append((instant_text(ends_at), blocks))
    if plain:
        key = _key("standard", {})
        stored[key] = stored.get(key, 0) + plain
    return stored, ends


def _put(
    call: Call,
    region_id: str,
    history: SizeHistory,
    at: str,
    blocks: int,
    ends: list[tuple[str, int]] | None,
) -> None:
    """Note that a history's blocks are so many from `at` on, and will be fewer at its `ends`."""
    points = history.points
    if history.ahead:
        points |= {instant: fewer for instant, fewer in history.ahead.items() if instant < at}
        history.ahead = {}
    latest = next(reversed(points), "")
    while latest >= at:  # of the same second; or the clock went back, and it never happened
        del points[latest]
        latest = next(reversed(points), "")
    if blocks != points.get(latest, 0):
        points[at] = blocks
        if latest[:10] != at[:10] and latest:
            _thin(history, latest, at)
        if len(points) + len(history.hours) > _LONG and is_foldable(history, call.now):
            call.regions_to_fold.add((call.account_id, region_id))
    for instant, fewer in sorted(ends or ()):
        blocks -= fewer
        history.ahead[instant] = blocks


def _thin(history: SizeHistory, latest: str, at: str) -> None:
    """Leave one point an hour of what is older than a day, and the sums of such hours.

    Done with the first point of a day, so it need not look farther back than the day before that
    of the point before.
    """
    day = datetime.fromisoformat(latest).replace(hour=0, minute=0, second=0)
    first = instant_text(day - _FINE)
    before = instant_text(datetime.fromisoformat(at) - _FINE)[:13]
    points = history.points
    by_hour: dict[str, list[str]] = {}
    entering: dict[str, int] = {}
    for instant in _back_to(points, first):
        by_hour.setdefault(instant[:13], []).insert(0, instant)
    value = 0
    for hour, instants in reversed(by_hour.items()):
        entering[hour] = value
        value = points[instants[-1]]
    for hour, instants in by_hour.items():
        if hour < before and len(instants) > 1 and hour >= first[:13]:
            start = hour + ":00:00Z"
            history.hours[start] = hour_sum(start, entering[hour], points, instants)
            for instant in instants[:-1]:
                del points[instant]


def _back_to(points: dict[str, int], first: str) -> Iterator[str]:
    """Yield instants from the latest back to `first`, and the one before that."""
    for instant in reversed(points):
        yield instant
        if instant < first:
            return


def hour_sum(hour: str, entering: int, points: dict[str, int], instants: list[str]) -> int:
    """Return the block-seconds of an hour: entered with so many blocks, changed at `instants`."""
    start = seconds_of(hour)
    total, at, blocks = 0, start, entering
    for instant in instants:
        total += blocks * (seconds_of(instant) - at)
        at, blocks = seconds_of(instant), points[instant]
    return total + blocks * (start + 3600 - at)
