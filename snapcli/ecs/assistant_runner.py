"""The process that carries out an invocation on one instance, and records what became of it.

Run as `python -m snapcli.ecs.assistant_runner WORKSPACE ACCOUNT REGION INVOCATION INSTANCE`. It
holds no lock while the script runs.
"""

import base64
import os
import shutil
import sys

import msgspec

from snapcli.api.dispatch import Caller
from snapcli.ecs.app_snapshot_line import is_plugin_line
from snapcli.ecs.assistant_state import (
    LINUX_TYPE,
    MOST_OUTPUT_BYTES,
    assistant_of,
    replaced,
)
from snapcli.ecs.call import Call
from snapcli.ecs.guest_insides import inside_for_programs
from snapcli.ecs.records import InvocationRecord, InvocationResult
from snapcli.ecs.steps import Steps


class Task(msgspec.Struct, frozen=True):
    """What is to be carried out where."""

    region_id: str
    invoke_id: str
    instance_id: str
    root: str
    content: str
    invocation: InvocationRecord


class Ended(msgspec.Struct):
    """How it ended: what is recorded of it."""

    state: str
    exit_code: int | None = None
    output: bytes = b""
    dropped_bytes: int = 0
    error_code: str = ""
    error_info: str = ""


def jobs_of(invoke_id: str, instance_id: str) -> tuple[str, ...]:
    """Return the names of what an invocation runs on an instance and StopInvocation ends."""
    name = f"{invoke_id}.{instance_id}"
    return (name, f"{name}.pre")


def carry_out(steps: Steps, region_id: str, invoke_id: str, instance_id: str) -> None:
    """Carry out an invocation on an instance; nothing when it is not there or not waiting."""
    with steps.begin(writes=True) as call:
        task = _begin(call, region_id, invoke_id, instance_id)
    if task is None:
        return
    try:
        ended = _run(steps, task)
    except Exception as error:  # of whatever room: it is recorded, as nobody sees it here
        ended = Ended("Failed", error_code="ExecutionException", error_info=str(error))
    with steps.begin(writes=True) as call:
        _record(call, task, ended)


def _begin(call: Call, region_id: str, invoke_id: str, instance_id: str) -> Task | None:
    invocation = assistant_of(call, region_id).invocations.get(invoke_id)
    result = invocation.results.get(instance_id) if invocation else None
    if invocation is None or result is None or result.state != "Pending":
        return None
    instance = call.inventory(region_id).instances.get(instance_id)
    if instance is None or instance.power != "Running":
        result.state, result.finished_at = "Aborted", call.now
        result.error_code = "InstanceNotRunning" if instance else "InstanceReleased"
        result.error_info = "The instance was stopped or released before the command began."
        return None
    result.state, result.started_at = "Running", call.now
    builtin = {
        "ACS::RegionId": region_id,
        "ACS::AccountId": call.account_id,
        "ACS::InstanceId": instance_id,
        "ACS::InstanceName": instance.name,
        "ACS::InvokeId": invoke_id,
        "ACS::CommandId": invocation.command_id,
    }
    return Task(
        region_id=region_id,
        invoke_id=invoke_id,
        instance_id=instance_id,
        root=inside_for_programs(call, instance),
        content=replaced(invocation.content, invocation, builtin),
        invocation=invocation,
    )


def _run(steps: Steps, task: Task) -> Ended:
    if is_plugin_line(task.content):
        from snapcli.ecs.app_snapshots import run_line

        name = jobs_of(task.invoke_id, task.instance_id)[0]
        code, log = run_line(steps, task.instance_id, task.content, name)
        cut = log[:MOST_OUTPUT_BYTES]
        return Ended(
            "Success" if code == 0 else "Failed",
            exit_code=code,
            output=cut,
            dropped_bytes=len(log) - len(cut),
            error_code="" if code == 0 else "ExitCodeNonzero",
            error_info="" if code == 0 else f"The plug-in ended with {code}.",
        )
    if task.invocation.type != LINUX_TYPE:
        return Ended(
            "Failed",
            error_code="CommandNotApplicable",
            error_info=f"Of {task.invocation.type} only the snapshot plug-in can be run here.",
        )
    return _run_script(task)


def _run_script(task: Task) -> Ended:
    from snapcli.guests import folder, scripts
    from snapcli.guests.errors import GuestError

    user = task.invocation.username or "root"
    home = "/root" if user == "root" else f"/home/{user}"
    extra = {"USER": user, "LOGNAME": user}
    try:
        extra["HOME"] = folder.resolve(task.root, home)
        os.makedirs(extra["HOME"], exist_ok=True)
        where = folder.resolve(task.root, task.invocation.working_dir or home)
        if not os.path.isdir(where):
            shown = folder.shown(task.root, where)
            return Ended(
                "Failed",
                error_code="DirectoryNotExists",
                error_info=f"There is no folder {shown} in the instance.",
            )
        path = f"/tmp/.{task.invoke_id}.sh"
        folder.put(task.root, path, [task.content.encode()], 0o700)
        script = folder.resolve(task.root, path)
        shell = shutil.which("bash") or "/bin/sh"
        try:
            done = scripts.run(
                task.root,
                [script] if task.content.startswith("#!") else [shell, script],
                job=jobs_of(task.invoke_id, task.instance_id)[0],
                timeout_seconds=task.invocation.timeout_seconds,
                folder=where,
                extra=extra,
                most_bytes=MOST_OUTPUT_BYTES,
            )
        finally:
            os.unlink(script)
    except GuestError as error:
        return Ended("Failed", error_code="ExecutionException", error_info=str(error))
    ended = Ended("Success", done.exit_code, done.output, done.dropped_bytes)
    if done.exit_code is None:
        ended.state, ended.error_code = "Timeout", "TaskTimeout"
        ended.error_info = f"It ran longer than {task.invocation.timeout_seconds} s and was ended."
    elif done.exit_code:
        ended.state, ended.error_code = "Failed", "ExitCodeNonzero"
        ended.error_info = f"The exit code is {done.exit_code}."
    return ended


def _record(call: Call, task: Task, ended: Ended) -> None:
    """Write down how it ended; what somebody stopped stays stopped, with its output."""
    invocation = assistant_of(call, task.region_id).invocations.get(task.invoke_id)
    result: InvocationResult | None = (
        invocation.results.get(task.instance_id) if invocation else None
    )
    if result is None:
        return
    result.output = base64.b64encode(ended.output).decode()
    result.dropped_bytes = ended.dropped_bytes
    if result.state == "Running":
        result.state, result.finished_at = ended.state, call.now
        result.exit_code = ended.exit_code
        result.error_code, result.error_info = ended.error_code, ended.error_info


def main(arguments: list[str]) -> None:
    """Carry out what the command line names."""
    from snapcli.ecs import recovery
    from snapcli.workspace.store import Workspace

    path, account_id, *what = arguments
    workspace = Workspace.open(path, recovery.FINISHERS)
    carry_out(Steps(workspace, Caller(workspace=path), account_id), *what)


if __name__ == "__main__":
    main(sys.argv[1:])
