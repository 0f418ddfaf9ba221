"""Local snapshots (Category flash): who has them, how fast, and what they can't do (rules LS)."""

import json

import pytest
from hand_edits import make_automatic
from refusals import refused
from snapshot_steps import found, slow, table
from support import BLOCK_BYTES, REGION, Cloud, block

ZONE = "cn-hangzhou-h"
NO_ESSD = "InvalidDiskCategory.ConflictSnapshotCategory"
NEW_ESSD = {"RegionId": REGION, "DiskCategory": "cloud_essd"}
LAUNCH = {
    "RegionId": REGION,
    "ImageId": "centos_7_9_x64_20G_alibase_20220101.vhd",
    "InstanceType": "ecs.g7.large",
}


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return cloud.instance(ZoneId=ZONE, SystemDisk__Category="cloud_essd")


@pytest.fixture
def disk_id(cloud: Cloud, instance_id: str) -> str:
    return cloud.data_disk(instance_id)


def local(cloud: Cloud, disk_id: str, **parameters: object) -> str:
    return cloud.snapshot(disk_id, Category="flash", **parameters)


def links(cloud: Cloud, disk_id: str) -> dict[str, tuple[int, int]]:
    """Category -> count and size, as DescribeSnapshotLinks has them for a disk."""
    answer = cloud.ecs("DescribeSnapshotLinks", RegionId=REGION, DiskIds=json.dumps([disk_id]))
    rows = answer["SnapshotLinks"]["SnapshotLink"]
    assert answer["TotalCount"] == len(rows)
    return {row["Category"]: (row["TotalCount"], row["TotalSize"]) for row in rows}


@pytest.mark.rule("LS-1")
@pytest.mark.parametrize("word", ["flash", "Flash", "FLASH"])
@pytest.mark.parametrize("kind", ["system", "data"])
def test_an_unencrypted_essd_of_either_type_has_local_snapshots(
    cloud: Cloud, instance_id: str, word: str, kind: str
) -> None:
    [disk] = cloud.disks(InstanceId=instance_id, DiskType=kind)
    made = cloud.snapshot(disk["DiskId"], Category=word)
    state = found(cloud, made)
    assert (state["Category"], state["SnapshotType"]) == ("flash", "user")
    listed = cloud.snapshots(Category="Flash")
    assert [each["SnapshotId"] for each in listed] == [made]
    assert cloud.snapshots(Category="standard") == []


@pytest.mark.rule("LS-1")
@pytest.mark.parametrize("category", ["cloud", "cloud_efficiency", "cloud_ssd", "cloud_auto"])
def test_a_disk_of_another_category_has_none(cloud: Cloud, category: str) -> None:
    made = cloud.instance(data_gib=None, DataDisk__1__Size=40, DataDisk__1__Category=category)
    code = "DiskCategory.OperationNotSupported"
    request = {"DiskId": cloud.data_disk(made), "Category": "flash"}
    result = refused(cloud, code, "CreateSnapshot", **request)
    assert category in result.err and "Category standard" in result.err


@pytest.mark.rule("LS-1")
def test_an_encrypted_essd_has_none(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance(DataDisk__1__Encrypted=True))
    assert cloud.disk(disk_id)["Encrypted"] is True
    request = {"DiskId": disk_id, "Category": "flash"}
    result = refused(cloud, "DiskId.ValueNotSupported", "CreateSnapshot", **request)
    assert "encrypted" in result.err


@pytest.mark.rule("LS-1")
@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"Category": "flash", "InstantAccess": True}, "InvalidCategoryAndInstantAccess.Malformed"),
        ({"Category": "archive"}, "InvalidSnapshotCategory.Malformed"),
        ({"Category": "local"}, "InvalidSnapshotCategory.Malformed"),
    ],
)
def test_a_category_that_does_not_fit_is_refused(
    cloud: Cloud, disk_id: str, request_: dict[str, object], code: str
) -> None:
    refused(cloud, code, "CreateSnapshot", DiskId=disk_id, **request_)


