"""DescribeTasks, DescribeTaskAttribute and CancelTask: how far exports and imports have come.

A task's bytes are there when the command that began it returns; how long it seems to take is a
matter of the workspace's clock and speed.
"""

from datetime import datetime, timedelta
from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.paging import DEFAULT_PAGE_SIZE, PagedRequest, page
from snapcli.api.types import PageNumber, PageSize
from snapcli.ecs.call import Call
from snapcli.ecs.phases import percent_over
from snapcli.ecs.records import TaskRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.wire import instant_of, seconds_time

EXPORT, IMPORT = "ExportImage", "ImportImage"
_KEPT = timedelta(days=30)


def new_task(
    call: Call, region_id: str, action: str, resource_id: str, ready_at: datetime
) -> TaskRecord:
    """Return a new task's record, put into the region's inventory; old ones are forgotten."""
    tasks = call.inventory(region_id).tasks
    for old in [task for task in tasks.values() if task.ready_at + _KEPT < call.now]:
        del tasks[old.task_id]
    task = TaskRecord(
        task_id=call.new_id("tsk", region_id),
        region_id=region_id,
        action=action,
        resource_id=resource_id,
        created_at=call.now,
        ready_at=ready_at,
    )
    tasks[task.task_id] = task
    return task


def task_status(task: TaskRecord, now: datetime) -> str:
    """Return Processing, Finished, or Deleted for one that was cancelled."""
    if task.cancelled_at is not None:
        return "Deleted"
    return "Processing" if now < task.ready_at else "Finished"


def unfinished_task(call: Call, region_id: str, action: str, resource_id: str) -> TaskRecord | None:
    """Return the task of that kind that is at work on a resource, or None."""
    for task in call.inventory(region_id).tasks.values():
        same = (task.action, task.resource_id) == (action, resource_id)
        if same and task_status(task, call.now) == "Processing":
            return task
    return None


def _finished_time(task: TaskRecord, now: datetime) -> str:
    if task.cancelled_at is not None:
        return seconds_time(task.cancelled_at)
    return seconds_time(task.ready_at) if task.ready_at <= now else ""


def _supports_cancel(task: TaskRecord, now: datetime) -> str:
    return str(task_status(task, now) == "Processing").lower()


class DescribeTasksRequest(Request):
    """Which tasks to list; all filters must match."""

    ignored = ("TaskGroupId",)
    region_id: Annotated[str, "The region to look in."] = ""
    task_ids: Annotated[str, "Only these ids, separated by commas, up to 100."] = ""
    task_action: Annotated[str, "Only of this kind: ImportImage or ExportImage."] = ""
    task_status: Annotated[str, "Only in these states, such as Processing, by commas."] = ""
    resource_ids: Annotated[list[str], "Only on these images."] = []
    start_time: Annotated[str, "Only created at or after this, 2022-01-31T10:00Z."] = ""
    end_time: Annotated[str, "Only created at or before this."] = ""
    page_number: Annotated[PageNumber, "The page to show, from 1."] = 1
    page_size: Annotated[PageSize, "How many a page, at most 100."] = DEFAULT_PAGE_SIZE


class TaskItem(Item):
    """A task in a list."""

    creation_time: str
    finished_time: str
    resource_id: str
    support_cancel: str
    task_action: str
    task_id: str
    task_status: str


class TaskSet(Item):
    """The tasks of a response."""

    task: list[TaskItem]


class DescribeTasksResponse(Response):
    """A page of tasks, newest first."""

    task_set: TaskSet
    region_id: str
    total_count: int
    page_number: int
    page_size: int


@operation("DescribeTasks", lock=False, changes=False)
def describe_tasks(call: Call, request: DescribeTasksRequest) -> DescribeTasksResponse:
    """List a region's tasks with their state at this instant; changes nothing."""
    require_region(request.region_id, "InvalidRegionId.NotFound", 400)
    start = _instant("StartTime", request.start_time)
    end = _instant("EndTime", request.end_time)
    found = [
        task
        for task in call.inventory(request.region_id).tasks.values()
        if _among(task.task_id, request.task_ids)
        and _among(task_status(task, call.now), request.task_status)
        and request.task_action in ("", task.action)
        and (not request.resource_ids or task.resource_id in request.resource_ids)
        and (start is None or task.created_at >= start)
        and (end is None or task.created_at <= end)
    ]
    found.sort(key=lambda task: task.created_at, reverse=True)
    asked = PagedRequest(page_number=request.page_number, page_size=request.page_size)
    cut = page(found, asked)
    return DescribeTasksResponse(
        task_set=TaskSet(
            task=[
                TaskItem(
                    creation_time=seconds_time(task.created_at),
                    finished_time=_finished_time(task, call.now),
                    resource_id=task.resource_id,
                    support_cancel=_supports_cancel(task, call.now),
                    task_action=task.action,
                    task_id=task.task_id,
                    task_status=task_status(task, call.now),
                )
                for task in cut.items
            ]
        ),
        region_id=request.region_id,
        total_count=cut.total_count,
        page_number=cut.page_number,
        page_size=cut.page_size,
    )


