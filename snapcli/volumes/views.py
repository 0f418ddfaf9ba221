"""A view: the maps of a chain up to one snapshot, laid over each other, oldest first.

The view is built a window at a time (65,536 blocks = 4 GiB of disk, 2 MiB of slots), so that
memory does not grow with the disk. Never more than one file is open, however long the chain.
Must not read images or packs.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from snapcli.volumes.errors import mixed_up
from snapcli.volumes.layers import Layer
from snapcli.volumes.layout import DATA, DIGEST_BYTES, NO_DIGEST, RECORD_BYTES
from snapcli.volumes.maps import MapReader, MapRun

WINDOW_BLOCKS: Final = 65536
# What an untouched window looks like: one for all, since disks are mostly such windows.
_EMPTY_WINDOW: Final = bytearray(WINDOW_BLOCKS * RECORD_BYTES)
_KEPT_BYTES: Final = 16 << 20  # map contents kept in memory, all layers together
_KEPT_EACH: Final = 4 << 20


class _Cursor:
    """Where the overlay has got to in one map."""

    def __init__(self, reader: MapReader) -> None:
        self.reader = reader
        self._runs = reader.runs()
        self.run: MapRun | None = next(self._runs, None)

    def lay(self, slots: bytearray, base: int) -> None:
        """Lay what the map says of one window into its slots; windows only ever go forward."""
        end = base + WINDOW_BLOCKS
        data: list[tuple[int, int, int]] = []  # slot, count, record
        while self.run is not None and self.run[0] < end:
            first, count, kind, record = self.run
            skipped = max(0, base - first)
            taken = min(first + count, end) - first - skipped
            if taken > 0:
                slot = first + skipped - base
                if kind == DATA:
                    data.append((slot, taken, record + skipped))
                else:
                    start = slot * RECORD_BYTES
                    slots[start : start + taken * RECORD_BYTES] = bytes(taken * RECORD_BYTES)
            if first + count > end:
                break  # the rest of this run belongs to later windows
            self.run = next(self._runs, None)
        if data:
            # The records of one window are contiguous in the file: one read for all its runs.
            from_record = data[0][2]
            records = self.reader.records(from_record, data[-1][2] + data[-1][1] - from_record)
            for slot, taken, record in data:
                start = slot * RECORD_BYTES
                source = (record - from_record) * RECORD_BYTES
                length = taken * RECORD_BYTES
                slots[start : start + length] = records[source : source + length]


class View:
    """What a disk held at the newest of `layers` (oldest first); no layers: an empty disk.

    `encrypted` says whether the chain is. Raises DamagedMap when a map can't be trusted, or is
    not of such a chain.
    """

    def __init__(self, folder: str, layers: Sequence[Layer], encrypted: bool = False) -> None:
        import os

        self.folder = folder
        self.layers = layers
        self._readers: list[MapReader] = []
        kept = 0
        for layer in layers:
            try:
                size = os.stat(f"{folder}/{layer.map_file}").st_size
            except OSError:
                size = 0  # MapReader says what is wrong
            keep = size <= _KEPT_EACH and kept + size <= _KEPT_BYTES
            kept += size if keep else 0
            reader = MapReader(folder, layer, keep)
            if reader.encrypted != encrypted:
                raise reader.damaged(mixed_up(reader.encrypted))
            self._readers.append(reader)
        self.end_block = max((reader.end_block() for reader in self._readers), default=0)
        self._rewind()

    def _rewind(self) -> None:
        self._cursors = [_Cursor(reader) for reader in self._readers]
        self._next = 0
        self._last: tuple[int, bytearray] | None = None

    @property
    def newest(self) -> MapReader | None:
        """The map of the snapshot this view is of."""
        return self._readers[-1] if self._readers else None

    def window(self, index: int) -> bytearray:
        """The slots of one window: 32 bytes a block, its record, or zeros where it is empty.

        The result belongs to the view and must not be changed; ascending order is fast.
        """
        if self._last is not None and self._last[0] == index:
            return self._last[1]
        if index < self._next:
            self._rewind()
        base = index * WINDOW_BLOCKS
        end = base + WINDOW_BLOCKS
        touching = [c for c in self._cursors if c.run is not None and c.run[0] < end]
        slots = bytearray(len(_EMPTY_WINDOW)) if touching else _EMPTY_WINDOW
        for cursor in touching:
            cursor.lay(slots, base)
        self._next = index + 1
        self._last = (index, slots)
        return slots

    def window_indexes(self, end_block: int) -> range:
        """The windows that the blocks below `end_block` lie in."""
        return range(-(-end_block // WINDOW_BLOCKS))

    def slots(self, first_block: int, count: int) -> bytes:
        """The slots of a range of blocks that lies within one window."""
        start = (first_block % WINDOW_BLOCKS) * RECORD_BYTES
        return bytes(
            self.window(first_block // WINDOW_BLOCKS)[start : start + count * RECORD_BYTES]
        )

    def holder(self, block: int) -> str:
        """The snapshot whose map says where this block is: the newest that has it."""
        for reader in reversed(self._readers):
            for first, count, _, _ in reader.runs():
                if first <= block < first + count:
                    return reader.snapshot_id
        return self.layers[-1].snapshot_id if self.layers else ""


def filled(slots: bytes | bytearray | memoryview, slot: int) -> bool:
    """Whether the slot with this index holds a block."""
    start = slot * RECORD_BYTES
    return slots[start : start + DIGEST_BYTES] != NO_DIGEST


def filled_runs(
    slots: bytes | bytearray | memoryview, first: int, count: int
) -> Iterator[tuple[int, int]]:
    """Runs (slot index, count) of slots that hold a block, among `count` slots from `first`."""
    if slots is _EMPTY_WINDOW:
        return
    # Mostly empty: one compare instead of a loop, of bytes since memoryviews compare slowly.
    span = bytes(memoryview(slots)[first * RECORD_BYTES : (first + count) * RECORD_BYTES])
    if span == bytes(len(span)):
        return
    start = -1
    for slot in range(first, first + count):
        if filled(slots, slot):
            if start < 0:
                start = slot
        elif start >= 0:
            yield start, slot - start
            start = -1
    if start >= 0:
        yield start, first + count - start
