"""Operations described for programs: complete, and only what the code really holds."""

import ast
import json
from pathlib import Path

import pytest
from support import Cloud

import snapcli
from snapcli.api import catalogue, parameters
from snapcli.api.description import described
from snapcli.api.error_codes import error_codes

SHARED = Path(__file__).parents[3] / "shared" / "api"
ACTIONS = sorted(catalogue.ENTRIES)


def codes(action: str) -> dict[str, int]:
    return dict(error_codes(catalogue.load(action)))


@pytest.mark.parametrize("action", ACTIONS)
def test_every_operation_is_described(action: str) -> None:
    found = described(action)
    assert json.loads(json.dumps(found)) == found
    declared = parameters.describe(catalogue.load(action).request)
    assert [each["Name"] for each in found["Parameters"]] == [each.name for each in declared]
    assert "RequestId" in [each["Name"] for each in found["Response"]]
    for error in found["Errors"]:
        assert 400 <= error["HttpStatus"] < 600


def test_codes_are_found_where_they_are_raised_however_deep() -> None:
    assert codes("CreateSnapshot").keys() >= {
        "InvalidAccountStatus.SnapshotServiceUnavailable",
        "InvalidDiskId.NotFound",
        "InvalidSnapshotName.Malformed",
        "IdempotentParameterMismatch",
        "MissingParameter",
    }
    assert codes("ResetDisk").keys() >= {"DryRunOperation", "InvalidSnapshotId.NotFound"}
    assert {"InvalidParameter", "MissingParameter"} <= codes("AdvanceClock").keys()
    assert codes("ShowDiskPath") == {"InvalidDiskId.NotFound": 404, "MissingParameter": 400}
    assert codes("ShowClock") == {}


@pytest.mark.parametrize(
    "line",
    [
        "CreateSnapshot --DiskId d-1",
        "DeleteSnapshot --SnapshotId s-1",
        "DescribeSnapshots --PageSize x",
        "DescribeSnapshots --NextToken x",
        "DescribeDisks --RegionId nowhere",
        "RunInstances --RegionId cn-hangzhou",
        "StopInstance --InstanceId i-1",
        "AttachDisk --InstanceId i-1 --DiskId d-1",
    ],
)
def test_what_an_operation_answers_is_among_what_it_is_said_to(cloud: Cloud, line: str) -> None:
    refused = cloud.line(f"ecs {line}")
    assert refused.error_code in codes(line.split()[0])


def test_no_code_is_said_that_the_source_does_not_hold() -> None:
    texts = {
        node.value
        for module in Path(snapcli.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    made = {"Invalid" + name for a in ACTIONS for name in _names(a)}
    for action in ACTIONS:
        assert codes(action).keys() <= texts | made


def _names(action: str) -> set[str]:
    found = parameters.describe(catalogue.load(action).request)
    return {name.name for each in found for name in (each, *each.members)}
