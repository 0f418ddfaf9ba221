"""RAM policies: CreatePolicy, GetPolicy, DeletePolicy, and attaching them to roles (AP-4)."""

import re
from datetime import datetime
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.types import choice
from snapcli.ecs.call import Call
from snapcli.ecs.ram_documents import MalformedDocument, read_permissions
from snapcli.ecs.ram_roles import (
    Description,
    NothingResponse,
    RoleNameRequest,
    ram_of,
    require_role,
)
from snapcli.ecs.ram_system import SYSTEM_POLICIES
from snapcli.ecs.records import RamPolicy
from snapcli.ecs.wire import seconds_time

_VERSION = "v1"
PolicyType = Annotated[
    str,
    choice("InvalidParameter.PolicyType", 400, "Custom", "System"),
    "Custom for the account's own, System for the service's.",
]


class CreatePolicyRequest(Request):
    """How the policy is called and what it allows."""

    policy_name: Annotated[str, "Its name: up to 128 letters, digits and hyphens."]
    policy_document: Annotated[str, "What it allows and denies, in JSON."]
    description: Annotated[Description, "A description for people."] = ""


class NewPolicyItem(Item):
    """A policy as it was created."""

    create_date: str
    default_version: str
    description: str
    policy_name: str
    policy_type: str


class CreatePolicyResponse(Response):
    """The new policy."""

    policy: NewPolicyItem


@operation("CreatePolicy", lock=True, changes=True)
def create_policy(call: Call, request: CreatePolicyRequest) -> CreatePolicyResponse:
    """Create a permission policy; it is in force where it is attached."""
    name = request.policy_name
    if not re.fullmatch(r"[A-Za-z0-9-]{1,128}", name):
        raise ApiError(
            "InvalidParameter.PolicyName.InvalidChars",
            400,
            f"The policy name {name!r} is not acceptable. It must have 1 to 128 letters, digits "
            "and hyphens.",
        )
    try:
        read_permissions(request.policy_document)
    except MalformedDocument as error:
        raise ApiError(
            "MalformedPolicyDocument", 400, f"PolicyDocument is no permission policy: {error}"
        ) from None
    policies = ram_of(call).policies
    if name in policies or name in SYSTEM_POLICIES:
        raise ApiError("EntityAlreadyExists.Policy", 409, f"There is a policy {name} already.")
    policies[name] = RamPolicy(
        name=name,
        created_at=call.now,
        document=request.policy_document,
        description=request.description,
    )
    return CreatePolicyResponse(
        policy=NewPolicyItem(
            create_date=seconds_time(call.now),
            default_version=_VERSION,
            description=request.description,
            policy_name=name,
            policy_type="Custom",
        )
    )


class GetPolicyRequest(Request):
    """Which policy."""

    policy_type: PolicyType
    policy_name: Annotated[str, "The policy."]


class PolicyItem(NewPolicyItem):
    """A policy and how many roles it is attached to."""

    attachment_count: int
    update_date: str


class PolicyVersionItem(Item):
    """The version of a policy that is in force; there is one."""

    create_date: str
    is_default_version: bool
    policy_document: str
    version_id: str


class GetPolicyResponse(Response):
    """A policy with its document."""

    default_policy_version: PolicyVersionItem
    policy: PolicyItem


@operation("GetPolicy", lock=False, changes=False)
def get_policy(call: Call, request: GetPolicyRequest) -> GetPolicyResponse:
    """Show a policy with its document."""
    policy = _require(call, request.policy_type, request.policy_name)
    key = f"{request.policy_type}/{policy.name}"
    created = seconds_time(policy.created_at)
    return GetPolicyResponse(
        default_policy_version=PolicyVersionItem(
            create_date=created,
            is_default_version=True,
            policy_document=policy.document,
            version_id=_VERSION,
        ),
        policy=PolicyItem(
            attachment_count=sum(key in role.attached for role in ram_of(call).roles.values()),
            create_date=created,
            default_version=_VERSION,
            description=policy.description,
            policy_name=policy.name,
            policy_type=request.policy_type,
            update_date=created,
        ),
    )


