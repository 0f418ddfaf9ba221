"""The RAM role of an instance: AttachInstanceRamRole, DetachInstanceRamRole, Describe (AP-4)."""

from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.paging import DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE
from snapcli.api.types import PageNumber, PageSize, json_list
from snapcli.ecs.call import Call
from snapcli.ecs.ram_documents import read_trust, trusts_service
from snapcli.ecs.ram_roles import ram_of
from snapcli.ecs.records import InstanceRecord
from snapcli.ecs.region_rules import require_region

SERVICE = "ecs.aliyuncs.com"
InstanceIds = Annotated[list[str], json_list("InvalidInstanceIds.Malformed", 400, 100)]


class AttachInstanceRamRoleRequest(Request):
    """Which role, and which instances are to play it."""

    ignored = ("Policy",)
    instance_ids: Annotated[InstanceIds, "The instances, 1 to 100."]
    ram_role_name: Annotated[str, "The role."]
    region_id: Annotated[str, "The region of the instances."] = ""


class AttachResultItem(Item):
    """What became of one instance."""

    code: str
    instance_id: str
    message: str
    success: bool


class AttachResultSet(Item):
    """What became of each instance."""

    attach_instance_ram_role_result: list[AttachResultItem]


class AttachInstanceRamRoleResponse(Response):
    """One outcome an instance."""

    attach_instance_ram_role_results: AttachResultSet
    fail_count: int
    ram_role_name: str
    total_count: int


@operation("AttachInstanceRamRole", lock=True, changes=True)
def attach_instance_ram_role(
    call: Call, request: AttachInstanceRamRoleRequest
) -> AttachInstanceRamRoleResponse:
    """Give instances a role that trusts the service; an instance plays one at a time.

    An instance that is not there, or has a role, is an outcome of its own.
    """
    require_region(request.region_id)
    instance_ids = _named(request.instance_ids)
    role = ram_of(call).roles.get(request.ram_role_name)
    if role is None:
        raise ApiError(
            "InvalidRamRole.NotFound",
            404,
            f"There is no role {request.ram_role_name!r}. Make it with `snapcli ram CreateRole`.",
        )
    if not trusts_service(read_trust(role.trust), SERVICE):
        raise ApiError(
            "InvalidRamRole.NotEcsRole",
            404,
            f"The role {role.name} does not trust {SERVICE}; name it as the Service in its "
            "AssumeRolePolicyDocument.",
        )
    outcomes = [_attach(call, request, instance_id) for instance_id in instance_ids]
    return AttachInstanceRamRoleResponse(
        attach_instance_ram_role_results=AttachResultSet(attach_instance_ram_role_result=outcomes),
        fail_count=sum(not outcome.success for outcome in outcomes),
        ram_role_name=role.name,
        total_count=len(outcomes),
    )


def _attach(
    call: Call, request: AttachInstanceRamRoleRequest, instance_id: str
) -> AttachResultItem:
    instance = call.inventory(request.region_id).instances.get(instance_id)
    code, message = "200", "success"
    if instance is None:
        code = "InvalidInstanceId.NotFound"
        message = f"There is no instance {instance_id!r} in {request.region_id}."
    elif instance.ram_role_name not in ("", request.ram_role_name):
        code = "InvalidOperation.RamRoleExist"
        message = (
            f"The instance has the role {instance.ram_role_name}; detach it with "
            "DetachInstanceRamRole first."
        )
    else:
        instance.ram_role_name = request.ram_role_name
    return AttachResultItem(
        code=code, instance_id=instance_id, message=message, success=code == "200"
    )


def _named(instance_ids: list[str]) -> list[str]:
    """Return the instances named, each once; raises ApiError when none is."""
    if not instance_ids:
        raise ApiError(
            "InvalidInstanceIds.Malformed",
            400,
            'InstanceIds names no instance. It must be a JSON list of 1 to 100, such as ["i-a"].',
        )
    return list(dict.fromkeys(instance_ids))


class DetachInstanceRamRoleRequest(Request):
    """Which instances are to lose their role."""

    instance_ids: Annotated[InstanceIds, "The instances, 1 to 100."]
    region_id: Annotated[str, "The region of the instances."] = ""
    ram_role_name: Annotated[str, "Only where it is this role."] = ""


class InstanceRoleItem(Item):
    """An instance and its role."""

    instance_id: str
    ram_role_name: str


