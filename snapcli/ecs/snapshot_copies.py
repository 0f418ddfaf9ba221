"""CopySnapshot: a snapshot's view becomes a new snapshot in another region (rules CP).

The copies of a disk's snapshots in a region are a chain of their own there, in the order of
copying. `copy_node` is for all that copies snapshots: this operation, policies, images.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

import msgspec

from snapcli.api import ids
from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import ClientToken, Description403, RetentionDays403, SnapshotName403
from snapcli.ecs import ledger
from snapcli.ecs.account import require_snapshot_service
from snapcli.ecs.call import Call
from snapcli.ecs.chain_ids import copies_id_of
from snapcli.ecs.nodes import holds_own_blocks, layers, layers_through, position
from snapcli.ecs.records import Chain, SnapshotRecord
from snapcli.ecs.region_data import REGIONS
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.snapshot_rules import require_not_archived, require_not_local
from snapcli.ecs.snapshot_state import in_creation, released_at, status
from snapcli.ecs.tags import tags_to_set
from snapcli.ecs.wire import Tag


class CopySnapshotRequest(Request):
    """What to copy, where to, and how the copy is called and kept."""

    ignored = ("Arn", "DestinationStorageLocationArn")
    optional = ("DestinationSnapshotName", "DestinationSnapshotDescription")
    snapshot_id: Annotated[str, "The snapshot to copy; it must be accomplished."]
    destination_region_id: Annotated[str, "The region to copy it to, another one."]
    region_id: Annotated[str, "The region of the snapshot."] = ""
    destination_snapshot_name: Annotated[SnapshotName403, "A name for people."] = ""
    destination_snapshot_description: Annotated[
        Description403, "A description for people; without it one that names the source."
    ] = ""
    retention_days: Annotated[
        RetentionDays403, "Delete the copy after so many days (without it: never)."
    ] = 0
    encrypted: Annotated[bool, "Encrypt the copy: refused, a copy is what its source is."] = False
    kms_key_id: Annotated[str, "With this key: refused."] = msgspec.field(
        name="KMSKeyId", default=""
    )
    resource_group_id: Annotated[str, "The resource group."] = ""
    tag: Annotated[list[Tag], "Tags of the copy, up to 20; the source's are not copied."] = []
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""


class CopySnapshotResponse(Response):
    """The copy."""

    snapshot_id: str


@operation("CopySnapshot", lock=True, changes=True)
def copy_snapshot(call: Call, request: CopySnapshotRequest) -> CopySnapshotResponse:
    """Copy a snapshot to another region, where it is a new one with its own id (CP-1, CP-4)."""
    require_region(request.region_id, "InvalidRegionId.NotExists", 403)
    region = require_region(request.destination_region_id, "InvalidRegionId.NotExists", 403)
    require_snapshot_service(call)
    chain, node = call.snapshot(request.snapshot_id, "InvalidSnapshotId.NotFound", 403)
    if chain.region_id != request.region_id:
        raise ApiError(
            "InvalidSnapshotId.NotFound",
            403,
            f"The snapshot {node.snapshot_id} is in {chain.region_id}, not in "
            f"{request.region_id}. Give RegionId {chain.region_id}.",
        )
    _refuse_encrypted(chain, node)
    _refuse_encryption(request)
    check_copyable(call, chain, node, region.region_id)
    check_copy_quota(call, chain, region.region_id)
    _, copy = copy_node(
        call,
        chain,
        node,
        region.region_id,
        name=request.destination_snapshot_name,
        description=request.destination_snapshot_description,
        tags=tags_to_set(call, request.tag),
        retention_days=request.retention_days,
        resource_group_id=request.resource_group_id,
    )
    return CopySnapshotResponse(snapshot_id=copy.snapshot_id)


def copy_node(
    call: Call,
    chain: Chain,
    node: SnapshotRecord,
    region_id: str,
    *,
    name: str = "",
    description: str = "",
    tags: Mapping[str, str] | None = None,
    retention_days: int = 0,
    kind: str = "user",
    resource_group_id: str = "",
    source_call: Call | None = None,
) -> tuple[Chain, SnapshotRecord]:
    """Copy a snapshot's bytes into a region and return the copy with its chain there (CP-1, CP-3).

    Only what the newest copy of that disk there does not hold is transferred; from that come the
    instant when it is accomplished, at the workspace's speed. Without a description it gets one
    that names its source (CP-4). `source_call` is of the account that owns the source, where
    that is another. The caller has checked what may be copied (`check_copyable`); an encrypted
    snapshot raises ApiError here too, a damaged one VolumeError with nothing changed.
    """
    _refuse_encrypted(chain, node)
    copies = call.chain_of_copies(region_id, chain.disk_id)
    is_new = copies is None
    if copies is None:
        copies = Chain(
            disk_id=chain.disk_id, region_id=region_id, chain_id=copies_id_of(chain.disk_id)
        )
    copy = SnapshotRecord(
        snapshot_id=call.new_id("s", region_id),
        created_at=call.now,
        ready_at=call.now,
        number=copies.next_number,
        size_gib=node.size_gib,
        disk_type=node.disk_type,
        name=name,
        description=description or _default_description(chain, node),
        kind=kind,
        retention_days=retention_days,
        source_region_id=chain.region_id,
        source_snapshot_id=node.snapshot_id,
        serial_number=ids.serial_number(),
        resource_group_id=resource_group_id,
        tags=dict(tags or {}),
    )
    try:
        _copy_blocks(call, source_call or call, chain, node, copies, copy)
    except BaseException:
        if is_new:  # for a caller that goes on without the copy
            call.tx.after_commit("rmdir", {"paths": [call.chain_home(copies)]})
        raise
    if is_new:
        call.tx.put(call.chain_file(region_id, copies.link_id), copies)
    copies.disk_name = chain.disk_name
    copies.disk_size_gib = chain.disk_size_gib
    copies.disk_type, copies.disk_image_id = chain.disk_type, chain.disk_image_id
    release = released_at(copy)
    if release is not None:
        call.due(release)
    return copies, copy


def _copy_blocks(
    call: Call,
    source_call: Call,
    chain: Chain,
    node: SnapshotRecord,
    copies: Chain,
    copy: SnapshotRecord,
) -> None:
    """Copy the view of `node` onto the chain of copies as its new end.

    Where the newest copy holds the very same, the new one holds nothing of its own: no map, no
    pack.
    """
    newest = next((n for n in reversed(copies.nodes) if n.failed_at is None), None)
    if newest is not None and _holds_the_same(chain, node, newest.source_snapshot_id):
        copy.view_blocks = newest.view_blocks
        copy.ready_at = copy.created_at + copy_time(call, 0)
    else:
        _transfer(call, source_call, chain, node, copies, copy)
    copies.next_number = copy.number + 1
    copies.nodes.append(copy)
    if copy.data_blocks:
        ledger.note(call, copies)


def _holds_the_same(chain: Chain, node: SnapshotRecord, before_id: str) -> bool:
    """Say whether it is plain that the chain's snapshot `before_id` holds what `node` holds."""
    at = position(chain, node)
    while at is not None and at >= 0:
        other = chain.nodes[at]
        if other.snapshot_id == before_id:
            return other.failed_at is None
        if other.failed_at is None and holds_own_blocks(other):
            return False
        at -= 1
    return False


