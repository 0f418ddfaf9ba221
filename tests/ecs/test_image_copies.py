"""CopyImage and CancelCopyImage: an image elsewhere is a new one with the same bytes."""

from typing import Any

import pytest
from image_helpers import create_image, disks_of, image, launch, marked_instance, system_disk
from refusals import refused
from support import REGION, Cloud, block

THERE = "cn-beijing"


@pytest.fixture
def image_id(cloud: Cloud) -> str:
    source = marked_instance(cloud)
    cloud.write(cloud.data_disk(source), 7, block("D"))
    return create_image(cloud, InstanceId=source, ImageName="web")


def copy(cloud: Cloud, image_id: str, **parameters: Any) -> str:
    given = {"RegionId": REGION, "ImageId": image_id, "DestinationRegionId": THERE, **parameters}
    return str(cloud.ecs("CopyImage", **given)["ImageId"])


def snapshots_there(cloud: Cloud) -> list[dict[str, Any]]:
    found = cloud.ecs("DescribeSnapshots", RegionId=THERE)
    return list(found["Snapshots"]["Snapshot"])


@pytest.mark.rule("IM-5")
def test_a_copy_makes_instances_in_its_region_with_the_same_bytes(
    cloud: Cloud, image_id: str
) -> None:
    copied = copy(cloud, image_id, DestinationImageName="web", DestinationDescription="elsewhere")
    made = image(cloud, copied, RegionId=THERE)
    assert (made["ImageName"], made["Description"], made["IsCopied"]) == ("web", "elsewhere", True)
    assert (made["OSName"], made["Status"]) == ("CentOS 7.9 64 bit", "Available")
    assert [each[:3] for each in disks_of(made)] == [
        ("system", "/dev/xvda", "40"),
        ("data", "/dev/xvdb", "20"),
    ]
    held = {each[3] for each in disks_of(made)}
    assert held == {each["SnapshotId"] for each in snapshots_there(cloud)}
    launched = cloud.ecs(
        "RunInstances", RegionId=THERE, ImageId=copied, InstanceType="ecs.g7.large"
    )
    [instance_id] = launched["InstanceIdSets"]["InstanceIdSet"]
    found = cloud.ecs("DescribeDisks", RegionId=THERE, InstanceId=instance_id)["Disks"]["Disk"]
    by_type = {disk["Type"]: disk["DiskId"] for disk in found}
    assert cloud.read(by_type["system"], 5, 1) == block("S")
    assert cloud.read(by_type["data"], 7, 1) == block("D")
    for snapshot_id in held:
        refused(cloud, "SnapshotCreatedImage", "DeleteSnapshot", SnapshotId=snapshot_id)
    cloud.check()


def test_a_copy_is_creating_until_its_snapshots_are_there(cloud: Cloud, image_id: str) -> None:
    cloud.ok("config", "set", "speed", "realistic")
    copied = copy(cloud, image_id)
    assert image(cloud, copied, RegionId=THERE)["Status"] == "Creating"
    given = {"RegionId": REGION, "ImageId": image_id, "DestinationRegionId": THERE}
    refused(cloud, "OperationDenied.ImageCopyConflict", "CopyImage", **given)
    there = {"RegionId": THERE, "ImageId": copied}
    refused(cloud, "OperationDenied.ImageCopying", "DeleteImage", Force=True, **there)
    cloud.ok("clock", "advance", "1h")
    assert image(cloud, copied, RegionId=THERE)["Status"] == "Available"
    refused(cloud, "IncorrectImageStatus", "CancelCopyImage", **there)
    cloud.ecs("DeleteImage", **there)
    assert len(snapshots_there(cloud)) == 2


