"""RunInstances: new instances with a system disk from an image and data disks, running at once."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError, DryRunOperation, missing_parameter
from snapcli.api.operation import Group, Item, Request, Response, operation
from snapcli.api.types import (
    ClientToken,
    Description400,
    DiskName,
    InstanceName,
    labelled,
    limits,
)
from snapcli.ecs.call import Call
from snapcli.ecs.disk_categories import check_size
from snapcli.ecs.disk_making import (
    DATA_DEVICES,
    SYSTEM_DEVICE,
    connect,
    free_device,
    make_bytes,
    new_disk,
    require_category,
    require_performance_level,
    source_snapshot,
)
from snapcli.ecs.image_disks import data_disks, note_image, source_of, system_source
from snapcli.ecs.image_rules import UsableImage
from snapcli.ecs.instance_images import image_to_start, note_system, system_disk_size_gib
from snapcli.ecs.instance_types import require_instance_type
from snapcli.ecs.keys import check_encryption, encrypt
from snapcli.ecs.phases import phases_from
from snapcli.ecs.policy_rules import apply_to_new_disk, policy_for_new_disk
from snapcli.ecs.records import Chain, ImageDisk, InstanceRecord, Inventory, SnapshotRecord
from snapcli.ecs.region_data import zone_ids
from snapcli.ecs.region_rules import require_region, require_zone
from snapcli.ecs.snapshot_rules import (
    require_essd_for_local,
    require_not_local,
    require_size_of_local,
    require_zone_of_local,
)
from snapcli.ecs.tags import tags_to_set
from snapcli.ecs.wire import Tag, instant_of

DEFAULT_CATEGORY = "cloud_efficiency"
_LEAST_LEAD = timedelta(minutes=30)


class SystemDisk(Group):
    """The system disk of each new instance."""

    ignored = ("BurstingEnabled", "EncryptAlgorithm", "ProvisionedIops", "StorageClusterId")
    size: (
        Annotated[
            int,
            labelled("String"),
            limits("InvalidSystemDiskSize.ValueNotSupported", 400, "a size in GiB"),
            "Its size in GiB; by default 40 or the image's.",
        ]
        | None
    ) = None
    category: Annotated[str, "Its category, such as cloud_essd."] = DEFAULT_CATEGORY
    performance_level: Annotated[str, "PL0 to PL3 (ESSD only)."] = ""
    disk_name: Annotated[DiskName, "Its name."] = ""
    description: Annotated[Description400, "Its description."] = ""
    auto_snapshot_policy_id: Annotated[str, "A policy to apply to it."] = ""
    encrypted: Annotated[bool, "Encrypt it."] | None = None
    kms_key_id: Annotated[str, "With this key; by default the region's own."] = msgspec.field(
        name="KMSKeyId", default=""
    )


class DataDisk(Group):
    """A data disk of each new instance."""

    ignored = ("BurstingEnabled", "EncryptAlgorithm", "ProvisionedIops", "StorageClusterId")
    size: (
        Annotated[
            int,
            limits("InvalidDataDiskSize.ValueNotSupported", 400, "a size in GiB"),
            "Its size in GiB.",
        ]
        | None
    ) = None
    snapshot_id: Annotated[str, "Make it from this snapshot."] = ""
    category: Annotated[str, "Its category, such as cloud_essd."] = DEFAULT_CATEGORY
    performance_level: Annotated[str, "PL0 to PL3 (ESSD only)."] = ""
    disk_name: Annotated[DiskName, "Its name."] = ""
    description: Annotated[Description400, "Its description."] = ""
    device: Annotated[str, "Its device name, /dev/xvdb to /dev/xvdz."] = ""
    delete_with_instance: Annotated[bool, "Release it with the instance."] = True
    auto_snapshot_policy_id: Annotated[str, "A policy to apply to it."] = ""
    encrypted: (
        Annotated[
            bool,
            labelled("String"),
            "Encrypt it; one made from a snapshot is what that is.",
        ]
        | None
    ) = None
    kms_key_id: Annotated[str, "With this key; by default the region's own."] = msgspec.field(
        name="KMSKeyId", default=""
    )


class RunInstancesRequest(Request):
    """What to create, how many, and with which disks."""

    # No network, no purchase, no guest configuration and no hardware is emulated here.
    ignored = (
        "Affinity", "Arn", "AutoPay", "AutoRenew", "AutoRenewPeriod", "ClockOptions",
        "CpuOptions.Core", "CpuOptions.Numa", "CpuOptions.ThreadsPerCore",
        "CpuOptions.TopologyType", "DedicatedHostId", "DeploymentSetGroupNo", "DeploymentSetId",
        "HibernationOptions.Configured", "HostNames", "HpcClusterId", "HttpEndpoint",
        "HttpPutResponseHopLimit", "HttpTokens", "ImageOptions",
        "InternetChargeType", "InternetMaxBandwidthIn", "InternetMaxBandwidthOut", "IoOptimized",
        "Ipv6Address", "Ipv6AddressCount", "Isp", "LaunchTemplateId", "LaunchTemplateName",
        "LaunchTemplateVersion", "NetworkInterface", "NetworkInterfaceQueueNumber",
        "NetworkOptions", "Password", "PasswordInherit", "Period", "PeriodUnit",
        "PrivateDnsNameOptions", "PrivatePoolOptions.Id", "PrivatePoolOptions.MatchCriteria",
        "RamRoleName", "SchedulerOptions.DedicatedHostClusterId", "SecurityEnhancementStrategy",
        "SecurityOptions.ConfidentialComputingMode", "SecurityOptions.TrustedSystemMode",
        "SpotDuration", "SpotInterruptionBehavior", "SpotPriceLimit", "SpotStrategy",
        "StorageSetId", "StorageSetPartitionNumber", "Tenancy",
    )  # fmt: skip
    region_id: Annotated[str, "The region to create them in."] = ""
    image_id: Annotated[str, "The image of the system disk."] = ""
    image_family: Annotated[str, "Without ImageId: the newest image of this family."] = ""
    instance_type: Annotated[str, "The instance type, such as ecs.g7.large."] = ""
    zone_id: Annotated[str, "The zone; by default one of the region."] = ""
    amount: Annotated[
        int, limits("InvalidParam.Amount", 403, "1 to 100", ge=1, le=100), "How many."
    ] = 1
    min_amount: (
        Annotated[
            int,
            limits("InvalidMinAmount.Malformed", 400, "1 to 100", ge=1, le=100),
            "At least so many; nothing runs out here, so always Amount are made.",
        ]
        | None
    ) = None
    instance_name: Annotated[InstanceName, "The instances' name."] = ""
    unique_suffix: Annotated[bool, "Number the names: web001, web002, …"] = False
    host_name: Annotated[str, "The host name inside."] = ""
    description: Annotated[Description400, "A description for people."] = ""
    system_disk: Annotated[SystemDisk, "The system disk."] | None = None
    data_disk: Annotated[list[DataDisk], "Data disks, in the order of their device names."] = []
    security_group_id: Annotated[str, "The security group."] = ""
    security_group_ids: Annotated[list[str], "Several security groups."] = []
    v_switch_id: Annotated[str, "The vSwitch."] = ""
    private_ip_address: Annotated[str, "The private address."] = ""
    key_pair_name: Annotated[str, "The key pair bound to it."] = ""
    user_data: Annotated[str, "User data (Base64), kept as given."] = ""
    instance_charge_type: Annotated[str, "PostPaid or PrePaid, kept as given."] = "PostPaid"
    credit_specification: Annotated[str, "Kept as given."] = ""
    auto_release_time: Annotated[str, "Release them at this instant, 2022-01-31T10:00:00Z."] = ""
    deletion_protection: Annotated[bool, "Refuse their release."] = False
    resource_group_id: Annotated[str, "The resource group."] = ""
    tag: Annotated[list[Tag], "Tags for the instances and their disks, up to 20."] = []
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""
    dry_run: Annotated[bool, "Check everything, create nothing."] = False


class InstanceIdSet(Item):
    """The new instances' ids."""

    instance_id_set: list[str]


