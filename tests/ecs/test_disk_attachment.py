"""AttachDisk, DetachDisk and DeleteDisk."""

from typing import Any

import pytest
from refusals import refused
from support import LINUX_IMAGE, REGION, Cloud, block

ZONE = "cn-hangzhou-b"


def create(cloud: Cloud, **parameters: Any) -> str:
    given = {"RegionId": REGION, "ZoneId": ZONE, "Size": 20, "DiskCategory": "cloud_essd"}
    return str(cloud.ecs("CreateDisk", **(given | parameters))["DiskId"])


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    """A running instance with a data disk, in the zone of `create`."""
    return cloud.instance(ZoneId=ZONE)


def test_a_disk_is_attached_under_the_next_free_name(cloud: Cloud, instance_id: str) -> None:
    first, second = create(cloud), create(cloud)
    cloud.ecs("AttachDisk", DiskId=first, InstanceId=instance_id, Device="/dev/xvdd")
    cloud.ecs("AttachDisk", DiskId=second, InstanceId=instance_id, DeleteWithInstance=True)
    disk = cloud.disk(first)
    assert (disk["Status"], disk["InstanceId"], disk["Device"]) == (
        "In_use",
        instance_id,
        "/dev/xvdd",
    )
    assert disk["AttachedTime"] == "2022-03-11T02:33:00Z" and not disk["DeleteWithInstance"]
    [attachment] = disk["Attachments"]["Attachment"]
    assert attachment == {
        "AttachedTime": "2022-03-11T02:33:00Z",
        "Device": "/dev/xvdd",
        "InstanceId": instance_id,
    }
    assert cloud.disk(second)["Device"] == "/dev/xvdc"
    assert cloud.disk(second)["DeleteWithInstance"] is True


def test_a_detached_disk_keeps_its_bytes_and_is_available(cloud: Cloud, instance_id: str) -> None:
    disk_id = cloud.data_disk(instance_id)
    cloud.write(disk_id, 0, block("A"))
    cloud.ok("clock", "advance", "1m")
    cloud.ecs("DetachDisk", DiskId=disk_id, InstanceId=instance_id, DeleteWithInstance=False)
    disk = cloud.disk(disk_id)
    assert (disk["Status"], disk["InstanceId"], disk["Device"]) == ("Available", "", "")
    assert disk["DetachedTime"] == "2022-03-11T02:34:00Z"
    assert disk["Attachments"]["Attachment"] == [] and not disk["DeleteWithInstance"]
    assert cloud.read(disk_id, 0, 1) == block("A")


def test_it_passes_through_attaching_and_detaching_at_realistic_speed(
    cloud: Cloud, instance_id: str
) -> None:
    disk_id = create(cloud)
    cloud.ok("config", "set", "speed", "realistic")
    pair = {"DiskId": disk_id, "InstanceId": instance_id}
    cloud.ecs("AttachDisk", **pair)
    assert cloud.disk(disk_id)["Status"] == "Attaching"
    refused(cloud, "IncorrectDiskStatus", "DetachDisk", **pair)
    refused(cloud, "IncorrectDiskStatus", "CreateSnapshot", DiskId=disk_id)
    cloud.ok("clock", "advance", "5s")
    assert cloud.disk(disk_id)["Status"] == "In_use"
    cloud.ecs("DetachDisk", **pair)
    assert cloud.disk(disk_id)["Status"] == "Detaching"
    refused(cloud, "IncorrectDiskStatus", "AttachDisk", **pair)
    refused(cloud, "IncorrectDiskStatus", "DeleteDisk", DiskId=disk_id)
    cloud.ok("clock", "advance", "5s")
    assert cloud.disk(disk_id)["Status"] == "Available"


def test_an_attachment_that_cannot_be_is_refused(cloud: Cloud, instance_id: str) -> None:
    free = create(cloud)
    pair = {"DiskId": free, "InstanceId": instance_id}
    attach = "AttachDisk"
    refused(cloud, "InvalidDiskId.NotFound", attach, **(pair | {"DiskId": "d-none"}))
    refused(cloud, "InvalidInstanceId.NotFound", attach, **(pair | {"InstanceId": "i-none"}))
    refused(cloud, "InvalidDevice.Malformed", attach, Device="/dev/sdb", **pair)
    refused(cloud, "InvalidDevice.Malformed", attach, Device="/dev/xvda", **pair)
    refused(cloud, "InvalidDevice.InUse", attach, Device="/dev/xvdb", **pair)
    refused(cloud, "InvalidDisk.DiskNotBootable", attach, Bootable=True, **pair)
    attached = cloud.data_disk(instance_id)
    refused(cloud, "InvalidDisk.InUse", attach, **(pair | {"DiskId": attached}))
    elsewhere = create(cloud, ZoneId="cn-hangzhou-k")
    refused(cloud, "ResourcesNotInSameZone", attach, **(pair | {"DiskId": elsewhere}))
    cloud.ok("config", "set", "quotas.disks_per_instance", "2")
    refused(cloud, "InstanceDiskLimitExceeded", attach, **pair)


