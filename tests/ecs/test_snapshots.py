"""DescribeSnapshots: what a snapshot is at this instant, and the filters."""

import json
from typing import Any

import pytest
from hand_edits import make_automatic
from refusals import picture, refused
from support import BLOCK_BYTES, REGION, Cloud, block

NEW_DISK = {"RegionId": REGION, "ZoneId": "cn-hangzhou-b", "DiskCategory": "cloud_essd"}


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return cloud.instance()


@pytest.fixture
def disk_id(cloud: Cloud, instance_id: str) -> str:
    return cloud.data_disk(instance_id)


def listed(cloud: Cloud, **filters: object) -> list[str]:
    """Return the ids of the snapshots that match, newest first."""
    return [each["SnapshotId"] for each in cloud.snapshots(**filters)]


@pytest.mark.rule("CR-13")
def test_a_snapshot_is_described_with_all_it_is(cloud: Cloud, disk_id: str) -> None:
    cloud.write(disk_id, 0, block("A") * 3)
    made = cloud.snapshot(
        disk_id, SnapshotName="nightly", Description="of the ledger", Tag__1__Key="env"
    )
    [snapshot] = cloud.snapshots()
    serial_number = snapshot.pop("SnapshotSN")
    assert len(serial_number.split("-")) == 3
    assert snapshot == {
        "Available": True,
        "Category": "standard",
        "CreationTime": "2022-03-11T02:33:00Z",
        "Description": "of the ledger",
        "Encrypted": False,
        "FullSnapshotSizeInBytes": 3 * BLOCK_BYTES,
        "InstantAccess": False,
        "KMSKeyId": "",
        "LastModifiedTime": "2022-03-11T02:33:00Z",
        "ProductCode": "",
        "Progress": "100%",
        "RegionId": REGION,
        "RemainTime": 0,
        "ResourceGroupId": "",
        "SnapshotId": made,
        "SnapshotLinkId": disk_id,
        "SnapshotName": "nightly",
        "SnapshotType": "user",
        "SourceDiskId": disk_id,
        "SourceDiskSize": "20",
        "SourceDiskType": "data",
        "SourceStorageType": "disk",
        "Status": "accomplished",
        "Tags": {"Tag": [{"TagKey": "env", "TagValue": ""}]},
        "Usage": "none",
    }


def test_describing_changes_nothing(cloud: Cloud, disk_id: str) -> None:
    cloud.ok("config", "set", "speed", "quick")
    cloud.snapshot(disk_id)
    before = picture(cloud)
    cloud.ok("clock", "advance", "1h")
    assert cloud.snapshots()[0]["Status"] == "accomplished"
    assert picture(cloud) == before


def test_the_newest_comes_first_also_within_one_second(cloud: Cloud, disk_id: str) -> None:
    made = [cloud.snapshot(disk_id) for _ in range(3)]
    cloud.ok("clock", "advance", "1s")
    made.append(cloud.snapshot(disk_id))
    assert listed(cloud) == made[::-1]


