"""DryRun: every check is made, nothing is changed, and success is told as DryRunOperation."""

from pathlib import Path
from typing import Any

import pytest
from support import LINUX_IMAGE, REGION, Cloud

from snapcli.api import catalogue, parameters

WITH_DRY_RUN = {
    "DescribeInstances",
    "DescribeDisks",
    "DescribeSnapshots",
    "RunInstances",
    "StartInstance",
    "StartInstances",
    "StopInstance",
    "StopInstances",
    "RebootInstance",
    "RebootInstances",
    "DeleteInstance",
    "DeleteInstances",
    "ResetDisk",
    "ResetDisks",
    "LockSnapshot",
    "UnlockSnapshot",
    "DescribeLockedSnapshots",
    "CreateImage",
    "DescribeImages",
    "ModifyImageAttribute",
    "ModifyImageSharePermission",
    "DeleteImage",
    "CopyImage",
    "ExportImage",
    "ImportImage",
}


def files(root: Path) -> dict[str, Any]:
    """Every file of a workspace but the lock, with its bytes or (a disk) its length."""
    return {
        str(path.relative_to(root)): path.stat().st_size
        if path.suffix == ".raw"
        else path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_the_operations_that_take_it_are_those_of_the_api() -> None:
    taking = {
        action
        for action, entry in catalogue.ENTRIES.items()
        if not entry.local and "DryRun" in parameters.names(catalogue.load(action).request)
    }
    assert taking == WITH_DRY_RUN


def calls(cloud: Cloud) -> list[tuple[str, dict[str, Any]]]:
    """A valid call of each, and the state they are valid in."""
    running, stopped = cloud.instance(), cloud.instance()
    disk_id = cloud.data_disk(stopped)
    snapshot_id = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, b"later")
    cloud.ecs("StopInstance", InstanceId=stopped)
    [system_id] = [d["DiskId"] for d in cloud.disks(InstanceId=stopped, DiskType="system")]
    system = cloud.snapshot(system_id)
    lock = {"LockMode": "compliance", "LockDuration": 9, "CoolOffPeriod": 9}
    cloud.ecs("LockSnapshot", SnapshotId=system, **lock)
    image = {"ImageId": cloud.ecs("CreateImage", SnapshotId=system)["ImageId"]}
    cloud.ok("account", "add", "partner", "--account-id", "2222222222222222")
    bucket = cloud.root / "buckets" / "bucket"
    bucket.mkdir(parents=True)
    (bucket / "o.raw").write_bytes(b"boot".ljust(512, b"\0"))
    region = {"RegionId": REGION}
    launch = {"ImageId": LINUX_IMAGE, "InstanceType": "ecs.g7.large"}
    return [
        ("DescribeInstances", region),
        ("DescribeDisks", region),
        ("DescribeSnapshots", region),
        ("RunInstances", region | launch),
        ("StartInstance", {"InstanceId": stopped}),
        ("StartInstances", region | {"InstanceId__1": stopped}),
        ("StopInstance", {"InstanceId": running}),
        ("StopInstances", region | {"InstanceId__1": running}),
        ("RebootInstance", {"InstanceId": running}),
        ("RebootInstances", region | {"InstanceId__1": running}),
        ("DeleteInstance", {"InstanceId": stopped}),
        ("DeleteInstances", region | {"InstanceId__1": stopped}),
        ("ResetDisk", {"DiskId": disk_id, "SnapshotId": snapshot_id}),
        ("ResetDisks", {"Disk__1__DiskId": disk_id, "Disk__1__SnapshotId": snapshot_id}),
        ("LockSnapshot", {"SnapshotId": snapshot_id, **lock}),
        ("UnlockSnapshot", {"SnapshotId": system}),
        ("DescribeLockedSnapshots", region),
        ("CreateImage", {"SnapshotId": system}),
        ("DescribeImages", region),
        ("ModifyImageAttribute", image | {"ImageName": "other"}),
        ("ModifyImageSharePermission", image | {"AddAccount__1": "2222222222222222"}),
        ("DeleteImage", image),
        ("CopyImage", image | {"DestinationRegionId": "cn-beijing"}),
        ("ExportImage", image | {"OSSBucket": "bucket"}),
        ("ImportImage", {"DiskDeviceMapping__1__OSSBucket": "bucket"} | _OBJECT),
    ]


_OBJECT = {"DiskDeviceMapping__1__OSSObject": "o.raw", "DiskDeviceMapping__1__Format": "RAW"}


def test_a_dry_run_that_passes_says_so_and_changes_nothing(cloud: Cloud) -> None:
    valid = calls(cloud)
    assert {action for action, _ in valid} == WITH_DRY_RUN
    before = files(cloud.root)
    for action, given in valid:
        refused = cloud.refused(action, DryRun=True, **given)
        # ImportImage is published with a code of its own for it.
        passed = "DRYRUN.SUCCESS" if action == "ImportImage" else "DryRunOperation"
        assert refused.error_code == passed, action
        assert files(cloud.root) == before, action


@pytest.mark.parametrize(
    ("action", "given", "code"),
    [
        ("RunInstances", {"RegionId": REGION, "ImageId": "no.vhd", "InstanceType": "ecs.g7.x"}, ""),
        ("StartInstance", {"InstanceId": "i-none"}, "InvalidInstanceId.NotFound"),
        ("StopInstances", {"InstanceId__1": "i-none"}, "InvalidInstanceId.NotFound"),
        ("DeleteInstance", {"InstanceId": "i-none"}, "InvalidInstanceId.NotFound"),
        ("ResetDisk", {"DiskId": "d-none", "SnapshotId": "s-none"}, "InvalidDiskId.NotFound"),
    ],
)
def test_a_dry_run_that_fails_answers_the_checks_own_code(
    cloud: Cloud, action: str, given: dict[str, Any], code: str
) -> None:
    refused = cloud.refused(action, DryRun=True, **given)
    assert refused.error_code == (code or "InvalidImageId.NotFound")


def test_dry_run_false_is_no_dry_run(cloud: Cloud) -> None:
    assert cloud.ecs("DescribeDisks", RegionId=REGION, DryRun=False)["TotalCount"] == 0
