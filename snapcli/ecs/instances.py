"""DescribeInstances and ModifyInstanceAttribute."""

from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.paging import PagedRequest, PagedResponse, page
from snapcli.api.types import Description400, InstanceName, choice, json_list
from snapcli.ecs.call import Call
from snapcli.ecs.filters import CreationWindow, Filter, is_like
from snapcli.ecs.image_data import PUBLIC_IMAGES
from snapcli.ecs.instance_types import cpu_count, family, memory_mib
from snapcli.ecs.phases import instance_status
from snapcli.ecs.records import InstanceRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.tags import check_filter, has_tags
from snapcli.ecs.wire import Tag, TagSet, minutes_time, tag_set


class DescribeInstancesRequest(PagedRequest):
    """Which instances to list; all filters must match."""

    # Networks, hardware and purchase are not emulated, so there is nothing to filter by.
    ignored = (
        "AdditionalAttributes", "DeviceAvailable", "EipAddresses", "HpcClusterId", "HttpEndpoint",
        "HttpPutResponseHopLimit", "HttpTokens", "InnerIpAddresses", "InstanceNetworkType",
        "InternetChargeType", "IoOptimized", "Ipv6Address", "LockReason", "NeedSaleCycle",
        "PublicIpAddresses", "RdmaIpAddresses", "VpcId",
    )  # fmt: skip
    region_id: Annotated[str, "The region to look in."] = ""
    instance_ids: (
        Annotated[list[str], json_list("InvalidParameter", 400, 100), "Only these."] | None
    ) = None
    instance_name: Annotated[str, "Only with this name; * stands for any text."] = ""
    status: (
        Annotated[
            str,
            choice(
                "InvalidStatus.NotFound",
                404,
                "Pending",
                "Running",
                "Starting",
                "Stopping",
                "Stopped",
            ),
            "Only in this status.",
        ]
        | None
    ) = None
    zone_id: Annotated[str, "Only in this zone."] = ""
    image_id: Annotated[str, "Only from this image."] = ""
    instance_type: Annotated[str, "Only of this type."] = ""
    instance_type_family: Annotated[str, "Only of this family of types."] = ""
    instance_charge_type: (
        Annotated[
            str,
            choice("InvalidInstanceChargeType.NotFound", 404, "PostPaid", "PrePaid"),
            "Only paid for this way.",
        ]
        | None
    ) = None
    key_pair_name: Annotated[str, "Only with this key pair."] = ""
    private_ip_addresses: (
        Annotated[list[str], json_list("InvalidParameter", 400, 100), "Only with these addresses."]
        | None
    ) = None
    resource_group_id: Annotated[str, "Only of this resource group."] = ""
    security_group_id: Annotated[str, "Only in this security group."] = ""
    v_switch_id: Annotated[str, "Only at this vSwitch."] = ""
    tag: Annotated[list[Tag], "Only with these tags; a key alone matches any value."] = []
    filter: Annotated[list[Filter], "Only created in a span: CreationStartTime, …EndTime."] = []
    dry_run: Annotated[bool, "Check the request only."] = False


class _AddressSet(Item):
    ip_address: list[str]


class _SecurityGroupIds(Item):
    security_group_id: list[str]


class _LockReason(Item):
    unanswered = ("LockMsg",)
    lock_reason: str


class _OperationLocks(Item):
    lock_reason: list[_LockReason]


class _VpcAttributes(Item):
    nat_ip_address: str
    private_ip_address: _AddressSet
    v_switch_id: str
    vpc_id: str


