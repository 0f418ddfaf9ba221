"""Listing and filtering by tags (rules TG-1, TG-2)."""

from typing import Any

import pytest
from refusals import refused
from support import REGION, Cloud
from test_tag_changes import tag

from snapcli.api import catalogue, parameters


@pytest.fixture
def disks(cloud: Cloud) -> tuple[str, str, str]:
    """Three disks: prod and blue, prod and red, test and blue."""
    one, two, three = (cloud.data_disk(cloud.instance()) for _ in range(3))
    tag(cloud, "disk", one, env="prod", team="blue")
    tag(cloud, "disk", two, env="prod", team="red")
    tag(cloud, "disk", three, env="test", team="blue")
    return one, two, three


def listed(cloud: Cloud, **parameters: Any) -> list[str]:
    """The ids of the disks whose tags ListTagResources answers, each once."""
    found = cloud.ecs("ListTagResources", RegionId=REGION, ResourceType="disk", **parameters)
    return list(dict.fromkeys(t["ResourceId"] for t in found["TagResources"]["TagResource"]))


@pytest.mark.rule("TG-1")
@pytest.mark.parametrize(
    ("asked", "which"),
    [
        ({"Tag__1__Key": "env"}, {0, 1, 2}),
        ({"Tag__1__Key": "env", "Tag__1__Value": "prod"}, {0, 1}),
        ({"Tag__1__Key": "env", "Tag__1__Value": "prod",
          "Tag__2__Key": "team", "Tag__2__Value": "blue"}, {0}),
        ({"Tag__1__Key": "ENV"}, set()),
        ({"Tag__1__Key": "env", "Tag__1__Value": "pro*"}, set()),
        ({"TagFilter__1__TagKey": "env", "TagFilter__1__TagValues__1": "pro*"}, {0, 1}),
        ({"TagFilter__1__TagKey": "*n*", "TagFilter__1__TagValues__1": "*st"}, {2}),
        ({"TagFilter__1__TagKey": "env", "TagFilter__1__TagValues__1": "test",
          "TagFilter__1__TagValues__2": "p*"}, {0, 1, 2}),
        ({"TagFilter__1__TagKey": "env", "TagFilter__1__TagValues__1": "prod",
          "TagFilter__2__TagKey": "team", "TagFilter__2__TagValues__1": "r*"}, {1}),
        ({"TagFilter__1__TagKey": "te*"}, {0, 1, 2}),
    ],
)  # fmt: skip
def test_any_set_of_tags_finds_the_resources_that_carry_all_of_them(
    cloud: Cloud, disks: tuple[str, ...], asked: dict[str, str], which: set[int]
) -> None:
    assert set(listed(cloud, **asked)) == {disks[n] for n in which}
    # Named ids narrow further.
    both = set(listed(cloud, ResourceId__1=disks[1], ResourceId__2="d-nosuch", **asked))
    assert both == {disks[n] for n in which & {1}}


@pytest.mark.rule("TG-1")
def test_every_tag_of_a_resource_that_matches_is_answered(
    cloud: Cloud, disks: tuple[str, ...]
) -> None:
    given = {"Tag__1__Key": "team", "Tag__1__Value": "red"}
    found = cloud.ecs("ListTagResources", RegionId=REGION, ResourceType="disk", **given)
    assert found["NextToken"] == ""
    assert found["TagResources"]["TagResource"] == [
        {"ResourceId": disks[1], "ResourceType": "disk", "TagKey": key, "TagValue": value}
        for key, value in (("env", "prod"), ("team", "red"))
    ]


@pytest.mark.rule("TG-1")
def test_a_long_list_goes_on_with_its_token(cloud: Cloud, disks: tuple[str, ...]) -> None:
    for each in disks:
        tag(cloud, "disk", each, **{f"k{n}": "x" for n in range(18)})
    asked: dict[str, Any] = {"RegionId": REGION, "ResourceType": "disk", "Tag__1__Key": "env"}
    first = cloud.ecs("ListTagResources", **asked)
    assert len(first["TagResources"]["TagResource"]) == 50
    second = cloud.ecs("ListTagResources", **asked, NextToken=first["NextToken"])
    rest = second["TagResources"]["TagResource"]
    assert (len(rest), second["NextToken"]) == (10, "")
    everything = first["TagResources"]["TagResource"] + rest
    assert len({(each["ResourceId"], each["TagKey"]) for each in everything}) == 60


