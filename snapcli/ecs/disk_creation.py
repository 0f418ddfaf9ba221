"""CreateDisk: a new disk, empty or from a snapshot, in any zone of its region (OV-3)."""

from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError, missing_parameter
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import ClientToken, Description400, DiskName, labelled, limits
from snapcli.ecs.call import Call
from snapcli.ecs.disk_categories import size_range_gib
from snapcli.ecs.disk_making import (
    connect_to_next,
    make_bytes,
    new_disk,
    require_category,
    require_performance_level,
    source_snapshot,
)
from snapcli.ecs.keys import check_encryption, encrypt
from snapcli.ecs.policy_rules import apply_to_new_disk, policy_for_new_disk
from snapcli.ecs.records import Chain, InstanceRecord, SnapshotRecord
from snapcli.ecs.region_rules import require_region, require_zone
from snapcli.ecs.snapshot_rules import (
    require_essd_for_local,
    require_not_local,
    require_size_of_local,
    require_zone_of_local,
)
from snapcli.ecs.tags import tags_to_set
from snapcli.ecs.wire import Tag


class CreateDiskRequest(Request):
    """What kind of disk to create, where, and from what."""

    ignored = (
        "AdvancedFeatures", "Arn", "EncryptAlgorithm", "StorageClusterId", "StorageSetId",
        "StorageSetPartitionNumber",
    )  # fmt: skip
    local = ("auto_snapshot_policy_id",)
    region_id: Annotated[str, "The region to create it in."] = ""
    zone_id: Annotated[str, "The zone; not with InstanceId."] = ""
    instance_id: Annotated[str, "Attach it to this instance at once, in its zone."] = ""
    size: (
        Annotated[
            int,
            limits("InvalidSize.ValueNotSupported", 400, "a size in GiB", ge=1),
            "Its size in GiB.",
        ]
        | None
    ) = None
    snapshot_id: Annotated[str, "Make it from this snapshot, at least of its disk's size."] = ""
    disk_category: Annotated[str, "Its category, such as cloud_essd."] = "cloud"
    performance_level: Annotated[str, "PL0 to PL3 (ESSD only); PL1 by default."] = ""
    disk_name: Annotated[DiskName, "A name for people."] = ""
    description: Annotated[Description400, "A description for people."] = ""
    encrypted: Annotated[bool, "Encrypt it; one made from a snapshot is what that is."] | None = (
        None
    )
    kms_key_id: Annotated[str, "With this key; by default the region's own."] = msgspec.field(
        name="KMSKeyId", default=""
    )
    multi_attach: Annotated[str, "Enabled or Disabled, kept as given."] = "Disabled"
    bursting_enabled: Annotated[bool, "Kept as given (cloud_auto only)."] = False
    provisioned_iops: Annotated[int, labelled("Long"), "Kept as given (cloud_auto only)."] = 0
    resource_group_id: Annotated[str, "The resource group."] = ""
    tag: Annotated[list[Tag], "Tags to set on the disk, up to 20."] = []
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""
    auto_snapshot_policy_id: Annotated[str, "A policy to apply to it."] = ""


class CreateDiskResponse(Response):
    """The new disk."""

    unanswered = ("OrderId",)
    disk_id: str


@operation("CreateDisk", lock=True, changes=True)
def create_disk(call: Call, request: CreateDiskRequest) -> CreateDiskResponse:
    """Create a disk that is empty or holds a snapshot's very bytes."""
    region = require_region(request.region_id)
    instance = _instance(call, request)
    zone_id = instance.zone_id if instance else request.zone_id
    if not zone_id:
        raise missing_parameter("ZoneId")
    require_zone(region, zone_id)
    source = None
    if request.snapshot_id:
        source = source_snapshot(
            call, request.snapshot_id, region.region_id, "InvalidSnapshotId.NotFound", 404
        )
        _check_local(request, source[1], zone_id)
    size_gib = _size_gib(request, source)
    policy_for_new_disk(
        call, region.region_id, request.auto_snapshot_policy_id, request.disk_category
    )
    tags = tags_to_set(call, request.tag)
    disk = new_disk(
        call,
        region.region_id,
        zone_id,
        type_="data",
        category=request.disk_category,
        performance_level=request.performance_level,
        size_gib=size_gib,
    )
    disk.name = request.disk_name
    disk.description = request.description
    disk.multi_attach = request.multi_attach
    disk.burst = request.bursting_enabled
    disk.provisioned_iops = request.provisioned_iops
    disk.resource_group_id = request.resource_group_id
    disk.tags = tags
    if source is None:
        encrypt(call, disk, request.encrypted, request.kms_key_id)
    apply_to_new_disk(call, disk, request.auto_snapshot_policy_id)
    if instance is not None:
        connect_to_next(call, disk, instance)
    make_bytes(call, disk, source)
    return CreateDiskResponse(disk_id=disk.disk_id)


def _instance(call: Call, request: CreateDiskRequest) -> InstanceRecord | None:
    """Return the instance to attach the new disk to, when one was named."""
    if not request.instance_id:
        return None
    if request.zone_id:
        raise ApiError(
            "InvalidParam.ZoneIdAndInstanceId.Conflict",
            403,
            "ZoneId and InstanceId were both given. With InstanceId the disk is made in the "
            "instance's zone; leave ZoneId out.",
        )
    instance = call.instance(request.instance_id)
    if instance.region_id != request.region_id:
        raise ApiError(
            "InvalidInstanceId.NotFound",
            404,
            f"The instance {instance.instance_id} is in {instance.region_id}, not in "
            f"{request.region_id}.",
        )
    return instance


def _check_local(request: CreateDiskRequest, node: SnapshotRecord, zone_id: str) -> None:
    """Check what only a local snapshot asks of the disk that is made from it (LS-6, LS-7, LS-8)."""
    require_zone_of_local(node, zone_id, "OperationDenied.SnapshotNotAllowed", 403)
    require_essd_for_local(
        node, request.disk_category, "InvalidDiskCategory.ConflictSnapshotCategory", 400
    )
    require_size_of_local(node, request.size, "InvalidDiskSize.NotSupported", 400)
    if request.encrypted or request.kms_key_id:
        require_not_local(node, "encrypted", "InvalidEncrypted.NotMatchSnapshot", 403)


def _size_gib(request: CreateDiskRequest, source: tuple[Chain, SnapshotRecord] | None) -> int:
    """Check category, level and size, and return the size: at least the snapshot's disk's."""
    category = require_category(request.disk_category, "InvalidDiskCategory.ValueNotSupported", 400)
    level = require_performance_level(request.performance_level)
    check_encryption(request.encrypted, request.kms_key_id, category, source)
    if request.size is None and source is None:
        raise missing_parameter("Size or SnapshotId")
    size_gib = max(request.size or 0, source[1].size_gib if source else 0)
    least, most = size_range_gib(category, level)
    if size_gib < least and level in ("PL2", "PL3"):
        raise ApiError(
            "OperationDenied.PerformanceLevelNotMatch",
            403,
            f"The size {size_gib} GiB is too small for {level}: it asks for {least} GiB or more.",
        )
    if not least <= size_gib <= most:
        raise ApiError(
            "InvalidSize.ValueNotSupported",
            400,
            f"The size {size_gib} GiB is out of range: a {category} disk has {least} to {most} "
            "GiB.",
        )
    return size_gib
