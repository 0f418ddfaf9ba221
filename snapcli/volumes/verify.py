"""Finding what is wrong with a chain's files, and naming it: snapshot, file, block.

Changes nothing and stops at nothing: every problem is reported, one after the other.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from snapcli.volumes.errors import DamagedBlock, VolumeError, mixed_up
from snapcli.volumes.images import Progress, StrPath
from snapcli.volumes.layers import Layer
from snapcli.volumes.layout import (
    BLOCK_BYTES,
    DATA,
    EMPTY,
    PACK_HEADER,
    RECORD,
    RECORD_BYTES,
    most_stored_bytes,
)
from snapcli.volumes.maps import MapReader
from snapcli.volumes.packs import BlockReader, open_pack
from snapcli.volumes.workers import ordered_map, thread_count

if TYPE_CHECKING:
    from snapcli.volumes.cipher import Cipher

_JOB_BLOCKS: Final = 16


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong; `block` is None when it is not about a single block.

    It concerns the disk as it was at `snapshot_id` and at every later snapshot that has not
    overwritten the block.
    """

    snapshot_id: str
    file: str
    block: int | None
    message: str


def verify_chain(
    folder: StrPath,
    layers: Sequence[Layer],
    packs: Mapping[int, str],
    read_data: bool,
    progress: Progress | None = None,
    encrypted: bool = False,
    cipher: "Cipher | None" = None,
) -> Iterator[Problem]:
    """Check maps (checksum, order, counts), packs (header) and that every block lies in its pack.

    With `read_data` each stored block is read, decompressed and compared with its digest; then
    `progress` gets plain bytes checked and plain bytes in all. `encrypted` says whether the chain
    is; without its `cipher` all but the stored blocks can be checked.
    """
    chain = os.fspath(folder)
    readers: list[MapReader] = []
    for layer in layers:
        try:
            reader = MapReader(chain, layer)
            if reader.encrypted != encrypted:
                raise reader.damaged(mixed_up(reader.encrypted))
            readers.append(reader)
        except VolumeError as error:
            yield Problem(layer.snapshot_id, error.path, None, str(error))
        name = f"{layer.snapshot_id}.pack"
        own = f"{chain}/{name}"
        if name in packs.values() and not os.path.exists(own):
            yield Problem(layer.snapshot_id, own, None, f"the pack {own} is missing")
    sizes: dict[int, int] = {}
    for number, name in packs.items():
        try:
            fd = open_pack(f"{chain}/{name}", number, encrypted)
        except VolumeError as error:
            yield Problem(name.split(".", 1)[0], error.path, None, str(error))
            continue
        sizes[number] = os.fstat(fd).st_size
        os.close(fd)
    total = sum(reader.data_blocks for reader in readers) * BLOCK_BYTES
    done = 0
    for reader in readers:
        yield from _check_runs(reader)
        yield from _check_places(reader, sizes, packs, chain)
        if read_data and encrypted == (cipher is not None):
            for count, problems in _check_blocks(reader, chain, packs, sizes, cipher):
                yield from problems
                done += count * BLOCK_BYTES
                if progress is not None:
                    progress(done, total)


def _check_runs(reader: MapReader) -> Iterator[Problem]:
    """Order and counts of the run table."""
    before = data = empty = 0
    for first, count, kind, _ in reader.runs():
        if kind not in (DATA, EMPTY) or count == 0 or first < before:
            yield Problem(reader.snapshot_id, reader.path, first, "its runs are out of order")
            return
        before = first + count
        data += count if kind == DATA else 0
        empty += count if kind == EMPTY else 0
    if (data, empty) != (reader.data_blocks, reader.empty_blocks):
        yield Problem(reader.snapshot_id, reader.path, None, "its counts do not fit its runs")


Job = tuple[int, memoryview]


def _jobs(reader: MapReader) -> Iterator[Job]:
    """The data blocks of a map with their records, a few at a time."""
    for first, count, kind, index in reader.runs():
        for done in range(0, count if kind == DATA else 0, _JOB_BLOCKS):
            taken = min(_JOB_BLOCKS, count - done)
            yield first + done, reader.records(index + done, taken)


def _check_places(
    reader: MapReader, sizes: Mapping[int, int], packs: Mapping[int, str], chain: str
) -> Iterator[Problem]:
    """Every record names a range inside a pack of the chain."""
    most_bytes = most_stored_bytes(reader.encrypted)
    for first, records in _jobs(reader):
        for index, (_, offset, length, number) in enumerate(RECORD.iter_unpack(records)):
            block = first + index
            file = f"{chain}/{packs[number]}" if number in packs else reader.path
            message = ""
            if number not in packs:
                message = f"names pack {number}, which its chain does not have"
            elif number in sizes and not (
                PACK_HEADER.size <= offset
                and 0 < length <= most_bytes
                and offset + length <= sizes[number]
            ):
                message = f"{file} does not reach to block {block} (offset {offset})"
            elif number not in sizes:
                message = f"block {block} lies in {file}, which can't be used"
            if message:
                yield Problem(reader.snapshot_id, file, block, message)


def _check_blocks(
    reader: MapReader,
    chain: str,
    packs: Mapping[int, str],
    sizes: Mapping[int, int],
    cipher: "Cipher | None",
) -> Iterator[tuple[int, list[Problem]]]:
    """Read every stored block; blocks whose place is wrong were reported already."""
    readable = {number: packs[number] for number in sizes}
    blocks = [
        BlockReader(chain, readable, lambda _block: reader.snapshot_id, cipher)
        for _ in range(thread_count())
    ]

    def worker(source: BlockReader) -> Callable[[Job], tuple[int, list[Problem]]]:
        def work(job: Job) -> tuple[int, list[Problem]]:
            first, records = job
            try:
                source.blocks(first, records)
            except DamagedBlock:
                return len(records) // RECORD_BYTES, _each(source, first, records, sizes)
            return len(records) // RECORD_BYTES, []

        return work

    try:
        yield from ordered_map(_jobs(reader), [worker(source) for source in blocks])
    finally:
        for source in blocks:
            source.close()


def _each(
    source: BlockReader, first: int, records: memoryview, sizes: Mapping[int, int]
) -> list[Problem]:
    """The damaged blocks of a job, read one by one."""
    problems: list[Problem] = []
    for at in range(0, len(records), RECORD_BYTES):
        _, offset, length, number = RECORD.unpack(records[at : at + RECORD_BYTES])
        if number not in sizes or offset + length > sizes[number]:
            continue
        try:
            source.blocks(first + at // RECORD_BYTES, records[at : at + RECORD_BYTES])
        except DamagedBlock as error:
            problems.append(Problem(error.snapshot_id, error.path, error.block, str(error)))
    return problems


def unnamed_files(
    folder: StrPath,
    layers: Sequence[Layer],
    packs: Mapping[int, str],
    others: Collection[str] = (),
) -> list[str]:
    """Names in the chain folder that belong to no layer and no pack, and are not in `others`."""
    named = {layer.map_file for layer in layers} | set(packs.values()) | set(others)
    named |= {f"{layer.snapshot_id}.pack" for layer in layers}
    return sorted(name for name in os.listdir(folder) if name not in named)
