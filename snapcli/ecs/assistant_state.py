"""What Cloud Assistant's operations share: its document, states in the API's words, checks.

States are stored where a person or a process set them; that a runner was killed is found out
whenever somebody looks (AP-14).
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Annotated, TypeVar

from snapcli.api.errors import ApiError
from snapcli.api.operation import Group
from snapcli.api.paging import PagedRequest
from snapcli.api.types import MaxResults, choice, labelled, limits
from snapcli.ecs.call import Call
from snapcli.ecs.records import Assistant, InstanceRecord, InvocationRecord, InvocationResult
from snapcli.ecs.tags import has_tags
from snapcli.ecs.wire import Tag

KEPT_INVOCATIONS = 500
MOST_INSTANCES = 100
MOST_OUTPUT_BYTES = 24 * 1024
LINUX_TYPE = "RunShellScript"
WINDOWS_TYPES = ("RunBatScript", "RunPowerShellScript")
PLAIN, BASE64 = "PlainText", "Base64"
_UNDER_WAY = ("Pending", "Running")
# The older words, for each newer one that is not Failed there.
_RECORD_STATUS = {
    "Pending": "Running",
    "Running": "Running",
    "Success": "Finished",
    "Terminated": "Stopped",
}

CommandType = Annotated[
    str, choice("InvalidCmdType.NotFound", 403, LINUX_TYPE, *WINDOWS_TYPES), labelled("String")
]
Encoding = Annotated[str, choice("InvalidParameter", 400, PLAIN, BASE64)]
Timeout = Annotated[
    int, limits("InvalidParameter", 400, "a number of seconds, 1 or more", ge=1), labelled("Long")
]
PageNumber = Annotated[int, limits("InvalidParam.PageNumber", 403, "1 or more", ge=1)]
PageSize = Annotated[int, limits("InvalidParam.PageSize", 403, "1 to 50", ge=1, le=50)]


class AssistantPage(PagedRequest):
    """Base of the Describe requests of Cloud Assistant: pages of at most 50."""

    page_number: Annotated[PageNumber, labelled("Long"), "The page to show, from 1."] = 1
    page_size: Annotated[PageSize, labelled("Long"), "How many a page, at most 50."] = 10
    max_results: Annotated[MaxResults, "How many an answer when going on by NextToken."] | None = (
        None
    )


class ResourceTag(Group):
    """A tag that chooses instances."""

    key: Annotated[str, "The tag's key."]
    value: Annotated[str, "The tag's value."] | None = None


def assistant_of(call: Call, region_id: str) -> Assistant:
    """Return what Cloud Assistant knows of a region."""
    return call.tx.load(f"{call.home}state/{region_id}/assistant.json", Assistant, Assistant)


T = TypeVar("T")


def forget_oldest(records: dict[str, T]) -> None:
    """Keep the latest invocations only."""
    while len(records) > KEPT_INVOCATIONS:
        del records[next(iter(records))]


def decoded(content: str, encoding: str | None) -> str:
    """Return a script's text. Raises ApiError for what is no Base64 of a text."""
    if encoding != BASE64:
        return content
    try:
        return base64.b64decode(content, validate=True).decode()
    except (binascii.Error, ValueError):
        raise ApiError(
            "InvalidParameter",
            400,
            "CommandContent is not a text in Base64, as ContentEncoding says.",
        ) from None


def encoded(content: str, encoding: str | None) -> str:
    """Return a script as it is asked for: Base64 unless plain text is."""
    return content if encoding == PLAIN else base64.b64encode(content.encode()).decode()


def output_of(result: InvocationResult, encoding: str | None) -> str:
    """Return an output as it is asked for: Base64 unless plain text is."""
    if encoding != PLAIN:
        return result.output
    return base64.b64decode(result.output).decode(errors="replace")


def state_of(result: InvocationResult) -> str:
    """Return the state of a result: a runner that is gone before its end is a failure."""
    if result.state in _UNDER_WAY and result.runner_pid:
        from snapcli.guests.processes import is_alive

        if not is_alive(result.runner_pid, result.runner_started):
            return "Failed"
    return result.state


def lost_text(result: InvocationResult) -> tuple[str, str]:
    """Return the error code and text of a result; of a runner that is gone too."""
    if result.state in _UNDER_WAY and state_of(result) == "Failed":
        return (
            "ExecutionInterrupted",
            f"The process {result.runner_pid} that carried it out was killed.",
        )
    return result.error_code, result.error_info


def record_status(state: str) -> str:
    """Return a state in the older words: Running, Finished, Failed, Stopped."""
    return _RECORD_STATUS.get(state, "Failed")


def result_record_status(result: InvocationResult) -> str:
    """Return the older word for a result: what ended by itself is Finished, whatever it said."""
    state = state_of(result)
    if state == "Failed" and result.exit_code is not None:
        return "Finished"
    return record_status(state)


def whole_state(results: Iterable[InvocationResult]) -> str:
    """Return the state of all of an invocation's results together."""
    states = [state_of(each) for each in results]
    for state in ("Running", "Pending", "Failed", "Timeout", "Aborted", "Terminated"):
        if state in states:
            return state
    return "Success"


def whole_record_status(results: Iterable[InvocationResult]) -> str:
    """Return the same in the older words, where a part may have failed."""
    states = {result_record_status(each) for each in results}
    if "Running" in states:
        return "Running"
    if len(states) > 1:
        return "PartialFailed"
    return states.pop() if states else "Finished"


def instances_meant(
    call: Call, region_id: str, instance_ids: list[str], resource_tags: list[ResourceTag]
) -> list[InstanceRecord]:
    """Return the instances that a request names by id or by tags, each once."""
    known = call.inventory(region_id).instances
    if resource_tags:
        if instance_ids:
            raise ApiError(
                "InvalidResourceTag.ConflictWithInstanceIds",
                400,
                "InstanceId.N and ResourceTag.N were both given; give one of them.",
            )
        wanted = [Tag(key=tag.key, value=tag.value) for tag in resource_tags]
        found = [each for each in known.values() if has_tags(each.tags, wanted)]
        if not found:
            raise ApiError(
                "InvalidResourceTag.InstanceNotFound",
                400,
                f"No instance in {region_id} has the tags given with ResourceTag.N.",
            )
        return found
    if not instance_ids:
        raise ApiError("MissingParam.InstanceId", 400, "No InstanceId.N was given.")
    unknown = [each for each in instance_ids if each not in known]
    if unknown:
        raise ApiError(
            "InvalidInstance.NotFound",
            404,
            f"There is no instance {', '.join(unknown)} in {region_id}. Nothing was done.",
        )
    chosen = list(dict.fromkeys(instance_ids))
    if len(chosen) > MOST_INSTANCES:
        raise ApiError(
            "InstanceIds.ExceedLimit",
            403,
            f"{len(chosen)} instances were given; up to {MOST_INSTANCES} can be.",
        )
    return [known[each] for each in chosen]


def replaced(content: str, invocation: InvocationRecord, builtin: Mapping[str, str]) -> str:
    """Return a script with its parameters {{name}} and {{ACS::Name}} filled in."""
    if not invocation.parameters and "{{" not in content:
        return content
    values = {**invocation.parameters, **builtin}
    for name, value in values.items():
        content = content.replace("{{" + name + "}}", value)
        content = content.replace("{{ " + name + " }}", value)
    return content
