"""The plain values that callers keep or pass: a chain's layers, what a capture made, runs.

Imports nothing but msgspec, so that records can hold these types at no cost.
"""

from typing import Literal

import msgspec


class Layer(msgspec.Struct, frozen=True):
    """One snapshot of a chain: its id and the name of its present map file in the folder."""

    snapshot_id: str
    map_file: str


class Captured(msgspec.Struct, frozen=True):
    """What a capture wrote: two files (names in the chain folder) and what they hold.

    `data_blocks` and `empty_blocks` count the blocks that differ from the view before,
    `view_blocks` every data block of the disk at that instant, `stored_bytes` the compressed
    bytes in the pack, its header included.
    """

    pack_file: str
    map_file: str
    data_blocks: int
    empty_blocks: int
    view_blocks: int
    stored_bytes: int


class HandedOver(msgspec.Struct, frozen=True):
    """The following node's new map after a deletion; `map_file` is None without such a node."""

    map_file: str | None
    data_blocks: int
    empty_blocks: int


class Run(msgspec.Struct, frozen=True):
    """Consecutive blocks of one kind in one layer."""

    first_block: int
    count: int
    kind: Literal["data", "empty"]