@pytest.fixture
def shelf(cloud: Cloud, instance_id: str, disk_id: str) -> dict[str, Any]:
    """Snapshots that differ in everything that can be asked for."""
    cloud.ok("config", "set", "speed", "quick")
    [system] = cloud.disks(InstanceId=instance_id, DiskType="system")
    automatic = cloud.snapshot(disk_id)
    cloud.ok("clock", "advance", "1d")
    make_automatic(cloud, disk_id)
    used = cloud.snapshot(
        disk_id, SnapshotName="used", Tag__1__Key="env", Tag__1__Value="prod", Tag__2__Key="x"
    )
    cloud.ok("clock", "advance", "1d")
    cloud.ecs("CreateDisk", SnapshotId=used, **NEW_DISK)
    root = cloud.snapshot(system["DiskId"], ResourceGroupId="rg-1")
    cloud.ok("clock", "advance", "1d")
    unfinished = cloud.snapshot(disk_id)
    return {
        "automatic": automatic,
        "used": used,
        "root": root,
        "unfinished": unfinished,
        "disk": disk_id,
        "instance": instance_id,
    }


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, "unfinished root used automatic"),
        ({"SnapshotType": "auto"}, "automatic"),
        ({"SnapshotType": "user"}, "unfinished root used"),
        ({"SnapshotType": "all"}, "unfinished root used automatic"),
        ({"Status": "progressing"}, "unfinished"),
        ({"Status": "accomplished"}, "root used automatic"),
        ({"Status": "failed"}, ""),
        ({"SourceDiskType": "System"}, "root"),
        ({"SourceDiskType": "data"}, "unfinished used automatic"),
        ({"SnapshotName": "used"}, "used"),
        ({"SnapshotName": "use*"}, ""),
        ({"Usage": "disk"}, "used"),
        ({"Usage": "none"}, "unfinished root automatic"),
        ({"Usage": "image"}, ""),
        ({"Encrypted": False}, "unfinished root used automatic"),
        ({"Encrypted": True}, ""),
        ({"Category": "Flash"}, ""),
        ({"Category": "standard"}, "unfinished root used automatic"),
        ({"ResourceGroupId": "rg-1"}, "root"),
        ({"Tag__1__Key": "env"}, "used"),
        ({"Tag__1__Key": "env", "Tag__1__Value": "prod", "Tag__2__Key": "x"}, "used"),
        ({"Tag__1__Key": "env", "Tag__1__Value": "test"}, ""),
        ({"DiskId": "disk"}, "unfinished used automatic"),
        ({"InstanceId": "instance"}, "unfinished root used automatic"),
        ({"InstanceId": "i-nosuch"}, ""),
        ({"DiskId": "disk", "SnapshotType": "user", "Status": "accomplished"}, "used"),
        (
            {"Filter__1__Key": "CreationStartTime", "Filter__1__Value": "2022-03-12T02:33Z",
             "Filter__2__Key": "CreationEndTime", "Filter__2__Value": "2022-03-13T02:33Z"},
            "root used",
        ),
        ({"SnapshotIds": "[]"}, ""),
    ],
)  # fmt: skip
def test_every_filter_narrows_and_all_must_match(
    cloud: Cloud, shelf: dict[str, Any], filters: dict[str, object], names: str
) -> None:
    asked = dict(filters)
    for key in ("DiskId", "InstanceId"):
        if key in asked:
            asked[key] = shelf.get(str(asked[key]), asked[key])
    assert listed(cloud, **asked) == [shelf[name] for name in names.split()]


def test_ids_that_do_not_exist_give_an_empty_list(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    assert listed(cloud, SnapshotIds='["s-nosuch"]') == []
    assert listed(cloud, SnapshotIds=json.dumps(["s-nosuch", made])) == [made]
    assert listed(cloud, DiskId="d-nosuch") == []


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"SnapshotIds": json.dumps([f"s-{n}" for n in range(101)])},
         "InvalidSnapshotIds.Malformed"),
        ({"Status": "done"}, "InvalidStatus.NotFound"),
        ({"Usage": "tape"}, "InvalidUsage"),
        ({"SourceDiskType": "floppy"}, "InvalidSourceDiskType"),
        ({"Filter__1__Key": "Size", "Filter__1__Value": "1"}, "InvalidFilterKey.NotFound"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)  # fmt: skip
def test_a_filter_that_is_not_right_is_refused(
    cloud: Cloud, disk_id: str, parameters: dict[str, object], code: str
) -> None:
    refused(cloud, code, "DescribeSnapshots", RegionId=REGION, **parameters)


def test_pages_follow_each_other_by_number_and_by_token(cloud: Cloud, disk_id: str) -> None:
    made = [cloud.snapshot(disk_id) for _ in range(5)][::-1]
    answer = cloud.ecs("DescribeSnapshots", RegionId=REGION, PageSize=2, PageNumber=3)
    assert [each["SnapshotId"] for each in answer["Snapshots"]["Snapshot"]] == made[4:]
    assert (answer["TotalCount"], answer["PageNumber"], answer["PageSize"]) == (5, 3, 2)
    seen: list[str] = []
    token = ""
    while True:
        asked = {"NextToken": token} if token else {}
        answer = cloud.ecs("DescribeSnapshots", RegionId=REGION, MaxResults=2, **asked)
        seen += [each["SnapshotId"] for each in answer["Snapshots"]["Snapshot"]]
        token = answer["NextToken"]
        if not token:
            break
    assert seen == made
