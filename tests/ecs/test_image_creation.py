"""CreateImage: what an image may be made from, what it then holds, and what is refused."""

from typing import Any

import pytest
from image_helpers import (
    create_image,
    disks_of,
    image,
    images,
    marked_instance,
    system_disk,
)
from refusals import refused
from support import REGION, Cloud


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return marked_instance(cloud)


@pytest.fixture
def system(cloud: Cloud, instance_id: str) -> str:
    """A snapshot of a system disk."""
    return cloud.snapshot(system_disk(cloud, instance_id))


@pytest.fixture
def data(cloud: Cloud, instance_id: str) -> str:
    """A snapshot of a data disk of 20 GiB."""
    return cloud.snapshot(cloud.data_disk(instance_id))


@pytest.mark.rule("IM-1")
def test_a_system_disks_snapshot_alone_makes_an_image(cloud: Cloud, system: str) -> None:
    image_id = create_image(cloud, SnapshotId=system, ImageName="web")
    assert image_id.startswith("m-bp1")
    made = image(cloud, image_id)
    assert (made["ImageName"], made["Status"], made["ImageOwnerAlias"]) == (
        "web",
        "Available",
        "self",
    )
    assert disks_of(made) == [("system", "/dev/xvda", "40", system)]
    assert made["Size"] == 40 and made["Progress"] == "100%"


@pytest.mark.rule("IM-1")
def test_data_disks_snapshots_are_added_in_the_order_of_their_devices(
    cloud: Cloud, system: str, data: str
) -> None:
    image_id = create_image(
        cloud,
        DiskDeviceMapping__1__SnapshotId=data,
        DiskDeviceMapping__2__SnapshotId=system,
        DiskDeviceMapping__3__SnapshotId=data,
        DiskDeviceMapping__3__Device="/dev/xvdb",
    )
    assert disks_of(image(cloud, image_id)) == [
        ("system", "/dev/xvda", "40", system),
        ("data", "/dev/xvdc", "20", data),
        ("data", "/dev/xvdb", "20", data),
    ]


@pytest.mark.rule("IM-1")
def test_data_disks_snapshots_alone_are_refused(cloud: Cloud, data: str) -> None:
    given = {"RegionId": REGION, "DiskDeviceMapping__1__SnapshotId": data}
    refused(cloud, "InvalidSystemSnapshot.Missing", "CreateImage", **given)
    refused(cloud, "OperationDenied", "CreateImage", RegionId=REGION, SnapshotId=data)
    as_system = given | {"DiskDeviceMapping__1__DiskType": "system"}
    refused(cloud, "UserNotInTheWhiteList", "CreateImage", **as_system)


@pytest.mark.rule("IM-2")
def test_a_data_disk_without_a_snapshot_is_empty_and_has_5_gib(cloud: Cloud, system: str) -> None:
    image_id = create_image(
        cloud,
        DiskDeviceMapping__1__SnapshotId=system,
        DiskDeviceMapping__2__DiskType="data",
        DiskDeviceMapping__3__Size=30,
    )
    assert disks_of(image(cloud, image_id))[1:] == [
        ("data", "/dev/xvdb", "5", ""),
        ("data", "/dev/xvdc", "30", ""),
    ]


@pytest.mark.rule("IM-7")
def test_an_instances_image_takes_and_holds_a_snapshot_of_each_disk(
    cloud: Cloud, instance_id: str
) -> None:
    cloud.ecs("CreateDisk", RegionId=REGION, InstanceId=instance_id, Size=30)
    image_id = create_image(cloud, InstanceId=instance_id)
    taken = {each["SourceDiskId"]: each["SnapshotId"] for each in cloud.snapshots()}
    attached = {disk["Device"]: disk["DiskId"] for disk in cloud.disks(InstanceId=instance_id)}
    assert len(taken) == 3
    assert disks_of(image(cloud, image_id)) == [
        ("system", "/dev/xvda", "40", taken[attached["/dev/xvda"]]),
        ("data", "/dev/xvdb", "20", taken[attached["/dev/xvdb"]]),
        ("data", "/dev/xvdc", "30", taken[attached["/dev/xvdc"]]),
    ]
    for snapshot_id in taken.values():
        refused(cloud, "SnapshotCreatedImage", "DeleteSnapshot", SnapshotId=snapshot_id)


