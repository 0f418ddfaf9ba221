"""Instances and system disks from custom images: the snapshots' very bytes and sizes."""

from typing import Any

import pytest
from image_helpers import create_image, image, images, launch, marked_instance, system_disk
from refusals import refused
from support import LINUX_IMAGE, REGION, Cloud, block


def written(cloud: Cloud, **parameters: Any) -> str:
    """Return an instance with blocks of its own on its system disk and on its data disk."""
    instance_id = marked_instance(cloud, "S", **parameters)
    cloud.write(cloud.data_disk(instance_id), 7, block("D"))
    return instance_id


def by_device(cloud: Cloud, instance_id: str) -> dict[str, dict[str, Any]]:
    return {disk["Device"]: disk for disk in cloud.disks(InstanceId=instance_id)}


@pytest.mark.rule("IM-4", "IM-7")
def test_disks_have_the_very_bytes_and_sizes_of_the_snapshots(cloud: Cloud) -> None:
    source = written(cloud, data_gib=25)
    image_id = create_image(cloud, InstanceId=source)
    cloud.write(system_disk(cloud, source), 5, block("x"))  # after the image was made
    made = by_device(cloud, launch(cloud, image_id))
    assert set(made) == {"/dev/xvda", "/dev/xvdb"}
    system, data = made["/dev/xvda"], made["/dev/xvdb"]
    assert (system["Size"], data["Size"], data["Type"]) == (40, 25, "data")
    assert cloud.read(system["DiskId"], 5, 1) == block("S")
    assert LINUX_IMAGE.encode() in cloud.read(system["DiskId"], 0, 1)
    assert cloud.read(data["DiskId"], 0, 16) == cloud.read(cloud.data_disk(source), 0, 16)
    assert cloud.read(data["DiskId"], 7, 1) == block("D")
    assert {system["ImageId"], data["ImageId"]} == {image_id}
    assert system["DeleteWithInstance"] and data["DeleteWithInstance"]
    cloud.check()


@pytest.mark.rule("IM-4")
def test_an_image_outlives_its_instance_its_disks_and_more_writes(cloud: Cloud) -> None:
    source = written(cloud)
    image_id = create_image(cloud, InstanceId=source)
    cloud.ecs("DeleteInstance", InstanceId=source, Force=True)
    assert cloud.disks() == []
    made = launch(cloud, image_id)
    assert cloud.read(system_disk(cloud, made), 5, 1) == block("S")
    assert cloud.read(cloud.data_disk(made), 7, 1) == block("D")


@pytest.mark.rule("IM-2")
def test_an_empty_data_disk_of_an_image_is_made_with_5_gib(cloud: Cloud) -> None:
    snapshot_id = cloud.snapshot(system_disk(cloud, marked_instance(cloud)))
    image_id = create_image(
        cloud,
        DiskDeviceMapping__1__SnapshotId=snapshot_id,
        DiskDeviceMapping__2__DiskType="data",
    )
    data = by_device(cloud, launch(cloud, image_id))["/dev/xvdb"]
    assert data["Size"] == 5
    assert not any(cloud.read(data["DiskId"]))


def test_a_data_disk_asked_for_under_the_same_device_overrides_the_images(cloud: Cloud) -> None:
    image_id = create_image(cloud, InstanceId=written(cloud))
    override = {
        "DataDisk__1__Device": "/dev/xvdb",
        "DataDisk__1__Size": 30,
        "DataDisk__1__Category": "cloud_essd",
        "DataDisk__1__DiskName": "logs",
        "DataDisk__1__DeleteWithInstance": False,
        "DataDisk__2__Size": 20,
    }
    made = by_device(cloud, launch(cloud, image_id, **override))
    assert set(made) == {"/dev/xvda", "/dev/xvdb", "/dev/xvdc"}
    data = made["/dev/xvdb"]
    assert (data["Size"], data["Category"], data["DiskName"]) == (30, "cloud_essd", "logs")
    assert not data["DeleteWithInstance"]
    assert cloud.read(data["DiskId"], 7, 1) == block("D")
    assert (made["/dev/xvdc"]["Size"], made["/dev/xvdc"]["SourceSnapshotId"]) == (20, "")


