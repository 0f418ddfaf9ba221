"""Flags that change how an operation is called: pages, waiting, a query, dry runs, quiet."""

import json
from typing import Any

import pytest
from support import REGION, Cloud

from snapcli.api import catalogue, parameters
from snapcli.cli import waiter as waiting
from snapcli.cli.exit_codes import TIMED_OUT

STATUS = "expr=Snapshots.Snapshot[0].Status"
DESCRIBE = ("ecs", "DescribeSnapshots", "--RegionId", REGION)
FORMS = pytest.mark.parametrize(
    "form", [DESCRIBE, ("describe-snapshots",)], ids=["ecs", "friendly"]
)


@pytest.fixture
def filled(cloud: Cloud) -> Cloud:
    """A workspace with 13 snapshots, n0 to n12."""
    disk_id = cloud.data_disk(cloud.instance())
    for number in range(13):
        cloud.snapshot(disk_id, SnapshotName=f"n{number}", Tag__1__Key="env", Tag__1__Value="prod")
    return cloud


def names(answer: Any) -> list[str]:
    return [each["SnapshotName"] for each in answer["Snapshots"]["Snapshot"]]


ALL = [f"n{number}" for number in range(12, -1, -1)]


@pytest.mark.parametrize(
    "words",
    [
        "--pager",
        "--all-pages",
        "--pager path=Snapshots.Snapshot",
        "--pager path=Snapshots.Snapshot[]",
        "--pager --PageSize 5",
        "--pager NextToken= --PageSize 5",
        "--pager NextToken=",
        "--pager --MaxResults 10",
        "--PageSize 3 --PageNumber 1 --pager",
    ],
)
def test_every_page_is_merged_under_the_two_last_parts_of_the_path(
    filled: Cloud, words: str
) -> None:
    answer = filled.ok(*DESCRIBE, *words.split()).json
    assert list(answer) == ["Snapshots"]
    assert names(answer) == ALL


@FORMS
def test_merged_pages_can_be_queried_and_laid_out(filled: Cloud, form: tuple[str, ...]) -> None:
    found = filled.ok(*form, "--pager", "--cli-query", "length(Snapshots.Snapshot)")
    assert found.out == "13\n"
    table = filled.ok(*form, "--pager", "--output", "cols=SnapshotName", "rows=Snapshots.Snapshot")
    assert table.out.split() == ["SnapshotName", "------------", *ALL]


def test_the_console_table_shows_every_page_when_asked(filled: Cloud) -> None:
    out = filled.ok("describe-snapshots", "--all-pages", "--output", "table").out
    assert all(name in out for name in ALL)


def test_paging_begins_where_the_line_says(filled: Cloud) -> None:
    answer = filled.ok(*DESCRIBE, "--pager", "--PageSize", "5", "--PageNumber", "2").json
    assert names(answer) == ALL[5:]


def test_the_markers_of_ram_are_followed(cloud: Cloud) -> None:
    trust = (
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
        '"Principal":{"Service":["ecs.aliyuncs.com"]}}]}'
    )
    for name in ("a", "b", "c"):
        made = ("--RoleName", name, "--AssumeRolePolicyDocument", trust)
        cloud.ok("ram", "CreateRole", *made)
    alone = cloud.ok("ram", "ListRoles").json["Roles"]["Role"]
    assert cloud.ok("ram", "ListRoles", "--pager", "--MaxItems", "1").json["Roles"]["Role"] == alone


def test_no_items_are_an_empty_list(cloud: Cloud) -> None:
    assert cloud.ok(*DESCRIBE, "--pager").json == {"Snapshots": {"Snapshot": []}}


