"""Starting, stopping and restarting instances; what that does to snapshots in creation (CR-11)."""

from collections.abc import Callable
from typing import Annotated

from snapcli.api.errors import ApiError, DryRunOperation
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.types import limits
from snapcli.ecs.call import Call
from snapcli.ecs.guest_insides import leave_inside, require_leavable
from snapcli.ecs.phases import instance_status, phases_from
from snapcli.ecs.records import InstanceRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.snapshot_state import must_be_awaited

_DRY_RUN = "Check everything, change nothing."


class InstanceRequest(Request):
    """Base of the requests about one instance."""

    instance_id: Annotated[str, "The instance."]
    dry_run: Annotated[bool, _DRY_RUN] = False


class InstancesRequest(Request):
    """Base of the requests about several instances."""

    instance_id: Annotated[
        list[str],
        limits("InvalidParameter", 400, "up to 100 instance ids", max_length=100),
        "The instances, up to 100.",
    ]
    region_id: Annotated[str, "Their region."] = ""
    dry_run: Annotated[bool, _DRY_RUN] = False


class InstanceResponse(Response):
    """Nothing but the RequestId."""


class InstanceOutcome(Item):
    """What became of one instance of several."""

    code: str
    current_status: str
    instance_id: str
    message: str
    previous_status: str


class InstanceOutcomes(Item):
    """The outcomes of a call about several instances."""

    instance_response: list[InstanceOutcome]


class InstancesResponse(Response):
    """One outcome for each instance."""

    instance_responses: InstanceOutcomes


class StartInstanceRequest(InstanceRequest):
    """Which instance to start."""

    ignored = ("InitLocalDisk",)


@operation("StartInstance", lock=True, changes=True)
def start_instance(call: Call, request: StartInstanceRequest) -> InstanceResponse:
    """Start a stopped instance."""
    return _one(call, request, "Stopped", start)


class StartInstancesRequest(InstancesRequest):
    """Which instances to start."""

    ignored = ("BatchOptimization",)


@operation("StartInstances", lock=True, changes=True)
def start_instances(call: Call, request: StartInstancesRequest) -> InstancesResponse:
    """Start several stopped instances, all or none."""
    return _several(call, request, "Stopped", start)


class StopInstanceRequest(InstanceRequest):
    """Which instance to stop."""

    ignored = ("ConfirmStop", "Hibernate")
    force_stop: Annotated[bool, "End what runs inside without asking it first."] = False
    stopped_mode: Annotated[str, "KeepCharging or StopCharging, kept as given."] = ""


@operation("StopInstance", lock=True, changes=True)
def stop_instance(call: Call, request: StopInstanceRequest) -> InstanceResponse:
    """Stop a running instance; snapshots of its disks in creation fail (CR-11)."""
    how = (request.stopped_mode, request.force_stop)
    return _one(call, request, "Running", lambda c, i: stop(c, i, *how))


class StopInstancesRequest(InstancesRequest):
    """Which instances to stop."""

    ignored = ("BatchOptimization",)
    force_stop: Annotated[bool, "End what runs inside without asking it first."] = False
    stopped_mode: Annotated[str, "KeepCharging or StopCharging, kept as given."] = ""


@operation("StopInstances", lock=True, changes=True)
def stop_instances(call: Call, request: StopInstancesRequest) -> InstancesResponse:
    """Stop several running instances, all or none."""
    how = (request.stopped_mode, request.force_stop)
    return _several(call, request, "Running", lambda c, i: stop(c, i, *how))


class RebootInstanceRequest(InstanceRequest):
    """Which instance to restart."""

    force_stop: Annotated[bool, "End what runs inside without asking it first."] = False


@operation("RebootInstance", lock=True, changes=True)
def reboot_instance(call: Call, request: RebootInstanceRequest) -> InstanceResponse:
    """Restart a running instance; snapshots of its disks in creation fail (CR-11)."""
    return _one(call, request, "Running", lambda c, i: reboot(c, i, request.force_stop))


class RebootInstancesRequest(InstancesRequest):
    """Which instances to restart."""

    ignored = ("BatchOptimization",)
    force_reboot: Annotated[bool, "End what runs inside without asking it first."] = False


@operation("RebootInstances", lock=True, changes=True)
def reboot_instances(call: Call, request: RebootInstancesRequest) -> InstancesResponse:
    """Restart several running instances, all or none."""
    return _several(call, request, "Running", lambda c, i: reboot(c, i, request.force_reboot))