@pytest.mark.rule("TG-1")
@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("BothEmpty.TagsAndResources", {}),
        ("InvalidParameter.TagValue", {"Tag__1__Value": "x"}),
        ("InvalidTagFilter.Malformed", {"TagFilter__1__TagValues__1": "x"}),
        ("InvalidTagFilter.Malformed", {"TagFilter__1__TagKey": "a*b"}),
        ("NumberExceed.TagValues", {"TagFilter__1__TagKey": "a"}
         | {f"TagFilter__1__TagValues__{n}": "x" for n in range(1, 22)}),
        ("NumberExceed.Tags", {f"Tag__{n}__Key": "x" for n in range(1, 22)}),
        ("NumberExceed.ResourceIds", {f"ResourceId__{n}": "x" for n in range(1, 52)}),
        ("Invalid.NextToken", {"Tag__1__Key": "x", "NextToken": "mine"}),
        ("MissingParameter.ResourceType", {"Tag__1__Key": "x", "ResourceType": ""}),
        ("InvalidResourceType.NotFound", {"Tag__1__Key": "x", "ResourceType": "ddh"}),
        ("InvalidRegionId.NotFound", {"Tag__1__Key": "x", "RegionId": "nowhere"}),
    ],
)  # fmt: skip
def test_a_question_that_is_not_right_is_refused(
    cloud: Cloud, code: str, asked: dict[str, str]
) -> None:
    given = {"RegionId": REGION, "ResourceType": "disk"} | asked
    refused(cloud, code, "ListTagResources", **given)


@pytest.mark.rule("TG-1")
def test_the_tags_in_use_are_counted_by_what_carries_them(
    cloud: Cloud, disks: tuple[str, ...]
) -> None:
    made = cloud.snapshot(disks[0], Tag__1__Key="env", Tag__1__Value="prod")
    found = cloud.ecs("DescribeTags", RegionId=REGION)
    counted = {
        (each["TagKey"], each["TagValue"]): {
            kind: count for kind, count in each["ResourceTypeCount"].items() if count
        }
        for each in found["Tags"]["Tag"]
    }
    assert counted == {
        ("env", "prod"): {"Disk": 2, "Snapshot": 1},
        ("env", "test"): {"Disk": 1},
        ("team", "blue"): {"Disk": 2},
        ("team", "red"): {"Disk": 1},
    }
    assert (found["TotalCount"], found["PageNumber"], found["PageSize"]) == (4, 1, 10)
    page = cloud.ecs("DescribeTags", RegionId=REGION, PageSize=3, PageNumber=2)
    assert [each["TagValue"] for each in page["Tags"]["Tag"]] == ["red"]
    for asked, count in (
        ({"ResourceType": "snapshot"}, 1),
        ({"ResourceId": made}, 1),
        ({"ResourceId": disks[1]}, 2),
        ({"Tag__1__Key": "team"}, 2),
        ({"Tag__1__key": "team", "Tag__1__value": "red"}, 1),
    ):
        assert cloud.ecs("DescribeTags", RegionId=REGION, **asked)["TotalCount"] == count, asked


@pytest.mark.rule("TG-1")
def test_resources_of_every_kind_are_found_by_their_tags(
    cloud: Cloud, disks: tuple[str, ...]
) -> None:
    made = cloud.snapshot(disks[0], Tag__1__Key="env", Tag__1__Value="prod")
    given = {"Tag__1__Key": "env", "Tag__1__Value": "prod"}
    found = cloud.ecs("DescribeResourceByTags", RegionId=REGION, **given)
    assert found["TotalCount"] == 3
    assert {(r["ResourceId"], r["ResourceType"]) for r in found["Resources"]["Resource"]} == {
        (disks[0], "disk"),
        (disks[1], "disk"),
        (made, "snapshot"),
    }
    assert {r["RegionId"] for r in found["Resources"]["Resource"]} == {REGION}
    only = cloud.ecs("DescribeResourceByTags", RegionId=REGION, ResourceType="snapshot", **given)
    assert [r["ResourceId"] for r in only["Resources"]["Resource"]] == [made]
    for action in ("DescribeTags", "DescribeResourceByTags"):
        many = {f"Tag__{n}__Key": "x" for n in range(1, 22)}
        refused(cloud, "InvalidTagCount", action, RegionId=REGION, **many)
        refused(cloud, "InvalidTagKey.Malformed", action, RegionId=REGION, Tag__1__Value="x")
        refused(cloud, "InvalidResourceType.NotFound", action, RegionId=REGION, ResourceType="eni")