class RunInstancesResponse(Response):
    """The new instances."""

    unanswered = ("OrderId", "TradePrice")
    instance_id_sets: InstanceIdSet


@operation("RunInstances", lock=True, changes=True)
def run_instances(call: Call, request: RunInstancesRequest) -> RunInstancesResponse:
    """Create instances with their disks and start them; all of them or none."""
    region = require_region(request.region_id)
    if not request.instance_type and (request.image_id or request.image_family):
        raise missing_parameter("InstanceType")
    image = image_to_start(call, request.image_id, request.image_family, request.region_id)
    request.image_id = image.image_id
    require_instance_type(request.instance_type)
    if request.zone_id:
        require_zone(region, request.zone_id)
    else:
        request.zone_id = zone_ids(region)[0]
    if request.min_amount is not None and request.min_amount > request.amount:
        raise ApiError(
            "InvalidMinAmount.Malformed",
            400,
            f"MinAmount {request.min_amount} is above Amount {request.amount}.",
        )
    tags = tags_to_set(call, request.tag)
    system = request.system_disk or SystemDisk()
    system_size_gib = _check_system_disk(system, image)
    policy_for_new_disk(call, region.region_id, system.auto_snapshot_policy_id, system.category)
    _add_image_disks(request, image, system)
    sources = [
        _check_data_disk(call, request, image, index) for index in range(len(request.data_disk))
    ]
    _check_devices(call, request)
    release_at = _release_time(call, request.auto_release_time)
    if request.dry_run:
        raise DryRunOperation
    instance_ids = []
    for position in range(request.amount):
        instance = _new_instance(call, request, position, tags)
        instance.auto_release_at = release_at
        note_system(instance, image)
        _make_system_disk(call, image, instance, system, system_size_gib)
        _make_data_disks(call, request, image, instance, sources)
        instance_ids.append(instance.instance_id)
    if release_at is not None:
        call.due(release_at)
    return RunInstancesResponse(instance_id_sets=InstanceIdSet(instance_id_set=instance_ids))


