"""CopySnapshot: what a copy is, what it holds, how long it takes, who may be copied (rules CP)."""

import json
from typing import Any

import pytest
from support import BLOCK_BYTES, Cloud, block

AWAY = "cn-beijing"


@pytest.fixture
def disk_id(cloud: Cloud) -> str:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, block("A") + block("B") + block("C"))
    return disk_id


def copy(cloud: Cloud, snapshot_id: str, to: str = AWAY, **parameters: Any) -> str:
    made = cloud.ecs("CopySnapshot", SnapshotId=snapshot_id, DestinationRegionId=to, **parameters)
    return str(made["SnapshotId"])


def away(cloud: Cloud, region: str = AWAY, **parameters: Any) -> list[dict[str, Any]]:
    """The snapshots of another region, newest first."""
    found = cloud.ecs("DescribeSnapshots", RegionId=region, MaxResults=100, **parameters)
    return list(found["Snapshots"]["Snapshot"])


def one(cloud: Cloud, snapshot_id: str, region: str = AWAY) -> dict[str, Any]:
    [snapshot] = away(cloud, region, SnapshotIds=json.dumps([snapshot_id]))
    return snapshot


def links(cloud: Cloud, region: str = AWAY, **parameters: Any) -> list[dict[str, Any]]:
    found = cloud.ecs("DescribeSnapshotLinks", RegionId=region, **parameters)
    return list(found["SnapshotLinks"]["SnapshotLink"])


@pytest.mark.rule("CP-1")
def test_a_copy_is_a_new_snapshot_in_the_destination(cloud: Cloud, disk_id: str) -> None:
    source = cloud.snapshot(disk_id)
    copied = copy(cloud, source)
    assert copied != source and copied.startswith("s-2ze")
    [snapshot] = away(cloud)
    assert snapshot["SnapshotId"] == copied
    assert snapshot["RegionId"] == AWAY
    assert snapshot["SourceDiskId"] == disk_id
    assert [s["SnapshotId"] for s in cloud.snapshots()] == [source]
    cloud.check()


@pytest.mark.rule("CP-3")
def test_the_first_copy_is_full_and_later_ones_are_incremental(cloud: Cloud, disk_id: str) -> None:
    first = cloud.snapshot(disk_id)
    cloud.write(disk_id, 1, block("b"))
    second = cloud.snapshot(disk_id)
    copy(cloud, first)
    assert [link["TotalSize"] for link in links(cloud)] == [3 * BLOCK_BYTES]
    copy(cloud, second)
    assert [link["TotalSize"] for link in links(cloud)] == [4 * BLOCK_BYTES]
    cloud.check()
