"""What people expect of a command line, a test an item, numbered as the project's list is."""

import json
import re
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cli_running import Run
from readme_text import README
from support import Cloud

import snapcli
from snapcli.api import catalogue
from snapcli.api.errors import ApiError
from snapcli.cli import environment, exit_codes, progress
from snapcli.cli.friendly import LOCAL
from snapcli.cli.streams import Streams

PACKAGE = Path(snapcli.__file__).parent
ESCAPE = "\x1b"
TERMINAL = ("stdin", "stdout", "stderr")
COMMANDS = [entry.command for entry in catalogue.ENTRIES.values()]


def test_01_exit_codes_are_one_table_and_0_means_complete_success(run: Run, cloud: Cloud) -> None:
    assert [code for code, _ in exit_codes.TABLE] == [0, 1, 2, 3, 4, 5, 6, 130]
    assert all(f"  {code:<4} {text}\n" in run("--help").out for code, text in exit_codes.TABLE)
    assert cloud.run("describe-snapshots").code == 0
    assert cloud.run("delete-snapshot", "--snapshot-id", "s-1").code == exit_codes.REFUSED
    assert cloud.run("describe-snapshot").code == exit_codes.UNKNOWN
    assert cloud.run("create-snapshot").code == exit_codes.MISSING
    # Of several deletions one that is refused is no complete success.
    assert cloud.run("delete-snapshots", "s-1").code == exit_codes.REFUSED


def test_02_standard_output_carries_the_result_and_nothing_else(
    run: Run, service: SimpleNamespace
) -> None:
    for line in ("ecs CreateSnapsho", "ecs CreateSnapshot --DiskI x", "create-snapsho"):
        done = run(*line.split(), terminals=TERMINAL)
        assert done.out == "" and "Did you mean" in done.err
    service.error = ApiError("Code", 400, "Words.")
    assert run("describe-snapshots", terminals=TERMINAL).out == ""


def test_03_whether_a_stream_is_a_terminal_is_asked_of_each(run: Run) -> None:
    streams = Streams(terminals={"stdin": True, "stdout": False, "stderr": True})
    assert [streams.is_terminal(n) for n in ("stdin", "stdout", "stderr")] == [True, False, True]
    assert streams.interactive


@pytest.mark.parametrize(
    ("environ", "flags"),
    [({"NO_COLOR": "x"}, ()), ({"TERM": "dumb"}, ()), ({}, ("--no-color",)), ({}, ())],
)
def test_04_colours_only_at_a_terminal_that_was_not_told_otherwise(
    run: Run, environ: dict[str, str], flags: tuple[str, ...]
) -> None:
    told = bool(environ or flags)
    at = run("ecs", "Nothing", *flags, environ=environ, terminals=TERMINAL)
    assert (ESCAPE in at.err) is not told
    assert ESCAPE not in run("ecs", "Nothing").err


def test_05_in_a_pipe_nothing_is_cut_wrapped_or_coloured(cloud: Cloud) -> None:
    name = "n" * 120
    cloud.snapshot(cloud.data_disk(cloud.instance()), SnapshotName=name)
    for words in (("--output", "table"), ("--output", "cols=SnapshotName", "rows=[@]"), ()):
        out = cloud.ok("describe-snapshots", *words).out
        assert ESCAPE not in out
        if words != ("--output", "cols=SnapshotName", "rows=[@]"):
            assert name in out


def test_06_json_is_the_same_bytes_piped_or_not(run: Run, service: SimpleNamespace) -> None:
    for form in (("ecs", "DescribeSnapshots"), ("describe-snapshots", "-o", "json")):
        assert run(*form).raw == run(*form, terminals=TERMINAL).raw
    assert run("describe-snapshots", "-o", "jsn").code == exit_codes.UNKNOWN


