"""Whether a disk's file is one, and may be changed or removed now: whether anybody else uses it.

Everything that writes into a disk's file or removes it by an operation asks here, after the API's
own rules and before its first change. Between the answer and the write somebody may still begin;
that window can't be closed, only kept small. What time does by itself (automatic release) does
not ask: a file that is unlinked keeps its bytes for whoever has it open.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from snapcli.api.errors import ApiError
from snapcli.ecs.call import Call
from snapcli.ecs.records import GIB, DiskRecord

if TYPE_CHECKING:
    from snapcli.volumes.holders import Holder

ForceInUse = Annotated[bool, "Do it although another program uses the disk's file."]


def require_disk_file(call: Call, disk: DiskRecord, *, any_length: bool = False) -> None:
    """Raise VolumeError unless the disk's bytes are in a file or block device of its length.

    `any_length` is for what sets the length itself: a rollback mends a file that was cut.
    """
    from snapcli.volumes.images import require_image

    require_image(call.image_path(disk), disk.size_gib * GIB, any_length=any_length)


def require_not_in_use(
    call: Call,
    disk: DiskRecord,
    force: bool,
    code: str = "IncorrectDiskStatus",
    status: int = 403,
    *,
    but_own: bool = False,
) -> None:
    """Raise ApiError `code` when another program has the disk's file mounted, mapped or written to.

    Nobody asks with `force`. `but_own`: what the disk's own instance has mounted or runs does not
    count, since the operation ends it first or does it no harm.
    """
    if force:
        return
    from snapcli.volumes.holders import holders

    found = holders(call.image_path(disk))
    if but_own and found:
        found = list(_foreign(call, disk, found))
    if found:
        users = "; ".join(_told(call, disk, holder) for holder in found)
        raise ApiError(
            code,
            status,
            f"The disk {disk.disk_id} is in use: {users}. What is changed beneath it is lost or "
            f"destroys what is on the disk. {_way_on(call, disk, found)}, or repeat this with "
            "--force-in-use if you know better.",
        )


def require_growable(call: Call, disk: DiskRecord) -> None:
    """Raise ApiError when growing the disk would part it from whoever uses it now.

    A file with another name is broken off before it is changed; a file system that is mounted
    from it, the instance's own too, would stay with the other name. No force helps that.
    """
    from snapcli.volumes.holders import holders
    from snapcli.volumes.images import has_other_names

    path = call.image_path(disk)
    if has_other_names(path) and holders(path):
        raise ApiError(
            "IncorrectDiskStatus",
            403,
            f"The file of the disk {disk.disk_id} has another name (a hard-linked copy) and is in "
            "use. It gets a file of its own before it is changed, which can't be done beneath "
            "who uses it: unmount it first.",
        )


def _inside(call: Call, disk: DiskRecord) -> str:
    """Return the folder of the disk's instance, with which all that is mounted in it begins."""
    from snapcli.ecs.guest_holds import guest_folder

    return guest_folder(call, disk.instance_id) + "/" if disk.instance_id else ""


def _is_inside(holder: "Holder", folder: str) -> bool:
    points = holder.points
    return bool(folder and points) and all(point.startswith(folder) for point in points)


def _foreign(call: Call, disk: DiskRecord, found: "list[Holder]") -> "Iterator[Holder]":
    """Yield those that the disk's own instance has nothing to do with."""
    folder = _inside(call, disk)
    own: set[int] = set()
    if folder and any(holder.kind == "process" for holder in found) and os.path.isdir(folder):
        from snapcli.guests import processes

        own = {process.pid for process in processes.find(folder.rstrip("/"))}
    for holder in found:
        if holder.pid not in own and not (_is_inside(holder, folder) and not holder.above):
            yield holder


def _told(call: Call, disk: DiskRecord, holder: "Holder") -> str:
    folder = _inside(call, disk)
    if _is_inside(holder, folder):
        points = " and ".join(_shown(folder, point) for point in holder.points)
        return f"it is mounted at {points} in {disk.instance_id} ({holder.name})"
    return str(holder)


def _shown(folder: str, point: str) -> str:
    """Return how the instance itself calls a folder of its own."""
    return "/" + os.path.relpath(point, folder)


def _way_on(call: Call, disk: DiskRecord, found: "list[Holder]") -> str:
    """Return what to do first, as a sentence without its end."""
    folder = _inside(call, disk)
    inside = [point for holder in found if _is_inside(holder, folder) for point in holder.points]
    if len(inside) == len(found) == 1:
        path = _shown(folder, inside[0])
        return f"Unmount it first (snapcli guest umount {disk.instance_id} {path})"
    if any(holder.points for holder in found):
        return "Unmount it first"
    if any(holder.above for holder in found):
        return "Take apart first what stands on it"
    devices = [holder.name for holder in found if holder.kind == "device"]
    if devices:
        return f"Detach it first (losetup -d {' '.join(devices)})"
    return "End what writes to it first"