def _transfer(
    call: Call,
    source_call: Call,
    chain: Chain,
    node: SnapshotRecord,
    copies: Chain,
    copy: SnapshotRecord,
) -> None:
    from snapcli.volumes.copying import copy_view

    folder = call.chain_home(copies)
    call.tx.creates(f"{folder}/{copy.snapshot_id}.pack", f"{folder}/{copy.snapshot_id}.map")
    copied = copy_view(
        source_call.chain_folder(chain),
        layers_through(chain, node),
        chain.packs,
        call.tx.path(folder),
        layers(copies.nodes),
        copy.snapshot_id,
        copy.number,
        call.progress(f"Copying {node.snapshot_id}"),
    )
    copy.map_file = copied.map_file
    copy.data_blocks = copied.data_blocks
    copy.empty_blocks = copied.empty_blocks
    copy.view_blocks = copied.view_blocks
    copy.ready_at = copy.created_at + copy_time(call, copied.stored_bytes)
    copies.packs[copy.number] = copied.pack_file


def copy_time(call: Call, transferred_bytes: int) -> timedelta:
    """Return how long a copy of so many stored bytes takes at the workspace's speed."""
    speed = call.settings.current_speed()
    seconds = float(speed.snapshot_minimum_seconds)
    if speed.copy_mib_per_second:
        seconds += transferred_bytes / (speed.copy_mib_per_second * (1 << 20))
    return timedelta(seconds=seconds)


def _default_description(chain: Chain, node: SnapshotRecord) -> str:
    region = REGIONS[chain.region_id]
    return f"Copied from a snapshot {node.snapshot_id} in the {region.english} region."


# Who may be copied