@pytest.mark.parametrize(
    ("line", "code", "exit_code", "words"),
    [
        ("delete-snapshot --snapshot-id s-1", "InvalidSnapshotId.NotFound", 1, "'s-1'"),
        ("delete-snapshot", "IncompleteCommandLine", 3, "--snapshot-id"),
        ("delete-snapshot --snapshot-i x", "UnknownName", 2, "--snapshot-i"),
        ("delete-snapsho", "UnknownName", 2, "delete-snapsho"),
        ("config get speeed", "UnknownName", 2, "speeed"),
        ("config set", "IncompleteCommandLine", 3, "KEY"),
        ("describe-snapshots --cli-query [", "MalformedCommandLine", 1, "JMESPath"),
        ("describe-snapshots --waiter expr=TotalCount to=x", "MalformedCommandLine", 1, "isn't"),
    ],
)
def test_07_a_failure_in_json_mode_is_one_object_on_standard_error(
    cloud: Cloud, line: str, code: str, exit_code: int, words: str
) -> None:
    for terminal in (False, True):
        failed = cloud.run(*line.split(), "--output", "json", terminal=terminal)
        assert failed.out == "" and ESCAPE not in failed.err
        said = json.loads(failed.err)
        assert (said["Code"], said["ExitCode"], failed.code) == (code, exit_code, exit_code)
        assert words in said["Message"]
        assert bool(said["RequestId"]) is (exit_code == 1 and code.startswith("Invalid"))


@pytest.mark.parametrize("line", ["-ojson create-snapsho", "operations Nothng --json"])
def test_07_however_json_is_asked_for(run: Run, line: str) -> None:
    done = run(*line.split())
    assert (done.out, json.loads(done.err)["ExitCode"]) == ("", done.code)


def test_07_the_unexpected_and_a_damaged_workspace_are_objects_too(
    run: Run, service: SimpleNamespace
) -> None:
    from snapcli.workspace.errors import WorkspaceError

    for error, code in (
        (ValueError("odd"), "InternalError"),
        (WorkspaceError("w.toml is damaged."), "WorkspaceUnusable"),
        (KeyboardInterrupt(), "Interrupted"),
    ):
        service.error = error
        assert json.loads(run("describe-snapshots", "-o", "json").err)["Code"] == code


def test_08_the_apis_code_and_the_id_in_question_are_named(cloud: Cloud) -> None:
    for line in ("ecs DeleteSnapshot --SnapshotId s-1", "delete-snapshot --snapshot-id s-1"):
        refused = cloud.line(line)
        assert refused.error_code == "InvalidSnapshotId.NotFound"
        assert "'s-1'" in refused.err and "DescribeSnapshots" in refused.err
        assert "Traceback" not in refused.err


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_09_help_is_on_standard_output_at_every_level(run: Run, flag: str) -> None:
    for words in ("", "chain", "clock advance", "config", "ecs", "ecs CreateSnapshot", "shim"):
        done = run(*words.split(), flag)
        assert (done.code, done.err) == (0, "") and done.out
    for group in ("chain", "clock", "config", "ecs", ""):
        assert run(*group.split()).code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_10_help_says_one_sentence_choices_defaults_and_an_example(run: Run, command: str) -> None:
    page = run(*command.split(), "--help").out
    summary = next(e.summary for e in catalogue.ENTRIES.values() if e.command == command)
    assert page.split("\n\n")[1].split() == summary.split()
    assert page.index("Global options:") < page.index("Examples:")
    assert f"snapcli {command}" in page[page.index("Examples:") :]


