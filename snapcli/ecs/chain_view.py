"""`chain show`: what each node of a disk's chain holds and occupies; the guide's own picture."""

from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.ecs.call import Call
from snapcli.ecs.chain_ids import disk_id_of
from snapcli.ecs.nodes import layers, stored_bytes
from snapcli.ecs.records import BLOCK_BYTES, Chain, SnapshotRecord
from snapcli.ecs.snapshot_state import progress_percent, status
from snapcli.ecs.wire import seconds_time

MOST_LETTERS = 26


class ShowChainRequest(Request):
    """Which disk's chain to show."""

    disk_id: Annotated[str, "The disk, or a chain."]
    region_id: Annotated[
        str, "Where to look first: copies of one disk's snapshots may be in several."
    ] = ""


class RunItem(Item):
    """Consecutive blocks of one kind on a node: data, or empty (were data before)."""

    first_block: int
    count: int
    kind: str


class CellItem(Item):
    """A block of a node when the chain is small enough to name each: its column and its text.

    The letter stands for the block's place, the number for the capture that wrote it, counted
    from the chain's first as 0: `A`, then `A1`, `A2`.
    """

    column: int
    text: str


class NodeItem(Item):
    """A node of a chain: a snapshot with the blocks that are counted on it."""

    snapshot_id: str
    snapshot_name: str
    creation_time: str
    status: str
    progress: str
    data_blocks: int
    empty_blocks: int
    size_bytes: int
    compressed_bytes: int
    runs: list[RunItem]
    cells: list[CellItem]


class ShowChainResponse(Response):
    """A chain from its oldest node to its newest, and what it occupies."""

    disk_id: str
    disk_name: str
    chain_id: str  # the disk's id, or of a chain of copies `sl-…`
    region_id: str
    block_bytes: int
    total_count: int
    total_size: int
    occupied_bytes: int
    encrypted: bool
    kms_key_id: str = msgspec.field(name="KMSKeyId")
    columns: list[int]  # the block numbers that letters A, B, C… stand for; empty when too many
    nodes: list[NodeItem]


@operation("ShowChain", lock=False, changes=False)
def show_chain(call: Call, request: ShowChainRequest) -> ShowChainResponse:
    """Show which blocks each snapshot of a disk holds and what it occupies (IN-2, IN-4, SZ-1)."""
    chain = _find(call, request.disk_id, request.region_id)
    columns = _columns(call, chain)
    nodes = [_node(call, chain, node, columns) for node in chain.nodes]
    return ShowChainResponse(
        disk_id=chain.disk_id,
        disk_name=chain.disk_name,
        chain_id=chain.link_id,
        region_id=chain.region_id,
        block_bytes=BLOCK_BYTES,
        total_count=len(chain.nodes),
        total_size=stored_bytes(chain),
        occupied_bytes=_occupied_bytes(call, chain),
        encrypted=bool(chain.kms_key_id),
        kms_key_id=chain.kms_key_id,
        columns=columns,
        nodes=nodes,
    )


def _find(call: Call, link_id: str, first_region_id: str) -> Chain:
    """Return the chain that the id means in the region, else in any where there is one."""
    disk_id = disk_id_of(link_id)
    regions = call.regions_in_use()
    chain = call.linked_chain(first_region_id, link_id) if first_region_id in regions else None
    if chain is not None:
        return chain
    for id_ in dict.fromkeys((link_id, disk_id)):
        for region_id in regions:
            chain = call.chain(region_id, id_)
            if chain is not None:
                return chain
    call.disk(disk_id)
    raise ApiError(
        "InvalidSnapshotLinkId.NotFound",
        404,
        f"The disk {disk_id} has no snapshots yet, so it has no chain. CreateSnapshot begins it.",
    )


def _columns(call: Call, chain: Chain) -> list[int]:
    """Return the blocks that the chain's data is in, or nothing when they are too many."""
    from snapcli.volumes.describe import layer_runs

    folder = call.chain_folder(chain)
    blocks: set[int] = set()
    for layer in layers(chain.nodes):
        for run in layer_runs(folder, layer):
            if len(blocks) + run.count > 2 * MOST_LETTERS:
                return []
            blocks.update(range(run.first_block, run.first_block + run.count))
    return sorted(blocks) if len(blocks) <= MOST_LETTERS else []


def _node(call: Call, chain: Chain, node: SnapshotRecord, columns: list[int]) -> NodeItem:
    from snapcli.volumes.describe import layer_runs, layer_usage

    folder = call.chain_folder(chain)
    held = layers([node])
    runs = layer_runs(folder, held[0]) if held else []
    compressed = layer_usage(folder, held[0])[2] if held else 0
    return NodeItem(
        snapshot_id=node.snapshot_id,
        snapshot_name=node.name,
        creation_time=seconds_time(node.created_at),
        status=status(node, call.now),
        progress=f"{progress_percent(node, call.now)}%",
        data_blocks=node.data_blocks,
        empty_blocks=node.empty_blocks,
        size_bytes=node.data_blocks * BLOCK_BYTES,
        compressed_bytes=compressed,
        runs=[RunItem(first_block=r.first_block, count=r.count, kind=r.kind) for r in runs],
        cells=_cells(folder, node, columns) if columns and held else [],
    )


def _cells(folder: str, node: SnapshotRecord, columns: list[int]) -> list[CellItem]:
    """Name the node's blocks as the guide does: B, then B1, B2 for later captures."""
    from snapcli.volumes.describe import block_origins

    cells = []
    for block, pack_number in block_origins(folder, layers([node])[0]):
        column = columns.index(block)
        letter = chr(ord("A") + column)
        if pack_number is None:
            text = "·"  # empty from here on
        else:
            text = letter if pack_number == 1 else f"{letter}{pack_number - 1}"
        cells.append(CellItem(column=column, text=text))
    return cells


def _occupied_bytes(call: Call, chain: Chain) -> int:
    """Return what the chain's files take on the machine."""
    import os

    folder = call.chain_folder(chain)
    return sum(os.stat(os.path.join(folder, name)).st_blocks * 512 for name in os.listdir(folder))
