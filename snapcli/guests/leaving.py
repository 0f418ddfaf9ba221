"""Letting a guest come to its end: its processes ended, its disks unmounted.

What is outside the guest is never ended; where it keeps a disk busy, that is told.
"""

import os

from snapcli.guests import folder, mounts, processes
from snapcli.guests.errors import StillBusy


def require_leavable(root: str, image: str = "") -> None:
    """Raise StillBusy when something outside the guest uses a file system mounted in it.

    `image` restricts that to the file system of one disk. Ends nothing and changes nothing.
    """
    points = _points(root, image)
    if not points:
        return
    own = {process.pid for process in processes.find(root)} | {os.getpid()}
    for point in points:
        others = [pid for pid in mounts.users(point) if pid not in own]
        if others:
            raise StillBusy(
                f"{folder.shown(root, point)} is used by the processes "
                f"{', '.join(map(str, others))}, which are not the guest's. End them, or have "
                "them leave that folder."
            )


def leave(root: str, patience_seconds: float, *, by_force: bool = False) -> None:
    """End all processes of the guest and unmount all its disks.

    With `by_force` what is still busy is cut off. Raises StillBusy before anything is ended.
    """
    if not by_force:
        require_leavable(root)
    processes.end_all(root, patience_seconds)
    mounts.unmount_all(root, by_force=by_force)


def leave_image(root: str, image: str, patience_seconds: float) -> None:
    """Unmount one disk's file system after ending the guest's processes that use it.

    Raises StillBusy before anything is ended.
    """
    require_leavable(root, image)
    own = {process.pid for process in processes.find(root)}
    for point in reversed(_points(root, image)):
        using = own.intersection(mounts.users(point))
        if using:
            processes.end_some(using, patience_seconds)
        mounts.unmount(root, folder.shown(root, point))


def _points(root: str, image: str) -> list[str]:
    return [each.point for each in mounts.mounted(root) if image in ("", each.image)]
