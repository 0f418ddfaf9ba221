"""Cloud Assistant: scripts really run inside the instance, and what they did can be asked for."""

import base64
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from assistant_steps import ended, result, run, start
from guest_steps import clear, inside
from refusals import refused
from support import REGION, Cloud


@pytest.fixture
def instance(cloud: Cloud) -> Iterator[str]:
    yield cloud.instance()
    clear(cloud)


def pids(cloud: Cloud, instance_id: str) -> list[int]:
    found = cloud.ok("guest", "ps", instance_id, "--output", "json").json["Processes"]
    return [each["Pid"] for each in found]


def test_a_script_runs_inside_and_its_output_and_exit_code_are_told(
    cloud: Cloud, instance: str
) -> None:
    done = run(cloud, instance, 'pwd; echo "$HOME" >&2; exit 3')
    root = inside(cloud, instance)
    assert done["Text"] == f"{root}/root\n{root}/root\n"
    assert (done["ExitCode"], done["InvocationStatus"]) == (3, "Failed")
    assert (done["InvokeRecordStatus"], done["ErrorCode"]) == ("Finished", "ExitCodeNonzero")
    assert done["StartTime"] and done["FinishedTime"] and done["Repeats"] == 1
    plain = result(cloud, done["InvokeId"], ContentEncoding="PlainText")
    assert plain["Output"] == done["Text"]
    good = run(cloud, instance, "true")
    assert (good["ExitCode"], good["InvocationStatus"], good["InvokeRecordStatus"]) == (
        0, "Success", "Finished",
    )  # fmt: skip


def test_content_may_be_base64_with_its_folder_user_and_parameters(
    cloud: Cloud, instance: str
) -> None:
    text = '#!/bin/sh\necho "$(pwd) $USER $HOME {{what}} {{ACS::InstanceId}}"'
    done = run(
        cloud, instance, base64.b64encode(text.encode()).decode(), ContentEncoding="Base64",
        WorkingDir="/var", Username="app", EnableParameter=True, Parameters='{"what":"x"}',
    )  # fmt: skip
    root = inside(cloud, instance)
    assert done["Text"] == f"{root}/var app {root}/home/app x {instance}\n"
    missing = run(cloud, instance, "true", WorkingDir="/none")
    assert (missing["ErrorCode"], missing["InvokeRecordStatus"]) == ("DirectoryNotExists", "Failed")
    assert "ExitCode" not in missing


def test_output_is_cut_at_24_kb_and_the_rest_is_counted(cloud: Cloud, instance: str) -> None:
    done = run(cloud, instance, "head -c 30000 /dev/zero | tr '\\0' x")
    assert (len(done["Text"]), done["Dropped"]) == (24 * 1024, 30000 - 24 * 1024)


def test_what_runs_too_long_is_ended_with_its_children(cloud: Cloud, instance: str) -> None:
    done = run(cloud, instance, "trap '' TERM; setsid sleep 60 & echo x; sleep 60", Timeout=1)
    assert (done["InvocationStatus"], done["ErrorCode"]) == ("Timeout", "TaskTimeout")
    assert done["Text"] == "x\n"
    assert pids(cloud, instance) == []


def test_a_running_one_can_be_stopped(cloud: Cloud, instance: str) -> None:
    invoke_id = start(cloud, instance, "echo begun > /$GUEST_ROOT/tmp/begun; sleep 60")
    mark = Path(inside(cloud, instance), "tmp/begun")
    until = time.monotonic() + 20
    while not mark.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    assert result(cloud, invoke_id)["InvokeRecordStatus"] == "Running"
    status = cloud.ecs("DescribeCloudAssistantStatus", RegionId=REGION, InstanceId__1=instance)
    [client] = status["InstanceCloudAssistantStatusSet"]["InstanceCloudAssistantStatus"]
    assert (client["ActiveTaskCount"], client["CloudAssistantStatus"]) == (1, "true")
    cloud.ecs("StopInvocation", RegionId=REGION, InvokeId=invoke_id)
    done = result(cloud, invoke_id)
    assert (done["InvocationStatus"], done["InvokeRecordStatus"]) == ("Terminated", "Stopped")
    assert done["StopTime"] and pids(cloud, instance) == []
    refused(cloud, "InvalidInvokeId.NotFound", "StopInvocation", RegionId=REGION, InvokeId="t-none")


