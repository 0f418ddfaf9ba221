"""Automatic snapshot policies: creating, changing, deleting, applying and listing them."""

import json
from typing import Any

import pytest
from refusals import refused
from support import LINUX_IMAGE, REGION, Cloud

EVERY_DAY = '["1","2","3","4","5","6","7"]'


def create(cloud: Cloud, **parameters: Any) -> str:
    given = {
        "regionId": REGION,
        "timePoints": '["0"]',
        "repeatWeekdays": EVERY_DAY,
        "retentionDays": 30,
    } | parameters
    return str(cloud.ecs("CreateAutoSnapshotPolicy", **given)["AutoSnapshotPolicyId"])


def policies(cloud: Cloud, **parameters: Any) -> list[dict[str, Any]]:
    found = cloud.ecs("DescribeAutoSnapshotPolicyEx", RegionId=REGION, **parameters)
    return list(found["AutoSnapshotPolicies"]["AutoSnapshotPolicy"])


def policy(cloud: Cloud, policy_id: str) -> dict[str, Any]:
    [found] = policies(cloud, AutoSnapshotPolicyId=policy_id)
    return found


def apply(cloud: Cloud, policy_id: str, *disk_ids: str) -> None:
    cloud.ecs(
        "ApplyAutoSnapshotPolicy",
        regionId=REGION,
        autoSnapshotPolicyId=policy_id,
        diskIds=json.dumps(disk_ids),
    )


@pytest.mark.rule("PO-1")
def test_a_policy_has_hours_days_and_a_retention(cloud: Cloud) -> None:
    policy_id = create(
        cloud,
        timePoints='["13","0"]',
        repeatWeekdays='["7","1"]',
        retentionDays=65536,
        autoSnapshotPolicyName="daily",
        Tag__1__Key="env",
        Tag__1__Value="prod",
        ResourceGroupId="rg-1",
    )
    assert policy(cloud, policy_id) == {
        "AutoSnapshotPolicyId": policy_id,
        "AutoSnapshotPolicyName": "daily",
        "CopiedSnapshotsRetentionDays": -1,
        "CopyEncryptionConfiguration": {"Encrypted": False, "KMSKeyId": ""},
        "CreationTime": "2022-03-11T02:33:00Z",
        "DiskNums": 0,
        "EnableCrossRegionCopy": False,
        "RegionId": REGION,
        "RepeatWeekdays": '["1","7"]',
        "ResourceGroupId": "rg-1",
        "RetentionDays": 65536,
        "Status": "Normal",
        "Tags": {"Tag": [{"TagKey": "env", "TagValue": "prod"}]},
        "TargetCopyRegions": "",
        "TimePoints": '["0","13"]',
        "Type": "Custom",
        "VolumeNums": 0,
    }
    always = create(cloud, retentionDays=-1)
    assert policy(cloud, always)["RetentionDays"] == -1


@pytest.mark.rule("PO-1")
@pytest.mark.parametrize(
    ("points", "shown"),
    [("['02']", '["2"]'), ("[2, 3]", '["2","3"]'), ('["23"]', '["23"]'), ("['02',2]", '["2"]')],
)
def test_hours_may_be_texts_or_numbers_and_count_once(
    cloud: Cloud, points: str, shown: str
) -> None:
    assert policy(cloud, create(cloud, timePoints=points))["TimePoints"] == shown


