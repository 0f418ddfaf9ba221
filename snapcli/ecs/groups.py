"""Snapshot-consistent groups: DescribeSnapshotGroups, ModifySnapshotGroup, DeleteSnapshotGroup."""

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError, missing_parameter
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.paging import PagedRequest, page
from snapcli.api.types import MaxResults
from snapcli.ecs.call import Call
from snapcli.ecs.group_creation import GroupDescription, GroupName
from snapcli.ecs.records import Chain, GroupRecord, SnapshotRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.snapshot_rules import is_available
from snapcli.ecs.snapshot_state import (
    has_instant_access,
    progress_percent,
    status,
)
from snapcli.ecs.tags import check_filter, has_tags
from snapcli.ecs.wire import Tag, seconds_time

_STATES = ("progressing", "accomplished", "failed")


def members_of(call: Call, group: GroupRecord) -> Iterator[tuple[Chain, SnapshotRecord]]:
    """Yield the group's snapshots that are still there, in the order of its disks."""
    for disk_id in group.disk_ids:
        chain = call.chain(group.region_id, disk_id)
        for node in chain.nodes if chain else ():
            if node.group_id == group.group_id:
                assert chain is not None
                yield chain, node


def require_group(call: Call, region_id: str, group_id: str) -> GroupRecord:
    """Return a group of the region, or raise ApiError InvalidSnapshotGroup.NotFound."""
    require_region(region_id)
    group = call.inventory(region_id).groups.get(group_id)
    if group is None:
        raise ApiError(
            "InvalidSnapshotGroup.NotFound",
            404,
            f"There is no snapshot-consistent group {group_id!r} in {region_id}. "
            "DescribeSnapshotGroups lists them.",
        )
    return group


def group_status(call: Call, group: GroupRecord) -> str:
    """Return progressing, accomplished or failed: what its snapshots are together."""
    found = {status(node, call.now) for _, node in members_of(call, group)}
    return next((state for state in ("failed", "progressing") if state in found), "accomplished")


class DescribeSnapshotGroupsRequest(Request):
    """Which groups to list; all filters must match."""

    ignored = ("AdditionalAttributes",)
    region_id: Annotated[str, "The region to look in."] = ""
    snapshot_group_id: Annotated[list[str], "Only these groups, up to 10."] = []
    instance_id: Annotated[str, "Only groups of this instance."] = ""
    name: Annotated[str, "Only with exactly this name."] = ""
    status: Annotated[list[str], "Only in these states, up to 3."] = []
    resource_group_id: Annotated[str, "Only of this resource group."] = ""
    tag: Annotated[list[Tag], "Only with these tags; a key alone matches any value."] = []
    next_token: Annotated[str, "Where to go on: the NextToken of the answer before."] | None = None
    max_results: Annotated[MaxResults, "How many an answer, 10 by default, at most 100."] | None = (
        None
    )


class GroupTagItem(Item):
    """A tag of a group in a response."""

    key: str
    value: str


class GroupTagSet(Item):
    """The tags of a group in a response."""

    tag: list[GroupTagItem]


class GroupSnapshotItem(Item):
    """A snapshot of a group."""

    available: bool
    instant_access: bool
    instant_access_retention_days: int | msgspec.UnsetType
    progress: str
    snapshot_id: str
    source_disk_id: str
    source_disk_type: str
    tags: GroupTagSet


class GroupSnapshotSet(Item):
    """The snapshots of a group."""

    snapshot: list[GroupSnapshotItem]


class SnapshotGroupItem(Item):
    """A group in a response."""

    unanswered = ("ProgressStatus",)
    creation_time: str
    description: str
    instance_id: str
    name: str
    resource_group_id: str
    snapshot_group_id: str
    snapshots: GroupSnapshotSet
    status: str
    tags: GroupTagSet


class SnapshotGroupSet(Item):
    """The groups of a response."""

    snapshot_group: list[SnapshotGroupItem]


class DescribeSnapshotGroupsResponse(Response):
    """Some of the groups, newest first, and where to go on."""

    next_token: str
    snapshot_groups: SnapshotGroupSet


@operation("DescribeSnapshotGroups", lock=False, changes=False)
def describe_snapshot_groups(
    call: Call, request: DescribeSnapshotGroupsRequest
) -> DescribeSnapshotGroupsResponse:
    """List a region's groups with their snapshots; a deleted one is not among them."""
    require_region(request.region_id)
    check_filter(request.tag)
    for state in request.status:
        if state not in _STATES:
            raise ApiError(
                "InvalidStatus.ValueNotSupported",
                403,
                f"There is no status {state!r}. It must be one of {', '.join(_STATES)}.",
            )
    if len(request.snapshot_group_id) > 1 and request.next_token:
        raise ApiError(
            "InvalidSnapshotGroupId.MustBeOne",
            403,
            f"NextToken was given with {len(request.snapshot_group_id)} group ids; with paging at "
            "most one can be.",
        )
    groups = [
        group
        for group in call.inventory(request.region_id).groups.values()
        if _matches(call, request, group)
    ]
    groups.sort(key=lambda group: group.created_at, reverse=True)
    paging = PagedRequest(next_token=request.next_token, max_results=request.max_results or 10)
    cut = page(groups, paging, least_results=1)
    return DescribeSnapshotGroupsResponse(
        next_token=cut.next_token,
        snapshot_groups=SnapshotGroupSet(snapshot_group=[_item(call, g) for g in cut.items]),
    )


