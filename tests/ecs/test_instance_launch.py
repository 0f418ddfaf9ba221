"""RunInstances: new instances with their disks, all of them or none."""

from typing import Any

import pytest
from support import GIB, LINUX_IMAGE, REGION, Cloud, block

from snapcli.ecs.image_data import PUBLIC_IMAGES

TYPE = "ecs.g7.large"


def launch(cloud: Cloud, **parameters: Any) -> list[str]:
    given = {"RegionId": REGION, "ImageId": LINUX_IMAGE, "InstanceType": TYPE, **parameters}
    return list(cloud.ecs("RunInstances", **given)["InstanceIdSets"]["InstanceIdSet"])


def refused(cloud: Cloud, **parameters: Any) -> str:
    given = {"RegionId": REGION, "ImageId": LINUX_IMAGE, "InstanceType": TYPE, **parameters}
    result = cloud.refused("RunInstances", **{k: v for k, v in given.items() if v is not None})
    assert cloud.ecs("DescribeInstances", RegionId=REGION)["TotalCount"] == 0
    assert cloud.disks() == []
    assert list(cloud.root.glob("disks/*/*")) == []
    return result.error_code


def instance(cloud: Cloud, instance_id: str) -> dict[str, Any]:
    found = cloud.ecs("DescribeInstances", RegionId=REGION, InstanceIds=f'["{instance_id}"]')
    [only] = found["Instances"]["Instance"]
    return dict(only)


def test_an_instance_runs_with_a_system_disk_of_its_image(cloud: Cloud) -> None:
    [instance_id] = launch(cloud)
    made = instance(cloud, instance_id)
    assert (made["Status"], made["InstanceName"], made["HostName"]) == (
        "Running",
        instance_id,
        instance_id,
    )
    assert (made["Cpu"], made["Memory"], made["OSType"]) == (2, 8192, "linux")
    [disk] = cloud.disks(InstanceId=instance_id)
    assert (disk["Type"], disk["Device"], disk["Size"], disk["Category"]) == (
        "system",
        "/dev/xvda",
        40,
        "cloud_efficiency",
    )
    assert (disk["Status"], disk["ImageId"]) == ("In_use", LINUX_IMAGE)
    assert disk["DeleteWithInstance"] and disk["DeleteAutoSnapshot"]


@pytest.mark.parametrize("image_id", PUBLIC_IMAGES)
def test_a_system_disk_begins_with_bytes_that_name_its_image(cloud: Cloud, image_id: str) -> None:
    [instance_id] = launch(cloud, ImageId=image_id)
    [disk] = cloud.disks(InstanceId=instance_id)
    first = cloud.read(disk["DiskId"], 0, 1)
    assert image_id.encode() in first
    assert first[510:512] == b"\x55\xaa"
    assert cloud.image(disk["DiskId"]).stat().st_size == disk["Size"] * GIB
    assert instance(cloud, instance_id)["OSType"] == PUBLIC_IMAGES[image_id].os_type


@pytest.mark.parametrize("system", ["centos_7", "ubuntu_18", "aliyun_2_1903", "win2019", "win2012"])
def test_there_is_an_image_of_each_operating_system_of_the_guide(system: str) -> None:
    assert any(image_id.startswith(system) for image_id in PUBLIC_IMAGES)


def test_several_at_once_are_numbered_when_asked(cloud: Cloud) -> None:
    ids = launch(cloud, Amount=3, InstanceName="web", UniqueSuffix=True)
    names = [instance(cloud, each)["InstanceName"] for each in ids]
    assert names == ["web001", "web002", "web003"]
    assert [
        instance(cloud, each)["InstanceName"] for each in launch(cloud, InstanceName="one")
    ] == ["one"]


def test_each_instance_has_an_address_that_no_other_has(cloud: Cloud) -> None:
    first, second = launch(cloud, Amount=2)
    cloud.ecs("DeleteInstance", InstanceId=first, Force=True)
    [third] = launch(cloud)
    addresses = [
        instance(cloud, each)["VpcAttributes"]["PrivateIpAddress"]["IpAddress"]
        for each in (second, third)
    ]
    assert addresses[0] != addresses[1]


