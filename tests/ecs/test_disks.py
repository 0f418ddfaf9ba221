"""CreateDisk, DescribeDisks with each of its filters, and ModifyDiskAttribute."""

from typing import Any

import pytest
from refusals import refused
from support import GIB, REGION, Cloud, block

ZONE = "cn-hangzhou-h"


def create(cloud: Cloud, **parameters: Any) -> str:
    given = {"RegionId": REGION, "ZoneId": ZONE, "DiskCategory": "cloud_essd", **parameters}
    given = {name: value for name, value in given.items() if value is not None}
    return str(cloud.ecs("CreateDisk", **given)["DiskId"])


def ids(cloud: Cloud, **parameters: Any) -> list[str]:
    return [disk["DiskId"] for disk in cloud.disks(**parameters)]


def test_a_new_disk_is_available_sparse_and_of_its_size(cloud: Cloud) -> None:
    disk_id = create(cloud, Size=20)
    disk = cloud.disk(disk_id)
    assert (disk["Status"], disk["Size"], disk["Type"]) == ("Available", 20, "data")
    assert (disk["PerformanceLevel"], disk["DeleteAutoSnapshot"]) == ("PL1", True)
    assert (disk["InstanceId"], disk["Device"], disk["Portable"]) == ("", "", True)
    file = cloud.image(disk_id).stat()
    assert (file.st_size, file.st_blocks) == (20 * GIB, 0)


def test_a_new_disk_is_creating_first_at_realistic_speed(cloud: Cloud) -> None:
    cloud.ok("config", "set", "speed", "realistic")
    disk_id = create(cloud, Size=20)
    assert cloud.disk(disk_id)["Status"] == "Creating"
    cloud.ok("clock", "advance", "5s")
    assert cloud.disk(disk_id)["Status"] == "Available"


def test_attributes_are_kept(cloud: Cloud) -> None:
    disk_id = create(
        cloud,
        Size=500,
        PerformanceLevel="PL2",
        DiskName="data-1",
        Description="the data",
        ResourceGroupId="rg-1",
        MultiAttach="Enabled",
        Tag__1__Key="env",
        Tag__1__Value="test",
    )
    disk = cloud.disk(disk_id)
    assert (disk["DiskName"], disk["Description"]) == ("data-1", "the data")
    assert (disk["PerformanceLevel"], disk["ResourceGroupId"]) == ("PL2", "rg-1")
    assert (disk["MultiAttach"], disk["ZoneId"]) == ("Enabled", ZONE)
    assert disk["Tags"]["Tag"] == [{"TagKey": "env", "TagValue": "test"}]
    assert disk["CreationTime"] == "2022-03-11T02:33:00Z"
    auto = cloud.disk(
        create(cloud, Size=40, DiskCategory="cloud_auto", BurstingEnabled=True, ProvisionedIops=9)
    )
    assert (auto["BurstingEnabled"], auto["ProvisionedIops"]) == (True, 9)


@pytest.mark.rule("OV-3")
def test_one_snapshot_makes_any_number_of_identical_disks_in_any_zone(cloud: Cloud) -> None:
    source = cloud.data_disk(cloud.instance(data_gib=25))
    cloud.write(source, 0, block("A"))
    cloud.write(source, 9, block("B"))
    snapshot_id = cloud.snapshot(source)
    cloud.write(source, 0, block("C"))
    zones = cloud.ecs("DescribeZones", RegionId=REGION)["Zones"]["Zone"]
    for zone in zones[:3]:
        disk_id = create(cloud, ZoneId=zone["ZoneId"], SnapshotId=snapshot_id)
        assert cloud.read(disk_id, 0, 1) == block("A")
        assert cloud.read(disk_id, 9, 1) == block("B")
        assert cloud.disk(disk_id)["Size"] == 25
    larger = create(cloud, SnapshotId=snapshot_id, Size=30)
    smaller = create(cloud, SnapshotId=snapshot_id, Size=20)
    assert (cloud.disk(larger)["Size"], cloud.disk(smaller)["Size"]) == (30, 25)
    assert cloud.image(larger).stat().st_size == 30 * GIB
    assert len(ids(cloud, SnapshotId=snapshot_id)) == 5
    cloud.check()


