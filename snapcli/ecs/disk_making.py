"""Making a disk: its record's common parts, its device name, and its first bytes.

What the bytes are depends on where the disk comes from: nothing, a public image or a snapshot.
"""

from snapcli.api.errors import ApiError
from snapcli.ecs.account import require_snapshot_service
from snapcli.ecs.call import Call
from snapcli.ecs.disk_categories import CATEGORIES
from snapcli.ecs.guest_insides import renew_devices
from snapcli.ecs.image_data import image_bytes
from snapcli.ecs.phases import phases_from
from snapcli.ecs.records import GIB, Chain, DiskRecord, InstanceRecord, SnapshotRecord
from snapcli.ecs.snapshot_rules import require_not_archived
from snapcli.ecs.snapshot_state import has_instant_access, in_creation, is_locked, is_usable

SYSTEM_DEVICE = "/dev/xvda"
DATA_DEVICES = tuple(f"/dev/xvd{letter}" for letter in "bcdefghijklmnopqrstuvwxyz")


def new_disk(
    call: Call,
    region_id: str,
    zone_id: str,
    *,
    type_: str,
    category: str,
    performance_level: str,
    size_gib: int,
) -> DiskRecord:
    """Return a new disk's record, put into the region's inventory; it has no bytes yet."""
    disk = DiskRecord(
        disk_id=call.new_id("d", region_id),
        region_id=region_id,
        zone_id=zone_id,
        created_at=call.now,
        size_gib=size_gib,
        category=category,
        type=type_,
        performance_level=performance_level or ("PL1" if category == "cloud_essd" else ""),
        phases=phases_from(call.now, ("Creating", call.settings.current_speed().disk_seconds)),
    )
    call.inventory(region_id).disks[disk.disk_id] = disk
    return disk


def require_category(category: str, code: str, status: int) -> str:
    """Return the category when there is such a one, or raise ApiError `code`."""
    if category not in CATEGORIES:
        raise ApiError(
            code,
            status,
            f"There is no disk category {category!r}. It must be one of {', '.join(CATEGORIES)}.",
        )
    return category


def require_performance_level(level: str) -> str:
    """Return the performance level when there is such a one, or raise ApiError."""
    if level not in ("", "PL0", "PL1", "PL2", "PL3"):
        raise ApiError(
            "InvalidPerformanceLevel.Malformed",
            400,
            f"There is no performance level {level!r}. It must be PL0, PL1, PL2 or PL3.",
        )
    return level


def source_snapshot(
    call: Call, snapshot_id: str, region_id: str, code: str, status: int
) -> tuple[Chain, SnapshotRecord]:
    """Return the snapshot that a disk is to be made from, with its chain (OV-3, IA-1).

    Raises ApiError `code` when it is unknown or in another region, InvalidSnapshotId.NotReady
    while it can't be used, and while the snapshot service is off (AC-1).
    """
    require_snapshot_service(call)
    chain, node = call.snapshot(snapshot_id, code, status)
    if chain.region_id != region_id:
        raise ApiError(
            code,
            status,
            f"The snapshot {snapshot_id} is in {chain.region_id}; a disk in {region_id} is made "
            "from a snapshot of that region.",
        )
    if node.failed_at is not None:
        raise ApiError(
            "OperationDenied", 403, f"The snapshot {snapshot_id} failed and holds nothing."
        )
    require_not_archived(node, "made into a disk", "OperationDenied.SnapshotNotAllowed", 403)
    if not is_usable(node, call.now):
        raise ApiError(
            "InvalidSnapshotId.NotReady",
            403,
            f"The snapshot {snapshot_id} is in creation and has no instant access; wait until it "
            "is accomplished.",
        )
    return chain, node


