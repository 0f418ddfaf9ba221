"""Groups of several instances, which the friendly form and the plug-in form take (rules GR)."""

import pytest
from group_steps import groups, make, members, of, whole
from refusals import picture
from support import REGION, Cloud

FRIENDLY = pytest.mark.parametrize(
    "form", [("create-snapshot-group",), ("ecs", "create-snapshot-group")], ids=["friendly", "ecs"]
)


def named(*instance_ids: str) -> list[str]:
    """The options that name instances."""
    return [word for each in instance_ids for word in ("--instance-id", each)]


@FRIENDLY
@pytest.mark.rule("GR-1", "GR-2")
def test_several_instances_make_one_group_of_all_their_essds(
    cloud: Cloud, form: tuple[str, ...]
) -> None:
    """One of them stopped, one with a disk of another category, in two zones."""
    first = whole(cloud, 1, ZoneId=f"{REGION}-h")
    second = cloud.instance(ZoneId=f"{REGION}-i")
    cloud.ecs("StopInstance", InstanceId=first)
    cloud.instance()
    cloud.ok(*form, *named(first, second, first))
    [group] = groups(cloud)
    assert list(members(group)) == [*of(cloud, first), cloud.data_disk(second)]
    assert group["InstanceId"] == ""
    cloud.check()


@FRIENDLY
def test_one_instance_twice_is_that_instance(cloud: Cloud, form: tuple[str, ...]) -> None:
    instance_id = whole(cloud, 1)
    cloud.ok(*form, *named(instance_id, instance_id))
    [group] = groups(cloud)
    assert group["InstanceId"] == instance_id and len(members(group)) == 2


def test_blanks_join_instances_in_the_plug_in_form(cloud: Cloud) -> None:
    first, second = whole(cloud, 0), whole(cloud, 0)
    cloud.ok("ecs", "create-snapshot-group", "--instance-id", first, second)
    assert list(members(groups(cloud)[0])) == [*of(cloud, first), *of(cloud, second)]


@pytest.mark.rule("GR-1")
def test_exclusions_are_of_all_the_instances(cloud: Cloud) -> None:
    first, second = whole(cloud, 1), whole(cloud, 1)
    out = of(cloud, first)[0], of(cloud, second)[1]
    excluded = [word for each in out for word in ("--exclude-disk-id", each)]
    cloud.ok("create-snapshot-group", *named(first, second), *excluded)
    [group] = groups(cloud)
    assert list(members(group)) == [of(cloud, first)[1], of(cloud, second)[0]]


@pytest.mark.rule("GR-1", "GR-2", "GR-4")
def test_what_is_wrong_with_one_of_several_instances_refuses_the_group(cloud: Cloud) -> None:
    good, none = whole(cloud, 1), cloud.instance(data_gib=None)
    away = cloud.instance(
        RegionId="cn-beijing", ZoneId="cn-beijing-h", SystemDisk__Category="cloud_essd"
    )
    other = of(cloud, whole(cloud, 0))[0]
    only = [word for each in of(cloud, good) for word in ("--exclude-disk-id", each)]
    second = whole(cloud, 0)
    before = picture(cloud)
    for code, name, words in (
        ("InvalidInstanceId.NotFound", "i-unknown", named(good, "i-unknown")),
        ("InvalidInstanceId.NotFound", away, named(good, away)),
        ("InvalidInstance.NoDisk", none, named(good, none)),
        ("InvalidInstance.NoDisk", good, [*named(second, good), *only]),
        ("InvalidDiskId.NotFound", other, [*named(good, second), "--disk-id", other]),
    ):
        result = cloud.run("create-snapshot-group", *words)
        assert (result.code, result.error_code, result.out) == (1, code, ""), words
        assert name in result.err
    assert picture(cloud) == before and groups(cloud) == []


@pytest.mark.rule("GR-2")
def test_the_limits_hold_over_all_instances(cloud: Cloud) -> None:
    first, second = whole(cloud, 8), whole(cloud, 7)
    line = "create-snapshot-group", *named(first, second)
    result = cloud.run(*line)
    assert (result.code, result.error_code) == (1, "NumberExceed.TooManyDisks")
    assert "17" in result.err
    cloud.ok(*line, "--exclude-disk-id", of(cloud, first)[0])
    assert len(members(groups(cloud)[0])) == 16
    for instance_id in (first, second):
        cloud.ecs("ResizeDisk", DiskId=of(cloud, instance_id)[-1], NewSize=20000)
    result = cloud.run(*line, "--exclude-disk-id", of(cloud, first)[0])
    assert (result.code, result.error_code) == (1, "CapacityExceed.TooManyDisks")
    assert "40" in result.err and len(groups(cloud)) == 1


def test_the_exact_form_takes_one_instance_as_the_api_does(cloud: Cloud) -> None:
    first, second = whole(cloud, 0), whole(cloud, 0)
    exact = "ecs", "CreateSnapshotGroup"
    twice = cloud.run(*exact, "--InstanceId", first, "--InstanceId", second)
    assert twice.code == 1 and "parse failed flag duplicated --InstanceId" in twice.err
    numbered = cloud.run(*exact, "--InstanceId.1", first, "--InstanceId.2", second)
    assert numbered.code == 2
    assert "'--InstanceId.1' is not a valid parameter or flag." in numbered.err
    joined = cloud.refused("CreateSnapshotGroup", InstanceId=f'["{first}","{second}"]')
    assert joined.error_code == "InvalidInstanceId.NotFound"
    assert groups(cloud) == []
    make(cloud, InstanceId=first)
    request = cloud.ok("create-snapshot-group", *named(first), "--cli-dry-run").out
    assert f"InstanceId = {first}" in request


@pytest.mark.rule("GR-2")
def test_disks_of_several_zones_of_the_region_make_one_group(cloud: Cloud) -> None:
    """As the guide has it, which asks for one region."""
    here, there = whole(cloud, 0, ZoneId=f"{REGION}-h"), whole(cloud, 0, ZoneId=f"{REGION}-i")
    chosen = [*of(cloud, here), *of(cloud, there)]
    make(cloud, DiskId__1=chosen[0], DiskId__2=chosen[1])
    assert list(members(groups(cloud)[0])) == chosen
