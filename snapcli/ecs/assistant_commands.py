"""Commands of Cloud Assistant: CreateCommand and DescribeCommands."""

import re
from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.paging import PagedResponse, page
from snapcli.api.types import ClientToken, limits
from snapcli.ecs.assistant_state import (
    AssistantPage,
    CommandType,
    Encoding,
    Timeout,
    assistant_of,
    decoded,
    encoded,
)
from snapcli.ecs.call import Call
from snapcli.ecs.filters import is_like
from snapcli.ecs.records import CommandRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.tags import has_tags, tags_to_set
from snapcli.ecs.wire import Tag, TagSet, seconds_time, tag_set

MOST_CONTENT_BYTES = 18 * 1024
CommandName = Annotated[
    str, limits("CmdName.ExceedLimit", 403, "at most 128 characters", max_length=128)
]
CommandDescription = Annotated[
    str, limits("CmdDesc.ExceedLimit", 403, "at most 512 characters", max_length=512)
]
_PARAMETER = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")


def parameter_names(content: str) -> list[str]:
    """Return the names in {{name}} of a script, each once; built-in ones are none."""
    found = dict.fromkeys(_PARAMETER.findall(content))
    return [name for name in found if not name.startswith("ACS::")]


def check_content(content: str, most_bytes: int = MOST_CONTENT_BYTES) -> None:
    """Raise ApiError for a script that is too long."""
    length_bytes = len(content.encode())
    if length_bytes > most_bytes:
        raise ApiError(
            "CmdContent.ExceedLimit",
            403,
            f"CommandContent has {length_bytes} bytes; {most_bytes} are allowed.",
        )


def check_parameter_names(content: str) -> None:
    """Raise ApiError for a script's parameter with a name that can't be one."""
    for name in parameter_names(content):
        if len(name) > 64:
            raise ApiError(
                "CmdParamName.ExceedLimit",
                403,
                f"The parameter {name!r} has {len(name)} characters; 64 are allowed.",
            )
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise ApiError(
                "CmdParam.InvalidParamName",
                403,
                f"The parameter {name!r} may have letters, digits, '_' and '-' only.",
            )


class CreateCommandRequest(Request, kw_only=True):
    """What the command does and how it is called."""

    region_id: Annotated[str, "The region."] = ""
    name: Annotated[CommandName, "A name for people."]
    type: Annotated[CommandType, "What kind of script it is."]
    command_content: Annotated[str, "The script."]
    content_encoding: Annotated[Encoding, "How the script is written here."] | None = None
    description: Annotated[CommandDescription, "A description for people."] = ""
    timeout: Annotated[Timeout, "How many seconds it may run."] = 60
    working_dir: Annotated[str, "The folder inside the instance where it runs."] = ""
    enable_parameter: Annotated[bool, "Whether {{name}} in it stands for a value."] = False
    launcher: Annotated[str, "Kept as given."] = ""
    resource_group_id: Annotated[str, "The resource group."] = ""
    tag: Annotated[list[Tag], "Tags to set, up to 20."] = []
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""


class CreateCommandResponse(Response):
    """The new command."""

    command_id: str


@operation("CreateCommand", lock=True, changes=True)
def create_command(call: Call, request: CreateCommandRequest) -> CreateCommandResponse:
    """Keep a script to be invoked later."""
    require_region(request.region_id)
    content = decoded(request.command_content, request.content_encoding)
    check_content(content)
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
    assistant_of(call, request.region_id).commands[command.command_id] = command
    return CreateCommandResponse(command_id=command.command_id)


class DescribeCommandsRequest(AssistantPage):
    """Which commands to list; all filters must match."""

    ignored = ("Latest",)
    region_id: Annotated[str, "The region."] = ""
    command_id: Annotated[str, "Only this one."] = ""
    name: Annotated[str, "Only with this name; * stands for any text."] = ""
    type: Annotated[str, "Only of this type."] = ""
    description: Annotated[str, "Only with this in the description; * stands for any text."] = ""
    provider: Annotated[str, "Only of this provider: User."] = ""
    content_encoding: Annotated[Encoding, "How to show the scripts; Base64 by default."] | None = (
        None
    )
    resource_group_id: Annotated[str, "Only of this resource group."] = ""
    tag: Annotated[list[Tag], "Only with these tags; a key alone matches any value."] = []


class _ParameterNames(Item):
    parameter_name: list[str]


class CommandItem(Item):
    """A command in a response."""

    unanswered = ("Category", "Latest", "ParameterDefinitions", "Version")
    command_content: str
    command_id: str
    creation_time: str
    description: str
    enable_parameter: bool
    invoke_times: int
    launcher: str
    name: str
    parameter_names: _ParameterNames
    provider: str
    resource_group_id: str
    tags: TagSet
    timeout: int
    type: str
    working_dir: str


class CommandSet(Item):
    """The commands of a response."""

    command: list[CommandItem]


class DescribeCommandsResponse(PagedResponse):
    """A page of commands, newest first."""

    commands: CommandSet


@operation("DescribeCommands", lock=False, changes=False)
def describe_commands(call: Call, request: DescribeCommandsRequest) -> DescribeCommandsResponse:
    """List the commands that are kept."""
    require_region(request.region_id)
    found = [
        command
        for command in reversed(assistant_of(call, request.region_id).commands.values())
        if _matches(request, command)
    ]
    cut = page(found, request, most_results=50)
    return DescribeCommandsResponse(
        commands=CommandSet(command=[_item(each, request.content_encoding) for each in cut.items])
    ).at(cut)


def _matches(request: DescribeCommandsRequest, command: CommandRecord) -> bool:
    return (
        request.command_id in ("", command.command_id)
        and request.type in ("", command.type)
        and request.provider in ("", "User")
        and request.resource_group_id in ("", command.resource_group_id)
        and (not request.name or is_like(command.name, request.name))
        and (not request.description or is_like(command.description, request.description))
        and has_tags(command.tags, request.tag)
    )


def _item(command: CommandRecord, encoding: str | None) -> CommandItem:
    names = parameter_names(command.content) if command.takes_parameters else []
    return CommandItem(
        command_content=encoded(command.content, encoding),
        command_id=command.command_id,
        creation_time=seconds_time(command.created_at),
        description=command.description,
        enable_parameter=command.takes_parameters,
        invoke_times=command.invoked,
        launcher=command.launcher,
        name=command.name,
        parameter_names=_ParameterNames(parameter_name=names),
        provider="User",
        resource_group_id=command.resource_group_id,
        tags=tag_set(command.tags),
        timeout=command.timeout_seconds,
        type=command.type,
        working_dir=command.working_dir,
    )
