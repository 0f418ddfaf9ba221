"""PreviewPolicy: the next runs of a policy, or of hours and days that none has yet."""

from itertools import islice
from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.types import limits
from snapcli.ecs.call import Call
from snapcli.ecs.policy_outlook import Outlook, find_policy, next_runs, time_zone
from snapcli.ecs.policy_rules import disks_with, hours_of_text, weekdays_of_text
from snapcli.ecs.records import DiskRecord
from snapcli.ecs.schedule import EVERY_DAY, zone
from snapcli.ecs.wire import seconds_time


class PreviewPolicyRequest(Request):
    """Which policy, or which hours and days, and how many runs."""

    auto_snapshot_policy_id: Annotated[str, "The policy to look at."] = ""
    at: Annotated[str, "Instead of a policy, hours: 00:00,13:00 or 8-18 or hourly."] = ""
    on: Annotated[str, "The days of those hours: mon-fri, sat,sun; every day by default."] = ""
    count: Annotated[
        int, limits("InvalidParameter", 400, "1 to 1000", ge=1, le=1000), "How many runs."
    ] = 10
    disk_id: Annotated[str, "For this disk; by default for those the policy is applied to."] = ""


class RunDiskItem(Item):
    """A disk at a run: `Reason` says why it would get no snapshot, and is empty where it would."""

    disk_id: str
    reason: str


class RunItem(Item):
    """A run: its instant, the same in the account's zone, the day, and what becomes of disks."""

    time: str
    local_time: str
    weekday: str
    disks: list[RunDiskItem]


class PreviewPolicyResponse(Response):
    """The next runs, as things stand; without disks a run captures nothing."""

    auto_snapshot_policy_id: str
    time_zone: str
    runs: list[RunItem]


@operation("PreviewPolicy", lock=False, changes=False)
def preview_policy(call: Call, request: PreviewPolicyRequest) -> PreviewPolicyResponse:
    """Tell the next instants at which snapshots are due, before or after applying (PO-1, PO-12)."""
    hours, weekdays, disks = _wanted(call, request)
    there = zone(time_zone(call))
    outlooks = [(disk.disk_id, Outlook(call, disk)) for disk in disks]
    runs = []
    for instant in islice(next_runs(call, hours, weekdays, call.now), request.count):
        local = instant.astimezone(there)
        runs.append(
            RunItem(
                time=seconds_time(instant),
                local_time=local.isoformat(timespec="seconds"),
                weekday=f"{local:%A}",
                disks=[
                    RunDiskItem(disk_id=disk_id, reason=outlook.reason_to_skip(instant))
                    for disk_id, outlook in outlooks
                ],
            )
        )
    return PreviewPolicyResponse(
        auto_snapshot_policy_id=request.auto_snapshot_policy_id,
        time_zone=time_zone(call),
        runs=runs,
    )


def _wanted(
    call: Call, request: PreviewPolicyRequest
) -> tuple[list[int], list[int], list[DiskRecord]]:
    """Return the hours, the days and the disks that are asked about."""
    policy_id = request.auto_snapshot_policy_id
    if policy_id and (request.at or request.on):
        raise ApiError(
            "InvalidParameter.Conflict",
            400,
            "At and On are for hours that no policy has; give either them or a policy.",
        )
    disks = [call.disk(request.disk_id)] if request.disk_id else []
    if policy_id:
        policy = find_policy(call, policy_id)
        return policy.hours, policy.weekdays, disks or disks_with(call, policy)
    if not request.at:
        raise ApiError(
            "MissingParameter",
            400,
            "Nothing says which runs: give a policy's id, or At with hours such as 00:00,13:00.",
        )
    weekdays = weekdays_of_text(request.on) if request.on else list(EVERY_DAY)
    return hours_of_text(request.at), weekdays, disks
