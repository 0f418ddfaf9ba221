"""DescribeInstances with each of its filters, and ModifyInstanceAttribute."""

from typing import Any

import pytest
from support import REGION, Cloud

from snapcli.ecs.filters import is_like


def found(cloud: Cloud, **parameters: Any) -> list[str]:
    listed = cloud.ecs("DescribeInstances", RegionId=REGION, **parameters)
    return [each["InstanceId"] for each in listed["Instances"]["Instance"]]


def described(cloud: Cloud, instance_id: str) -> dict[str, Any]:
    listed = cloud.ecs("DescribeInstances", RegionId=REGION, InstanceIds=f'["{instance_id}"]')
    return dict(listed["Instances"]["Instance"][0])


@pytest.fixture
def two(cloud: Cloud) -> tuple[str, str]:
    """Two instances that differ in everything a filter can ask for; the second is newer."""
    first = cloud.instance(
        data_gib=None,
        InstanceName="web-1",
        ZoneId="cn-hangzhou-b",
        KeyPairName="k1",
        ResourceGroupId="rg-1",
        SecurityGroupId="sg-1",
        VSwitchId="vsw-1",
        PrivateIpAddress="10.0.0.1",
        Tag__1__Key="env",
        Tag__1__Value="test",
    )
    cloud.ok("clock", "advance", "1h")
    second = str(
        cloud.ecs(
            "RunInstances",
            RegionId=REGION,
            ImageId="ubuntu_18_04_x64_20G_alibase_20220101.vhd",
            InstanceType="ecs.c6.xlarge",
            InstanceName="db-[1,2]",
            ZoneId="cn-hangzhou-h",
            InstanceChargeType="PrePaid",
            Tag__1__Key="env",
            Tag__1__Value="live",
        )["InstanceIdSets"]["InstanceIdSet"][0]
    )
    cloud.ecs("StopInstance", InstanceId=second)
    return first, second


def test_all_are_listed_newest_first(cloud: Cloud, two: tuple[str, str]) -> None:
    assert found(cloud) == [two[1], two[0]]
    listed = cloud.ecs("DescribeInstances", RegionId=REGION)
    assert (listed["TotalCount"], listed["PageNumber"], listed["PageSize"]) == (2, 1, 10)


@pytest.mark.parametrize(
    ("given", "which"),
    [
        ({"InstanceName": "web-1"}, 0),
        ({"InstanceName": "w*1"}, 0),
        ({"InstanceName": "db-[1,2]"}, 1),
        ({"Status": "Running"}, 0),
        ({"Status": "stopped"}, 1),
        ({"ZoneId": "cn-hangzhou-b"}, 0),
        ({"ImageId": "ubuntu_18_04_x64_20G_alibase_20220101.vhd"}, 1),
        ({"InstanceType": "ecs.g7.large"}, 0),
        ({"InstanceTypeFamily": "ecs.c6"}, 1),
        ({"InstanceChargeType": "PrePaid"}, 1),
        ({"KeyPairName": "k1"}, 0),
        ({"ResourceGroupId": "rg-1"}, 0),
        ({"SecurityGroupId": "sg-1"}, 0),
        ({"VSwitchId": "vsw-1"}, 0),
        ({"PrivateIpAddresses": '["10.0.0.1"]'}, 0),
        ({"Tag__1__Key": "env", "Tag__1__Value": "live"}, 1),
        ({"Filter__1__Key": "CreationStartTime", "Filter__1__Value": "2022-03-11T03:33Z"}, 1),
        ({"Filter__1__Key": "CreationEndTime", "Filter__1__Value": "2022-03-11T02:33Z"}, 0),
    ],
)
def test_each_filter_narrows(
    cloud: Cloud, two: tuple[str, str], given: dict[str, str], which: int
) -> None:
    assert found(cloud, **given) == [two[which]]


