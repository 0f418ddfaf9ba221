"""Carrying out commands on instances: RunCommand, InvokeCommand, StopInvocation.

Each instance gets a process of its own that carries the command out and records what became of
it; see `assistant_runner`. It is started while the invocation is written down, and finds nothing
to do unless that was committed.
"""

from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import ClientToken, choice, limits
from snapcli.ecs.app_snapshot_line import is_plugin_line
from snapcli.ecs.assistant_commands import (
    CommandDescription,
    CommandName,
    check_content,
    check_parameter_names,
    parameter_names,
)
from snapcli.ecs.assistant_state import (
    LINUX_TYPE,
    CommandType,
    Encoding,
    ResourceTag,
    Timeout,
    assistant_of,
    decoded,
    forget_oldest,
    instances_meant,
    state_of,
)
from snapcli.ecs.call import Call
from snapcli.ecs.guest_attributes import has_assistant, is_windows
from snapcli.ecs.phases import instance_status
from snapcli.ecs.records import CommandRecord, InstanceRecord, InvocationRecord, InvocationResult
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.tags import tags_to_set
from snapcli.ecs.wire import Tag

MOST_UNKEPT_BYTES = 24 * 1024
Username = Annotated[
    str, limits("Username.ExceedLimit", 403, "at most 255 characters", max_length=255)
]

# Published with 400 for RunCommand, with 403 elsewhere.
ClientToken400 = Annotated[
    str,
    limits(
        "InvalidClientToken.Malformed",
        400,
        "at most 64 ASCII characters",
        max_length=64,
        pattern=r"^[\x00-\x7f]*\Z",
    ),
]


class HowToInvoke(Request, kw_only=True):
    """What RunCommand and InvokeCommand have in common."""

    region_id: Annotated[str, "The region."] = ""
    instance_id: Annotated[list[str], "The instances, up to 100."] = []
    resource_tag: Annotated[list[ResourceTag], "The instances that have these tags instead."] = []
    username: Annotated[Username, "The user it runs as, by name and home folder; root."] = ""
    parameters: Annotated[str, 'The values of its parameters, as JSON: {"name":"value"}.'] = ""
    repeat_mode: (
        Annotated[
            str,
            choice("InvalidRepeatMode.NotFound", 404, "Once", "DryRun"),
            "Once: now. DryRun: only check.",
        ]
        | None
    ) = None
    timed: Annotated[bool, "Run it on a schedule: not offered here."] = False
    frequency: Annotated[str, "The schedule: not offered here."] = ""
    launcher: Annotated[str, "Kept as given."] = ""
    termination_mode: Annotated[str, "Kept as given: what it started is ended too."] = ""
    resource_group_id: Annotated[str, "The resource group."] = ""
    tag: Annotated[list[Tag], "Tags to set on the invocation, up to 20."] = []
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""


class RunCommandRequest(HowToInvoke, kw_only=True):
    """Which script to run where."""

    ignored = ("ContainerId", "ContainerName", "OssOutputDelivery", "WindowsPasswordName")
    type: Annotated[CommandType, "What kind of script it is."]
    command_content: Annotated[str, "The script."]
    content_encoding: Annotated[Encoding, "How the script is written here."] | None = None
    name: Annotated[CommandName, "A name for people."] = ""
    description: Annotated[CommandDescription, "A description for people."] = ""
    timeout: Annotated[Timeout, "How many seconds it may run."] = 60
    working_dir: Annotated[str, "The folder inside the instance where it runs; /root."] = ""
    enable_parameter: Annotated[bool, "Whether {{name}} in it stands for a value."] = False
    keep_command: Annotated[bool, "Keep the command, to be invoked again."] = False
    client_token: Annotated[ClientToken400, "Repeat the call safely: a text of your choice."] = ""


class RunCommandResponse(Response):
    """The command and what became of it can be asked for by these."""

    command_id: str
    invoke_id: str


