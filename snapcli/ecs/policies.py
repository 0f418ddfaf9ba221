"""CreateAutoSnapshotPolicy, ModifyAutoSnapshotPolicyEx and DeleteAutoSnapshotPolicy (rules PO)."""

from typing import Annotated, ClassVar

import msgspec

from snapcli.api.errors import ApiError, missing_parameter
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import PolicyName, json_list, limits, needed
from snapcli.ecs.account import require_snapshot_service
from snapcli.ecs.call import Call
from snapcli.ecs.policy_rules import (
    DEFAULT_RETENTION_DAYS,
    disks_with,
    hours_of,
    hours_of_text,
    note_schedule,
    require_policy,
    retention_of,
    retention_of_text,
    weekdays_of,
    weekdays_of_text,
)
from snapcli.ecs.records import PolicyRecord
from snapcli.ecs.region_data import REGIONS
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.schedule import EVERY_DAY
from snapcli.ecs.tags import tags_to_set
from snapcli.ecs.wire import Tag

_Hours = Annotated[list[str], json_list("ParameterInvalid", 403, 24)]
_Days = Annotated[list[str], json_list("ParameterInvalid", 403, 7)]
_Retention = Annotated[
    int, limits("ParameterInvalid", 403, "1 to 65536 days, or -1 for always", ge=-1, le=65536)
]
_CopiesRetention = Annotated[
    int,
    limits(
        "InvalidParameter.CopiedSnapshotsRetentionDays",
        403,
        "1 to 65536 days, or -1 for always",
        ge=-1,
        le=65536,
    ),
]
_Regions = Annotated[list[str], json_list("InvalidParameter.TargetCopyRegions", 403, 1)]


class PolicyRequest(Request, kw_only=True):
    """What creating and modifying a policy have in common: what it is to do, besides when."""

    ignored: ClassVar[tuple[str, ...]] = ("CopyEncryptionConfiguration",)
    local = ("name", "at", "on", "keep")
    region_id: Annotated[str, "The policy's region."] = msgspec.field(name="regionId")
    auto_snapshot_policy_name: Annotated[PolicyName, "A name for people."] = msgspec.field(
        name="autoSnapshotPolicyName", default=""
    )
    enable_cross_region_copy: (
        Annotated[bool, "Copy each of its snapshots to another region."] | None
    ) = None
    target_copy_regions: Annotated[_Regions, "The region to copy them to."] = []
    copied_snapshots_retention_days: (
        Annotated[_CopiesRetention, "How many days the copies are kept; -1 for always."] | None
    ) = None
    name: Annotated[PolicyName, "The same as autoSnapshotPolicyName."] = ""
    at: Annotated[str, "The hours as people write them: 00:00,13:00 or 8-18 or hourly."] = ""
    on: Annotated[str, "The days as people write them: mon-fri, sat,sun or daily."] = ""
    keep: Annotated[str, "The retention as people write it: 30d, 4w or always."] = ""


class CreateAutoSnapshotPolicyRequest(PolicyRequest, kw_only=True):
    """When the policy makes snapshots, and how long they are kept."""

    ignored = ("CopyEncryptionConfiguration", "StorageLocationArn")
    time_points: Annotated[_Hours, needed("At"), "The hours, 0 to 23, of the account's zone."] = (
        msgspec.field(name="timePoints", default_factory=list)
    )
    repeat_weekdays: Annotated[_Days, needed("On", "At"), "The days, 1 (Monday) to 7."] = (
        msgspec.field(name="repeatWeekdays", default_factory=list)
    )
    retention_days: (
        Annotated[
            _Retention, needed("Keep", "At"), "How many days snapshots are kept; -1 for always."
        ]
        | None
    ) = msgspec.field(name="retentionDays", default=None)
    resource_group_id: Annotated[str, "The resource group, given to its snapshots too."] = ""
    tag: Annotated[list[Tag], "Tags for the policy and its snapshots, up to 20."] = []


class CreateAutoSnapshotPolicyResponse(Response):
    """The new policy."""

    auto_snapshot_policy_id: str


@operation("CreateAutoSnapshotPolicy", lock=True, changes=True)
def create_auto_snapshot_policy(
    call: Call, request: CreateAutoSnapshotPolicyRequest
) -> CreateAutoSnapshotPolicyResponse:
    """Create a policy, applied to no disk yet (PO-1, PO-2, PO-9)."""
    require_region(request.region_id, "ParameterInvalid", 403)
    require_snapshot_service(call)
    policies = call.inventory(request.region_id).policies
    most = call.settings.quotas.policies_per_region
    if len(policies) >= most:
        raise ApiError(
            "AutoSnapshotPolicy.QuotaExceed",
            403,
            f"The region {request.region_id} has {len(policies)} automatic snapshot policies; "
            f"{most} are allowed. Delete one with DeleteAutoSnapshotPolicy first.",
        )
    hours, weekdays, retention_days = _when(request, request.time_points, request.repeat_weekdays)
    policy = PolicyRecord(
        policy_id=call.new_id("sp", request.region_id),
        region_id=request.region_id,
        created_at=call.now,
        hours=hours or [],
        weekdays=weekdays or list(EVERY_DAY),
        retention_days=DEFAULT_RETENTION_DAYS if retention_days is None else retention_days,
        name=_name(request),
        resource_group_id=request.resource_group_id,
        tags=tags_to_set(call, request.tag),
    )
    _set_replication(policy, request)
    policies[policy.policy_id] = policy
    note_schedule(call, policy)
    return CreateAutoSnapshotPolicyResponse(auto_snapshot_policy_id=policy.policy_id)