def test_11_did_you_mean_for_commands_options_choices_and_names(run: Run, cloud: Cloud) -> None:
    for line, meant in (
        ("describe-snapshot", "describe-snapshots"),
        ("chain shw", "show"),
        ("create-snapshot --snapshot-nam x", "--snapshot-name"),
        ("create-snapshot --category flsh", "flash"),
        ("describe-snapshots --output jsn", "json"),
        ("config get sped", "speed"),
        ("operations CreateSnapsho", "CreateSnapshot"),
        ("run-instances --data-disk Sze=1", "Size"),
        ("ecs CreateSnapsho", "CreateSnapshot"),
        ("ecs createSnapshot", "CreateSnapshot"),
        ("ecs create-snapsho", "create-snapshot"),
        ("ecs CreateSnapshot --snapshot-name x", "SnapshotName"),
        ("ecss X", "ecs"),
        ("help ecs CreateSnapsho", "CreateSnapshot"),
    ):
        done = cloud.line(line)
        assert (done.code, done.out) == (exit_codes.UNKNOWN, ""), line
        assert "did you mean" in done.err.lower() and meant in done.err, line


def test_12_a_command_is_never_guessed_from_its_beginning(run: Run) -> None:
    for line in ("describe-snap", "conf list", "clock adv 1h", "describe-disks --page-nu 1"):
        assert run(*line.split()).code == exit_codes.UNKNOWN


def test_13_the_version_is_one_line_of_program_api_and_format(run: Run) -> None:
    done = run("--version")
    assert re.fullmatch(
        r"snapcli \d+\.\d+\.\d+ \(API 2014-05-26, workspace format \d+\)\n", done.out
    )


@pytest.mark.parametrize(
    ("shell", "copy"), [("bash", "snapcli.bash"), ("zsh", "_snapcli"), ("fish", "snapcli.fish")]
)
def test_14_completion_prints_a_script_for_each_shell_and_the_copies_match(
    run: Run, shell: str, copy: str
) -> None:
    printed = run("completion", shell)
    assert (printed.code, printed.err) == (0, "")
    kept = README.parent / "completions" / copy
    assert printed.out == kept.read_text(encoding="utf-8")