def _add_image_disks(request: RunInstancesRequest, image: UsableImage, system: SystemDisk) -> None:
    """Ask for the image's data disks too; one asked for under the same device overrides it."""
    asked = {disk.device for disk in request.data_disk}
    for device, disk in data_disks(image).items():
        if device not in asked:
            request.data_disk.append(
                DataDisk(device=device, size=disk.size_gib, category=system.category)
            )


def _check_system_disk(system: SystemDisk, image: UsableImage) -> int:
    """Check what was asked for the system disk and return its size in GiB."""
    require_category(system.category, "InvalidSystemDiskCategory.ValueNotSupported", 400)
    require_performance_level(system.performance_level)
    source = system_source(image)
    check_encryption(system.encrypted, system.kms_key_id, system.category, source)
    return system_disk_size_gib(
        system.size, image.size_gib, system.category, system.performance_level
    )


def _check_data_disk(
    call: Call, request: RunInstancesRequest, image: UsableImage, index: int
) -> tuple[Chain, SnapshotRecord] | None:
    """Check the data disk at `index`, fill in its size, and return its source snapshot."""
    asked = request.data_disk[index]
    require_category(asked.category, "InvalidDataDiskCategory.ValueNotSupported", 400)
    require_performance_level(asked.performance_level)
    policy_for_new_disk(call, request.region_id, asked.auto_snapshot_policy_id, asked.category)
    source = None
    if asked.snapshot_id:
        source = source_snapshot(
            call, asked.snapshot_id, request.region_id, "InvalidDataDiskSnapshotId.NotFound", 404
        )
        _check_local(request, asked, source[1])
        asked.size = max(asked.size or 0, source[1].size_gib)
    own = _image_disk(image, asked)
    if own is not None:
        source = source_of(image, own)
        asked.size = own.size_gib if asked.size is None else asked.size
    check_encryption(asked.encrypted, asked.kms_key_id, asked.category, source)
    if asked.size is None:
        raise missing_parameter(f"DataDisk.{index + 1}.Size")
    if own is not None and asked.size < own.size_gib:
        raise ApiError(
            "InvalidDataDiskSize.ValueNotSupported",
            400,
            f"The size {asked.size} GiB of {asked.device} is below the {own.size_gib} GiB that the "
            f"image {image.image_id} gives it.",
        )
    if own is None or asked.size != own.size_gib:
        # What the image says stands, whatever the least size of the category is (IM-2).
        check_size(
            asked.size,
            asked.category,
            asked.performance_level,
            "InvalidDataDiskSize.ValueNotSupported",
            400,
        )
    return source


def _image_disk(image: UsableImage, asked: DataDisk) -> ImageDisk | None:
    """Return the image's disk that is asked for, unless it is to be made from another snapshot."""
    return None if asked.snapshot_id else data_disks(image).get(asked.device)


def _check_local(request: RunInstancesRequest, asked: DataDisk, node: SnapshotRecord) -> None:
    """Check what only a local snapshot asks of the disk that is made from it (LS-6, LS-7, LS-8)."""
    require_zone_of_local(node, request.zone_id, "OperationDenied.SnapshotNotAllowed", 403)
    require_essd_for_local(node, asked.category, "InvalidDataDiskCategory.ValueNotSupported", 400)
    require_size_of_local(node, asked.size, "InvalidDataDiskSize.ValueNotSupported", 400)
    if asked.encrypted or asked.kms_key_id:
        require_not_local(node, "encrypted", "InvalidEncrypted.NotMatchSnapshot", 403)


def _check_devices(call: Call, request: RunInstancesRequest) -> None:
    """Check the number of disks and their device names, and name those left open."""
    most = call.settings.quotas.disks_per_instance
    if len(request.data_disk) + 1 > most:
        raise ApiError(
            "InstanceDiskNumber.LimitExceed",
            400,
            f"{len(request.data_disk)} data disks were asked for; an instance has up to "
            f"{most - 1}.",
        )
    taken: set[str] = set()
    for asked in request.data_disk:
        if asked.device and asked.device not in DATA_DEVICES:
            raise ApiError(
                "InvalidParameter.Mismatch",
                400,
                f"The device {asked.device!r} is not one of /dev/xvdb to /dev/xvdz.",
            )
        if asked.device in taken:
            raise ApiError(
                "InvalidDevice.InUse", 403, f"The device {asked.device} was asked for twice."
            )
        taken |= {asked.device} - {""}
    for asked in request.data_disk:
        asked.device = asked.device or free_device(taken)
        taken.add(asked.device)


