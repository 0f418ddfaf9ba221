"""Deleting and changing snapshots (rules DL, CR-4, CR-5, IA-5)."""

import pytest
from hand_edits import make_automatic
from refusals import picture, refused
from snapshot_steps import found
from support import BLOCK_BYTES, REGION, Cloud, block

NEW_DISK = {"RegionId": REGION, "ZoneId": "cn-hangzhou-b", "DiskCategory": "cloud_essd"}


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return cloud.instance()


@pytest.fixture
def disk_id(cloud: Cloud, instance_id: str) -> str:
    return cloud.data_disk(instance_id)


@pytest.mark.rule("DL-1")
def test_manual_and_automatic_snapshots_are_deleted_alike(cloud: Cloud, disk_id: str) -> None:
    cloud.write(disk_id, 0, block("A") * 4)
    automatic = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, block("B"))
    manual = cloud.snapshot(disk_id)
    make_automatic(cloud, disk_id)
    assert found(cloud, automatic)["SnapshotType"] == "auto"
    cloud.ecs("DeleteSnapshot", SnapshotId=automatic)
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [manual]
    cloud.ecs("DeleteSnapshot", SnapshotId=manual)
    assert cloud.snapshots() == []
    cloud.check()


@pytest.mark.rule("DL-1")
def test_deleting_a_snapshot_in_creation_cancels_it(cloud: Cloud, disk_id: str) -> None:
    cloud.ok("config", "set", "speed", "quick")
    cloud.write(disk_id, 0, block("A"))
    made = cloud.snapshot(disk_id)
    assert found(cloud, made)["Status"] == "progressing"
    cloud.ecs("DeleteSnapshot", SnapshotId=made)
    assert cloud.snapshots() == []
    cloud.snapshot(disk_id)


@pytest.mark.rule("DL-1")
def test_an_unknown_snapshot_is_refused_by_its_name(cloud: Cloud, disk_id: str) -> None:
    for snapshot_id in ("s-nosuch", "d-wrongkind", "s-../../state", "", "x" * 300):
        if snapshot_id:
            code = "InvalidSnapshotId.NotFound"
            result = refused(cloud, code, "DeleteSnapshot", SnapshotId=snapshot_id)
            assert snapshot_id in result.err


@pytest.mark.rule("DL-3")
def test_a_snapshot_with_disks_made_from_it_goes_only_with_force(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("A"))
    made = cloud.snapshot(disk_id)
    child = cloud.ecs("CreateDisk", SnapshotId=made, **NEW_DISK)["DiskId"]
    assert child in refused(cloud, "SnapshotCreatedDisk", "DeleteSnapshot", SnapshotId=made).err
    cloud.ecs("DeleteSnapshot", SnapshotId=made, Force=True)
    assert cloud.snapshots() == []
    # The disk lives on with its bytes, but can't be returned to them.
    assert cloud.read(child, 0, 1) == block("A")
    cloud.ecs("AttachDisk", InstanceId=instance_id, DiskId=child)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    refused(cloud, "OperationDenied", "ReInitDisk", DiskId=child)
    cloud.check()


