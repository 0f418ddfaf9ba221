"""The disks of an instance mounted inside it: `guest mount|umount|mounts`. Mounting needs root."""

import os
from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.ecs.call import Call
from snapcli.ecs.disk_use import ForceInUse, require_not_in_use
from snapcli.ecs.guest_insides import has_inside, make_inside, told
from snapcli.ecs.instance_power import require_status


class MountItem(Item):
    """A disk's file system mounted in an instance."""

    disk_id: str
    path: str
    file_system: str


class MountGuestDiskRequest(Request):
    """Which disk to mount where."""

    instance_id: Annotated[str, "The instance, which must be Running."]
    disk_id: Annotated[str, "A disk attached to it, with a file system."]
    path: Annotated[str, "Where: a folder inside the instance, made when missing."]
    read_only: Annotated[bool, "Mount it read-only."] = False
    force_in_use: ForceInUse = False


class MountGuestDiskResponse(Response):
    """What is mounted."""

    disk_id: str
    path: str
    file_system: str


@operation("MountGuestDisk", lock=True, changes=True)
def mount_guest_disk(call: Call, request: MountGuestDiskRequest) -> MountGuestDiskResponse:
    """Mount the file system of a disk inside its instance, by a loop device."""
    from snapcli.guests import folder, mounts

    instance = call.instance(request.instance_id)
    disk = call.disk(request.disk_id)
    require_status(call, instance, "Running")
    if disk.instance_id != instance.instance_id:
        raise ApiError(
            "DependencyViolation",
            403,
            f"The disk {disk.disk_id} is not attached to {instance.instance_id}. Attach it with "
            "AttachDisk first.",
        )
    if not request.read_only:  # two mounted file systems on one disk destroy each other
        require_not_in_use(call, disk, request.force_in_use, but_own=True)
    root = make_inside(call, instance)
    with told():
        image = os.path.realpath(call.image_path(disk))
        mount = mounts.mount(root, image, request.path, read_only=request.read_only)
    return MountGuestDiskResponse(
        disk_id=disk.disk_id, path=folder.shown(root, mount.point), file_system=mount.type
    )


class UnmountGuestDiskRequest(Request):
    """What to unmount."""

    instance_id: Annotated[str, "The instance."]
    path: Annotated[str, "The folder inside it where the disk is mounted."]


class UnmountGuestDiskResponse(Response):
    """Nothing but the RequestId."""


@operation("UnmountGuestDisk", lock=True, changes=True)
def unmount_guest_disk(call: Call, request: UnmountGuestDiskRequest) -> UnmountGuestDiskResponse:
    """Unmount a disk's file system; refused while anything uses it."""
    from snapcli.guests import mounts

    root = make_inside(call, call.instance(request.instance_id))
    with told():
        mounts.unmount(root, request.path)
    return UnmountGuestDiskResponse()


class ListGuestMountsRequest(Request):
    """Whose mounts to list."""

    instance_id: Annotated[str, "The instance."]


class ListGuestMountsResponse(Response):
    """The mounts, outermost first."""

    mounts: list[MountItem]


@operation("ListGuestMounts", lock=False, changes=False)
def list_guest_mounts(call: Call, request: ListGuestMountsRequest) -> ListGuestMountsResponse:
    """List which disks are mounted where inside an instance."""
    from snapcli.guests import folder, mounts

    instance = call.instance(request.instance_id)
    if not has_inside(call, instance.instance_id):
        return ListGuestMountsResponse(mounts=[])
    root = make_inside(call, instance)
    disks = {os.path.realpath(call.image_path(d)): d.disk_id for d in call.disks_of(instance)}
    return ListGuestMountsResponse(
        mounts=[
            MountItem(
                disk_id=disks.get(each.image, each.image),
                path=folder.shown(root, each.point),
                file_system=each.type,
            )
            for each in mounts.mounted(root)
        ]
    )