@pytest.mark.rule("IM-7")
def test_an_instances_image_is_creating_until_its_snapshots_are_done(
    cloud: Cloud, instance_id: str
) -> None:
    cloud.ok("config", "set", "speed", "realistic")
    image_id = create_image(cloud, InstanceId=instance_id)
    assert images(cloud) == []  # only Available ones are listed unless asked for
    made = image(cloud, image_id)
    assert (made["Status"], made["Progress"]) == ("Creating", "0%")
    cloud.ok("clock", "advance", "20s")
    assert 0 < int(image(cloud, image_id)["Progress"][:-1]) < 100
    cloud.ok("clock", "advance", "20s")
    assert [each["Status"] for each in cloud.snapshots()] == ["accomplished"] * 2
    assert images(cloud)[0]["Status"] == "Available"


@pytest.mark.rule("IM-7")
def test_an_image_fails_with_a_snapshot_it_waits_for(cloud: Cloud, instance_id: str) -> None:
    cloud.ok("config", "set", "speed", "realistic")
    image_id = create_image(cloud, InstanceId=instance_id)
    cloud.ok("clock", "advance", "5s")
    cloud.ecs("StopInstance", InstanceId=instance_id)
    assert image(cloud, image_id)["Status"] == "CreateFailed"
    cloud.ok("clock", "advance", "1h")
    assert image(cloud, image_id)["Status"] == "CreateFailed"
    for snapshot in cloud.snapshots():  # a failed image keeps nothing from going
        cloud.ecs("DeleteSnapshot", SnapshotId=snapshot["SnapshotId"])
    cloud.check()


@pytest.mark.rule("IM-9")
def test_an_unfinished_snapshot_makes_no_image_instant_access_or_not(
    cloud: Cloud, instance_id: str
) -> None:
    essd = marked_instance(cloud, data_gib=None, SystemDisk__Category="cloud_essd")
    cloud.ok("config", "set", "speed", "realistic")
    for disk_id, fast in ((instance_id, False), (essd, True)):
        snapshot_id = cloud.snapshot(system_disk(cloud, disk_id), InstantAccess=fast)
        given = {"RegionId": REGION, "SnapshotId": snapshot_id}
        refused(cloud, "InvalidSnapshotId.NotReady", "CreateImage", **given)
        cloud.ok("clock", "advance", "1h")
        create_image(cloud, SnapshotId=snapshot_id)


@pytest.mark.rule("IM-9")
def test_a_failed_snapshot_makes_no_image(cloud: Cloud, instance_id: str) -> None:
    cloud.ok("config", "set", "speed", "realistic")
    snapshot_id = cloud.snapshot(system_disk(cloud, instance_id))
    cloud.ecs("StopInstance", InstanceId=instance_id)
    refused(cloud, "OperationDenied", "CreateImage", RegionId=REGION, SnapshotId=snapshot_id)


@pytest.mark.rule("IM-6")
def test_family_resource_group_and_tags_are_kept(cloud: Cloud, system: str) -> None:
    image_id = create_image(
        cloud,
        SnapshotId=system,
        ImageFamily="web",
        ImageVersion="1.2",
        ResourceGroupId="rg-1",
        Description="of the shop",
        Tag__1__Key="env",
        Tag__1__Value="test",
    )
    made = image(cloud, image_id)
    assert (made["ImageFamily"], made["ImageVersion"], made["ResourceGroupId"]) == (
        "web",
        "1.2",
        "rg-1",
    )
    assert made["Description"] == "of the shop"
    assert made["Tags"]["Tag"] == [{"TagKey": "env", "TagValue": "test"}]


def test_an_image_says_what_system_it_holds(cloud: Cloud, instance_id: str, system: str) -> None:
    of_snapshot = image(cloud, create_image(cloud, SnapshotId=system))
    of_instance = image(cloud, create_image(cloud, InstanceId=instance_id))
    for made in (of_snapshot, of_instance):
        assert (made["OSName"], made["OSType"], made["Platform"]) == (
            "CentOS 7.9 64 bit",
            "linux",
            "CentOS",
        )
    cloud.ecs("DeleteInstance", InstanceId=instance_id, Force=True)
    later = image(cloud, create_image(cloud, SnapshotId=system))
    assert later["OSName"] == "CentOS 7.9 64 bit"  # though the disk is gone
    other = create_image(cloud, SnapshotId=system, Platform="Windows Server 2019")
    assert image(cloud, other)["OSType"] == "windows"


def test_an_instance_wins_over_a_mapping_and_that_over_a_snapshot(
    cloud: Cloud, instance_id: str, system: str, data: str
) -> None:
    mapping = {"DiskDeviceMapping__1__SnapshotId": system, "DiskDeviceMapping__2__Size": 20}
    mapped = create_image(cloud, SnapshotId=data, **mapping)
    assert [disk[0] for disk in disks_of(image(cloud, mapped))] == ["system", "data"]
    of_instance = create_image(cloud, InstanceId=instance_id, SnapshotId=data, **mapping)
    held = {disk[3] for disk in disks_of(image(cloud, of_instance))}
    assert len(held) == 2 and not held & {system, data}