def test_with_an_instance_it_is_attached_in_the_instances_zone(cloud: Cloud) -> None:
    instance_id = cloud.instance(ZoneId="cn-hangzhou-k")
    disk_id = create(cloud, ZoneId=None, InstanceId=instance_id, Size=20)
    disk = cloud.disk(disk_id)
    assert (disk["ZoneId"], disk["Status"], disk["Device"]) == (
        "cn-hangzhou-k",
        "In_use",
        "/dev/xvdc",
    )
    refused(
        cloud,
        "InvalidParam.ZoneIdAndInstanceId.Conflict",
        "CreateDisk",
        RegionId=REGION,
        ZoneId=ZONE,
        InstanceId=instance_id,
        Size=20,
    )
    refused(
        cloud,
        "InvalidInstanceId.NotFound",
        "CreateDisk",
        RegionId="cn-beijing",
        InstanceId=instance_id,
        Size=20,
    )


@pytest.mark.parametrize(
    ("category", "level", "least", "most"),
    [
        ("cloud", "", 5, 2000),
        ("cloud_efficiency", "", 20, 32768),
        ("cloud_ssd", "", 20, 32768),
        ("cloud_essd", "PL0", 1, 65536),
        ("cloud_essd", "PL1", 20, 65536),
        ("cloud_auto", "", 1, 65536),
        ("cloud_essd_entry", "", 10, 32768),
    ],
)
def test_each_category_has_its_range_of_sizes(
    cloud: Cloud, category: str, level: str, least: int, most: int
) -> None:
    given = {"DiskCategory": category, "PerformanceLevel": level}
    given |= {"RegionId": REGION, "ZoneId": ZONE}
    assert cloud.disk(cloud.ecs("CreateDisk", Size=least, **given)["DiskId"])["Size"] == least
    refused(cloud, "InvalidSize.ValueNotSupported", "CreateDisk", Size=least - 1, **given)
    refused(cloud, "InvalidSize.ValueNotSupported", "CreateDisk", Size=most + 1, **given)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"RegionId": "cn-nowhere", "Size": 20}, "InvalidRegionId.NotFound"),
        ({"ZoneId": "", "Size": 20}, "MissingParameter"),
        ({"ZoneId": "cn-beijing-a", "Size": 20}, "InvalidZoneId.NotFound"),
        ({}, "MissingParameter"),
        ({"Size": "big"}, "InvalidSize.ValueNotSupported"),
        ({"Size": 20, "DiskCategory": "gold"}, "InvalidDiskCategory.ValueNotSupported"),
        ({"Size": 20, "PerformanceLevel": "PL7"}, "InvalidPerformanceLevel.Malformed"),
        ({"Size": 460, "PerformanceLevel": "PL2"}, "OperationDenied.PerformanceLevelNotMatch"),
        ({"Size": 1260, "PerformanceLevel": "PL3"}, "OperationDenied.PerformanceLevelNotMatch"),
        (
            {"Size": 20, "Encrypted": True, "KMSKeyId": "../k"},
            "InvalidParameter.KMSKeyId.NotFound",
        ),
        ({"Size": 20, "KMSKeyId": "k"}, "InvalidEncrypted.NotMatchKmsKeyId"),
        ({"Size": 20, "DiskName": "1"}, "InvalidDiskName.Malformed"),
        ({"Size": 20, "Description": "http://x"}, "InvalidDescription.Malformed"),
        ({"Size": 20, "Tag__1__Key": "aliyun-x"}, "InvalidTagKey.Malformed"),
        ({"SnapshotId": "s-none"}, "InvalidSnapshotId.NotFound"),
        ({"ZoneId": "", "InstanceId": "i-none", "Size": 20}, "InvalidInstanceId.NotFound"),
    ],
)
def test_a_refused_disk_says_why_and_leaves_nothing(
    cloud: Cloud, given: dict[str, Any], code: str
) -> None:
    whole = {"RegionId": REGION, "ZoneId": ZONE, "DiskCategory": "cloud_essd"} | given
    refused(cloud, code, "CreateDisk", **whole)
    assert cloud.disks() == []


def test_a_snapshot_of_another_region_makes_no_disk_here(cloud: Cloud) -> None:
    snapshot_id = cloud.snapshot(cloud.data_disk(cloud.instance()))
    refused(
        cloud,
        "InvalidSnapshotId.NotFound",
        "CreateDisk",
        RegionId="cn-beijing",
        ZoneId="cn-beijing-a",
        DiskCategory="cloud_essd",
        SnapshotId=snapshot_id,
    )


def test_a_snapshot_in_creation_makes_no_disk_yet(cloud: Cloud) -> None:
    cloud.ok("config", "set", "speed", "quick")
    snapshot_id = cloud.snapshot(cloud.data_disk(cloud.instance()))
    given = {"RegionId": REGION, "ZoneId": ZONE, "DiskCategory": "cloud_essd"}
    refused(cloud, "InvalidSnapshotId.NotReady", "CreateDisk", SnapshotId=snapshot_id, **given)
    cloud.ok("clock", "advance", "3s")
    create(cloud, SnapshotId=snapshot_id)


