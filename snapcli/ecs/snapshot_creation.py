"""CreateSnapshot: who may be captured, and the capture itself (rules CR, IA-2, AC-1)."""

from typing import Annotated

from snapcli.api import ids
from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import (
    ClientToken,
    Description,
    InstantAccessDays,
    RetentionDays,
    SnapshotName,
    choice,
)
from snapcli.ecs.account import require_snapshot_service
from snapcli.ecs.call import Call
from snapcli.ecs.disk_categories import CATEGORIES
from snapcli.ecs.nodes import capture_node
from snapcli.ecs.phases import disk_status, instance_status
from snapcli.ecs.records import Chain, DiskRecord, SnapshotRecord
from snapcli.ecs.snapshot_rules import LOCAL
from snapcli.ecs.snapshot_state import (
    has_instant_access,
    in_creation,
    must_be_awaited,
    released_at,
)
from snapcli.ecs.tags import tags_to_set
from snapcli.ecs.wire import Tag

ESSD = "cloud_essd"


class CreateSnapshotRequest(Request):
    """What to capture, and how the snapshot is called and kept."""

    ignored = ("StorageLocationArn",)
    disk_id: Annotated[str, "The disk to capture."]
    snapshot_name: Annotated[SnapshotName, "A name for people."] = ""
    description: Annotated[Description, "A description for people."] = ""
    retention_days: Annotated[
        RetentionDays, "Delete the snapshot after so many days (without it: never)."
    ] = 0
    instant_access: Annotated[bool, "Make it usable while still in creation (ESSD only)."] = False
    instant_access_retention_days: Annotated[
        InstantAccessDays,
        "With InstantAccess: switch it off after so many days (without: when the retention ends).",
    ] = 0
    category: Annotated[
        str,
        choice("InvalidSnapshotCategory.Malformed", 403, "standard", "flash"),
        "The storage kind; flash makes a local snapshot (ESSD only), done in seconds.",
    ] = "standard"
    resource_group_id: Annotated[str, "The resource group."] = ""
    tag: Annotated[list[Tag], "Tags to set on the snapshot, up to 20."] = []
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""


class CreateSnapshotResponse(Response):
    """The new snapshot."""

    snapshot_id: str


@operation("CreateSnapshot", lock=True, changes=True)
def create_snapshot(call: Call, request: CreateSnapshotRequest) -> CreateSnapshotResponse:
    """Create a snapshot of a disk as its bytes are at this instant (OV-1, OV-2, CR-3)."""
    disk = call.disk(request.disk_id)
    require_snapshot_service(call)
    check_capturable(call, disk)
    chain = call.new_chain(disk)
    check_none_in_creation(call, disk, chain)
    check_quota(call, disk, chain)
    if request.category == LOCAL:
        if request.instant_access:
            raise ApiError(
                "InvalidCategoryAndInstantAccess.Malformed",
                403,
                "Category flash and InstantAccess true were both given. A local snapshot is done "
                "in seconds and has no instant access; leave one of the two out.",
            )
        check_local(call, disk, chain)
    if request.instant_access:
        check_instant_access(call, disk, chain)
    node = new_node(call, disk, chain)
    node.category = request.category
    node.name = request.snapshot_name
    node.description = request.description
    node.retention_days = request.retention_days
    if request.instant_access:
        node.instant_access = True
        node.instant_access_days = request.instant_access_retention_days or request.retention_days
    node.resource_group_id = request.resource_group_id or disk.resource_group_id
    node.tags = tags_to_set(call, request.tag)
    capture_node(call, disk, chain, node)
    release = released_at(node)
    if release is not None:
        call.due(release)
    return CreateSnapshotResponse(snapshot_id=node.snapshot_id)


def new_node(call: Call, disk: DiskRecord, chain: Chain) -> SnapshotRecord:
    """Return the record of a new manual snapshot of `disk`, not yet captured."""
    return SnapshotRecord(
        snapshot_id=call.new_id("s", disk.region_id),
        created_at=call.now,
        ready_at=call.now,
        number=chain.next_number,
        size_gib=disk.size_gib,
        disk_type=disk.type,
        zone_id=disk.zone_id,
        serial_number=ids.serial_number(),
    )