@pytest.mark.rule("LS-2")
def test_a_disk_keeps_ten_local_snapshots_beside_its_normal_ones(
    cloud: Cloud, disk_id: str
) -> None:
    made = [local(cloud, disk_id) for _ in range(10)]
    request = {"DiskId": disk_id, "Category": "flash"}
    result = refused(cloud, "QuotaExceed.Snapshot", "CreateSnapshot", **request)
    assert "10 local snapshots; 10 are allowed" in result.err and "DeleteSnapshot" in result.err
    cloud.snapshot(disk_id)
    cloud.snapshot(disk_id, InstantAccess=True)
    cloud.ecs("DeleteSnapshot", SnapshotId=made[3])
    local(cloud, disk_id)
    refused(cloud, "QuotaExceed.Snapshot", "CreateSnapshot", **request)


@pytest.mark.rule("LS-2")
def test_the_limit_is_a_setting(cloud: Cloud, disk_id: str) -> None:
    cloud.ok("config", "set", "quotas.local_snapshots_per_disk", "1")
    local(cloud, disk_id)
    request = {"DiskId": disk_id, "Category": "flash"}
    result = refused(cloud, "QuotaExceed.Snapshot", "CreateSnapshot", **request)
    assert "1 are allowed" in result.err


@pytest.mark.rule("LS-3")
def test_creation_takes_the_same_few_seconds_whatever_the_size(cloud: Cloud, disk_id: str) -> None:
    slow(cloud, mib_per_second=0.1, minimum_seconds=60)
    cloud.ok("config", "set", "speeds.slow.local_snapshot_seconds", "3")
    for blocks in (1, 64):
        cloud.write(disk_id, 0, block("A") * blocks)
        made = local(cloud, disk_id)
        state = found(cloud, made)
        assert (state["Status"], state["RemainTime"]) == ("progressing", 3)
        cloud.ok("clock", "advance", "3s")
        assert found(cloud, made)["Status"] == "accomplished"
    cloud.write(disk_id, 0, block("B") * 64)
    assert found(cloud, cloud.snapshot(disk_id))["RemainTime"] == 100


@pytest.mark.rule("LS-3")
@pytest.mark.parametrize("speed", ["instant", "quick", "realistic"])
def test_at_every_speed_it_is_sooner_done_than_a_normal_one(
    cloud: Cloud, disk_id: str, speed: str
) -> None:
    cloud.ok("config", "set", "speed", speed)
    cloud.ok("clock", "advance", "1m")
    fast = found(cloud, local(cloud, disk_id))["RemainTime"]
    assert fast <= 5
    cloud.ok("clock", "advance", "1m")
    assert found(cloud, cloud.snapshot(disk_id))["RemainTime"] >= fast


def test_local_and_normal_ones_share_the_chain_and_each_block_is_counted_once(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("A") * 3)
    cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, block("B"))
    made = local(cloud, disk_id)
    cloud.write(disk_id, 1, block("C"))
    cloud.snapshot(disk_id)
    expected = {"standard": (2, 4 * BLOCK_BYTES), "flash": (1, BLOCK_BYTES)}
    assert links(cloud, disk_id) == expected
    cloud.ecs("DeleteSnapshot", SnapshotId=made)
    assert links(cloud, disk_id) == {"standard": (2, 5 * BLOCK_BYTES)}
    cloud.check()


def test_a_page_of_chains_counts_each_row(cloud: Cloud, disk_id: str) -> None:
    local(cloud, disk_id)
    cloud.ok("clock", "advance", "1s")
    cloud.snapshot(disk_id)
    answer = cloud.ecs("DescribeSnapshotLinks", RegionId=REGION, PageSize=1, PageNumber=2)
    [row] = answer["SnapshotLinks"]["SnapshotLink"]
    assert (answer["TotalCount"], row["Category"]) == (2, "flash")
    assert row["SnapshotLinkId"] == row["SourceDiskId"] == disk_id


