"""Lists as each form takes them: JSON in the exact form, what a person writes in the others."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from cli_running import Run
from support import REGION, Cloud

from snapcli.api import catalogue, dispatch, parameters
from snapcli.api.errors import ApiError
from snapcli.api.parameters import Parameter
from snapcli.cli.options import Spelling, from_wire, spellings

Listed = tuple[str, str, Parameter]
# What an operation may need beside a list, by the kind of parameter.
_FILLING = {"text": "xx", "integer": "7", "number": "1", "boolean": "true", "json": '["7"]'}


def lists() -> Iterator[Listed]:
    """Every list of values of every operation: the action, the wire name, the parameter."""
    for action in catalogue.ENTRIES:
        for parameter in parameters.describe(catalogue.load(action).request):
            if parameter.kind in ("json", "repeat"):
                yield action, parameter.name, parameter
            for member in parameter.members:
                if member.kind in ("json", "repeat"):
                    stem = f"{parameter.name}.1" if parameter.kind == "groups" else parameter.name
                    yield action, f"{stem}.{member.name}", member


LISTS = [pytest.param(*each, id=f"{each[0]}-{each[1]}") for each in lists()]


def filled(action: str, but: str) -> dict[str, str]:
    """Wire parameters for what an operation requires beside one of them."""
    given: dict[str, str] = {}
    for each in parameters.describe(catalogue.load(action).request):
        if not each.required or each.name == but:
            continue
        if each.kind == "repeat":
            given[f"{each.name}.1"] = "x"
        elif each.kind == "groups":
            given[f"{each.name}.1.{each.members[0].name}"] = "x"
        else:
            given[each.name] = each.choices[0] if each.choices else _FILLING[each.kind]
    return given


def read(action: str, wire: str, text: str) -> list[str]:
    """What an operation reads of a list that is sent as one text."""
    request = catalogue.load(action).request
    given = filled(action, wire) | {wire: text}
    parameters.check_names(request, [wire])
    return found(parameters.decode(request, given), action, wire)


def found(decoded: Any, action: str, wire: str) -> list[str]:
    name, *inner = wire.split(".")
    field = {each.name: each.field for each in parameters.describe(catalogue.load(action).request)}
    value = getattr(decoded, field[name])
    for part in inner:
        value = value[int(part) - 1] if part.isdecimal() else getattr(value, _snake(part))
    return list(value)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


@pytest.mark.parametrize(("action", "wire", "parameter"), LISTS)
def test_every_list_is_read_as_json_or_with_single_quotes(
    action: str, wire: str, parameter: Parameter
) -> None:
    for text in ('["7"]', " [ '7' ] ", "['7']", "[7]"):
        assert read(action, wire, text) == ["7"], text


@pytest.mark.parametrize(("action", "wire", "parameter"), LISTS)
def test_every_list_that_is_neither_is_refused_with_the_apis_code(
    action: str, wire: str, parameter: Parameter
) -> None:
    for text in (
        "7",
        "7,8",
        "7 8",
        "[a]",
        "[7,a]",
        "['7'",
        '"7"',
        '{"a":1}',
        "[[7]]",
        " ",
        "\udcff",
    ):
        with pytest.raises(ApiError) as caught:
            read(action, wire, text)
        assert (caught.value.code, caught.value.status) == (parameter.code, parameter.status), text
        assert wire in caught.value.message and repr(text) in caught.value.message


# The codes that are published for a list of a wrong form.
_PUBLISHED = {
    ("DescribeSnapshots", "SnapshotIds"): ("InvalidSnapshotIds.Malformed", 403),
    ("DescribeDisks", "DiskIds"): ("InvalidDiskIds.Malformed", 403),
    ("DescribeSnapshotLinks", "DiskIds"): ("InvalidDiskIds", 400),
    ("DescribeSnapshotLinks", "SnapshotLinkIds"): ("InvalidSnapshotLinkIds", 400),
    ("CreateAutoSnapshotPolicy", "timePoints"): ("ParameterInvalid", 403),
    ("CreateAutoSnapshotPolicy", "repeatWeekdays"): ("ParameterInvalid", 403),
    ("CreateAutoSnapshotPolicy", "TargetCopyRegions"): (
        "InvalidParameter.TargetCopyRegions", 403,
    ),
    ("ModifyAutoSnapshotPolicyEx", "timePoints"): ("ParameterInvalid", 403),
    ("ModifyAutoSnapshotPolicyEx", "repeatWeekdays"): ("ParameterInvalid", 403),
    ("ModifyAutoSnapshotPolicyEx", "TargetCopyRegions"): (
        "InvalidParameter.TargetCopyRegions", 403,
    ),
    ("ApplyAutoSnapshotPolicy", "diskIds"): ("ParameterInvalid", 403),
    ("CancelAutoSnapshotPolicy", "diskIds"): ("ParameterInvalid", 403),
    ("AttachInstanceRamRole", "InstanceIds"): ("InvalidInstanceIds.Malformed", 400),
    ("DetachInstanceRamRole", "InstanceIds"): ("InvalidInstanceIds.Malformed", 400),
    ("DescribeInstanceRamRole", "InstanceIds"): ("InvalidInstanceIds.Malformed", 400),
    ("ListTagResources", "TagFilter.1.TagValues"): ("InvalidTagFilter.Malformed", 403),
    # Nothing is published for these: the code of any value that is not acceptable.
    ("DescribeInstances", "InstanceIds"): ("InvalidParameter", 400),
    ("DescribeInstances", "PrivateIpAddresses"): ("InvalidParameter", 400),
    ("RunInGuest", "Command"): ("InvalidParameter", 400),
}  # fmt: skip


def test_the_codes_are_the_published_ones() -> None:
    declared = {
        (action, wire): (parameter.code, parameter.status)
        for action, wire, parameter in lists()
        if parameter.kind == "json" or (action, wire) in _PUBLISHED
    }
    assert declared == _PUBLISHED


class _CaughtError(ApiError):
    """Ends a command where its request would be carried out."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests that commands send, none of which is carried out."""
    requests: list[Any] = []

    def invoke(action: str, given: Mapping[str, str], caller: dispatch.Caller) -> None:
        requests.append(parameters.decode(catalogue.load(action).request, given))
        raise _CaughtError("Caught", 400, "")

    monkeypatch.setattr(dispatch, "invoke", invoke)
    return requests


