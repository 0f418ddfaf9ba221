"""What became of commands: DescribeInvocations and DescribeInvocationResults (AP-14)."""

from typing import Annotated

import msgspec

from snapcli.api.operation import Item, Response, operation
from snapcli.api.paging import PagedResponse, page
from snapcli.ecs.assistant_state import (
    AssistantPage,
    Encoding,
    assistant_of,
    encoded,
    lost_text,
    output_of,
    result_record_status,
    state_of,
    whole_record_status,
    whole_state,
)
from snapcli.ecs.call import Call
from snapcli.ecs.records import InvocationRecord, InvocationResult
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.tags import has_tags
from snapcli.ecs.wire import Tag, TagSet, seconds_time, tag_set


class DescribeInvocationsRequest(AssistantPage):
    """Which invocations to list; all filters must match."""

    ignored = ("RepeatMode", "Timed")
    region_id: Annotated[str, "The region."] = ""
    invoke_id: Annotated[str, "Only this one."] = ""
    command_id: Annotated[str, "Only of this command."] = ""
    command_name: Annotated[str, "Only of commands with this name."] = ""
    command_type: Annotated[str, "Only of commands of this type."] = ""
    instance_id: Annotated[str, "Only on this instance."] = ""
    invoke_status: Annotated[str, "Only in this state: Running, Finished, Failed, Stopped."] = ""
    include_output: Annotated[bool, "Show what they printed."] = False
    content_encoding: Annotated[Encoding, "How to show texts; Base64 by default."] | None = None
    resource_group_id: Annotated[str, "Only of this resource group."] = ""
    tag: Annotated[list[Tag], "Only with these tags; a key alone matches any value."] = []


class InvokeInstanceItem(Item):
    """An invocation on one instance."""

    unanswered = ("OssOutputErrorCode", "OssOutputErrorInfo", "OssOutputStatus", "OssOutputUri")
    creation_time: str
    dropped: int
    error_code: str
    error_info: str
    exit_code: int | msgspec.UnsetType
    finish_time: str
    instance_id: str
    instance_invoke_status: str
    invocation_status: str
    output: str
    repeats: int
    start_time: str
    stop_time: str
    timed: bool
    update_time: str


class _InvokeInstances(Item):
    invoke_instance: list[InvokeInstanceItem]


class InvocationItem(Item):
    """An invocation in a response."""

    unanswered = ("ContainerId", "ContainerName", "OssOutputDelivery")
    command_content: str
    command_description: str
    command_id: str
    command_name: str
    command_type: str
    creation_time: str
    frequency: str
    invocation_status: str
    invoke_id: str
    invoke_instances: _InvokeInstances
    invoke_status: str
    launcher: str
    parameters: str
    repeat_mode: str
    tags: TagSet
    termination_mode: str
    timed: bool
    timeout: int
    username: str
    working_dir: str


class InvocationSet(Item):
    """The invocations of a response."""

    invocation: list[InvocationItem]


class DescribeInvocationsResponse(PagedResponse):
    """A page of invocations, newest first."""

    invocations: InvocationSet


@operation("DescribeInvocations", lock=False, changes=False)
def describe_invocations(
    call: Call, request: DescribeInvocationsRequest
) -> DescribeInvocationsResponse:
    """List the invocations of commands with what became of them on each instance."""
    require_region(request.region_id)
    found = [
        each
        for each in reversed(assistant_of(call, request.region_id).invocations.values())
        if _matches(request, each)
    ]
    cut = page(found, request, most_results=50)
    return DescribeInvocationsResponse(
        invocations=InvocationSet(invocation=[_item(each, request) for each in cut.items])
    ).at(cut)


def _matches(request: DescribeInvocationsRequest, each: InvocationRecord) -> bool:
    return (
        request.invoke_id in ("", each.invoke_id)
        and request.command_id in ("", each.command_id)
        and request.command_name in ("", each.name)
        and request.command_type in ("", each.type)
        and (not request.instance_id or request.instance_id in each.results)
        and request.invoke_status in ("", whole_record_status(each.results.values()))
        and request.resource_group_id in ("", each.resource_group_id)
        and has_tags(each.tags, request.tag)
    )


def _item(each: InvocationRecord, request: DescribeInvocationsRequest) -> InvocationItem:
    results = each.results.values()
    return InvocationItem(
        command_content=encoded(each.content, request.content_encoding),
        command_description=each.description,
        command_id=each.command_id,
        command_name=each.name,
        command_type=each.type,
        creation_time=seconds_time(each.created_at),
        frequency="",
        invocation_status=whole_state(results),
        invoke_id=each.invoke_id,
        invoke_instances=_InvokeInstances(
            invoke_instance=[
                _on_instance(each, result, request)
                for result in results
                if request.instance_id in ("", result.instance_id)
            ]
        ),
        invoke_status=whole_record_status(results),
        launcher=each.launcher,
        parameters=msgspec.json.encode(each.parameters).decode(),
        repeat_mode="Once",
        tags=tag_set(each.tags),
        termination_mode=each.termination_mode or "Process",
        timed=False,
        timeout=each.timeout_seconds,
        username=each.username,
        working_dir=each.working_dir,
    )