def test_a_list_without_pages_is_merged_all_the_same(cloud: Cloud) -> None:
    answer = cloud.ok("ecs", "DescribeRegions", "--pager").json
    assert list(answer) == ["Regions"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("ecs", "ShowClock", "--pager"),
            "call failed can't auto recognize collections path: you need add `--pager "
            "path=[jmespath]` to assign manually",
        ),
        (
            (*DESCRIBE, "--pager", "path=TotalCount"),
            "call failed jmespath: 'TotalCount' gives no array. Name a list of the answer, such "
            "as --pager path=Snapshots.Snapshot",
        ),
        ((*DESCRIBE, "--waiter", "to=a"), "bad flag format --waiter with field expr= required"),
        ((*DESCRIBE, "--waiter"), "bad flag format --waiter with field expr= required"),
        ((*DESCRIBE, "--waiter", "expr=A"), "bad flag format --waiter with field to= required"),
        (
            (*DESCRIBE, "--waiter", "expr=A", "to=b", "timeout=601"),
            "--waiter timeout=601 must between 1-600 (seconds)",
        ),
        (
            (*DESCRIBE, "--waiter", "expr=A", "to=b", "interval=1"),
            "--waiter interval=1 must between 2-10 (seconds)",
        ),
        (
            (*DESCRIBE, "--waiter", "expr=A", "to=b", "interval=x"),
            "--waiter interval=x must be integer",
        ),
        ((*DESCRIBE, "--waiter", "expr=TotalCount", "to=0"), "object 0 isn't string"),
        ((*DESCRIBE, "--waiter", "expr=Nothing", "to=x"), "object <nil> isn't string"),
        ((*DESCRIBE, "--waiter", STATUS, "to=accomplished"), "object <nil> isn't string"),
        ((*DESCRIBE, "--waiter", "expr=a", "to=b", "--pager"), "flag --pager is exclusive with"),
        ((*DESCRIBE, "--dryrun", "--waiter", "expr=a", "to=b"), "flag --dryrun is exclusive with"),
        ((*DESCRIBE, "--dryrun", "--pager"), "flag --dryrun is exclusive with --pager"),
        ((*DESCRIBE, "--quiet", "--dryrun"), "flag --quiet is exclusive with --dryrun"),
        ((*DESCRIBE, "--cli-query", "a["), "JMESPath query failed: SyntaxError: "),
        ((*DESCRIBE, "--cli-query", "abs(RequestId)"), "JMESPath query failed: "),
        (
            ("ecs", "CreateSnapshot", "--DiskId", "d-1", "--waiter", "expr=a", "to=b"),
            "--waiter repeats the call, and each CreateSnapshot changes something.",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_exit_code_1(
    cloud: Cloud, words: tuple[str, ...], message: str
) -> None:
    refused = cloud.run(*words)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith(f"ERROR: {message}")


def test_a_wrong_query_is_refused_before_anything_is_made(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    assert cloud.run("ecs", "CreateSnapshot", "--DiskId", disk_id, "--cli-query", "[").code == 1
    assert cloud.snapshots() == []


@FORMS
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Snapshots.Snapshot[0].SnapshotName", '"n12"\n'),
        ("TotalCount", "13\n"),
        ("Nothing", "null\n"),
        ("Snapshots.Snapshot[:2].SnapshotName", '[\n\t"n12",\n\t"n11"\n]\n'),
        ("Snapshots.Snapshot[?SnapshotName=='n3'] | length(@)", "1\n"),
        (
            "to_entries(Snapshots.Snapshot[0].Tags.Tag[0]) | [?key=='TagKey']",
            '[\n\t{\n\t\t"key": "TagKey",\n\t\t"value": "env"\n\t}\n]\n',
        ),
    ],
)
def test_a_query_prints_what_it_finds_as_json(
    filled: Cloud, form: tuple[str, ...], query: str, found: str
) -> None:
    assert filled.ok(*form, "--cli-query", query).out == found


def test_a_table_is_built_from_what_the_query_finds(filled: Cloud) -> None:
    out = filled.ok(
        *DESCRIBE,
        "--cli-query",
        "Snapshots.Snapshot[:2]",
        "--output",
        "cols=SnapshotName",
        "rows=@",
    ).out
    assert out == "SnapshotName\n------------\nn12\nn11\n\n"
    drawn = filled.ok(
        "describe-snapshots", "--cli-query", "Snapshots.Snapshot[:2].{Name: SnapshotName}", "-o",
        "table",
    ).out  # fmt: skip
    assert drawn.split()[0] == "Name" and "n11" in drawn


