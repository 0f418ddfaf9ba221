"""Images between accounts, the guide's way of passing data from one to another."""

from typing import Any

import pytest
from image_helpers import create_image, image, images, launch, marked_instance, system_disk
from refusals import refused
from support import REGION, Cloud, block

PARTNER = "2234567890123456"
OWNER = "1234567890123456"


@pytest.fixture
def shared(cloud: Cloud) -> str:
    """An image with data, made by the first account and shared with a second."""
    cloud.ok("account", "add", "partner", "--account-id", PARTNER)
    source = marked_instance(cloud)
    cloud.write(cloud.data_disk(source), 7, block("D"))
    image_id = create_image(cloud, InstanceId=source, ImageName="handed", Tag__1__Key="own")
    share(cloud, image_id, AddAccount__1=PARTNER)
    return image_id


def share(cloud: Cloud, image_id: str, **parameters: Any) -> None:
    cloud.ecs("ModifyImageSharePermission", RegionId=REGION, ImageId=image_id, **parameters)


def use(cloud: Cloud, name: str) -> None:
    cloud.ok("account", "use", name)


@pytest.mark.rule("FQ-2")
def test_data_is_passed_to_another_account_by_an_image(cloud: Cloud, shared: str) -> None:
    """The guide's five steps: image, share, instance, snapshot, release."""
    use(cloud, "partner")
    cloud.ecs("OpenSnapshotService")
    [found] = images(cloud, ImageOwnerAlias="others")
    assert (found["ImageId"], found["ImageOwnerId"]) == (shared, int(OWNER))
    instance_id = launch(cloud, shared)
    data = cloud.data_disk(instance_id)
    assert cloud.read(system_disk(cloud, instance_id), 5, 1) == block("S")
    assert cloud.read(data, 7, 1) == block("D")
    snapshot_id = cloud.snapshot(data)
    cloud.ecs("DeleteInstance", InstanceId=instance_id, Force=True)
    made = cloud.ecs("CreateDisk", RegionId=REGION, ZoneId="cn-hangzhou-b", SnapshotId=snapshot_id)
    assert cloud.read(made["DiskId"], 7, 1) == block("D")
    cloud.check()


@pytest.mark.rule("FQ-2")
def test_a_snapshot_itself_is_neither_seen_nor_shared(cloud: Cloud, shared: str) -> None:
    taken = [each["SnapshotId"] for each in cloud.snapshots()]
    use(cloud, "partner")
    cloud.ecs("OpenSnapshotService")
    assert cloud.snapshots() == []
    disks = image(cloud, shared, ImageOwnerAlias="others")["DiskDeviceMappings"]
    assert {disk["SnapshotId"] for disk in disks["DiskDeviceMapping"]} == {""}
    assert image(cloud, shared, ImageOwnerAlias="others")["Tags"]["Tag"] == []
    for snapshot_id in taken:
        given = {"RegionId": REGION, "ZoneId": "cn-hangzhou-b", "SnapshotId": snapshot_id}
        refused(cloud, "InvalidSnapshotId.NotFound", "CreateDisk", **given)
        refused(cloud, "InvalidSnapshotId.NotFound", "DeleteSnapshot", SnapshotId=snapshot_id)
    listed = cloud.run("ecs", "ModifySnapshotSharePermission")
    assert listed.code != 0 and listed.out == ""


@pytest.mark.rule("FQ-2")
def test_only_whom_it_is_shared_with_may_use_an_image(cloud: Cloud, shared: str) -> None:
    cloud.ok("account", "add", "stranger")
    use(cloud, "stranger")
    given = {"RegionId": REGION, "ImageId": shared, "InstanceType": "ecs.g7.large"}
    refused(cloud, "InvalidImageId.NotFound", "RunInstances", **given)
    assert images(cloud, ImageOwnerAlias=None, ImageId=shared) == []
    use(cloud, "default")
    share(cloud, shared, IsPublic=True)
    use(cloud, "stranger")
    assert cloud.read(system_disk(cloud, launch(cloud, shared)), 5, 1) == block("S")