def test_a_killed_runner_is_noticed(cloud: Cloud, instance: str) -> None:
    invoke_id = start(cloud, instance, "sleep 60")
    document = cloud.root / "state" / REGION / "assistant.json"
    record = json.loads(document.read_text())["invocations"][invoke_id]
    os.kill(record["results"][instance]["runner_pid"], signal.SIGKILL)
    done = ended(cloud, invoke_id)
    assert (done["InvocationStatus"], done["ErrorCode"]) == ("Failed", "ExecutionInterrupted")
    assert done["InvokeRecordStatus"] == "Failed"


def test_a_script_sees_its_instance_stop(cloud: Cloud, instance: str) -> None:
    invoke_id = start(cloud, instance, "sleep 60")
    while result(cloud, invoke_id)["InvocationStatus"] == "Pending":
        time.sleep(0.02)
    time.sleep(0.1)
    cloud.ecs("StopInstance", InstanceId=instance)
    assert ended(cloud, invoke_id)["ExitCode"] in (143, 137)
    stopped = run(cloud, instance, "true")
    assert (stopped["InvocationStatus"], stopped["ErrorCode"]) == ("Aborted", "InstanceNotRunning")


@pytest.mark.rule("AP-3")
def test_the_client_must_be_on_the_instance_and_can_be_installed(
    cloud: Cloud, instance: str
) -> None:
    cloud.ok("guest", "set", instance, "--assistant", "missing")
    done = run(cloud, instance, "true")
    assert (done["ErrorCode"], done["InvokeRecordStatus"]) == ("ClientNotRunning", "Failed")
    cloud.ecs("InstallCloudAssistant", RegionId=REGION, InstanceId__1=instance)
    assert run(cloud, instance, "true")["ExitCode"] == 0


def test_a_kept_command_is_listed_and_invoked(cloud: Cloud, instance: str) -> None:
    command_id = cloud.ecs(
        "CreateCommand", RegionId=REGION, Name="say", Type="RunShellScript",
        CommandContent="echo {{word}}", EnableParameter=True, Tag__1__Key="k",
    )["CommandId"]  # fmt: skip
    invoke_id = cloud.ecs(
        "InvokeCommand", RegionId=REGION, CommandId=command_id, InstanceId__1=instance,
        Parameters='{"word":"hello"}',
    )["InvokeId"]  # fmt: skip
    assert ended(cloud, invoke_id)["Text"] == "hello\n"
    listed = cloud.ecs("DescribeCommands", RegionId=REGION, ContentEncoding="PlainText")
    [command] = listed["Commands"]["Command"]
    assert (command["CommandContent"], command["InvokeTimes"]) == ("echo {{word}}", 1)
    assert command["ParameterNames"]["ParameterName"] == ["word"]
    run(cloud, instance, "true")  # one that is not kept
    kept = cloud.ecs("DescribeCommands", RegionId=REGION)["TotalCount"]
    assert kept == 1
    invocations = cloud.ecs("DescribeInvocations", RegionId=REGION, IncludeOutput=True)
    _, second = invocations["Invocations"]["Invocation"]
    assert (second["InvokeId"], second["InvokeStatus"]) == (invoke_id, "Finished")
    [inner] = second["InvokeInstances"]["InvokeInstance"]
    assert base64.b64decode(inner["Output"]) == b"hello\n"
    asked = {"RegionId": REGION, "CommandId": command_id, "InstanceId__1": instance}
    refused(cloud, "Parameter.NotMatched", "InvokeCommand", **asked)
    asked["CommandId"] = "c-none"
    refused(cloud, "InvalidCmdId.NotFound", "InvokeCommand", **asked)


@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("InvalidInstance.NotFound", {"InstanceId__1": "i-none"}),
        ("MissingParam.InstanceId", {"InstanceId__1": ""}),
        ("InvalidCmdType.NotFound", {"Type": "RunPython"}),
        ("InvalidInstance.NotMatch", {"Type": "RunBatScript"}),
        ("CmdName.ExceedLimit", {"Name": "n" * 129}),
        ("CmdDesc.ExceedLimit", {"Description": "n" * 513}),
        ("CmdContent.ExceedLimit", {"CommandContent": "x" * 24577}),
        ("Username.ExceedLimit", {"Username": "x" * 256}),
        ("Parameter.Disabled", {"Parameters": '{"a":"b"}'}),
        ("Parameter.MissingValue", {"CommandContent": "{{a}}", "EnableParameter": True}),
        ("MissingParam.Frequency", {"Timed": True}),
        ("InvalidRepeatMode.NotFound", {"RepeatMode": "Hourly"}),
        ("InvalidResourceTag.InstanceNotFound", {"InstanceId__1": "", "ResourceTag__1__Key": "x"}),
        ("InvalidResourceTag.ConflictWithInstanceIds", {"ResourceTag__1__Key": "x"}),
    ],
)
def test_what_cannot_be_run_is_refused(
    cloud: Cloud, instance: str, code: str, parameters: dict[str, object]
) -> None:
    good = {"Type": "RunShellScript", "CommandContent": "true", "InstanceId__1": instance}
    refused(cloud, code, "RunCommand", **({"RegionId": REGION} | good | parameters))


