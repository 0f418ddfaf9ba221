"""The rows of a listing command: start-up, and the same against the AWS command line."""

import json

from bench_aws import Aws
from bench_ours import REGION, Snapcli
from bench_process import Failed
from bench_rows import OURS, Samples

SNAPSHOTS = 100
_DISKS = 10
_LIST = ("ecs", "DescribeSnapshots", "--RegionId", REGION, "--PageSize", str(SNAPSHOTS))


def fill(ours: Snapcli) -> None:
    """Make a workspace with 100 snapshots: ten of each of ten disks."""
    ours.begin()
    _, disks = ours.instance(_DISKS)
    for number in range(SNAPSHOTS):
        ours.ecs(
            "CreateSnapshot",
            DiskId=disks[number % _DISKS],
            SnapshotName=f"snapshot-{number}",
            Description=f"snapshot {number}",
        )
    found = json.loads(ours.run(*_LIST).output)["Snapshots"]["Snapshot"]
    if len(found) != SNAPSHOTS:
        raise Failed(f"{len(found)} snapshots are listed, not {SNAPSHOTS}")


def measure(ours: Snapcli, aws: Aws | None, runs: int, samples: Samples) -> None:
    """Measure the listing beside bare imports, and (when given) beside `aws`, in turns."""
    ours.run(*_LIST)
    ours.baseline()
    for _ in range(runs):
        baseline = ours.baseline().seconds
        samples.add("start", OURS, ours.measure(*_LIST).seconds)
        samples.add("start", "python -c 'import click, msgspec'", baseline)
    if aws is None:
        return
    listed = json.loads(aws.describe().output)["Snapshots"]
    if len(listed) != SNAPSHOTS:
        raise Failed(f"aws lists {len(listed)} snapshots, not {SNAPSHOTS}")
    for _ in range(max(5, runs // 3)):
        samples.add("aws", "aws", aws.describe().seconds)
        samples.add("aws", OURS, ours.measure(*_LIST).seconds)