@pytest.mark.rule("DL-3")
def test_once_those_disks_are_released_no_force_is_asked_for(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    child = cloud.ecs("CreateDisk", SnapshotId=made, **NEW_DISK)["DiskId"]
    refused(cloud, "SnapshotCreatedDisk", "DeleteSnapshot", SnapshotId=made, Force=False)
    cloud.ecs("DeleteDisk", DiskId=child)
    cloud.ecs("DeleteSnapshot", SnapshotId=made)


@pytest.mark.rule("DL-4", "DL-1")
def test_a_batch_reports_each_outcome_and_one_refusal_does_not_stop_the_others(
    cloud: Cloud, disk_id: str
) -> None:
    made = []
    for letter in "ABCD":
        cloud.write(disk_id, 0, block(letter))
        made.append(cloud.snapshot(disk_id))
    cloud.ecs("CreateDisk", SnapshotId=made[1], **NEW_DISK)
    named = [made[0], made[1], "s-nosuch", made[2], made[0]]
    result = cloud.run("delete-snapshots", *named, "--output", "json")
    assert result.code == 1
    assert [(o["SnapshotId"], o["Deleted"], o["Code"]) for o in result.json["Outcomes"]] == [
        (made[0], True, ""),
        (made[1], False, "SnapshotCreatedDisk"),
        ("s-nosuch", False, "InvalidSnapshotId.NotFound"),
        (made[2], True, ""),
    ]
    assert {each["SnapshotId"] for each in cloud.snapshots()} == {made[1], made[3]}
    cloud.check()


@pytest.mark.rule("DL-4")
def test_a_batch_without_a_refusal_succeeds_and_says_what_was_deleted(
    cloud: Cloud, disk_id: str
) -> None:
    made = [cloud.snapshot(disk_id) for _ in range(3)]
    cloud.ecs("CreateDisk", SnapshotId=made[0], **NEW_DISK)
    result = cloud.ok("delete-snapshots", "--force", *made)
    assert result.out == "".join(f"{snapshot_id}: deleted\n" for snapshot_id in made)
    assert cloud.snapshots() == []
    cloud.check()


@pytest.mark.rule("DL-4")
def test_a_batch_in_which_all_are_refused_changes_nothing(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    cloud.ecs("CreateDisk", SnapshotId=made, **NEW_DISK)
    before = picture(cloud)
    result = cloud.run("delete-snapshots", made, "s-nosuch")
    assert result.code == 1
    lines = result.out.splitlines()
    assert lines[0].startswith(f"{made}: not deleted, SnapshotCreatedDisk: ")
    assert lines[1].startswith("s-nosuch: not deleted, InvalidSnapshotId.NotFound: ")
    assert picture(cloud) == before


@pytest.mark.rule("DL-4")
def test_a_batch_of_none_is_refused(cloud: Cloud, disk_id: str) -> None:
    before = picture(cloud)
    result = cloud.run("delete-snapshots")
    assert result.code != 0 and "SnapshotId" in result.err
    assert picture(cloud) == before


@pytest.mark.rule("DL-5")
def test_manual_snapshots_outlive_their_disk_and_instance(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("A") * 3)
    automatic = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, block("B"))
    manual = cloud.snapshot(disk_id)
    make_automatic(cloud, disk_id)
    cloud.ecs("DetachDisk", InstanceId=instance_id, DiskId=disk_id)
    cloud.ecs("DeleteDisk", DiskId=disk_id)
    cloud.ecs("DeleteInstance", InstanceId=instance_id, Force=True)
    cloud.ok("clock", "advance", "5000d")
    # The automatic one goes with a disk that has DeleteAutoSnapshot, as new disks have.
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [manual]
    assert automatic != manual
    state = found(cloud, manual)
    assert (state["SourceDiskId"], state["Status"]) == (disk_id, "accomplished")
    # What it holds still makes disks.
    child = cloud.ecs("CreateDisk", SnapshotId=manual, **NEW_DISK)["DiskId"]
    assert cloud.read(child, 0, 4) == block("B") + block("A") * 2 + bytes(BLOCK_BYTES)
    cloud.check()


@pytest.mark.rule("CR-4", "CR-5")
def test_name_description_and_retention_are_changed_and_the_rest_stays(
    cloud: Cloud, disk_id: str
) -> None:
    made = cloud.snapshot(disk_id, SnapshotName="first", Description="old", RetentionDays=5)
    cloud.ok("clock", "advance", "1d")
    cloud.ecs("ModifySnapshotAttribute", SnapshotId=made, SnapshotName="second")
    state = found(cloud, made)
    assert (state["SnapshotName"], state["Description"]) == ("second", "old")
    assert state["CreationTime"] == "2022-03-11T02:33:00Z"
    assert state["LastModifiedTime"] == "2022-03-12T02:33:00Z"
    cloud.ecs("ModifySnapshotAttribute", SnapshotId=made, Description="new", RetentionDays=6)
    state = found(cloud, made)
    assert (state["SnapshotName"], state["Description"]) == ("second", "new")
    # Counted from its creation.
    cloud.ok("clock", "advance", "4d23h59m59s")
    assert len(cloud.snapshots()) == 1
    cloud.ok("clock", "advance", "1s")
    assert cloud.snapshots() == []


@pytest.mark.rule("CR-4", "CR-5")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "NoAttributeToModify"),
        ({"SnapshotName": "auto-x"}, "InvalidSnapshotName.Malformed"),
        ({"Description": "http://x"}, "InvalidDescription.Malformed"),
        ({"RetentionDays": 4}, "InvalidOperation.DecreaseRetentionDaysUnsupported"),
        ({"RetentionDays": 70000}, "InvalidRetentionDays.Malformed"),
        ({"SnapshotName": "fine", "RetentionDays": 4},
         "InvalidOperation.DecreaseRetentionDaysUnsupported"),
    ],
)  # fmt: skip
def test_a_change_that_is_not_right_is_refused(
    cloud: Cloud, disk_id: str, change: dict[str, object], code: str
) -> None:
    made = cloud.snapshot(disk_id, RetentionDays=5)
    refused(cloud, code, "ModifySnapshotAttribute", SnapshotId=made, **change)


@pytest.mark.rule("CR-4")
def test_a_snapshot_that_is_kept_cannot_be_given_an_end(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    code = "InvalidOperation.DecreaseRetentionDaysUnsupported"
    refused(cloud, code, "ModifySnapshotAttribute", SnapshotId=made, RetentionDays=9)
