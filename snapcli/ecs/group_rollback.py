"""ResetDisks: rolling several disks back, to the snapshots of a group (rules GB)."""

from typing import Annotated

from snapcli.api.errors import ApiError, DryRunOperation
from snapcli.api.operation import Group, Request, operation
from snapcli.ecs.account import require_snapshot_service
from snapcli.ecs.call import Call
from snapcli.ecs.disk_use import ForceInUse, require_not_in_use
from snapcli.ecs.groups import OperationProgressResponse, OperationProgressSet, outcome
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.rollback import check_rollback, roll_back


class DiskToReset(Group):
    """A disk and the snapshot it goes back to."""

    disk_id: Annotated[str, "The disk."]
    snapshot_id: Annotated[str, "A snapshot of this very disk."]


class ResetDisksRequest(Request):
    """Which disks to roll back, each to which of its snapshots."""

    local = ("force_in_use",)
    disk: Annotated[list[DiskToReset], "The disks with their snapshots."]
    region_id: Annotated[str, "The region of the disks."] = ""
    dry_run: Annotated[bool, "Check everything, change nothing."] = False
    force_in_use: ForceInUse = False


@operation("ResetDisks", lock=True, changes=True)
def reset_disks(call: Call, request: ResetDisksRequest) -> OperationProgressResponse:
    """Roll several disks back at once, each byte for byte (GB-1).

    A disk whose snapshot was deleted is an outcome of its own (GB-2). Whatever else stands in the
    way of one refuses all before anything is written (GB-3).
    """
    require_region(request.region_id, "InvalidRegionId.MalFormed", 400)
    require_snapshot_service(call)
    _refuse_twice(request)
    gone: dict[str, ApiError] = {}
    ready = []
    for asked in request.disk:
        disk = call.disk(asked.disk_id)
        found = call.find_snapshot(asked.snapshot_id)
        if found is None:
            gone[asked.disk_id] = ApiError(
                "InvalidSnapshotId.NotFound",
                404,
                f"There is no snapshot {asked.snapshot_id!r} any more; the disk {asked.disk_id} "
                "can't be rolled back by this group.",
            )
            continue
        check_rollback(call, disk, *found)
        ready.append((disk, *found))
    for disk, _, _ in ready:
        require_not_in_use(call, disk, request.force_in_use)
    if request.dry_run:
        raise next(iter(gone.values()), DryRunOperation())
    if not ready:
        raise next(iter(gone.values()))
    for disk, chain, node in ready:
        roll_back(call, disk, chain, node)
    for disk, _, _ in ready:
        require_not_in_use(call, disk, request.force_in_use)  # comparing may have taken minutes
    return OperationProgressResponse(
        operation_progress_set=OperationProgressSet(
            operation_progress=[
                outcome(
                    gone.get(asked.disk_id), disk_id=asked.disk_id, snapshot_id=asked.snapshot_id
                )
                for asked in request.disk
            ]
        )
    )


def _refuse_twice(request: ResetDisksRequest) -> None:
    """Raise ApiError when one disk is to go back to two snapshots."""
    seen: set[str] = set()
    for asked in request.disk:
        if asked.disk_id in seen:
            raise ApiError(
                "Operation.Conflict",
                403,
                f"The disk {asked.disk_id} was named twice; it can go back to one snapshot.",
            )
        seen.add(asked.disk_id)
