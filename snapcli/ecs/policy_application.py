"""ApplyAutoSnapshotPolicy and CancelAutoSnapshotPolicy: which disks have which policy (PO-2)."""

from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import json_list
from snapcli.ecs.account import require_snapshot_service
from snapcli.ecs.call import Call
from snapcli.ecs.disk_categories import CATEGORIES
from snapcli.ecs.policy_rules import apply, invalid, require_policy
from snapcli.ecs.records import DiskRecord
from snapcli.ecs.region_rules import require_region

_DiskIds = Annotated[list[str], json_list("ParameterInvalid", 403, 1000)]


class ApplyAutoSnapshotPolicyRequest(Request):
    """Which policy to apply to which disks."""

    region_id: Annotated[str, "The region of policy and disks."] = msgspec.field(name="regionId")
    auto_snapshot_policy_id: Annotated[str, "The policy."] = msgspec.field(
        name="autoSnapshotPolicyId"
    )
    disk_ids: Annotated[_DiskIds, "The disks."] = msgspec.field(name="diskIds")


class ApplicationResponse(Response):
    """Nothing but the RequestId."""


@operation("ApplyAutoSnapshotPolicy", lock=True, changes=True)
def apply_auto_snapshot_policy(
    call: Call, request: ApplyAutoSnapshotPolicyRequest
) -> ApplicationResponse:
    """Apply a policy to disks, to all or none; it replaces the one a disk has (PO-2, PO-10)."""
    require_region(request.region_id, "ParameterInvalid", 403)
    require_snapshot_service(call)
    policy = require_policy(call, request.region_id, request.auto_snapshot_policy_id)
    disks = _disks(call, request.region_id, request.disk_ids)
    _refuse_local(disks)
    apply(call, policy, disks)
    return ApplicationResponse()


class CancelAutoSnapshotPolicyRequest(Request):
    """Which disks to take the policy off."""

    region_id: Annotated[str, "The disks' region."] = msgspec.field(name="regionId")
    disk_ids: Annotated[_DiskIds, "The disks."] = msgspec.field(name="diskIds")
    auto_snapshot_policy_id: Annotated[str, "Only where it is this policy."] = msgspec.field(
        name="autoSnapshotPolicyId", default=""
    )


@operation("CancelAutoSnapshotPolicy", lock=True, changes=True)
def cancel_auto_snapshot_policy(
    call: Call, request: CancelAutoSnapshotPolicyRequest
) -> ApplicationResponse:
    """Take the policy off disks; their automatic snapshots stay (PO-10)."""
    require_region(request.region_id, "ParameterInvalid", 403)
    for disk in _disks(call, request.region_id, request.disk_ids):
        if request.auto_snapshot_policy_id in ("", disk.policy_id):
            disk.policy_id = ""
    return ApplicationResponse()


def _disks(call: Call, region_id: str, disk_ids: list[str]) -> list[DiskRecord]:
    """Return the named disks of the region, each once; raises ApiError InvalidDiskId.NotFound."""
    if not disk_ids:
        raise invalid('diskIds is empty; it must name at least one disk, as in ["d-…"].')
    known = call.inventory(region_id).disks
    unknown = [disk_id for disk_id in disk_ids if disk_id not in known]
    if unknown:
        raise ApiError(
            "InvalidDiskId.NotFound",
            404,
            f"There is no disk {', '.join(unknown)} in {region_id}. Nothing was done.",
        )
    return [known[disk_id] for disk_id in dict.fromkeys(disk_ids)]


def _refuse_local(disks: list[DiskRecord]) -> None:
    """Raise ApiError when one of the disks is a local disk (PO-3)."""
    local = [disk for disk in disks if CATEGORIES[disk.category].local]
    if not local:
        return
    named = ", ".join(f"{disk.disk_id} ({disk.category})" for disk in local)
    if len(local) < len(disks):
        raise ApiError(
            "PartofDiskCategory.OperationNotSupported",
            400,
            f"Some of the disks are local disks: {named}. Automatic snapshot policies are for "
            "cloud disks; nothing was done.",
        )
    raise ApiError(
        "DiskCategory.OperationNotSupported",
        400,
        f"Local disks: {named}. Automatic snapshot policies are for cloud disks.",
    )
