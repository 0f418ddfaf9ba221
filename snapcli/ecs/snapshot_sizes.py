"""A region's snapshot size over time: DescribeSnapshotMonitorData, and the console's tab (SZ-1).

Both read the ledgers of the region's chains, those that are gone included.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.types import choice, limits
from snapcli.ecs.call import Call
from snapcli.ecs.ledger import INSTANT, instant_text
from snapcli.ecs.records import BLOCK_BYTES
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.usage import course, owners
from snapcli.ecs.wire import instant_of, seconds_time

_MOST_POINTS = 400
_API_DAYS = 30
_CONSOLE_DAYS = 15
_PERIODS = (60, 600, 3600)
# The console's chart: the shortest of these steps that leaves it readable.
_STEPS = (60, 300, 600, 1800, 3600)
_MOST_CHARTED = 361


class DescribeSnapshotMonitorDataRequest(Request):
    """Of which period, in which steps."""

    start_time: Annotated[str, "Where to begin, such as 2022-03-11T02:33:00Z; up to 30 days ago."]
    end_time: Annotated[str, "Where to end."]
    region_id: Annotated[str, "The region to add up."] = ""
    period: Annotated[int, "The seconds between two points: 60, 600 or 3600."] = 60
    category: Annotated[
        str,
        choice("InvalidSnapshotCategory.Malformed", 403, "standard", "flash", "archive"),
        "Of which storage kind.",
    ] = "standard"


class DataPointItem(Item):
    """The bytes that were stored at an instant."""

    size: int
    time_stamp: str


class MonitorDataSet(Item):
    """The points of a response."""

    data_point: list[DataPointItem]


class DescribeSnapshotMonitorDataResponse(Response):
    """The course of a region's snapshot size."""

    monitor_data: MonitorDataSet


@operation("DescribeSnapshotMonitorData", lock=False, changes=False)
def describe_snapshot_monitor_data(
    call: Call, request: DescribeSnapshotMonitorDataRequest
) -> DescribeSnapshotMonitorDataResponse:
    """Tell a region's snapshot size at up to 400 instants of the last 30 days, none yet to come."""
    require_region(request.region_id)
    if request.period not in _PERIODS:
        raise ApiError(
            "InvalidPeriod.ValueNotSupported",
            400,
            f"The Period {request.period} is not supported. It must be 60, 600 or 3600 seconds.",
        )
    start, end = instant_of(request.start_time), instant_of(request.end_time)
    if start is None:
        raise ApiError("InvalidStartTime.Malformed", 400, _malformed("StartTime", request))
    if end is None:
        raise ApiError("InvalidEndTime.Malformed", 400, _malformed("EndTime", request))
    start, end = _next_minute(start), _next_minute(end)
    if end < start:
        raise ApiError(
            "InvalidEndTime.Malformed",
            400,
            f"EndTime {request.end_time} lies before StartTime {request.start_time}.",
        )
    if start < call.now - timedelta(days=_API_DAYS):
        raise ApiError(
            "InvalidStartTime.TooEarly",
            400,
            f"StartTime {request.start_time} is more than {_API_DAYS} days ago; it is "
            f"{seconds_time(call.now)}.",
        )
    times = _times(start, min(end, call.now), timedelta(seconds=request.period))
    if len(times) > _MOST_POINTS:
        raise ApiError(
            "InvalidParameter.TooManyDataQueried",
            400,
            f"{len(times)} points were asked for; {_MOST_POINTS} can be. Give a longer Period or "
            "a shorter time.",
        )
    sizes = _sizes(call, request.region_id, [request.category], times)
    points = [
        DataPointItem(size=size, time_stamp=seconds_time(time))
        for time, size in zip(times, sizes, strict=True)
    ]
    return DescribeSnapshotMonitorDataResponse(monitor_data=MonitorDataSet(data_point=points))


def _malformed(name: str, request: DescribeSnapshotMonitorDataRequest) -> str:
    given = request.start_time if name == "StartTime" else request.end_time
    return f"{name} {given!r} is no instant. It must be written like 2022-03-11T02:33:00Z."