def make_bytes(
    call: Call, disk: DiskRecord, source: tuple[Chain, SnapshotRecord] | None = None
) -> None:
    """Make the disk's file: a snapshot's bytes, else its image's first bytes, else empty.

    A disk with a snapshot's bytes is encrypted with the snapshot's key, or not as it is not
    (OV-5).
    """
    file = call.image_file(disk)
    call.tx.creates(file)
    path = call.tx.path(file)
    if source is not None:
        from snapcli.ecs.image_disks import source_account
        from snapcli.ecs.keys import chain_cipher
        from snapcli.ecs.nodes import layers_through
        from snapcli.volumes.restore import write_new

        chain, node = source
        disk.source_snapshot_id = node.snapshot_id
        disk.kms_key_id = chain.kms_key_id
        owner = source_account(call, disk)
        write_new(
            path,
            owner.chain_folder(chain),
            layers_through(chain, node),
            chain.packs,
            disk.size_gib * GIB,
            call.progress(f"Writing {disk.disk_id}"),
            cipher=chain_cipher(owner, chain),
        )
        return
    from snapcli.volumes.images import create_image, write_image

    create_image(path, disk.size_gib * GIB)
    for offset_bytes, data in image_bytes(disk.image_id):
        write_image(path, offset_bytes, [data])


def free_device(taken: set[str]) -> str:
    """Return the first device name for a data disk that is not taken."""
    for device in DATA_DEVICES:
        if device not in taken:
            return device
    raise ApiError(
        "InstanceDiskLimitExceeded",
        403,
        f"The instance has {len(taken)} disks; no device name is left.",
    )


def connect_to_next(call: Call, disk: DiskRecord, instance: InstanceRecord) -> None:
    """Attach a new disk to an instance under the next free device name.

    Raises ApiError InstanceDiskLimitExceeded.
    """
    attached = call.disks_of(instance)
    require_room(call, instance, len(attached))
    connect(call, disk, instance.instance_id, free_device({other.device for other in attached}))
    renew_devices(call, instance)


def require_room(call: Call, instance: InstanceRecord, count: int) -> None:
    """Raise ApiError InstanceDiskLimitExceeded when an instance with `count` disks is full."""
    most = call.settings.quotas.disks_per_instance
    if count >= most:
        raise ApiError(
            "InstanceDiskLimitExceeded",
            403,
            f"The instance {instance.instance_id} has {count} disks; {most} are allowed.",
        )


def connect(call: Call, disk: DiskRecord, instance_id: str, device: str) -> None:
    """Attach the disk in the records: to the instance, under the device name."""
    disk.instance_id = instance_id
    disk.device = device
    disk.attached_at = call.now
    disk.ever_attached = True


def release_disk(call: Call, disk: DiskRecord) -> None:
    """Release a disk: its bytes go after the commit; snapshots stay (DL-5) but those in
    creation, which go with it (CR-12), and automatic ones when the disk says so (PO-7).

    Locked ones stay in any case. Instant access of those that stay is switched off (IA-5). An
    automatic one that an image needs goes with that image (PO-7).
    """
    from snapcli.ecs import ledger
    from snapcli.ecs.nodes import remove_nodes
    from snapcli.ecs.snapshot_use import fail_images, is_held_by_image
    from snapcli.volumes.images import name_apart

    del call.inventory(disk.region_id).disks[disk.disk_id]
    image = call.image_file(disk)
    call.tx.after_commit("unlink", {"paths": [image, name_apart(image)]})
    chain = call.chain(disk.region_id, disk.disk_id)
    if chain is None:
        return
    going = []
    for node in chain.nodes:
        automatic = node.kind == "auto" and disk.delete_auto_snapshot
        creating = in_creation(node, call.now)
        goes = (automatic or creating) and not is_locked(node, call.now)
        if goes and creating:
            fail_images(call, chain, node)
        if goes and not is_held_by_image(call, chain, node):
            going.append(node)
            continue
        if goes:
            node.overdue_at = call.now
        if has_instant_access(node, call.now):
            node.instant_access_ended_at = call.now
    if going:
        remove_nodes(call, chain, going)
    ledger.note(call, chain)
