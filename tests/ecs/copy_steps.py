"""Steps that tests of copies share: copying, and looking at another region."""

import json
from typing import Any

from support import Cloud

AWAY = "cn-beijing"


def copy(cloud: Cloud, snapshot_id: str, to: str = AWAY, **parameters: Any) -> str:
    """Copy a snapshot to another region and return the copy's id."""
    made = cloud.ecs("CopySnapshot", SnapshotId=snapshot_id, DestinationRegionId=to, **parameters)
    return str(made["SnapshotId"])


def away(cloud: Cloud, region: str = AWAY, **parameters: Any) -> list[dict[str, Any]]:
    """Describe the snapshots of another region, newest first."""
    found = cloud.ecs("DescribeSnapshots", RegionId=region, MaxResults=100, **parameters)
    return list(found["Snapshots"]["Snapshot"])


def one(cloud: Cloud, snapshot_id: str, region: str = AWAY) -> dict[str, Any]:
    """Describe one snapshot of another region."""
    [snapshot] = away(cloud, region, SnapshotIds=json.dumps([snapshot_id]))
    return snapshot


def links(cloud: Cloud, region: str = AWAY, **parameters: Any) -> list[dict[str, Any]]:
    """Describe the chains of another region."""
    found = cloud.ecs("DescribeSnapshotLinks", RegionId=region, **parameters)
    return list(found["SnapshotLinks"]["SnapshotLink"])


def link_id(disk_id: str) -> str:
    """Return the id of the chain of copies of a disk's snapshots."""
    return "sl-" + disk_id.removeprefix("d-")


def disk_from(cloud: Cloud, snapshot_id: str, zone: str = "cn-beijing-h") -> str:
    """Make a disk from a copy, in a zone of its region."""
    region = zone.rsplit("-", 1)[0]
    made = cloud.ecs("CreateDisk", RegionId=region, ZoneId=zone, SnapshotId=snapshot_id)
    return str(made["DiskId"])


def slow_copies(cloud: Cloud, minimum_seconds: float = 60, mib_per_second: float = 0) -> None:
    """Make copying take a time, and capturing none but the minimum."""
    cloud.ok("config", "set", "speeds.far.snapshot_minimum_seconds", str(minimum_seconds))
    cloud.ok("config", "set", "speeds.far.copy_mib_per_second", str(mib_per_second))
    cloud.ok("config", "set", "speed", "far")
