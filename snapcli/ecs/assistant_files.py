"""Files sent to instances by Cloud Assistant: SendFile and DescribeSendFileResults."""

import base64
import binascii
import os
from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, operation
from snapcli.api.operation import Response as BaseResponse
from snapcli.api.paging import PagedResponse, page
from snapcli.api.types import ClientToken, choice, limits
from snapcli.ecs.assistant_state import (
    BASE64,
    PLAIN,
    AssistantPage,
    Timeout,
    assistant_of,
    forget_oldest,
    instances_meant,
    whole_state,
)
from snapcli.ecs.call import Call
from snapcli.ecs.guest_attributes import has_assistant
from snapcli.ecs.guest_insides import make_inside
from snapcli.ecs.phases import instance_status
from snapcli.ecs.records import InstanceRecord, InvocationResult, SentFileRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.tags import has_tags, tags_to_set
from snapcli.ecs.wire import Tag, TagSet, seconds_time, tag_set

MOST_FILE_BYTES = 32 * 1024
FileName = Annotated[
    str,
    limits(
        "FileName.ExceedLimit", 403, "1 to 255 characters without '/'", min_length=1,
        max_length=255, pattern=r"^[^/\0]+\Z",
    ),
]  # fmt: skip
FileMode = Annotated[
    str, limits("FileMode.Invalid", 403, "octal digits such as 0644", pattern=r"^[0-7]{3,4}\Z")
]
TargetDir = Annotated[
    str,
    limits("FileTargetDir.Invalid", 403, "a folder of at most 255 characters", max_length=255),
]
ContentType = Annotated[str, choice("FileContentType.Invalid", 403, PLAIN, BASE64)]


class SendFileRequest(Request, kw_only=True):
    """Which content to write where."""

    region_id: Annotated[str, "The region."] = ""
    instance_id: Annotated[list[str], "The instances, up to 100."]
    name: Annotated[FileName, "The file's name."]
    target_dir: Annotated[TargetDir, "The folder inside the instances, made when missing."]
    content: Annotated[str, "What the file is to hold, at most 32 KB."]
    content_type: Annotated[ContentType, "How the content is written here."] | None = None
    description: Annotated[
        str,
        limits("FileDesc.ExceedLimit", 403, "at most 512 characters", max_length=512),
        "A description for people.",
    ] = ""
    file_mode: Annotated[FileMode, "The file's mode, octal; 0644 by default."] = ""
    file_owner: Annotated[str, "Kept as given."] = ""
    file_group: Annotated[str, "Kept as given."] = ""
    overwrite: Annotated[bool, "Replace a file that is in its place."] = False
    timeout: Annotated[Timeout, "Makes no difference here: it is done at once."] = 60
    resource_group_id: Annotated[str, "The resource group."] = ""
    tag: Annotated[list[Tag], "Tags to set, up to 20."] = []
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""


class SendFileResponse(BaseResponse):
    """What became of it can be asked for by this."""

    invoke_id: str


@operation("SendFile", lock=True, changes=True)
def send_file(call: Call, request: SendFileRequest) -> SendFileResponse:
    """Write a file into instances."""
    require_region(request.region_id)
    if call.settings.guest.commands != "allow":
        raise ApiError(
            "Operation.Forbidden",
            403,
            "This workspace lets nothing be sent into instances (guest.commands). Its owner can "
            "change that with: snapcli config set guest.commands allow",
        )
    content = _content(request)
    sent = SentFileRecord(
        invoke_id=call.new_id("f", request.region_id),
        created_at=call.now,
        name=request.name,
        target_dir=request.target_dir,
        content=request.content,
        content_type=request.content_type or PLAIN,
        description=request.description,
        mode=request.file_mode,
        owner=request.file_owner,
        group=request.file_group,
        overwrite=request.overwrite,
        resource_group_id=request.resource_group_id,
        tags=tags_to_set(call, request.tag),
    )
    for instance in instances_meant(call, request.region_id, request.instance_id, []):
        sent.results[instance.instance_id] = _put(call, instance, sent, content)
    files = assistant_of(call, request.region_id).files
    files[sent.invoke_id] = sent
    forget_oldest(files)
    return SendFileResponse(invoke_id=sent.invoke_id)


def _content(request: SendFileRequest) -> bytes:
    content = request.content.encode()
    if request.content_type == BASE64:
        try:
            content = base64.b64decode(content, validate=True)
        except binascii.Error:
            raise ApiError(
                "FileContent.DecodeError", 403, "Content is not Base64, as ContentType says."
            ) from None
    if len(content) > MOST_FILE_BYTES:
        raise ApiError(
            "FileSize.ExceedLimit",
            403,
            f"The file has {len(content)} bytes; {MOST_FILE_BYTES} are allowed. "
            "`snapcli guest put` takes files of any size.",
        )
    return content


