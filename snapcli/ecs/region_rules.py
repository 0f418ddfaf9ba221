"""Whether a region or zone exists; the codes differ from operation to operation."""

from snapcli.api.errors import ApiError
from snapcli.ecs.region_data import REGIONS, Region, zone_ids


def require_region(
    region_id: str, code: str = "InvalidRegionId.NotFound", status: int = 404
) -> Region:
    """Return the region, or raise ApiError with the operation's own `code` and `status`."""
    region = REGIONS.get(region_id)
    if region is None:
        raise ApiError(
            code,
            status,
            f"There is no region {region_id!r}. {_nearest(region_id, list(REGIONS), 'regions')}",
        )
    return region


def require_zone(
    region: Region, zone_id: str, code: str = "InvalidZoneId.NotFound", status: int = 404
) -> str:
    """Return the zone id when the region has it, or raise ApiError."""
    zones = zone_ids(region)
    if zone_id not in zones:
        raise ApiError(
            code,
            status,
            f"The region {region.region_id} has no zone {zone_id!r}. "
            f"{_nearest(zone_id, zones, 'zones')}",
        )
    return zone_id


def _nearest(given: str, known: list[str], what: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(given, known, n=1)
    listed = ", ".join(known) if len(known) <= 12 else f"{', '.join(known[:6])}, …"
    return f"Did you mean {near[0]}?" if near else f"The {what} are: {listed}."
