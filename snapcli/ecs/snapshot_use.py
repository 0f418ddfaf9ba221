"""What a region's snapshots are used for, and which of them images keep from going.

Looks at the inventory of the chain's region only, so that each question costs one document.
"""

from snapcli.ecs.call import Call
from snapcli.ecs.records import Chain, Inventory, SnapshotRecord


def usages(inventory: Inventory) -> dict[str, str]:
    """Return what a region's snapshots are used for, by id: disk, image or image_disk."""
    used = dict.fromkeys((disk.source_snapshot_id for disk in inventory.disks.values()), "disk")
    for snapshot_id in snapshots_of_images(inventory):
        used[snapshot_id] = "image_disk" if snapshot_id in used else "image"
    return used


def snapshots_of_images(inventory: Inventory) -> set[str]:
    """Return the ids of the snapshots that a region's images need; failed images need none."""
    return {
        disk.snapshot_id
        for image in inventory.images.values()
        if image.failed_at is None
        for disk in image.disks
        if disk.snapshot_id
    }


def images_made_from(call: Call, chain: Chain, node: SnapshotRecord) -> list[str]:
    """Return the ids of the images that need this snapshot (DL-2)."""
    return [
        image.image_id
        for image in call.inventory(chain.region_id).images.values()
        if image.failed_at is None
        and any(disk.snapshot_id == node.snapshot_id for disk in image.disks)
    ]


def is_held_by_image(call: Call, chain: Chain, node: SnapshotRecord) -> bool:
    """Say whether an image needs this snapshot, so that neither time nor quota may end it (PO-7).

    Looks at one document, that of the chain's region.
    """
    return bool(images_made_from(call, chain, node))


def fail_images(call: Call, chain: Chain, node: SnapshotRecord) -> None:
    """Make the images fail whose creation waits for a snapshot that failed or went (IM-7)."""
    images = call.inventory(chain.region_id).images
    for image_id in images_made_from(call, chain, node):
        images[image_id].failed_at = call.now