def friendly(action: str, wire: str, spelled: Mapping[str, Spelling]) -> list[str]:
    """The words of the friendly form for all that an operation needs but one list."""
    words: list[str] = []
    given = filled(action, wire)
    for each in spelled.values():
        words += from_wire(each, given)
    return words


def ways(spelling: Spelling, member: str) -> list[list[str]]:
    """Ways to say 7 and 8 (or 7 alone) in the friendly form, all meant alike."""
    if member:
        return [[spelling.option, f"TagKey=k,{member}=7,8"],
                [spelling.option, f"TagKey=k,{member}.1=7,{member}.2=8"]]  # fmt: skip
    if spelling.positional:
        return [["7", "8"]]
    ways = [[spelling.option, "7", spelling.option, "8"]]
    if spelling.style == "json":
        ways += [[spelling.option, text] for text in ("7,8", "7, 8", "[7,8]", '["7","8"]')]
        ways += [[spelling.option, text] for text in ("['7','8']", "[7, 8]")]
    return ways


@pytest.mark.parametrize(("action", "wire", "parameter"), LISTS)
def test_the_friendly_form_takes_lists_as_people_write_them(
    run: Run, sent: list[Any], action: str, wire: str, parameter: Parameter
) -> None:
    entry = catalogue.ENTRIES[action]
    spelled = {
        each.parameter.name: each for each in spellings(action, catalogue.load(action).request)
    }
    spelling = spelled[wire.split(".")[0]]
    alone = wire == "TargetCopyRegions"  # one region at most
    for way in ways(spelling, wire.rpartition(".")[2] if "." in wire else ""):
        said = [spelling.option, "7"] if alone else way
        words = friendly(action, wire, spelled)
        line = [*said, *words] if not spelling.positional else [*words, "--", *said]
        done = run(*entry.command.split(), "--region", REGION, *line)
        assert "Caught" in done.err, (line, done.err)
        assert found(sent[-1], action, wire) == (["7"] if alone else ["7", "8"]), line


PLUGIN = [
    each
    for each in LISTS
    if not catalogue.ENTRIES[str(each.values[0])].local and "." not in str(each.values[1])
]