@pytest.mark.rule("LS-4")
def test_after_re_initialising_only_later_local_snapshots_roll_the_disk_back(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("A"))
    before, normal = local(cloud, disk_id), cloud.snapshot(disk_id)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.write(disk_id, 0, block("B"))
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=before)
    assert cloud.read(disk_id, 0, 1) == block("A")
    cloud.ecs("ReInitDisk", DiskId=disk_id)
    # The clock stands: what counts is the order, not the second.
    after = local(cloud, disk_id)
    result = refused(cloud, "OperationDenied", "ResetDisk", DiskId=disk_id, SnapshotId=before)
    assert before in result.err and "re-initialised at 2022-03-11T02:33:00Z" in result.err
    assert "CreateDisk" in result.err
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=normal)
    assert cloud.read(disk_id, 0, 1) == block("A")
    refused(cloud, "OperationDenied", "ResetDisk", DiskId=disk_id, SnapshotId=before)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=after)
    assert cloud.read(disk_id, 0, 1) == bytes(BLOCK_BYTES)
    # What it holds is not lost.
    made = cloud.ecs("CreateDisk", ZoneId=ZONE, SnapshotId=before, **NEW_ESSD)["DiskId"]
    assert cloud.read(made, 0, 1) == block("A")


@pytest.mark.rule("LS-5")
def test_local_snapshots_of_a_replaced_system_disk_do_not_roll_back_the_new_one(
    cloud: Cloud, instance_id: str
) -> None:
    [old] = cloud.disks(InstanceId=instance_id, DiskType="system")
    made = local(cloud, old["DiskId"])
    cloud.ecs("StopInstance", InstanceId=instance_id)
    image_id = "ubuntu_18_04_x64_20G_alibase_20220101.vhd"
    new = cloud.ecs("ReplaceSystemDisk", InstanceId=instance_id, ImageId=image_id)["DiskId"]
    refused(cloud, "InvalidParameter.Mismatch", "ResetDisk", DiskId=new, SnapshotId=made)
    after = local(cloud, new)
    cloud.ecs("ResetDisk", DiskId=new, SnapshotId=after)


@pytest.mark.rule("LS-6", "LS-8")
def test_a_disk_made_from_one_is_an_essd_of_its_size_in_its_zone(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 7, block("A"))
    made = local(cloud, disk_id)
    for size in ({}, {"Size": 20}):
        new = cloud.ecs("CreateDisk", ZoneId=ZONE, SnapshotId=made, **NEW_ESSD, **size)["DiskId"]
        disk = cloud.disk(new)
        assert (disk["Size"], disk["Category"], disk["ZoneId"]) == (20, "cloud_essd", ZONE)
        assert cloud.read(new, 7, 1) == block("A")
    attached = {"RegionId": REGION, "InstanceId": instance_id, "DiskCategory": "cloud_essd"}
    cloud.ecs("CreateDisk", SnapshotId=made, **attached)


@pytest.mark.rule("LS-6", "LS-7", "LS-8")
@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        (
            {"DiskCategory": "cloud_ssd"},
            NO_ESSD,
            "cloud_essd",
        ),
        ({"DiskCategory": ""}, NO_ESSD, "cloud_essd"),
        ({"Size": 21}, "InvalidDiskSize.NotSupported", "exactly 20 GiB, not 21"),
        ({"Size": 19}, "InvalidDiskSize.NotSupported", "exactly 20 GiB, not 19"),
        ({"ZoneId": "cn-hangzhou-b"}, "OperationDenied.SnapshotNotAllowed", ZONE),
        ({"Encrypted": True}, "InvalidEncrypted.NotMatchSnapshot", "encrypted"),
    ],
)
def test_any_other_disk_is_refused(
    cloud: Cloud, disk_id: str, change: dict[str, object], code: str, word: str
) -> None:
    made = local(cloud, disk_id)
    request = {"ZoneId": ZONE, "SnapshotId": made, **NEW_ESSD} | change
    assert word in refused(cloud, code, "CreateDisk", **request).err


