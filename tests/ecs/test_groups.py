"""Snapshot-consistent groups: made of one instant, listed, changed, deleted (rules GR)."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from group_steps import groups, make, members, of, whole
from refusals import picture, refused
from snapshot_steps import found, slow
from support import BLOCK_BYTES, REGION, Cloud, block

from snapcli.volumes import capture as capturing


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.mark.rule("GR-1", "GR-5")
def test_an_instances_essds_are_captured_and_other_disks_left_out(cloud: Cloud) -> None:
    instance_id = cloud.instance(Tag__1__Key="of", Tag__1__Value="instance")
    [data] = [d["DiskId"] for d in cloud.disks(InstanceId=instance_id, DiskType="data")]
    cloud.write(data, 3, block("A"))
    group_id = make(
        cloud,
        InstanceId=instance_id,
        Name="nightly",
        Description="of the web server",
        Tag__1__Key="env",
        Tag__1__Value="prod",
    )
    assert group_id.startswith("ssg-bp1")
    [group] = groups(cloud)
    assert (group["SnapshotGroupId"], group["Name"], group["Description"]) == (
        group_id,
        "nightly",
        "of the web server",
    )
    assert (group["InstanceId"], group["Status"]) == (instance_id, "accomplished")
    assert group["Tags"]["Tag"] == [{"Key": "env", "Value": "prod"}]
    assert group["CreationTime"] == "2022-03-11T02:33:00Z"
    assert list(members(group)) == [data]
    [member] = group["Snapshots"]["Snapshot"]
    assert not member["InstantAccess"] and member["Available"]
    made = found(cloud, members(group)[data])
    assert (made["SnapshotName"], made["SnapshotType"]) == ("nightly", "user")
    assert made["Tags"]["Tag"] == [{"TagKey": "env", "TagValue": "prod"}]
    assert cloud.chain_size(data) == BLOCK_BYTES
    cloud.check()


@pytest.mark.rule("GR-1", "GR-2")
def test_disks_of_several_instances_make_one_group(cloud: Cloud) -> None:
    first, second = whole(cloud, 1), whole(cloud, 1)
    cloud.ecs("StopInstance", InstanceId=second)
    chosen = [of(cloud, first)[0], of(cloud, second)[-1]]
    make(cloud, DiskId__1=chosen[0], DiskId__2=chosen[1], DiskId__3=chosen[0])
    [group] = groups(cloud)
    assert list(members(group)) == chosen and group["InstanceId"] == ""


@pytest.mark.rule("GR-1")
def test_disks_can_be_left_out_by_name(cloud: Cloud) -> None:
    instance_id = whole(cloud, 2)
    first, *rest = of(cloud, instance_id)
    make(cloud, InstanceId=instance_id, ExcludeDiskId__1=first)
    assert sorted(members(groups(cloud)[0])) == sorted(rest)


@pytest.mark.rule("GR-5", "IA-4")
def test_instant_access_is_off_unless_asked_for_and_then_lasts_a_day(cloud: Cloud) -> None:
    slow(cloud, minimum_seconds=10)
    instance_id = whole(cloud, 1)
    for disk_id in of(cloud, instance_id):
        cloud.write(disk_id, 0, os.urandom(64 * BLOCK_BYTES))
    make(cloud, InstanceId=instance_id, InstantAccess=True)
    make(cloud, InstanceId=instance_id, InstantAccess=True, InstantAccessRetentionDays=3)
    assert {g["Status"] for g in groups(cloud)} == {"progressing"}
    assert [g["Status"] for g in groups(cloud, Status__1="progressing")] == ["progressing"] * 2
    days = [
        s["InstantAccessRetentionDays"] for g in groups(cloud) for s in g["Snapshots"]["Snapshot"]
    ]
    assert sorted(days) == [1, 1, 3, 3]
    cloud.ok("clock", "advance", "1d")
    on = [s["InstantAccess"] for g in groups(cloud) for s in g["Snapshots"]["Snapshot"]]
    assert sorted(on) == [False, False, True, True]
    assert groups(cloud, Status__1="progressing") == []


@pytest.mark.rule("GR-1", "GR-2")
def test_what_cannot_be_a_member_refuses_the_whole_group(cloud: Cloud) -> None:
    mixed = cloud.instance(ZoneId=f"{REGION}-h")
    ours = whole(cloud, 1, ZoneId=f"{REGION}-h")
    efficiency = cloud.disks(InstanceId=mixed, DiskType="system")[0]["DiskId"]
    good = of(cloud, ours)[0]
    free = cloud.ecs(
        "CreateDisk", RegionId=REGION, ZoneId=f"{REGION}-h", Size=20, DiskCategory="cloud_essd"
    )["DiskId"]
    refuse = "CreateSnapshotGroup"
    common = {"RegionId": REGION}
    for code, parameters in {
        "MissingParamter.InstanceId": {},
        "InvalidInstanceId.NotFound": {"InstanceId": "i-unknown"},
        "InvalidDiskId.NotFound": {"DiskId__1": good, "DiskId__2": "d-unknown"},
        "DiskCategory.OperationNotSupported": {"DiskId__1": good, "DiskId__2": efficiency},
        "IncorrectDiskStatus": {"DiskId__1": good, "DiskId__2": free},
        "InvalidParam.ExcludeDiskIdsAndDiskIds.Conflict": {
            "DiskId__1": good,
            "ExcludeDiskId__1": good,
        },
        "InvalidParameter.Name": {"DiskId__1": good, "Name": "1st"},
        "InvalidParameter.Description": {"DiskId__1": good, "Description": "http://x"},
        "Duplicate.TagKey": {"DiskId__1": good, "Tag__1__Key": "a", "Tag__2__Key": "A"},
    }.items():
        refused(cloud, code, refuse, **common, **parameters)
    everything = dict(enumerate(of(cloud, ours), 1))
    excluded = {f"ExcludeDiskId__{n}": disk_id for n, disk_id in everything.items()}
    refused(cloud, "InvalidInstance.NoDisk", refuse, **common, InstanceId=ours, **excluded)


@pytest.mark.rule("GR-2")
def test_a_group_has_at_most_sixteen_disks_and_thirty_two_tebibytes(cloud: Cloud) -> None:
    instance_id = whole(cloud, 16)
    result = refused(
        cloud, "NumberExceed.TooManyDisks", "CreateSnapshotGroup", InstanceId=instance_id
    )
    assert "17" in result.err and "16" in result.err
    first, *rest = of(cloud, instance_id)
    make(cloud, InstanceId=instance_id, ExcludeDiskId__1=first)
    assert len(members(groups(cloud)[0])) == 16
    cloud.ecs("ResizeDisk", DiskId=rest[0], NewSize=32768)
    result = refused(
        cloud,
        "CapacityExceed.TooManyDisks",
        "CreateSnapshotGroup",
        DiskId__1=rest[0],
        DiskId__2=rest[1],
    )
    assert "32788 GiB" in result.err


@pytest.mark.rule("GR-4")
def test_a_member_that_cannot_be_captured_leaves_no_snapshot_at_all(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance_id = whole(cloud, 2)
    disks = of(cloud, instance_id)
    slow(cloud)
    cloud.write(disks[1], 0, os.urandom(8 * BLOCK_BYTES))
    cloud.snapshot(disks[1])
    refused(
        cloud, "IncorrectDiskStatus.CreatingSnapshot", "CreateSnapshotGroup", InstanceId=instance_id
    )
    cloud.ok("clock", "advance", "1h")
    before = picture(cloud)
    real = capturing.capture
    count = 0

    def failing(*words: Any, **named: Any) -> Any:
        nonlocal count
        count += 1
        if count == 3:
            raise OSError(5, "Input/output error")
        return real(*words, **named)

    monkeypatch.setattr(capturing, "capture", failing)
    result = cloud.run("ecs", "CreateSnapshotGroup", f"--InstanceId={instance_id}")
    assert result.code != 0 and count == 3 and "Traceback" not in result.err
    assert picture(cloud) == before
    assert groups(cloud) == []
    cloud.check()


@pytest.mark.rule("GR-3")
def test_a_write_between_two_members_is_never_in_one_and_missing_from_the_other(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program outside writes to both disks when the first was just read."""
    instance_id = whole(cloud, 1)
    first, second = of(cloud, instance_id)
    real = capturing.capture
    images = {cloud.image(first): block("1"), cloud.image(second): block("2")}
    turn = 0

    def interrupted(*words: Any, **named: Any) -> Any:
        nonlocal turn
        captured = real(*words, **named)
        turn += 1
        if turn == 1:
            for file, content in opened.items():
                os.pwrite(file.fileno(), content, BLOCK_BYTES)
        return captured

    monkeypatch.setattr(capturing, "capture", interrupted)
    with contextlib.ExitStack() as stack:
        # As a mounted disk is: a program that opens it only now would be made to wait.
        opened = {
            stack.enter_context(image.open("r+b", buffering=0)): content
            for image, content in images.items()
        }
        make(cloud, InstanceId=instance_id)
    pairs = members(groups(cloud)[0])
    cloud.write(first, 1, block("x"))
    cloud.write(second, 1, block("x"))
    cloud.ecs("StopInstance", InstanceId=instance_id)
    for disk_id, snapshot_id in pairs.items():
        cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=snapshot_id)
    held = (cloud.read(first, 1, 1), cloud.read(second, 1, 1))
    assert held in ((bytes(BLOCK_BYTES),) * 2, (block("1"), block("2")))
    cloud.check()


