"""Releasing instances, by hand and at their automatic release time, with their disks."""

import pytest
from support import REGION, Cloud, block


def count(cloud: Cloud) -> int:
    return int(cloud.ecs("DescribeInstances", RegionId=REGION)["TotalCount"])


def test_a_stopped_instance_goes_with_its_disks(cloud: Cloud) -> None:
    instance_id = cloud.instance()
    files = [cloud.image(disk["DiskId"]) for disk in cloud.disks()]
    assert cloud.refused("DeleteInstance", InstanceId=instance_id).error_code == (
        "IncorrectInstanceStatus"
    )
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ecs("DeleteInstance", InstanceId=instance_id)
    assert count(cloud) == 0 and cloud.disks() == []
    assert not any(file.exists() for file in files)
    cloud.check()


def test_force_releases_a_running_one(cloud: Cloud) -> None:
    instance_id = cloud.instance()
    cloud.ecs("DeleteInstance", InstanceId=instance_id, Force=True)
    assert count(cloud) == 0
    refused = cloud.refused("DeleteInstance", InstanceId=instance_id, Force=True)
    assert refused.error_code == "InvalidInstanceId.NotFound"


def test_a_disk_without_delete_with_instance_stays_and_is_available(cloud: Cloud) -> None:
    instance_id = cloud.instance(DataDisk__1__DeleteWithInstance=False)
    disk_id = cloud.data_disk(instance_id)
    cloud.write(disk_id, 0, block("A"))
    cloud.ecs("DeleteInstance", InstanceId=instance_id, Force=True)
    [disk] = cloud.disks()
    assert (disk["DiskId"], disk["Status"], disk["InstanceId"], disk["Device"]) == (
        disk_id,
        "Available",
        "",
        "",
    )
    assert disk["DetachedTime"] == "2022-03-11T02:33:00Z"
    assert cloud.read(disk_id, 0, 1) == block("A")


def test_several_go_all_or_none(cloud: Cloud) -> None:
    first, second = cloud.instance(data_gib=None), cloud.instance(data_gib=None)
    both = {"RegionId": REGION, "InstanceId__1": first, "InstanceId__2": second}
    cloud.ecs("StopInstance", InstanceId=first)
    assert cloud.refused("DeleteInstances", **both).error_code == "IncorrectInstanceStatus"
    assert count(cloud) == 2
    cloud.ecs("DeleteInstances", Force=True, **both)
    assert count(cloud) == 0


def test_a_protected_instance_is_not_released(cloud: Cloud) -> None:
    instance_id = cloud.instance(data_gib=None, DeletionProtection=True)
    for action, parameters in (
        ("DeleteInstance", {"InstanceId": instance_id}),
        ("DeleteInstances", {"RegionId": REGION, "InstanceId__1": instance_id}),
    ):
        refused = cloud.refused(action, Force=True, **parameters)
        assert refused.error_code == "InvalidOperation.DeletionProtection"
    assert count(cloud) == 1


@pytest.mark.rule("DL-5")
def test_manual_snapshots_stay_whatever_is_released(cloud: Cloud) -> None:
    instance_id = cloud.instance()
    disk_id = cloud.data_disk(instance_id)
    cloud.write(disk_id, 0, block("A"))
    snapshot_id = cloud.snapshot(disk_id)
    cloud.ecs("DeleteInstance", InstanceId=instance_id, Force=True)
    [snapshot] = cloud.snapshots()
    assert (snapshot["SnapshotId"], snapshot["SourceDiskId"]) == (snapshot_id, disk_id)
    made = cloud.ecs(
        "CreateDisk",
        RegionId=REGION,
        ZoneId="cn-hangzhou-k",
        SnapshotId=snapshot_id,
        DiskCategory="cloud_essd",
    )["DiskId"]
    assert cloud.read(made, 0, 1) == block("A")


@pytest.mark.rule("CR-12")
@pytest.mark.parametrize("road", ["DeleteInstance", "automatic release"])
def test_a_snapshot_in_creation_goes_with_its_disk(cloud: Cloud, road: str) -> None:
    """Both roads that release a disk while its snapshot is in creation; the finished one stays."""
    instance_id = cloud.instance(AutoReleaseTime="2022-03-11T03:03:00Z")
    disk_id = cloud.data_disk(instance_id)
    cloud.write(disk_id, 0, block("A"))
    finished = cloud.snapshot(disk_id)
    cloud.ok("clock", "advance", "29m59s")
    cloud.ok("config", "set", "speed", "quick")
    cloud.write(disk_id, 1, block("B"))
    cloud.snapshot(disk_id)
    assert cloud.snapshots()[0]["Status"] == "progressing"
    if road == "DeleteInstance":
        cloud.ecs("DeleteInstance", InstanceId=instance_id, Force=True)
    else:
        cloud.ok("clock", "advance", "30d")  # what counts is the instant of the release
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [finished]
    assert cloud.disks() == []
    cloud.check()


@pytest.mark.rule("CR-12")
def test_a_snapshot_accomplished_before_the_release_stays_though_both_fall_into_one_step(
    cloud: Cloud,
) -> None:
    instance_id = cloud.instance(AutoReleaseTime="2022-03-11T03:03:00Z")
    disk_id = cloud.data_disk(instance_id)
    cloud.ok("config", "set", "speed", "quick")
    snapshot_id = cloud.snapshot(disk_id)
    cloud.ok("clock", "advance", "30d")  # over the end of creation and the release at once
    assert cloud.disks() == []
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [snapshot_id]


def test_the_automatic_release_comes_at_its_instant_and_not_before(cloud: Cloud) -> None:
    cloud.instance(AutoReleaseTime="2022-03-11T04:00:00Z")
    cloud.ok("clock", "set", "2022-03-11T03:59:59Z")
    assert count(cloud) == 1 and len(cloud.disks()) == 2
    listed = cloud.ecs("DescribeInstances", RegionId=REGION)
    assert listed["Instances"]["Instance"][0]["AutoReleaseTime"] == "2022-03-11T04:00Z"
    cloud.ok("clock", "set", "2022-03-11T04:00:00Z")
    assert count(cloud) == 0 and cloud.disks() == []
    cloud.check()
