"""DeleteSnapshots: several snapshots at once, by id or by rules (rules DL-1, DL-4, TG-2).

What is chosen and what goes is one transaction. What holds a snapshot is in `snapshot_changes`.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.types import choice, limits
from snapcli.ecs.call import Call
from snapcli.ecs.deletion_rules import Candidate, Rules, choose
from snapcli.ecs.nodes import remove_nodes
from snapcli.ecs.records import Chain, SnapshotRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.snapshot_changes import refuse_deletion
from snapcli.ecs.snapshot_state import status
from snapcli.ecs.tags import check_filter
from snapcli.ecs.wire import Tag, seconds_time

_NAMED = "named"
_KeepLast = Annotated[int, limits("InvalidParameter", 400, "1 or more", ge=1)]

Found = tuple[Chain, SnapshotRecord]


class DeleteSnapshotsRequest(Request):
    """Which snapshots to delete: by id, by rules, or those of the ids that the rules choose."""

    snapshot_id: Annotated[list[str], "The snapshots to delete."] = []
    region_id: Annotated[str, "The region in which rules look."] = ""
    disk_id: Annotated[list[str], "Only snapshots of these disks."] = []
    instance_id: Annotated[list[str], "Only of disks now attached to these instances."] = []
    name: Annotated[str, "Only with a name like this; * stands for any text."] = ""
    tag: Annotated[list[Tag], "Only with these tags; a key alone matches any value."] = []
    snapshot_type: (
        Annotated[
            str,
            choice("InvalidSnapshotType.NotFound", 404, "auto", "user"),
            "Only automatic or only manual ones.",
        ]
        | None
    ) = None
    older_than: Annotated[str, "Only those older than this, such as 30d or 12h."] = ""
    keep_last: (
        Annotated[_KeepLast, "Keep the newest so many of each disk, of those asked for."] | None
    ) = None
    force: Annotated[bool, "Delete them although disks were made from them."] = False
    dry_run: Annotated[bool, "Say what would be deleted and why, and delete nothing."] = False


class DeletionOutcome(Item):
    """What became of one snapshot: kept, deleted, or why it can't go."""

    snapshot_id: str
    chosen: bool
    reason: str
    deleted: bool
    code: str = ""
    message: str = ""
    snapshot_name: str = ""
    creation_time: str = ""
    disk_id: str = ""


class DeleteSnapshotsResponse(Response):
    """One outcome for each snapshot: as named, or those the rules are about, oldest first."""

    outcomes: list[DeletionOutcome]
    dry_run: bool = False


@operation("DeleteSnapshots", lock=True, changes=True)
def delete_snapshots(call: Call, request: DeleteSnapshotsRequest) -> DeleteSnapshotsResponse:
    """Delete several snapshots; the refusal of one does not stop the others (DL-4).

    Rules choose in the instant of the deletion. A dry run tells refusals too. Raises ApiError
    MissingParameter when neither an id nor a rule that narrows is given.
    """
    rules = _rules(call, request)
    if rules.narrow:
        chosen = _by_rules(call, request, rules)
    elif request.snapshot_id:
        chosen = [_named(call, each) for each in dict.fromkeys(request.snapshot_id)]
    else:
        raise ApiError(
            "MissingParameter",
            400,
            "Nothing says which snapshots to delete. Give SnapshotId.1, or a rule that leaves "
            "some out: OlderThan, KeepLast, Name, Tag.1.Key, DiskId.1, InstanceId.1 or "
            "SnapshotType.",
        )
    going: dict[str, tuple[Chain, list[SnapshotRecord]]] = {}  # by the chain's folder
    for outcome, found in chosen:
        if not outcome.chosen or found is None:
            continue
        chain, node = found
        try:
            refuse_deletion(call, chain, node, request.force)
        except ApiError as refusal:
            outcome.code, outcome.message = refusal.code, refusal.message
            continue
        if not request.dry_run:
            outcome.deleted = True
            going.setdefault(call.chain_home(chain), (chain, []))[1].append(node)
    for chain, nodes in going.values():
        remove_nodes(call, chain, nodes)
    return DeleteSnapshotsResponse(
        outcomes=[outcome for outcome, _ in chosen], dry_run=request.dry_run
    )


