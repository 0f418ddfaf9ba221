"""Disk categories and performance levels with their size ranges, as data and one check."""

from typing import NamedTuple

from snapcli.api.errors import ApiError


class Category(NamedTuple):
    """A disk category: its size range in GiB, whether it is an instance's local disk."""

    least_gib: int
    most_gib: int
    local: bool = False


CATEGORIES: dict[str, Category] = {
    "cloud": Category(5, 2000),
    "cloud_efficiency": Category(20, 32768),
    "cloud_ssd": Category(20, 32768),
    "cloud_essd": Category(20, 65536),
    "cloud_auto": Category(1, 65536),
    "cloud_essd_entry": Category(10, 32768),
    "ephemeral": Category(5, 1024, local=True),
    "ephemeral_ssd": Category(5, 800, local=True),
    "local_hdd_pro": Category(5, 12000, local=True),
    "local_ssd_pro": Category(5, 4000, local=True),
}

_ESSD_LEAST_GIB = {"PL0": 1, "PL1": 20, "PL2": 461, "PL3": 1261}


def size_range_gib(category: str, performance_level: str) -> tuple[int, int]:
    """Return the least and the largest size in GiB of such a disk."""
    limits = CATEGORIES[category]
    if category == "cloud_essd":
        return _ESSD_LEAST_GIB[performance_level or "PL1"], limits.most_gib
    return limits.least_gib, limits.most_gib


def check_size(
    size_gib: int, category: str, performance_level: str, code: str, status: int
) -> None:
    """Raise ApiError `code` unless the size is in the category's range."""
    least, most = size_range_gib(category, performance_level)
    if not least <= size_gib <= most:
        level = f" {performance_level}" if performance_level else ""
        raise ApiError(
            code,
            status,
            f"The size {size_gib} GiB is out of range: a {category}{level} disk has {least} to "
            f"{most} GiB.",
        )