def test_15_an_option_wins_over_the_environment_that_over_the_workspace(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SNAPCLI_WORKSPACE", raising=False)
    run("init")
    run("config", "set", "region", "cn-qingdao")
    home = {"HOME": str(tmp_path)}
    (tmp_path / ".aliyun").mkdir()
    (tmp_path / ".aliyun" / "config.json").write_text(
        '{"profiles": [{"name": "dev", "region_id": "cn-shanghai"}]}'
    )
    for words, environ, region, source in (
        ("--region cn-beijing", {"SNAPCLI_REGION": "cn-hongkong"}, "cn-beijing", "--region"),
        ("", {"SNAPCLI_REGION": "cn-hongkong"}, "cn-hongkong", "SNAPCLI_REGION"),
        ("--profile dev", {"ALICLOUD_REGION_ID": "cn-x"}, "cn-shanghai", "the profile dev"),
        ("", {"ALICLOUD_REGION_ID": "cn-hongkong"}, "cn-hongkong", "ALICLOUD_REGION_ID"),
        ("", {}, "cn-qingdao", "workspace.toml"),
    ):
        done = run("status", "-o", "json", *words.split(), environ=home | environ)
        status = json.loads(done.out)
        assert (status["Region"], status["RegionFrom"]) == (region, source)
        assert status["ChosenBy"] == "the folder here"
    listed = run("config", "list").out
    assert re.search(r"region +cn-qingdao +file", listed)


def test_16_environment_variables_are_in_one_table_that_help_prints(run: Run) -> None:
    known = {name for name, _ in environment.TABLE}
    texts = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
    used = {name for text in texts for name in re.findall(r'"(SNAPCLI_[A-Z]+)"', text)}
    # The last is set for the processes of a guest, and not for people to set.
    assert used - {"SNAPCLI_GUEST"} <= known
    for name, text in environment.TABLE:
        assert f"  {name:<28} {text}\n" in run("--help").out
        assert "secret" not in name.lower()


def test_17_both_dry_runs_change_nothing_and_say_what_would_happen(cloud: Cloud) -> None:
    instance_id = cloud.instance()
    disk_id = cloud.data_disk(instance_id)
    snapshot_id = cloud.snapshot(disk_id)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.write(disk_id, 0, b"kept")
    parameters = ("--DiskId", disk_id, "--SnapshotId", snapshot_id)
    sent = cloud.ok("ecs", "ResetDisk", *parameters, "--dryrun")
    assert f"&DiskId={disk_id}&" in sent.out
    checked = cloud.run("ecs", "ResetDisk", *parameters, "--DryRun", "true")
    assert (checked.code, checked.error_code) == (1, "DryRunOperation")
    refused = cloud.run("ecs", "ResetDisk", "--DiskId", "d-1", *parameters[2:], "--DryRun", "true")
    assert refused.error_code == "InvalidDiskId.NotFound"
    assert cloud.read(disk_id)[:4] == b"kept"
    page = README.read_text(encoding="utf-8")
    assert "`--dryrun`" in page and "`--DryRun true`" in page


def test_18_what_cannot_be_undone_is_asked_at_a_terminal_alone(cloud: Cloud) -> None:
    line = ("ecs", "ReInitDisk", "--DiskId", "d-1")
    assert "Go on?" in cloud.run(*line, terminal=True).err
    for quiet in (cloud.run(*line), cloud.run(*line, "--yes", terminal=True)):
        assert "Go on?" not in quiet.err and quiet.error_code


@pytest.mark.parametrize("terminals", [(), TERMINAL], ids=["pipes", "terminal"])
@pytest.mark.parametrize("command", [*COMMANDS, *sorted(set(LOCAL) - {"tour"})])
def test_19_no_command_waits_for_input_that_does_not_come(
    run: Run, cloud: Cloud, command: str, terminals: tuple[str, ...]
) -> None:
    done = run("--workspace", str(cloud.root), *command.split(), stdin="", terminals=terminals)
    assert done.code in (0, 1, 2, 3)
    assert "Traceback" not in done.err and "internal error" not in done.err


def test_20_progress_is_for_a_person_and_not_for_a_program(
    run: Run, service: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(progress, "ProgressBar", lambda _: shown.append(1))
    run("describe-snapshots", "-o", "json", terminals=TERMINAL)
    run("describe-snapshots", "-q", terminals=TERMINAL)
    run("describe-snapshots", terminals=("stdout",))
    assert shown == []


def test_21_an_interruption_says_so_and_a_closed_pipe_is_no_error(
    run: Run, service: SimpleNamespace
) -> None:
    service.error = KeyboardInterrupt()
    done = run("describe-snapshots")
    assert done.code == exit_codes.INTERRUPTED
    assert done.err == "Interrupted. The next command tidies up whatever was begun.\n"
    service.error = BrokenPipeError()
    assert run("describe-snapshots").code == 0


def test_22_an_empty_list_is_success_with_a_remark_at_a_terminal(cloud: Cloud) -> None:
    assert cloud.ok("describe-snapshots").json["TotalCount"] == 0
    at = cloud.run("describe-snapshots", terminal=True)
    assert (at.code, at.out, at.err) == (0, "", "No snapshots found.\n")
    for _ in range(11):
        cloud.ecs("CreateDisk", ZoneId="cn-hangzhou-h", Size=20)
    assert "10 of 11 shown" in cloud.run("describe-disks", terminal=True).err
    assert cloud.ok("describe-disks").err == ""


def test_23_a_change_tells_its_id_and_what_to_do_next(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    done = cloud.run("create-snapshot", "--disk-id", disk_id, terminal=True)
    assert '"SnapshotId": "s-' in done.out and f"Next: snapcli chain show {disk_id}" in done.err
    moved = cloud.ok("clock", "advance", "1h").out
    assert "2022-03-11T02:33:00Z" in moved and "2022-03-11T03:33:00Z" in moved
    assert {"Workspace", "Clock", "Snapshots"} <= cloud.ok("status", "-o", "json").json.keys()


def test_24_the_same_token_gives_the_same_answer(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    line = ("create-snapshot", "--disk-id", disk_id, "--client-token", "t")
    first, second = (cloud.ok(*line).json["SnapshotId"] for _ in range(2))
    assert first == second
    other = cloud.run(*line, "--snapshot-name", "other")
    assert other.error_code == "IdempotentParameterMismatch"


def test_25_waiting_is_asked_for_has_a_limit_and_a_code_of_its_own(cloud: Cloud) -> None:
    cloud.ok("config", "set", "waiter", "advance")
    cloud.snapshot(cloud.data_disk(cloud.instance()))
    line = ("describe-snapshots", "--waiter", "expr=Snapshots.Snapshot[0].Status")
    assert cloud.run(*line, "to=accomplished").code == 0
    assert cloud.run(*line, "to=failed", "timeout=2").code == exit_codes.TIMED_OUT


def test_26_a_structure_is_taken_inline_as_json_or_from_a_file(
    run: Run, service: SimpleNamespace, tmp_path: Path
) -> None:
    file = tmp_path / "disk.json"
    file.write_text('{"Size": 20, "Category": "cloud_essd"}\n')
    line = ("create-snapshot", "--disk-id", "d", "--zone-id", "z", "--data-disk")
    for text, stdin in (
        ("Size=20,Category=cloud_essd", ""),
        ('{"Size": 20, "Category": "cloud_essd"}', ""),
        (f"@{file}", ""),
        ("@-", file.read_text()),
    ):
        assert run(*line, text, stdin=stdin).code == 0
        assert service.calls[-1][1]["DataDisk.1.Category"] == "cloud_essd"
    lost = run(*line, f"@{file}x")
    assert (lost.code, lost.out) == (1, "") and f"{file}x cannot be read" in lost.err


@pytest.mark.parametrize("form", ["disk import -", "ecs ImportDisk --File -"])
def test_26_a_hyphen_is_standard_input_where_a_file_is_named(cloud: Cloud, form: str) -> None:
    image = b"boot" + bytes(3 << 20) + b"end"
    made = cloud.ok(*form.split(), stdin=image)
    [disk_id] = re.findall(r"d-\w+", made.out)
    read = cloud.ok("disk", "read", disk_id, "--offset", "0", "--length", str(len(image)))
    assert read.bytes == image


def test_27_every_operation_can_be_described_for_a_program(run: Run) -> None:
    told = json.loads(run("operations", "--json").out)["Operations"]
    assert [each["Action"] for each in told] == list(catalogue.ENTRIES)
    assert all({"Parameters", "Response", "Errors", "Examples"} <= each.keys() for each in told)


def test_28_what_was_once_an_option_stays_one(run: Run) -> None:
    """The names that were there first; a new one may be added, none may go without a warning."""
    for line, names in (
        ("create-snapshot", "disk-id snapshot-name description retention-days category tag"),
        ("reset-disk", "disk-id snapshot-id"),
        ("delete-snapshot", "snapshot-id force"),
        ("describe-snapshots", "disk-id instance-id snapshot-ids status tag page-size"),
        ("disk write", "offset"),
        ("", "workspace region profile output yes no-color quiet"),
        ("describe-disks", "cli-query waiter pager all-pages dryrun cli-dry-run"),
    ):
        page = run(*line.split(), "--help").out
        assert [n for n in names.split() if not re.search(rf"--{n}\b", page)] == []


def test_29_nothing_reaches_for_a_network(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a socket was made")

    monkeypatch.setattr(socket, "socket", refuse)
    for line in ("ecs DescribeRegions", "describe-snapshots -o table", "ecs X", "status"):
        cloud.line(line)
    sources = [path.read_text(encoding="utf-8") for path in (PACKAGE / "cli").rglob("*.py")]
    assert not any(re.search(r"^\s*(import|from) (socket|urllib\.request|http)\b", text, re.M)
                   for text in sources)  # fmt: skip


def test_every_item_has_a_test() -> None:
    numbers = {int(found[1]) for name in globals() if (found := re.match(r"test_(\d\d)_", name))}
    assert numbers == set(range(1, 30))
