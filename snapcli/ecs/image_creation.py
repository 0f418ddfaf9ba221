"""CreateImage: from snapshots, or from an instance whose disks are captured for it (rules IM)."""

from typing import Annotated

from snapcli.api.errors import ApiError, DryRunOperation, missing_parameter
from snapcli.api.operation import Group, Request, Response, operation
from snapcli.api.types import (
    ClientToken,
    Description400,
    ImageFamily,
    ImageName,
    choice,
    limits,
)
from snapcli.ecs.account import require_snapshot_service
from snapcli.ecs.call import Call
from snapcli.ecs.disk_categories import CATEGORIES
from snapcli.ecs.disk_making import SYSTEM_DEVICE
from snapcli.ecs.image_making import (
    ARCHITECTURES,
    BOOT_MODES,
    DEFAULT_DATA_DISK_GIB,
    PLATFORMS,
    check_room,
    name_devices,
    new_image,
    os_type_of,
)
from snapcli.ecs.image_rules import find_image
from snapcli.ecs.nodes import capture_node
from snapcli.ecs.phases import instance_status
from snapcli.ecs.records import (
    Chain,
    DiskRecord,
    ImageDisk,
    ImageRecord,
    InstanceRecord,
    SnapshotRecord,
)
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.snapshot_rules import require_not_archived, require_not_local
from snapcli.ecs.snapshot_state import status
from snapcli.ecs.tags import tags_to_set
from snapcli.ecs.wire import Tag

_LARGEST_GIB = 65536


class DiskDeviceMapping(Group):
    """A disk of the image."""

    snapshot_id: Annotated[str, "The snapshot it is made from; without one it is empty."] = ""
    disk_type: Annotated[
        str,
        choice("InvalidDiskType.ValueNotSupported", 400, "system", "data"),
        "system or data; by default what the snapshot's disk was.",
    ] = ""
    device: Annotated[str, "Its device name; by default the next free one."] = ""
    size: Annotated[
        int,
        limits(
            "InvalidSize.ValueNotSupported",
            400,
            f"{DEFAULT_DATA_DISK_GIB} to {_LARGEST_GIB} GiB",
            ge=DEFAULT_DATA_DISK_GIB,
            le=_LARGEST_GIB,
        ),
        "Its size in GiB; by default the snapshot's, or 5.",
    ] = 0


class CreateImageRequest(Request):
    """What the image is made from, and how it is called."""

    ignored = ("DetectionStrategy", "Features")
    region_id: Annotated[str, "The region of what it is made from."] = ""
    instance_id: Annotated[str, "Capture this instance's disks for it."] = ""
    disk_device_mapping: Annotated[
        list[DiskDeviceMapping], "Its disks, one of them from a system disk's snapshot."
    ] = []
    snapshot_id: Annotated[str, "A system disk's snapshot, the image's only disk."] = ""
    image_name: Annotated[ImageName, "Its name, its id by default."] = ""
    image_family: Annotated[ImageFamily, "Its family."] = ""
    image_version: Annotated[
        str,
        limits(
            "InvalidImageVersion.Malformed",
            400,
            "1 to 40 letters, digits, '.', '_' or '-'",
            max_length=40,
            pattern=r"^[\w.-]+\Z",
        ),
        "Its version.",
    ] = ""
    description: Annotated[Description400, "A description for people."] = ""
    platform: Annotated[
        str,
        choice("InvalidPlatform.Malformed", 400, *PLATFORMS),
        "The operating system; by default the source's.",
    ] = ""
    architecture: Annotated[
        str, choice("InvalidArchitecture.Malformed", 400, *ARCHITECTURES), "The architecture."
    ] = ""
    boot_mode: Annotated[
        str, choice("InvalidBootMode.NotSupport", 400, *BOOT_MODES), "The boot mode."
    ] = ""
    resource_group_id: Annotated[str, "The resource group."] = ""
    tag: Annotated[list[Tag], "Tags to set on the image, up to 20."] = []
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""
    dry_run: Annotated[bool, "Check everything, create nothing."] = False


class CreateImageResponse(Response):
    """The new image."""

    image_id: str


