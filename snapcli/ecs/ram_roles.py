"""RAM roles: CreateRole, GetRole, ListRoles, DeleteRole, and what a role may do (AP-4).

Roles belong to the account, not to a region. Who attaches one to an instance is `instance_roles`.
"""

import re
from typing import Annotated

import msgspec

from snapcli.api import ids
from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.types import limits
from snapcli.ecs.call import Call
from snapcli.ecs.ram_documents import MalformedDocument, allows, read_permissions, read_trust
from snapcli.ecs.ram_system import SYSTEM_POLICIES
from snapcli.ecs.records import Ram, RamRole
from snapcli.ecs.wire import seconds_time

RAM_FILE = "state/ram.json"
_MOST_ROLES = 1000

Description = Annotated[
    str,
    limits("InvalidParameter.Description.Length", 400, "up to 1024 characters", max_length=1024),
]
Marker = Annotated[str, "Where to go on: the Marker of the answer before."]
MaxItems = Annotated[
    int,
    limits("InvalidParameter.MaxItems", 400, "1 to 1000", ge=1, le=1000),
    "How many an answer.",
]


def ram_of(call: Call) -> Ram:
    """Return the account's roles and policies."""
    return call.tx.load(call.home + RAM_FILE, Ram, Ram)


def require_role(call: Call, name: str) -> RamRole:
    """Return the role of that name, or raise ApiError EntityNotExist.Role."""
    role = ram_of(call).roles.get(name)
    if role is None:
        raise ApiError(
            "EntityNotExist.Role",
            404,
            f"There is no role {name!r}. ListRoles lists them; CreateRole makes one.",
        )
    return role


def role_allows(call: Call, role: RamRole, action: str, resource: str = "*") -> bool:
    """Say whether the policies attached to a role allow `action`, such as ecs:CreateSnapshot.

    `resource` is the resource's ARN. The condition keys known here are the workspace's time, a
    secure transport and the loopback address (AP-4).
    """
    policies = ram_of(call).policies
    documents = []
    for attached in role.attached:
        type_, _, name = attached.partition("/")
        text = SYSTEM_POLICIES.get(name, "") if type_ == "System" else ""
        if type_ == "Custom" and name in policies:
            text = policies[name].document
        if text:
            documents.append(read_permissions(text))
    context = {
        "acs:CurrentTime": call.now.isoformat(),
        "acs:SecureTransport": "true",
        "acs:SourceIp": "127.0.0.1",
    }
    return allows(documents, action, resource, context)


class CreateRoleRequest(Request):
    """How the role is called and who may assume it."""

    role_name: Annotated[str, "Its name: up to 64 letters, digits, periods and hyphens."]
    assume_role_policy_document: Annotated[str, "Who may assume it: a trust policy in JSON."]
    description: Annotated[Description, "A description for people."] = ""
    max_session_duration: Annotated[
        int,
        limits("InvalidParameter.MaxSessionDuration", 400, "3600 to 43200 s", ge=3600, le=43200),
        "Kept as given, in seconds.",
    ] = 3600


class RoleItem(Item):
    """A role in a list."""

    arn: str
    create_date: str
    description: str
    max_session_duration: int
    role_id: str
    role_name: str
    update_date: str


class RoleDetail(RoleItem):
    """A role with its trust policy."""

    assume_role_policy_document: str


class RoleResponse(Response):
    """The role."""

    role: RoleDetail


@operation("CreateRole", lock=True, changes=True)
def create_role(call: Call, request: CreateRoleRequest) -> RoleResponse:
    """Create a role; it may do nothing until a policy is attached to it."""
    name = request.role_name
    if not re.fullmatch(r"[A-Za-z0-9.-]{1,64}", name):
        raise ApiError(
            "InvalidParameter.RoleName.InvalidChars",
            400,
            f"The role name {name!r} is not acceptable. It must have 1 to 64 letters, digits, "
            "periods and hyphens.",
        )
    try:
        read_trust(request.assume_role_policy_document)
    except MalformedDocument as error:
        raise ApiError(
            "MalformedPolicyDocument", 400, f"AssumeRolePolicyDocument is no trust policy: {error}"
        ) from None
    roles = ram_of(call).roles
    if name in roles:
        raise ApiError("EntityAlreadyExists.Role", 409, f"There is a role {name} already.")
    if len(roles) >= _MOST_ROLES:
        raise ApiError(
            "LimitExceeded.Role",
            409,
            f"The account has {len(roles)} roles; {_MOST_ROLES} are allowed. Delete one first.",
        )
    role = RamRole(
        role_id=ids.digits(18),
        name=name,
        created_at=call.now,
        trust=request.assume_role_policy_document,
        description=request.description,
        session_seconds=request.max_session_duration,
    )
    roles[name] = role
    return RoleResponse(role=_detail(call, role))


class RoleNameRequest(Request):
    """Which role."""

    role_name: Annotated[str, "The role."]


@operation("GetRole", lock=False, changes=False)
def get_role(call: Call, request: RoleNameRequest) -> RoleResponse:
    """Show a role with its trust policy."""
    return RoleResponse(role=_detail(call, require_role(call, request.role_name)))


class ListRolesRequest(Request):
    """Which part of the list."""

    marker: Marker = ""
    max_items: MaxItems = 100


class RoleSet(Item):
    """The roles of a response."""

    role: list[RoleItem]


class ListRolesResponse(Response):
    """Some of the roles, and whether there are more."""

    is_truncated: bool
    marker: str
    roles: RoleSet


@operation("ListRoles", lock=False, changes=False)
def list_roles(call: Call, request: ListRolesRequest) -> ListRolesResponse:
    """List the account's roles by name."""
    names = sorted(name for name in ram_of(call).roles if name > request.marker)
    shown = names[: request.max_items]
    more = len(names) > len(shown)
    return ListRolesResponse(
        is_truncated=more,
        marker=shown[-1] if more else "",
        roles=RoleSet(role=[_item(call, ram_of(call).roles[name]) for name in shown]),
    )


class NothingResponse(Response):
    """Nothing but the RequestId."""


@operation("DeleteRole", lock=True, changes=True)
def delete_role(call: Call, request: RoleNameRequest) -> NothingResponse:
    """Delete a role that no policy is attached to; instances that bear its name lose it."""
    role = require_role(call, request.role_name)
    if role.attached:
        raise ApiError(
            "DeleteConflict.Role.Policy",
            409,
            f"The role {role.name} has policies attached: {', '.join(role.attached)}. Detach them "
            "with DetachPolicyFromRole first.",
        )
    del ram_of(call).roles[role.name]
    return NothingResponse()


def _item(call: Call, role: RamRole) -> RoleItem:
    return RoleItem(
        arn=f"acs:ram::{call.account_id}:role/{role.name.lower()}",
        create_date=seconds_time(role.created_at),
        description=role.description,
        max_session_duration=role.session_seconds,
        role_id=role.role_id,
        role_name=role.name,
        update_date=seconds_time(role.updated_at or role.created_at),
    )


def _detail(call: Call, role: RamRole) -> RoleDetail:
    return RoleDetail(
        **msgspec.structs.asdict(_item(call, role)), assume_role_policy_document=role.trust
    )