def test_a_snapshot_given_for_a_device_takes_the_place_of_the_images(cloud: Cloud) -> None:
    image_id = create_image(cloud, InstanceId=written(cloud))
    other = cloud.data_disk(cloud.instance())
    cloud.write(other, 7, block("O"))
    given = {"DataDisk__1__Device": "/dev/xvdb", "DataDisk__1__SnapshotId": cloud.snapshot(other)}
    made = by_device(cloud, launch(cloud, image_id, **given))
    assert len(made) == 2
    assert cloud.read(made["/dev/xvdb"]["DiskId"], 7, 1) == block("O")


def test_sizes_below_the_images_are_refused(cloud: Cloud) -> None:
    image_id = create_image(cloud, InstanceId=written(cloud, SystemDisk__Size=50))
    given = {"RegionId": REGION, "ImageId": image_id, "InstanceType": "ecs.g7.large"}
    code = "InvalidSystemDiskSize.LessThanImageSize"
    refused(cloud, code, "RunInstances", SystemDisk__Size=40, **given)
    smaller = {"DataDisk__1__Device": "/dev/xvdb", "DataDisk__1__Size": 10}
    code = "InvalidDataDiskSize.ValueNotSupported"
    refused(cloud, code, "RunInstances", **smaller, **given)
    too_many = {f"DataDisk__{n}__Size": 20 for n in range(1, 17)}
    refused(cloud, "InstanceDiskNumber.LimitExceed", "RunInstances", **too_many, **given)


@pytest.mark.rule("IM-6")
def test_a_family_gives_its_newest_usable_image(cloud: Cloud) -> None:
    def newest() -> str:
        found = cloud.ecs("DescribeImageFromFamily", RegionId=REGION, ImageFamily="web")
        return str(found["Image"]["ImageId"])

    source = marked_instance(cloud, data_gib=None)
    made = []
    for letter in "AB":
        cloud.write(system_disk(cloud, source), 5, block(letter))
        snapshot_id = cloud.snapshot(system_disk(cloud, source))
        made.append(create_image(cloud, SnapshotId=snapshot_id, ImageFamily="web"))
        cloud.ok("clock", "advance", "1h")
    create_image(cloud, InstanceId=source, ImageFamily="other")
    assert newest() == made[1]
    instance_id = launch(cloud, "", ImageFamily="web")
    assert cloud.read(system_disk(cloud, instance_id), 5, 1) == block("B")
    cloud.ecs("ModifyImageAttribute", RegionId=REGION, ImageId=made[1], Status="Deprecated")
    assert newest() == made[0]
    instance_id = launch(cloud, "", ImageFamily="web")
    assert cloud.read(system_disk(cloud, instance_id), 5, 1) == block("A")
    cloud.ecs("ModifyImageAttribute", RegionId=REGION, ImageId=made[1], Status="Available")
    cloud.ok("config", "set", "speed", "realistic")
    create_image(cloud, InstanceId=source, ImageFamily="web")  # Creating: not usable yet
    assert newest() == made[1]
    given = {"RegionId": REGION, "InstanceType": "ecs.g7.large", "ImageFamily": "none"}
    refused(cloud, "InvalidImageId.NotFound", "RunInstances", **given)
    public = "acs:ubuntu_18_04_x64"
    found = cloud.ecs("DescribeImageFromFamily", RegionId=REGION, ImageFamily=public)
    assert found["Image"]["ImageOwnerAlias"] == "system"
    assert "Image" not in cloud.ecs("DescribeImageFromFamily", RegionId=REGION, ImageFamily="no")


@pytest.mark.rule("IM-5")
def test_an_image_makes_instances_in_its_own_region_only(cloud: Cloud) -> None:
    image_id = create_image(cloud, InstanceId=marked_instance(cloud))
    given = {"RegionId": "cn-beijing", "ImageId": image_id, "InstanceType": "ecs.g7.large"}
    result = refused(cloud, "InvalidImageId.NotFound", "RunInstances", **given)
    assert "cn-hangzhou" in result.err and "CopyImage" in result.err
    assert images(cloud, RegionId="cn-beijing") == []


