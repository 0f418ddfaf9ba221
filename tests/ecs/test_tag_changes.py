"""Setting and removing tags on all kinds of resources (rule TG-1)."""

from collections.abc import Callable

import pytest
from refusals import refused
from support import REGION, Cloud

from snapcli.api import catalogue


def made_by(cloud: Cloud, action: str, answered: str, **parameters: object) -> str:
    """Make a resource by an operation, or skip the test while that is not there yet."""
    if action not in catalogue.ENTRIES:
        pytest.skip(f"{action} is not there yet")
    return str(cloud.ecs(action, **parameters)[answered])


def disk(cloud: Cloud) -> str:
    return cloud.data_disk(cloud.instance())


def snapshot(cloud: Cloud) -> str:
    return cloud.snapshot(disk(cloud))


def image(cloud: Cloud) -> str:
    instance_id = cloud.instance(data_gib=None)
    system = cloud.disks(InstanceId=instance_id)[0]["DiskId"]
    of = cloud.snapshot(system)
    return made_by(cloud, "CreateImage", "ImageId", RegionId=REGION, SnapshotId=of)


def policy(cloud: Cloud) -> str:
    return made_by(
        cloud,
        "CreateAutoSnapshotPolicy",
        "AutoSnapshotPolicyId",
        regionId=REGION,
        timePoints='["1"]',
        repeatWeekdays='["1"]',
        retentionDays=30,
    )


def group(cloud: Cloud) -> str:
    # A system disk that is no ESSD is left out of the group of an instance.
    made = cloud.instance()
    return made_by(
        cloud, "CreateSnapshotGroup", "SnapshotGroupId", RegionId=REGION, InstanceId=made
    )


MAKERS: dict[str, Callable[[Cloud], str]] = {
    "instance": lambda cloud: cloud.instance(data_gib=None),
    "disk": disk,
    "snapshot": snapshot,
    "image": image,
    "snapshotpolicy": policy,
    "snapshotgroup": group,
}


def tags_of(cloud: Cloud, kind: str, *resource_ids: str) -> dict[str, dict[str, str]]:
    ids = {f"ResourceId__{n}": each for n, each in enumerate(resource_ids, 1)}
    found = cloud.ecs("ListTagResources", RegionId=REGION, ResourceType=kind, **ids)
    tags: dict[str, dict[str, str]] = {}
    for each in found["TagResources"]["TagResource"]:
        assert each["ResourceType"] == kind
        tags.setdefault(each["ResourceId"], {})[each["TagKey"]] = each["TagValue"]
    return tags


def tag(cloud: Cloud, kind: str, *resource_ids: str, **tags: str) -> None:
    cloud.ecs("TagResources", **request(kind, *resource_ids, **tags))


def request(kind: str, *resource_ids: str, **tags: str) -> dict[str, object]:
    """The parameters of TagResources."""
    given: dict[str, object] = {"RegionId": REGION, "ResourceType": kind}
    given |= {f"ResourceId__{n}": each for n, each in enumerate(resource_ids, 1)}
    for n, (key, value) in enumerate(tags.items(), 1):
        given |= {f"Tag__{n}__Key": key, f"Tag__{n}__Value": value}
    return given


@pytest.mark.rule("TG-1")
@pytest.mark.parametrize("kind", MAKERS)
def test_every_kind_carries_tags_that_are_added_changed_and_removed(
    cloud: Cloud, kind: str
) -> None:
    made = MAKERS[kind](cloud)
    tag(cloud, kind, made, env="test", team="blue")
    tag(cloud, kind, made, env="prod", empty="")
    assert tags_of(cloud, kind, made) == {made: {"env": "prod", "team": "blue", "empty": ""}}
    given = request(kind, made) | {"TagKey__1": "team", "TagKey__2": "never-there"}
    cloud.ecs("UntagResources", **given)
    assert tags_of(cloud, kind, made) == {made: {"env": "prod", "empty": ""}}
    cloud.ecs("UntagResources", **request(kind, made), All=True)
    assert tags_of(cloud, kind, made) == {}