def _one(
    call: Call,
    request: InstanceRequest,
    wanted: str,
    change: Callable[[Call, InstanceRecord], None],
) -> InstanceResponse:
    instance = call.instance(request.instance_id)
    require_status(call, instance, wanted)
    require_leavable(call, instance)
    if request.dry_run:
        raise DryRunOperation
    change(call, instance)
    return InstanceResponse()


def _several(
    call: Call,
    request: InstancesRequest,
    wanted: str,
    change: Callable[[Call, InstanceRecord], None],
) -> InstancesResponse:
    instances = instances_of(call, request.region_id, request.instance_id)
    for instance in instances:
        require_status(call, instance, wanted)
        require_leavable(call, instance)
    if request.dry_run:
        raise DryRunOperation
    outcomes = []
    for instance in instances:
        previous = instance_status(instance, call.now)
        change(call, instance)
        outcomes.append(
            InstanceOutcome(
                code="200",
                current_status=instance_status(instance, call.now),
                instance_id=instance.instance_id,
                message="success",
                previous_status=previous,
            )
        )
    return InstancesResponse(instance_responses=InstanceOutcomes(instance_response=outcomes))


def instances_of(call: Call, region_id: str, instance_ids: list[str]) -> list[InstanceRecord]:
    """Return the named instances of a region, each once, or raise ApiError."""
    require_region(region_id)
    known = call.inventory(region_id).instances
    unknown = [instance_id for instance_id in instance_ids if instance_id not in known]
    if unknown:
        raise ApiError(
            "InvalidInstanceId.NotFound",
            404,
            f"There is no instance {', '.join(unknown)} in {region_id}. Nothing was done.",
        )
    return [known[instance_id] for instance_id in dict.fromkeys(instance_ids)]


def require_status(call: Call, instance: InstanceRecord, wanted: str) -> None:
    """Raise ApiError IncorrectInstanceStatus unless the instance is in the wanted status."""
    status = instance_status(instance, call.now)
    if status != wanted:
        raise ApiError(
            "IncorrectInstanceStatus",
            403,
            f"The instance {instance.instance_id} is {status}; it must be {wanted} for this.",
        )


def start(call: Call, instance: InstanceRecord) -> None:
    """Start a stopped instance; snapshots of its disks in creation fail (CR-11)."""
    if not any(disk.type == "system" for disk in call.disks_of(instance)):
        raise ApiError(
            "InvalidInstance.NotFoundSystemDisk",
            400,
            f"The instance {instance.instance_id} has no system disk at present; attach it with "
            "AttachDisk and Bootable true.",
        )
    fail_snapshots_in_creation(call, instance)
    instance.power = "Running"
    instance.phases = phases_from(call.now, ("Starting", _seconds(call)))
    instance.started_at = call.now
    instance.ever_started = True
    instance.stopped_mode = ""


def stop(
    call: Call, instance: InstanceRecord, stopped_mode: str = "", at_once: bool = False
) -> None:
    """Stop a running instance; snapshots of its disks in creation fail (CR-11).

    What runs inside is ended, `at_once` without being asked, and its disks are unmounted.
    """
    leave_inside(call, instance, at_once=at_once)
    fail_snapshots_in_creation(call, instance)
    instance.power = "Stopped"
    instance.phases = phases_from(call.now, ("Stopping", _seconds(call)))
    instance.stopped_mode = stopped_mode


def reboot(call: Call, instance: InstanceRecord, at_once: bool = False) -> None:
    """Restart a running instance; snapshots of its disks in creation fail (CR-11).

    What runs inside is ended, `at_once` without being asked, and its disks are unmounted.
    """
    leave_inside(call, instance, at_once=at_once)
    fail_snapshots_in_creation(call, instance)
    seconds = _seconds(call)
    instance.phases = phases_from(call.now, ("Stopping", seconds / 2), ("Starting", seconds / 2))
    instance.started_at = call.now


def _seconds(call: Call) -> float:
    return call.settings.current_speed().instance_seconds


def fail_snapshots_in_creation(call: Call, instance: InstanceRecord) -> None:
    """Make the snapshots in creation of the instance's disks failed ones (CR-11).

    Those with instant access go on being created (IA-1).
    """
    for disk in call.disks_of(instance):
        chain = call.chain(disk.region_id, disk.disk_id)
        for node in list(chain.nodes) if chain else ():
            if must_be_awaited(node, call.now):
                from snapcli.ecs.nodes import fail_node

                assert chain is not None
                fail_node(call, chain, node)