def test_an_image_that_is_not_available_makes_no_instance(cloud: Cloud) -> None:
    source = marked_instance(cloud)
    image_id = create_image(cloud, InstanceId=source)
    cloud.ecs("ModifyImageAttribute", RegionId=REGION, ImageId=image_id, Status="Deprecated")
    given = {"RegionId": REGION, "ImageId": image_id, "InstanceType": "ecs.g7.large"}
    refused(cloud, "IncorrectImageStatus", "RunInstances", **given)
    cloud.ok("config", "set", "speed", "realistic")
    given["ImageId"] = create_image(cloud, InstanceId=source)
    refused(cloud, "IncorrectImageStatus", "RunInstances", **given)


def test_a_system_disk_is_replaced_by_a_custom_image(cloud: Cloud) -> None:
    source = marked_instance(cloud, data_gib=None)
    image_id = create_image(cloud, InstanceId=source)
    other = cloud.instance(data_gib=None)
    cloud.ecs("StopInstance", InstanceId=other)
    cloud.ecs("ReplaceSystemDisk", InstanceId=other, ImageId=image_id)
    assert cloud.read(system_disk(cloud, other), 5, 1) == block("S")
    assert image(cloud, image_id)["Usage"] == "instance"
    with_data = create_image(cloud, InstanceId=written(cloud))
    given = {"InstanceId": other, "ImageId": with_data}
    refused(cloud, "OperationDenied", "ReplaceSystemDisk", **given)
    cloud.ecs("ModifyImageAttribute", RegionId=REGION, ImageId=image_id, Status="Deprecated")
    given = {"InstanceId": other, "ImageId": image_id}
    refused(cloud, "OperationDenied.ImageNotValid", "ReplaceSystemDisk", **given)


@pytest.mark.rule("IM-4")
def test_a_disk_goes_back_to_its_image_until_that_is_deleted(cloud: Cloud) -> None:
    source = written(cloud)
    image_id = create_image(cloud, InstanceId=source)
    instance_id = launch(cloud, image_id)
    system, data = system_disk(cloud, instance_id), cloud.data_disk(instance_id)
    cloud.write(system, 5, block("x"))
    cloud.write(data, 7, block("x"))
    cloud.ecs("StopInstance", InstanceId=instance_id)
    for disk_id in (system, data):
        cloud.ecs("ReInitDisk", DiskId=disk_id)
    assert cloud.read(system, 5, 1) == block("S")
    assert cloud.read(data, 7, 1) == block("D")
    given = {"RegionId": REGION, "ImageId": image_id}
    result = refused(cloud, "ImageUsingByInstance", "DeleteImage", **given)
    assert instance_id in result.err
    refused(cloud, "DryRunOperation", "DeleteImage", Force=True, DryRun=True, **given)
    cloud.ecs("DeleteImage", Force=True, **given)
    refused(cloud, "InvalidImageId.NotFound", "ReInitDisk", DiskId=system)
    cloud.ecs("ReInitDisk", DiskId=data)  # its snapshot is still there
    cloud.ecs("StartInstance", InstanceId=instance_id)
    [found] = [
        each
        for each in cloud.ecs("DescribeInstances", RegionId=REGION)["Instances"]["Instance"]
        if each["InstanceId"] == instance_id
    ]
    assert (found["OSName"], found["OSType"]) == ("CentOS 7.9 64 bit", "linux")


@pytest.mark.rule("IM-3")
def test_encrypted_snapshots_make_encrypted_images_and_disks(cloud: Cloud) -> None:
    source = written(cloud, SystemDisk__Encrypted=True, SystemDisk__Category="cloud_essd")
    image_id = create_image(cloud, InstanceId=source)
    disks = image(cloud, image_id)["DiskDeviceMappings"]["DiskDeviceMapping"]
    assert [disk["Encrypted"] for disk in disks] == [True, False]
    made = by_device(cloud, launch(cloud, image_id))
    assert [made[device]["Encrypted"] for device in sorted(made)] == [True, False]
    assert cloud.read(made["/dev/xvda"]["DiskId"], 5, 1) == block("S")
    cloud.check()