class InstanceItem(Item):
    """An instance in a response."""

    unanswered = (
        "AdditionalInfo", "ClockOptions", "ClusterId", "CpuOptions", "DedicatedHostAttribute",
        "DedicatedInstanceAttribute", "DeploymentSetGroupNo", "DeploymentSetId",
        "EcsCapacityReservationAttr", "EipAddress", "EnableNVS", "GPUAmount", "GPUSpec",
        "HibernationOptions", "HpcClusterId", "ISP", "ImageOptions", "LocalStorageAmount",
        "LocalStorageCapacity", "MetadataOptions", "NetworkInterfaces", "PrivateDnsNameOptions",
        "RdmaIpAddress", "SaleCycle", "SecurityOptions", "SpotDuration",
        "SpotInterruptionBehavior", "SpotPriceLimit", "SpotStrategy", "VlanId",
    )  # fmt: skip
    auto_release_time: str
    cpu: int
    creation_time: str
    credit_specification: str
    deletion_protection: bool
    description: str
    device_available: bool
    expired_time: str
    host_name: str
    image_id: str
    inner_ip_address: _AddressSet
    instance_charge_type: str
    instance_id: str
    instance_name: str
    instance_network_type: str
    instance_type: str
    instance_type_family: str
    internet_charge_type: str
    internet_max_bandwidth_in: int
    internet_max_bandwidth_out: int
    io_optimized: bool
    key_pair_name: str
    memory: int
    os_name: str = msgspec.field(name="OSName")
    os_name_en: str = msgspec.field(name="OSNameEn")
    os_type: str = msgspec.field(name="OSType")
    operation_locks: _OperationLocks
    public_ip_address: _AddressSet
    recyclable: bool
    region_id: str
    resource_group_id: str
    security_group_ids: _SecurityGroupIds
    serial_number: str
    start_time: str
    status: str
    stopped_mode: str
    tags: TagSet
    vpc_attributes: _VpcAttributes
    zone_id: str


class InstanceSet(Item):
    """The instances of a response."""

    instance: list[InstanceItem]


class DescribeInstancesResponse(PagedResponse):
    """A page of instances, newest first."""

    instances: InstanceSet


@operation("DescribeInstances", lock=False, changes=False)
def describe_instances(call: Call, request: DescribeInstancesRequest) -> DescribeInstancesResponse:
    """List a region's instances with their state at this instant; changes nothing."""
    require_region(request.region_id)
    check_filter(request.tag)
    window = CreationWindow(request.filter)
    found = [
        instance
        for instance in call.inventory(request.region_id).instances.values()
        if instance.created_at in window and _matches(call, request, instance)
    ]
    found.sort(key=lambda instance: instance.created_at, reverse=True)
    cut = page(found, request)
    return DescribeInstancesResponse(
        instances=InstanceSet(instance=[_item(call, instance) for instance in cut.items]),
    ).at(cut)


def _matches(call: Call, request: DescribeInstancesRequest, instance: InstanceRecord) -> bool:
    def wanted(given: str | None, value: str) -> bool:
        return not given or given == value

    ids, addresses = request.instance_ids, request.private_ip_addresses
    return (
        (ids is None or instance.instance_id in ids)
        and (addresses is None or instance.private_ip in addresses)
        and (not request.instance_name or is_like(instance.name, request.instance_name))
        and (request.status is None or instance_status(instance, call.now) == request.status)
        and wanted(request.zone_id, instance.zone_id)
        and wanted(request.image_id, instance.image_id)
        and wanted(request.instance_type, instance.instance_type)
        and wanted(request.instance_type_family, family(instance.instance_type))
        and wanted(request.instance_charge_type, instance.charge_type)
        and wanted(request.key_pair_name, instance.key_pair_name)
        and wanted(request.resource_group_id, instance.resource_group_id)
        and wanted(request.v_switch_id, instance.vswitch_id)
        and (
            not request.security_group_id
            or request.security_group_id in instance.security_group_ids
        )
        and has_tags(instance.tags, request.tag)
    )