@pytest.mark.parametrize(("action", "wire", "parameter"), PLUGIN)
def test_the_plug_in_form_takes_lists_with_blanks(
    run: Run, sent: list[Any], action: str, wire: str, parameter: Parameter
) -> None:
    entry = catalogue.ENTRIES[action]
    spelled = {
        each.parameter.name: each for each in spellings(action, catalogue.load(action).request)
    }
    spelling = spelled[wire]
    alone = wire == "TargetCopyRegions"
    ways = [["7"]] if alone else [["7", "8"], ["7", spelling.option, "8"]]
    ways += [['["7","8"]'], ["7,8"]] if spelling.style == "json" and not alone else []
    for way in ways:
        line = [spelling.option, *way, *friendly(action, wire, spelled)]
        done = run(entry.product, entry.command, "--biz-region-id", REGION, *line)
        assert "ErrorCode: Caught" in done.err, (line, done.err)
        assert found(sent[-1], action, wire) == (["7"] if alone else ["7", "8"]), line


@pytest.fixture
def snapshot(cloud: Cloud) -> str:
    return cloud.snapshot(cloud.data_disk(cloud.instance()))


@pytest.mark.parametrize("text", ["{0}", "{0},{0}", "[{0}]", "{0} {0}"])
def test_ids_that_are_no_list_are_refused_in_the_exact_form_alone(
    cloud: Cloud, snapshot: str, text: str
) -> None:
    said = text.format(snapshot)
    refused = cloud.refused("DescribeSnapshots", RegionId=REGION, SnapshotIds=said)
    assert refused.error_code == "InvalidSnapshotIds.Malformed"
    assert repr(said) in refused.err and 'such as ["a","b"]' in refused.err
    if " " not in said:
        for words in (("describe-snapshots",), ("ecs", "describe-snapshots")):
            assert cloud.ok(*words, "--snapshot-ids", said).json["TotalCount"] == 1
    blank = ("ecs", "describe-snapshots", "--snapshot-ids", *said.split())
    assert cloud.ok(*blank).json["TotalCount"] == 1


@pytest.mark.parametrize("text", ['["{0}"]', "['{0}']", '[ "{0}" , "{0}" ]', "[\"{0}\", '{0}']"])
def test_ids_in_a_list_are_found_in_every_form(cloud: Cloud, snapshot: str, text: str) -> None:
    said = text.format(snapshot)
    assert len(cloud.snapshots(SnapshotIds=said)) == 1
    for words in (("describe-snapshots",), ("ecs", "describe-snapshots")):
        assert cloud.ok(*words, "--snapshot-ids", said).json["TotalCount"] == 1


@pytest.mark.parametrize("text", ["1,2", "1", "[one]", "1 2"])
def test_hours_that_are_no_list_are_refused_in_the_exact_form_alone(
    cloud: Cloud, text: str
) -> None:
    common = {"regionId": REGION, "retentionDays": 1}
    for wrong in (
        {"timePoints": text, "repeatWeekdays": '["1"]'},
        {"timePoints": '["1"]', "repeatWeekdays": text},
    ):
        refused = cloud.refused("CreateAutoSnapshotPolicy", **common, **wrong)
        assert refused.error_code == "ParameterInvalid"
    if text[0].isdigit():
        friendly = shlex.split(f"--retention-days 1 --time-points {text} --repeat-weekdays {text}")
        cloud.ok("ecs", "create-auto-snapshot-policy", *friendly)
        if " " not in text:
            cloud.ok("create-auto-snapshot-policy", *friendly)
    policies = cloud.ecs("DescribeAutoSnapshotPolicyEx", RegionId=REGION)
    for each in policies["AutoSnapshotPolicies"]["AutoSnapshotPolicy"]:
        assert msgspec.json.decode(each["TimePoints"]) == text.replace(",", " ").split()


def test_hours_may_be_numbers_or_texts_in_either_quotes(cloud: Cloud) -> None:
    common = {"regionId": REGION, "retentionDays": 1, "repeatWeekdays": "[1, 7]"}
    for text in ('["0","13"]', "['0','13']", "[0,13]", '["0", 13]'):
        made = cloud.ecs("CreateAutoSnapshotPolicy", timePoints=text, **common)
        listed = cloud.ecs(
            "DescribeAutoSnapshotPolicyEx",
            RegionId=REGION,
            AutoSnapshotPolicyId=made["AutoSnapshotPolicyId"],
        )
        [policy] = listed["AutoSnapshotPolicies"]["AutoSnapshotPolicy"]
        assert json.loads(policy["TimePoints"]) == ["0", "13"]
        assert json.loads(policy["RepeatWeekdays"]) == ["1", "7"]


def test_a_numbered_list_sent_bare_is_refused_with_how_it_is_written(cloud: Cloud) -> None:
    refused = cloud.refused("CreateSnapshotGroup", DiskId="d-1,d-2")
    assert refused.error_code == "InvalidDiskId"
    assert "It must be DiskId.1, DiskId.2 and so on, one value each." in refused.err
