"""The form of the real command: what it sends, prints and refuses, and its exit codes."""

from pathlib import Path
from types import SimpleNamespace

import cli_fake_service as fake_service
import pytest
from cli_running import Run

from snapcli.api.errors import ApiError


def sent(service: SimpleNamespace) -> dict[str, str]:
    return service.calls[-1][1]


def test_parameters_reach_the_service_as_typed_and_the_answer_is_json(
    run: Run, service: SimpleNamespace
) -> None:
    done = run("ECS", "CreateSnapshot", "--DiskId", "d-1", "--ZoneId=z", "--Tag.1.Key:k")
    assert (done.code, done.err) == (0, "")
    assert done.out == '{\n\t"RequestId": "",\n\t"SnapshotId": "s-bp1"\n}\n'
    action, given, caller = service.calls[0]
    assert (action, given) == ("CreateSnapshot", {"DiskId": "d-1", "ZoneId": "z", "Tag.1.Key": "k"})
    assert (caller.workspace, caller.region) == (None, None)


def test_the_answer_is_the_same_bytes_at_a_terminal(run: Run, service: SimpleNamespace) -> None:
    line = ("ecs", "DescribeSnapshots")
    assert run(*line).raw == run(*line, terminals=("stdout", "stderr")).raw != b""


@pytest.mark.parametrize(
    ("line", "environ", "sent_region", "caller_region"),
    [
        ("", {}, None, None),
        ("--region a", {}, "a", "a"),
        ("--RegionId a", {}, "a", "a"),
        ("--region a --RegionId b", {}, "b", "a"),
        ("", {"ALIBABA_CLOUD_REGION_ID": "e"}, "e", "e"),
        ("", {"SNAPCLI_REGION": "s", "ALIBABA_CLOUD_REGION_ID": "e"}, "s", "s"),
        ("--region a", {"SNAPCLI_REGION": "s"}, "a", "a"),
    ],
)
def test_the_region_is_the_options_else_the_environments(
    run: Run,
    service: SimpleNamespace,
    line: str,
    environ: dict[str, str],
    sent_region: str | None,
    caller_region: str | None,
) -> None:
    assert run("ecs", "DescribeSnapshots", *line.split(), environ=environ).code == 0
    assert sent(service).get("RegionId") == sent_region
    assert service.calls[0][2].region == caller_region


def test_a_region_is_not_sent_to_an_action_without_the_parameter(
    run: Run, service: SimpleNamespace
) -> None:
    assert (
        run("ecs", "ResetDisk", *["--RegionId", "r", "--DiskId", "d", "--SnapshotId", "s"]).code
        == 0
    )
    assert sent(service) == {"DiskId": "d", "SnapshotId": "s"}
    assert service.calls[0][2].region == "r"


def test_flags_stand_anywhere_and_the_unused_ones_change_nothing(
    run: Run, service: SimpleNamespace
) -> None:
    line = "--workspace w --profile p ecs --access-key-id k DescribeSnapshots --read-timeout 3"
    assert run(*line.split()).code == 0
    assert sent(service) == {}
    assert service.calls[0][2].workspace == "w"


def test_quiet_prints_nothing_on_success_and_errors_all_the_same(
    run: Run, service: SimpleNamespace
) -> None:
    assert run("ecs", "DescribeSnapshots", "--quiet").out == ""
    service.error = ApiError("Code", 400, "Words.")
    assert "Words." in run("ecs", "DescribeSnapshots", "-q").err