@FORMS
def test_waiting_ends_with_the_answer_that_was_waited_for(
    filled: Cloud, form: tuple[str, ...]
) -> None:
    done = filled.ok(*form, "--waiter", STATUS, "to=accomplished")
    assert done.err == "" and len(names(done.json)) == 10


@pytest.fixture
def slow(cloud: Cloud) -> Cloud:
    """A workspace with one snapshot that takes 30 seconds, its clock frozen."""
    cloud.ok("config", "set", "speed", "realistic")
    disk_id = cloud.data_disk(cloud.instance())
    cloud.ok("clock", "advance", "1m")
    cloud.snapshot(disk_id)
    assert cloud.snapshots()[0]["Status"] == "progressing"
    return cloud


@FORMS
def test_waiting_moves_the_clock_where_a_setting_says_so(
    slow: Cloud, form: tuple[str, ...]
) -> None:
    slow.ok("config", "set", "waiter", "advance")
    before = slow.ok("ecs", "ShowClock").json["Now"]
    done = slow.ok(*form, "--waiter", STATUS, "to=accomplished", "interval=10")
    assert done.json["Snapshots"]["Snapshot"][0]["Progress"] == "100%"
    after = slow.ok("ecs", "ShowClock").json["Now"]
    assert (before, after) == ("2022-03-11T02:34:00Z", "2022-03-11T02:34:30Z")


def test_running_out_of_time_has_an_exit_code_of_its_own(slow: Cloud) -> None:
    slow.ok("config", "set", "waiter", "advance")
    done = slow.run(*DESCRIBE, "--waiter", STATUS, "to=accomplished", "timeout=10")
    assert (done.code, done.out) == (TIMED_OUT, "")
    assert done.err == (
        "ERROR: wait 'Snapshots.Snapshot[0].Status' to 'accomplished' timeout(10seconds), "
        "last='progressing'\n"
    )
    assert slow.ok("ecs", "ShowClock").json["Now"] == "2022-03-11T02:34:10Z"


def test_a_frozen_clock_is_not_slept_through(slow: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting.time, "sleep", lambda _: pytest.fail("slept"))
    done = slow.run(*DESCRIBE, "--waiter", STATUS, "to=accomplished")
    assert (done.code, done.out) == (TIMED_OUT, "")
    assert "The workspace's clock is frozen" in done.err
    assert "snapcli config set waiter advance" in done.err


