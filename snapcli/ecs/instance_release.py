"""DeleteInstance and DeleteInstances: releasing an instance and, with it, its disks."""

from typing import Annotated

from snapcli.api.errors import ApiError, DryRunOperation
from snapcli.api.operation import operation
from snapcli.api.types import ClientToken
from snapcli.ecs.call import Call
from snapcli.ecs.disk_making import release_disk
from snapcli.ecs.disk_use import ForceInUse, require_not_in_use
from snapcli.ecs.guest_insides import leave_inside, remove_inside, require_leavable
from snapcli.ecs.instance_power import (
    InstanceRequest,
    InstanceResponse,
    InstancesRequest,
    instances_of,
)
from snapcli.ecs.phases import instance_status
from snapcli.ecs.records import InstanceRecord


class DeleteInstanceRequest(InstanceRequest):
    """Which instance to release."""

    ignored = ("TerminateSubscription",)
    local = ("force_in_use",)
    force: Annotated[bool, "Release it although it is running."] = False
    force_stop: Annotated[bool, "Makes no difference here."] = False
    force_in_use: ForceInUse = False


@operation("DeleteInstance", lock=True, changes=True)
def delete_instance(call: Call, request: DeleteInstanceRequest) -> InstanceResponse:
    """Release an instance with the disks that go with it; manual snapshots stay (DL-5)."""
    instance = call.instance(request.instance_id)
    _check(call, instance, request)
    _require_disks_not_in_use(call, instance, request.force_in_use)
    if request.dry_run:
        raise DryRunOperation
    release(call, instance)
    return InstanceResponse()


class DeleteInstancesRequest(InstancesRequest):
    """Which instances to release."""

    ignored = ("TerminateSubscription",)
    local = ("force_in_use",)
    force: Annotated[bool, "Release them although they are running."] = False
    force_stop: Annotated[bool, "Makes no difference here."] = False
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""
    force_in_use: ForceInUse = False


@operation("DeleteInstances", lock=True, changes=True)
def delete_instances(call: Call, request: DeleteInstancesRequest) -> InstanceResponse:
    """Release several instances, all or none."""
    instances = instances_of(call, request.region_id, request.instance_id)
    for instance in instances:
        _check(call, instance, request)
        require_leavable(call, instance)
    for instance in instances:
        _require_disks_not_in_use(call, instance, request.force_in_use)
    if request.dry_run:
        raise DryRunOperation
    for instance in instances:
        release(call, instance)
    return InstanceResponse()


def _check(
    call: Call, instance: InstanceRecord, request: DeleteInstanceRequest | DeleteInstancesRequest
) -> None:
    if instance.deletion_protection:
        raise ApiError(
            "InvalidOperation.DeletionProtection",
            403,
            f"The instance {instance.instance_id} is protected from release. Switch "
            "DeletionProtection off with ModifyInstanceAttribute first.",
        )
    status = instance_status(instance, call.now)
    if status != "Stopped" and not request.force:
        raise ApiError(
            "IncorrectInstanceStatus",
            403,
            f"The instance {instance.instance_id} is {status}; stop it first, or release it with "
            "Force true.",
        )


def _require_disks_not_in_use(call: Call, instance: InstanceRecord, force_in_use: bool) -> None:
    """Raise ApiError when another program uses a disk that goes with the instance.

    What the instance itself has mounted or runs is ended by the release.
    """
    for disk in call.disks_of(instance):
        if disk.delete_with_instance:
            require_not_in_use(
                call, disk, force_in_use, "IncorrectInstanceStatus", 403, but_own=True
            )


def release(call: Call, instance: InstanceRecord, *, by_force: bool = False) -> None:
    """Release an instance: disks with DeleteWithInstance go, the others become Available.

    Its inside goes too. `by_force` cuts off what is outside and keeps a disk busy; without, that
    is refused with ApiError DependencyViolation. Whether another program uses a disk that goes is
    for the operations to ask: time, which releases as well, can't be refused, and the bytes stay
    for whoever has the file open.
    """
    leave_inside(call, instance, by_force=by_force)
    remove_inside(call, instance)
    for disk in call.disks_of(instance):
        if disk.delete_with_instance:
            release_disk(call, disk)
        else:
            disk.instance_id = disk.device = ""
            disk.detached_at = call.now
            disk.phases = []
    del call.inventory(instance.region_id).instances[instance.instance_id]
