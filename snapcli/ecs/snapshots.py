"""DescribeSnapshots: which snapshots there are, and what each is at this instant."""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, operation
from snapcli.api.paging import PagedRequest, PagedResponse, page
from snapcli.api.types import choice, json_list
from snapcli.ecs.call import Call
from snapcli.ecs.filters import CreationWindow, Filter
from snapcli.ecs.records import BLOCK_BYTES, Chain, SnapshotRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.snapshot_rules import is_available
from snapcli.ecs.snapshot_state import (
    has_instant_access,
    progress_percent,
    remaining_seconds,
    status,
)
from snapcli.ecs.snapshot_use import usages
from snapcli.ecs.tags import check_filter, has_tags
from snapcli.ecs.wire import Tag, TagSet, seconds_time, tag_set


class DescribeSnapshotsRequest(PagedRequest):
    """Which snapshots to list; all filters must match."""

    region_id: Annotated[str, "The region to look in."] = ""
    snapshot_ids: (
        Annotated[list[str], json_list("InvalidSnapshotIds.Malformed", 403, 100), "Only these."]
        | None
    ) = None
    disk_id: Annotated[str, "Only snapshots of this disk."] = ""
    instance_id: Annotated[str, "Only of disks now attached to this instance."] = ""
    snapshot_link_id: Annotated[str, "Only of this chain, or a JSON list."] = ""
    snapshot_name: Annotated[str, "Only with exactly this name."] = ""
    status: Annotated[
        str,
        choice("InvalidStatus.NotFound", 404, "progressing", "accomplished", "failed", "all"),
        "Only in this status.",
    ] = "all"
    snapshot_type: Annotated[
        str,
        choice("InvalidSnapshotType.NotFound", 404, "auto", "user", "all"),
        "Only automatic or only manual ones.",
    ] = "all"
    usage: (
        Annotated[
            str,
            choice("InvalidUsage", 404, "image", "disk", "image_disk", "none"),
            "Only those that images or disks were made from.",
        ]
        | None
    ) = None
    source_disk_type: (
        Annotated[
            str,
            choice("InvalidSourceDiskType", 404, "system", "data"),
            "Only of system or of data disks.",
        ]
        | None
    ) = None
    encrypted: Annotated[bool, "Only encrypted or only unencrypted ones."] | None = None
    kms_key_id: Annotated[str, "Only encrypted with this key."] = msgspec.field(
        name="KMSKeyId", default=""
    )
    category: (
        Annotated[
            str,
            choice("InvalidSnapshotCategory.Malformed", 403, "standard", "flash", "archive"),
            "Only of this storage kind.",
        ]
        | None
    ) = None
    resource_group_id: Annotated[str, "Only of this resource group."] = ""
    tag: Annotated[list[Tag], "Only with these tags; a key alone matches any value."] = []
    filter: Annotated[list[Filter], "Only created in a span: CreationStartTime, …EndTime."] = []
    dry_run: Annotated[bool, "Check the request only."] = False


class SnapshotItem(Item):
    """A snapshot in a response."""

    available: bool
    category: str
    creation_time: str
    description: str
    encrypted: bool
    full_snapshot_size_in_bytes: int
    instant_access: bool
    instant_access_retention_days: int | msgspec.UnsetType
    kms_key_id: str = msgspec.field(name="KMSKeyId")
    last_modified_time: str
    product_code: str
    progress: str
    region_id: str
    remain_time: int
    resource_group_id: str
    retention_days: int | msgspec.UnsetType
    snapshot_id: str
    snapshot_link_id: str
    snapshot_name: str | msgspec.UnsetType
    snapshot_sn: str = msgspec.field(name="SnapshotSN")
    snapshot_type: str
    source_disk_id: str
    source_disk_size: str
    source_disk_type: str
    source_region_id: str | msgspec.UnsetType
    source_snapshot_id: str | msgspec.UnsetType
    source_storage_type: str
    status: str
    tags: TagSet
    usage: str


class SnapshotSet(Item):
    """The snapshots of a response."""

    snapshot: list[SnapshotItem]


class DescribeSnapshotsResponse(PagedResponse):
    """A page of snapshots, newest first."""

    snapshots: SnapshotSet


@operation("DescribeSnapshots", lock=False, changes=False)
def describe_snapshots(call: Call, request: DescribeSnapshotsRequest) -> DescribeSnapshotsResponse:
    """List a region's snapshots with their state at this instant; changes nothing."""
    require_region(request.region_id)
    check_filter(request.tag)
    window = CreationWindow(request.filter)
    found = [
        (chain, node)
        for chain in _chains(call, request)
        if _encrypted_as_wanted(request, chain)
        for node in chain.nodes
        if node.created_at in window and _matches(call, request, node)
    ]
    used = usages(call.inventory(request.region_id))
    if request.usage is not None:
        found = [each for each in found if used.get(each[1].snapshot_id, "none") == request.usage]
    found.sort(key=lambda each: (each[1].created_at, each[1].number), reverse=True)
    cut = page(found, request, least_results=1)
    return DescribeSnapshotsResponse(
        snapshots=SnapshotSet(
            snapshot=[
                _item(call, chain, node, used.get(node.snapshot_id, "none"))
                for chain, node in cut.items
            ]
        ),
    ).at(cut)