@pytest.mark.rule("LS-6", "LS-7", "LS-8")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"DataDisk__1__Category": "cloud_ssd"}, "InvalidDataDiskCategory.ValueNotSupported"),
        ({"DataDisk__1__Size": 30}, "InvalidDataDiskSize.ValueNotSupported"),
        ({"ZoneId": "cn-hangzhou-b"}, "OperationDenied.SnapshotNotAllowed"),
        ({"DataDisk__1__Encrypted": True}, "InvalidEncrypted.NotMatchSnapshot"),
    ],
)
def test_a_data_disk_of_a_new_instance_is_held_to_the_same(
    cloud: Cloud, disk_id: str, change: dict[str, object], code: str
) -> None:
    cloud.write(disk_id, 0, block("A"))
    right = LAUNCH | {
        "ZoneId": ZONE,
        "DataDisk__1__SnapshotId": local(cloud, disk_id),
        "DataDisk__1__Category": "cloud_essd",
    }
    refused(cloud, code, "RunInstances", **right | change)
    [instance_id] = cloud.ecs("RunInstances", **right)["InstanceIdSets"]["InstanceIdSet"]
    [made] = cloud.disks(InstanceId=instance_id, DiskType="data")
    assert (made["Size"], cloud.read(made["DiskId"], 0, 1)) == (20, block("A"))


@pytest.mark.rule("LS-7")
def test_the_automatic_snapshot_switch_releases_no_local_one_with_the_disk(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("A"))
    cloud.snapshot(disk_id)
    make_automatic(cloud, disk_id)
    kept = local(cloud, disk_id)
    cloud.ecs("ModifyDiskAttribute", DiskId=disk_id, DeleteAutoSnapshot=True)
    cloud.ecs("DetachDisk", InstanceId=instance_id, DiskId=disk_id)
    cloud.ecs("DeleteDisk", DiskId=disk_id)
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [kept]
    made = cloud.ecs("CreateDisk", ZoneId=ZONE, SnapshotId=kept, **NEW_ESSD)["DiskId"]
    assert cloud.read(made, 0, 1) == block("A")
    cloud.check()


@pytest.mark.rule("LS-7")
def test_no_image_is_made_from_one(cloud: Cloud, instance_id: str, disk_id: str) -> None:
    [system] = cloud.disks(InstanceId=instance_id, DiskType="system")
    code = "OperationDenied.InvalidSnapshotCategory"
    made = local(cloud, system["DiskId"])
    result = refused(cloud, code, "CreateImage", RegionId=REGION, SnapshotId=made)
    assert "Category flash" in result.err
    devices = {
        "DiskDeviceMapping__1__SnapshotId": cloud.snapshot(system["DiskId"]),
        "DiskDeviceMapping__2__SnapshotId": local(cloud, disk_id),
    }
    refused(cloud, code, "CreateImage", RegionId=REGION, **devices)


@pytest.mark.rule("LS-8")
def test_none_is_copied_to_another_region(cloud: Cloud, disk_id: str) -> None:
    request = {"RegionId": REGION, "DestinationRegionId": "cn-beijing"}
    code = "InvalidSnapshotCategory.NotSupportCrossRegionCopy"
    result = refused(cloud, code, "CopySnapshot", SnapshotId=local(cloud, disk_id), **request)
    assert "Category flash" in result.err


@pytest.mark.rule("LS-9")
def test_the_consoles_tables_tell_local_and_normal_ones_and_how_long_they_are_kept(
    cloud: Cloud, disk_id: str
) -> None:
    cloud.snapshot(disk_id)
    local(cloud, disk_id, RetentionDays=1)
    shown = {row["Snapshot Type"]: row for row in table(cloud, "describe-snapshots")}
    assert {kind: row["Kept For"] for kind, row in shown.items()} == {
        "Normal Snapshot": "Always Keep",
        "Local Snapshot": "1Days",
    }
    assert {row["Snapshot Source"] for row in shown.values()} == {"Custom Snapshot"}
    chains = table(cloud, "describe-snapshot-links")
    assert {(row["Snapshot Type"], row["Snapshots"]) for row in chains} == {
        ("Normal Snapshot", "1"),
        ("Local Snapshot", "1"),
    }
