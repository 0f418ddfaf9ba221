"""DeleteSnapshot and ModifySnapshotAttribute (rules DL, CR-4, CR-5, IA-5)."""

from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import Description, RetentionDays, SnapshotName, limits
from snapcli.ecs import ledger
from snapcli.ecs.call import Call
from snapcli.ecs.nodes import remove_node
from snapcli.ecs.records import Chain, SnapshotRecord
from snapcli.ecs.snapshot_copies import refuse_unfinished_copies
from snapcli.ecs.snapshot_rules import refuse_locked
from snapcli.ecs.snapshot_state import has_instant_access, in_creation, released_at
from snapcli.ecs.snapshot_use import images_made_from


class DeleteSnapshotRequest(Request):
    """Which snapshot to delete."""

    snapshot_id: Annotated[str, "The snapshot to delete."]
    force: Annotated[bool, "Delete it although disks were made from it."] = False


class DeleteSnapshotResponse(Response):
    """Nothing but the RequestId."""


@operation("DeleteSnapshot", lock=True, changes=True)
def delete_snapshot(call: Call, request: DeleteSnapshotRequest) -> DeleteSnapshotResponse:
    """Delete a snapshot, manual or automatic (DL-1); one in creation is cancelled by it.

    Blocks that later snapshots need go to the next node, the others are freed (IN-6). Images made
    from it stand in the way (DL-2). Disks made from it ask for Force and can't be re-initialised
    afterwards (DL-3).
    """
    delete(call, request.snapshot_id, request.force)
    return DeleteSnapshotResponse()


def delete(call: Call, snapshot_id: str, force: bool) -> None:
    """Delete one snapshot, or raise ApiError with nothing changed."""
    chain, node = call.snapshot(snapshot_id)
    refuse_deletion(call, chain, node, force)
    remove_node(call, chain, node)


def refuse_deletion(call: Call, chain: Chain, node: SnapshotRecord, force: bool) -> None:
    """Raise ApiError when the snapshot may not go: a line here for each thing that holds it."""
    refuse_locked(node, call.now)
    refuse_unfinished_copies(call, chain, node)
    _refuse_with_images(call, chain, node)
    if not force:
        _refuse_with_disks(call, chain, node)


def _refuse_with_images(call: Call, chain: Chain, node: SnapshotRecord) -> None:
    images = images_made_from(call, chain, node)
    if images:
        raise ApiError(
            "SnapshotCreatedImage",
            403,
            f"Images were made from the snapshot {node.snapshot_id}: {', '.join(images)}. Delete "
            "them with DeleteImage first; Force makes no difference.",
        )


def _refuse_with_disks(call: Call, chain: Chain, node: SnapshotRecord) -> None:
    disks = disks_made_from(call, chain.region_id, node.snapshot_id)
    if disks:
        raise ApiError(
            "SnapshotCreatedDisk",
            403,
            f"Disks were made from the snapshot {node.snapshot_id}: {', '.join(disks)}. With "
            "Force true it is deleted all the same; they can't be re-initialised then.",
        )


def disks_made_from(call: Call, region_id: str, snapshot_id: str) -> list[str]:
    """Return the ids of the disks that still exist and were made from the snapshot."""
    disks = call.inventory(region_id).disks.values()
    return [disk.disk_id for disk in disks if disk.source_snapshot_id == snapshot_id]


class ModifySnapshotAttributeRequest(Request):
    """What to change of a snapshot; what is not given stays."""

    snapshot_id: Annotated[str, "The snapshot to change."]
    snapshot_name: Annotated[SnapshotName, "Its new name."] = ""
    description: Annotated[Description, "Its new description."] = ""
    retention_days: Annotated[
        RetentionDays, "How many days from its creation it is kept; it can only grow."
    ] = 0
    disable_instant_access: Annotated[
        bool,
        limits("InvalidSnapshotDisableInstantAccess.Malformed", 404, "true or false"),
        "Switch instant access off for good; the snapshot stays.",
    ] = False


class ModifySnapshotAttributeResponse(Response):
    """Nothing but the RequestId."""


@operation("ModifySnapshotAttribute", lock=True, changes=True)
def modify_snapshot_attribute(
    call: Call, request: ModifySnapshotAttributeRequest
) -> ModifySnapshotAttributeResponse:
    """Change a snapshot's name, description, retention or instant access."""
    if not (
        request.snapshot_name
        or request.description
        or request.retention_days
        or request.disable_instant_access
    ):
        raise ApiError(
            "NoAttributeToModify",
            400,
            "Nothing to change was given. Give SnapshotName, Description, RetentionDays or "
            "DisableInstantAccess.",
        )
    chain, node = call.snapshot(request.snapshot_id)
    if request.retention_days:
        _change_retention(call, node, request.retention_days)
    if request.disable_instant_access:
        _disable_instant_access(call, node)
        ledger.note(call, chain)
    node.name = request.snapshot_name or node.name
    node.description = request.description or node.description
    node.modified_at = call.now
    return ModifySnapshotAttributeResponse()


def _change_retention(call: Call, node: SnapshotRecord, days: int) -> None:
    if not node.retention_days or days < node.retention_days:
        kept, way_on = "until deleted", "DeleteSnapshot deletes it when that time has come."
        if node.retention_days:
            kept, way_on = f"{node.retention_days} days", "Give more days."
        raise ApiError(
            "InvalidOperation.DecreaseRetentionDaysUnsupported",
            400,
            f"The snapshot {node.snapshot_id} is kept {kept}; its retention can't be shortened to "
            f"{days} days. {way_on}",
        )
    node.retention_days = days
    release = released_at(node)
    if release is not None:
        call.due(release)


def _disable_instant_access(call: Call, node: SnapshotRecord) -> None:
    """Switch instant access off; where it is off already, nothing is left to do (IA-5)."""
    if not has_instant_access(node, call.now):
        return
    if in_creation(node, call.now):
        raise ApiError(
            "IncorrectDiskStatus.CreatingSnapshot",
            400,
            f"The snapshot {node.snapshot_id} is in creation; instant access can be switched off "
            "when it is accomplished. Deleting the snapshot ends both.",
        )
    node.instant_access_ended_at = call.now