@operation("CreateImage", lock=True, changes=True)
def create_image(call: Call, request: CreateImageRequest) -> CreateImageResponse:
    """Create a custom image, which holds snapshots and gives instances their bytes (IM-1, IM-4).

    InstanceId wins over DiskDeviceMapping, which wins over SnapshotId.
    """
    require_region(request.region_id)
    require_snapshot_service(call)
    check_room(call, request.region_id, request.image_name)
    tags = tags_to_set(call, request.tag)
    make = _from_instance if request.instance_id else _from_snapshots
    image = make(call, request)
    image.description = request.description
    image.family = request.image_family
    image.version = request.image_version
    image.resource_group_id = request.resource_group_id
    image.tags = tags
    return CreateImageResponse(image_id=image.image_id)


# From snapshots


def _from_snapshots(call: Call, request: CreateImageRequest) -> ImageRecord:
    from datetime import timedelta

    if request.disk_device_mapping:
        disks, system = _mapped(call, request)
    elif request.snapshot_id:
        chain, node = _snapshot(call, request.snapshot_id, request.region_id)
        if node.disk_type != "system":
            raise ApiError(
                "OperationDenied",
                403,
                f"The snapshot {node.snapshot_id} is of a data disk; an image needs that of a "
                "system disk. With DiskDeviceMapping data disks can be added to it.",
            )
        disks, system = [_image_disk(chain, node, "system", SYSTEM_DEVICE)], chain
    else:
        raise missing_parameter("InstanceId, DiskDeviceMapping or SnapshotId")
    if request.dry_run:
        raise DryRunOperation
    ready_at = call.now + timedelta(seconds=call.settings.current_speed().disk_seconds)
    image = new_image(call, request.region_id, request.image_name, disks, ready_at)
    _describe_system(call, request, image, system.disk_image_id)
    return image


def _snapshot(call: Call, snapshot_id: str, region_id: str) -> tuple[Chain, SnapshotRecord]:
    """Return a snapshot that an image may be made from (IM-3, IM-9, LS-7)."""
    chain, node = call.snapshot(snapshot_id)
    if chain.region_id != region_id:
        raise ApiError(
            "InvalidSnapshotId.NotFound",
            404,
            f"The snapshot {snapshot_id} is in {chain.region_id}; an image in {region_id} is made "
            "from snapshots of that region.",
        )
    made = "made into an image"
    require_not_local(node, made, "OperationDenied.InvalidSnapshotCategory", 403)
    require_not_archived(node, made, "InvalidSnapshotCategory.NotSupportImageCreation", 403)
    state = status(node, call.now)
    if state == "failed":
        raise ApiError(
            "OperationDenied",
            400,
            f"The snapshot {snapshot_id} failed and holds nothing. Use one that is accomplished.",
        )
    if state != "accomplished":
        raise ApiError(
            "InvalidSnapshotId.NotReady",
            403,
            f"The snapshot {snapshot_id} is in creation; wait until it is accomplished.",
        )
    return chain, node


def _image_disk(
    chain: Chain, node: SnapshotRecord, type_: str, device: str, size_gib: int = 0
) -> ImageDisk:
    return ImageDisk(
        type=type_,
        device=device,
        size_gib=size_gib or node.size_gib,
        snapshot_id=node.snapshot_id,
        encrypted=bool(chain.kms_key_id),
    )


def _mapped(call: Call, request: CreateImageRequest) -> tuple[list[ImageDisk], Chain]:
    """Return the disks of a mapping, the system disk first, and the system disk's chain."""
    system: tuple[Chain, ImageDisk] | None = None
    disks: list[ImageDisk] = []
    for mapping in request.disk_device_mapping:
        if not mapping.snapshot_id:
            disks.append(_empty_disk(mapping))
            continue
        chain, node = _snapshot(call, mapping.snapshot_id, request.region_id)
        type_ = mapping.disk_type or node.disk_type
        if type_ == "system" and node.disk_type != "system":
            raise ApiError(
                "UserNotInTheWhiteList",
                403,
                f"The snapshot {node.snapshot_id} is of a data disk and can't be the image's "
                "system disk. Leave its DiskType out, and add the snapshot of a system disk.",
            )
        if mapping.size and mapping.size < node.size_gib:
            raise ApiError(
                "InvalidSize.ValueNotSupported",
                400,
                f"The size {mapping.size} GiB is below the {node.size_gib} GiB of the snapshot "
                f"{node.snapshot_id}. Give that size or more, or none.",
            )
        disk = _image_disk(chain, node, type_, mapping.device, mapping.size)
        if type_ == "data":
            disks.append(disk)
        elif system is None:
            system = chain, disk
        else:
            raise ApiError(
                "OperationDenied",
                400,
                f"The snapshots {system[1].snapshot_id} and {node.snapshot_id} are both of system "
                "disks; an image has one system disk. Give one of them DiskType data, or leave it "
                "out.",
            )
    if system is None:
        raise ApiError(
            "InvalidSystemSnapshot.Missing",
            403,
            "No snapshot of a system disk was given; data disks alone make no image. Add one to "
            "DiskDeviceMapping.",
        )
    disks.insert(0, system[1])
    name_devices(disks)
    return disks, system[0]


