"""ResizeDisk, ReInitDisk and ReplaceSystemDisk: what happens to the bytes."""

from typing import Any

import pytest
from refusals import refused
from support import GIB, LINUX_IMAGE, REGION, Cloud, block

UBUNTU = "ubuntu_18_04_x64_20G_alibase_20220101.vhd"


@pytest.fixture
def stopped(cloud: Cloud) -> tuple[str, str]:
    """A stopped instance and its data disk."""
    instance_id = cloud.instance()
    cloud.ecs("StopInstance", InstanceId=instance_id)
    return instance_id, cloud.data_disk(instance_id)


def status(cloud: Cloud, instance_id: str) -> str:
    listed = cloud.ecs("DescribeInstances", RegionId=REGION, InstanceIds=f'["{instance_id}"]')
    return str(listed["Instances"]["Instance"][0]["Status"])


# ResizeDisk


def test_a_disk_grows_keeps_its_bytes_and_reads_zeros_beyond(
    cloud: Cloud, stopped: tuple[str, str]
) -> None:
    disk_id = stopped[1]
    cloud.write(disk_id, 0, block("A"))
    last_old_block = 20 * GIB // 65536 - 1
    cloud.write(disk_id, last_old_block, block("Z"))
    assert set(cloud.ecs("ResizeDisk", DiskId=disk_id, NewSize=30)) == {"RequestId"}
    assert cloud.disk(disk_id)["Size"] == 30
    assert cloud.image(disk_id).stat().st_size == 30 * GIB
    assert cloud.read(disk_id, 0, 1) == block("A")
    assert cloud.read(disk_id, last_old_block, 2) == block("Z") + bytes(65536)
    cloud.check()


def test_online_resizing_needs_a_running_instance(cloud: Cloud, stopped: tuple[str, str]) -> None:
    given = {"DiskId": stopped[1], "NewSize": 30, "Type": "online"}
    refused(cloud, "InvalidInstanceStatus.NotRunning", "ResizeDisk", **given)
    cloud.ecs("StartInstance", InstanceId=stopped[0])
    cloud.ecs("ResizeDisk", **given)
    cloud.ecs("DetachDisk", DiskId=stopped[1], InstanceId=stopped[0])
    refused(cloud, "InvalidInstanceStatus.NotRunning", "ResizeDisk", **(given | {"NewSize": 40}))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"NewSize": 20}, "InvalidDiskSize.TooSmall"),
        ({"NewSize": 10}, "InvalidDiskSize.TooSmall"),
        ({"NewSize": 65537}, "InvalidDiskSize.TooLarge"),
        ({"NewSize": 0}, "InvalidDiskSize"),
        ({"NewSize": "big"}, "InvalidDiskSize"),
        ({"NewSize": 30, "Type": "sideways"}, "InvalidParam.Type"),
        ({"NewSize": 30, "DiskId": "d-none"}, "InvalidDiskId.NotFound"),
    ],
)
def test_a_resize_that_cannot_be_is_refused(
    cloud: Cloud, stopped: tuple[str, str], given: dict[str, Any], code: str
) -> None:
    refused(cloud, code, "ResizeDisk", **({"DiskId": stopped[1]} | given))


def test_nothing_changes_a_disk_while_a_snapshot_of_it_is_in_creation(
    cloud: Cloud, stopped: tuple[str, str]
) -> None:
    instance_id, disk_id = stopped
    [system] = cloud.disks(DiskType="system")
    cloud.ok("config", "set", "speed", "quick")
    cloud.snapshot(disk_id)
    cloud.snapshot(system["DiskId"])
    refused(cloud, "DiskCreatingSnapshot", "ResizeDisk", DiskId=disk_id, NewSize=30)
    refused(cloud, "DiskCreatingSnapshot", "ReInitDisk", DiskId=disk_id)
    replace = {"InstanceId": instance_id, "ImageId": UBUNTU}
    refused(cloud, "DiskCreatingSnapshot", "ReplaceSystemDisk", **replace)


# ReInitDisk


def test_an_empty_disk_is_empty_again(cloud: Cloud, stopped: tuple[str, str]) -> None:
    disk_id = stopped[1]
    cloud.write(disk_id, 5, block("A"))
    cloud.ecs("ReInitDisk", DiskId=disk_id)
    assert cloud.read(disk_id) == bytes(16 * 65536)
    assert cloud.image(disk_id).stat().st_blocks == 0
    assert status(cloud, stopped[0]) == "Stopped"


def test_a_system_disk_is_its_image_again_and_the_instance_starts_when_asked(
    cloud: Cloud, stopped: tuple[str, str]
) -> None:
    [system] = cloud.disks(DiskType="system")
    fresh = cloud.read(system["DiskId"], 0, 32)
    cloud.write(system["DiskId"], 0, block("A"))
    cloud.write(system["DiskId"], 100, block("B"))
    cloud.ecs("ReInitDisk", DiskId=system["DiskId"], AutoStartInstance=True)
    assert cloud.read(system["DiskId"], 0, 32) == fresh
    assert cloud.read(system["DiskId"], 100, 1) == bytes(65536)
    assert status(cloud, stopped[0]) == "Running"