def test_nothing_is_attached_to_an_instance_between_two_states(
    cloud: Cloud, instance_id: str
) -> None:
    disk_id = create(cloud)
    cloud.ok("config", "set", "speed", "realistic")
    cloud.ecs("StopInstance", InstanceId=instance_id)
    pair = {"DiskId": disk_id, "InstanceId": instance_id}
    refused(cloud, "IncorrectInstanceStatus", "AttachDisk", **pair)
    cloud.ok("clock", "advance", "20s")
    cloud.ecs("AttachDisk", **pair)


def test_a_detachment_that_cannot_be_is_refused(cloud: Cloud, instance_id: str) -> None:
    disk_id, free, other = cloud.data_disk(instance_id), create(cloud), cloud.instance()
    detach = "DetachDisk"
    for wrong, code in (
        ({"DiskId": "d-none", "InstanceId": instance_id}, "InvalidDiskId.NotFound"),
        ({"DiskId": disk_id, "InstanceId": "i-none"}, "InvalidInstanceId.NotFound"),
        ({"DiskId": free, "InstanceId": instance_id}, "InvalidDisk.AlreadyDetached"),
        ({"DiskId": disk_id, "InstanceId": other}, "DependencyViolation"),
    ):
        refused(cloud, code, detach, **wrong)


def test_a_system_disk_is_detached_while_stopped_and_boots_its_own_instance_only(
    cloud: Cloud, instance_id: str
) -> None:
    [system] = [disk["DiskId"] for disk in cloud.disks(DiskType="system")]
    pair = {"DiskId": system, "InstanceId": instance_id}
    refused(cloud, "IncorrectInstanceStatus", "DetachDisk", **pair)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ecs("DetachDisk", **pair)
    other = cloud.instance(ZoneId=ZONE)
    boot = {"DiskId": system, "Bootable": True}
    refused(cloud, "InvalidInstance.NotOriginInstance", "AttachDisk", InstanceId=other, **boot)
    cloud.ecs("AttachDisk", InstanceId=instance_id, **boot)
    disk = cloud.disk(system)
    assert (disk["Type"], disk["Device"]) == ("system", "/dev/xvda")
    cloud.ecs("StartInstance", InstanceId=instance_id)


def test_a_system_disk_that_served_as_a_data_disk_can_boot_again(
    cloud: Cloud, instance_id: str
) -> None:
    [system] = [disk["DiskId"] for disk in cloud.disks(DiskType="system")]
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ecs("DetachDisk", DiskId=system, InstanceId=instance_id)
    other = cloud.instance(ZoneId=ZONE, data_gib=None)
    cloud.ecs("AttachDisk", DiskId=system, InstanceId=other)
    assert (cloud.disk(system)["Type"], cloud.disk(system)["Device"]) == ("data", "/dev/xvdb")
    cloud.ecs("DetachDisk", DiskId=system, InstanceId=other)
    cloud.ecs("AttachDisk", DiskId=system, InstanceId=instance_id, Bootable=True)
    assert cloud.disk(system)["Type"] == "system"


def test_an_instance_without_system_disk_gets_no_other_but_its_own_back(
    cloud: Cloud, instance_id: str
) -> None:
    [first] = [disk["DiskId"] for disk in cloud.disks(DiskType="system")]
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ecs("DetachDisk", DiskId=first, InstanceId=instance_id)
    refused(
        cloud,
        "InvalidInstance.NotFoundSystemDisk",
        "ReplaceSystemDisk",
        InstanceId=instance_id,
        ImageId=LINUX_IMAGE,
    )
    cloud.ecs("AttachDisk", DiskId=first, InstanceId=instance_id, Bootable=True)
    again = {"DiskId": first, "InstanceId": instance_id, "Bootable": True}
    refused(cloud, "InvalidDisk.InUse", "AttachDisk", **again)


def test_a_released_disk_is_gone_with_its_bytes_and_its_snapshots_stay(
    cloud: Cloud, instance_id: str
) -> None:
    disk_id = cloud.data_disk(instance_id)
    cloud.write(disk_id, 0, block("A"))
    snapshot_id = cloud.snapshot(disk_id)
    refused(cloud, "IncorrectDiskStatus", "DeleteDisk", DiskId=disk_id)
    cloud.ecs("DetachDisk", DiskId=disk_id, InstanceId=instance_id)
    image = cloud.image(disk_id)
    cloud.ecs("DeleteDisk", DiskId=disk_id)
    assert not image.exists()
    assert [each["SnapshotId"] for each in cloud.snapshots(DiskId=disk_id)] == [snapshot_id]
    refused(cloud, "InvalidDiskId.NotFound", "DeleteDisk", DiskId=disk_id)
    cloud.check()


def test_a_disk_is_not_released_by_hand_while_a_snapshot_of_it_is_in_creation(
    cloud: Cloud, instance_id: str
) -> None:
    disk_id = cloud.data_disk(instance_id)
    cloud.ecs("DetachDisk", DiskId=disk_id, InstanceId=instance_id)
    cloud.ok("config", "set", "speed", "quick")
    cloud.snapshot(disk_id)
    refused(cloud, "DiskCreatingSnapshot", "DeleteDisk", DiskId=disk_id)
    cloud.ok("clock", "advance", "3s")
    cloud.ecs("DeleteDisk", DiskId=disk_id)