def _rules(call: Call, request: DeleteSnapshotsRequest) -> Rules:
    check_filter(request.tag)
    older_than = None
    if request.older_than:
        from snapcli.workspace.time_text import parse_duration

        try:
            older_than = parse_duration(request.older_than)
        except ValueError as error:
            raise ApiError("InvalidParameter", 400, f"OlderThan: {error}") from None
    return Rules(
        disk_ids=_disks(call, request),
        name=request.name,
        tags=request.tag,
        kind=request.snapshot_type or "",
        older_than=older_than,
        older_than_text=request.older_than,
        keep_last=request.keep_last or 0,
    )


def _disks(call: Call, request: DeleteSnapshotsRequest) -> frozenset[str] | None:
    """Return the disks asked for, None when none are; a released one may still have snapshots."""
    wanted: set[str] | None = None
    if request.disk_id:
        wanted = set(request.disk_id)
        known = {chain.disk_id for chain in call.chains(request.region_id)}
        for disk_id in request.disk_id:
            if disk_id not in known:
                call.disk(disk_id)
    if request.instance_id:
        instances = [call.instance(each) for each in request.instance_id]
        attached = {disk.disk_id for each in instances for disk in call.disks_of(each)}
        wanted = attached if wanted is None else wanted & attached
    return None if wanted is None else frozenset(wanted)


def _by_rules(
    call: Call, request: DeleteSnapshotsRequest, rules: Rules
) -> list[tuple[DeletionOutcome, Found | None]]:
    """Return what the rules say of the region's snapshots; ids that were named narrow further."""
    require_region(request.region_id)
    found = {
        node.snapshot_id: (chain, node)
        for chain in call.chains(request.region_id)
        for node in chain.nodes
    }
    named = set(request.snapshot_id)
    outcomes: list[tuple[DeletionOutcome, Found | None]] = []
    about = set()
    for choice_ in choose(_candidates(call, found.values()), rules, call.now):
        about.add(choice_.snapshot_id)
        if choice_.chosen and named and choice_.snapshot_id not in named:
            choice_ = msgspec.structs.replace(choice_, chosen=False, reason="it was not named")
        each = found[choice_.snapshot_id]
        outcomes.append((_outcome(each, choice_.chosen, choice_.reason), each))
    for snapshot_id in dict.fromkeys(request.snapshot_id):
        if snapshot_id not in about:
            outcome, other = _named(call, snapshot_id)
            outcome.chosen, outcome.reason = False, "the rules are not about it"
            outcomes.append((outcome, other))
    return outcomes


def _candidates(call: Call, found: Iterable[Found]) -> Iterator[Candidate]:
    for chain, node in found:
        yield Candidate(
            snapshot_id=node.snapshot_id,
            chain=chain.link_id,
            disk_id=chain.disk_id,
            created_at=node.created_at,
            number=node.number,
            name=node.name,
            kind=node.kind,
            status=status(node, call.now),
            tags=node.tags,
        )


def _named(call: Call, snapshot_id: str) -> tuple[DeletionOutcome, Found | None]:
    """Return the outcome to be of a snapshot named by its id; an unknown one is refused."""
    try:
        found = call.snapshot(snapshot_id)
    except ApiError as refusal:
        outcome = DeletionOutcome(
            snapshot_id=snapshot_id,
            chosen=True,
            reason=_NAMED,
            deleted=False,
            code=refusal.code,
            message=refusal.message,
        )
        return outcome, None
    return _outcome(found, True, _NAMED), found


def _outcome(found: Found, chosen: bool, reason: str) -> DeletionOutcome:
    chain, node = found
    return DeletionOutcome(
        snapshot_id=node.snapshot_id,
        chosen=chosen,
        reason=reason,
        deleted=False,
        snapshot_name=node.name,
        creation_time=seconds_time(node.created_at),
        disk_id=chain.disk_id,
    )
