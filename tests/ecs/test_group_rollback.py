"""ResetDisks: the disks of a group go back together, with one outcome each (rules GB)."""

from typing import Any

import pytest
from group_steps import groups, make, members, of, whole
from refusals import refused
from snapshot_steps import digest, slow
from support import REGION, Cloud, block


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return whole(cloud, 2)


def pairs(chosen: dict[str, str]) -> dict[str, str]:
    return {
        name: value
        for n, (disk_id, snapshot_id) in enumerate(chosen.items(), 1)
        for name, value in (
            (f"Disk__{n}__DiskId", disk_id),
            (f"Disk__{n}__SnapshotId", snapshot_id),
        )
    }


def fill(cloud: Cloud, instance_id: str, letter: str) -> dict[str, str]:
    for disk_id in of(cloud, instance_id):
        cloud.write(disk_id, 2, block(letter))
    return {disk_id: digest(cloud, disk_id) for disk_id in of(cloud, instance_id)}


def outcomes(answer: Any) -> list[tuple[str, str]]:
    found = answer["OperationProgressSet"]["OperationProgress"]
    return [(each["OperationStatus"], each["ErrorCode"]) for each in found]


@pytest.mark.rule("GB-1")
def test_all_disks_of_a_group_go_back_byte_for_byte(cloud: Cloud, instance_id: str) -> None:
    before = fill(cloud, instance_id, "A")
    make(cloud, InstanceId=instance_id)
    fill(cloud, instance_id, "B")
    cloud.ecs("StopInstance", InstanceId=instance_id)
    answer = cloud.ecs("ResetDisks", RegionId=REGION, **pairs(members(groups(cloud)[0])))
    assert outcomes(answer) == [("Success", "")] * 3
    [first, *_] = answer["OperationProgressSet"]["OperationProgress"]
    assert {i["Name"] for i in first["RelatedItemSet"]["RelatedItem"]} == {"DiskId", "SnapshotId"}
    assert {d: digest(cloud, d) for d in before} == before
    cloud.check()


@pytest.mark.rule("GB-1")
def test_a_chosen_part_goes_back_and_the_console_says_so(cloud: Cloud, instance_id: str) -> None:
    before = fill(cloud, instance_id, "A")
    make(cloud, InstanceId=instance_id)
    after = fill(cloud, instance_id, "B")
    cloud.ecs("StopInstance", InstanceId=instance_id)
    chosen = dict(list(members(groups(cloud)[0]).items())[:1])
    [(disk_id, snapshot_id)] = chosen.items()
    done = cloud.ok(
        "reset-disks",
        "--disk",
        f"DiskId={disk_id},SnapshotId={snapshot_id}",
        "--output",
        "table",
    )
    assert done.out == f"{disk_id}, {snapshot_id}: Rollback successful\n"
    for other in before:
        assert digest(cloud, other) == (before if other == disk_id else after)[other]


@pytest.mark.rule("GB-2")
def test_a_member_whose_snapshot_was_deleted_is_told_and_the_others_go_back(
    cloud: Cloud, instance_id: str
) -> None:
    before = fill(cloud, instance_id, "A")
    make(cloud, InstanceId=instance_id)
    chosen = members(groups(cloud)[0])
    after = fill(cloud, instance_id, "B")
    lost, *_ = chosen
    cloud.ecs("DeleteSnapshot", SnapshotId=chosen[lost])
    cloud.ecs("StopInstance", InstanceId=instance_id)
    answer = cloud.ecs("ResetDisks", **pairs(chosen))
    assert outcomes(answer) == [("Failed", "InvalidSnapshotId.NotFound"), *[("Success", "")] * 2]
    for disk_id in chosen:
        assert digest(cloud, disk_id) == (after if disk_id == lost else before)[disk_id]
    refused(cloud, "InvalidSnapshotId.NotFound", "ResetDisks", **pairs({lost: chosen[lost]}))


@pytest.mark.rule("GB-3")
def test_whatever_stands_in_the_way_of_one_refuses_all_before_anything_is_written(
    cloud: Cloud, instance_id: str
) -> None:
    fill(cloud, instance_id, "A")
    make(cloud, InstanceId=instance_id)
    chosen = members(groups(cloud)[0])
    fill(cloud, instance_id, "B")
    refused(cloud, "IncorrectInstanceStatus", "ResetDisks", **pairs(chosen))
    cloud.ecs("StopInstance", InstanceId=instance_id)
    _, detached, other = chosen
    refused(cloud, "InvalidParameter.Mismatch", "ResetDisks", **pairs({other: chosen[detached]}))
    cloud.ecs("DetachDisk", InstanceId=instance_id, DiskId=detached)
    refused(cloud, "IncorrectDiskStatus", "ResetDisks", **pairs(chosen))
    del chosen[detached]
    slow(cloud)
    cloud.snapshot(other)
    refused(cloud, "IncorrectDiskStatus.HasUnfinishedSnapshot", "ResetDisks", **pairs(chosen))
    cloud.ok("clock", "advance", "1h")
    cloud.ok("config", "set", "speed", "instant")
    cloud.ecs("ReplaceSystemDisk", InstanceId=instance_id, ImageId=_OTHER_IMAGE)
    refused(cloud, "InvalidDiskId.NotFound", "ResetDisks", **pairs(chosen))
    cloud.ecs("DeleteDisk", DiskId=detached)
    refused(cloud, "InvalidDiskId.NotFound", "ResetDisks", **pairs({detached: "s-any"}))


_OTHER_IMAGE = "ubuntu_20_04_x64_20G_alibase_20220101.vhd"


def test_a_dry_run_checks_and_changes_nothing(cloud: Cloud, instance_id: str) -> None:
    make(cloud, InstanceId=instance_id)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    chosen = members(groups(cloud)[0])
    refused(cloud, "DryRunOperation", "ResetDisks", DryRun=True, **pairs(chosen))
    [disk_id, *_] = chosen
    twice = pairs({disk_id: chosen[disk_id]}) | {
        "Disk__2__DiskId": disk_id,
        "Disk__2__SnapshotId": chosen[disk_id],
    }
    refused(cloud, "Operation.Conflict", "ResetDisks", **twice)