@pytest.mark.rule("PO-1")
@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("ParameterInvalid", {"timePoints": '["24"]'}),
        ("ParameterInvalid", {"timePoints": "[02,2]"}),
        ("ParameterInvalid", {"timePoints": "[]"}),
        ("ParameterInvalid", {"timePoints": '["a"]'}),
        ("ParameterInvalid", {"timePoints": '{"a":1}'}),
        ("ParameterInvalid", {"repeatWeekdays": '["0"]'}),
        ("ParameterInvalid", {"repeatWeekdays": '["8"]'}),
        ("ParameterInvalid", {"retentionDays": 0}),
        ("ParameterInvalid", {"retentionDays": -2}),
        ("ParameterInvalid", {"retentionDays": 65537}),
        ("ParameterInvalid", {"regionId": "cn-nowhere"}),
        ("InvalidSnapshotPolicyName.Malformed", {"autoSnapshotPolicyName": "a"}),
        ("InvalidSnapshotPolicyName.Malformed", {"autoSnapshotPolicyName": "a.b"}),
        ("InvalidSnapshotPolicyName.Malformed", {"autoSnapshotPolicyName": "http://ab"}),
        ("Duplicate.TagKey", {"Tag__1__Key": "a", "Tag__2__Key": "A"}),
        ("InvalidParameter.TargetCopyRegions", {"EnableCrossRegionCopy": True}),
        (
            "InvalidParameter.TargetCopyRegions",
            {"EnableCrossRegionCopy": True, "TargetCopyRegions": f'["{REGION}"]'},
        ),
        (
            "InvalidParameter.TargetCopyRegions",
            {"EnableCrossRegionCopy": True, "TargetCopyRegions": '["cn-beijing","cn-shanghai"]'},
        ),
        (
            "InvalidParameter.CopiedSnapshotsRetentionDays",
            {
                "EnableCrossRegionCopy": True,
                "TargetCopyRegions": '["cn-beijing"]',
                "CopiedSnapshotsRetentionDays": 0,
            },
        ),
        ("InvalidParameter.Conflict", {"At": "13:00"}),
        ("InvalidParameter.Conflict", {"Keep": "always"}),
    ],
)
def test_a_policy_that_cannot_be_is_refused(
    cloud: Cloud, code: str, parameters: dict[str, Any]
) -> None:
    given = {
        "regionId": REGION,
        "timePoints": '["0"]',
        "repeatWeekdays": EVERY_DAY,
        "retentionDays": 30,
    } | parameters
    refused(cloud, code, "CreateAutoSnapshotPolicy", **given)


@pytest.mark.rule("PO-1")
@pytest.mark.parametrize("left_out", ["regionId", "timePoints", "repeatWeekdays", "retentionDays"])
def test_what_the_api_requires_is_required_with_a_small_first_letter(
    cloud: Cloud, left_out: str
) -> None:
    given = {
        "regionId": REGION,
        "timePoints": '["0"]',
        "repeatWeekdays": EVERY_DAY,
        "retentionDays": "30",
    }
    words = [f"--{name}={text}" for name, text in given.items() if name != left_out]
    result = cloud.run("ecs", "CreateAutoSnapshotPolicy", *words)
    assert result.code == 3
    assert f"--{left_out}" in result.err
    assert policies(cloud) == []


@pytest.mark.rule("PO-1")
@pytest.mark.parametrize(
    ("words", "hours", "days", "kept"),
    [
        ("--at 00:00,13:00 --on mon-sun --keep 30d", [0, 13], [1, 2, 3, 4, 5, 6, 7], 30),
        ("--at 8-10 --on weekdays --keep always", [8, 9, 10], [1, 2, 3, 4, 5], -1),
        ("--at hourly --on sat-mon --keep 2w", list(range(24)), [1, 6, 7], 14),
        ("--at 22-1 --on Sunday", [0, 1, 22, 23], [7], 30),
        ("--at 7", [7], [1, 2, 3, 4, 5, 6, 7], 30),
    ],
)
def test_the_friendly_form_takes_hours_and_days_as_people_write_them(
    cloud: Cloud, words: str, hours: list[int], days: list[int], kept: int
) -> None:
    made = cloud.line(f"create-auto-snapshot-policy --name daily {words}")
    assert made.code == 0, made.err
    found = policy(cloud, made.json["AutoSnapshotPolicyId"])
    assert found["AutoSnapshotPolicyName"] == "daily"
    assert json.loads(found["TimePoints"]) == [str(hour) for hour in hours]
    assert json.loads(found["RepeatWeekdays"]) == [str(day) for day in days]
    assert (found["RetentionDays"], found["RegionId"]) == (kept, REGION)


