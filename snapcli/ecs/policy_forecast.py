"""ForecastPolicy: what disks' snapshots will be in so many days: how many, how large, what fee.

The same hours, retentions, limits and skipped runs as when time really passes; the blocks are
those of a disk that changes evenly (chain_forecast). Looks only.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.types import limits
from snapcli.ecs import usage
from snapcli.ecs.billing import CURRENCY, amount_text
from snapcli.ecs.call import Call
from snapcli.ecs.chain_forecast import ChainForecast, EvenChange, Node, Step
from snapcli.ecs.nodes import creation_time
from snapcli.ecs.policy_outlook import Outlook, busy_until, find_policy, next_runs, policy_of
from snapcli.ecs.policy_rules import disks_with
from snapcli.ecs.prices import Tariff, rounded
from snapcli.ecs.records import BLOCK_BYTES, Chain, DiskRecord, PolicyRecord
from snapcli.ecs.snapshot_state import lock_ends_at, released_at
from snapcli.ecs.snapshot_use import is_held_by_image
from snapcli.ecs.wire import seconds_time

_HOURS = 720  # of the month that fees are told for, as advice does
_POINTS = 12
_NO_LIMIT = 1 << 60  # of automatic copies
_CHANGE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(%|[kmgt]i?b|b)(?:\s*/\s*(hour|day|week|month))?")
_BYTES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_A_DAY = {
    "hour": Fraction(24),
    "day": Fraction(1),
    "week": Fraction(1, 7),
    "month": Fraction(1, 30),
}


class ForecastPolicyRequest(Request):
    """For how long, of which disks, and how fast those change."""

    days: Annotated[
        int, limits("InvalidParameter", 400, "1 to 3650 days", ge=1, le=3650), "How far to look."
    ] = 365
    change: Annotated[
        str,
        "How much of a disk changes: 2%/day, 500MiB/day, 1GiB/week; by default what its snapshots "
        "measured.",
    ] = ""
    disk_id: Annotated[list[str], "These disks; by default all that a policy is applied to."] = []
    policy_id: Annotated[
        str, "The disks of this policy; with DiskId: as if it were applied to those."
    ] = ""


class ForecastItem(Item):
    """A chain: a disk's own, or that of its copies in another region.

    `ChangeBytesPerDay` and `DiskBytes` are what was assumed of the disk. `MonthlyFee` is for a
    month of 720 hours with what is stored at the end, before the free GiB of a region.
    """

    region_id: str
    disk_id: str
    disk_name: str
    auto_snapshot_policy_id: str
    is_copy: bool
    disk_bytes: int
    change_bytes_per_day: int
    change_measured: bool
    snapshots_now: int
    stored_bytes_now: int
    snapshots_made: int
    snapshots_released: int
    runs_skipped: int
    snapshots: int
    stored_bytes: int
    monthly_fee: str


class ForecastPoint(Item):
    """All those chains together at an instant; the fee is what they add to the account's bill."""

    time: str
    snapshots: int
    stored_bytes: int
    monthly_fee: str


class ForecastPolicyResponse(Response):
    """The chains at the end, and all together on the way; the last point is the end."""

    start: str
    end: str
    currency: str
    snapshots: int
    stored_bytes: int
    monthly_fee: str
    disks: list[ForecastItem]
    points: list[ForecastPoint]


class _Chain:
    """A chain that is looked at: its forecast, what it is now, and what it belongs to."""

    def __init__(
        self, region_id: str, record: Chain | None, forecast: ChainForecast, item: ForecastItem
    ) -> None:
        self.region_id = region_id
        self.record = record
        self.forecast = forecast
        self.item = item

    def at(self, instant: datetime) -> Step:
        """Return what it stores at an instant."""
        steps = self.forecast.steps
        return steps[max(bisect_right(steps, instant, key=lambda step: step.at) - 1, 0)]