def _name(request: PolicyRequest) -> str:
    _not_both(request.name, request.auto_snapshot_policy_name, "Name", "autoSnapshotPolicyName")
    return request.name or request.auto_snapshot_policy_name


def _when(
    request: "CreateAutoSnapshotPolicyRequest | ModifyAutoSnapshotPolicyExRequest",
    time_points: list[str] | None,
    repeat_weekdays: list[str] | None,
) -> tuple[list[int] | None, list[int] | None, int | None]:
    """Return hours, days and retention as stored, None for what the request leaves open (PO-1)."""
    _not_both(request.at, time_points, "At", "timePoints")
    _not_both(request.on, repeat_weekdays, "On", "repeatWeekdays")
    _not_both(request.keep, request.retention_days, "Keep", "retentionDays")
    hours = weekdays = retention_days = None
    if request.at:
        hours = hours_of_text(request.at)
    elif time_points is not None:
        hours = hours_of(time_points)
    if request.on:
        weekdays = weekdays_of_text(request.on)
    elif repeat_weekdays is not None and (repeat_weekdays or not request.at):
        weekdays = weekdays_of(repeat_weekdays)
    if request.keep:
        retention_days = retention_of_text(request.keep)
    elif request.retention_days is not None:
        retention_days = retention_of(request.retention_days, "retentionDays")
    return hours, weekdays, retention_days


def _not_both(ours: object, theirs: object, our_name: str, their_name: str) -> None:
    if ours and theirs:
        raise ApiError(
            "InvalidParameter.Conflict",
            400,
            f"{our_name} and {their_name} were both given; they say the same thing, give one.",
        )


def _set_replication(policy: PolicyRecord, request: PolicyRequest) -> None:
    """Switch the copying of the policy's snapshots on or off, or change it (PO-9)."""
    on = request.enable_cross_region_copy
    if on is False:
        policy.copy_region_id = ""
        policy.copy_retention_days = 0
        return
    if on and not (request.target_copy_regions or policy.copy_region_id):
        raise _bad_target("EnableCrossRegionCopy needs TargetCopyRegions, a JSON list of a region")
    if request.target_copy_regions:
        [target] = request.target_copy_regions
        if target not in REGIONS or target == policy.region_id:
            raise _bad_target(
                f"TargetCopyRegions names {target!r}; it must be one region other than "
                f"{policy.region_id}"
            )
        if on or policy.copy_region_id:
            policy.copy_region_id = target
    if request.copied_snapshots_retention_days is not None:
        days = retention_of(
            request.copied_snapshots_retention_days,
            "CopiedSnapshotsRetentionDays",
            "InvalidParameter.CopiedSnapshotsRetentionDays",
            403,
        )
        if policy.copy_region_id:
            policy.copy_retention_days = days


def _bad_target(message: str) -> ApiError:
    return ApiError("InvalidParameter.TargetCopyRegions", 403, f"{message}.")


class ModifyAutoSnapshotPolicyExRequest(PolicyRequest, kw_only=True):
    """What to change of a policy; what is not given stays."""

    auto_snapshot_policy_id: Annotated[str, "The policy to change."] = msgspec.field(
        name="autoSnapshotPolicyId"
    )
    time_points: Annotated[_Hours, "The hours, 0 to 23, of the account's zone."] | None = (
        msgspec.field(name="timePoints", default=None)
    )
    repeat_weekdays: Annotated[_Days, "The days, 1 (Monday) to 7."] | None = msgspec.field(
        name="repeatWeekdays", default=None
    )
    retention_days: (
        Annotated[_Retention, "How many days later snapshots are kept; -1 for always."] | None
    ) = msgspec.field(name="retentionDays", default=None)


class PolicyResponse(Response):
    """Nothing but the RequestId."""


@operation("ModifyAutoSnapshotPolicyEx", lock=True, changes=True)
def modify_auto_snapshot_policy_ex(
    call: Call, request: ModifyAutoSnapshotPolicyExRequest
) -> PolicyResponse:
    """Change a policy at once; a new retention is for later snapshots (PO-6, PO-11)."""
    require_region(request.region_id, "ParameterInvalid", 403)
    policy = require_policy(call, request.region_id, request.auto_snapshot_policy_id)
    hours, weekdays, retention_days = _when(request, request.time_points, request.repeat_weekdays)
    name = _name(request)
    _set_replication(policy, request)
    policy.name = name or policy.name
    policy.hours = hours or policy.hours
    policy.weekdays = weekdays or policy.weekdays
    if retention_days is not None:
        policy.retention_days = retention_days
    note_schedule(call, policy)
    return PolicyResponse()


class DeleteAutoSnapshotPolicyRequest(Request):
    """Which policy to delete."""

    region_id: Annotated[str, "The policy's region."] = msgspec.field(name="regionId")
    auto_snapshot_policy_id: Annotated[str, "The policy to delete."] = msgspec.field(
        name="autoSnapshotPolicyId"
    )


@operation("DeleteAutoSnapshotPolicy", lock=True, changes=True)
def delete_auto_snapshot_policy(
    call: Call, request: DeleteAutoSnapshotPolicyRequest
) -> PolicyResponse:
    """Delete a policy; its disks have none then, its snapshots stay (PO-10)."""
    require_region(request.region_id, "ParameterInvalid", 403)
    if not request.auto_snapshot_policy_id:
        raise missing_parameter("autoSnapshotPolicyId")
    policy = require_policy(call, request.region_id, request.auto_snapshot_policy_id)
    for disk in disks_with(call, policy):
        disk.policy_id = ""
    del call.inventory(request.region_id).policies[policy.policy_id]
    return PolicyResponse()