def _next_minute(instant: datetime) -> datetime:
    return instant + timedelta(seconds=-instant.second % 60)


def _times(start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    if end < start:
        return []
    return [start + step * number for number in range((end - start) // step + 1)]


def _sizes(
    call: Call, region_id: str, kinds: Sequence[str], times: Sequence[datetime]
) -> list[int]:
    """Return the bytes of some kinds that a region stored at each instant."""
    found = [
        history
        for owner in owners(call, region_id)
        for history in owner.history
        if history.kind in kinds
    ]
    blocks = course(found, [instant_text(time) for time in times])
    return [count * BLOCK_BYTES for count in blocks]


# The console's tab


class ShowSizeHistoryRequest(Request):
    """Of which period: some days up to now, or from one instant to another."""

    region_id: Annotated[str, "The region to add up."] = ""
    days: Annotated[
        int,
        limits("InvalidParameter", 400, "1 to 15 days", ge=1, le=_CONSOLE_DAYS),
        "So many days up to now; 15 when nothing is said.",
    ] = 0
    from_: Annotated[str, "Where to begin: 2022-03-11T08:00Z, or -36h."] = msgspec.field(
        name="From", default=""
    )
    to: Annotated[str, "Where to end; by default now."] = ""


class SizePoint(Item):
    """What a region stored at an instant, in bytes; `Size` is of all three kinds."""

    time: str
    size: int
    standard_size: int
    local_size: int
    archive_size: int
    instant_access_size: int


class ShowSizeHistoryResponse(Response):
    """The course of a region's snapshot size, in equal steps and at the end."""

    region_id: str
    start: str
    end: str
    step_seconds: int
    points: list[SizePoint]


@operation("ShowSizeHistory", lock=False, changes=False)
def show_size_history(call: Call, request: ShowSizeHistoryRequest) -> ShowSizeHistoryResponse:
    """Tell a region's snapshot size over a period within the last 15 days (SZ-1)."""
    require_region(request.region_id)
    start, end = _period(call, request)
    seconds = (end - start) // timedelta(seconds=1)
    step = next((each for each in _STEPS if seconds // each < _MOST_CHARTED), _STEPS[-1])
    times = _times(start, end, timedelta(seconds=step))
    if times[-1] != end:
        times.append(end)
    kinds = [
        _sizes(call, request.region_id, [kind], times)
        for kind in ("standard", "flash", "archive", INSTANT)
    ]
    return ShowSizeHistoryResponse(
        region_id=request.region_id,
        start=seconds_time(start),
        end=seconds_time(end),
        step_seconds=step,
        points=[
            SizePoint(
                time=seconds_time(time),
                size=standard + local + archive,
                standard_size=standard,
                local_size=local,
                archive_size=archive,
                instant_access_size=fast,
            )
            for time, standard, local, archive, fast in zip(times, *kinds, strict=True)
        ],
    )


def _period(call: Call, request: ShowSizeHistoryRequest) -> tuple[datetime, datetime]:
    """Return the period that was asked for. Raises ApiError."""
    from snapcli.workspace.time_text import parse_instant

    if request.days and (request.from_ or request.to):
        raise ApiError(
            "InvalidParameter.Conflict", 400, "Give Days, or From and To, not both of them."
        )
    longest = timedelta(days=_CONSOLE_DAYS)
    try:
        end = parse_instant(request.to or "now", call.now)
        default = end - timedelta(days=request.days or _CONSOLE_DAYS)
        start = parse_instant(request.from_, call.now) if request.from_ else default
    except ValueError as error:
        raise ApiError("InvalidParameter", 400, str(error)) from None
    if not request.from_:
        start = max(start, call.now - longest)
    if start < call.now - longest or end > call.now or end < start:
        raise ApiError(
            "InvalidParameter",
            400,
            f"From {seconds_time(start)} to {seconds_time(end)} is no period within the last "
            f"{_CONSOLE_DAYS} days; it is {seconds_time(call.now)}.",
        )
    return start, end