@pytest.mark.parametrize(
    "words", ["--at 13:30", "--at 24", "--at noon", "--at 1 --on someday", "--at 1 --keep 0d"]
)
def test_what_people_write_wrongly_is_refused_with_what_would_be_right(
    cloud: Cloud, words: str
) -> None:
    result = cloud.line(f"create-auto-snapshot-policy {words}")
    assert (result.code, result.error_code) == (1, "ParameterInvalid")
    assert "Write" in result.err
    assert policies(cloud) == []


@pytest.mark.rule("PO-2")
def test_a_region_has_a_hundred_policies_and_no_more(cloud: Cloud) -> None:
    cloud.ok("config", "set", "quotas.policies_per_region", "2")
    create(cloud)
    create(cloud)
    refused(
        cloud,
        "AutoSnapshotPolicy.QuotaExceed",
        "CreateAutoSnapshotPolicy",
        regionId=REGION,
        timePoints="[0]",
        repeatWeekdays="[1]",
        retentionDays=1,
    )
    create(cloud, regionId="cn-beijing")
    cloud.ecs(
        "DeleteAutoSnapshotPolicy",
        regionId=REGION,
        autoSnapshotPolicyId=policies(cloud)[0]["AutoSnapshotPolicyId"],
    )
    create(cloud)
    default = cloud.ok("config", "list").out
    assert "policies_per_region" in default


@pytest.mark.rule("PO-2", "PO-10", "PO-11")
def test_a_policy_is_applied_to_several_disks_and_replaces_another(cloud: Cloud) -> None:
    instance_id = cloud.instance()
    disks = [disk["DiskId"] for disk in cloud.disks(InstanceId=instance_id)]
    first, second = create(cloud), create(cloud, timePoints='["5"]')
    apply(cloud, first, *disks)
    assert (policy(cloud, first)["DiskNums"], policy(cloud, second)["DiskNums"]) == (2, 0)
    assert policy(cloud, first)["VolumeNums"] == 2
    apply(cloud, second, disks[0])
    assert (policy(cloud, first)["DiskNums"], policy(cloud, second)["DiskNums"]) == (1, 1)
    assert cloud.disk(disks[0])["AutoSnapshotPolicyId"] == second
    assert cloud.disk(disks[0])["EnableAutomatedSnapshotPolicy"] is True
    assert [d["DiskId"] for d in cloud.disks(AutoSnapshotPolicyId=first)] == [disks[1]]
    cloud.ecs("CancelAutoSnapshotPolicy", regionId=REGION, diskIds=json.dumps(disks[:1]))
    assert [d["DiskId"] for d in cloud.disks(EnableAutomatedSnapshotPolicy=False)] == [disks[0]]
    assert [d["DiskId"] for d in cloud.disks(EnableAutomatedSnapshotPolicy=True)] == [disks[1]]


@pytest.mark.rule("PO-10")
def test_cancelling_one_policy_leaves_disks_of_another_and_succeeds_without_any(
    cloud: Cloud,
) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    first, second = create(cloud), create(cloud)
    apply(cloud, first, disk_id)
    given = {"regionId": REGION, "diskIds": f'["{disk_id}"]'}
    cloud.ecs("CancelAutoSnapshotPolicy", autoSnapshotPolicyId=second, **given)
    assert cloud.disk(disk_id)["AutoSnapshotPolicyId"] == first
    for _ in range(2):
        cloud.ecs("CancelAutoSnapshotPolicy", autoSnapshotPolicyId=first, **given)
    assert cloud.disk(disk_id)["AutoSnapshotPolicyId"] == ""


