"""Regions and zones as lists. Draws nothing."""

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import Listing


class _Region(msgspec.Struct, rename="pascal"):
    region_id: str
    local_name: str
    region_endpoint: str


class _RegionSet(msgspec.Struct, rename="pascal"):
    region: list[_Region]


class _Regions(msgspec.Struct, rename="pascal"):
    regions: _RegionSet


class _Zone(msgspec.Struct, rename="pascal"):
    zone_id: str
    local_name: str


class _ZoneSet(msgspec.Struct, rename="pascal"):
    zone: list[_Zone]


class _Zones(msgspec.Struct, rename="pascal"):
    zones: _ZoneSet


def view(answer: object, _: Session) -> Listing:
    """Return the list of a DescribeRegions answer."""
    regions = msgspec.convert(answer, _Regions).regions.region
    return Listing(
        what="regions",
        columns=("Region ID", "Name", "Endpoint"),
        rows=[(each.region_id, each.local_name, each.region_endpoint) for each in regions],
    )


def zones(answer: object, _: Session) -> Listing:
    """Return the list of a DescribeZones answer."""
    found = msgspec.convert(answer, _Zones).zones.zone
    return Listing(
        what="zones",
        columns=("Zone ID", "Name"),
        rows=[(zone.zone_id, zone.local_name) for zone in found],
    )
