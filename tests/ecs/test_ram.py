"""Roles and policies of an account, and the role of an instance, through the commands (AP-4)."""

import json
from typing import Any

import pytest
from refusals import picture
from support import REGION, Cloud

TRUST = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": ["ecs.aliyuncs.com"]},
            }
        ],
    }
)
PERMISSIONS = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    "ecs:DescribeSnapshot*",
                    "ecs:CreateSnapshot*",
                    "ecs:TagResources",
                    "ecs:DescribeDisks",
                ],
                "Resource": ["*"],
                "Condition": {},
            }
        ],
    }
)
ROLE = "AppSnapshotRoleName"
POLICY = "AppSnapshotPolicy"


def ram(cloud: Cloud, action: str, **parameters: Any) -> Any:
    words = [f"--{name}={value}" for name, value in parameters.items()]
    return cloud.ok("ram", action, *words).json


def refused(cloud: Cloud, code: str, product: str, action: str, **parameters: Any) -> str:
    before = picture(cloud)
    words = [f"--{name}={value}" for name, value in parameters.items()]
    result = cloud.run(product, action, *words)
    assert (result.code, result.error_code) == (1, code), result.err
    assert picture(cloud) == before
    return result.err


def guide_step_1(cloud: Cloud) -> None:
    """The guide's step 1: the role, its policy, and the one attached to the other."""
    ram(cloud, "CreateRole", RoleName=ROLE, AssumeRolePolicyDocument=TRUST)
    ram(cloud, "CreatePolicy", PolicyName=POLICY, PolicyDocument=PERMISSIONS)
    ram(cloud, "AttachPolicyToRole", PolicyType="Custom", PolicyName=POLICY, RoleName=ROLE)


@pytest.mark.rule("AP-4")
def test_the_guides_role_is_made_and_attached_as_it_says(cloud: Cloud) -> None:
    guide_step_1(cloud)
    role = ram(cloud, "GetRole", RoleName=ROLE)["Role"]
    assert role["Arn"] == f"acs:ram::1234567890123456:role/{ROLE.lower()}"
    assert json.loads(role["AssumeRolePolicyDocument"]) == json.loads(TRUST)
    [attached] = ram(cloud, "ListPoliciesForRole", RoleName=ROLE)["Policies"]["Policy"]
    assert (attached["PolicyName"], attached["PolicyType"]) == (POLICY, "Custom")
    shown = ram(cloud, "GetPolicy", PolicyType="Custom", PolicyName=POLICY)
    assert shown["Policy"]["AttachmentCount"] == 1
    assert shown["DefaultPolicyVersion"]["PolicyDocument"] == PERMISSIONS
    instance = cloud.instance()
    made = cloud.ecs(
        "AttachInstanceRamRole",
        RegionId=REGION,
        RamRoleName=ROLE,
        InstanceIds=json.dumps([instance, "i-unknown"]),
    )
    assert (made["TotalCount"], made["FailCount"], made["RamRoleName"]) == (2, 1, ROLE)
    first, second = made["AttachInstanceRamRoleResults"]["AttachInstanceRamRoleResult"]
    assert (first["Code"], first["Message"], first["InstanceId"]) == ("200", "success", instance)
    assert (second["Code"], second["Success"]) == ("InvalidInstanceId.NotFound", False)
    found = cloud.ecs("DescribeInstanceRamRole", RegionId=REGION, RamRoleName=ROLE)
    [pair] = found["InstanceRamRoleSets"]["InstanceRamRoleSet"]
    assert pair == {"InstanceId": instance, "RamRoleName": ROLE}


def test_an_instance_plays_one_role_until_it_is_detached(cloud: Cloud) -> None:
    guide_step_1(cloud)
    ram(cloud, "CreateRole", RoleName="other", AssumeRolePolicyDocument=TRUST)
    instance = cloud.instance(data_gib=None)
    ids = json.dumps([instance])
    for role, code in ((ROLE, "200"), ("other", "InvalidOperation.RamRoleExist"), (ROLE, "200")):
        made = cloud.ecs("AttachInstanceRamRole", RamRoleName=role, InstanceIds=ids)
        [outcome] = made["AttachInstanceRamRoleResults"]["AttachInstanceRamRoleResult"]
        assert outcome["Code"] == code
    for code in ("200", "InvalidRamRole.NotFound"):
        gone = cloud.ecs("DetachInstanceRamRole", InstanceIds=ids)
        [outcome] = gone["DetachInstanceRamRoleResults"]["DetachInstanceRamRoleResult"]
        assert outcome["Code"] == code
    none = cloud.ecs("DescribeInstanceRamRole", InstanceIds=ids)
    assert none["TotalCount"] == 0