def test_the_workspaces_owner_says_whether_anything_runs(cloud: Cloud, instance: str) -> None:
    asked = {"RegionId": REGION, "Type": "RunShellScript", "InstanceId__1": instance}
    for setting in ("plugin", "deny"):
        cloud.ok("config", "set", "guest.commands", setting)
        refused(cloud, "Operation.Forbidden", "RunCommand", CommandContent="true", **asked)
        sent = {"Name": "f", "TargetDir": "/tmp", "Content": "x", "InstanceId__1": instance}
        refused(cloud, "Operation.Forbidden", "SendFile", RegionId=REGION, **sent)
    line = "acs-plugin-manager --exec --plugin app-snapshot-plugin --params=-Name=x"
    refused(cloud, "Operation.Forbidden", "RunCommand", CommandContent=line, **asked)
    cloud.ok("config", "set", "guest.commands", "plugin")
    assert run(cloud, instance, line)["ExitCode"] == 2


def test_a_file_is_sent_and_stays_inside(cloud: Cloud, instance: str) -> None:
    root = Path(inside(cloud, instance))
    sent = {"RegionId": REGION, "InstanceId__1": instance, "Name": "a.sh", "FileMode": "0700"}
    text = base64.b64encode(b"content").decode()
    for target in ("/tmp", "/../../up"):
        cloud.ecs("SendFile", TargetDir=target, Content=text, ContentType="Base64", **sent)
    assert (root / "tmp/a.sh").read_bytes() == (root / "up/a.sh").read_bytes() == b"content"
    assert (root / "tmp/a.sh").stat().st_mode & 0o7777 == 0o700
    again = cloud.ecs("SendFile", TargetDir="/tmp", Content="new", **sent)["InvokeId"]
    found = cloud.ecs("DescribeSendFileResults", RegionId=REGION, InvokeId=again)
    [item] = found["Invocations"]["Invocation"]
    assert item["InvokeInstances"]["InvokeInstance"][0]["ErrorCode"] == "FileAlreadyExists"
    assert item["InvocationStatus"] == "Failed"
    cloud.ecs("SendFile", TargetDir="/tmp", Content="new", Overwrite=True, **sent)
    assert (root / "tmp/a.sh").read_bytes() == b"new"
    more = {"TargetDir": "/tmp", **sent}
    for code, wrong in (
        ("FileMode.Invalid", {"Content": "x", "FileMode": "rwx"}),
        ("FileContent.DecodeError", {"Content": "??", "ContentType": "Base64"}),
        ("FileSize.ExceedLimit", {"Content": "x" * 32769}),
        ("FileName.ExceedLimit", {"Content": "x", "Name": "a/b"}),
    ):
        refused(cloud, code, "SendFile", **{**more, **wrong})


def test_the_lists_are_shown_with_the_consoles_columns(cloud: Cloud, instance: str) -> None:
    done = run(cloud, instance, "seq 9", Name="count", KeepCommand=True)
    sent = {"RegionId": REGION, "Name": "f", "TargetDir": "/tmp", "InstanceId__1": instance}
    cloud.ecs("SendFile", Content="x", **sent)
    for command, texts in (
        ("describe-invocation-results", [done["InvokeId"], "Success", "...", "9"]),
        ("describe-invocations", [done["InvokeId"], "count", instance]),
        ("describe-commands", [done["CommandId"], "60 s"]),
        ("describe-send-file-results", ["/tmp/f", instance]),
        ("describe-cloud-assistant-status", [instance, "Running"]),
    ):
        table = cloud.ok(command, "--output", "table").out
        assert [text for text in texts if text not in table] == [], table


def test_windows_runs_only_the_plugin(cloud: Cloud) -> None:
    instance_id = cloud.instance(ImageId="win2019_1809_x64_dtc_en-us_40G_alibase_20220101.vhd")
    done = run(cloud, instance_id, "dir", Type="RunBatScript")
    assert (done["ErrorCode"], done["InvokeRecordStatus"]) == ("CommandNotApplicable", "Failed")