@pytest.mark.rule("GR-3")
def test_disks_that_never_stand_still_make_no_group(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapcli.volumes.together import Together

    instance_id = whole(cloud, 1)
    monkeypatch.setattr(Together, "is_one_instant", lambda self: False)
    before = picture(cloud)
    result = cloud.refused("CreateSnapshotGroup", InstanceId=instance_id)
    assert result.error_code == "CreateSnapshot.Failed"
    assert picture(cloud) == before


@pytest.mark.rule("GR-3")
def test_while_members_are_read_nothing_inside_the_instance_writes(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapcli.guests import folder, processes

    instance_id = whole(cloud, 1)
    first, second = of(cloud, instance_id)
    root = str(cloud.root / "guests" / instance_id)
    folder.make(root)
    folder.link_devices(root, {"vda": str(cloud.image(first)), "vdb": str(cloud.image(second))})
    text = (
        "n=0; while :; do n=$((n+1)); "
        "printf %08d $n | dd of=dev/vda bs=8 conv=notrunc status=none; "
        "printf %08d $n | dd of=dev/vdb bs=8 conv=notrunc status=none; done"
    )
    writer = processes.start(root, ["/bin/sh", "-c", text])
    try:
        until(lambda: cloud.read(second, 0, 1)[:8].isdigit())
        for _ in range(3):
            make(cloud, InstanceId=instance_id)
    finally:
        processes.end_all(root, 0)
        writer.wait()
    assert not (cloud.root / "guests" / ".frozen").exists()
    cloud.ecs("StopInstance", InstanceId=instance_id)
    for group in groups(cloud):
        for disk_id, snapshot_id in members(group).items():
            cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=snapshot_id)
        one, two = (int(cloud.read(disk_id, 0, 1)[:8]) for disk_id in (first, second))
        assert one - two in (0, 1), (one, two)


@pytest.mark.rule("GR-6", "SZ-4")
def test_a_group_stays_until_it_is_deleted_and_takes_its_snapshots_with_it(cloud: Cloud) -> None:
    instance_id = whole(cloud, 1)
    _, two = of(cloud, instance_id)
    cloud.write(two, 0, block("A"))
    kept = make(cloud, InstanceId=instance_id, Name="kept")
    gone = make(cloud, InstanceId=instance_id, Name="gone")
    cloud.ok("clock", "advance", "400d")
    assert len(groups(cloud)) == 2
    pairs = members(groups(cloud, SnapshotGroupId__1=gone)[0])
    made = cloud.ecs(
        "CreateDisk",
        RegionId=REGION,
        ZoneId=f"{REGION}-h",
        SnapshotId=pairs[two],
        DiskCategory="cloud_essd",
    )
    answer = cloud.ecs("DeleteSnapshotGroup", RegionId=REGION, SnapshotGroupId=gone)
    outcomes = answer["OperationProgressSet"]["OperationProgress"]
    assert [o["OperationStatus"] for o in outcomes] == ["Success"] * 2
    assert outcomes[0]["RelatedItemSet"]["RelatedItem"][0]["Name"] == "SnapshotId"
    assert [g["SnapshotGroupId"] for g in groups(cloud)] == [kept]
    assert len(cloud.snapshots()) == 2 and made["DiskId"]
    refused(
        cloud,
        "InvalidSnapshotGroup.NotFound",
        "DeleteSnapshotGroup",
        RegionId=REGION,
        SnapshotGroupId=gone,
    )
    cloud.check()


@pytest.mark.rule("GR-6", "DL-2")
def test_a_member_that_is_held_stays_as_an_ordinary_snapshot(cloud: Cloud) -> None:
    instance_id = whole(cloud, 1)
    make(cloud, InstanceId=instance_id)
    [group] = groups(cloud)
    first, second = members(group).values()
    cloud.ecs(
        "LockSnapshot", SnapshotId=first, LockMode="compliance", LockDuration=5, CoolOffPeriod=0
    )
    answer = cloud.ecs("DeleteSnapshotGroup", SnapshotGroupId=group["SnapshotGroupId"])
    states = {
        o["RelatedItemSet"]["RelatedItem"][0]["Value"]: (o["OperationStatus"], o["ErrorCode"])
        for o in answer["OperationProgressSet"]["OperationProgress"]
    }
    assert states == {
        first: ("Failed", "InvalidOperation.SnapshotIsLocked"),
        second: ("Success", ""),
    }
    assert [s["SnapshotId"] for s in cloud.snapshots()] == [first]


def test_a_group_is_renamed_and_its_snapshots_keep_their_names(cloud: Cloud) -> None:
    instance_id = whole(cloud, 0)
    group_id = make(cloud, InstanceId=instance_id, Name="old")
    cloud.ecs("ModifySnapshotGroup", SnapshotGroupId=group_id, Name="new", Description="text")
    [group] = groups(cloud, Name="new")
    assert group["Description"] == "text"
    assert cloud.snapshots()[0]["SnapshotName"] == "old"
    refused(cloud, "MissingParameter", "ModifySnapshotGroup", SnapshotGroupId=group_id)
    refused(
        cloud, "InvalidParameter.Name", "ModifySnapshotGroup", SnapshotGroupId=group_id, Name="x"
    )


@pytest.mark.rule("TG-1", "TG-2")
def test_groups_are_filtered_paged_and_tagged(cloud: Cloud) -> None:
    instance_id = whole(cloud, 0)
    ids = [make(cloud, InstanceId=instance_id, Name=f"g-{n}") for n in range(3)]
    cloud.ecs(
        "TagResources",
        ResourceType="snapshotgroup",
        ResourceId__1=ids[0],
        Tag__1__Key="a",
        Tag__1__Value="b",
    )
    assert [g["SnapshotGroupId"] for g in groups(cloud, Tag__1__Key="a")] == [ids[0]]
    assert groups(cloud, InstanceId="i-other") == []
    assert groups(cloud, SnapshotGroupId__1="ssg-unknown") == []
    first = cloud.ecs("DescribeSnapshotGroups", MaxResults=2)
    rest = cloud.ecs("DescribeSnapshotGroups", MaxResults=2, NextToken=first["NextToken"])
    both = [
        g["SnapshotGroupId"]
        for answer in (first, rest)
        for g in answer["SnapshotGroups"]["SnapshotGroup"]
    ]
    assert sorted(both) == sorted(ids) and rest["NextToken"] == ""
    refused(cloud, "InvalidStatus.ValueNotSupported", "DescribeSnapshotGroups", Status__1="done")
    refused(
        cloud,
        "InvalidSnapshotGroupId.MustBeOne",
        "DescribeSnapshotGroups",
        SnapshotGroupId__1=ids[0],
        SnapshotGroupId__2=ids[1],
        NextToken=first["NextToken"],
    )
    table = cloud.ok("describe-snapshot-groups", "--output", "table").out
    assert "Group ID/Name" in table and "g-2" in table and "Successful" in table


def test_deleting_a_member_takes_it_out_of_its_group(cloud: Cloud) -> None:
    instance_id = whole(cloud, 1)
    make(cloud, InstanceId=instance_id)
    first, second = members(groups(cloud)[0]).values()
    cloud.ecs("DeleteSnapshot", SnapshotId=first)
    assert list(members(groups(cloud)[0]).values()) == [second]


_WRITER = """
import os, sys
place, names = int(sys.argv[1]), sys.argv[2:]
files = [os.open(name, os.O_WRONLY) for name in names]
number = 0
while True:
    number += 1
    for file in files:
        os.pwrite(file, b"%016d" % number, place)
"""


@pytest.mark.slow
@pytest.mark.rule("GR-3")
def test_two_hundred_groups_under_load_never_hold_the_later_number_alone(cloud: Cloud) -> None:
    """Processes of the instance put increasing numbers on its disks in a fixed order."""
    from snapcli.guests import folder, processes

    instance_id = whole(cloud, 2)
    cloud.ok("config", "set", "quotas.manual_snapshots_per_disk", "1000")
    disks = of(cloud, instance_id)
    root = str(cloud.root / "guests" / instance_id)
    folder.make(root)
    images = [str(cloud.image(disk_id)) for disk_id in disks]
    writers = [
        processes.start(root, [sys.executable, "-c", _WRITER, str(place * BLOCK_BYTES), *images])
        for place in range(4)
    ]
    try:
        until(lambda: all(cloud.read(disks[-1], place, 1)[:16].isdigit() for place in range(4)))
        made = [make(cloud, InstanceId=instance_id) for _ in range(200)]
    finally:
        processes.end_all(root, 0)
        for writer in writers:
            writer.wait()
    cloud.ecs("StopInstance", InstanceId=instance_id)
    highest = 0
    for group_id in made:
        pairs = members(groups(cloud, SnapshotGroupId__1=group_id)[0])
        words = [
            word
            for n, (disk_id, snapshot_id) in enumerate(pairs.items(), 1)
            for word in (f"--Disk.{n}.DiskId={disk_id}", f"--Disk.{n}.SnapshotId={snapshot_id}")
        ]
        cloud.ok("ecs", "ResetDisks", *words)
        for place in range(4):
            held = [int(cloud.read(disk_id, place, 1)[:16]) for disk_id in disks]
            assert held == sorted(held, reverse=True), held
            assert held[0] - held[-1] in (0, 1), held
            highest = max(highest, *held)
    assert highest > 200, "the writers were never let go on"


def test_a_group_is_made_of_real_file_systems(cloud: Cloud, tmp_path: Any) -> None:
    """Its disks, read back, are sound: what mkfs wrote is all there."""
    instance_id = whole(cloud, 1)
    _, data = of(cloud, instance_id)
    if subprocess.run(["which", "mkfs.ext4"], capture_output=True, check=False).returncode:
        pytest.skip("mkfs.ext4 is not here")
    subprocess.run(["mkfs.ext4", "-q", "-F", str(cloud.image(data))], check=True)
    make(cloud, InstanceId=instance_id)
    snapshot_id = members(groups(cloud)[0])[data]
    copy = cloud.ecs(
        "CreateDisk",
        RegionId=REGION,
        ZoneId=f"{REGION}-h",
        DiskCategory="cloud_essd",
        SnapshotId=snapshot_id,
    )["DiskId"]
    files = (str(cloud.image(data)), str(cloud.image(copy)))
    subprocess.run(["cmp", f"--bytes={64 << 20}", *files], check=True)
    subprocess.run(["fsck.ext4", "-fn", str(cloud.image(copy))], check=True, capture_output=True)


@pytest.mark.rule("GB-1")
def test_an_archived_member_is_not_available(cloud: Cloud) -> None:
    """It can't be rolled back to, and DescribeSnapshots says so of it too."""
    group_id = make(cloud, InstanceId=whole(cloud, data=1))
    archived, *others = members(groups(cloud)[0]).values()
    cloud.ok("clock", "advance", "15d")
    cloud.ecs("ModifySnapshotCategory", SnapshotId=archived)
    [group] = groups(cloud, SnapshotGroupId__1=group_id)
    available = {s["SnapshotId"]: s["Available"] for s in group["Snapshots"]["Snapshot"]}
    assert available == {archived: False} | dict.fromkeys(others, True)
    assert available == {s["SnapshotId"]: s["Available"] for s in cloud.snapshots()}