def test_names_differ_in_a_region(cloud: Cloud, system: str) -> None:
    create_image(cloud, SnapshotId=system, ImageName="web")
    given = {"RegionId": REGION, "SnapshotId": system}
    refused(cloud, "InvalidImageName.Duplicated", "CreateImage", ImageName="web", **given)
    create_image(cloud, SnapshotId=system, ImageName="web.2")
    unnamed = create_image(cloud, SnapshotId=system)
    assert image(cloud, unnamed)["ImageName"] == unnamed


def test_a_region_has_a_limit_of_images(cloud: Cloud, system: str) -> None:
    cloud.ok("config", "set", "quotas.images_per_region", "2")
    for _ in range(2):
        create_image(cloud, SnapshotId=system)
    refused(cloud, "QuotaExceed.Image", "CreateImage", RegionId=REGION, SnapshotId=system)


def test_a_dry_run_creates_nothing(cloud: Cloud, instance_id: str, system: str) -> None:
    for source in ({"SnapshotId": system}, {"InstanceId": instance_id}):
        given = {"RegionId": REGION, "DryRun": True, **source}
        refused(cloud, "DryRunOperation", "CreateImage", **given)


def test_a_repeated_token_makes_one_image(cloud: Cloud, system: str) -> None:
    first = create_image(cloud, SnapshotId=system, ClientToken="t")
    assert create_image(cloud, SnapshotId=system, ClientToken="t") == first
    assert len(images(cloud)) == 1


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "MissingParameter"),
        ({"SnapshotId": "s-none"}, "InvalidSnapshotId.NotFound"),
        ({"InstanceId": "i-none"}, "InvalidInstanceId.NotFound"),
        ({"ImageName": "1web"}, "InvalidImageName.Malformed"),
        ({"ImageName": "aliyunweb"}, "InvalidImageName.Malformed"),
        ({"ImageName": "acs:web"}, "InvalidImageName.Malformed"),
        ({"ImageFamily": "x"}, "InvalidImageFamily.Malformed"),
        ({"Description": "http://x"}, "InvalidDescription.Malformed"),
        ({"Platform": "BeOS"}, "InvalidPlatform.Malformed"),
        ({"Architecture": "mips"}, "InvalidArchitecture.Malformed"),
        ({"BootMode": "Floppy"}, "InvalidBootMode.NotSupport"),
        ({"Tag__1__Key": "aliyun"}, "InvalidTagKey.Malformed"),
        ({"DiskDeviceMapping__1__Size": 20}, "InvalidSystemSnapshot.Missing"),
        ({"DiskDeviceMapping__1__DiskType": "system"}, "InvalidSystemSnapshot.Missing"),
        ({"DiskDeviceMapping__1__DiskType": "tape"}, "InvalidDiskType.ValueNotSupported"),
        ({"DiskDeviceMapping__1__Size": 4}, "InvalidSize.ValueNotSupported"),
    ],
)
def test_what_is_not_right_is_refused(cloud: Cloud, given: dict[str, Any], code: str) -> None:
    refused(cloud, code, "CreateImage", RegionId=REGION, **given)


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ({2: {"SnapshotId": "system"}}, "OperationDenied"),
        ({2: {"Device": "/dev/sdb"}}, "InvalidDevice.Malformed"),
        ({2: {"Device": "/dev/xvda"}}, "InvalidDevice.Malformed"),
        ({2: {"Device": "/dev/xvdb"}, 3: {"Device": "/dev/xvdb"}}, "InvalidDevice.InUse"),
        ({2: {"SnapshotId": "data", "Size": 10}}, "InvalidSize.ValueNotSupported"),
        ({n: {"Size": 20} for n in range(2, 19)}, "OperationDenied"),
    ],
)
def test_disks_that_do_not_go_together_are_refused(
    cloud: Cloud, system: str, data: str, mapping: dict[int, dict[str, Any]], code: str
) -> None:
    given: dict[str, Any] = {"DiskDeviceMapping__1__SnapshotId": system}
    for number, members in mapping.items():
        for name, value in members.items():
            value = {"system": system, "data": data}.get(value, value)
            given[f"DiskDeviceMapping__{number}__{name}"] = value
    refused(cloud, code, "CreateImage", RegionId=REGION, **given)


def test_an_instance_that_is_on_its_way_makes_no_image(cloud: Cloud) -> None:
    cloud.ok("config", "set", "speed", "realistic")
    given = {"RegionId": REGION, "InstanceId": cloud.instance()}
    refused(cloud, "IncorrectInstanceStatus", "CreateImage", **given)


