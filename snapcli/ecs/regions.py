"""Regions and zones: DescribeRegions, DescribeZones, and finding a region by name or id."""

from typing import Annotated

from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.types import choice
from snapcli.ecs.call import Call
from snapcli.ecs.disk_categories import CATEGORIES
from snapcli.ecs.region_data import REGIONS, zone_ids
from snapcli.ecs.region_rules import require_region

_Language = Annotated[str, choice("InvalidAcceptLanguage.NotFound", 404, "zh-CN", "en-US", "ja")]
_INSTANCE_TYPES = [
    "ecs.g6.large",
    "ecs.g7.large",
    "ecs.c6.large",
    "ecs.r6.large",
    "ecs.t6-c1m1.large",
]


class DescribeRegionsRequest(Request):
    """Which regions to list."""

    ignored = ("ResourceType",)
    accept_language: Annotated[_Language, "The language of LocalName."] = "zh-CN"
    instance_charge_type: (
        Annotated[
            str,
            choice(
                "Invalid.InstanceChargeType",
                403,
                "PrePaid",
                "PostPaid",
                "SpotWithPriceLimit",
                "SpotAsPriceGo",
                "SpotTerminate",
            ),
            "Only regions that sell this way.",
        ]
        | None
    ) = None


class RegionItem(Item):
    """A region in a response."""

    local_name: str
    region_endpoint: str
    region_id: str
    status: str = "available"


class RegionSet(Item):
    """The regions of a response."""

    region: list[RegionItem]


class DescribeRegionsResponse(Response):
    """All regions."""

    regions: RegionSet


@operation("DescribeRegions", lock=False, changes=False, settles=False)
def describe_regions(call: Call, request: DescribeRegionsRequest) -> DescribeRegionsResponse:
    """List every region with its endpoint."""
    chinese = request.accept_language == "zh-CN"
    return DescribeRegionsResponse(
        regions=RegionSet(
            region=[
                RegionItem(
                    local_name=region.chinese if chinese else region.english,
                    region_endpoint=f"ecs.{region.region_id}.aliyuncs.com",
                    region_id=region.region_id,
                )
                for region in REGIONS.values()
            ]
        )
    )


class DescribeZonesRequest(Request):
    """Which region's zones to list."""

    ignored = ("InstanceChargeType", "SpotStrategy", "Verbose")
    region_id: Annotated[str, "The region whose zones are listed."] = ""
    accept_language: Annotated[_Language, "The language of LocalName."] = "zh-CN"


class _DiskCategories(Item):
    disk_categories: list[str]


class _InstanceTypes(Item):
    instance_types: list[str]


class _ResourceTypes(Item):
    resource_types: list[str]


class _VolumeCategories(Item):
    volume_categories: list[str]


class ZoneItem(Item):
    """A zone in a response."""

    unanswered = (
        "AvailableDedicatedHostTypes", "AvailableResources", "DedicatedHostGenerations",
    )  # fmt: skip
    available_disk_categories: _DiskCategories
    available_instance_types: _InstanceTypes
    available_resource_creation: _ResourceTypes
    available_volume_categories: _VolumeCategories
    local_name: str
    zone_id: str
    zone_type: str = "AvailabilityZone"


class ZoneSet(Item):
    """The zones of a response."""

    zone: list[ZoneItem]


class DescribeZonesResponse(Response):
    """The zones of a region."""

    zones: ZoneSet


@operation("DescribeZones", lock=False, changes=False, settles=False)
def describe_zones(call: Call, request: DescribeZonesRequest) -> DescribeZonesResponse:
    """List the zones of a region. Raises InvalidRegionId.NotFound."""
    region = require_region(request.region_id)
    cloud = [name for name, category in CATEGORIES.items() if not category.local]
    chinese = request.accept_language == "zh-CN"
    return DescribeZonesResponse(
        zones=ZoneSet(
            zone=[
                ZoneItem(
                    available_disk_categories=_DiskCategories(disk_categories=cloud),
                    available_instance_types=_InstanceTypes(instance_types=_INSTANCE_TYPES),
                    available_resource_creation=_ResourceTypes(
                        resource_types=["Instance", "Disk", "VSwitch"]
                    ),
                    available_volume_categories=_VolumeCategories(volume_categories=cloud),
                    local_name=(
                        f"{region.chinese} 可用区{zone_id[-1].upper()}"
                        if chinese
                        else f"{region.english} Zone {zone_id[-1].upper()}"
                    ),
                    zone_id=zone_id,
                )
                for zone_id in zone_ids(region)
            ]
        )
    )