def _put(
    call: Call, instance: InstanceRecord, sent: SentFileRecord, content: bytes
) -> InvocationResult:
    from snapcli.guests import folder
    from snapcli.guests.errors import GuestError

    result = InvocationResult(instance_id=instance.instance_id, state="Failed")
    result.started_at = result.finished_at = call.now
    power = instance_status(instance, call.now)
    if power != "Running":
        result.error_code, result.error_info = "InstanceNotRunning", f"The instance is {power}."
        return result
    if not has_assistant(call, instance):
        result.error_code = "ClientNotRunning"
        result.error_info = "The Cloud Assistant client is not on the instance."
        return result
    path = f"{sent.target_dir}/{sent.name}"
    try:
        root = make_inside(call, instance)
        if os.path.lexists(folder.resolve(root, path)) and not sent.overwrite:
            result.error_code = "FileAlreadyExists"
            result.error_info = f"{path} is there already; give Overwrite true to replace it."
            return result
        folder.put(root, path, [content], int(sent.mode or "0644", 8))
    except GuestError as error:
        result.error_code, result.error_info = "FileCreateFail", str(error)
        return result
    result.state = "Success"
    return result


class DescribeSendFileResultsRequest(AssistantPage):
    """Which sent files to list; all filters must match."""

    region_id: Annotated[str, "The region."] = ""
    invoke_id: Annotated[str, "Only this one."] = ""
    instance_id: Annotated[str, "Only sent to this instance."] = ""
    name: Annotated[str, "Only with this name."] = ""
    invocation_status: Annotated[str, "Only in this state: Success, Failed."] = ""
    resource_group_id: Annotated[str, "Only of this resource group."] = ""
    tag: Annotated[list[Tag], "Only with these tags; a key alone matches any value."] = []


class FileResultItem(Item):
    """What became of a file on one instance."""

    creation_time: str
    error_code: str
    error_info: str
    finish_time: str
    instance_id: str
    invocation_status: str
    start_time: str
    update_time: str


class _FileResults(Item):
    invoke_instance: list[FileResultItem]


class SentFileItem(Item):
    """A sent file in a response."""

    content: str
    content_type: str
    creation_time: str
    description: str
    file_group: str
    file_mode: str
    file_owner: str
    invocation_status: str
    invoke_id: str
    invoke_instances: _FileResults
    name: str
    overwrite: str
    tags: TagSet
    target_dir: str
    vm_count: int


class SentFileSet(Item):
    """The sent files of a response."""

    invocation: list[SentFileItem]


class DescribeSendFileResultsResponse(PagedResponse):
    """A page of sent files, newest first."""

    invocations: SentFileSet


@operation("DescribeSendFileResults", lock=False, changes=False)
def describe_send_file_results(
    call: Call, request: DescribeSendFileResultsRequest
) -> DescribeSendFileResultsResponse:
    """List the files that were sent and what became of them."""
    require_region(request.region_id)
    found = [
        each
        for each in reversed(assistant_of(call, request.region_id).files.values())
        if request.invoke_id in ("", each.invoke_id)
        and request.name in ("", each.name)
        and (not request.instance_id or request.instance_id in each.results)
        and request.invocation_status in ("", whole_state(each.results.values()))
        and request.resource_group_id in ("", each.resource_group_id)
        and has_tags(each.tags, request.tag)
    ]
    cut = page(found, request, most_results=50)
    return DescribeSendFileResultsResponse(
        invocations=SentFileSet(invocation=[_item(each) for each in cut.items])
    ).at(cut)


def _item(each: SentFileRecord) -> SentFileItem:
    return SentFileItem(
        content=each.content,
        content_type=each.content_type,
        creation_time=seconds_time(each.created_at),
        description=each.description,
        file_group=each.group or "root",
        file_mode=each.mode or "0644",
        file_owner=each.owner or "root",
        invocation_status=whole_state(each.results.values()),
        invoke_id=each.invoke_id,
        invoke_instances=_FileResults(
            invoke_instance=[
                FileResultItem(
                    creation_time=seconds_time(each.created_at),
                    error_code=result.error_code,
                    error_info=result.error_info,
                    finish_time=seconds_time(result.finished_at),
                    instance_id=result.instance_id,
                    invocation_status=result.state,
                    start_time=seconds_time(result.started_at),
                    update_time=seconds_time(result.finished_at),
                )
                for result in each.results.values()
            ]
        ),
        name=each.name,
        overwrite=str(each.overwrite).lower(),
        tags=tag_set(each.tags),
        target_dir=each.target_dir,
        vm_count=len(each.results),
    )