def test_without_the_snapshot_service_there_is_no_image(cloud: Cloud) -> None:
    cloud.ok("account", "add", "partner")
    cloud.ok("account", "use", "partner")
    code = "InvalidAccountStatus.SnapshotServiceUnavailable"
    refused(cloud, code, "CreateImage", RegionId=REGION, InstanceId="i-none")


@pytest.mark.rule("IM-5")
def test_a_snapshot_of_another_region_makes_no_image_here(cloud: Cloud, system: str) -> None:
    given = {"RegionId": "cn-beijing", "SnapshotId": system}
    refused(cloud, "InvalidSnapshotId.NotFound", "CreateImage", **given)


@pytest.mark.rule("DL-2")
def test_a_snapshot_with_images_cannot_be_deleted_forced_or_not_until_they_are(
    cloud: Cloud, system: str
) -> None:
    first, second = (create_image(cloud, SnapshotId=system) for _ in range(2))
    for force in (False, True):
        given = {"SnapshotId": system, "Force": force}
        result = refused(cloud, "SnapshotCreatedImage", "DeleteSnapshot", **given)
        assert first in result.err and second in result.err
    cloud.ecs("DeleteImage", RegionId=REGION, ImageId=first)
    refused(cloud, "SnapshotCreatedImage", "DeleteSnapshot", SnapshotId=system)
    cloud.ecs("DeleteImage", RegionId=REGION, ImageId=second)
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [system]  # it stays by itself
    cloud.ecs("DeleteSnapshot", SnapshotId=system)
    assert cloud.snapshots() == []
    cloud.check()


def test_a_snapshot_says_that_images_use_it(cloud: Cloud, instance_id: str, system: str) -> None:
    create_image(cloud, SnapshotId=system)
    assert cloud.snapshots()[0]["Usage"] == "image"
    cloud.ecs("CreateDisk", RegionId=REGION, ZoneId="cn-hangzhou-b", SnapshotId=system)
    assert cloud.snapshots()[0]["Usage"] == "image_disk"
    assert cloud.snapshots(Usage="image") == []
    assert len(cloud.snapshots(Usage="image_disk")) == 1


@pytest.mark.rule("DL-2")
def test_an_image_outlasts_its_snapshots_retention_which_ends_with_the_image(
    cloud: Cloud, instance_id: str
) -> None:
    kept = cloud.snapshot(system_disk(cloud, instance_id), RetentionDays=1)
    image_id = create_image(cloud, SnapshotId=kept)
    cloud.ok("clock", "advance", "3d")
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [kept]
    cloud.ecs("DeleteImage", RegionId=REGION, ImageId=image_id)
    assert cloud.snapshots() == []


def test_the_check_names_an_image_whose_snapshot_is_gone(cloud: Cloud, system: str) -> None:
    import shutil

    image_id = create_image(cloud, SnapshotId=system)
    [folder] = [pack.parent for pack in cloud.root.glob(f"chains/*/*/{system}.pack")]
    shutil.rmtree(folder)
    found = cloud.run("check", "--output", "json")
    assert found.code == 5
    [problem] = found.json["Problems"]
    assert image_id in problem["Message"] and problem["SnapshotId"] == system
    given = {"RegionId": REGION, "ImageId": image_id, "InstanceType": "ecs.g7.large"}
    refused(cloud, "OperationDenied.ImageNotValid", "RunInstances", **given)
    cloud.ecs("DeleteImage", RegionId=REGION, ImageId=image_id)
    cloud.check()


@pytest.mark.rule("PO-7")
def test_an_automatic_snapshot_that_an_image_needs_goes_with_the_image_not_with_its_disk(
    cloud: Cloud, instance_id: str
) -> None:
    policy_id = cloud.ecs(
        "CreateAutoSnapshotPolicy",
        regionId=REGION,
        timePoints='["1"]',
        repeatWeekdays='["1","2","3","4","5","6","7"]',
        retentionDays=-1,
    )["AutoSnapshotPolicyId"]
    disk_id = system_disk(cloud, instance_id)
    given = {"autoSnapshotPolicyId": policy_id, "diskIds": f'["{disk_id}"]'}
    cloud.ecs("ApplyAutoSnapshotPolicy", regionId=REGION, **given)
    cloud.ok("clock", "advance", "2d")
    newer, older = [each["SnapshotId"] for each in cloud.snapshots()]
    image_id = create_image(cloud, SnapshotId=older)
    cloud.ecs("DeleteInstance", InstanceId=instance_id, Force=True)
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [older]
    cloud.ok("clock", "advance", "30d")
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [older] != [newer]
    cloud.ecs("DeleteImage", RegionId=REGION, ImageId=image_id)
    assert cloud.snapshots() == []
    cloud.check()
