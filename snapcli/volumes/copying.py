"""Copying a view of one chain onto another chain: a pack and a map there, nothing decided anew.

What is to be copied is found in the maps alone, by digests. Stored blocks go over as they are,
after each was checked: damage is told, never copied. Must not know why it is asked to.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from snapcli.volumes.errors import os_failure
from snapcli.volumes.images import Progress, StrPath, sync_folder
from snapcli.volumes.layers import Captured, Layer
from snapcli.volumes.layout import BLOCK_BYTES, DIGEST_BYTES, RECORD_BYTES
from snapcli.volumes.maps import MapWriter, map_name
from snapcli.volumes.packs import BlockReader, PackWriter, pack_name, record
from snapcli.volumes.scan import SPAN_BLOCKS
from snapcli.volumes.views import WINDOW_BLOCKS, View, filled
from snapcli.volumes.workers import ordered_map, thread_count

# The first block of a run, how many, and their records in the source; none: empty from here on.
_Job = tuple[int, int, bytes]
_Fetched = tuple[_Job, list[bytes]]

_RECORD_WORDS: Final = RECORD_BYTES // 8


def copy_view(
    source_folder: StrPath,
    source_layers: Sequence[Layer],
    source_packs: Mapping[int, str],
    folder: StrPath,
    layers: Sequence[Layer],
    snapshot_id: str,
    pack_number: int,
    progress: Progress | None = None,
    sync: bool = True,
) -> Captured:
    """Write a new snapshot into `folder` that holds the view of another chain (CP-3).

    `source_layers` (oldest first) and `source_packs` are what is copied; `layers` those of the
    snapshots in `folder` before the new one. Only blocks that differ from their view are stored,
    blocks that only their view has are noted as empty. `pack_number` must be new there. With
    `sync` both files and the folder are on the disk when this returns. `progress` gets bytes of
    the disk compared and bytes to compare. Raises DamagedBlock and DamagedMap, naming the
    source's, and VolumeError; on any error neither file is left.
    """
    chain = os.fspath(folder)
    source = View(os.fspath(source_folder), source_layers)
    view = View(chain, layers)
    view_blocks = source.newest.view_blocks if source.newest is not None else 0
    pack = PackWriter(chain, pack_name(snapshot_id), pack_number)
    try:
        maps = MapWriter(chain, map_name(snapshot_id))
        try:
            _copy(source, source_packs, view, pack, maps, progress)
            pack.finish(sync)
            maps.finish(view_blocks, sync=sync)
            if sync:
                sync_folder(chain)
        except BaseException:
            maps.abandon()
            raise
    except OSError as error:
        pack.abandon()
        raise os_failure(error, f"copy snapshot {snapshot_id} into", chain) from error
    except BaseException:
        pack.abandon()
        raise
    return Captured(
        pack_file=pack_name(snapshot_id),
        map_file=map_name(snapshot_id),
        data_blocks=maps.data_blocks,
        empty_blocks=maps.empty_blocks,
        view_blocks=view_blocks,
        stored_bytes=pack.end,
    )


def _copy(
    source: View,
    source_packs: Mapping[int, str],
    view: View,
    pack: PackWriter,
    maps: MapWriter,
    progress: Progress | None,
) -> None:
    """Fill pack and map with what the source's view has otherwise than the view here."""
    total = max(source.end_block, view.end_block) * BLOCK_BYTES
    threads = range(thread_count())
    readers = [BlockReader(source.folder, source_packs, source.holder) for _ in threads]
    try:
        jobs = _differences(source, view)
        for (first, count, records), stored in ordered_map(jobs, [_fetcher(r) for r in readers]):
            if records:
                offset = pack.append(stored)
                maps.add_data(first, _moved(records, stored, offset, pack.number))
            else:
                maps.add_empty(first, count)
            if progress is not None:
                progress((first + count) * BLOCK_BYTES, total)
    finally:
        for reader in readers:
            reader.close()
    if progress is not None:
        progress(total, total)


def _fetcher(reader: BlockReader) -> Callable[[_Job], _Fetched]:
    """The work of one thread: read stored blocks and check them."""

    def fetch(job: _Job) -> _Fetched:
        first, _, records = job
        return job, reader.stored(first, records)

    return fetch


def _moved(records: bytes, stored: list[bytes], offset: int, number: int) -> bytes:
    """The records of blocks that now lie one after the other from `offset` in another pack."""
    moved = []
    for index, block in enumerate(stored):
        at = index * RECORD_BYTES
        moved.append(record(records[at : at + DIGEST_BYTES], offset, len(block), number))
        offset += len(block)
    return b"".join(moved)


def _differences(source: View, view: View) -> Iterator[_Job]:
    """The runs of blocks that differ, ascending, of at most 2 MiB and of one kind each."""
    for index in source.window_indexes(max(source.end_block, view.end_block)):
        theirs, ours = source.window(index), view.window(index)
        if theirs is ours:
            continue  # untouched in both
        base = index * WINDOW_BLOCKS
        for first, count in _runs(_differing(theirs, ours), theirs):
            at = first * RECORD_BYTES
            records = bytes(memoryview(theirs)[at : at + count * RECORD_BYTES])
            yield base + first, count, records if filled(records, 0) else b""


def _differing(theirs: bytearray, ours: bytearray) -> list[int]:
    """The slots of a window whose digests are not the same.

    Compared as whole numbers, a hundred times as fast as slices of bytes.
    """
    words, others = memoryview(theirs).cast("Q"), memoryview(ours).cast("Q")
    compared = zip(
        words[0::_RECORD_WORDS].tolist(),
        words[1::_RECORD_WORDS].tolist(),
        others[0::_RECORD_WORDS].tolist(),
        others[1::_RECORD_WORDS].tolist(),
        strict=True,
    )
    return [slot for slot, (a, b, c, d) in enumerate(compared) if a != c or b != d]


def _runs(slots: list[int], theirs: bytearray) -> Iterator[tuple[int, int]]:
    """Runs (slot, count) of neighbours that all hold a block at the source, or all hold none."""
    start = 0
    for at in range(1, len(slots) + 1):
        if (
            at == len(slots)
            or slots[at] != slots[at - 1] + 1
            or at - start == SPAN_BLOCKS
            or filled(theirs, slots[at]) != filled(theirs, slots[start])
        ):
            yield slots[start], at - start
            start = at