def test_attributes_are_kept(cloud: Cloud) -> None:
    given = {
        "InstanceName": "db[1,2]",
        "HostName": "db-1",
        "Description": "the database",
        "SecurityGroupId": "sg-1",
        "VSwitchId": "vsw-1",
        "PrivateIpAddress": "10.0.0.9",
        "KeyPairName": "key",
        "InstanceChargeType": "PrePaid",
        "ResourceGroupId": "rg-1",
        "CreditSpecification": "Standard",
        "DeletionProtection": True,
        "ZoneId": "cn-hangzhou-h",
        "Tag__1__Key": "env",
        "Tag__1__Value": "test",
        "SystemDisk__DiskName": "root",
        "SystemDisk__Description": "boot disk",
        "SystemDisk__Size": 50,
        "SystemDisk__Category": "cloud_essd",
        "SystemDisk__PerformanceLevel": "PL0",
    }
    [instance_id] = launch(cloud, **given)
    made = instance(cloud, instance_id)
    for name in ("InstanceName", "HostName", "Description", "KeyPairName", "InstanceChargeType"):
        assert made[name] == given[name]
    assert made["SecurityGroupIds"]["SecurityGroupId"] == ["sg-1"]
    assert made["VpcAttributes"]["VSwitchId"] == "vsw-1"
    assert made["VpcAttributes"]["PrivateIpAddress"]["IpAddress"] == ["10.0.0.9"]
    assert (made["ZoneId"], made["ResourceGroupId"]) == ("cn-hangzhou-h", "rg-1")
    assert made["DeletionProtection"] is True
    assert made["Tags"]["Tag"] == [{"TagKey": "env", "TagValue": "test"}]
    [disk] = cloud.disks(InstanceId=instance_id)
    assert (disk["DiskName"], disk["Description"], disk["Size"]) == ("root", "boot disk", 50)
    assert (disk["Category"], disk["PerformanceLevel"]) == ("cloud_essd", "PL0")
    assert disk["Tags"]["Tag"] == made["Tags"]["Tag"]


def test_data_disks_follow_in_order_and_keep_their_attributes(cloud: Cloud) -> None:
    [instance_id] = launch(
        cloud,
        DataDisk__1__Size=20,
        DataDisk__1__Category="cloud_essd",
        DataDisk__1__DiskName="first",
        DataDisk__2__Size=30,
        DataDisk__2__Device="/dev/xvdb",
        DataDisk__2__DeleteWithInstance=False,
    )
    first, second = sorted(
        cloud.disks(InstanceId=instance_id, DiskType="data"), key=lambda d: d["Size"]
    )
    assert (first["Device"], second["Device"]) == ("/dev/xvdc", "/dev/xvdb")
    assert (first["DiskName"], first["PerformanceLevel"]) == ("first", "PL1")
    assert (first["DeleteWithInstance"], second["DeleteWithInstance"]) == (True, False)
    assert second["Category"] == "cloud_efficiency" and "PerformanceLevel" not in second


