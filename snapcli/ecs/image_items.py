"""An image as responses show it. Pure formatting of a record at an instant, no rules."""

import msgspec

from snapcli.api.operation import Item
from snapcli.ecs import image_state
from snapcli.ecs.call import Call
from snapcli.ecs.image_data import PUBLIC_SINCE, PublicImage, public_family
from snapcli.ecs.records import ImageDisk, ImageRecord
from snapcli.ecs.wire import TagSet, seconds_time, tag_set

_SYSTEM_OWNER = 1  # of the public images


class FamilyDiskItem(Item):
    """A disk of an image in a response."""

    device: str
    format: str
    import_oss_bucket: str = msgspec.field(name="ImportOSSBucket")
    import_oss_object: str = msgspec.field(name="ImportOSSObject")
    size: str
    snapshot_id: str
    type: str


class FamilyDiskSet(Item):
    """The disks of an image in a response."""

    disk_device_mapping: list[FamilyDiskItem]


class DiskItem(FamilyDiskItem, kw_only=True):
    """A disk of an image in a list, with how far its making has come."""

    encrypted: bool
    progress: str
    remain_time: int


class DiskSet(Item):
    """The disks of an image in a list."""

    disk_device_mapping: list[DiskItem]


class _AnyImage(Item, kw_only=True):
    """What every response says of an image."""

    architecture: str
    creation_time: str
    description: str
    image_family: str
    image_id: str
    image_name: str
    image_owner_alias: str
    image_version: str
    is_copied: bool
    is_self_shared: str
    is_subscribed: bool = False
    is_support_cloudinit: bool = True
    is_support_io_optimized: bool = True
    os_name: str = msgspec.field(name="OSName")
    os_type: str = msgspec.field(name="OSType")
    platform: str
    product_code: str = ""
    progress: str
    size: int
    status: str
    tags: TagSet
    usage: str


class FamilyImageItem(_AnyImage, kw_only=True):
    """The newest image of a family."""

    disk_device_mappings: FamilyDiskSet


class ImageItem(_AnyImage, kw_only=True):
    """An image in a list."""

    unanswered = (
        "DetectionOptions", "Features", "LoginAsNonRootSupported", "SecureBootOptions",
        "SupplierName",
    )  # fmt: skip
    boot_mode: str
    disk_device_mappings: DiskSet
    image_owner_id: int
    is_public: bool
    license_type: str
    os_name_en: str = msgspec.field(name="OSNameEn")
    resource_group_id: str
    usable: bool


def item_of(call: Call, owner: Call, image: ImageRecord, used: bool) -> ImageItem:
    """Return a custom image as its list shows it; `used` says whether it made an instance.

    Whoever it is shared with is told neither its tags nor its snapshots.
    """
    own = owner is call
    progress = f"{image_state.progress_percent(image, call.now)}%"
    status = image_state.status(image, call.now)
    seconds_left = max(0, -int((call.now - image.ready_at).total_seconds() // 1))
    return ImageItem(
        architecture=image.architecture,
        boot_mode=image.boot_mode,
        creation_time=seconds_time(image.created_at),
        description=image.description,
        disk_device_mappings=DiskSet(
            disk_device_mapping=[
                _disk_item(disk, own, progress, seconds_left if status == "Creating" else 0)
                for disk in image.disks
            ]
        ),
        image_family=image.family,
        image_id=image.image_id,
        image_name=image.name,
        image_owner_alias="self" if own else "others",
        image_owner_id=int(owner.account_id),
        image_version=image.version,
        is_copied=bool(image.source_image_id),
        is_public=image.public,
        is_self_shared="True" if own and image.shared_with else "",
        license_type=image.license_type,
        os_name=image.os_name,
        os_name_en=image.os_name,
        os_type=image.os_type,
        platform=image.platform,
        progress=progress,
        resource_group_id=image.resource_group_id if own else "",
        size=image.disks[0].size_gib,
        status=status,
        tags=tag_set(image.tags if own else {}),
        usable=status == "Available",
        usage="instance" if used else "none",
    )


def _disk_item(disk: ImageDisk, own: bool, progress: str, seconds_left: int) -> DiskItem:
    return DiskItem(
        device=disk.device,
        encrypted=disk.encrypted,
        format=disk.source_format,
        import_oss_bucket=disk.source_bucket if own else "",
        import_oss_object=disk.source_object if own else "",
        progress=progress,
        remain_time=seconds_left,
        size=str(disk.size_gib),
        snapshot_id=disk.snapshot_id if own else "",
        type=disk.type,
    )


def public_item(image: PublicImage, used: bool) -> ImageItem:
    """Return a public image as the list shows it."""
    return ImageItem(
        architecture="x86_64",
        boot_mode="BIOS",
        creation_time=seconds_time(PUBLIC_SINCE),
        description="",
        disk_device_mappings=DiskSet(disk_device_mapping=[]),
        image_family=public_family(image),
        image_id=image.image_id,
        image_name=image.image_id,
        image_owner_alias="system",
        image_owner_id=_SYSTEM_OWNER,
        image_version="",
        is_copied=False,
        is_public=True,
        is_self_shared="",
        license_type="Auto",
        os_name=image.os_name_chinese,
        os_name_en=image.os_name,
        os_type=image.os_type,
        platform=image.platform,
        progress="100%",
        resource_group_id="",
        size=image.size_gib,
        status="Available",
        tags=tag_set({}),
        usable=True,
        usage="instance" if used else "none",
    )