@pytest.mark.rule("TG-1")
@pytest.mark.parametrize("kind", MAKERS)
def test_the_older_operations_do_the_same_for_every_kind(cloud: Cloud, kind: str) -> None:
    made = MAKERS[kind](cloud)
    one = {"RegionId": REGION, "ResourceType": kind, "ResourceId": made}
    cloud.ecs("AddTags", **one, Tag__1__key="env", Tag__1__value="prod", Tag__2__Key="team")
    assert tags_of(cloud, kind, made) == {made: {"env": "prod", "team": ""}}
    # With a value a tag goes only where it has that value.
    cloud.ecs("RemoveTags", **one, Tag__1__Key="env", Tag__1__Value="test", Tag__2__Key="team")
    assert tags_of(cloud, kind, made) == {made: {"env": "prod"}}
    cloud.ecs("RemoveTags", **one, Tag__1__Key="env", Tag__1__Value="prod")
    assert tags_of(cloud, kind, made) == {}


@pytest.mark.rule("TG-1")
def test_tags_given_at_creation_and_later_are_the_same_tags(cloud: Cloud) -> None:
    made = cloud.snapshot(disk(cloud), Tag__1__Key="env", Tag__1__Value="test")
    tag(cloud, "snapshot", made, team="blue")
    [found] = cloud.snapshots()
    assert found["Tags"]["Tag"] == [
        {"TagKey": "env", "TagValue": "test"},
        {"TagKey": "team", "TagValue": "blue"},
    ]


@pytest.mark.rule("TG-1")
def test_a_resource_carries_twenty_tags_and_not_one_more(cloud: Cloud) -> None:
    made = disk(cloud)
    tag(cloud, "disk", made, **{f"k{n}": "x" for n in range(20)})
    refusal = refused(cloud, "QuotaExceed.Tags", "TagResources", **request("disk", made, k20="x"))
    assert made in refusal.err and "21" in refusal.err
    # One that is there is changed all the same, and one removed makes room.
    tag(cloud, "disk", made, k0="y")
    cloud.ecs("UntagResources", **request("disk", made), TagKey__1="k0")
    tag(cloud, "disk", made, k20="x")
    assert len(tags_of(cloud, "disk", made)[made]) == 20


@pytest.mark.rule("TG-1")
def test_the_quota_is_the_workspaces(cloud: Cloud) -> None:
    made = disk(cloud)
    cloud.ok("config", "set", "quotas.tags_per_resource", "2")
    tag(cloud, "disk", made, a="1", b="2")
    refused(cloud, "QuotaExceed.Tags", "TagResources", **request("disk", made, c="3"))


@pytest.mark.rule("TG-1")
def test_keys_do_not_differ_by_case_alone(cloud: Cloud) -> None:
    made = disk(cloud)
    tag(cloud, "disk", made, Env="prod")
    again = request("disk", made, env="test")
    assert "Env" in refused(cloud, "TagKey.Duplication", "TagResources", **again).err
    both = request("disk", made, team="a", TEAM="b")
    refused(cloud, "TagKey.Duplication", "TagResources", **both)
    twice = request("disk", made, team="a") | {"Tag__2__Key": "team"}
    refused(cloud, "Duplicate.TagKey", "TagResources", **twice)


@pytest.mark.rule("TG-1")
def test_over_several_resources_all_is_done_or_nothing(cloud: Cloud) -> None:
    first, second = cloud.data_disk(cloud.instance()), cloud.data_disk(cloud.instance())
    tag(cloud, "disk", first, second, env="prod")
    assert tags_of(cloud, "disk", first, second) == {
        first: {"env": "prod"},
        second: {"env": "prod"},
    }
    tag(cloud, "disk", second, **{f"k{n}": "x" for n in range(19)})
    for code, given in (
        ("InvalidResourceId.NotFound", request("disk", first, "d-nosuch", more="x")),
        ("QuotaExceed.Tags", request("disk", first, second, more="x")),
    ):
        refused(cloud, code, "TagResources", **given)
    lost = request("disk", first, "d-nosuch")
    refused(cloud, "InvalidResourceId.NotFound", "UntagResources", **lost, All=True)