@pytest.mark.rule("OV-3")
def test_a_data_disk_from_a_snapshot_has_its_bytes_and_at_least_its_size(cloud: Cloud) -> None:
    source = cloud.data_disk(cloud.instance(data_gib=25))
    cloud.write(source, 3, block("A"))
    snapshot_id = cloud.snapshot(source)
    [instance_id] = launch(
        cloud,
        ZoneId="cn-hangzhou-b",
        DataDisk__1__SnapshotId=snapshot_id,
        DataDisk__1__Size=20,
        DataDisk__1__Category="cloud_essd",
    )
    disk_id = cloud.data_disk(instance_id)
    assert cloud.read(disk_id) == cloud.read(source)
    assert cloud.disk(disk_id)["Size"] == 25
    assert cloud.disk(disk_id)["SourceSnapshotId"] == snapshot_id


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"ImageId": None}, "MissingParameter"),
        ({"InstanceType": None}, "MissingParameter"),
        ({"ImageId": "centos"}, "InvalidImageId.NotFound"),
        ({"InstanceType": "g7.large"}, "InvalidInstanceType.ValueNotSupported"),
        ({"RegionId": "cn-nowhere"}, "InvalidRegionId.NotFound"),
        ({"ZoneId": "cn-beijing-a"}, "InvalidZoneId.NotFound"),
        ({"Amount": 101}, "InvalidParam.Amount"),
        ({"Amount": 0}, "InvalidParam.Amount"),
        ({"MinAmount": 2}, "InvalidMinAmount.Malformed"),
        ({"InstanceName": "1web"}, "InvalidInstanceName.Malformed"),
        ({"SystemDisk__Category": "gold"}, "InvalidSystemDiskCategory.ValueNotSupported"),
        ({"SystemDisk__Size": 10}, "InvalidSystemDiskSize.LessThanImageSize"),
        ({"SystemDisk__Size": 99999}, "InvalidSystemDiskSize.ValueNotSupported"),
        ({"SystemDisk__PerformanceLevel": "PL9"}, "InvalidPerformanceLevel.Malformed"),
        ({"SystemDisk__KMSKeyId": "k"}, "InvalidEncrypted.NotMatchKmsKeyId"),
        ({"SystemDisk__AutoSnapshotPolicyId": "sp-1"}, "ParameterInvalid"),
        ({"DataDisk__1__Category": "cloud_ssd"}, "MissingParameter"),
        (
            {"DataDisk__1__Size": 20, "DataDisk__1__Category": "gold"},
            "InvalidDataDiskCategory.ValueNotSupported",
        ),
        ({"DataDisk__1__Size": 10}, "InvalidDataDiskSize.ValueNotSupported"),
        ({"DataDisk__1__SnapshotId": "s-none"}, "InvalidDataDiskSnapshotId.NotFound"),
        ({"DataDisk__1__Size": 20, "DataDisk__1__Device": "/dev/sda"}, "InvalidParameter.Mismatch"),
        (
            {f"DataDisk__{n}__Size": 20 for n in (1, 2)}
            | {f"DataDisk__{n}__Device": "/dev/xvdc" for n in (1, 2)},
            "InvalidDevice.InUse",
        ),
        ({f"DataDisk__{n}__Size": 20 for n in range(1, 18)}, "InstanceDiskNumber.LimitExceed"),
        ({"AutoReleaseTime": "2022-03-11T03:02:59Z"}, "InvalidAutoReleaseTime.Malformed"),
        ({"AutoReleaseTime": "tomorrow"}, "InvalidAutoReleaseTime.Malformed"),
        ({f"Tag__{n}__Key": f"k{n}" for n in range(1, 22)}, "QuotaExceed.Tags"),
        ({"Tag__1__Key": "a", "Tag__2__Key": "A"}, "Duplicate.TagKey"),
        ({"Tag__1__Key": "acs:a"}, "InvalidTagKey.Malformed"),
        ({"Tag__1__Key": "a", "Tag__1__Value": "http://a"}, "InvalidTagValue.Malformed"),
    ],
)
def test_a_refused_launch_says_why_and_leaves_nothing(
    cloud: Cloud, given: dict[str, Any], code: str
) -> None:
    assert refused(cloud, **given) == code


def test_sixteen_data_disks_are_the_most(cloud: Cloud) -> None:
    [instance_id] = launch(cloud, **{f"DataDisk__{n}__Size": 20 for n in range(1, 17)})
    devices = [disk["Device"] for disk in cloud.disks(InstanceId=instance_id)]
    assert len(set(devices)) == 17
    more = {"RegionId": REGION, "InstanceId": instance_id, "Size": 20}
    assert cloud.refused("CreateDisk", **more).error_code == "InstanceDiskLimitExceeded"


def test_a_new_instance_passes_pending_and_starting(cloud: Cloud) -> None:
    cloud.ok("config", "set", "speed", "realistic")
    [instance_id] = launch(cloud)
    seen = [instance(cloud, instance_id)["Status"]]
    for _ in range(2):
        cloud.ok("clock", "advance", "10s")
        seen.append(instance(cloud, instance_id)["Status"])
    assert seen == ["Pending", "Starting", "Running"]