@pytest.fixture
def three(cloud: Cloud) -> list[str]:
    """An instance's system and data disk, and an hour later a free disk that differs in all."""
    instance_id = cloud.instance(ZoneId="cn-hangzhou-b", DataDisk__1__DiskName="data")
    data = cloud.data_disk(instance_id)
    [system] = ids(cloud, DiskType="system")
    snapshot_id = cloud.snapshot(data)
    cloud.ok("clock", "advance", "1h")
    free = create(
        cloud,
        DiskCategory="cloud_ssd",
        SnapshotId=snapshot_id,
        DiskName="free",
        ResourceGroupId="rg-1",
        MultiAttach="Enabled",
        Tag__1__Key="env",
        Tag__1__Value="test",
    )
    cloud.ecs("ModifyDiskAttribute", DiskId=free, DeleteAutoSnapshot=False)
    cloud.ecs("ModifyDiskAttribute", DiskId=free, EnableAutoSnapshot=False)
    return [system, data, free]


def test_disks_are_listed_newest_first(cloud: Cloud, three: list[str]) -> None:
    assert ids(cloud)[0] == three[2]
    assert set(ids(cloud)) == set(three)


@pytest.mark.parametrize(
    ("given", "which"),
    [
        ({"DiskType": "system"}, {0}),
        ({"DiskType": "data"}, {1, 2}),
        ({"DiskType": "all"}, {0, 1, 2}),
        ({"ZoneId": "cn-hangzhou-b"}, {0, 1}),
        ({"DiskName": "free"}, {2}),
        ({"DiskName": "fre*"}, set()),  # no wildcard is documented for disks
        ({"Category": "cloud_ssd"}, {2}),
        ({"Category": "all"}, {0, 1, 2}),
        ({"Status": "Available"}, {2}),
        ({"Status": "In_use"}, {0, 1}),
        ({"Status": "All"}, {0, 1, 2}),
        ({"DeleteWithInstance": "true"}, {0, 1}),
        ({"DeleteAutoSnapshot": "false"}, {2}),
        ({"EnableAutoSnapshot": "false"}, {2}),
        ({"EnableAutomatedSnapshotPolicy": "true"}, set()),
        ({"EnableAutomatedSnapshotPolicy": "false"}, {0, 1, 2}),
        ({"AutoSnapshotPolicyId": "sp-1"}, set()),
        ({"Portable": "true"}, {0, 1, 2}),
        ({"Encrypted": "true"}, set()),
        ({"Encrypted": "false"}, {0, 1, 2}),
        ({"DiskChargeType": "PrePaid"}, set()),
        ({"MultiAttach": "Enabled"}, {2}),
        ({"ResourceGroupId": "rg-1"}, {2}),
        ({"Tag__1__Key": "env"}, {2}),
        ({"Tag__1__key": "env", "Tag__1__value": "live"}, set()),
        ({"Filter__1__Key": "CreationStartTime", "Filter__1__Value": "2022-03-11T02:34Z"}, {2}),
        ({"Filter__2__Key": "CreationEndTime", "Filter__2__Value": "2022-03-11T02:33:00Z"}, {0, 1}),
        ({"DiskIds": "[]"}, set()),
        ({"DiskIds": "['d-unknown']"}, set()),
        ({"DiskType": "data", "Status": "In_use"}, {1}),
    ],
)
def test_each_filter_narrows(
    cloud: Cloud, three: list[str], given: dict[str, str], which: set[int]
) -> None:
    assert set(ids(cloud, **given)) == {three[index] for index in which}