@operation("ForecastPolicy", lock=False, changes=False)
def forecast_policy(call: Call, request: ForecastPolicyRequest) -> ForecastPolicyResponse:
    """Work out the snapshots of disks with their policies, a day like another (PO-12, SZ-2)."""
    end = call.now + timedelta(days=request.days)
    chains: list[_Chain] = []
    for disk, policy in _disks(call, request):
        chains += _forecast(call, request, disk, policy, end)
    days = sorted({request.days * number // _POINTS for number in range(_POINTS + 1)})
    points = [_point(call, chains, call.now + timedelta(days=day)) for day in days]
    tariff = Tariff(call.settings.prices, _HOURS)
    for chain in chains:
        blocks = chain.at(end).blocks
        chain.item.monthly_fee = amount_text(
            rounded(sum((_cost(tariff, k, n) for k, n in blocks.items()), Fraction(0)))
        )
    return ForecastPolicyResponse(
        start=seconds_time(call.now),
        end=seconds_time(end),
        currency=CURRENCY,
        snapshots=points[-1].snapshots,
        stored_bytes=points[-1].stored_bytes,
        monthly_fee=points[-1].monthly_fee,
        disks=[chain.item for chain in chains],
        points=points,
    )


def _disks(
    call: Call, request: ForecastPolicyRequest
) -> list[tuple[DiskRecord, PolicyRecord | None]]:
    """Return the disks that are asked about, each with the policy to be counted on."""
    policy = find_policy(call, request.policy_id) if request.policy_id else None
    if request.disk_id:
        disks = [call.disk(disk_id) for disk_id in dict.fromkeys(request.disk_id)]
        return [(disk, policy or policy_of(call, disk)) for disk in disks]
    if policy is not None:
        return [(disk, policy) for disk in disks_with(call, policy)]
    return [
        (disk, found)
        for region_id in call.regions_in_use()
        for disk in call.inventory(region_id).disks.values()
        for found in (policy_of(call, disk),)
        if found is not None
    ]


# One disk


def _forecast(
    call: Call,
    request: ForecastPolicyRequest,
    disk: DiskRecord,
    policy: PolicyRecord | None,
    end: datetime,
) -> list[_Chain]:
    """Return the forecast of a disk's chain, and of its copies where the policy makes such."""
    record = call.chain(disk.region_id, disk.disk_id)
    disk_blocks = _disk_blocks(call, disk, record)
    change = _change(call, request.change, disk, record, disk_blocks)
    found = [_new(call, disk, policy, disk.region_id, record, change, disk_blocks)]
    found[0].item.change_measured = not request.change
    if policy is not None and policy.copy_region_id:
        copies = call.chain_of_copies(policy.copy_region_id, disk.disk_id)
        region_id = policy.copy_region_id
        found.append(_new(call, disk, policy, region_id, copies, change, disk_blocks))
        found[1].item.change_measured = not request.change
        found[1].item.is_copy = True
    if policy is not None:
        _run(call, disk, policy, found, end)
    for chain in found:
        chain.forecast.pass_until(end)
        last = chain.at(end)
        chain.item.snapshots, chain.item.stored_bytes = last.snapshots, _bytes(last)
        chain.item.snapshots_made = chain.forecast.made
        chain.item.snapshots_released = chain.forecast.released
    return found


def _run(
    call: Call, disk: DiskRecord, policy: PolicyRecord, chains: Sequence[_Chain], end: datetime
) -> None:
    """Let the policy's runs up to `end` happen, and the copies that they lead to."""
    most = call.settings.quotas.automatic_snapshots_per_disk
    retention = timedelta(days=policy.retention_days) or None
    copies_retention = timedelta(days=policy.copy_retention_days) or None
    outlook = Outlook(call, disk)
    record = chains[0].record
    ready_at = busy_until(record) if record else None
    for instant in next_runs(call, policy.hours, policy.weekdays, call.now):
        if instant > end:
            return
        if outlook.reason_but_room(instant) or (ready_at is not None and instant < ready_at):
            chains[0].item.runs_skipped += 1
            continue
        blocks = chains[0].forecast.capture(instant, instant, retention, most)
        if blocks is None:
            chains[0].item.runs_skipped += 1
            continue
        ready_at = instant + creation_time(call, blocks * BLOCK_BYTES)
        if len(chains) > 1 and ready_at <= end:
            chains[1].forecast.capture(ready_at, instant, copies_retention, _NO_LIMIT)


def _new(
    call: Call,
    disk: DiskRecord,
    policy: PolicyRecord | None,
    region_id: str,
    record: Chain | None,
    change: EvenChange,
    disk_blocks: int,
) -> _Chain:
    """Return a chain as it is now, before anything of its forecast."""
    nodes = _nodes(call, record) if record else []
    forecast = ChainForecast(call.now, nodes, disk_blocks, change)
    now = forecast.steps[0]
    item = ForecastItem(
        region_id=region_id,
        disk_id=disk.disk_id,
        disk_name=disk.name,
        auto_snapshot_policy_id=policy.policy_id if policy else "",
        is_copy=False,
        disk_bytes=disk_blocks * BLOCK_BYTES,
        change_bytes_per_day=int(change.blocks_a_day * BLOCK_BYTES),
        change_measured=False,
        snapshots_now=now.snapshots,
        stored_bytes_now=_bytes(now),
        snapshots_made=0,
        snapshots_released=0,
        runs_skipped=0,
        snapshots=now.snapshots,
        stored_bytes=_bytes(now),
        monthly_fee="",
    )
    return _Chain(region_id, record, forecast, item)


def _nodes(call: Call, chain: Chain) -> list[Node]:
    """Return the snapshots of a chain as the forecast begins with them."""
    return [
        Node(
            content_at=node.created_at,
            kind=node.category,
            blocks=node.data_blocks,
            view_blocks=node.view_blocks,
            release_at=None if is_held_by_image(call, chain, node) else released_at(node),
            automatic=node.kind == "auto",
            held=is_held_by_image(call, chain, node),
            locked_until=lock_ends_at(node),
            failed=node.failed_at is not None,
        )
        for node in chain.nodes
    ]


def _disk_blocks(call: Call, disk: DiskRecord, chain: Chain | None) -> int:
    """Return how many blocks the disk has in use: as its newest snapshot, else its file, says."""
    sound = [node for node in chain.nodes if node.failed_at is None] if chain else []
    if sound:
        return sound[-1].view_blocks
    from snapcli.volumes.scan import used_blocks

    return used_blocks(call.image_path(disk))


# How fast it changes


def _change(
    call: Call, text: str, disk: DiskRecord, chain: Chain | None, disk_blocks: int
) -> EvenChange:
    """Return the change that is assumed: the one that was said, else the measured one."""
    sound = [node for node in chain.nodes if node.failed_at is None] if chain else []
    since = sound[-1].created_at if sound else call.now
    if text:
        return EvenChange(since, _said(text, disk_blocks))
    days = Fraction(0)
    if len(sound) > 1:
        lasted = max(sound[-1].created_at - sound[0].created_at, timedelta(0))
        days = Fraction(lasted // timedelta(seconds=1), 86400)
    if not days:
        raise ApiError(
            "InvalidParameter",
            400,
            f"The disk {disk.disk_id} has no two snapshots of different times that would tell how "
            "fast it changes. Say it with Change, such as 2%/day.",
        )
    return EvenChange(since, sum(node.data_blocks for node in sound[1:]) / days)


def _said(text: str, disk_blocks: int) -> Fraction:
    """Return the blocks a day of `2%/day` or `500MiB/hour`. Raises ApiError."""
    match = _CHANGE.fullmatch(text.strip().lower())
    if match is None:
        raise ApiError(
            "InvalidParameter",
            400,
            f"Change {text!r} is not understood. Write it like 2%/day, 500MiB/day or 1GiB/week.",
        )
    amount, unit, per = Fraction(match[1]), match[2], _A_DAY[match[3] or "day"]
    if unit == "%":
        return amount / 100 * disk_blocks * per
    return amount * _BYTES[unit[0]] / BLOCK_BYTES * per


# All together


def _bytes(step: Step) -> int:
    return sum(step.blocks.values()) * BLOCK_BYTES


def _cost(tariff: Tariff, kind: str, blocks: int) -> Fraction:
    return tariff.storage(kind, blocks * usage.HOUR_SECONDS * _HOURS)


def _point(call: Call, chains: Sequence[_Chain], instant: datetime) -> ForecastPoint:
    """Return what the chains are at an instant, and what they add to their regions' bills."""
    steps = [(chain, chain.at(instant)) for chain in chains]
    tariff = Tariff(call.settings.prices, _HOURS)
    fee = Fraction(0)
    for region_id in {chain.region_id for chain in chains}:
        ours: dict[str, int] = {}
        for chain, step in steps:
            if chain.region_id == region_id:
                for kind, blocks in step.blocks.items():
                    ours[kind] = ours.get(kind, 0) + blocks
        fee += _added(call, tariff, ours, _of_others(call, region_id, chains))
    return ForecastPoint(
        time=seconds_time(instant),
        snapshots=sum(step.snapshots for _, step in steps),
        stored_bytes=sum(_bytes(step) for _, step in steps),
        monthly_fee=amount_text(rounded(fee)),
    )


def _of_others(call: Call, region_id: str, chains: Sequence[_Chain]) -> int:
    """Return the blocks of the free kind that other chains of a region store now."""
    ours = {chain.record.link_id for chain in chains if chain.record is not None}
    return sum(
        node.data_blocks
        for chain in call.chains(region_id)
        if chain.link_id not in ours
        for node in chain.nodes
        if node.category == usage.FREE_KIND
    )


def _added(call: Call, tariff: Tariff, ours: dict[str, int], others: int) -> Fraction:
    """Return a month's fee for blocks by kind; others have the first of what is free."""
    hour = usage.HOUR_SECONDS
    left = max(usage.free_block_seconds_an_hour(call) - others * hour, 0)
    total = Fraction(0)
    for kind, blocks in ours.items():
        free = left if kind == usage.FREE_KIND else 0
        total += tariff.storage(kind, max(blocks * hour - free, 0) * _HOURS)
    return total
