"""What becomes of the inside of an instance when the instance or its disks change.

Joins records and guests, as `guest_holds` does. An instance without an inside costs one look at
a folder.
"""

import contextlib
import os
from collections.abc import Iterator

from snapcli.api.errors import ApiError
from snapcli.ecs.call import Call
from snapcli.ecs.guest_holds import guest_folder
from snapcli.ecs.records import DiskRecord, InstanceRecord

_PATIENCE_SECONDS = 2.0


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn what goes wrong inside a guest into the API's nearest code."""
    from snapcli.guests.errors import GuestError, NotPossibleHere, StillBusy

    try:
        yield
    except StillBusy as error:
        raise ApiError("DependencyViolation", 403, str(error)) from None
    except NotPossibleHere as error:
        raise ApiError("Operation.Forbidden", 403, str(error)) from None
    except GuestError as error:
        raise ApiError("InvalidParameter", 400, str(error)) from None


def has_inside(call: Call, instance_id: str) -> bool:
    """Say whether anything was ever done inside the instance."""
    return bool(instance_id) and os.path.isdir(guest_folder(call, instance_id))


def make_inside(call: Call, instance: InstanceRecord) -> str:
    """Return the guest's folder, made at first use, with its devices as they are now."""
    from snapcli.guests import folder

    root = guest_folder(call, instance.instance_id)
    if not os.path.isdir(os.path.join(root, "dev")):
        folder.make(root)
    folder.link_devices(root, _devices(call, instance))
    return root


def inside_for_programs(call: Call, instance: InstanceRecord) -> str:
    """Return the guest's folder for a program that may write to the instance's disks.

    A disk's file with another name is broken off first, unless something is using it: that would
    be parted from its disk.
    """
    from snapcli.volumes.holders import holders
    from snapcli.volumes.images import break_off, has_other_names

    for disk in call.disks_of(instance):
        path = call.image_path(disk)
        if has_other_names(path) and not holders(path):
            break_off(path)
    return make_inside(call, instance)


def _devices(call: Call, instance: InstanceRecord) -> dict[str, str]:
    """Return what the instance's disks are called inside, such as vdb, and their files."""
    return {
        _device(disk): os.path.realpath(call.image_path(disk))
        for disk in call.disks_of(instance)
        if disk.device
    }


def _device(disk: DiskRecord) -> str:
    return "vd" + disk.device[-1]


def renew_devices(call: Call, instance: InstanceRecord) -> None:
    """Have the device links of the instance say which disks it has, once that is committed."""
    if has_inside(call, instance.instance_id):
        arguments = {
            "root": f"{call.home}guests/{instance.instance_id}",
            "images": {
                _device(disk): call.image_file(disk)
                for disk in call.disks_of(instance)
                if disk.device
            },
        }
        call.tx.after_commit("devices", arguments)


def require_leavable(call: Call, instance: InstanceRecord) -> None:
    """Raise ApiError DependencyViolation when something outside keeps one of its disks busy."""
    if has_inside(call, instance.instance_id):
        from snapcli.guests import leaving

        with told():
            leaving.require_leavable(guest_folder(call, instance.instance_id))


def leave_inside(
    call: Call, instance: InstanceRecord, *, at_once: bool = False, by_force: bool = False
) -> None:
    """End the instance's processes and unmount its disks.

    `at_once` does not ask the processes first; `by_force` also cuts off what is busy. Raises
    ApiError DependencyViolation when something outside uses a disk, with nothing ended.
    """
    if has_inside(call, instance.instance_id):
        from snapcli.guests import leaving

        root = guest_folder(call, instance.instance_id)
        with told():
            leaving.leave(root, 0.0 if at_once else _PATIENCE_SECONDS, by_force=by_force)


def leave_disk(call: Call, disk: DiskRecord) -> None:
    """Unmount a disk's file system, ending the instance's processes that use it.

    Raises ApiError DependencyViolation when something outside uses it, with nothing ended.
    """
    if has_inside(call, disk.instance_id):
        from snapcli.guests import leaving

        root = guest_folder(call, disk.instance_id)
        with told():
            leaving.leave_image(root, os.path.realpath(call.image_path(disk)), _PATIENCE_SECONDS)


def remove_inside(call: Call, instance: InstanceRecord) -> None:
    """Have the instance's folder go once its release is committed."""
    if has_inside(call, instance.instance_id):
        relative = f"{call.home}guests/{instance.instance_id}"
        call.tx.after_commit("rmdir", {"paths": [relative], "tree": 1})