def _chains(call: Call, request: DescribeSnapshotsRequest) -> Iterable[Chain]:
    """Return the chains that can hold what the request asks for."""
    region_id = request.region_id
    disk_ids: set[str] | None = None
    if request.disk_id:
        disk_ids = {request.disk_id}
    if request.instance_id:
        disks = call.inventory(region_id).disks.values()
        attached = {disk.disk_id for disk in disks if disk.instance_id == request.instance_id}
        disk_ids = attached if disk_ids is None else disk_ids & attached
    found: Iterable[Chain | None]
    if request.snapshot_link_id:
        links = _link_ids(request.snapshot_link_id)
        found = {
            c.link_id: c for link in links if (c := call.linked_chain(region_id, link))
        }.values()
    elif disk_ids is None:
        return call.chains(region_id)
    else:
        finders = (call.chain, call.chain_of_copies)
        found = [find(region_id, disk_id) for disk_id in sorted(disk_ids) for find in finders]
    return [c for c in found if c is not None and (disk_ids is None or c.disk_id in disk_ids)]


def _encrypted_as_wanted(request: DescribeSnapshotsRequest, chain: Chain) -> bool:
    """A chain's snapshots are encrypted all of them, with one key, or none is (OV-5)."""
    return request.encrypted in (None, bool(chain.kms_key_id)) and (
        not request.kms_key_id or request.kms_key_id == chain.kms_key_id
    )


def _link_ids(text: str) -> list[str]:
    """Read SnapshotLinkId: one id as older clients send it, or a JSON list of at most 100."""
    if not text.startswith("["):
        return [text]
    try:
        link_ids = msgspec.json.decode(text.replace("'", '"'), type=list[str])
    except msgspec.DecodeError:
        link_ids = []
    if not 0 < len(link_ids) <= 100:
        raise ApiError(
            "InvalidSnapshotLinkId.NotFound",
            404,
            f"SnapshotLinkId {text!r} is neither a chain id nor a JSON list of up to 100 of them.",
        )
    return link_ids


def _matches(call: Call, request: DescribeSnapshotsRequest, node: SnapshotRecord) -> bool:
    wanted_ids = request.snapshot_ids
    return (
        (wanted_ids is None or node.snapshot_id in wanted_ids)
        and (not request.snapshot_name or node.name == request.snapshot_name)
        and (request.status == "all" or status(node, call.now) == request.status)
        and (request.snapshot_type == "all" or node.kind == request.snapshot_type)
        and (request.source_disk_type is None or node.disk_type == request.source_disk_type)
        and (request.category is None or node.category == request.category)
        and (not request.resource_group_id or node.resource_group_id == request.resource_group_id)
        and has_tags(node.tags, request.tag)
    )


def _item(call: Call, chain: Chain, node: SnapshotRecord, usage: str) -> SnapshotItem:
    now = call.now
    state = status(node, now)
    fast = has_instant_access(node, now)
    return SnapshotItem(
        available=is_available(node, now),
        category=node.category,
        creation_time=seconds_time(node.created_at),
        description=node.description,
        encrypted=bool(chain.kms_key_id),
        full_snapshot_size_in_bytes=node.view_blocks * BLOCK_BYTES,
        instant_access=fast,
        instant_access_retention_days=(
            node.instant_access_days if fast and node.instant_access_days else msgspec.UNSET
        ),
        kms_key_id=chain.kms_key_id,
        last_modified_time=seconds_time(node.modified_at or node.created_at),
        product_code="",
        progress=f"{progress_percent(node, now)}%",
        region_id=chain.region_id,
        remain_time=remaining_seconds(node, now),
        resource_group_id=node.resource_group_id,
        retention_days=node.retention_days or msgspec.UNSET,
        snapshot_id=node.snapshot_id,
        snapshot_link_id=chain.link_id,
        snapshot_name=node.name or msgspec.UNSET,
        snapshot_sn=node.serial_number,
        snapshot_type=node.kind,
        source_disk_id=chain.disk_id,
        source_disk_size=str(node.size_gib),
        source_disk_type=node.disk_type,
        source_region_id=node.source_region_id or msgspec.UNSET,
        source_snapshot_id=node.source_snapshot_id or msgspec.UNSET,
        source_storage_type="disk",
        status=state,
        tags=tag_set(node.tags),
        usage=usage,
    )
