"""AttachDisk, DetachDisk and DeleteDisk."""

from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.ecs.call import Call
from snapcli.ecs.disk_making import (
    DATA_DEVICES,
    SYSTEM_DEVICE,
    connect,
    free_device,
    release_disk,
    require_room,
)
from snapcli.ecs.disk_use import ForceInUse, require_not_in_use
from snapcli.ecs.guest_insides import leave_disk, renew_devices
from snapcli.ecs.phases import disk_status, instance_status, phases_from
from snapcli.ecs.records import DiskRecord, InstanceRecord
from snapcli.ecs.snapshot_state import in_creation, must_be_awaited


class DiskResponse(Response):
    """Nothing but the RequestId."""


class AttachDiskRequest(Request):
    """Which disk to attach to which instance."""

    ignored = ("Force", "KeyPairName", "Password")
    disk_id: Annotated[str, "The disk, which must be Available."]
    instance_id: Annotated[str, "The instance, in the same zone."]
    device: Annotated[str, "The device name, /dev/xvdb to /dev/xvdz; by default the next."] = ""
    delete_with_instance: Annotated[bool, "Release the disk with the instance."] = False
    bootable: Annotated[bool, "Attach a system disk as one."] = False


@operation("AttachDisk", lock=True, changes=True)
def attach_disk(call: Call, request: AttachDiskRequest) -> DiskResponse:
    """Attach a disk that is Available to an instance of its zone."""
    instance = call.instance(request.instance_id)
    disk = call.disk(request.disk_id)
    _check_attachable(call, disk, instance)
    attached = call.disks_of(instance)
    require_room(call, instance, len(attached))
    if request.bootable:
        _check_boot(disk, instance, attached)
        disk.type = "system"
        device = SYSTEM_DEVICE
    else:
        disk.type = "data"
        device = _device(request.device, {other.device for other in attached})
    connect(call, disk, instance.instance_id, device)
    disk.delete_with_instance = request.delete_with_instance
    disk.phases = phases_from(call.now, ("Attaching", call.settings.current_speed().disk_seconds))
    renew_devices(call, instance)
    return DiskResponse()


def _check_attachable(call: Call, disk: DiskRecord, instance: InstanceRecord) -> None:
    if disk.instance_id:
        raise ApiError(
            "InvalidDisk.InUse",
            404,
            f"The disk {disk.disk_id} is attached to {disk.instance_id} already.",
        )
    status = disk_status(disk, call.now)
    if status != "Available":
        raise ApiError(
            "IncorrectDiskStatus",
            403,
            f"The disk {disk.disk_id} is {status}; it must be Available to be attached.",
        )
    power = instance_status(instance, call.now)
    if power not in ("Running", "Stopped"):
        raise ApiError(
            "IncorrectInstanceStatus",
            400,
            f"The instance {instance.instance_id} is {power}; it must be Running or Stopped.",
        )
    if disk.zone_id != instance.zone_id:
        raise ApiError(
            "ResourcesNotInSameZone",
            403,
            f"The disk {disk.disk_id} is in {disk.zone_id}, the instance {instance.instance_id} "
            f"in {instance.zone_id}. A snapshot of the disk makes a disk in that zone.",
        )


def _check_boot(disk: DiskRecord, instance: InstanceRecord, attached: list[DiskRecord]) -> None:
    if not disk.origin_instance_id:
        raise ApiError(
            "InvalidDisk.DiskNotBootable",
            400,
            f"The disk {disk.disk_id} was never a system disk; leave Bootable out.",
        )
    if disk.origin_instance_id != instance.instance_id:
        raise ApiError(
            "InvalidInstance.NotOriginInstance",
            400,
            f"The system disk {disk.disk_id} can be attached as one only to its own instance "
            f"{disk.origin_instance_id}.",
        )
    if any(other.device == SYSTEM_DEVICE for other in attached):
        raise ApiError(
            "InvalidDevice.InUse",
            403,
            f"The instance {instance.instance_id} has a system disk already.",
        )


