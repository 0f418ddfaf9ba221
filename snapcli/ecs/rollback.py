"""ResetDisk: rolling a disk back to one of its snapshots (rules RB)."""

from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError, DryRunOperation
from snapcli.api.operation import Request, Response, operation
from snapcli.ecs import recovery
from snapcli.ecs.account import require_snapshot_service
from snapcli.ecs.call import Call
from snapcli.ecs.disk_use import ForceInUse, require_disk_file, require_not_in_use
from snapcli.ecs.nodes import layers_through, restore_arguments
from snapcli.ecs.phases import disk_status, instance_status
from snapcli.ecs.records import GIB, Chain, DiskRecord, InstanceRecord, SnapshotRecord
from snapcli.ecs.snapshot_rules import require_way_back
from snapcli.ecs.snapshot_state import is_usable, must_be_awaited


class ResetDiskRequest(Request):
    """Which disk to roll back, and to which of its snapshots."""

    local = ("snapshot_first", "start_instance", "force_in_use")
    disk_id: Annotated[str, "The disk to roll back; attached to a stopped instance."]
    snapshot_id: Annotated[str, "A snapshot of this very disk."]
    dry_run: Annotated[bool, "Check everything, change nothing."] = False
    snapshot_first: Annotated[bool, "Take a snapshot of the present state before."] = False
    start_instance: Annotated[bool, "Start the instance afterwards."] = False
    force_in_use: ForceInUse = False


class ResetDiskResponse(Response):
    """The RequestId; and the snapshot taken before, when one was asked for."""

    local = ("snapshot_id",)
    snapshot_id: str | msgspec.UnsetType = msgspec.UNSET


@operation("ResetDisk", lock=True, changes=True)
def reset_disk(call: Call, request: ResetDiskRequest) -> ResetDiskResponse:
    """Make a disk byte for byte what it was at the snapshot (RB-2); only that disk (RB-5)."""
    disk = call.disk(request.disk_id)
    require_snapshot_service(call)
    chain, node = call.snapshot(request.snapshot_id)
    instance = check_rollback(call, disk, chain, node)
    if request.start_instance:
        check_start(call, instance)
    if request.snapshot_first:
        from snapcli.ecs.snapshot_creation import check_quota

        check_quota(call, disk, chain)
    require_not_in_use(call, disk, request.force_in_use)
    if request.dry_run:
        raise DryRunOperation
    response = ResetDiskResponse()
    if request.snapshot_first:
        response.snapshot_id = _capture_before(call, disk, chain)
    roll_back(call, disk, chain, node)
    if request.start_instance:
        from snapcli.ecs.instance_power import start

        start(call, instance)
    require_not_in_use(call, disk, request.force_in_use)  # comparing may have taken minutes
    return response


def check_rollback(
    call: Call, disk: DiskRecord, chain: Chain, node: SnapshotRecord
) -> InstanceRecord:
    """Return the disk's instance when the rollback may be done, else raise ApiError (RB-1…4)."""
    if chain.chain_id and chain.disk_id == disk.disk_id:
        raise ApiError(
            "InvalidParameter.Mismatch",
            403,
            f"The snapshot {node.snapshot_id} is a copy (of {node.source_snapshot_id} in "
            f"{node.source_region_id}). A copy can't roll back the disk that its source is of; "
            f"make a new disk from it in {chain.region_id} with CreateDisk, or roll back to a "
            "snapshot that is no copy.",
        )
    if chain.disk_id != disk.disk_id:
        raise ApiError(
            "InvalidParameter.Mismatch",
            403,
            f"The snapshot {node.snapshot_id} is of the disk {chain.disk_id}, not of "
            f"{disk.disk_id}. A disk can be rolled back only to its own snapshots; make a new "
            "disk from this one with CreateDisk instead.",
        )
    if disk_status(disk, call.now) != "In_use":
        raise ApiError(
            "IncorrectDiskStatus",
            403,
            f"The disk {disk.disk_id} is {disk_status(disk, call.now)}; attach it to a stopped "
            "instance to roll it back.",
        )
    instance = call.instance(disk.instance_id)
    if instance_status(instance, call.now) != "Stopped":
        raise ApiError(
            "IncorrectInstanceStatus",
            403,
            f"The instance {instance.instance_id} is {instance_status(instance, call.now)}; stop "
            f"it with StopInstance to roll back its disk {disk.disk_id}.",
        )
    if node.failed_at is not None:
        raise ApiError(
            "OperationDenied",
            403,
            f"The snapshot {node.snapshot_id} failed and holds nothing to roll back to.",
        )
    if not is_usable(node, call.now):
        raise ApiError(
            "InvalidSnapshotId.NotReady",
            403,
            f"The snapshot {node.snapshot_id} is in creation and has no instant access; wait "
            "until it is accomplished.",
        )
    require_way_back(node, disk.disk_id)
    _check_none_in_creation(call, disk, chain)
    return instance