def test_a_running_clock_is_slept_through(slow: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[int] = []

    def sleep(seconds: int) -> None:
        slept.append(seconds)
        slow.ok("clock", "advance", f"{seconds}s")

    slow.ok("clock", "resume")
    monkeypatch.setattr(waiting.time, "sleep", sleep)
    slow.ok(*DESCRIBE, "--waiter", STATUS, "to=accomplished", "interval=8")
    assert 3 <= len(slept) <= 4 and set(slept) == {8}


def test_an_error_of_the_service_ends_the_wait(cloud: Cloud) -> None:
    refused = cloud.run(
        "ecs", "DescribeSnapshots", "--PageSize", "x", "--waiter", STATUS, "to=accomplished"
    )
    assert (refused.code, refused.error_code) == (1, "InvalidPageSize")


CREATE = ("ecs", "CreateSnapshot", "--RegionId", "cn-beijing", "--DiskId", "d-1")


@pytest.mark.parametrize("form", [CREATE, ("create-snapshot", "--region", "cn-beijing",
                                           "--disk-id", "d-1")])  # fmt: skip
def test_a_dry_run_prints_the_request_and_sends_nothing(
    cloud: Cloud, form: tuple[str, ...]
) -> None:
    done = cloud.ok(*form, "--dryrun")
    lines = done.out.split("\n")
    assert lines[0] == "Skip invoke in dry-run mode, request is:"
    assert lines[1] == "-" * 36
    assert lines[2].startswith(
        "POST /?AccessKeyId=none&Action=CreateSnapshot&DiskId=d-1&Format=JSON"
    )
    assert "&RegionId=cn-beijing&" in lines[2]
    assert lines[2].endswith("&Version=2014-05-26 HTTPS/1.1")
    assert lines[3] == "Host: ecs.cn-beijing.aliyuncs.com"
    assert lines[4:-2] == sorted(lines[4:-2]) and lines[-2:] == ["", ""]
    worded = cloud.ok(*form, "--cli-dry-run").out
    assert worded == (
        "---\nStyle: RPC\nEndpoint: ecs.cn-beijing.aliyuncs.com\nMethod: POST\n"
        "Action: CreateSnapshot\nVersion: 2014-05-26\nQuery:\n  DiskId = d-1\n"
        "  RegionId = cn-beijing\n---\n"
    )
    request = json.loads(cloud.ok(*form, "--cli-dry-run-json").out)
    assert list(request) == [
        "style", "endpoint", "method", "headers", "query", "action", "version",
    ]  # fmt: skip
    assert request["query"] == {"DiskId": "d-1", "RegionId": "cn-beijing"}
    assert cloud.snapshots() == []


def test_a_dry_run_checks_names_and_required_parameters(cloud: Cloud) -> None:
    assert cloud.run("ecs", "CreateSnapshot", "--dryrun").code == 3
    assert cloud.run("ecs", "CreateSnapshot", "--DiskI", "d", "--dryrun").code == 2


def test_the_dry_run_of_the_api_is_another_thing(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    refused = cloud.run("ecs", "ResizeDisk", "--DiskId", disk_id, "--NewSize", "30")
    assert refused.code == 0
    checked = cloud.run("ecs", "RunInstances", "--RegionId", REGION, "--DryRun", "true")
    assert checked.code == 1 and checked.error_code


def test_quiet_prints_nothing_on_success_in_the_friendly_form_too(cloud: Cloud) -> None:
    for flag in ("--quiet", "-q"):
        done = cloud.ok("describe-snapshots", flag)
        assert (done.out, done.err) == ("", "")
    assert cloud.run("delete-snapshot", "--snapshot-id", "s-1", "-q").err


@pytest.mark.parametrize("line", ["init --dryrun", "--dryrun init", "config list --pager"])
def test_a_command_that_is_no_operation_takes_no_such_flag(cloud: Cloud, line: str) -> None:
    refused = cloud.run(*line.split())
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("ERROR: ")


def test_quiet_silences_every_other_command_too(cloud: Cloud) -> None:
    assert cloud.ok("config", "list", "-q").out == ""


PAGED = sorted(
    action
    for action in catalogue.ENTRIES
    if {"NextToken", "PageNumber"} & set(parameters.names(catalogue.load(action).request))
)


def test_a_list_that_lies_deep_is_merged_by_its_path(filled: Cloud) -> None:
    path = "path=Invocation.InvocationResults.InvocationResult"
    merged = filled.ok("ecs", "DescribeInvocationResults", "--pager", path).json
    assert merged == {"InvocationResults": {"InvocationResult": []}}
    found = filled.ok("ecs", "DescribeInvocationResults", "--pager").json
    assert found == {"InvocationResults": {"InvocationResult": []}}


@pytest.mark.parametrize("action", PAGED)
def test_whatever_is_declared_to_have_pages_can_be_merged(filled: Cloud, action: str) -> None:
    alone = filled.run("ecs", action)
    merged = filled.run("ecs", action, "--pager")
    assert merged.code == alone.code
    if merged.code == 0:
        [(outer, within)] = merged.json.items()
        answer = alone.json
        if outer not in answer:  # the list stands deeper, and its paging fields beside it
            [answer] = [value for value in answer.values() if isinstance(value, dict)]
        lists = within if isinstance(within, dict) else {outer: within}
        [(inner, items)] = lists.items()
        single = answer[outer] if within is items else answer[outer][inner]
        assert items[: len(single)] == single
        assert len(items) == answer.get("TotalCount", len(items))