def _device(wanted: str, taken: set[str]) -> str:
    if not wanted:
        return free_device(taken)
    if wanted not in DATA_DEVICES:
        raise ApiError(
            "InvalidDevice.Malformed",
            400,
            f"The device {wanted!r} is not one of /dev/xvdb to /dev/xvdz.",
        )
    if wanted in taken:
        raise ApiError("InvalidDevice.InUse", 403, f"The device {wanted} is taken.")
    return wanted


class DetachDiskRequest(Request):
    """Which disk to detach from which instance."""

    disk_id: Annotated[str, "The disk to detach."]
    instance_id: Annotated[str, "The instance it is attached to."]
    delete_with_instance: Annotated[bool, "Kept as given."] | None = None


@operation("DetachDisk", lock=True, changes=True)
def detach_disk(call: Call, request: DetachDiskRequest) -> DiskResponse:
    """Detach a disk; a system disk only while its instance is Stopped."""
    instance = call.instance(request.instance_id)
    disk = call.disk(request.disk_id)
    if not disk.instance_id:
        raise ApiError(
            "InvalidDisk.AlreadyDetached", 404, f"The disk {disk.disk_id} is not attached."
        )
    if disk.instance_id != instance.instance_id:
        raise ApiError(
            "DependencyViolation",
            403,
            f"The disk {disk.disk_id} is attached to {disk.instance_id}, not to "
            f"{instance.instance_id}.",
        )
    status = disk_status(disk, call.now)
    if status != "In_use":
        raise ApiError(
            "IncorrectDiskStatus", 403, f"The disk {disk.disk_id} is {status}, not In_use."
        )
    power = instance_status(instance, call.now)
    allowed = ("Stopped",) if disk.type == "system" else ("Running", "Stopped")
    if power not in allowed:
        raise ApiError(
            "IncorrectInstanceStatus",
            403,
            f"The instance {instance.instance_id} is {power}; it must be {' or '.join(allowed)} "
            f"to detach its {disk.type} disk {disk.disk_id}.",
        )
    leave_disk(call, disk)
    disk.instance_id = disk.device = ""
    disk.detached_at = call.now
    renew_devices(call, instance)
    if request.delete_with_instance is not None:
        disk.delete_with_instance = request.delete_with_instance
    disk.phases = phases_from(call.now, ("Detaching", call.settings.current_speed().disk_seconds))
    return DiskResponse()


class DeleteDiskRequest(Request):
    """Which disk to release."""

    local = ("force_in_use",)
    disk_id: Annotated[str, "The disk, which must be Available."]
    force_in_use: ForceInUse = False


@operation("DeleteDisk", lock=True, changes=True)
def delete_disk(call: Call, request: DeleteDiskRequest) -> DiskResponse:
    """Release a disk and its bytes; its manual snapshots stay (DL-5)."""
    disk = call.disk(request.disk_id)
    status = disk_status(disk, call.now)
    if status != "Available":
        attached = f" (attached to {disk.instance_id})" if disk.instance_id else ""
        raise ApiError(
            "IncorrectDiskStatus",
            403,
            f"The disk {disk.disk_id} is {status}{attached}; it must be Available. Detach it with "
            "DetachDisk first.",
        )
    require_none_in_creation(call, disk)
    require_not_in_use(call, disk, request.force_in_use)
    release_disk(call, disk)
    return DiskResponse()


def require_none_in_creation(call: Call, disk: DiskRecord, *, but_instant: bool = False) -> None:
    """Raise ApiError DiskCreatingSnapshot while a snapshot of the disk is in creation.

    `but_instant`: those with instant access are no hindrance, as they can be used at once (IA-1).
    """
    chain = call.chain(disk.region_id, disk.disk_id)
    hinders = must_be_awaited if but_instant else in_creation
    for node in chain.nodes if chain else ():
        if hinders(node, call.now):
            raise ApiError(
                "DiskCreatingSnapshot",
                403,
                f"The snapshot {node.snapshot_id} of the disk {disk.disk_id} is in creation; wait "
                "until it is accomplished, or delete it.",
            )