def check_capturable(call: Call, disk: DiskRecord) -> None:
    """Raise ApiError unless the disk is in a state to be captured (CR-1, CR-9)."""
    if CATEGORIES[disk.category].local:
        raise ApiError(
            "DiskCategory.OperationNotSupported",
            400,
            f"The disk {disk.disk_id} is a local disk ({disk.category}); only cloud disks have "
            "snapshots.",
        )
    if not disk.ever_attached:
        raise ApiError(
            "IncorrectDiskStatus.NeverAttached",
            403,
            f"The disk {disk.disk_id} was never attached to an instance. Attach it once with "
            "AttachDisk; after that it can be captured, attached or not.",
        )
    status = disk_status(disk, call.now)
    if status not in ("In_use", "Available"):
        raise ApiError(
            "IncorrectDiskStatus",
            403,
            f"The disk {disk.disk_id} is {status}; it must be In_use or Available.",
        )
    if status == "In_use":
        instance = call.instance(disk.instance_id)
        if not instance.ever_started:
            raise ApiError(
                "IncorrectDiskStatus.NeverUsed",
                403,
                f"The instance {instance.instance_id} of the disk {disk.disk_id} was never "
                "started. Start it once with StartInstance.",
            )
        power = instance_status(instance, call.now)
        if power not in ("Running", "Stopped"):
            raise ApiError(
                "IncorrectInstanceStatus",
                400,
                f"The instance {instance.instance_id} of the disk {disk.disk_id} is {power}; it "
                "must be Running or Stopped.",
            )


def check_none_in_creation(call: Call, disk: DiskRecord, chain: Chain) -> None:
    """Raise ApiError while another snapshot of the disk is in creation.

    One with instant access does not stand in the way (CR-6), an automatic one always (CR-7).
    """
    for node in chain.nodes:
        automatic = node.kind == "auto"
        automatic_now = automatic and in_creation(node, call.now)
        if automatic_now or must_be_awaited(node, call.now):
            kind = "automatic snapshot" if automatic else "snapshot"
            raise ApiError(
                "IncorrectDiskStatus.CreatingSnapshot",
                403,
                f"The {kind} {node.snapshot_id} of the disk {disk.disk_id} is in creation. Wait "
                "until it is accomplished.",
            )


def check_quota(call: Call, disk: DiskRecord, chain: Chain) -> None:
    """Raise ApiError at the limit of manual snapshots (CR-8, IN-5)."""
    most = call.settings.quotas.manual_snapshots_per_disk
    count = sum(node.kind == "user" for node in chain.nodes)
    if count >= most:
        raise ApiError(
            "QuotaExceed.Snapshot",
            403,
            f"The disk {disk.disk_id} has {count} manual snapshots; {most} are allowed "
            "(quotas.manual_snapshots_per_disk). Delete one with DeleteSnapshot first.",
        )


def check_instant_access(call: Call, disk: DiskRecord, chain: Chain) -> None:
    """Raise ApiError unless a manual snapshot of the disk may have instant access (IA-2)."""
    if disk.category != ESSD:
        raise ApiError(
            "DiskCategory.OperationNotSupported",
            400,
            f"The disk {disk.disk_id} is a {disk.category} disk; instant access is for {ESSD} "
            "disks. Leave InstantAccess out.",
        )
    most = call.settings.quotas.instant_access_snapshots_per_disk
    count = sum(has_instant_access(node, call.now) for node in chain.nodes)
    if count >= most:
        raise ApiError(
            "QuotaExceed.Snapshot",
            403,
            f"The disk {disk.disk_id} has {count} snapshots with instant access; {most} are "
            "allowed (quotas.instant_access_snapshots_per_disk). Switch it off for one with "
            "ModifySnapshotAttribute and DisableInstantAccess true first.",
        )


def check_local(call: Call, disk: DiskRecord, chain: Chain) -> None:
    """Raise ApiError unless the disk may have one more local snapshot (LS-1, LS-2)."""
    if disk.category != ESSD:
        raise ApiError(
            "DiskCategory.OperationNotSupported",
            400,
            f"The disk {disk.disk_id} is a {disk.category} disk; local snapshots are for {ESSD} "
            "disks. Use Category standard.",
        )
    if disk.kms_key_id:
        raise ApiError(
            "DiskId.ValueNotSupported",
            403,
            f"The disk {disk.disk_id} is encrypted; local snapshots are for unencrypted disks. "
            "Use Category standard.",
        )
    most = call.settings.quotas.local_snapshots_per_disk
    count = sum(node.category == LOCAL for node in chain.nodes)
    if count >= most:
        raise ApiError(
            "QuotaExceed.Snapshot",
            403,
            f"The disk {disk.disk_id} has {count} local snapshots; {most} are allowed "
            "(quotas.local_snapshots_per_disk). Delete one with DeleteSnapshot first.",
        )