def test_who_shares_is_told_with_whom_and_since_when(cloud: Cloud, shared: str) -> None:
    def told() -> list[dict[str, str]]:
        given = {"RegionId": REGION, "ImageId": shared}
        return list(cloud.ecs("DescribeImageSharePermission", **given)["Accounts"]["Account"])

    assert told() == [{"AliyunId": PARTNER, "SharedTime": "2022-03-11T02:33:00Z"}]
    assert image(cloud, shared)["IsSelfShared"] == "True"
    share(cloud, shared, RemoveAccount__1=PARTNER)
    assert told() == []
    use(cloud, "partner")
    assert images(cloud, ImageOwnerAlias="others") == []
    given = {"RegionId": REGION, "ImageId": shared}
    refused(cloud, "InvalidImageId.NotFound", "DescribeImageSharePermission", **given)


def test_an_image_that_is_no_longer_shared_leaves_instances_but_not_their_beginning(
    cloud: Cloud, shared: str
) -> None:
    use(cloud, "partner")
    instance_id = launch(cloud, shared)
    disks = (system_disk(cloud, instance_id), cloud.data_disk(instance_id))
    cloud.ecs("StopInstance", InstanceId=instance_id)
    for disk_id, number in zip(disks, (5, 7), strict=True):
        cloud.write(disk_id, number, block("x"))
        cloud.ecs("ReInitDisk", DiskId=disk_id)
    assert cloud.read(disks[0], 5, 1) == block("S")
    assert cloud.read(disks[1], 7, 1) == block("D")
    use(cloud, "default")
    given = {"RegionId": REGION, "ImageId": shared}
    refused(cloud, "ImageUseShared", "DeleteImage", **given)
    share(cloud, shared, RemoveAccount__1=PARTNER)
    cloud.ecs("DeleteImage", **given)
    use(cloud, "partner")
    for disk_id in disks:
        refused(cloud, "SharedImageDeleted", "ReInitDisk", DiskId=disk_id)
    assert cloud.read(disks[0], 5, 1) == block("S")


@pytest.mark.rule("IM-3")
def test_an_encrypted_image_is_never_shared(cloud: Cloud) -> None:
    cloud.ok("account", "add", "partner", "--account-id", PARTNER)
    source = cloud.instance(SystemDisk__Encrypted=True, SystemDisk__Category="cloud_essd")
    snapshot_id = cloud.snapshot(system_disk(cloud, source))
    given = {"RegionId": REGION, "ImageId": create_image(cloud, SnapshotId=snapshot_id)}
    code = "OperationDeined.EncryptedSnapshot"
    refused(cloud, code, "ModifyImageSharePermission", AddAccount__1=PARTNER, **given)
    refused(cloud, code, "ModifyImageSharePermission", IsPublic=True, **given)
    destination = {"DestinationRegionId": "cn-beijing"}
    refused(cloud, code, "CopyImage", **given, **destination)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "MissingParameter"),
        ({"AddAccount__1": OWNER}, "InvalidAccount.Forbbiden"),
        ({"AddAccount__1": "9999999999999999"}, "InvalidAccount.NotFound"),
        ({"RemoveAccount__1": PARTNER, "DryRun": True}, "DryRunOperation"),
    ],
)
def test_what_is_no_sharing_is_refused(
    cloud: Cloud, shared: str, given: dict[str, Any], code: str
) -> None:
    refused(cloud, code, "ModifyImageSharePermission", RegionId=REGION, ImageId=shared, **given)


def test_an_image_has_a_limit_of_accounts(cloud: Cloud, shared: str) -> None:
    cloud.ok("config", "set", "quotas.accounts_per_shared_image", "1")
    cloud.ok("account", "add", "third", "--account-id", "3234567890123456")
    given = {"RegionId": REGION, "ImageId": shared, "AddAccount__1": "3234567890123456"}
    refused(cloud, "QuotaExceed.ShareImageUser", "ModifyImageSharePermission", **given)