def _empty_disk(mapping: DiskDeviceMapping) -> ImageDisk:
    """Return a disk that is made empty, of 5 GiB unless said otherwise (IM-2)."""
    if mapping.disk_type == "system":
        raise ApiError(
            "InvalidSystemSnapshot.Missing",
            403,
            "DiskType system was given without a SnapshotId; a system disk is made from a "
            "snapshot.",
        )
    return ImageDisk(
        type="data", device=mapping.device, size_gib=mapping.size or DEFAULT_DATA_DISK_GIB
    )


# From an instance


def _from_instance(call: Call, request: CreateImageRequest) -> ImageRecord:
    """Capture every disk of the instance; the image is Creating until that is done (IM-7)."""
    from snapcli.ecs.snapshot_creation import new_node

    instance = call.instance(request.instance_id)
    disks = call.disks_of(instance)
    _check_instance(call, request, instance, disks)
    if request.dry_run:
        raise DryRunOperation
    held = []
    ready_at = call.now
    for disk in disks:
        chain = call.new_chain(disk)
        node = new_node(call, disk, chain)
        node.description = f"Taken for an image of the instance {instance.instance_id}."
        capture_node(call, disk, chain, node)
        held.append(_image_disk(chain, node, disk.type, disk.device))
        ready_at = max(ready_at, node.ready_at)
    image = new_image(call, request.region_id, request.image_name, held, ready_at)
    image.source_instance_id = instance.instance_id
    _describe_system(call, request, image, instance.image_id)
    image.os_name = image.os_name or instance.os_name
    return image


def _check_instance(
    call: Call, request: CreateImageRequest, instance: InstanceRecord, disks: list[DiskRecord]
) -> None:
    from snapcli.ecs.snapshot_creation import (
        check_capturable,
        check_none_in_creation,
        check_quota,
    )

    if instance.region_id != request.region_id:
        raise ApiError(
            "InvalidInstanceId.NotFound",
            404,
            f"The instance {instance.instance_id} is in {instance.region_id}, not in "
            f"{request.region_id}.",
        )
    power = instance_status(instance, call.now)
    if power not in ("Running", "Stopped"):
        raise ApiError(
            "IncorrectInstanceStatus",
            400,
            f"The instance {instance.instance_id} is {power}; it must be Running or Stopped.",
        )
    if not disks or disks[0].type != "system":
        raise ApiError(
            "InvalidInstance.NotFoundSystemDisk",
            400,
            f"The instance {instance.instance_id} has no system disk at present; attach it with "
            "AttachDisk and Bootable true.",
        )
    for disk in disks:
        if CATEGORIES[disk.category].local:
            raise ApiError(
                "InvalidDiskCategory.CreateImage",
                400,
                f"The disk {disk.disk_id} of the instance {instance.instance_id} is a local disk "
                f"({disk.category}), which has no snapshots; detach or release it, or make the "
                "image from snapshots of the other disks.",
            )
        check_capturable(call, disk)
        chain = call.chain(disk.region_id, disk.disk_id)
        if chain is not None:
            check_none_in_creation(call, disk, chain)
            check_quota(call, disk, chain)


def _describe_system(
    call: Call, request: CreateImageRequest, image: ImageRecord, source_image_id: str
) -> None:
    """Fill in the operating system: as asked for, else that of the source's image."""
    source = find_image(call, source_image_id, request.region_id) if source_image_id else None
    if source is not None:
        image.platform, image.os_type, image.os_name = (
            source.platform,
            source.os_type,
            source.os_name,
        )
        if source.record is not None:
            image.architecture, image.boot_mode = (
                source.record.architecture,
                source.record.boot_mode,
            )
    if request.platform:
        if request.platform != image.platform:
            image.os_name = ""
        image.platform, image.os_type = request.platform, os_type_of(request.platform)
    image.architecture = request.architecture or image.architecture
    image.boot_mode = request.boot_mode or image.boot_mode
