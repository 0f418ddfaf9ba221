"""Work on disks and chains that follows a commit, and is repeated when a crash came between.

Each finisher is idempotent: it may run twice, or begin again after having been cut off anywhere.
They know files only; what to do was decided, and written to the journal, by the operation. So
nobody is asked here whether another program uses a disk by now: a rollback half done has to end.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snapcli.volumes.restore import RestorePlan

Arguments = Mapping[str, Any]


_plans: dict[str, "RestorePlan"] = {}


def keep_plan(plan: "RestorePlan") -> str:
    """Keep what was compared before the commit, so that `restore` need not compare again.

    Returns the name to write down with the work: only that very work uses the plan, and only in
    this process; after a crash, or when the disk may have been written to since, `restore`
    compares anew.
    """
    from snapcli.api.ids import random_bytes

    name = random_bytes(16).hex()
    _plans[name] = plan
    return name


def restore(workspace: str, arguments: Arguments) -> None:
    """Make a disk's bytes those of a snapshot, writing only what differs (RB-2, RB-9)."""
    from snapcli.volumes.layers import Layer
    from snapcli.volumes.restore import apply_plan
    from snapcli.volumes.restore import restore as restore_image

    image = os.path.join(workspace, arguments["image"])
    if not os.path.exists(image):
        return  # the disk was released after this was written down
    plan = _plans.pop(arguments.get("plan", ""), None)
    if plan is not None and plan.is_current():
        apply_plan(plan)
        return
    from snapcli.ecs.keys import cipher_noted

    restore_image(
        image,
        os.path.join(workspace, arguments["folder"]),
        [Layer(snapshot_id=id_, map_file=map_file) for id_, map_file in arguments["layers"]],
        {int(number): file for number, file in arguments["packs"]},
        arguments["length_bytes"],
        cipher=cipher_noted(workspace, arguments.get("key")),
    )


def reset(workspace: str, arguments: Arguments) -> None:
    """Empty a disk, then lay a public image's first bytes on it when it has one."""
    from snapcli.ecs.image_data import image_bytes
    from snapcli.volumes.images import resize_image, write_image

    image = os.path.join(workspace, arguments["image"])
    if not os.path.exists(image):
        return  # removed by hand after this was written down; `check` names it
    resize_image(image, 0)
    resize_image(image, arguments["length_bytes"])
    for offset_bytes, data in image_bytes(arguments["image_id"]):
        write_image(image, offset_bytes, [data])


def resize(workspace: str, arguments: Arguments) -> None:
    """Give a disk's file its new length."""
    from snapcli.volumes.images import resize_image

    image = os.path.join(workspace, arguments["image"])
    if os.path.exists(image):  # else removed by hand after this was written down
        resize_image(image, arguments["length_bytes"])


def trim(workspace: str, arguments: Arguments) -> None:
    """Free the blocks of a chain that no map names any more (IN-6)."""
    from snapcli.volumes.deletion import trim as trim_folder
    from snapcli.volumes.deletion import trim_packs

    folder = os.path.join(workspace, arguments["folder"])
    if os.path.isdir(folder):
        packs = {int(number): file for number, file in arguments["packs"]}
        if "gone" in arguments:
            trim_packs(folder, arguments["maps"], packs, arguments["gone"])
        else:
            trim_folder(folder, arguments["maps"], packs)


def publish(workspace: str, arguments: Arguments) -> None:
    """Give exported files their names; a bucket may lie outside the workspace (IM-8)."""
    folders = set()
    for temporary, name in arguments["files"]:
        source, target = os.path.join(workspace, temporary), os.path.join(workspace, name)
        if os.path.lexists(source):
            os.replace(source, target)
            folders.add(os.path.dirname(target))
    _sync(folders)


def withdraw(workspace: str, arguments: Arguments) -> None:
    """Remove the files of an export that was cancelled."""
    folders = set()
    for name in arguments["files"]:
        path = os.path.join(workspace, name)
        if os.path.isfile(path):
            os.unlink(path)
            folders.add(os.path.dirname(path))
    _sync(folders)


def _sync(folders: set[str]) -> None:
    from snapcli.volumes.images import sync_folder

    for folder in sorted(folders):
        sync_folder(folder)


def devices(workspace: str, arguments: Arguments) -> None:
    """Make the device links of a guest those of the disks that its instance has now."""
    from snapcli.guests.folder import link_devices

    root = os.path.join(workspace, arguments["root"])
    if os.path.isdir(root):
        images = arguments["images"].items()
        link_devices(
            root, {name: os.path.realpath(os.path.join(workspace, file)) for name, file in images}
        )


FINISHERS = {
    "restore": restore,
    "reset": reset,
    "resize": resize,
    "trim": trim,
    "publish": publish,
    "withdraw": withdraw,
    "devices": devices,
}
