"""Reading and writing map files: which blocks of a disk one snapshot holds, and where.

A map is immutable once written. Nothing here knows of views or images.
"""

import os
from array import array
from collections.abc import Iterator
from typing import Final

from snapcli.volumes.errors import DamagedMap, os_failure
from snapcli.volumes.layers import Layer
from snapcli.volumes.layout import (
    BLOCK_BYTES,
    CHECKSUM_BYTES,
    DATA,
    EMPTY,
    ENCRYPTED_VERSION,
    MAP_HEADER,
    MAP_MAGIC,
    MAP_SUMMED_BYTES,
    NO_STAMP,
    RECORD_BYTES,
    RUN,
    RUN_BYTES,
    VERSION,
    version_of,
)

# (first block, count, DATA or EMPTY, index of the first record; meaningless for EMPTY)
MapRun = tuple[int, int, int, int]

_READ_BYTES: Final = 1 << 20
_RUNS_AT_ONCE: Final = 512


def map_name(snapshot_id: str, generation: int = 0) -> str:
    """The file name of a snapshot's map; generations above 0 are those rewritten by deletions."""
    return f"{snapshot_id}.map" if generation == 0 else f"{snapshot_id}.{generation}.map"


class MapReader:
    """One map, its checksum checked when opened; holds no file open between calls.

    With `keep`, the contents stay in memory. Raises DamagedMap.
    """

    def __init__(self, folder: str, layer: Layer, keep: bool = False) -> None:
        self.snapshot_id = layer.snapshot_id
        self.path = f"{folder}/{layer.map_file}"
        self._kept: memoryview | None = None
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise self.damaged("the file is missing") from None
        except OSError as error:
            raise os_failure(error, "open", self.path) from error
        try:
            self._read_header(fd)
            self._check_sum(fd, keep)
        finally:
            os.close(fd)

    def damaged(self, reason: str) -> DamagedMap:
        """The error that says what is wrong with this map."""
        return DamagedMap(self.snapshot_id, self.path, reason)

    def _read_header(self, fd: int) -> None:
        self._header = os.pread(fd, MAP_HEADER.size, 0)
        if len(self._header) < MAP_HEADER.size:
            raise self.damaged("it is shorter than a header")
        magic, version, block_bytes, runs, data, empty, view, stamp, checksum = MAP_HEADER.unpack(
            self._header
        )
        if magic != MAP_MAGIC:
            raise self.damaged("it is no map file")
        if version not in (VERSION, ENCRYPTED_VERSION) or block_bytes != BLOCK_BYTES:
            raise self.damaged(f"its version {version} is not known to this snapcli")
        self.encrypted: bool = version == ENCRYPTED_VERSION
        self.run_count: int = runs
        self.data_blocks: int = data
        self.empty_blocks: int = empty
        self.view_blocks: int = view
        self.stamp: bytes = stamp
        self._checksum: bytes = checksum
        self._runs_at = MAP_HEADER.size + data * RECORD_BYTES
        self.file_bytes = self._runs_at + runs * RUN_BYTES
        size = os.fstat(fd).st_size
        if size != self.file_bytes:
            raise self.damaged(f"it has {size} bytes instead of {self.file_bytes}")

    def _check_sum(self, fd: int, keep: bool) -> None:
        from blake3 import blake3

        summed = blake3()
        position = MAP_HEADER.size
        chunks: list[bytes] = []
        while position < self.file_bytes:
            chunk = os.pread(fd, min(_READ_BYTES, self.file_bytes - position), position)
            if not chunk:
                break
            summed.update(chunk)
            position += len(chunk)
            if keep:
                chunks.append(chunk)
        summed.update(self._header[:MAP_SUMMED_BYTES])
        if summed.digest() != self._checksum:
            raise self.damaged("its checksum does not fit its contents")
        if keep:
            body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            self._kept = memoryview(body)

    def _read(self, offset: int, length: int) -> memoryview:
        if self._kept is not None:
            start = offset - MAP_HEADER.size
            return self._kept[start : start + length]
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise os_failure(error, "open", self.path) from error
        try:
            content = os.pread(fd, length, offset)
        finally:
            os.close(fd)
        if len(content) != length:
            raise self.damaged("it was cut short while it was read")
        return memoryview(content)

    def runs(self) -> Iterator[MapRun]:
        """The runs in ascending order of blocks."""
        record = 0
        for start in range(0, self.run_count, _RUNS_AT_ONCE):
            count = min(_RUNS_AT_ONCE, self.run_count - start)
            table = self._read(self._runs_at + start * RUN_BYTES, count * RUN_BYTES)
            for first, length, kind in RUN.iter_unpack(table):
                yield first, length, kind, record
                if kind == DATA:
                    record += length

    def records(self, index: int, count: int) -> memoryview:
        """`count` records from the one numbered `index`, 32 bytes each."""
        return self._read(MAP_HEADER.size + index * RECORD_BYTES, count * RECORD_BYTES)

    def end_block(self) -> int:
        """The block after the last one that the map says anything about."""
        if self.run_count == 0:
            return 0
        last = self._read(self._runs_at + (self.run_count - 1) * RUN_BYTES, RUN_BYTES)
        first, count, _ = RUN.unpack(last)
        return int(first + count)


