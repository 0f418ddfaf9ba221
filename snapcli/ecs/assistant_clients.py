"""Cloud Assistant's client on instances: InstallCloudAssistant, DescribeCloudAssistantStatus."""

from typing import Annotated

import msgspec

from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.paging import PagedResponse, page
from snapcli.ecs.assistant_state import AssistantPage, assistant_of, instances_meant, state_of
from snapcli.ecs.call import Call
from snapcli.ecs.guest_attributes import INSTALLED, has_assistant, is_windows
from snapcli.ecs.phases import instance_status
from snapcli.ecs.records import InstanceRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.wire import seconds_time

VERSIONS = {"linux": "2.2.2.193", "windows": "2.1.2.193"}


class InstallCloudAssistantRequest(Request, kw_only=True):
    """On which instances."""

    region_id: Annotated[str, "The region."] = ""
    instance_id: Annotated[list[str], "The instances, up to 100."]


class InstallCloudAssistantResponse(Response):
    """Nothing but the RequestId."""


@operation("InstallCloudAssistant", lock=True, changes=True)
def install_cloud_assistant(
    call: Call, request: InstallCloudAssistantRequest
) -> InstallCloudAssistantResponse:
    """Put the Cloud Assistant client on instances."""
    require_region(request.region_id)
    for instance in instances_meant(call, request.region_id, request.instance_id, []):
        instance.assistant = INSTALLED
    return InstallCloudAssistantResponse()


class DescribeCloudAssistantStatusRequest(AssistantPage):
    """Which instances to ask."""

    region_id: Annotated[str, "The region."] = ""
    instance_id: Annotated[list[str], "Only these instances, up to 100."] = []
    os_type: Annotated[str, msgspec.Meta(), "Only on linux or windows."] = msgspec.field(
        default="", name="OSType"
    )


class ClientItem(Item):
    """The client on one instance."""

    active_task_count: int
    cloud_assistant_status: str
    cloud_assistant_version: str
    instance_id: str
    invocation_count: int
    last_heartbeat_time: str
    last_invoked_time: str
    os_type: str = msgspec.field(name="OSType")
    support_session_manager: bool


class ClientSet(Item):
    """The clients of a response."""

    instance_cloud_assistant_status: list[ClientItem]


class DescribeCloudAssistantStatusResponse(PagedResponse):
    """A page of instances."""

    instance_cloud_assistant_status_set: ClientSet


@operation("DescribeCloudAssistantStatus", lock=False, changes=False)
def describe_cloud_assistant_status(
    call: Call, request: DescribeCloudAssistantStatusRequest
) -> DescribeCloudAssistantStatusResponse:
    """Say on which instances the client is and runs."""
    require_region(request.region_id)
    if request.instance_id:
        found = instances_meant(call, request.region_id, request.instance_id, [])
    else:
        found = list(call.inventory(request.region_id).instances.values())
    wanted = request.os_type.lower()
    found = [each for each in found if wanted in ("", _system(each))]
    cut = page(found, request, most_results=50)
    return DescribeCloudAssistantStatusResponse(
        instance_cloud_assistant_status_set=ClientSet(
            instance_cloud_assistant_status=[_item(call, each) for each in cut.items]
        )
    ).at(cut)


def _system(instance: InstanceRecord) -> str:
    return "windows" if is_windows(instance) else "linux"


def _item(call: Call, instance: InstanceRecord) -> ClientItem:
    there = has_assistant(call, instance)
    runs = there and instance_status(instance, call.now) == "Running"
    invocations = assistant_of(call, instance.region_id).invocations.values()
    mine = [
        each.results[instance.instance_id]
        for each in invocations
        if instance.instance_id in each.results
    ]
    invoked = [result.started_at for result in mine if result.started_at]
    return ClientItem(
        active_task_count=sum(state_of(result) in ("Pending", "Running") for result in mine),
        cloud_assistant_status=str(runs).lower(),
        cloud_assistant_version=VERSIONS[_system(instance)] if there else "",
        instance_id=instance.instance_id,
        invocation_count=len(mine),
        last_heartbeat_time=seconds_time(call.now) if runs else "",
        last_invoked_time=seconds_time(max(invoked, default=None)),
        os_type="Windows" if is_windows(instance) else "Linux",
        support_session_manager=False,
    )