def _on_instance(
    each: InvocationRecord, result: InvocationResult, request: DescribeInvocationsRequest
) -> InvokeInstanceItem:
    code, info = lost_text(result)
    return InvokeInstanceItem(
        creation_time=seconds_time(each.created_at),
        dropped=result.dropped_bytes,
        error_code=code,
        error_info=info,
        exit_code=msgspec.UNSET if result.exit_code is None else result.exit_code,
        finish_time=seconds_time(result.finished_at),
        instance_id=result.instance_id,
        instance_invoke_status=result_record_status(result),
        invocation_status=state_of(result),
        output=output_of(result, request.content_encoding) if request.include_output else "",
        repeats=int(result.started_at is not None),
        start_time=seconds_time(result.started_at),
        stop_time=seconds_time(result.stopped_at),
        timed=False,
        update_time=seconds_time(result.finished_at or result.started_at or each.created_at),
    )


class DescribeInvocationResultsRequest(AssistantPage):
    """Which results to list; all filters must match."""

    ignored = ("IncludeHistory",)
    region_id: Annotated[str, "The region."] = ""
    invoke_id: Annotated[str, "Only of this invocation."] = ""
    instance_id: Annotated[str, "Only on this instance."] = ""
    command_id: Annotated[str, "Only of this command."] = ""
    invoke_record_status: Annotated[
        str, "Only in this state: Running, Finished, Failed, Stopped."
    ] = ""
    content_encoding: Annotated[Encoding, "How to show outputs; Base64 by default."] | None = None
    resource_group_id: Annotated[str, "Only of this resource group."] = ""
    tag: Annotated[list[Tag], "Only with these tags; a key alone matches any value."] = []


class InvocationResultItem(Item):
    """What became of a command on one instance."""

    unanswered = (
        "ContainerId", "ContainerName", "OssOutputDelivery", "OssOutputErrorCode",
        "OssOutputErrorInfo", "OssOutputStatus", "OssOutputUri",
    )  # fmt: skip
    command_id: str
    dropped: int
    error_code: str
    error_info: str
    exit_code: int | msgspec.UnsetType
    finished_time: str
    instance_id: str
    invocation_status: str
    invoke_id: str
    invoke_record_status: str
    launcher: str
    output: str
    repeats: int
    start_time: str
    stop_time: str
    tags: TagSet
    termination_mode: str
    username: str


class InvocationResultSet(Item):
    """The results of a response."""

    invocation_result: list[InvocationResultItem]


class InvocationPage(Item):
    """A page of results."""

    invocation_results: InvocationResultSet
    next_token: str
    page_number: int
    page_size: int
    total_count: int


class DescribeInvocationResultsResponse(Response):
    """A page of results, those of the newest invocation first."""

    invocation: InvocationPage


@operation("DescribeInvocationResults", lock=False, changes=False)
def describe_invocation_results(
    call: Call, request: DescribeInvocationResultsRequest
) -> DescribeInvocationResultsResponse:
    """List what became of commands on instances: exit codes and outputs."""
    require_region(request.region_id)
    found = [
        (invocation, result)
        for invocation in reversed(assistant_of(call, request.region_id).invocations.values())
        if request.invoke_id in ("", invocation.invoke_id)
        and request.command_id in ("", invocation.command_id)
        and request.resource_group_id in ("", invocation.resource_group_id)
        and has_tags(invocation.tags, request.tag)
        for result in invocation.results.values()
        if request.instance_id in ("", result.instance_id)
        and request.invoke_record_status in ("", result_record_status(result))
    ]
    cut = page(found, request, most_results=50)
    return DescribeInvocationResultsResponse(
        invocation=InvocationPage(
            invocation_results=InvocationResultSet(
                invocation_result=[
                    _result(invocation, result, request.content_encoding)
                    for invocation, result in cut.items
                ]
            ),
            next_token=cut.next_token,
            page_number=cut.page_number,
            page_size=cut.page_size,
            total_count=cut.total_count,
        )
    )


def _result(
    invocation: InvocationRecord, result: InvocationResult, encoding: str | None
) -> InvocationResultItem:
    code, info = lost_text(result)
    return InvocationResultItem(
        command_id=invocation.command_id,
        dropped=result.dropped_bytes,
        error_code=code,
        error_info=info,
        exit_code=msgspec.UNSET if result.exit_code is None else result.exit_code,
        finished_time=seconds_time(result.finished_at),
        instance_id=result.instance_id,
        invocation_status=state_of(result),
        invoke_id=invocation.invoke_id,
        invoke_record_status=result_record_status(result),
        launcher=invocation.launcher,
        output=output_of(result, encoding),
        repeats=int(result.started_at is not None),
        start_time=seconds_time(result.started_at),
        stop_time=seconds_time(result.stopped_at),
        tags=tag_set(invocation.tags),
        termination_mode=invocation.termination_mode or "Process",
        username=invocation.username,
    )
