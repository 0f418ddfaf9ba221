"""Instances of ESSDs alone, and the groups made of them."""

from typing import Any

from support import REGION, Cloud


def whole(cloud: Cloud, data: int = 2, **more: Any) -> str:
    """An instance of ESSDs alone: a system disk and `data` data disks."""
    for number in range(1, data + 1):
        more |= {
            f"DataDisk__{number}__Size": 20,
            f"DataDisk__{number}__Category": "cloud_essd",
        }
    return cloud.instance(data_gib=None, SystemDisk__Category="cloud_essd", **more)


def of(cloud: Cloud, instance_id: str) -> list[str]:
    """The ids of an instance's disks."""
    return [disk["DiskId"] for disk in cloud.disks(InstanceId=instance_id)]


def make(cloud: Cloud, **parameters: Any) -> str:
    """Make a group in the exact form."""
    made = cloud.ecs("CreateSnapshotGroup", RegionId=REGION, **parameters)
    assert set(made) == {"RequestId", "SnapshotGroupId"}
    return str(made["SnapshotGroupId"])


def groups(cloud: Cloud, **parameters: Any) -> list[Any]:
    """The groups of the region."""
    listed = cloud.ecs("DescribeSnapshotGroups", RegionId=REGION, **parameters)
    return list(listed["SnapshotGroups"]["SnapshotGroup"])


def members(group: Any) -> dict[str, str]:
    """A group's snapshots by the disk that each is of."""
    return {s["SourceDiskId"]: s["SnapshotId"] for s in group["Snapshots"]["Snapshot"]}
