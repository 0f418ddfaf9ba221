"""What a layer holds, for drawing a chain: its runs of blocks, its counts, its bytes.

Reads one map; never a pack or an image.
"""

import os

from snapcli.volumes.images import StrPath
from snapcli.volumes.layers import Layer, Run
from snapcli.volumes.layout import DATA, RECORD
from snapcli.volumes.maps import MapReader

_RECORDS_AT_ONCE = 32768


def layer_runs(folder: StrPath, layer: Layer) -> list[Run]:
    """The runs of blocks that a snapshot holds, ascending. Raises DamagedMap."""
    reader = MapReader(os.fspath(folder), layer)
    return [
        Run(first, count, "data" if kind == DATA else "empty")
        for first, count, kind, _ in reader.runs()
    ]


def layer_usage(folder: StrPath, layer: Layer) -> tuple[int, int, int]:
    """(data blocks, empty blocks, stored bytes) counted on a snapshot (IN-4).

    Stored bytes are those of its blocks in whatever packs they lie. Raises DamagedMap.
    """
    reader = MapReader(os.fspath(folder), layer)
    stored = 0
    for start in range(0, reader.data_blocks, _RECORDS_AT_ONCE):
        records = reader.records(start, min(_RECORDS_AT_ONCE, reader.data_blocks - start))
        stored += sum(entry[2] for entry in RECORD.iter_unpack(records))
    return reader.data_blocks, reader.empty_blocks, stored


def block_origins(folder: StrPath, layer: Layer) -> list[tuple[int, int | None]]:
    """Each block of a small layer, ascending, with the number of the pack it lies in.

    None stands for a block that is empty from this layer on. For drawing a chain of few blocks:
    the list has an entry a block. Raises DamagedMap.
    """
    reader = MapReader(os.fspath(folder), layer)
    origins: list[tuple[int, int | None]] = []
    for first, count, kind, record in reader.runs():
        if kind == DATA:
            packs = [entry[3] for entry in RECORD.iter_unpack(reader.records(record, count))]
            origins += zip(range(first, first + count), packs, strict=True)
        else:
            origins += [(block, None) for block in range(first, first + count)]
    return origins