class InstanceRoleSet(Item):
    """Instances and their roles."""

    instance_ram_role_set: list[InstanceRoleItem]


class DetachResultItem(Item):
    """What became of one instance, and the role it had."""

    code: str
    instance_id: str
    instance_ram_role_sets: InstanceRoleSet
    message: str
    success: bool


class DetachResultSet(Item):
    """What became of each instance."""

    detach_instance_ram_role_result: list[DetachResultItem]


class DetachInstanceRamRoleResponse(Response):
    """One outcome an instance."""

    detach_instance_ram_role_results: DetachResultSet
    fail_count: int
    ram_role_name: str
    total_count: int


@operation("DetachInstanceRamRole", lock=True, changes=True)
def detach_instance_ram_role(
    call: Call, request: DetachInstanceRamRoleRequest
) -> DetachInstanceRamRoleResponse:
    """Take the role off instances."""
    require_region(request.region_id)
    outcomes = [_detach(call, request, instance_id) for instance_id in _named(request.instance_ids)]
    return DetachInstanceRamRoleResponse(
        detach_instance_ram_role_results=DetachResultSet(detach_instance_ram_role_result=outcomes),
        fail_count=sum(not outcome.success for outcome in outcomes),
        ram_role_name=request.ram_role_name,
        total_count=len(outcomes),
    )


def _detach(
    call: Call, request: DetachInstanceRamRoleRequest, instance_id: str
) -> DetachResultItem:
    instance = call.inventory(request.region_id).instances.get(instance_id)
    code, message, had = "200", "success", ""
    if instance is None:
        code = "InvalidInstanceId.NotFound"
        message = f"There is no instance {instance_id!r} in {request.region_id}."
    else:
        had = instance.ram_role_name
        if not had or request.ram_role_name not in ("", had):
            code = "InvalidRamRole.NotFound"
            wanted = request.ram_role_name or "that could be detached"
            message = f"The instance has no role {wanted}; its role: {had or 'none'}."
            had = ""
        else:
            instance.ram_role_name = ""
    sets = [InstanceRoleItem(instance_id=instance_id, ram_role_name=had)] if had else []
    return DetachResultItem(
        code=code,
        instance_id=instance_id,
        instance_ram_role_sets=InstanceRoleSet(instance_ram_role_set=sets),
        message=message,
        success=code == "200",
    )


class DescribeInstanceRamRoleRequest(Request):
    """Which instances, or which role."""

    region_id: Annotated[str, "The region to look in."] = ""
    instance_ids: Annotated[InstanceIds, "Only these instances."] | None = None
    ram_role_name: Annotated[str, "Only instances with this role."] = ""
    page_number: Annotated[PageNumber, "The page to show, from 1."] = 1
    page_size: Annotated[PageSize, "How many a page, at most 100."] = DEFAULT_PAGE_SIZE


class DescribeInstanceRamRoleResponse(Response):
    """A page of instances that have a role."""

    instance_ram_role_sets: InstanceRoleSet
    region_id: str
    total_count: int


@operation("DescribeInstanceRamRole", lock=False, changes=False)
def describe_instance_ram_role(
    call: Call, request: DescribeInstanceRamRoleRequest
) -> DescribeInstanceRamRoleResponse:
    """List which instances have which role."""
    require_region(request.region_id)
    if request.instance_ids is None and not request.ram_role_name:
        raise ApiError(
            "InvalidParameter.AllEmpty", 403, "Neither InstanceIds nor RamRoleName was given."
        )
    found = [
        instance
        for instance in call.inventory(request.region_id).instances.values()
        if _matches(request, instance)
    ]
    size = min(request.page_size, LARGEST_PAGE_SIZE)
    start = (request.page_number - 1) * size
    return DescribeInstanceRamRoleResponse(
        instance_ram_role_sets=InstanceRoleSet(
            instance_ram_role_set=[
                InstanceRoleItem(instance_id=i.instance_id, ram_role_name=i.ram_role_name)
                for i in found[start : start + size]
            ]
        ),
        region_id=request.region_id,
        total_count=len(found),
    )


def _matches(request: DescribeInstanceRamRoleRequest, instance: InstanceRecord) -> bool:
    return (
        bool(instance.ram_role_name)
        and (request.instance_ids is None or instance.instance_id in request.instance_ids)
        and request.ram_role_name in ("", instance.ram_role_name)
    )
