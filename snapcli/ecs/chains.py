"""DescribeSnapshotLinks and DescribeSnapshotsUsage: chains and sizes (IN-3, IN-4, SZ-1)."""

from collections.abc import Iterator
from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.paging import PagedRequest, PagedResponse, page
from snapcli.api.types import json_list
from snapcli.ecs.call import Call
from snapcli.ecs.nodes import stored_bytes
from snapcli.ecs.records import BLOCK_BYTES, Chain, SnapshotRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.snapshot_rules import ARCHIVE, LOCAL
from snapcli.ecs.snapshot_state import has_instant_access


class DescribeSnapshotLinksRequest(PagedRequest):
    """Which chains to list; all filters must match."""

    region_id: Annotated[str, "The region to look in."] = ""
    instance_id: Annotated[str, "Only of disks now attached to this instance."] = ""
    disk_ids: (
        Annotated[list[str], json_list("InvalidDiskIds", 400, 100), "Only of these disks."] | None
    ) = None
    snapshot_link_ids: (
        Annotated[list[str], json_list("InvalidSnapshotLinkIds", 400, 100), "Only these chains."]
        | None
    ) = None


class SnapshotLinkItem(Item):
    """A chain in a response."""

    category: str
    instance_id: str
    instance_name: str
    instant_access: bool
    region_id: str
    snapshot_link_id: str
    source_disk_id: str
    source_disk_name: str
    source_disk_size: int
    source_disk_type: str
    total_count: int
    total_size: int


class SnapshotLinkSet(Item):
    """The chains of a response."""

    snapshot_link: list[SnapshotLinkItem]


class DescribeSnapshotLinksResponse(PagedResponse):
    """A page of chains."""

    snapshot_links: SnapshotLinkSet


@operation("DescribeSnapshotLinks", lock=False, changes=False)
def describe_snapshot_links(
    call: Call, request: DescribeSnapshotLinksRequest
) -> DescribeSnapshotLinksResponse:
    """List a region's chains with the number and size of their snapshots.

    A disk has one chain; its normal, local and archived snapshots are a row each.
    """
    require_region(request.region_id, "InvalidRegionId", 400)
    inventory = call.inventory(request.region_id)
    if request.instance_id and request.instance_id not in inventory.instances:
        raise ApiError(
            "InvalidInstanceId.NotFound",
            400,
            f"There is no instance {request.instance_id!r} in {request.region_id}.",
        )
    links = _linked(call, request)
    rows = [
        row
        for chain in call.chains(request.region_id)
        if (links is None or chain.link_id in links) and _matches(call, request, chain)
        for row in _by_category(chain)
    ]
    rows.sort(key=lambda row: row[1][-1].created_at, reverse=True)
    cut = page(rows, request)
    return DescribeSnapshotLinksResponse(
        snapshot_links=SnapshotLinkSet(snapshot_link=[_item(call, *row) for row in cut.items]),
    ).at(cut)


def _by_category(chain: Chain) -> Iterator[tuple[Chain, list[SnapshotRecord]]]:
    """Yield the chain with its snapshots of each storage kind that it has."""
    for category in ("standard", LOCAL, ARCHIVE):
        nodes = [node for node in chain.nodes if node.category == category]
        if nodes:
            yield chain, nodes


def _linked(call: Call, request: DescribeSnapshotLinksRequest) -> set[str] | None:
    """Return the ids of the chains that are asked for by SnapshotLinkIds, or None for any."""
    if request.snapshot_link_ids is None:
        return None
    linked = (call.linked_chain(request.region_id, id_) for id_ in request.snapshot_link_ids)
    return {chain.link_id for chain in linked if chain is not None}


def _matches(call: Call, request: DescribeSnapshotLinksRequest, chain: Chain) -> bool:
    if request.disk_ids is not None and chain.disk_id not in request.disk_ids:
        return False
    if not request.instance_id:
        return True
    disk = call.inventory(chain.region_id).disks.get(chain.disk_id)
    return disk is not None and disk.instance_id == request.instance_id


def _item(call: Call, chain: Chain, nodes: list[SnapshotRecord]) -> SnapshotLinkItem:
    inventory = call.inventory(chain.region_id)
    disk = inventory.disks.get(chain.disk_id)
    instance = inventory.instances.get(disk.instance_id) if disk else None
    return SnapshotLinkItem(
        category=nodes[0].category,
        instance_id=instance.instance_id if instance else "",
        instance_name=instance.name if instance else "",
        instant_access=any(has_instant_access(node, call.now) for node in nodes),
        region_id=chain.region_id,
        snapshot_link_id=chain.link_id,
        source_disk_id=chain.disk_id,
        source_disk_name=disk.name if disk else chain.disk_name,
        source_disk_size=disk.size_gib if disk else chain.disk_size_gib,
        source_disk_type=disk.type if disk else chain.disk_type,
        total_count=len(nodes),
        total_size=sum(node.data_blocks for node in nodes) * BLOCK_BYTES,
    )


class DescribeSnapshotsUsageRequest(Request):
    """Which region to add up."""

    missing = {"RegionId": ("InvalidParam.RegionId", 403)}
    region_id: Annotated[str, "The region to add up."] = ""


class DescribeSnapshotsUsageResponse(Response):
    """How many snapshots a region has and how many bytes they occupy."""

    snapshot_count: int
    snapshot_size: int


@operation("DescribeSnapshotsUsage", lock=False, changes=False)
def describe_snapshots_usage(
    call: Call, request: DescribeSnapshotsUsageRequest
) -> DescribeSnapshotsUsageResponse:
    """Add up a region's snapshots: their number and the bytes that are billed (SZ-1, OV-4)."""
    require_region(request.region_id, "InvalidParam.RegionId", 403)
    chains = list(call.chains(request.region_id))
    return DescribeSnapshotsUsageResponse(
        snapshot_count=sum(len(chain.nodes) for chain in chains),
        snapshot_size=sum(stored_bytes(chain) for chain in chains),
    )