def _check_none_in_creation(call: Call, disk: DiskRecord, chain: Chain) -> None:
    """Raise ApiError while a snapshot of the disk is in creation, instant access aside (RB-1)."""
    for node in chain.nodes:
        if must_be_awaited(node, call.now):
            raise ApiError(
                "IncorrectDiskStatus.HasUnfinishedSnapshot",
                403,
                f"The snapshot {node.snapshot_id} of the disk {disk.disk_id} is in creation; wait "
                "until it is accomplished.",
            )


def check_start(call: Call, instance: InstanceRecord) -> None:
    """Raise ApiError while starting the instance would make snapshots of its disks fail (CR-11)."""
    for disk in call.disks_of(instance):
        chain = call.chain(disk.region_id, disk.disk_id)
        for node in chain.nodes if chain else ():
            if must_be_awaited(node, call.now):
                raise ApiError(
                    "IncorrectDiskStatus.HasUnfinishedSnapshot",
                    403,
                    f"The snapshot {node.snapshot_id} of the disk {disk.disk_id} is in creation; "
                    f"starting {instance.instance_id} would make it fail. Leave the start out, or "
                    "wait until the snapshot is accomplished.",
                )


def _capture_before(call: Call, disk: DiskRecord, chain: Chain) -> str:
    """Take a snapshot of the present state (RB-6); finished before the rollback begins."""
    from snapcli.ecs.nodes import capture_node
    from snapcli.ecs.snapshot_creation import new_node

    before = new_node(call, disk, chain)
    before.description = "Taken before a rollback."
    capture_node(call, disk, chain, before)
    before.ready_at = before.created_at
    return before.snapshot_id


def roll_back(call: Call, disk: DiskRecord, chain: Chain, node: SnapshotRecord) -> None:
    """Roll the disk back to `node`; the disk's size goes back too (RB-5)."""
    write_down_restore(call, disk, chain, node, node.size_gib)
    disk.size_gib = node.size_gib


def write_down_restore(
    call: Call,
    disk: DiskRecord,
    chain: Chain,
    node: SnapshotRecord,
    size_gib: int,
    owner: Call | None = None,
) -> None:
    """Write down that the disk's bytes become those of `node`, `size_gib` long.

    `owner` is the account that the chain belongs to, when that is not the caller's.

    Once committed it is carried out, by the next command if this one is cut off (RB-9). Every
    block it needs is read and checked before, so a damaged one is found while nothing is changed;
    so is a full file system.
    """
    from snapcli.ecs.keys import chain_cipher
    from snapcli.volumes.reserve import reserve
    from snapcli.volumes.restore import plan_restore, verify_plan

    owner = owner or call
    require_disk_file(call, disk, any_length=True)
    plan = plan_restore(
        call.image_path(disk),
        owner.chain_folder(chain),
        layers_through(chain, node),
        chain.packs,
        size_gib * GIB,
        call.progress(f"Comparing {disk.disk_id}"),
        chain_cipher(owner, chain),
    )
    verify_plan(plan)
    reserve(plan)
    work = restore_arguments(call, owner, disk, chain, node, size_gib)
    call.tx.after_commit("restore", work | {"plan": recovery.keep_plan(plan)})