@pytest.mark.rule("DL-3")
def test_a_disk_from_a_snapshot_is_that_snapshot_again_until_it_is_deleted(
    cloud: Cloud, stopped: tuple[str, str]
) -> None:
    instance_id, source = stopped
    cloud.write(source, 0, block("A"))
    snapshot_id = cloud.snapshot(source)
    disk_id = cloud.ecs(
        "CreateDisk",
        RegionId=REGION,
        InstanceId=instance_id,
        DiskCategory="cloud_essd",
        SnapshotId=snapshot_id,
        Size=25,
    )["DiskId"]
    cloud.write(disk_id, 0, block("B"))
    cloud.write(disk_id, 7, block("C"))
    cloud.ecs("ReInitDisk", DiskId=disk_id)
    assert cloud.read(disk_id, 0, 1) == block("A")
    assert cloud.read(disk_id, 7, 1) == bytes(65536)
    assert cloud.image(disk_id).stat().st_size == 25 * GIB
    refused(cloud, "SnapshotCreatedDisk", "DeleteSnapshot", SnapshotId=snapshot_id)
    cloud.ecs("DeleteSnapshot", SnapshotId=snapshot_id, Force=True)
    refused(cloud, "OperationDenied", "ReInitDisk", DiskId=disk_id)
    assert cloud.disk(disk_id)["SourceSnapshotId"] == snapshot_id


def test_snapshots_still_roll_back_after_a_re_initialisation(
    cloud: Cloud, stopped: tuple[str, str]
) -> None:
    disk_id = stopped[1]
    cloud.write(disk_id, 0, block("A"))
    snapshot_id = cloud.snapshot(disk_id)
    cloud.ecs("ReInitDisk", DiskId=disk_id)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=snapshot_id)
    assert cloud.read(disk_id, 0, 1) == block("A")


def test_a_re_initialisation_that_cannot_be_is_refused(
    cloud: Cloud, stopped: tuple[str, str]
) -> None:
    instance_id, disk_id = stopped
    refused(cloud, "InvalidDiskId.NotFound", "ReInitDisk", DiskId="d-none")
    cloud.ecs("StartInstance", InstanceId=instance_id)
    refused(cloud, "IncorrectInstanceStatus", "ReInitDisk", DiskId=disk_id)
    cloud.ecs("DetachDisk", DiskId=disk_id, InstanceId=instance_id)
    refused(cloud, "IncorrectDiskStatus", "ReInitDisk", DiskId=disk_id)


@pytest.mark.rule("IA-3")
def test_instant_access_forbids_re_initialising_until_it_is_off(
    cloud: Cloud, stopped: tuple[str, str]
) -> None:
    disk_id = stopped[1]
    snapshot_id = cloud.snapshot(disk_id, InstantAccess=True)
    code = "DiskHasSnapshotsWithInstantAccessEnabled.OperationNotSupported"
    refused(cloud, code, "ReInitDisk", DiskId=disk_id)
    cloud.ecs("ModifySnapshotAttribute", SnapshotId=snapshot_id, DisableInstantAccess=True)
    cloud.ecs("ReInitDisk", DiskId=disk_id)


# ReplaceSystemDisk


@pytest.mark.rule("RB-4")
def test_a_replaced_system_disk_is_new_and_the_old_ones_snapshots_do_not_roll_it_back(
    cloud: Cloud, stopped: tuple[str, str]
) -> None:
    instance_id = stopped[0]
    [old] = cloud.disks(DiskType="system")
    snapshot_id = cloud.snapshot(old["DiskId"])
    new_id = cloud.ecs("ReplaceSystemDisk", InstanceId=instance_id, ImageId=UBUNTU)["DiskId"]
    [new] = cloud.disks(DiskType="system")
    assert (new["DiskId"], new["Size"], new["Category"]) == (new_id, 40, old["Category"])
    assert (new["Device"], new["InstanceId"]) == ("/dev/xvda", instance_id)
    assert UBUNTU.encode() in cloud.read(new_id, 0, 1)
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [snapshot_id]
    refused(cloud, "InvalidParameter.Mismatch", "ResetDisk", DiskId=new_id, SnapshotId=snapshot_id)
    refused(
        cloud, "InvalidDiskId.NotFound", "ResetDisk", DiskId=old["DiskId"], SnapshotId=snapshot_id
    )
    listed = cloud.ecs("DescribeInstances", RegionId=REGION)
    assert listed["Instances"]["Instance"][0]["ImageId"] == UBUNTU
    cloud.check()


def test_the_new_system_disk_has_the_size_asked_for(cloud: Cloud, stopped: tuple[str, str]) -> None:
    given = {"InstanceId": stopped[0], "ImageId": UBUNTU}
    new_id = cloud.ecs("ReplaceSystemDisk", SystemDisk__Size=60, **given)["DiskId"]
    assert cloud.disk(new_id)["Size"] == 60


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"ImageId": ""}, "MissingParameter"),
        ({"ImageId": "none"}, "InvalidImageId.NotFound"),
        ({"InstanceId": "i-none"}, "InvalidInstanceId.NotFound"),
        ({"DiskId": "d-1"}, "InvalidParameter.Conflict"),
        ({"KMSKeyId": "k"}, "InvalidEncrypted.NotMatchKmsKeyId"),
        ({"SystemDisk__Size": 10}, "InvalidSystemDiskSize.LessThanImageSize"),
        ({"SystemDisk__Size": 70000}, "InvalidSystemDiskSize.ValueNotSupported"),
    ],
)
def test_a_replacement_that_cannot_be_is_refused(
    cloud: Cloud, stopped: tuple[str, str], given: dict[str, Any], code: str
) -> None:
    whole = {"InstanceId": stopped[0], "ImageId": LINUX_IMAGE} | given
    refused(cloud, code, "ReplaceSystemDisk", **whole)


def test_a_running_instance_keeps_its_system_disk(cloud: Cloud, stopped: tuple[str, str]) -> None:
    cloud.ecs("StartInstance", InstanceId=stopped[0])
    given = {"InstanceId": stopped[0], "ImageId": LINUX_IMAGE}
    refused(cloud, "IncorrectInstanceStatus", "ReplaceSystemDisk", **given)
