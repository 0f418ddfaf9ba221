"""DescribeDisks and ModifyDiskAttribute."""

from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.paging import PagedRequest, PagedResponse, page
from snapcli.api.types import Description, DiskName, choice, json_list, limits
from snapcli.ecs.call import Call
from snapcli.ecs.disk_categories import CATEGORIES
from snapcli.ecs.filters import CreationWindow, Filter
from snapcli.ecs.phases import disk_status
from snapcli.ecs.records import DiskRecord
from snapcli.ecs.region_rules import require_region, require_zone
from snapcli.ecs.tags import check_filter, has_tags
from snapcli.ecs.wire import Tag, TagSet, seconds_time, tag_set


class DescribeDisksRequest(PagedRequest):
    """Which disks to list; all filters must match."""

    missing = {"RegionId": ("MissingParamter.RegionId", 400)}
    ignored = ("AdditionalAttributes", "EnableShared", "LockReason")
    region_id: Annotated[str, "The region to look in."] = ""
    disk_ids: (
        Annotated[list[str], json_list("InvalidDiskIds.Malformed", 403, 100), "Only these."] | None
    ) = None
    instance_id: Annotated[str, "Only attached to this instance."] = ""
    zone_id: Annotated[str, "Only in this zone."] = ""
    disk_name: Annotated[str, "Only with exactly this name."] = ""
    disk_type: Annotated[
        str,
        choice("InvalidDiskType.ValueNotSupported", 400, "all", "system", "data"),
        "Only system or only data disks.",
    ] = "all"
    category: Annotated[
        str,
        choice("InvalidCategory.ValueNotSupported", 400, "all", *CATEGORIES),
        "Only of this category.",
    ] = "all"
    status: Annotated[
        str,
        choice(
            "InvalidStatus.ValueNotSupported",
            400,
            "In_use",
            "Available",
            "Attaching",
            "Detaching",
            "Creating",
            "ReIniting",
            "All",
        ),
        "Only in this status.",
    ] = "All"
    snapshot_id: Annotated[str, "Only made from this snapshot."] = ""
    auto_snapshot_policy_id: Annotated[str, "Only with this policy."] = ""
    enable_automated_snapshot_policy: Annotated[bool, "Only with, or without, a policy."] | None = (
        None
    )
    enable_auto_snapshot: Annotated[bool, "Only with this setting."] | None = None
    delete_auto_snapshot: Annotated[bool, "Only with this setting."] | None = None
    delete_with_instance: Annotated[bool, "Only with this setting."] | None = None
    portable: Annotated[bool, "Only those that can, or can't, be detached."] | None = None
    encrypted: Annotated[bool, "Only encrypted or only unencrypted ones."] | None = None
    kms_key_id: Annotated[str, "Only encrypted with this key."] = msgspec.field(
        name="KMSKeyId", default=""
    )
    disk_charge_type: (
        Annotated[
            str,
            choice("InvalidDiskChargeType.NotFound", 404, "PostPaid", "PrePaid"),
            "Only paid for this way.",
        ]
        | None
    ) = None
    multi_attach: (
        Annotated[
            str,
            choice("InvalidParameter.MultiAttach", 403, "Enabled", "Disabled"),
            "Only with this setting.",
        ]
        | None
    ) = None
    resource_group_id: Annotated[str, "Only of this resource group."] = ""
    tag: Annotated[list[Tag], "Only with these tags; a key alone matches any value."] = []
    filter: Annotated[list[Filter], "Only created in a span: CreationStartTime, …EndTime."] = []
    dry_run: Annotated[bool, "Check the request only."] = False


class AttachmentItem(Item):
    """An attachment of a disk in a response."""

    attached_time: str
    device: str
    instance_id: str


class AttachmentSet(Item):
    """The attachments of a disk."""

    attachment: list[AttachmentItem]


class MountInstanceSet(Item):
    """The instances a disk is mounted on."""

    mount_instance: list[AttachmentItem]


class OperationLockItem(Item):
    """A lock on a disk in a response."""

    lock_reason: str


class OperationLockSet(Item):
    """The locks on a disk; none here."""

    operation_lock: list[OperationLockItem]


class DiskItem(Item):
    """A disk in a response."""

    unanswered = (
        "BdfId", "DataSource", "Placement", "SourceDiskId", "StorageClusterId", "StorageSetId",
        "StorageSetPartitionNumber", "ThroughputRead", "ThroughputWrite",
    )  # fmt: skip
    attached_time: str
    attachments: AttachmentSet
    auto_snapshot_policy_id: str
    bursting_enabled: bool
    category: str
    creation_time: str
    delete_auto_snapshot: bool
    delete_with_instance: bool
    description: str
    detached_time: str
    device: str
    disk_charge_type: str
    disk_id: str
    disk_name: str
    enable_auto_snapshot: bool
    enable_automated_snapshot_policy: bool
    encrypted: bool
    expired_time: str
    iops: int = msgspec.field(name="IOPS")
    iops_read: int = msgspec.field(name="IOPSRead")
    iops_write: int = msgspec.field(name="IOPSWrite")
    image_id: str
    instance_id: str
    kms_key_id: str = msgspec.field(name="KMSKeyId")
    mount_instance_num: int
    mount_instances: MountInstanceSet
    multi_attach: str
    operation_locks: OperationLockSet
    performance_level: str | msgspec.UnsetType
    portable: bool
    product_code: str
    provisioned_iops: int
    region_id: str
    resource_group_id: str
    serial_number: str
    size: int
    source_snapshot_id: str
    status: str
    tags: TagSet
    throughput: int
    type: str
    zone_id: str