def _release_time(call: Call, text: str) -> datetime | None:
    """Read AutoReleaseTime: at least half an hour ahead."""
    if not text:
        return None
    instant = instant_of(text)
    if instant is None or instant < call.now + _LEAST_LEAD:
        earliest = (call.now + _LEAST_LEAD).astimezone(UTC)
        raise ApiError(
            "InvalidAutoReleaseTime.Malformed",
            400,
            f"AutoReleaseTime {text!r} is not acceptable. It must be written like "
            f"2022-01-31T10:00:00Z and lie after {earliest:%Y-%m-%dT%H:%M:%SZ}.",
        )
    return instant


def _new_instance(
    call: Call, request: RunInstancesRequest, position: int, tags: dict[str, str]
) -> InstanceRecord:
    instance_id = call.new_id("i", request.region_id)
    name = request.instance_name or instance_id
    if request.instance_name and request.unique_suffix and request.amount > 1:
        name = f"{name}{position + 1:03d}"
    inventory = call.inventory(request.region_id)
    seconds = call.settings.current_speed().instance_seconds
    groups = request.security_group_ids or [request.security_group_id or "sg-default"]
    instance = InstanceRecord(
        instance_id=instance_id,
        region_id=request.region_id,
        zone_id=request.zone_id,
        created_at=call.now,
        image_id=request.image_id,
        instance_type=request.instance_type,
        name=name,
        description=request.description,
        host_name=request.host_name or instance_id,
        phases=phases_from(call.now, ("Pending", seconds / 2), ("Starting", seconds / 2)),
        started_at=call.now,
        ever_started=True,
        deletion_protection=request.deletion_protection,
        security_group_ids=groups,
        vswitch_id=request.v_switch_id,
        private_ip=request.private_ip_address or _free_address(inventory),
        key_pair_name=request.key_pair_name,
        user_data=request.user_data,
        charge_type=request.instance_charge_type,
        resource_group_id=request.resource_group_id,
        credit_specification=request.credit_specification,
        tags=dict(tags),
    )
    inventory.instances[instance_id] = instance
    return instance


def _free_address(inventory: Inventory) -> str:
    """Return a private address that no instance of the region has."""
    taken = {instance.private_ip for instance in inventory.instances.values()}
    # One more than are taken, so one of them is free.
    count = next(n for n in range(len(taken) + 1) if _address(n) not in taken)
    return _address(count)


def _address(count: int) -> str:
    return f"172.{16 + count // 64000}.{count // 250 % 256}.{count % 250 + 1}"


def _make_system_disk(
    call: Call,
    image: UsableImage,
    instance: InstanceRecord,
    asked: SystemDisk,
    size_gib: int,
) -> None:
    disk = new_disk(
        call,
        instance.region_id,
        instance.zone_id,
        type_="system",
        category=asked.category,
        performance_level=asked.performance_level,
        size_gib=size_gib,
    )
    disk.name = asked.disk_name
    disk.description = asked.description
    note_image(call, disk, image)
    disk.delete_with_instance = True
    disk.origin_instance_id = instance.instance_id
    disk.tags = dict(instance.tags)
    source = system_source(image)
    if source is None:
        encrypt(call, disk, asked.encrypted, asked.kms_key_id)
    apply_to_new_disk(call, disk, asked.auto_snapshot_policy_id)
    connect(call, disk, instance.instance_id, SYSTEM_DEVICE)
    make_bytes(call, disk, source)


def _make_data_disks(
    call: Call,
    request: RunInstancesRequest,
    image: UsableImage,
    instance: InstanceRecord,
    sources: list[tuple[Chain, SnapshotRecord] | None],
) -> None:
    for asked, source in zip(request.data_disk, sources, strict=True):
        disk = new_disk(
            call,
            instance.region_id,
            instance.zone_id,
            type_="data",
            category=asked.category,
            performance_level=asked.performance_level,
            size_gib=asked.size or 0,
        )
        disk.name = asked.disk_name
        disk.description = asked.description
        disk.delete_with_instance = asked.delete_with_instance
        disk.tags = dict(instance.tags)
        if source is not None and _image_disk(image, asked) is not None:
            note_image(call, disk, image)
        if source is None:
            encrypt(call, disk, asked.encrypted, asked.kms_key_id)
        apply_to_new_disk(call, disk, asked.auto_snapshot_policy_id)
        connect(call, disk, instance.instance_id, asked.device)
        make_bytes(call, disk, source)