def test_a_file_is_sent_as_the_parameter_it_is_named_for(
    run: Run, service: SimpleNamespace, tmp_path: Path
) -> None:
    file = tmp_path / "name.txt"
    file.write_text("from-a-file")
    line = f"--DiskId d --ZoneId z --SnapshotName-FILE {file}".split()
    assert run("ecs", "CreateSnapshot", *line).code == 0
    assert sent(service)["SnapshotName"] == "from-a-file"
    lost = run("ecs", "CreateSnapshot", *line[:-1], f"{file}x")
    assert (lost.code, lost.out) == (1, "")
    assert lost.err == (
        f"ERROR: --SnapshotName-FILE: {file}x cannot be read: No such file or directory\n"
    )


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        (
            "ecs CreateSnapshot --SnapshotNam n",
            2,
            "ERROR: '--SnapshotNam' is not a valid parameter or flag. "
            "See `snapcli help ecs CreateSnapshot`.\n\nDid you mean:\n  SnapshotName\n",
        ),
        (
            "ecs CreateSnapshot --regio r",
            2,
            "ERROR: '--regio' is not a valid parameter or flag. "
            "See `snapcli help ecs CreateSnapshot`.\n\nDid you mean:\n  region\n",
        ),
        (
            "ecs CreateSnapshot --Zzzzzzzz r --SnapshotNam n",
            2,
            "ERROR: '--Zzzzzzzz' is not a valid parameter or flag. "
            "See `snapcli help ecs CreateSnapshot`.\n",
        ),
        (
            "ecs CreateSnapshto",
            2,
            "ERROR: 'CreateSnapshto' is not a valid api. See `snapcli help ecs`.\n\n"
            "Did you mean:\n  CreateSnapshot\n",
        ),
        (
            "ecs CreateSnapshot --SnapshotName n",
            3,
            "ERROR: required parameters not assigned: \n  --DiskId\n  --ZoneId\n\n"
            "use `snapcli ecs CreateSnapshot --help` to get more information\n",
        ),
        ("ecs CreateSnapshot foo", 3, "ERROR: can not find api by path foo\n"),
        ("ecs CreateSnapshot foo bar", 3, "ERROR: too many arguments\n"),
        (
            "ecs CreateSnapshot --DiskId a --DiskId b",
            1,
            "ERROR: parse failed flag duplicated --DiskId\n",
        ),
        (
            "ecs CreateSnapshot --snapshotname n",
            2,
            "ERROR: '--snapshotname' is not a valid parameter or flag. "
            "See `snapcli help ecs CreateSnapshot`.\n\nDid you mean:\n  SnapshotName\n",
        ),
        (
            "ecs DescribeSnapshots --pager --waiter expr=a to=b",
            1,
            "ERROR: flag --pager is exclusive with --waiter\n",
        ),
        (
            "ecs DescribeSnapshots --quiet --dryrun",
            1,
            "ERROR: flag --quiet is exclusive with --dryrun\n",
        ),
        (
            "ecss DescribeSnapshots",
            2,
            "ERROR: 'ecss' is not a valid command or product. See `snapcli --help`.\n\n"
            "Did you mean:\n  ecs\n",
        ),
    ],
)
def test_a_mistake_is_named_on_standard_error_and_nothing_is_called(
    run: Run, service: SimpleNamespace, line: str, code: int, error: str
) -> None:
    done = run(*line.split())
    assert (done.code, done.out, done.err) == (code, "", error)
    assert service.calls == []


def test_ignored_parameters_and_old_lower_case_members_are_accepted(
    run: Run, service: SimpleNamespace
) -> None:
    line = "--DiskId d --ZoneId z --StorageLocationArn x --Tag.1.key k --DataDisk.9.Size 5"
    assert run("ecs", "CreateSnapshot", *line.split()).code == 0


def test_the_switch_force_skips_the_check_of_names_alone(
    run: Run, service: SimpleNamespace
) -> None:
    assert run("ecs", "DescribeSnapshots", "--Nonsense", "x", "--force").code == 0
    assert run("ecs", "DescribeSnapshots", "--Nonsense", "x").code == 2


def test_what_the_service_refuses_is_laid_out_as_the_real_command_does(
    run: Run, service: SimpleNamespace
) -> None:
    service.error = ApiError("InvalidSnapshotId.NotFound", 404, "There is no snapshot 's-1'.")
    service.error.request_id = "04F0"
    done = run("ecs", "DescribeSnapshots")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "ERROR: SDK.ServerError\n"
        "ErrorCode: InvalidSnapshotId.NotFound\n"
        "Recommend: https://api.aliyun.com/troubleshoot"
        "?q=InvalidSnapshotId.NotFound&product=Ecs&requestId=04F0\n"
        "RequestId: 04F0\n"
        "Message: There is no snapshot 's-1'.\n"
    )


def test_a_lost_value_is_told_of_since_it_is_not_sent(run: Run, service: SimpleNamespace) -> None:
    done = run(
        "ecs", "CreateSnapshot", *["--DiskId", "d", "--ZoneId", "z", "--SnapshotName", "-abc"]
    )
    assert (done.code, sent(service)["SnapshotName"]) == (0, "")
    assert "-abc was ignored" in done.err
    assert "--SnapshotName=-abc" in done.err


def test_the_plugins_spelling_behind_the_product_is_the_friendly_form(
    run: Run, service: SimpleNamespace
) -> None:
    done = run(*["--region", "r", "ecs", "create-snapshot", "--disk-id", "d", "--zone-id", "z"])
    assert done.code == 0
    assert sent(service) == {"DiskId": "d", "ZoneId": "z", "RegionId": "r"}


def test_bytes_written_by_the_operation_are_the_whole_result(
    run: Run, service: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapcli.api import dispatch

    def invoke(action: str, given: object, caller: dispatch.Caller) -> fake_service.CreateResponse:
        assert caller.write_output is not None
        assert caller.read_input is not None
        caller.write_output(caller.read_input(3))
        return fake_service.CreateResponse()

    monkeypatch.setattr(dispatch, "invoke", invoke)
    for line in (["ecs", "ReadDisk", "--DiskId", "d"], ["disk", "read", "d"]):
        assert run(*line, stdin="abcdef").raw == b"abc"
        assert run(*line).raw == b""