class DeletePolicyRequest(Request):
    """Which policy to delete."""

    policy_name: Annotated[str, "The policy, one of the account's own."]


@operation("DeletePolicy", lock=True, changes=True)
def delete_policy(call: Call, request: DeletePolicyRequest) -> NothingResponse:
    """Delete a policy that is attached to no role."""
    policy = _require(call, "Custom", request.policy_name)
    roles = [r.name for r in ram_of(call).roles.values() if f"Custom/{policy.name}" in r.attached]
    if roles:
        raise ApiError(
            "DeleteConflict.Policy.Role",
            409,
            f"The policy {policy.name} is attached to {', '.join(roles)}. Detach it with "
            "DetachPolicyFromRole first.",
        )
    del ram_of(call).policies[policy.name]
    return NothingResponse()


class AttachmentRequest(Request):
    """Which policy and which role."""

    policy_type: PolicyType
    policy_name: Annotated[str, "The policy."]
    role_name: Annotated[str, "The role."]


@operation("AttachPolicyToRole", lock=True, changes=True)
def attach_policy_to_role(call: Call, request: AttachmentRequest) -> NothingResponse:
    """Let a policy say what a role may do."""
    role = require_role(call, request.role_name)
    policy = _require(call, request.policy_type, request.policy_name)
    key = f"{request.policy_type}/{policy.name}"
    if key in role.attached:
        raise ApiError(
            "EntityAlreadyExists.Role.Policy",
            409,
            f"The policy {policy.name} is attached to the role {role.name} already.",
        )
    role.attached[key] = role.updated_at = call.now
    return NothingResponse()


@operation("DetachPolicyFromRole", lock=True, changes=True)
def detach_policy_from_role(call: Call, request: AttachmentRequest) -> NothingResponse:
    """Take a policy off a role."""
    role = require_role(call, request.role_name)
    policy = _require(call, request.policy_type, request.policy_name)
    if role.attached.pop(f"{request.policy_type}/{policy.name}", None) is None:
        raise ApiError(
            "EntityNotExist.Role.Policy",
            404,
            f"The policy {policy.name} is not attached to the role {role.name}.",
        )
    role.updated_at = call.now
    return NothingResponse()


class AttachedPolicyItem(Item):
    """A policy attached to a role."""

    attach_date: str
    default_version: str
    description: str
    policy_name: str
    policy_type: str


class AttachedPolicySet(Item):
    """The policies of a response."""

    policy: list[AttachedPolicyItem]


class ListPoliciesForRoleResponse(Response):
    """The policies attached to the role."""

    policies: AttachedPolicySet


@operation("ListPoliciesForRole", lock=False, changes=False)
def list_policies_for_role(call: Call, request: RoleNameRequest) -> ListPoliciesForRoleResponse:
    """List the policies attached to a role."""
    role = require_role(call, request.role_name)
    found = []
    for key, since in role.attached.items():
        type_, _, name = key.partition("/")
        found.append(
            AttachedPolicyItem(
                attach_date=seconds_time(since),
                default_version=_VERSION,
                description=_require(call, type_, name).description,
                policy_name=name,
                policy_type=type_,
            )
        )
    return ListPoliciesForRoleResponse(policies=AttachedPolicySet(policy=found))


def _require(call: Call, type_: str, name: str) -> RamPolicy:
    """Return a policy, or raise ApiError EntityNotExist.Policy."""
    if type_ == "System" and name in SYSTEM_POLICIES:
        return RamPolicy(name=name, created_at=_SYSTEM_SINCE, document=SYSTEM_POLICIES[name])
    policy = ram_of(call).policies.get(name) if type_ == "Custom" else None
    if policy is None:
        known = sorted(SYSTEM_POLICIES if type_ == "System" else ram_of(call).policies)
        raise ApiError(
            "EntityNotExist.Policy",
            404,
            f"There is no {type_} policy {name!r}. There are: {', '.join(known) or 'none'}.",
        )
    return policy


_SYSTEM_SINCE = msgspec.json.decode(b'"2015-04-28T17:26:59Z"', type=datetime)