def test_a_role_must_trust_the_service_to_be_attached(cloud: Cloud) -> None:
    other = TRUST.replace("ecs.aliyuncs.com", "oss.aliyuncs.com")
    ram(cloud, "CreateRole", RoleName="strange", AssumeRolePolicyDocument=other)
    ids = json.dumps([cloud.instance(data_gib=None)])
    for name, code in (
        ("strange", "InvalidRamRole.NotEcsRole"),
        ("absent", "InvalidRamRole.NotFound"),
    ):
        refused(cloud, code, "ecs", "AttachInstanceRamRole", InstanceIds=ids, RamRoleName=name)
    refused(cloud, "InvalidParameter.AllEmpty", "ecs", "DescribeInstanceRamRole")
    refused(
        cloud,
        "InvalidInstanceIds.Malformed",
        "ecs",
        "AttachInstanceRamRole",
        InstanceIds="[]",
        RamRoleName="strange",
    )


def test_what_is_attached_cannot_be_deleted(cloud: Cloud) -> None:
    guide_step_1(cloud)
    refused(cloud, "DeleteConflict.Role.Policy", "ram", "DeleteRole", RoleName=ROLE)
    refused(cloud, "DeleteConflict.Policy.Role", "ram", "DeletePolicy", PolicyName=POLICY)
    pair = {"PolicyType": "Custom", "PolicyName": POLICY, "RoleName": ROLE}
    refused(cloud, "EntityAlreadyExists.Role.Policy", "ram", "AttachPolicyToRole", **pair)
    ram(cloud, "DetachPolicyFromRole", **pair)
    refused(cloud, "EntityNotExist.Role.Policy", "ram", "DetachPolicyFromRole", **pair)
    ram(cloud, "DeletePolicy", PolicyName=POLICY)
    ram(cloud, "DeleteRole", RoleName=ROLE)
    refused(cloud, "EntityNotExist.Role", "ram", "GetRole", RoleName=ROLE)
    refused(
        cloud, "EntityNotExist.Policy", "ram", "GetPolicy", PolicyType="Custom", PolicyName=POLICY
    )


def test_names_and_documents_are_checked_when_they_are_made(cloud: Cloud) -> None:
    guide_step_1(cloud)
    refused(
        cloud,
        "EntityAlreadyExists.Role",
        "ram",
        "CreateRole",
        RoleName=ROLE,
        AssumeRolePolicyDocument=TRUST,
    )
    refused(
        cloud,
        "EntityAlreadyExists.Policy",
        "ram",
        "CreatePolicy",
        PolicyName="AliyunECSFullAccess",
        PolicyDocument=PERMISSIONS,
    )
    refused(
        cloud,
        "InvalidParameter.RoleName.InvalidChars",
        "ram",
        "CreateRole",
        RoleName="a role",
        AssumeRolePolicyDocument=TRUST,
    )
    refused(
        cloud,
        "InvalidParameter.PolicyName.InvalidChars",
        "ram",
        "CreatePolicy",
        PolicyName="a_b",
        PolicyDocument=PERMISSIONS,
    )
    message = refused(
        cloud,
        "MalformedPolicyDocument",
        "ram",
        "CreatePolicy",
        PolicyName="p",
        PolicyDocument='{"Version":"1"}',
    )
    assert "Statement" in message
    refused(
        cloud,
        "MalformedPolicyDocument",
        "ram",
        "CreateRole",
        RoleName="r",
        AssumeRolePolicyDocument=PERMISSIONS,
    )


def test_system_policies_can_be_attached_and_roles_are_listed_page_by_page(cloud: Cloud) -> None:
    for name in ("b", "a", "c"):
        ram(cloud, "CreateRole", RoleName=name, AssumeRolePolicyDocument=TRUST)
    pair = {"PolicyType": "System", "PolicyName": "AliyunECSFullAccess"}
    ram(cloud, "AttachPolicyToRole", RoleName="a", **pair)
    assert ram(cloud, "GetPolicy", **pair)["Policy"]["AttachmentCount"] == 1
    first = ram(cloud, "ListRoles", MaxItems=2)
    assert [role["RoleName"] for role in first["Roles"]["Role"]] == ["a", "b"]
    assert first["IsTruncated"]
    rest = ram(cloud, "ListRoles", MaxItems=2, Marker=first["Marker"])
    assert ([role["RoleName"] for role in rest["Roles"]["Role"]], rest["IsTruncated"]) == (
        ["c"],
        False,
    )


def test_each_account_has_roles_of_its_own(cloud: Cloud) -> None:
    guide_step_1(cloud)
    cloud.ok("account", "add", "second")
    assert cloud.ok("--profile", "second", "ram", "ListRoles").json["Roles"]["Role"] == []


def test_both_spellings_are_one_command(cloud: Cloud) -> None:
    cloud.ok("ram", "create-role", "--role-name", "r", "--assume-role-policy-document", TRUST)
    assert ram(cloud, "GetRole", RoleName="r")["Role"]["RoleName"] == "r"
    missing = cloud.run("ram", "CreateRole", "--RoleName", "x")
    assert missing.code == 3 and "--AssumeRolePolicyDocument" in missing.err
    unknown = cloud.run("ram", "CreateRol", "--RoleName", "x")
    assert unknown.code == 2 and "CreateRole" in unknown.err
    other = cloud.run("ram", "CreateSnapshot", "--DiskId", "x")
    assert other.code == 2, other.err
