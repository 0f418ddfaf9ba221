"""ShowAdvice: what the guide's table would change, and what that would save a month (SZ-5).

Changes nothing. What would be freed is worked out from the maps, as a deletion would do it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo
from fractions import Fraction
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.types import choice
from snapcli.ecs import usage
from snapcli.ecs.advice_rules import CORE, NON_CORE, ROLES, SYSTEM, TABLE, TEMPORARY, surplus
from snapcli.ecs.billing import CURRENCY, amount_text
from snapcli.ecs.call import Call
from snapcli.ecs.ledger import present
from snapcli.ecs.nodes import layers
from snapcli.ecs.prices import Tariff, rounded
from snapcli.ecs.records import BLOCK_BYTES, Chain, DiskRecord, SnapshotRecord
from snapcli.ecs.snapshot_changes import refuse_deletion
from snapcli.ecs.snapshot_state import has_instant_access, status

ROLE_TAG = "snapcli:role"  # of a disk; of a snapshot only `temporary` means something

_HOURS = 720  # of a month, of which only the sums for a whole one are used

Stored = dict[str, int]  # blocks by kind


class ShowAdviceRequest(Request):
    """What disks are for that do not say so themselves."""

    role: Annotated[
        str,
        choice("InvalidParameter", 400, CORE, NON_CORE),
        "What data disks without the tag snapcli:role are for.",
    ] = CORE


class HeldItem(Item):
    """A snapshot that the table would let go, but that something holds."""

    snapshot_id: str
    reason: str


class AdviceItem(Item):
    """A change, and what it alone would free and save a month."""

    action: str
    region_id: str
    disk_id: str
    disk_name: str
    role: str
    role_assumed: bool
    recommended: str
    found: str
    snapshot_ids: list[str]
    policy_id: str
    freed_bytes: int
    saving: str
    held: list[HeldItem]


class ShowAdviceResponse(Response):
    """The changes, the one that saves most first, and what all together would free and save."""

    currency: str
    freed_bytes: int
    saving: str
    advice: list[AdviceItem]
    damaged_disks: list[str]


class _Case(msgspec.Struct):
    """A chain with what its disk is for, and what would become of it."""

    chain: Chain
    disk: DiskRecord | None
    role: str
    assumed: bool
    going: list[SnapshotRecord] = []
    held: list[HeldItem] = []
    switched_off: list[SnapshotRecord] = []


@operation("ShowAdvice", lock=False, changes=False)
def show_advice(call: Call, request: ShowAdviceRequest) -> ShowAdviceResponse:
    """Hold the account's snapshots and policies against the guide's table (SZ-5)."""
    zone = _zone(call)
    tariff = Tariff(call.settings.prices, _HOURS)
    advice: list[tuple[Fraction, AdviceItem]] = []
    damaged: list[str] = []
    freed, saved = 0, Fraction(0)
    for region_id in call.regions_in_use():
        chains = list(call.chains(region_id))
        before = _sum([_stored(call, chain) for chain in chains])
        after = dict(before)
        for chain in chains:
            case = _case(call, chain, request.role, zone)
            try:
                _keep_what_is_cheaper_kept(call, case, before, tariff)
                advice += _advice(call, case, before, tariff, zone)
                changed = _changed(call, case, case.going, case.switched_off)
            except _volume_error():
                damaged.append(chain.disk_id)
                continue
            freed += _blocks(chain) - _blocks(changed)
            after = _less(after, _stored(call, chain), _stored(call, changed))
        saved += _cost(call, before, tariff) - _cost(call, after, tariff)
    advice.sort(key=lambda each: (-each[0], each[1].disk_id, each[1].action))
    return ShowAdviceResponse(
        currency=CURRENCY,
        freed_bytes=freed * BLOCK_BYTES,
        saving=amount_text(rounded(saved)),
        advice=[item for _, item in advice],
        damaged_disks=damaged,
    )


def _volume_error() -> type[Exception]:
    from snapcli.volumes.errors import VolumeError

    return VolumeError


def _zone(call: Call) -> tzinfo:
    """Return the account's time zone, in which days and weeks are counted."""
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(call.settings.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return UTC


def _case(call: Call, chain: Chain, default: str, zone: tzinfo) -> _Case:
    """Return what a disk is for, and which of its snapshots could go."""
    disk = call.find_disk(chain.disk_id)
    tagged = disk.tags.get(ROLE_TAG, "") if disk else ""
    kind = disk.type if disk else chain.disk_type
    assumed = SYSTEM if kind == "system" else default
    case = _Case(chain, disk, tagged if tagged in ROLES else assumed, tagged not in ROLES)
    made = [node for node in chain.nodes if status(node, call.now) == "accomplished"]
    passing = [node for node in made if node.tags.get(ROLE_TAG) == TEMPORARY]
    lasting = [node for node in made if node.tags.get(ROLE_TAG) != TEMPORARY]
    wanted = surplus(case.role, lasting, call.now, zone)
    wanted += surplus(TEMPORARY, passing, call.now, zone)
    for node in wanted:
        try:
            refuse_deletion(call, chain, node, False)
        except ApiError as refusal:
            case.held.append(HeldItem(snapshot_id=node.snapshot_id, reason=refusal.message))
        else:
            case.going.append(node)
    case.going.sort(key=lambda node: node.number)
    _note_switched_off(call, case)
    return case


def _note_switched_off(call: Call, case: _Case) -> None:
    """Note which of the snapshots that stay have instant access without need."""
    going = {node.snapshot_id for node in case.going}
    case.switched_off = [
        node
        for node in case.chain.nodes
        if status(node, call.now) == "accomplished"
        and has_instant_access(node, call.now)
        and node.snapshot_id not in going
    ]


def _keep_what_is_cheaper_kept(call: Call, case: _Case, before: Stored, tariff: Tariff) -> None:
    """Let nothing go where that would cost more: a local snapshot may inherit its blocks."""
    if not case.going:
        return
    changed = _changed(call, case, case.going, [])
    after = _less(before, _stored(call, case.chain), _stored(call, changed))
    if _cost(call, after, tariff) > _cost(call, before, tariff):
        case.going = []
        _note_switched_off(call, case)


def _advice(
    call: Call, case: _Case, before: Stored, tariff: Tariff, zone: tzinfo
) -> Iterator[tuple[Fraction, AdviceItem]]:
    """Yield what to change of a chain, each with what it alone would save."""

    def item(
        action: str, going: list[SnapshotRecord], off: list[SnapshotRecord], found: str
    ) -> tuple[Fraction, AdviceItem]:
        changed = _changed(call, case, going, off)
        after = _less(before, _stored(call, case.chain), _stored(call, changed))
        saving = _cost(call, before, tariff) - _cost(call, after, tariff)
        line = TABLE[case.role]
        return saving, AdviceItem(
            action=action,
            region_id=case.chain.region_id,
            disk_id=case.chain.disk_id,
            disk_name=case.disk.name if case.disk else case.chain.disk_name,
            role=case.role,
            role_assumed=case.assumed,
            recommended=f"{line.scenario}: {line.frequency}, kept {line.retention}",
            found=found,
            snapshot_ids=[node.snapshot_id for node in (*going, *off)],
            policy_id="",
            freed_bytes=(_blocks(case.chain) - _blocks(changed)) * BLOCK_BYTES,
            saving=amount_text(rounded(saving)),
            held=case.held if action == "delete" else [],
        )

    if case.going:
        yield item("delete", case.going, [], _found(case, zone))
    if case.switched_off:
        count = len(case.switched_off)
        yield item(
            "disable-instant-access",
            [],
            case.switched_off,
            f"{count} finished {_plural(count)} with instant access, which is billed by time",
        )
    policy_id, found = _policy(call, case)
    if policy_id:
        automatic = [node for node in case.going if node.kind == "auto"]
        saving, advised = item("change-policy", automatic, [], found)
        # Changing it deletes nothing: it keeps such snapshots from being made.
        advised.policy_id, advised.snapshot_ids, advised.freed_bytes = policy_id, [], 0
        yield saving, advised


def _found(case: _Case, zone: tzinfo) -> str:
    nodes = case.chain.nodes
    first = nodes[0].created_at.astimezone(zone)
    count, more = len(nodes), len(case.going)
    return f"{count} {_plural(count)} since {first:%Y-%m-%d}, {more} more than recommended"


def _plural(count: int) -> str:
    return "snapshot" if count == 1 else "snapshots"


def _policy(call: Call, case: _Case) -> tuple[str, str]:
    """Return the disk's policy and what is too much of it; empty texts when nothing is."""
    policy = None
    if case.disk and not case.chain.chain_id:
        policy = call.inventory(case.disk.region_id).policies.get(case.disk.policy_id)
    if policy is None:
        return "", ""
    runs = len(policy.hours) * len(policy.weekdays)
    fewest_days = TABLE[case.role].fewest_days
    if fewest_days and runs * fewest_days <= 7:
        return "", ""
    often = "once a week" if runs == 1 else f"{runs} times a week"
    return policy.policy_id, f"the policy {policy.policy_id} captures it {often}"


# What would be stored


def _stored(call: Call, chain: Chain) -> Stored:
    """Return the blocks that a chain stores by kind, instant access beside its storage."""
    found: Stored = {}
    for (kind, _), blocks in present(chain, call.now)[0].items():
        found[kind] = found.get(kind, 0) + blocks
    return found


def _sum(parts: Sequence[Stored]) -> Stored:
    return {kind: sum(p.get(kind, 0) for p in parts) for kind in {k for p in parts for k in p}}


def _less(region: Stored, before: Stored, after: Stored) -> Stored:
    """Return what a region stores when one of its chains has changed."""
    return {
        kind: region.get(kind, 0) - before.get(kind, 0) + after.get(kind, 0)
        for kind in region.keys() | after.keys()
    }


def _cost(call: Call, stored: Stored, tariff: Tariff) -> Fraction:
    """Return what it costs to store so much for a month in a region."""
    hours = usage.HOUR_SECONDS * _HOURS
    free = usage.free_block_seconds_an_hour(call) * _HOURS
    costs = Fraction(0)
    for kind, blocks in stored.items():
        paid = blocks * hours - (free if kind == usage.FREE_KIND else 0)
        costs += tariff.storage(kind, max(paid, 0))
    return costs


def _blocks(chain: Chain) -> int:
    return sum(node.data_blocks for node in chain.nodes)


def _changed(
    call: Call, case: _Case, going: Sequence[SnapshotRecord], off: Sequence[SnapshotRecord]
) -> Chain:
    """Return the chain as it would be without some nodes, and instant access off for others."""
    gone = {node.snapshot_id for node in going}
    slow = {node.snapshot_id for node in off}
    counted = _blocks_after(call, case.chain, gone)
    nodes = []
    for node in case.chain.nodes:
        if node.snapshot_id in gone:
            continue
        copy = msgspec.structs.replace(node, data_blocks=counted[node.snapshot_id])
        copy.instant_access = node.instant_access and node.snapshot_id not in slow
        nodes.append(copy)
    return msgspec.structs.replace(case.chain, nodes=nodes)


def _blocks_after(call: Call, chain: Chain, gone: set[str]) -> dict[str, int]:
    """Return how many blocks each node would hold that stays: what the others hand on included.

    Raises VolumeError when a map cannot be read.
    """
    counted = {node.snapshot_id: node.data_blocks for node in chain.nodes}
    if not gone:
        return counted
    from snapcli.volumes.deletion import count_all

    run: list[SnapshotRecord] = []
    below: list[SnapshotRecord] = []
    is_first = True
    for node in [n for n in chain.nodes if n.failed_at is None]:
        if node.snapshot_id in gone:
            run += [node] if node.map_file else []
            continue
        held = [*run, node] if node.map_file else run  # without a map it gets that of the last
        if run:
            *before, last = held
            counted[node.snapshot_id] = count_all(
                call.chain_folder(chain), layers(before), layers([last])[0], is_first, layers(below)
            )
        below += held
        run, is_first = [], False
    return counted