class MapWriter:
    """Writes one map: runs in ascending order, then `finish`; `abandon` removes the file.

    `encrypted` says whether it belongs to an encrypted chain, and is written down. Raises
    VolumeError when the file exists already or can't be written.
    """

    def __init__(self, folder: str, name: str, encrypted: bool = False) -> None:
        from blake3 import blake3

        self._version = version_of(encrypted)
        self.path = f"{folder}/{name}"
        self.data_blocks = 0
        self.empty_blocks = 0
        self._sum = blake3()
        self._pending = bytearray()
        self._runs = array("I")  # first, count, kind of each run: 12 bytes a run, no objects
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise os_failure(error, "create", self.path) from error
        self._end = MAP_HEADER.size

    def restart(self) -> None:
        """Forget everything added so far."""
        from blake3 import blake3

        os.ftruncate(self._fd, 0)
        self._sum = blake3()
        self._pending.clear()
        self._runs = array("I")
        self.data_blocks = self.empty_blocks = 0
        self._end = MAP_HEADER.size

    def add_data(self, first: int, records: bytes | bytearray | memoryview) -> None:
        """Say that the blocks from `first` on are stored where these records tell."""
        count = len(records) // RECORD_BYTES
        self.data_blocks += count
        self._add_run(first, count, DATA)
        self._pending += records
        if len(self._pending) >= _READ_BYTES:
            self._flush()

    def add_empty(self, first: int, count: int) -> None:
        """Say that these blocks, present in the view before, are empty now."""
        self.empty_blocks += count
        self._add_run(first, count, EMPTY)

    def _add_run(self, first: int, count: int, kind: int) -> None:
        runs = self._runs
        if runs and runs[-1] == kind and runs[-3] + runs[-2] == first:
            runs[-2] += count
        else:
            runs.extend((first, count, kind))

    def _flush(self) -> None:
        content = memoryview(self._pending)
        self._sum.update(content)
        while content:
            written = os.pwrite(self._fd, content, self._end)
            self._end += written
            content = content[written:]
        content.release()
        self._pending = bytearray()

    def finish(self, view_blocks: int, stamp: bytes = NO_STAMP, sync: bool = True) -> None:
        """Write the run table and the header, and (with `sync`) put all of it on the disk."""
        import sys

        if sys.byteorder == "big":
            self._runs.byteswap()
        run_count = len(self._runs) // 3
        self._pending += self._runs.tobytes()
        self._flush()
        header = MAP_HEADER.pack(
            MAP_MAGIC,
            self._version,
            BLOCK_BYTES,
            run_count,
            self.data_blocks,
            self.empty_blocks,
            view_blocks,
            stamp,
            bytes(CHECKSUM_BYTES),
        )
        self._sum.update(header[:MAP_SUMMED_BYTES])
        os.pwrite(self._fd, header[:MAP_SUMMED_BYTES] + self._sum.digest(), 0)
        if sync:
            os.fsync(self._fd)
        os.close(self._fd)
        self._fd = -1

    def abandon(self) -> None:
        """Close and remove the file; harmless when it is gone."""
        import contextlib

        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