@operation("RunCommand", lock=True, changes=True)
def run_command(call: Call, request: RunCommandRequest) -> RunCommandResponse:
    """Run a script on instances, in the background."""
    require_region(request.region_id)
    content = decoded(request.command_content, request.content_encoding)
    check_content(content, *([] if request.keep_command else [MOST_UNKEPT_BYTES]))
    if request.enable_parameter:
        check_parameter_names(content)
    command = CommandRecord(
        command_id=call.new_id("c", request.region_id),
        created_at=call.now,
        type=request.type,
        content=content,
        name=request.name,
        description=request.description,
        timeout_seconds=request.timeout,
        working_dir=request.working_dir,
        takes_parameters=request.enable_parameter,
        launcher=request.launcher,
        resource_group_id=request.resource_group_id,
        tags=tags_to_set(call, request.tag),
    )
    invocation = _invoke(call, request, command)
    if request.keep_command:
        assistant_of(call, request.region_id).commands[command.command_id] = command
    return RunCommandResponse(command_id=command.command_id, invoke_id=invocation)


class InvokeCommandRequest(HowToInvoke, kw_only=True):
    """Which command to run where."""

    ignored = ("ContainerId", "ContainerName", "OssOutputDelivery", "WindowsPasswordName")
    command_id: Annotated[str, "The command."]
    timeout: Annotated[Timeout, "How many seconds it may run; by default as the command says."] = 0
    working_dir: Annotated[str, "Where it runs; by default as the command says."] = ""


class InvokeCommandResponse(Response):
    """What became of it can be asked for by this."""

    invoke_id: str


@operation("InvokeCommand", lock=True, changes=True)
def invoke_command(call: Call, request: InvokeCommandRequest) -> InvokeCommandResponse:
    """Run a kept command on instances, in the background."""
    require_region(request.region_id)
    command = assistant_of(call, request.region_id).commands.get(request.command_id)
    if command is None:
        raise ApiError(
            "InvalidCmdId.NotFound",
            404,
            f"There is no command {request.command_id!r} in {request.region_id}. "
            "DescribeCommands lists them.",
        )
    invoke_id = _invoke(call, request, command)
    invocation = assistant_of(call, request.region_id).invocations.get(invoke_id)
    if invocation is not None:
        invocation.timeout_seconds = request.timeout or command.timeout_seconds
        invocation.working_dir = request.working_dir or command.working_dir
    return InvokeCommandResponse(invoke_id=invoke_id)


def _invoke(call: Call, request: HowToInvoke, command: CommandRecord) -> str:
    """Write an invocation down, start who carries it out, and return its id."""
    allowed = call.settings.guest.commands
    if allowed == "deny" or (allowed == "plugin" and not is_plugin_line(command.content)):
        raise ApiError(
            "Operation.Forbidden",
            403,
            "This workspace lets "
            + ("no command" if allowed == "deny" else "only the snapshot plug-in")
            + " run inside instances (guest.commands). Its owner can change that with: snapcli "
            "config set guest.commands allow",
        )
    _check_schedule(request)
    instances = instances_meant(call, request.region_id, request.instance_id, request.resource_tag)
    for instance in instances:
        if is_windows(instance) == (command.type == LINUX_TYPE):
            system = "Windows" if is_windows(instance) else "Linux"
            raise ApiError(
                "InvalidInstance.NotMatch",
                403,
                f"The instance {instance.instance_id} runs {system}; {command.type} does not.",
            )
    invocation = InvocationRecord(
        invoke_id=call.new_id("t", request.region_id),
        created_at=call.now,
        command_id=command.command_id,
        type=command.type,
        content=command.content,
        name=command.name,
        description=command.description,
        timeout_seconds=command.timeout_seconds,
        working_dir=command.working_dir,
        username=request.username,
        parameters=_parameters(request, command),
        launcher=request.launcher,
        termination_mode=request.termination_mode,
        resource_group_id=request.resource_group_id,
        tags=tags_to_set(call, request.tag),
    )
    if request.repeat_mode == "DryRun":
        return invocation.invoke_id
    invocation.results = {each.instance_id: _begun(call, invocation, each) for each in instances}
    command.invoked += 1
    invocations = assistant_of(call, request.region_id).invocations
    invocations[invocation.invoke_id] = invocation
    forget_oldest(invocations)
    return invocation.invoke_id