def test_disks_are_found_by_instance_and_by_the_snapshot_they_were_made_from(
    cloud: Cloud, three: list[str]
) -> None:
    instance_id = cloud.disk(three[0])["InstanceId"]
    assert set(ids(cloud, InstanceId=instance_id)) == set(three[:2])
    assert ids(cloud, SnapshotId=cloud.snapshots()[0]["SnapshotId"]) == [three[2]]
    elsewhere = cloud.ecs("DescribeDisks", RegionId="cn-beijing")
    assert elsewhere["TotalCount"] == 0


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"RegionId": "cn-nowhere"}, "InvalidRegion.NotFound"),
        ({"DiskType": "floppy"}, "InvalidDiskType.ValueNotSupported"),
        ({"Category": "gold"}, "InvalidCategory.ValueNotSupported"),
        ({"Status": "Lost"}, "InvalidStatus.ValueNotSupported"),
        ({"ZoneId": "cn-beijing-a"}, "InvalidZoneId.NotFound"),
        ({"DiskChargeType": "Free"}, "InvalidDiskChargeType.NotFound"),
        ({"MultiAttach": "Perhaps"}, "InvalidParameter.MultiAttach"),
        ({"DiskIds": str(["d-1"] * 101)}, "InvalidDiskIds.Malformed"),
        ({"DiskIds": '{"a":1}'}, "InvalidDiskIds.Malformed"),
        ({"Filter__1__Key": "Colour"}, "InvalidFilterKey.NotFound"),
        ({f"Tag__{n}__Key": f"k{n}" for n in range(1, 22)}, "InvalidTagCount"),
    ],
)
def test_a_filter_that_cannot_be_is_refused(cloud: Cloud, given: dict[str, str], code: str) -> None:
    refused(cloud, code, "DescribeDisks", **({"RegionId": REGION} | given))


def test_paging_goes_both_ways(cloud: Cloud) -> None:
    made = [create(cloud, Size=20) for _ in range(12)]
    pages = [cloud.ecs("DescribeDisks", RegionId=REGION, PageNumber=n) for n in (1, 2, 3)]
    assert [len(page["Disks"]["Disk"]) for page in pages] == [10, 2, 0]
    assert {page["TotalCount"] for page in pages} == {12}
    first = cloud.ecs("DescribeDisks", RegionId=REGION, MaxResults=1)  # becomes 10
    assert len(first["Disks"]["Disk"]) == 10
    rest = cloud.ecs("DescribeDisks", RegionId=REGION, NextToken=first["NextToken"])
    seen = [disk["DiskId"] for page in (first, rest) for disk in page["Disks"]["Disk"]]
    assert sorted(seen) == sorted(made) and rest["NextToken"] == ""


def test_attributes_change_and_those_not_given_stay(cloud: Cloud) -> None:
    disk_id = create(cloud, Size=20, DiskName="old")
    before = cloud.disk(disk_id)
    cloud.ecs("ModifyDiskAttribute", DiskId=disk_id, Description="text")
    after = cloud.disk(disk_id)
    assert {name for name in after if after[name] != before[name]} == {"Description"}
    cloud.ecs(
        "ModifyDiskAttribute",
        DiskId=disk_id,
        DiskName="new",
        DeleteWithInstance=True,
        DeleteAutoSnapshot=False,
        EnableAutoSnapshot=False,
    )
    after = cloud.disk(disk_id)
    assert (after["DiskName"], after["Description"]) == ("new", "text")
    assert after["DeleteWithInstance"] is True
    assert (after["DeleteAutoSnapshot"], after["EnableAutoSnapshot"]) == (False, False)


def test_several_disks_change_all_or_none(cloud: Cloud) -> None:
    first, second = create(cloud, Size=20), create(cloud, Size=20)
    both = {"DiskIds__1": first, "DiskIds__2": second}
    cloud.ecs("ModifyDiskAttribute", DiskName="both", **both)
    assert {disk["DiskName"] for disk in cloud.disks()} == {"both"}
    both["DiskIds__2"] = "d-none"
    refused(cloud, "InvalidDiskId.NotFound", "ModifyDiskAttribute", DiskName="one", **both)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"DiskName": "ab"}, "MissingParameter.DiskIdOrDiskIds"),
        (
            {"DiskId": "d-1", "DiskIds__1": "d-2", "DiskName": "ab"},
            "ParameterConflict.DiskIdAndDiskIds",
        ),
        ({"DiskId": "it"}, "NoAttributeToModify"),
        ({"DiskId": "it", "BurstingEnabled": True}, "BurstingEnabledForDiskCategoryUnsupported"),
        ({"DiskId": "it", "DiskName": "x"}, "InvalidDiskName.Malformed"),
        ({"DiskId": "it", "Description": "x"}, "InvalidDescription.Malformed"),
        ({"DiskName": "ab", **{f"DiskIds__{n}": "d-1" for n in range(1, 102)}}, "InvalidParameter"),
    ],
)
def test_a_change_that_cannot_be_is_refused(cloud: Cloud, given: dict[str, Any], code: str) -> None:
    disk_id = create(cloud, Size=20)
    refused(
        cloud,
        code,
        "ModifyDiskAttribute",
        **{name: disk_id if value == "it" else value for name, value in given.items()},
    )
