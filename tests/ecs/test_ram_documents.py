"""Policy documents: what is one, and what it allows; plain functions (AP-4)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapcli.ecs.ram_documents import (
    MalformedDocument,
    allows,
    read_permissions,
    read_trust,
    trusts_service,
)

NOTHING: dict[str, str] = {}


def statement(
    effect: str = "Allow", action: Any = "ecs:*", resource: Any = "*", **more: Any
) -> Any:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def document(*statements: Any) -> str:
    return json.dumps({"Version": "1", "Statement": statements})


def allowed(action: str, *statements: Any, resource: str = "*", **context: str) -> bool:
    known = {name.replace("_", ":"): value for name, value in context.items()}
    return allows([read_permissions(document(*statements))], action, resource, known)


@pytest.mark.rule("AP-4")
@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("ecs:DescribeSnapshot*", "ecs:DescribeSnapshotGroups", True),
        ("ecs:DescribeSnapshot*", "ecs:DescribeDisks", False),
        ("ecs:CreateSnapshot", "ecs:CreateSnapshotGroup", False),
        ("ecs:createsnapshot", "ecs:CreateSnapshot", True),
        ("ecs:CreateSnapsho?", "ecs:CreateSnapshot", True),
        ("*", "ecs:TagResources", True),
        ("ram:*", "ecs:TagResources", False),
        (["ecs:DescribeDisks", "ecs:TagResources"], "ecs:TagResources", True),
    ],
)
def test_wildcards_in_actions_match_as_they_are_meant(
    pattern: Any, action: str, expected: bool
) -> None:
    assert allowed(action, statement(action=pattern)) is expected


@pytest.mark.rule("AP-4")
def test_nothing_is_allowed_that_no_statement_allows() -> None:
    assert not allows([], "ecs:DescribeDisks", "*", NOTHING)


@pytest.mark.rule("AP-4")
def test_a_denial_wins_over_every_permission_in_any_order() -> None:
    deny = statement("Deny", "ecs:TagResources")
    for order in ([deny, statement()], [statement(), deny]):
        assert not allowed("ecs:TagResources", *order)
        assert allowed("ecs:DescribeDisks", *order)


@pytest.mark.rule("AP-4")
def test_resources_are_matched_by_wildcards_and_negations() -> None:
    disk = "acs:ecs:cn-hangzhou:1234567890123456:disk/d-bp1"
    only = statement(resource="acs:ecs:*:*:disk/*")
    assert allowed("ecs:DescribeDisks", only, resource=disk)
    assert not allowed("ecs:DescribeDisks", only, resource=disk.replace("disk/", "snapshot/"))
    others = {"Effect": "Allow", "NotAction": "ecs:Delete*", "NotResource": "acs:ecs:*:*:disk/*"}
    assert allowed("ecs:TagResources", others, resource="acs:ecs:x:y:image/m-1")
    assert not allowed("ecs:DeleteDisk", others, resource="acs:ecs:x:y:image/m-1")
    assert not allowed("ecs:TagResources", others, resource=disk)


@pytest.mark.rule("AP-4")
@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({}, True),
        ({"StringEquals": {"acs:SecureTransport": "true"}}, True),
        ({"Bool": {"acs:SecureTransport": ["True"]}}, True),
        ({"StringNotEquals": {"acs:SecureTransport": "true"}}, False),
        ({"IpAddress": {"acs:SourceIp": ["10.0.0.0/8", "127.0.0.0/8"]}}, True),
        ({"NotIpAddress": {"acs:SourceIp": "127.0.0.0/8"}}, False),
        ({"IpAddress": {"acs:SourceIp": "no address"}}, False),
        ({"NotIpAddress": {"acs:SourceIp": "no address"}}, False),
        ({"DateLessThan": {"acs:CurrentTime": "2023-01-01T00:00:00Z"}}, True),
        ({"DateGreaterThan": {"acs:CurrentTime": "2023-01-01T00:00:00Z"}}, False),
        ({"StringEquals": {"acs:Unknown": "x"}}, False),
        ({"StringNotEquals": {"acs:Unknown": "x"}}, False),
    ],
)
def test_a_condition_must_be_met_and_an_unknown_key_meets_none(condition: Any, met: bool) -> None:
    context = {
        "acs:SecureTransport": "true",
        "acs:SourceIp": "127.0.0.1",
        "acs:CurrentTime": "2022-03-11T02:33:00+00:00",
    }
    read = read_permissions(document(statement(Condition=condition)))
    assert allows([read], "ecs:DescribeDisks", "*", context) is met


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "truncated"),
        ("[]", "object"),
        ('{"Version": "2", "Statement": []}', "2"),
        (document(), "Statement"),
        (document({"Effect": "Maybe", "Action": "*", "Resource": "*"}), "Maybe"),
        (document({"Effect": "Allow", "Resource": "*"}), "Action"),
        (document({"Effect": "Allow", "Action": "*"}), "Resource"),
        (document(statement(NotAction="ecs:*")), "NotAction"),
        (document(statement(action="DescribeDisks")), "DescribeDisks"),
        (document(statement(Principal={"Service": "ecs.aliyuncs.com"})), "Principal"),
        (document(statement(Condition={"Odd": {}})), "Odd"),
        (document(statement(Extra=1)), "Extra"),
        (document(statement(resource="x" * 7000)), "6144"),
    ],
    ids=lambda value: value if len(str(value)) < 20 else "",
)
def test_what_is_no_permission_policy_is_told_by_name(text: str, word: str) -> None:
    with pytest.raises(MalformedDocument, match=word):
        read_permissions(text)


def test_a_trust_policy_names_who_may_assume_the_role() -> None:
    def trust(effect: str, **principal: Any) -> Any:
        return {"Effect": effect, "Action": "sts:AssumeRole", "Principal": principal}

    ours = read_trust(document(trust("Allow", Service=["ecs.aliyuncs.com"])))
    assert trusts_service(ours, "ecs.aliyuncs.com")
    assert not trusts_service(ours, "oss.aliyuncs.com")
    users = read_trust(document(trust("Allow", RAM="acs:ram::1:root")))
    assert not trusts_service(users, "ecs.aliyuncs.com")
    denied = document(
        trust("Allow", Service="ecs.aliyuncs.com"), trust("Deny", Service="ecs.aliyuncs.com")
    )
    assert not trusts_service(read_trust(denied), "ecs.aliyuncs.com")
    for wrong in ({}, {"Robot": "x"}):
        with pytest.raises(MalformedDocument):
            read_trust(document(trust("Allow", **wrong)))
    with pytest.raises(MalformedDocument, match="AssumeRole"):
        read_trust(document({"Effect": "Allow", "Action": "ecs:*", "Principal": {"RAM": "x"}}))


@given(st.text(max_size=40), st.text(max_size=40))
def test_only_stars_and_question_marks_are_wild_in_a_resource(text: str, other: str) -> None:
    pattern = text.replace("*", "").replace("?", "")
    read = read_permissions(document(statement(resource=pattern)))
    assert allows([read], "ecs:DescribeDisks", pattern, NOTHING)
    assert allows([read], "ecs:DescribeDisks", other, NOTHING) is (other == pattern)
