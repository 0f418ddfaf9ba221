"""What tests of policies begin with: a disk with a policy, and what an advance of the clock did."""

import json
from typing import Any

from support import REGION, Cloud

EVERY_DAY = '["1","2","3","4","5","6","7"]'
HOURLY = json.dumps([str(hour) for hour in range(24)])


def create(cloud: Cloud, **parameters: Any) -> str:
    """Create a policy: at midnight of every day, kept 30 days, unless told otherwise."""
    given = {
        "regionId": REGION,
        "timePoints": '["0"]',
        "repeatWeekdays": EVERY_DAY,
        "retentionDays": 30,
    } | parameters
    return str(cloud.ecs("CreateAutoSnapshotPolicy", **given)["AutoSnapshotPolicyId"])


def apply(cloud: Cloud, policy_id: str, *disk_ids: str) -> None:
    """Apply a policy to disks."""
    cloud.ecs(
        "ApplyAutoSnapshotPolicy",
        regionId=REGION,
        autoSnapshotPolicyId=policy_id,
        diskIds=json.dumps(disk_ids),
    )


def cancel(cloud: Cloud, *disk_ids: str) -> None:
    """Take the policy off disks."""
    cloud.ecs("CancelAutoSnapshotPolicy", regionId=REGION, diskIds=json.dumps(disk_ids))


def covered(cloud: Cloud, **parameters: Any) -> tuple[str, str]:
    """Return a data disk with some bytes and the policy that is applied to it."""
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, b"some bytes")
    policy_id = create(cloud, **parameters)
    apply(cloud, policy_id, disk_id)
    return disk_id, policy_id


def advance(cloud: Cloud, by: str) -> list[dict[str, Any]]:
    """Move the clock forward and return the events."""
    done = cloud.ok("clock", "advance", by, "--events", "--output", "json").json
    return list(done["Events"])


def kinds(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return when and what of events."""
    return [(event["Time"], event["Event"]) for event in events]


def hold_by_image(cloud: Cloud, snapshot_id: str) -> str:
    """Make an image need a system disk's snapshot, and return its id."""
    return str(cloud.ecs("CreateImage", RegionId=REGION, SnapshotId=snapshot_id)["ImageId"])


def times(cloud: Cloud, **parameters: Any) -> list[str]:
    """Return when the automatic snapshots were taken, oldest first."""
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        answer = cloud.ecs(
            "DescribeSnapshots",
            RegionId=REGION,
            SnapshotType="auto",
            MaxResults=100,
            NextToken=token,
            **parameters,
        )
        found += answer["Snapshots"]["Snapshot"]
        token = answer["NextToken"]
        if not token:
            return [each["CreationTime"] for each in reversed(found)]
