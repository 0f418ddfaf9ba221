"""`chain show`: the guide's own picture of a chain, a line for each node. Draws text only."""

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import (
    Calendar,
    Listing,
    bytes_text,
    cells_of,
    id_and_name,
    isolated,
)

_BAR_CELLS = 40
_LEAST_BAR_CELLS = 20
_BAR_HEAD = "Where on the disk"
_EMPTY = "·"


class _Run(msgspec.Struct, rename="pascal"):
    first_block: int
    count: int
    kind: str


class _Cell(msgspec.Struct, rename="pascal"):
    column: int
    text: str


class _Node(msgspec.Struct, rename="pascal"):
    snapshot_id: str
    snapshot_name: str
    creation_time: str
    status: str
    progress: str
    data_blocks: int
    empty_blocks: int
    size_bytes: int
    runs: list[_Run]
    cells: list[_Cell]


class _Chain(msgspec.Struct, rename="pascal"):
    disk_id: str
    disk_name: str
    chain_id: str
    region_id: str
    block_bytes: int
    total_count: int
    total_size: int
    occupied_bytes: int
    columns: list[int]
    nodes: list[_Node]
    encrypted: bool = False


def view(answer: object, session: Session) -> str:
    """Return the chain from its oldest node to its newest, with the blocks each one holds."""
    chain = msgspec.convert(answer, _Chain)
    lines = [*_headline(chain, session), "", *_table(chain, session), "", *_legend(chain)]
    return "\n".join(lines) + "\n"


def _table(chain: _Chain, session: Session) -> list[str]:
    """Return a line for each node; where a terminal is too narrow, bar or date give way."""
    streams = session.streams
    if chain.columns:
        lines = aligned(_rows(chain, session, _letters(chain)))
        if not streams.is_terminal("stdout") or max(map(cells_of, lines)) <= streams.width:
            return lines
        return aligned(_rows(chain, session, _letters(chain), created=False))
    if not streams.is_terminal("stdout"):
        return aligned(_rows(chain, session, _bars(chain, _BAR_CELLS)))
    lines = []
    for created in (True, False):
        bare = aligned(_rows(chain, session, _bars(chain, 0), created=created))
        room = streams.width - max(map(cells_of, bare))
        lines = aligned(
            _rows(
                chain,
                session,
                _bars(chain, min(max(room, _LEAST_BAR_CELLS), _BAR_CELLS)),
                created=created,
            )
        )
        if room >= _LEAST_BAR_CELLS:
            break
    return lines


def _rows(
    chain: _Chain, session: Session, picture: list[list[str]], *, created: bool = True
) -> list[list[str]]:
    """Return the table's cells: a head, then a row for each node with its part of the picture."""
    calendar = Calendar(session)
    when = ["Created"] if created else []
    rows = [["Snapshot", "Name", *when, *picture[0], "Blocks", "Size", ""]]
    for node, drawn in zip(chain.nodes, picture[1:], strict=True):
        state = "" if node.status == "accomplished" else f"{node.status} {node.progress}"
        when = [calendar.wire(node.creation_time)] if created else []
        rows.append(
            [
                node.snapshot_id,
                node.snapshot_name,
                *when,
                *drawn,
                str(node.data_blocks),
                bytes_text(node.size_bytes),
                state,
            ]
        )
    return rows


def _headline(chain: _Chain, session: Session) -> list[str]:
    """Return what the chain is and occupies, in two lines where a terminal needs them."""
    name = f" ({isolated(chain.disk_name)})" if chain.disk_name else ""
    many = "snapshot" if chain.total_count == 1 else "snapshots"
    what = "Chain" if chain.chain_id == chain.disk_id else f"Copies in {chain.region_id}"
    which = f"{what} of disk {chain.disk_id}{name}: {chain.total_count} {many}, "
    size = (
        f"{bytes_text(chain.total_size)} of blocks, {bytes_text(chain.occupied_bytes)} on this "
        f"machine{', encrypted' if chain.encrypted else ''}"
    )
    streams = session.streams
    if streams.is_terminal("stdout") and cells_of(which + size) > streams.width:
        return [which.rstrip(), size]
    return [which + size]


def _letters(chain: _Chain) -> list[list[str]]:
    """Return a column for each block: its letter above, the node's own version of it below."""
    rows = [[chr(ord("A") + at) for at in range(len(chain.columns))]]
    for node in chain.nodes:
        held = {cell.column: cell.text for cell in node.cells}
        rows.append([held.get(at, "") for at in range(len(chain.columns))])
    return rows


def _bars(chain: _Chain, width: int) -> list[list[str]]:
    """Return a bar for each node: where on the disk, as far as it is used, its blocks are."""
    ends = [run.first_block + run.count for node in chain.nodes for run in node.runs]
    last = max(ends, default=1)
    return [[_BAR_HEAD[:width]], *([_bar(node, last, width)] for node in chain.nodes)]


def _bar(node: _Node, last: int, width: int) -> str:
    cells = [" "] * width
    for run in sorted(node.runs, key=lambda run: run.kind == "data") if width else ():
        first = run.first_block * width // last
        end = (run.first_block + run.count - 1) * width // last
        for at in range(first, end + 1):
            cells[at] = "█" if run.kind == "data" else _EMPTY
    return "".join(cells)


def _legend(chain: _Chain) -> list[str]:
    size = bytes_text(chain.block_bytes)
    if not chain.columns:
        return [f"█ blocks of {size} counted on the snapshot   {_EMPTY} empty since then"]
    places = "  ".join(f"{chr(ord('A') + at)}={block}" for at, block in enumerate(chain.columns))
    return [
        f"A letter is a block of {size}, its number the capture that wrote it; "
        f"{_EMPTY} is empty since then.",
        f"Blocks by number on the disk: {places}",
    ]


def table(answer: object) -> Listing:
    """Return the nodes of a ShowChain answer as rows, for programs."""
    return Listing(
        what="snapshots",
        columns=(
            "Snapshot ID/Name",
            "Creation Time",
            "Status",
            "Progress",
            "Data Blocks",
            "Empty Blocks",
            "Size in Bytes",
        ),
        rows=[
            (
                id_and_name(node.snapshot_id, node.snapshot_name),
                node.creation_time,
                node.status,
                node.progress,
                str(node.data_blocks),
                str(node.empty_blocks),
                str(node.size_bytes),
            )
            for node in msgspec.convert(answer, _Chain).nodes
        ],
    )


def aligned(rows: list[list[str]]) -> list[str]:
    """Return rows as lines with their columns below each other, nothing trailing."""
    widths = [max(cells_of(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(
            isolated(cell) + " " * (width - cells_of(cell))
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