@pytest.mark.rule("TG-2")
@pytest.mark.parametrize("action", ["DescribeDisks", "DescribeInstances", "DescribeSnapshots"])
def test_tag_filters_work_in_the_lists(cloud: Cloud, action: str) -> None:
    kind = action.removeprefix("Describe").removesuffix("s").lower()
    made = []
    for _ in range(3):
        instance_id = cloud.instance()
        disk_id = cloud.data_disk(instance_id)
        snapshot_id = cloud.snapshot(disk_id)
        made.append({"instance": instance_id, "disk": disk_id, "snapshot": snapshot_id}[kind])
    tag(cloud, kind, made[0], env="prod", team="blue")
    tag(cloud, kind, made[1], env="test", team="blue")
    for tags, which in (
        ({"env": None}, {0, 1}),
        ({"env": "prod"}, {0}),
        ({"env": None, "team": "blue"}, {0, 1}),
        ({"env": "test", "team": "blue"}, {1}),
        ({"env": "prod", "team": "red"}, set()),
        ({"other": None}, set()),
    ):
        asked = {f"Tag__{n}__Key": key for n, key in enumerate(tags, 1)}
        asked |= {f"Tag__{n}__Value": v for n, v in enumerate(tags.values(), 1) if v}
        found = cloud.ecs(action, RegionId=REGION, **asked)
        ids = {each[kind.capitalize() + "Id"] for each in inside(found)}
        assert ids == {made[n] for n in which}, tags
    many = {f"Tag__{n}__Key": "x" for n in range(1, 22)}
    refused(cloud, "InvalidTagCount", action, RegionId=REGION, **many)


@pytest.mark.rule("TG-2")
def test_no_list_declares_tags_without_filtering_by_them(cloud: Cloud) -> None:
    """Asked for a tag that nothing carries, every Describe that has Tag.N answers none."""
    disk_id = cloud.data_disk(cloud.instance())
    cloud.snapshot(disk_id)
    declared = {
        action
        for action in catalogue.ENTRIES
        if action.startswith("Describe")
        and any(p.name == "Tag" for p in parameters.describe(catalogue.load(action).request))
    }
    assert declared >= {"DescribeDisks", "DescribeInstances", "DescribeSnapshots"}
    for action in sorted(declared):
        found = cloud.ecs(action, RegionId=REGION, Tag__1__Key="nothing-carries-this")
        assert inside(found) == [], action


def inside(answer: dict[str, Any]) -> list[Any]:
    """The list in an answer."""
    [wrapper] = [value for value in answer.values() if isinstance(value, dict)]
    if "InvocationResults" in wrapper:  # the only answer whose page is an object of its own
        wrapper = wrapper["InvocationResults"]
    [items] = wrapper.values()
    return list(items)


@pytest.mark.rule("TG-1")
def test_lists_of_tags_are_drawn_as_tables(cloud: Cloud, disks: tuple[str, ...]) -> None:
    table = cloud.ok("list-tag-resources", "--resource-type", "disk", "--tag", "team=red",
                     "--output", "table").out  # fmt: skip
    assert disks[1] in table and "red" in table and disks[0] not in table
    pattern = "TagKey=team,TagValues=r*"
    found = cloud.ok("list-tag-resources", "--resource-type", "disk", "--tag-filter", pattern).json
    assert {t["ResourceId"] for t in found["TagResources"]["TagResource"]} == {disks[1]}
    assert "disk: 2" in cloud.ok("describe-tags", "--output", "table").out.lower()
    found_by = cloud.ok("describe-resource-by-tags", "--tag", "team=red", "--output", "table").out
    assert disks[1] in found_by