def test_filters_are_joined_and_what_matches_nothing_is_empty(
    cloud: Cloud, two: tuple[str, str]
) -> None:
    assert found(cloud, InstanceIds=f'["{two[0]}","i-unknown"]') == [two[0]]
    assert found(cloud, InstanceIds="[]") == []
    assert found(cloud, InstanceIds=f'["{two[0]}"]', Status="Stopped") == []
    assert found(cloud, Tag__1__Key="env") == [two[1], two[0]]
    assert found(cloud, Tag__1__Key="env", Tag__2__Key="more") == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"RegionId": "cn-nowhere"}, "InvalidRegionId.NotFound"),
        ({"Status": "Sleeping"}, "InvalidStatus.NotFound"),
        ({"InstanceChargeType": "Free"}, "InvalidInstanceChargeType.NotFound"),
        ({"Filter__1__Key": "Colour", "Filter__1__Value": "x"}, "InvalidFilterKey.NotFound"),
        ({"Filter__1__Key": "CreationEndTime", "Filter__1__Value": "x"}, "InvalidFilterValue"),
        ({"InstanceIds": str(["i-1"] * 101)}, "InvalidParameter"),
        ({f"Tag__{n}__Key": f"k{n}" for n in range(1, 22)}, "InvalidTagCount"),
        ({"NextToken": "nonsense"}, "InvalidNextToken"),
    ],
)
def test_a_filter_that_cannot_be_is_refused(cloud: Cloud, given: dict[str, str], code: str) -> None:
    assert cloud.refused("DescribeInstances", **({"RegionId": REGION} | given)).error_code == code


@pytest.mark.parametrize(
    ("text", "pattern", "like"),
    [
        ("web", "web", True),
        ("web", "we", False),
        ("web-1-x", "w*1*x", True),
        ("web", "*", True),
        ("", "*", True),
        ("web", "*b", True),
        ("web", "w**b", True),
        ("web", "web*web", False),
        ("ab", "a?", False),
        ("a[1]", "a[1]", True),
        ("a1", "a[1]", False),
        ("Web", "web", False),
        ("aab", "a*ab", True),
    ],
)
def test_only_the_star_stands_for_other_text(text: str, pattern: str, like: bool) -> None:
    assert is_like(text, pattern) is like


def test_paging_by_token_shows_each_instance_once(cloud: Cloud) -> None:
    made = set()
    for _ in range(2):
        made.add(cloud.instance(data_gib=None))
        cloud.ok("clock", "advance", "1m")
    cloud.ecs(
        "RunInstances",
        RegionId=REGION,
        ImageId="centos_7_9_x64_20G_alibase_20220101.vhd",
        InstanceType="ecs.g7.large",
        Amount=10,
    )
    first = cloud.ecs("DescribeInstances", RegionId=REGION, MaxResults=10)
    second = cloud.ecs(
        "DescribeInstances", RegionId=REGION, MaxResults=10, NextToken=first["NextToken"]
    )
    seen = [
        each["InstanceId"] for page in (first, second) for each in page["Instances"]["Instance"]
    ]
    assert len(seen) == len(set(seen)) == 12
    assert second["NextToken"] == "" and made == set(seen[10:])


def test_attributes_change_and_those_not_given_stay(cloud: Cloud, two: tuple[str, str]) -> None:
    instance_id = two[0]
    before = described(cloud, instance_id)
    cloud.ecs("ModifyInstanceAttribute", InstanceId=instance_id, InstanceName="new", HostName="h")
    cloud.ecs(
        "ModifyInstanceAttribute",
        InstanceId=instance_id,
        Description="what it is",
        DeletionProtection=True,
        CreditSpecification="Unlimited",
        SecurityGroupIds__1="sg-9",
    )
    after = described(cloud, instance_id)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {
        "InstanceName",
        "HostName",
        "Description",
        "DeletionProtection",
        "CreditSpecification",
        "SecurityGroupIds",
    }
    assert (after["InstanceName"], after["Description"]) == ("new", "what it is")
    cloud.ecs("ModifyInstanceAttribute", InstanceId=instance_id, DeletionProtection=False)
    assert described(cloud, instance_id)["DeletionProtection"] is False


def test_user_data_changes_only_while_stopped(cloud: Cloud, two: tuple[str, str]) -> None:
    refused = cloud.refused("ModifyInstanceAttribute", InstanceId=two[0], UserData="aGk=")
    assert refused.error_code == "IncorrectInstanceStatus"
    cloud.ecs("ModifyInstanceAttribute", InstanceId=two[1], UserData="aGk=")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"InstanceName": "x"}, "InvalidInstanceName.Malformed"),
        ({"Description": "x"}, "InvalidDescription.Malformed"),
        ({"InstanceId": "i-none"}, "InvalidInstanceId.NotFound"),
    ],
)
def test_a_change_that_cannot_be_is_refused(
    cloud: Cloud, two: tuple[str, str], given: dict[str, str], code: str
) -> None:
    before = described(cloud, two[0])
    refused = cloud.refused("ModifyInstanceAttribute", **({"InstanceId": two[0]} | given))
    assert refused.error_code == code
    assert described(cloud, two[0]) == before