def _check_schedule(request: HowToInvoke) -> None:
    if request.timed and not request.frequency:
        raise ApiError("MissingParam.Frequency", 403, "Timed is true, and no Frequency was given.")
    if request.timed or request.frequency:
        raise ApiError(
            "InvalidParam.Frequency",
            403,
            "Commands on a schedule are not offered here. Leave Timed and Frequency out, and have "
            "cron call snapcli.",
        )


def _parameters(request: HowToInvoke, command: CommandRecord) -> dict[str, str]:
    names = parameter_names(command.content) if command.takes_parameters else []
    given: dict[str, str] = {}
    if request.parameters:
        try:
            values = msgspec.json.decode(request.parameters, type=dict[str, str | int | float])
        except msgspec.DecodeError as error:
            raise ApiError(
                "InvalidParameter", 400, f"Parameters is no JSON object of texts: {error}."
            ) from None
        given = {name: str(value) for name, value in values.items()}
    if given and not command.takes_parameters:
        if isinstance(request, RunCommandRequest):
            raise ApiError(
                "Parameter.Disabled", 400, "Parameters were given, and EnableParameter is false."
            )
        raise ApiError(
            "Parameter.Disabled", 404, f"The command {command.command_id} takes no parameters."
        )
    lacking = [name for name in names if name not in given]
    if lacking and isinstance(request, RunCommandRequest):
        raise ApiError(
            "Parameter.MissingValue", 400, f"The parameter {lacking[0]!r} was given no value."
        )
    if lacking or given.keys() - set(names):
        raise ApiError(
            "Parameter.NotMatched",
            403,
            f"The command {command.command_id} takes {', '.join(names) or 'no parameters'}, not "
            f"{', '.join(given) or 'none'}.",
        )
    return given


def _begun(call: Call, invocation: InvocationRecord, instance: InstanceRecord) -> InvocationResult:
    """Return the result of an invocation on an instance as it is at first."""
    result = InvocationResult(instance_id=instance.instance_id)
    power = instance_status(instance, call.now)
    if power != "Running":
        result.state, result.finished_at = "Aborted", call.now
        result.error_code = "InstanceNotRunning"
        result.error_info = f"The instance is {power}; commands run on instances that are Running."
    elif not has_assistant(call, instance):
        result.state, result.finished_at = "Aborted", call.now
        result.error_code = "ClientNotRunning"
        result.error_info = (
            "The Cloud Assistant client is not on the instance. InstallCloudAssistant puts it "
            "there."
        )
    else:
        from snapcli.guests.processes import spawn, started_of

        arguments = (call.account_id, instance.region_id, invocation.invoke_id)
        result.runner_pid = spawn(
            "snapcli.ecs.assistant_runner", call.tx.path(), *arguments, instance.instance_id
        )
        result.runner_started = started_of(result.runner_pid)
    return result


class StopInvocationRequest(Request, kw_only=True):
    """Which invocation to stop, and where."""

    region_id: Annotated[str, "The region."] = ""
    invoke_id: Annotated[str, "The invocation."]
    instance_id: Annotated[list[str], "Only on these instances; by default on all."] = []


class StopInvocationResponse(Response):
    """Nothing but the RequestId."""


@operation("StopInvocation", lock=True, changes=True)
def stop_invocation(call: Call, request: StopInvocationRequest) -> StopInvocationResponse:
    """End what an invocation runs; of the snapshot plug-in thaw and post-script still follow."""
    from snapcli.ecs.assistant_runner import jobs_of
    from snapcli.guests.processes import end_job

    require_region(request.region_id)
    invocation = assistant_of(call, request.region_id).invocations.get(request.invoke_id)
    if invocation is None:
        raise ApiError(
            "InvalidInvokeId.NotFound",
            404,
            f"There is no invocation {request.invoke_id!r} in {request.region_id}. "
            "DescribeInvocations lists them.",
        )
    for result in invocation.results.values():
        meant = not request.instance_id or result.instance_id in request.instance_id
        if meant and state_of(result) in ("Pending", "Running"):
            result.state = "Terminated"
            result.stopped_at = result.finished_at = call.now
            for job in jobs_of(invocation.invoke_id, result.instance_id):
                end_job(job)
    return StopInvocationResponse()