@pytest.mark.rule("PO-10")
def test_deleting_a_policy_frees_its_disks(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    policy_id = create(cloud)
    apply(cloud, policy_id, disk_id)
    cloud.ecs("DeleteAutoSnapshotPolicy", regionId=REGION, autoSnapshotPolicyId=policy_id)
    assert policies(cloud) == []
    assert cloud.disk(disk_id)["AutoSnapshotPolicyId"] == ""
    refused(
        cloud,
        "ParameterInvalid",
        "DeleteAutoSnapshotPolicy",
        regionId=REGION,
        autoSnapshotPolicyId=policy_id,
    )


@pytest.mark.rule("PO-10")
def test_a_policy_is_applied_when_an_instance_and_when_a_disk_is_created(cloud: Cloud) -> None:
    policy_id = create(cloud)
    instance_id = cloud.instance(
        SystemDisk__AutoSnapshotPolicyId=policy_id, DataDisk__1__AutoSnapshotPolicyId=policy_id
    )
    made = cloud.ecs(
        "CreateDisk",
        RegionId=REGION,
        ZoneId=f"{REGION}-h",
        Size=20,
        AutoSnapshotPolicyId=policy_id,
    )
    found = cloud.disks(AutoSnapshotPolicyId=policy_id)
    assert {disk["InstanceId"] for disk in found} == {instance_id, ""}
    assert made["DiskId"] in {disk["DiskId"] for disk in found}
    assert policy(cloud, policy_id)["DiskNums"] == 3


@pytest.mark.rule("PO-10")
@pytest.mark.parametrize("disk", ["SystemDisk", "DataDisk__1"])
def test_an_instance_with_an_unknown_policy_is_not_created(cloud: Cloud, disk: str) -> None:
    given: dict[str, Any] = {
        "RegionId": REGION,
        "ImageId": LINUX_IMAGE,
        "InstanceType": "ecs.g7.large",
        "DataDisk__1__Size": 20,
        f"{disk}__AutoSnapshotPolicyId": "sp-none",
    }
    refused(cloud, "ParameterInvalid", "RunInstances", **given)


@pytest.mark.rule("PO-3")
def test_local_disks_get_no_policy(cloud: Cloud) -> None:
    given: dict[str, Any] = {
        "DataDisk__1__Size": 20,
        "DataDisk__1__Category": "local_ssd_pro",
        "DataDisk__2__Size": 20,
    }
    instance_id = cloud.instance(data_gib=None, **given)
    data = cloud.disks(InstanceId=instance_id, DiskType="data")
    local = next(disk["DiskId"] for disk in data if disk["Category"] == "local_ssd_pro")
    cloudy = next(disk["DiskId"] for disk in data if disk["Category"] != "local_ssd_pro")
    policy_id = create(cloud)
    common = {"regionId": REGION, "autoSnapshotPolicyId": policy_id}
    refused(
        cloud,
        "DiskCategory.OperationNotSupported",
        "ApplyAutoSnapshotPolicy",
        diskIds=json.dumps([local]),
        **common,
    )
    refused(
        cloud,
        "PartofDiskCategory.OperationNotSupported",
        "ApplyAutoSnapshotPolicy",
        diskIds=json.dumps([local, cloudy]),
        **common,
    )
    refused(
        cloud,
        "DiskCategory.OperationNotSupported",
        "RunInstances",
        RegionId=REGION,
        ImageId=LINUX_IMAGE,
        InstanceType="ecs.g7.large",
        DataDisk__1__AutoSnapshotPolicyId=policy_id,
        **given,
    )


@pytest.mark.parametrize(
    ("code", "action", "parameters"),
    [
        ("ParameterInvalid", "ApplyAutoSnapshotPolicy", {"autoSnapshotPolicyId": "sp-none"}),
        ("InvalidDiskId.NotFound", "ApplyAutoSnapshotPolicy", {"diskIds": '["d-none"]'}),
        ("ParameterInvalid", "ApplyAutoSnapshotPolicy", {"diskIds": "[]"}),
        ("ParameterInvalid", "ApplyAutoSnapshotPolicy", {"diskIds": '{"a":1}'}),
        ("ParameterInvalid", "ApplyAutoSnapshotPolicy", {"regionId": "cn-nowhere"}),
        ("InvalidDiskId.NotFound", "CancelAutoSnapshotPolicy", {"diskIds": '["d-none"]'}),
        ("ParameterInvalid", "CancelAutoSnapshotPolicy", {"regionId": "cn-nowhere"}),
    ],
)
def test_policies_and_disks_that_are_not_there_are_refused(
    cloud: Cloud, code: str, action: str, parameters: dict[str, str]
) -> None:
    given = {
        "regionId": REGION,
        "autoSnapshotPolicyId": create(cloud),
        "diskIds": json.dumps([cloud.data_disk(cloud.instance())]),
    } | parameters
    refused(cloud, code, action, **given)


@pytest.mark.rule("AC-1")
def test_without_the_snapshot_service_no_policy_is_made(memory_path: Any) -> None:
    cloud = Cloud(memory_path / "off", activated=False)
    refused(
        cloud,
        "InvalidAccountStatus.SnapshotServiceUnavailable",
        "CreateAutoSnapshotPolicy",
        regionId=REGION,
        timePoints="[0]",
        repeatWeekdays="[1]",
        retentionDays=1,
    )


@pytest.mark.rule("PO-11")
def test_what_is_not_given_stays_when_a_policy_is_changed(cloud: Cloud) -> None:
    policy_id = create(
        cloud,
        autoSnapshotPolicyName="first",
        EnableCrossRegionCopy=True,
        TargetCopyRegions='["cn-beijing"]',
        CopiedSnapshotsRetentionDays=5,
    )
    before = policy(cloud, policy_id)
    assert (before["TargetCopyRegions"], before["CopiedSnapshotsRetentionDays"]) == (
        '["cn-beijing"]',
        5,
    )

    def modify(**parameters: Any) -> dict[str, Any]:
        common = {"regionId": REGION, "autoSnapshotPolicyId": policy_id}
        cloud.ecs("ModifyAutoSnapshotPolicyEx", **common, **parameters)
        return policy(cloud, policy_id)

    assert modify(autoSnapshotPolicyName="second") == before | {"AutoSnapshotPolicyName": "second"}
    changed = modify(timePoints='["3"]', repeatWeekdays='["2"]', retentionDays=-1)
    assert changed == before | {
        "AutoSnapshotPolicyName": "second",
        "TimePoints": '["3"]',
        "RepeatWeekdays": '["2"]',
        "RetentionDays": -1,
    }
    assert modify(TargetCopyRegions='["cn-shanghai"]')["TargetCopyRegions"] == '["cn-shanghai"]'
    off = modify(EnableCrossRegionCopy=False)
    assert (off["EnableCrossRegionCopy"], off["TargetCopyRegions"]) == (False, "")
    words = ["--auto-snapshot-policy-id", policy_id, "--at", "1-2", "--keep", "7d"]
    cloud.ok("modify-auto-snapshot-policy-ex", *words)
    assert policy(cloud, policy_id)["TimePoints"] == '["1","2"]'
    assert policy(cloud, policy_id)["RetentionDays"] == 7


@pytest.mark.rule("PO-11")
def test_policies_are_listed_a_page_at_a_time_newest_first_and_by_filter(cloud: Cloud) -> None:
    ids = []
    for number in range(3):
        ids.append(create(cloud, autoSnapshotPolicyName=f"p{number}", Tag__1__Key=f"k{number}"))
        cloud.ok("clock", "advance", "1m")
    found = cloud.ecs("DescribeAutoSnapshotPolicyEX", RegionId=REGION, PageSize=2)
    assert (found["TotalCount"], found["PageNumber"], found["PageSize"]) == (3, 1, 2)
    listed = [
        p["AutoSnapshotPolicyId"] for p in found["AutoSnapshotPolicies"]["AutoSnapshotPolicy"]
    ]
    assert listed == [ids[2], ids[1]]
    assert [p["AutoSnapshotPolicyId"] for p in policies(cloud, PageNumber=2, PageSize=2)] == ids[:1]
    assert [p["AutoSnapshotPolicyId"] for p in policies(cloud, Tag__1__Key="k1")] == [ids[1]]
    by_name = policies(cloud, AutoSnapshotPolicyName="p0")
    assert [p["AutoSnapshotPolicyId"] for p in by_name] == [ids[0]]
    assert policies(cloud, AutoSnapshotPolicyId="sp-none") == []
    assert policies(cloud, ResourceGroupId="rg-x") == []
    cloud.ok("ecs", "DescribeAutoSnapshotPolicyEX", "--help")


def test_associations_are_a_policys_disks_or_a_disks_policy(cloud: Cloud) -> None:
    disks = {disk["DiskId"] for disk in cloud.disks(InstanceId=cloud.instance())}
    policy_id = create(cloud)
    apply(cloud, policy_id, *disks)

    def associations(**parameters: Any) -> list[dict[str, str]]:
        found = cloud.ecs("DescribeAutoSnapshotPolicyAssociations", RegionId=REGION, **parameters)
        assert found["NextToken"] == ""
        return list(found["AutoSnapshotPolicyAssociations"]["AutoSnapshotPolicyAssociation"])

    assert {each["DiskId"] for each in associations(AutoSnapshotPolicyId=policy_id)} == disks
    one = next(iter(disks))
    assert associations(DiskId=one) == [{"AutoSnapshotPolicyId": policy_id, "DiskId": one}]
    action = "DescribeAutoSnapshotPolicyAssociations"
    refused(cloud, "MissingParameter.AutoSnapshotPolicyIdOrDiskId", action, RegionId=REGION)
    refused(
        cloud,
        "ParameterConflict.AutoSnapshotPolicyIdAndDiskId",
        action,
        RegionId=REGION,
        DiskId=one,
        AutoSnapshotPolicyId=policy_id,
    )
    refused(cloud, "InvalidDiskId.NotFound", action, RegionId=REGION, DiskId="d-none")
    refused(
        cloud,
        "InvalidAutoSnapshotPolicyId.NotFound",
        action,
        RegionId=REGION,
        AutoSnapshotPolicyId="sp-none",
    )


@pytest.mark.rule("TG-1", "PO-11")
def test_the_tags_of_a_policy_can_be_changed(cloud: Cloud) -> None:
    policy_id = create(cloud, Tag__1__Key="a", Tag__1__Value="1")
    common = {"RegionId": REGION, "ResourceType": "snapshotpolicy", "ResourceId__1": policy_id}
    cloud.ecs("TagResources", Tag__1__Key="a", Tag__1__Value="2", **common)
    assert policy(cloud, policy_id)["Tags"]["Tag"] == [{"TagKey": "a", "TagValue": "2"}]


def test_the_tab_shows_name_details_and_applied_disks(cloud: Cloud) -> None:
    policy_id = create(
        cloud,
        autoSnapshotPolicyName="daily",
        timePoints="[0,13]",
        repeatWeekdays="[1,7]",
        EnableCrossRegionCopy=True,
        TargetCopyRegions='["cn-beijing"]',
        Tag__1__Key="env",
    )
    apply(cloud, policy_id, cloud.data_disk(cloud.instance()))
    shown = cloud.ok("describe-auto-snapshot-policy-ex", "--output", "table").out
    for text in (
        "Applied Disks",
        policy_id,
        "daily",
        "env",
        "Executed At: 00:00, 13:00",
        "Execution Frequency: Monday, Sunday",
        "Keep Snapshots: 30Days",
        "Copied To: cn-beijing, Keep Copies: Always Keep",
    ):
        assert text in shown
    create(cloud, timePoints=json.dumps(list(range(24))))
    assert "Every hour" in cloud.ok("describe-auto-snapshot-policy-ex", "-o", "table").out
    disks = cloud.ok("describe-disks", "--enable-automated-snapshot-policy", "-o", "table").out
    assert "Automatic Snapshot Policy" in disks.replace("\n", " ") or policy_id in disks
    listed = cloud.ok(
        "describe-auto-snapshot-policy-associations",
        "--auto-snapshot-policy-id",
        policy_id,
        "--output",
        "table",
    ).out
    assert policy_id in listed
