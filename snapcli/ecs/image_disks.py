"""The disks that a custom image gives an instance, and the snapshots that their bytes are in.

Those of a shared image lie with the account that owns it, and are only ever read there.
"""

from snapcli.api.errors import ApiError
from snapcli.ecs.call import Call
from snapcli.ecs.image_data import PUBLIC_IMAGES
from snapcli.ecs.image_rules import UsableImage, find_image
from snapcli.ecs.records import Chain, DiskRecord, ImageDisk, SnapshotRecord


def data_disks(image: UsableImage) -> dict[str, ImageDisk]:
    """Return the data disks of an image by their device names; a public image has none."""
    disks = image.record.disks[1:] if image.record else []
    return {disk.device: disk for disk in disks}


def system_source(image: UsableImage) -> tuple[Chain, SnapshotRecord] | None:
    """Return the snapshot of a custom image's system disk; None for a public image."""
    return source_of(image, image.record.disks[0]) if image.record else None


def source_of(image: UsableImage, disk: ImageDisk) -> tuple[Chain, SnapshotRecord] | None:
    """Return the snapshot that a disk of a custom image is made from; None: it is made empty."""
    if not disk.snapshot_id or image.owner is None:
        return None
    found = image.owner.find_snapshot(disk.snapshot_id)
    if found is None:
        raise ApiError(
            "OperationDenied.ImageNotValid",
            403,
            f"The image {image.image_id} can't be used: its snapshot {disk.snapshot_id} is gone. "
            "`snapcli check` tells what else is.",
        )
    return found


def note_image(call: Call, disk: DiskRecord, image: UsableImage) -> None:
    """Note on a new disk which image it is made from, and whose snapshots that names."""
    disk.image_id = image.image_id
    if image.owner is not None and image.owner.account_id != call.account_id:
        disk.image_account_id = image.owner.account_id


def source_account(call: Call, disk: DiskRecord) -> Call:
    """Return the account whose snapshot the disk was made from."""
    return call.for_account(disk.image_account_id) if disk.image_account_id else call


def require_image_of(call: Call, disk: DiskRecord) -> None:
    """Raise ApiError when the image that the disk returns to is gone (ReInitDisk).

    A data disk of the account's own image returns to its snapshot, with or without the image.
    """
    if not disk.image_id or disk.image_id in PUBLIC_IMAGES:
        return
    if find_image(call, disk.image_id, disk.region_id) is not None:
        return
    if disk.image_account_id:
        raise ApiError(
            "SharedImageDeleted",
            403,
            f"The disk {disk.disk_id} was made from the image {disk.image_id} of the account "
            f"{disk.image_account_id}, which is deleted or no longer shared; it can't be "
            "re-initialised.",
        )
    if disk.type == "system":
        raise ApiError(
            "InvalidImageId.NotFound",
            404,
            f"The disk {disk.disk_id} was made from the image {disk.image_id}, which was deleted; "
            "it can't be re-initialised. ReplaceSystemDisk gives its instance another one.",
        )