class DiskSet(Item):
    """The disks of a response."""

    disk: list[DiskItem]


class DescribeDisksResponse(PagedResponse):
    """A page of disks, newest first."""

    disks: DiskSet


@operation("DescribeDisks", lock=False, changes=False)
def describe_disks(call: Call, request: DescribeDisksRequest) -> DescribeDisksResponse:
    """List a region's disks with their state at this instant; changes nothing."""
    region = require_region(request.region_id, "InvalidRegion.NotFound", 400)
    if request.zone_id:
        require_zone(region, request.zone_id, "InvalidZoneId.NotFound", 400)
    check_filter(request.tag)
    window = CreationWindow(request.filter)
    found = [
        disk
        for disk in call.inventory(request.region_id).disks.values()
        if disk.created_at in window and _matches(call, request, disk)
    ]
    found.sort(key=lambda disk: disk.created_at, reverse=True)
    cut = page(found, request, most_results=500)
    return DescribeDisksResponse(
        disks=DiskSet(disk=[_item(call, disk) for disk in cut.items]),
    ).at(cut)


def _matches(call: Call, request: DescribeDisksRequest, disk: DiskRecord) -> bool:
    def wanted(given: str | bool | None, value: str | bool) -> bool:
        return given is None or given == "" or given == value

    return (
        (request.disk_ids is None or disk.disk_id in request.disk_ids)
        and wanted(request.instance_id, disk.instance_id)
        and wanted(request.zone_id, disk.zone_id)
        and wanted(request.disk_name, disk.name)
        and request.disk_type in ("all", disk.type)
        and request.category in ("all", disk.category)
        and request.status in ("All", disk_status(disk, call.now))
        and wanted(request.snapshot_id, disk.source_snapshot_id)
        and wanted(request.auto_snapshot_policy_id, disk.policy_id)
        and wanted(request.enable_automated_snapshot_policy, bool(disk.policy_id))
        and wanted(request.enable_auto_snapshot, disk.enable_auto_snapshot)
        and wanted(request.delete_auto_snapshot, disk.delete_auto_snapshot)
        and wanted(request.delete_with_instance, disk.delete_with_instance)
        and wanted(request.portable, disk.portable)
        and wanted(request.encrypted, bool(disk.kms_key_id))
        and wanted(request.kms_key_id, disk.kms_key_id)
        and wanted(request.disk_charge_type, "PostPaid")
        and wanted(request.multi_attach, disk.multi_attach)
        and wanted(request.resource_group_id, disk.resource_group_id)
        and has_tags(disk.tags, request.tag)
    )


def _item(call: Call, disk: DiskRecord) -> DiskItem:
    iops = disk_iops(disk)
    attachments = (
        [
            AttachmentItem(
                attached_time=seconds_time(disk.attached_at),
                device=disk.device,
                instance_id=disk.instance_id,
            )
        ]
        if disk.instance_id
        else []
    )
    return DiskItem(
        attached_time=seconds_time(disk.attached_at),
        attachments=AttachmentSet(attachment=attachments),
        auto_snapshot_policy_id=disk.policy_id,
        bursting_enabled=disk.burst,
        category=disk.category,
        creation_time=seconds_time(disk.created_at),
        delete_auto_snapshot=disk.delete_auto_snapshot,
        delete_with_instance=disk.delete_with_instance,
        description=disk.description,
        detached_time=seconds_time(disk.detached_at),
        device=disk.device,
        disk_charge_type="PostPaid",
        disk_id=disk.disk_id,
        disk_name=disk.name,
        enable_auto_snapshot=disk.enable_auto_snapshot,
        enable_automated_snapshot_policy=bool(disk.policy_id),
        encrypted=bool(disk.kms_key_id),
        expired_time="2999-09-08T16:00Z",
        iops=iops,
        iops_read=iops,
        iops_write=iops,
        image_id=disk.image_id,
        instance_id=disk.instance_id,
        kms_key_id=disk.kms_key_id,
        mount_instance_num=len(attachments),
        mount_instances=MountInstanceSet(mount_instance=attachments),
        multi_attach=disk.multi_attach,
        operation_locks=OperationLockSet(operation_lock=[]),
        performance_level=disk.performance_level or msgspec.UNSET,
        portable=disk.portable,
        product_code="",
        provisioned_iops=disk.provisioned_iops,
        region_id=disk.region_id,
        resource_group_id=disk.resource_group_id,
        serial_number=disk.disk_id[2:],
        size=disk.size_gib,
        source_snapshot_id=disk.source_snapshot_id,
        status=disk_status(disk, call.now),
        tags=tag_set(disk.tags),
        throughput=disk_throughput(disk),
        type=disk.type,
        zone_id=disk.zone_id,
    )