def test_ending_a_copy_takes_the_image_and_its_snapshots_away(cloud: Cloud, image_id: str) -> None:
    cloud.ok("config", "set", "speed", "realistic")
    copied = copy(cloud, image_id)
    cloud.ecs("CancelCopyImage", RegionId=THERE, ImageId=copied)
    assert snapshots_there(cloud) == []
    refused(cloud, "InvalidImageId.NotFound", "CancelCopyImage", RegionId=THERE, ImageId=copied)
    given = {"RegionId": REGION, "ImageId": image_id}
    refused(cloud, "ImageCreatedNotFromCopy", "CancelCopyImage", **given)
    assert image(cloud, image_id)["Status"] == "Available"
    cloud.check()


def test_ending_a_copy_leaves_what_is_locked(cloud: Cloud, image_id: str) -> None:
    """Nothing deletes a locked snapshot before its lock ends; it stays as an ordinary copy."""
    cloud.ok("config", "set", "speed", "realistic")
    copied = copy(cloud, image_id)
    locked = snapshots_there(cloud)[0]["SnapshotId"]
    lock = {"LockMode": "compliance", "LockDuration": 3, "CoolOffPeriod": 0}
    cloud.ecs("LockSnapshot", RegionId=THERE, SnapshotId=locked, **lock)
    cloud.ecs("CancelCopyImage", RegionId=THERE, ImageId=copied)
    assert [snapshot["SnapshotId"] for snapshot in snapshots_there(cloud)] == [locked]
    refused(cloud, "InvalidOperation.SnapshotIsLocked", "DeleteSnapshot", SnapshotId=locked)
    cloud.check()


@pytest.mark.rule("IN-5")
def test_copies_for_an_image_count_as_manual_ones(cloud: Cloud, image_id: str) -> None:
    cloud.ecs("DeleteImage", RegionId=THERE, ImageId=copy(cloud, image_id))
    cloud.ok("config", "set", "quotas.manual_snapshots_per_disk", "1")
    given = {"RegionId": REGION, "ImageId": image_id, "DestinationRegionId": THERE}
    refused(cloud, "QuotaExceed.SnapshotQuota", "CopyImage", **given)
    for each in snapshots_there(cloud):
        cloud.ecs("DeleteSnapshot", SnapshotId=each["SnapshotId"])
    copy(cloud, image_id)


@pytest.mark.rule("FQ-2")
def test_a_shared_image_is_copied_into_ones_own(cloud: Cloud, image_id: str) -> None:
    cloud.ok("account", "add", "partner", "--account-id", "2234567890123456")
    given = {"RegionId": REGION, "ImageId": image_id, "AddAccount__1": "2234567890123456"}
    cloud.ecs("ModifyImageSharePermission", **given)
    cloud.ok("account", "use", "partner")
    cloud.ecs("OpenSnapshotService")
    copied = copy(cloud, image_id)
    assert image(cloud, copied, RegionId=THERE)["ImageOwnerAlias"] == "self"
    back = cloud.ecs("CopyImage", RegionId=THERE, ImageId=copied, DestinationRegionId=REGION)[
        "ImageId"
    ]
    assert cloud.read(system_disk(cloud, launch(cloud, back)), 5, 1) == block("S")
    cloud.check()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"DestinationRegionId": "cn-nowhere"}, "DestinationRegion.NotFound"),
        ({"DestinationRegionId": REGION}, "IncorrectDestinationRegion"),
        ({"RegionId": "cn-nowhere"}, "SourceRegion.NotFound"),
        ({"ImageId": "m-none"}, "InvalidImageId.NotFound"),
        ({"ImageId": "centos_7_9_x64_20G_alibase_20220101.vhd"}, "OperationDenied"),
        ({"Encrypted": True}, "OperationDenied.EncryptSnapshotAcrossRegion"),
        ({"KMSKeyId": "key"}, "InvalidEncrypted.NotMatchKmsKeyId"),
        ({"DestinationImageName": "1"}, "InvalidImageName.Malformed"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_what_can_not_be_copied_is_refused(
    cloud: Cloud, image_id: str, given: dict[str, Any], code: str
) -> None:
    right = {"RegionId": REGION, "ImageId": image_id, "DestinationRegionId": THERE}
    refused(cloud, code, "CopyImage", **(right | given))