@pytest.mark.rule("TG-1")
@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("InvalidTagKey.Malformed", {"Tag__1__Key": "acs:x"}),
        ("InvalidTagKey.Malformed", {"Tag__1__Key": "Aliyun-x"}),
        ("InvalidTagKey.Malformed", {"Tag__1__Key": "k" * 129}),
        ("InvalidTagValue.Malformed", {"Tag__1__Value": "see https://x"}),
        ("InvalidTagValue.Malformed", {"Tag__1__Value": "v" * 129}),
        ("InvalidTag.Mismatch", {"Tag__1__Key": ""}),
        ("InvalidResourceType.NotFound", {"ResourceType": "vswitch"}),
        ("InvalidResourceId.NotFound", {"ResourceType": "snapshot"}),
        ("InvalidResourceId.NotFound", {"RegionId": "cn-beijing"}),
        ("InvalidRegionId.NotFound", {"RegionId": "cn-nowhere"}),
        ("MissingParameter.ResourceIds", {"ResourceId__1": ""}),
        ("MissingParameter.ResourceType", {"ResourceType": ""}),
        ("MissingParameter.Tags", {"Tag__1__Key": "", "Tag__1__Value": ""}),
        ("NumberExceed.ResourceIds", {f"ResourceId__{n}": f"d-{n}" for n in range(2, 52)}),
        ("NumberExceed.Tags", {f"Tag__{n}__Key": f"k{n}" for n in range(2, 22)}),
    ],
)
def test_tags_that_are_not_right_are_refused(
    cloud: Cloud, code: str, change: dict[str, str]
) -> None:
    given = request("disk", disk(cloud), env="prod") | change
    refused(cloud, code, "TagResources", **given)


@pytest.mark.rule("TG-1")
@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("MissingParameter.Tags", {}),
        ("MissingParameter.ResourceIds", {"ResourceId__1": "", "All": True}),
        ("Param.Conflict", {"TagKey__1": "env", "All": True}),
        ("Duplicate.TagKey", {"TagKey__1": "env", "TagKey__2": "env"}),
        ("InvalidTagKey.Malformed", {"TagKey__1": "acs:x"}),
        ("NumberExceed.Tags", {f"TagKey__{n}": f"k{n}" for n in range(1, 22)}),
        ("NumberExceed.ResourceIds", {"All": True} | {f"ResourceId__{n}": "d" for n in range(60)}),
        ("InvalidResourceType.NotFound", {"ResourceType": "command", "All": True}),
    ],
)
def test_removals_that_are_not_right_are_refused(
    cloud: Cloud, code: str, change: dict[str, object]
) -> None:
    made = disk(cloud)
    tag(cloud, "disk", made, env="prod")
    refused(cloud, code, "UntagResources", **(request("disk", made) | change))


@pytest.mark.rule("TG-1")
def test_the_older_operations_refuse_with_their_own_codes(cloud: Cloud) -> None:
    one = {"RegionId": REGION, "ResourceType": "disk", "ResourceId": disk(cloud)}
    many = {f"Tag__{n}__Key": f"k{n}" for n in range(1, 22)}
    refused(cloud, "InvalidTagCount", "AddTags", **one, **many)
    refused(cloud, "InvalidTagCount", "RemoveTags", **one, **many)
    refused(cloud, "InvalidTagCount", "RemoveTags", **one)
    refused(cloud, "InvalidTag.Mismatch", "AddTags", **one, Tag__1__Value="x")
    refused(cloud, "InvalidResourceType.NotFound", "AddTags", **(one | {"ResourceType": "eni"}),
            Tag__1__Key="x")  # fmt: skip


@pytest.mark.rule("TG-1")
def test_a_public_image_carries_no_tags(cloud: Cloud) -> None:
    given = request("image", "centos_7_9_x64_20G_alibase_20220101.vhd", env="prod")
    refused(cloud, "InvalidResourceId.NotSupported", "TagResources", **given)


@pytest.mark.rule("TG-1")
def test_the_friendly_form_spells_tags_as_key_and_value(cloud: Cloud) -> None:
    first, second = cloud.data_disk(cloud.instance()), cloud.data_disk(cloud.instance())
    both = ("--resource-type", "disk", "--resource-id", first, "--resource-id", second)
    cloud.ok("tag-resources", *both, "--tag", "env=prod", "--tag", "team=a=b")
    assert tags_of(cloud, "disk", second) == {second: {"env": "prod", "team": "a=b"}}
    cloud.ok("untag-resources", *both, "--tag-key", "env", "--tag-key", "team")
    assert tags_of(cloud, "disk", first, second) == {}