def _among(value: str, listed: str) -> bool:
    return not listed or value in [part.strip() for part in listed.split(",")]


def _instant(name: str, text: str) -> datetime | None:
    instant = instant_of(text) if text else None
    if text and instant is None:
        raise ApiError(
            "InvalidParameter",
            400,
            f"{name} {text!r} is no instant. It must be written like 2022-01-31T10:00Z.",
        )
    return instant


def require_task(call: Call, task_id: str, region_id: str) -> TaskRecord:
    """Return a task of the region, or raise ApiError InvalidTaskId.NotFound."""
    task = call.inventory(region_id).tasks.get(task_id)
    if task is None:
        raise ApiError(
            "InvalidTaskId.NotFound",
            400,
            f"There is no task {task_id!r} in {region_id}. DescribeTasks lists them.",
        )
    return task


class DescribeTaskAttributeRequest(Request):
    """Which task to tell of."""

    task_id: Annotated[str, "The task."]
    region_id: Annotated[str, "Its region."] = ""


class _RelatedItem(Item):
    name: str
    value: str


class _RelatedSet(Item):
    related_item: list[_RelatedItem]


class _OperationProgress(Item, kw_only=True):
    error_code: str = ""
    error_msg: str = ""
    operation_status: str
    related_item_set: _RelatedSet


class _ProgressSet(Item):
    operation_progress: list[_OperationProgress]


class DescribeTaskAttributeResponse(Response):
    """A task, how far it has come, and what it works on."""

    creation_time: str
    failed_count: int
    finished_time: str
    operation_progress_set: _ProgressSet
    region_id: str
    success_count: int
    support_cancel: str
    task_action: str
    task_id: str
    task_process: str
    task_status: str
    total_count: int


@operation("DescribeTaskAttribute", lock=False, changes=False)
def describe_task_attribute(
    call: Call, request: DescribeTaskAttributeRequest
) -> DescribeTaskAttributeResponse:
    """Tell how far a task has come at this instant; changes nothing."""
    require_region(request.region_id, "InvalidRegionId.NotFound", 400)
    task = require_task(call, request.task_id, request.region_id)
    status = task_status(task, call.now)
    related = [_RelatedItem(name="ImageId", value=task.resource_id)]
    related += [_RelatedItem(name="OSSObject", value=file) for file in task.files]
    outcome = {"Finished": "Success", "Deleted": "Failed"}.get(status, "Processing")
    until = task.cancelled_at or call.now
    return DescribeTaskAttributeResponse(
        creation_time=seconds_time(task.created_at),
        failed_count=int(status == "Deleted"),
        finished_time=_finished_time(task, call.now),
        operation_progress_set=_ProgressSet(
            operation_progress=[
                _OperationProgress(
                    operation_status=outcome, related_item_set=_RelatedSet(related_item=related)
                )
            ]
        ),
        region_id=task.region_id,
        success_count=int(status == "Finished"),
        support_cancel=_supports_cancel(task, call.now),
        task_action=task.action,
        task_id=task.task_id,
        task_process=f"{percent_over(task.created_at, task.ready_at, until)}%",
        task_status=status,
        total_count=1,
    )


class CancelTaskRequest(Request):
    """Which task to end."""

    task_id: Annotated[str, "The task, still Processing."]
    region_id: Annotated[str, "Its region."] = ""


class CancelTaskResponse(Response):
    """Nothing but the RequestId."""


@operation("CancelTask", lock=True, changes=True)
def cancel_task(call: Call, request: CancelTaskRequest) -> CancelTaskResponse:
    """End a task: the files of an export go, or the image of an import."""
    require_region(request.region_id, "InvalidRegionId.NotFound", 400)
    task = require_task(call, request.task_id, request.region_id)
    status = task_status(task, call.now)
    if status != "Processing":
        raise ApiError(
            "InvalidTaskId.IncorrectTaskStatus",
            403,
            f"The task {task.task_id} is {status}; only one that is Processing can be ended.",
        )
    if task.action == EXPORT:
        call.tx.after_commit("withdraw", {"files": task.files})
    else:
        from snapcli.ecs.image_changes import remove_image

        image = call.inventory(task.region_id).images.get(task.resource_id)
        if image is not None:
            remove_image(call, image)
    task.cancelled_at = call.now
    return CancelTaskResponse()