# Base, per GiB and most, as published for each category and level.
_IOPS = {
    "cloud": (200, 0, 200),
    "cloud_efficiency": (1800, 8, 5000),
    "cloud_ssd": (1800, 30, 25000),
    "cloud_essd PL0": (1800, 12, 10000),
    "cloud_essd PL1": (1800, 50, 50000),
    "cloud_essd PL2": (1800, 50, 100000),
    "cloud_essd PL3": (1800, 50, 1000000),
    "cloud_auto": (1800, 50, 50000),
    "cloud_essd_entry": (1800, 8, 6000),
}


def disk_iops(disk: DiskRecord) -> int:
    """Return the I/O operations a second that a disk of its kind and size would have."""
    base, per_gib, most = _IOPS.get(f"{disk.category} {disk.performance_level}".strip(), (0, 0, 0))
    return min(base + per_gib * disk.size_gib, most)


def disk_throughput(disk: DiskRecord) -> int:
    """Return the MB a second that a disk of its kind and size would have."""
    most = {"PL0": 180, "PL1": 350, "PL2": 750, "PL3": 4000}.get(disk.performance_level, 140)
    return min(120 + disk.size_gib // 2, most)


class ModifyDiskAttributeRequest(Request):
    """What to change of one or several disks; what is not given stays."""

    ignored = ("RegionId",)
    disk_id: Annotated[str, "The disk to change."] = ""
    disk_ids: Annotated[
        list[str],
        limits("InvalidParameter", 400, "up to 100 disk ids", max_length=100),
        "Several disks, up to 100; not with DiskId.",
    ] = []
    disk_name: Annotated[DiskName, "The new name."] = ""
    description: Annotated[Description, "The new description."] = ""
    delete_auto_snapshot: (
        Annotated[bool, "Delete its automatic snapshots with the disk."] | None
    ) = None
    delete_with_instance: Annotated[bool, "Release it with its instance."] | None = None
    enable_auto_snapshot: Annotated[bool, "Let policies capture it."] | None = None
    bursting_enabled: Annotated[bool, "Kept as given (cloud_auto only)."] | None = None


class ModifyDiskAttributeResponse(Response):
    """Nothing but the RequestId."""


@operation("ModifyDiskAttribute", lock=True, changes=True)
def modify_disk_attribute(
    call: Call, request: ModifyDiskAttributeRequest
) -> ModifyDiskAttributeResponse:
    """Change the attributes of one or several disks, of all or none."""
    disks = [call.disk(disk_id) for disk_id in _wanted_disks(request)]
    if not _names_something(request):
        raise ApiError(
            "NoAttributeToModify",
            400,
            "Nothing to change was given. Give DiskName, Description, DeleteAutoSnapshot, "
            "DeleteWithInstance, EnableAutoSnapshot or BurstingEnabled.",
        )
    for disk in disks:
        if request.bursting_enabled is not None and disk.category != "cloud_auto":
            raise ApiError(
                "BurstingEnabledForDiskCategoryUnsupported",
                400,
                f"The disk {disk.disk_id} is a {disk.category} disk; only cloud_auto disks burst.",
            )
        _change(disk, request)
    return ModifyDiskAttributeResponse()


def _wanted_disks(request: ModifyDiskAttributeRequest) -> list[str]:
    if request.disk_id and request.disk_ids:
        raise ApiError(
            "ParameterConflict.DiskIdAndDiskIds",
            400,
            "DiskId and DiskIds.N were both given; give one of them.",
        )
    if not request.disk_id and not request.disk_ids:
        raise ApiError(
            "MissingParameter.DiskIdOrDiskIds", 400, "Neither DiskId nor DiskIds.N was given."
        )
    return [request.disk_id] if request.disk_id else request.disk_ids


def _names_something(request: ModifyDiskAttributeRequest) -> bool:
    switches = (
        request.delete_auto_snapshot,
        request.delete_with_instance,
        request.enable_auto_snapshot,
        request.bursting_enabled,
    )
    return bool(request.disk_name or request.description) or any(s is not None for s in switches)


def _change(disk: DiskRecord, request: ModifyDiskAttributeRequest) -> None:
    disk.name = request.disk_name or disk.name
    disk.description = request.description or disk.description
    if request.delete_auto_snapshot is not None:
        disk.delete_auto_snapshot = request.delete_auto_snapshot
    if request.delete_with_instance is not None:
        disk.delete_with_instance = request.delete_with_instance
    if request.enable_auto_snapshot is not None:
        disk.enable_auto_snapshot = request.enable_auto_snapshot
    if request.bursting_enabled is not None:
        disk.burst = request.bursting_enabled