def _matches(call: Call, request: DescribeSnapshotGroupsRequest, group: GroupRecord) -> bool:
    wanted = request.snapshot_group_id
    return (
        (not wanted or group.group_id in wanted)
        and request.instance_id in ("", group.instance_id)
        and request.name in ("", group.name)
        and request.resource_group_id in ("", group.resource_group_id)
        and has_tags(group.tags, request.tag)
        and (not request.status or group_status(call, group) in request.status)
    )


def _tags(tags: Mapping[str, str]) -> GroupTagSet:
    return GroupTagSet(tag=[GroupTagItem(key=key, value=value) for key, value in tags.items()])


def _item(call: Call, group: GroupRecord) -> SnapshotGroupItem:
    return SnapshotGroupItem(
        creation_time=seconds_time(group.created_at),
        description=group.description,
        instance_id=group.instance_id,
        name=group.name,
        resource_group_id=group.resource_group_id,
        snapshot_group_id=group.group_id,
        snapshots=GroupSnapshotSet(
            snapshot=[_member(call, chain, node) for chain, node in members_of(call, group)]
        ),
        status=group_status(call, group),
        tags=_tags(group.tags),
    )


def _member(call: Call, chain: Chain, node: SnapshotRecord) -> GroupSnapshotItem:
    fast = has_instant_access(node, call.now)
    return GroupSnapshotItem(
        available=is_available(node, call.now),
        instant_access=fast,
        instant_access_retention_days=(
            node.instant_access_days if fast and node.instant_access_days else msgspec.UNSET
        ),
        progress=f"{progress_percent(node, call.now)}%",
        snapshot_id=node.snapshot_id,
        source_disk_id=chain.disk_id,
        source_disk_type=node.disk_type,
        tags=_tags(node.tags),
    )


class ModifySnapshotGroupRequest(Request):
    """What to change of a group; what is not given stays."""

    snapshot_group_id: Annotated[str, "The group."]
    region_id: Annotated[str, "Its region."] = ""
    name: Annotated[GroupName, "Its new name."] = ""
    description: Annotated[GroupDescription, "Its new description."] = ""


class ModifySnapshotGroupResponse(Response):
    """Nothing but the RequestId."""


@operation("ModifySnapshotGroup", lock=True, changes=True)
def modify_snapshot_group(
    call: Call, request: ModifySnapshotGroupRequest
) -> ModifySnapshotGroupResponse:
    """Change a group's name or description; those of its snapshots stay."""
    group = require_group(call, request.region_id, request.snapshot_group_id)
    if not request.name and not request.description:
        raise missing_parameter("Name or Description")
    group.name = request.name or group.name
    group.description = request.description or group.description
    return ModifySnapshotGroupResponse()


class DeleteSnapshotGroupRequest(Request):
    """Which group to delete."""

    snapshot_group_id: Annotated[str, "The group."]
    region_id: Annotated[str, "Its region."] = ""


class RelatedItem(Item):
    """What an outcome is about."""

    name: str
    value: str


class RelatedItemSet(Item):
    """All that an outcome is about."""

    related_item: list[RelatedItem]


class OperationProgress(Item):
    """What became of one snapshot: Success, or why not."""

    error_code: str
    error_msg: str
    operation_status: str
    related_item_set: RelatedItemSet


class OperationProgressSet(Item):
    """One outcome a snapshot."""

    operation_progress: list[OperationProgress]


class OperationProgressResponse(Response):
    """One outcome a snapshot."""

    operation_progress_set: OperationProgressSet


def outcome(refusal: ApiError | None, **related: str) -> OperationProgress:
    """Return the outcome of what was done with the `related` items; `refusal` says why it wasn't.

    Their names are given as fields: `snapshot_id` for SnapshotId.
    """
    names = {name: "".join(part.capitalize() for part in name.split("_")) for name in related}
    return OperationProgress(
        error_code=refusal.code if refusal else "",
        error_msg=refusal.message if refusal else "",
        operation_status="Failed" if refusal else "Success",
        related_item_set=RelatedItemSet(
            related_item=[RelatedItem(name=names[n], value=value) for n, value in related.items()]
        ),
    )


@operation("DeleteSnapshotGroup", lock=True, changes=True)
def delete_snapshot_group(
    call: Call, request: DeleteSnapshotGroupRequest
) -> OperationProgressResponse:
    """Delete a group with its snapshots (GR-6).

    A snapshot that may not go, since an image needs it or it is locked, stays as an ordinary one;
    disks made from one do not hold it, as with Force.
    """
    from snapcli.ecs.snapshot_changes import delete

    group = require_group(call, request.region_id, request.snapshot_group_id)
    outcomes = []
    for _, node in list(members_of(call, group)):
        refusal = None
        try:
            delete(call, node.snapshot_id, force=True)
        except ApiError as error:
            refusal = error
            node.group_id = ""
        outcomes.append(outcome(refusal, snapshot_id=node.snapshot_id))
    del call.inventory(group.region_id).groups[group.group_id]
    return OperationProgressResponse(
        operation_progress_set=OperationProgressSet(operation_progress=outcomes)
    )