def _item(call: Call, instance: InstanceRecord) -> InstanceItem:
    image = PUBLIC_IMAGES.get(instance.image_id)
    return InstanceItem(
        auto_release_time=minutes_time(instance.auto_release_at),
        cpu=cpu_count(instance.instance_type),
        creation_time=minutes_time(instance.created_at),
        credit_specification=instance.credit_specification,
        deletion_protection=instance.deletion_protection,
        description=instance.description,
        device_available=True,
        expired_time="2099-12-31T15:59Z",
        host_name=instance.host_name,
        image_id=instance.image_id,
        inner_ip_address=_AddressSet(ip_address=[]),
        instance_charge_type=instance.charge_type,
        instance_id=instance.instance_id,
        instance_name=instance.name,
        instance_network_type="vpc",
        instance_type=instance.instance_type,
        instance_type_family=family(instance.instance_type),
        internet_charge_type="PayByTraffic",
        internet_max_bandwidth_in=0,
        internet_max_bandwidth_out=0,
        io_optimized=True,
        key_pair_name=instance.key_pair_name,
        memory=memory_mib(instance.instance_type),
        os_name=image.os_name_chinese if image else instance.os_name,
        os_name_en=image.os_name if image else instance.os_name,
        os_type=image.os_type if image else instance.os_type or "linux",
        operation_locks=_OperationLocks(lock_reason=[]),
        public_ip_address=_AddressSet(ip_address=[]),
        recyclable=False,
        region_id=instance.region_id,
        resource_group_id=instance.resource_group_id,
        security_group_ids=_SecurityGroupIds(security_group_id=instance.security_group_ids),
        serial_number=instance.instance_id[2:],
        start_time=minutes_time(instance.started_at),
        status=instance_status(instance, call.now),
        stopped_mode=instance.stopped_mode or "Not-applicable",
        tags=tag_set(instance.tags),
        vpc_attributes=_VpcAttributes(
            nat_ip_address="",
            private_ip_address=_AddressSet(ip_address=[instance.private_ip]),
            v_switch_id=instance.vswitch_id,
            vpc_id=instance.vpc_id,
        ),
        zone_id=instance.zone_id,
    )


class ModifyInstanceAttributeRequest(Request):
    """What to change of an instance; what is not given stays."""

    ignored = (
        "CpuOptions.Core", "CpuOptions.ThreadsPerCore", "CpuOptions.TopologyType",
        "EnableJumboFrame", "EnableNetworkEncryption", "NetworkInterfaceQueueNumber", "Password",
        "PrivateDnsNameOptions", "Recyclable", "RemoteConnectionOptions",
    )  # fmt: skip
    instance_id: Annotated[str, "The instance to change."]
    instance_name: Annotated[InstanceName, "Its new name."] = ""
    description: Annotated[Description400, "Its new description."] = ""
    host_name: Annotated[str, "Its new host name."] = ""
    deletion_protection: Annotated[bool, "Refuse its release."] | None = None
    credit_specification: Annotated[str, "Kept as given."] = ""
    security_group_ids: Annotated[list[str], "Its new security groups."] = []
    user_data: Annotated[str, "User data (Base64), kept as given."] = ""


class ModifyInstanceAttributeResponse(Response):
    """Nothing but the RequestId."""


@operation("ModifyInstanceAttribute", lock=True, changes=True)
def modify_instance_attribute(
    call: Call, request: ModifyInstanceAttributeRequest
) -> ModifyInstanceAttributeResponse:
    """Change an instance's name, description or other attributes."""
    instance = call.instance(request.instance_id)
    if request.user_data and instance_status(instance, call.now) != "Stopped":
        raise ApiError(
            "IncorrectInstanceStatus",
            403,
            f"The instance {instance.instance_id} is {instance_status(instance, call.now)}; its "
            "user data can be changed while it is Stopped.",
        )
    instance.name = request.instance_name or instance.name
    instance.description = request.description or instance.description
    instance.host_name = request.host_name or instance.host_name
    instance.credit_specification = request.credit_specification or instance.credit_specification
    instance.security_group_ids = request.security_group_ids or instance.security_group_ids
    instance.user_data = request.user_data or instance.user_data
    if request.deletion_protection is not None:
        instance.deletion_protection = request.deletion_protection
    return ModifyInstanceAttributeResponse()