def check_copyable(call: Call, chain: Chain, node: SnapshotRecord, region_id: str) -> None:
    """Raise ApiError unless the snapshot can be copied to the region now (CP-5, LS-8)."""
    if chain.region_id == region_id:
        raise ApiError(
            "InvalidOperation.NotSupportCopyInSameRegion",
            403,
            f"The snapshot {node.snapshot_id} is in {region_id} already. DestinationRegionId must "
            "be another region.",
        )
    _refuse_encrypted(chain, node)
    require_not_local(node, "copied", "InvalidSnapshotCategory.NotSupportCrossRegionCopy", 403)
    require_not_archived(node, "copied", "InvalidSnapshotCategory.NotSupportCopy", 403)
    state = status(node, call.now)
    if state != "accomplished":
        way_on = "it holds nothing" if state == "failed" else "wait until it is accomplished"
        raise ApiError(
            "InvalidSnapshotId.NotReady",
            403,
            f"The snapshot {node.snapshot_id} is {state}; {way_on}.",
        )
    _check_none_unfinished(call, chain, node, region_id)


def _check_none_unfinished(call: Call, chain: Chain, node: SnapshotRecord, region_id: str) -> None:
    """Raise ApiError while another copy of that disk to that region is unfinished (CP-5)."""
    copy = unfinished_copy(call, chain, region_id)
    if copy is None:
        return
    if copy.source_snapshot_id == node.snapshot_id:
        raise ApiError(
            "InvalidOperation.UnfinishedCrossRegionCopy",
            403,
            f"The snapshot {node.snapshot_id} is being copied to {region_id} as "
            f"{copy.snapshot_id}. Wait until that is accomplished, or delete it there.",
        )
    raise ApiError(
        "InvalidOperation.DiskHasUnfinishedSnapshotCopy",
        403,
        f"The snapshot {copy.source_snapshot_id} of the same disk {chain.disk_id} is being "
        f"copied to {region_id} as {copy.snapshot_id}. Wait until that is accomplished, or "
        "delete it there.",
    )


def unfinished_copy(call: Call, chain: Chain, region_id: str) -> SnapshotRecord | None:
    """Return the copy of one of the chain's snapshots that is unfinished in a region, or None."""
    copies = call.chain_of_copies(region_id, chain.disk_id)
    nodes = copies.nodes if copies else []
    return next((copy for copy in nodes if in_creation(copy, call.now)), None)


def check_copy_quota(call: Call, chain: Chain, region_id: str, more: int = 1) -> None:
    """Raise ApiError when `more` copies pass the limit of manual ones in their chain (IN-5)."""
    most = call.settings.quotas.manual_snapshots_per_disk
    copies = call.chain_of_copies(region_id, chain.disk_id)
    count = sum(copy.kind == "user" for copy in copies.nodes) if copies else 0
    if count + more > most:
        raise ApiError(
            "QuotaExceed.SnapshotQuota",
            403,
            f"{region_id} holds {count} manual copies of snapshots of the disk {chain.disk_id}; "
            f"{most} are allowed. Delete one there with DeleteSnapshot first.",
        )


def _refuse_encrypted(chain: Chain, node: SnapshotRecord) -> None:
    if chain.kms_key_id:
        raise ApiError(
            "InvalidSnapshotId.EncryptedNotSupport",
            403,
            f"The snapshot {node.snapshot_id} is encrypted; encrypted snapshots can't be copied. "
            "Those of unencrypted disks can be.",
        )


def _refuse_encryption(request: CopySnapshotRequest) -> None:
    """Raise ApiError for a copy that is to be encrypted: there is no conversion (CP-5)."""
    if request.encrypted:
        raise ApiError(
            "InvalidSnapshotCategory.NotSupportEncryptedCopy",
            403,
            "A copy can't be encrypted on the way: it is unencrypted as its source is. Leave "
            "Encrypted and KMSKeyId out.",
        )
    if request.kms_key_id:
        raise ApiError(
            "InvalidEncrypted.NotMatchKmsKeyId",
            403,
            f"KMSKeyId {request.kms_key_id!r} was given without Encrypted true; and a copy can't "
            "be encrypted on the way. Leave both out.",
        )


def refuse_unfinished_copies(call: Call, chain: Chain, node: SnapshotRecord) -> None:
    """Raise ApiError while a copy of the snapshot, in whatever region, is unfinished."""
    for region_id in call.regions_in_use():
        copies = call.chain_of_copies(region_id, chain.disk_id)
        for copy in copies.nodes if copies else ():
            if copy.source_snapshot_id == node.snapshot_id and in_creation(copy, call.now):
                raise ApiError(
                    "InvalidOperation.RelatedSnapshotNotFinished",
                    403,
                    f"The snapshot {node.snapshot_id} is being copied to {region_id} as "
                    f"{copy.snapshot_id}. Wait until that is accomplished, or delete it there "
                    "first.",
                )
