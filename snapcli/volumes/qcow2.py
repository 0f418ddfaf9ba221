"""The qcow2 format: writing a view as version 3 with clusters of one block, reading 2 and 3.

What is read may come from anyone: every offset is held to the file, every table to what the file
can hold, and memory never grows with what a header claims. Encryption, backing files, external
data files and internal snapshots' contents are not read. Knows nothing of images in the service.
"""

import os
import struct
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from snapcli.volumes.errors import VolumeError, os_failure
from snapcli.volumes.images import (
    Progress,
    StrPath,
    length_of,
    open_image,
    open_new_image,
    sync_folder,
    write_all,
)
from snapcli.volumes.layout import BLOCK_BYTES, RECORD_BYTES, blocks_of

if TYPE_CHECKING:
    from snapcli.volumes.cipher import Cipher
    from snapcli.volumes.layers import Layer
    from snapcli.volumes.restore import Job
    from snapcli.volumes.views import View

MAGIC: Final = b"QFI\xfb"
_HEADER_V2: Final = struct.Struct(">4sIQIIQIIQQIIQ")
_HEADER_V3: Final = struct.Struct(">QQQII")
_COPIED: Final = 1 << 63
_COMPRESSED: Final = 1 << 62
_OFFSET: Final = 0x00FF_FFFF_FFFF_FE00
_CORRUPT, _EXTERNAL_DATA, _COMPRESSION_TYPE, _EXTENDED_L2 = 2, 4, 8, 16
_READABLE: Final = 1 | _COMPRESSION_TYPE  # bit 0: not closed properly, only its counts are old
_LARGEST_L1_BYTES: Final = 32 << 20  # as qemu has it
_L2_ENTRIES: Final = BLOCK_BYTES // 8
_COUNTS: Final = BLOCK_BYTES // 2  # in a block of reference counts
_LEAST_COMPRESSED_BYTES: Final = 8


# Writing


def write_qcow2(
    path: StrPath,
    folder: StrPath,
    layers: "Sequence[Layer]",
    packs: Mapping[int, str],
    length_bytes: int,
    progress: Progress | None = None,
    cipher: "Cipher | None" = None,
) -> None:
    """A new qcow2 file with the view of a chain's `layers`, of `length_bytes` virtual size.

    Empty blocks take no space. Synced when it returns. Raises DamagedBlock, DamagedMap,
    VolumeError (also when the file exists); then no file is left.
    """
    from snapcli.volumes.restore import fetched
    from snapcli.volumes.views import View

    name = os.fspath(path)
    view = View(os.fspath(folder), layers)
    fd = open_new_image(name, 0)
    try:
        writer = _Writer(fd, length_bytes)
        total = view.newest.view_blocks * BLOCK_BYTES if view.newest is not None else 0
        done = 0
        for count in fetched(view, packs, writer.placed(view), writer.write, cipher):
            done += count * BLOCK_BYTES
            if progress is not None:
                progress(min(done, total), total)
        writer.finish()
        os.fsync(fd)
        sync_folder(os.path.dirname(name) or ".")
    except OSError as error:
        os.unlink(name)
        raise os_failure(error, "write", name) from error
    except BaseException:
        os.unlink(name)
        raise
    finally:
        os.close(fd)


class _Writer:
    """Gives each block its cluster in the order of the disk, and writes the tables around them."""

    def __init__(self, fd: int, length_bytes: int) -> None:
        self._fd = fd
        self._length = length_bytes
        self._l1 = array("Q", bytes(8 * -(-blocks_of(length_bytes) // _L2_ENTRIES)))
        self._l1_clusters = max(1, -(-len(self._l1) * 8 // BLOCK_BYTES))
        self._next = 1 + self._l1_clusters  # the header, the L1 table, then whatever comes
        self._l2_index = -1
        self._l2 = array("Q")
        self._offsets: dict[int, int] = {}  # first block of a job -> where it goes

    def placed(self, view: "View") -> "Iterator[Job]":
        """The jobs of a view; each gets clusters of its own just before it is handed out."""
        from snapcli.volumes.restore import view_jobs

        for first, records in view_jobs(view, 0, blocks_of(self._length)):
            count = len(records) // RECORD_BYTES
            start = self._next
            self._next += count
            for index in range(count):
                self._note(first + index, (start + index) * BLOCK_BYTES)
            self._offsets[first] = start * BLOCK_BYTES
            yield first, records

    def _note(self, block: int, offset: int) -> None:
        l2_index, slot = divmod(block, _L2_ENTRIES)
        if l2_index != self._l2_index:
            self._end_l2()
            self._l2_index = l2_index
            self._l2 = array("Q", bytes(BLOCK_BYTES))
        self._l2[slot] = offset | _COPIED

    def _end_l2(self) -> None:
        if self._l2_index < 0:
            return
        offset = self._next * BLOCK_BYTES
        self._next += 1
        self._l1[self._l2_index] = offset | _COPIED
        write_all(self._fd, _big_endian(self._l2), offset)

    def write(self, first: int, blocks: list[bytes]) -> None:
        """Write a job's plain blocks; called from any thread."""
        offset = self._offsets.pop(first)
        write_all(self._fd, b"".join(blocks), offset)

    def finish(self) -> None:
        """Write what is left: the last L2 table, the L1 table, the counts and the header."""
        self._end_l2()
        write_all(self._fd, _big_endian(self._l1), BLOCK_BYTES)
        used = self._next
        blocks = tables = 1
        while True:
            total = used + blocks + tables
            needed = -(-total // _COUNTS)
            if needed <= blocks and -(-blocks * 8 // BLOCK_BYTES) <= tables:
                break
            blocks = max(blocks, needed)
            tables = max(tables, -(-blocks * 8 // BLOCK_BYTES))
        table_offset = used * BLOCK_BYTES
        first_block = used + tables
        offsets = array("Q", [(first_block + index) * BLOCK_BYTES for index in range(blocks)])
        write_all(self._fd, _big_endian(offsets), table_offset)
        for index in range(blocks):  # each cluster is named once
            counted = min(total - index * _COUNTS, _COUNTS)
            write_all(self._fd, b"\x00\x01" * counted, (first_block + index) * BLOCK_BYTES)
        os.ftruncate(self._fd, total * BLOCK_BYTES)
        header = _HEADER_V2.pack(
            MAGIC, 3, 0, 0, 16, self._length, 0, len(self._l1), BLOCK_BYTES,
            table_offset, tables, 0, 0,
        )  # fmt: skip
        header += _HEADER_V3.pack(0, 0, 0, 4, _HEADER_V2.size + _HEADER_V3.size)
        write_all(self._fd, header + bytes(8), 0)


def _big_endian(values: "array[int]") -> bytes:
    if sys.byteorder == "little":
        values = array("Q", values)
        values.byteswap()
    return values.tobytes()


# Reading


class UnreadableImage(VolumeError):
    """A file is no qcow2 image that can be read here; the message says why."""


class Header(NamedTuple):
    """What of a header is needed to read the image."""

    version: int
    length_bytes: int
    cluster_bits: int
    l1_offset: int
    l1_entries: int
    zstd: bool


def qcow2_length_bytes(path: StrPath) -> int:
    """The virtual size of a qcow2 image, in bytes. Raises UnreadableImage, VolumeError."""
    fd = open_image(path)
    try:
        return _header(fd, os.fspath(path)).length_bytes
    finally:
        os.close(fd)


def extract_qcow2(
    path: StrPath, target: StrPath, length_bytes: int, progress: Progress | None = None
) -> None:
    """A new sparse raw image `target`, `length_bytes` long, with the bytes of a qcow2 image.

    Raises UnreadableImage, VolumeError; then no target is left.
    """
    name = os.fspath(path)
    source = open_image(path)
    try:
        target_fd = open_new_image(target, length_bytes)
        try:
            _Extraction(source, name, target_fd, length_bytes).run(progress)
            os.fsync(target_fd)
        except BaseException:
            os.unlink(target)
            raise
        finally:
            os.close(target_fd)
    except OSError as error:
        raise os_failure(error, f"read {name} into", os.fspath(target)) from error
    finally:
        os.close(source)


def _refusal(name: str, why: str) -> UnreadableImage:
    return UnreadableImage(
        f"{name} can't be read as qcow2: {why}",
        name,
        "`qemu-img convert -O raw` makes a raw image of most others",
    )


def _header(fd: int, name: str) -> Header:
    data = os.pread(fd, _HEADER_V2.size + _HEADER_V3.size + 8, 0)
    if len(data) < _HEADER_V2.size or not data.startswith(MAGIC):
        raise _refusal(name, "it has no qcow2 header")
    (
        _, version, backing_offset, _, cluster_bits, size, crypt, l1_entries, l1_offset,
        _, _, _, _,
    ) = _HEADER_V2.unpack_from(data)  # fmt: skip
    if version not in (2, 3):
        raise _refusal(name, f"its version is {version}, not 2 or 3")
    if backing_offset:
        raise _refusal(name, "it has a backing file, without which it is only a part")
    if crypt:
        raise _refusal(name, "it is encrypted")
    if not 9 <= cluster_bits <= 21:
        raise _refusal(name, f"its clusters of 2^{cluster_bits} bytes are out of range")
    zstd = False
    if version == 3:
        if len(data) < _HEADER_V2.size + _HEADER_V3.size:
            raise _refusal(name, "its header is cut short")
        features, _, _, _, header_length = _HEADER_V3.unpack_from(data, _HEADER_V2.size)
        zstd = _compression(name, features, header_length, data)
    span = 1 << (2 * cluster_bits - 3)  # what one L2 table maps
    needed = -(-size // span)
    if l1_entries < needed or needed * 8 > _LARGEST_L1_BYTES:
        raise _refusal(name, f"its first table of {l1_entries} entries does not fit its size")
    if l1_offset % (1 << cluster_bits) or l1_offset + needed * 8 > length_of(fd):
        raise _refusal(name, "its first table lies outside the file")
    return Header(version, size, cluster_bits, l1_offset, needed, zstd)


def _compression(name: str, features: int, header_length: int, data: bytes) -> bool:
    """Check the features of version 3, and say whether clusters are compressed with zstd."""
    if features & _CORRUPT:
        raise _refusal(name, "it is marked as corrupt; `qemu-img check -r all` may repair it")
    if features & _EXTERNAL_DATA:
        raise _refusal(name, "its data is in another file")
    if features & _EXTENDED_L2:
        raise _refusal(name, "it has subclusters")
    if features & ~_READABLE:
        raise _refusal(name, f"it needs features that are not known here ({features:#x})")
    kind = data[104] if header_length > 104 and len(data) > 104 else 0
    if kind > 1:
        raise _refusal(name, f"its compression {kind} is not known here")
    return kind == 1


class _Extraction:
    """Copies the clusters of one image into a raw file."""

    def __init__(self, fd: int, name: str, target: int, length_bytes: int) -> None:
        self._fd = fd
        self._name = name
        self._target = target
        self._target_length = length_bytes
        self._header = _header(fd, name)
        self._cluster = 1 << self._header.cluster_bits
        self._file_length = length_of(fd)
        # An undamaged image names each cluster once, so it names no more than the file has.
        self._left = self._file_length // self._cluster + 1
        self._compressed_left = self._file_length // _LEAST_COMPRESSED_BYTES
        self._tables_left = self._left

    def run(self, progress: Progress | None) -> None:
        """Copy everything; holes and zeros stay holes."""
        header = self._header
        entries_a_table = self._cluster // 8
        for index in range(header.l1_entries):
            [entry] = struct.unpack(">Q", self._read(header.l1_offset + index * 8, 8))
            offset = entry & _OFFSET
            if offset:
                self._tables_left -= 1
                if self._tables_left < 0 or offset % self._cluster:
                    raise _refusal(self._name, "its tables overlap")
                self._copy_table(offset, index * entries_a_table)
            if progress is not None:
                progress(index + 1, header.l1_entries)

    def _copy_table(self, offset: int, first_cluster: int) -> None:
        table = array("Q", self._read(offset, self._cluster))
        if sys.byteorder == "little":
            table.byteswap()
        for slot, entry in enumerate(table):
            if entry:
                at = (first_cluster + slot) * self._cluster
                if at >= self._header.length_bytes:
                    return
                self._copy_cluster(entry, at)

    def _copy_cluster(self, entry: int, at: int) -> None:
        if entry & _COMPRESSED:
            plain = self._decompressed(entry)
        else:
            offset = entry & _OFFSET
            if (self._header.version == 3 and entry & 1) or not offset:
                return  # zeros
            self._left -= 1
            if self._left < 0 or offset % self._cluster:
                raise _refusal(self._name, "its clusters overlap")
            if offset >= self._file_length:
                raise _refusal(self._name, f"a cluster at {offset} lies outside the file")
            plain = os.pread(self._fd, self._cluster, offset)
        end = min(self._header.length_bytes, self._target_length)
        for start in range(0, len(plain), BLOCK_BYTES):
            piece = plain[start : min(start + BLOCK_BYTES, max(0, end - at))]
            if piece.count(0) != len(piece):
                write_all(self._target, piece, at + start)

    def _decompressed(self, entry: int) -> bytes:
        self._compressed_left -= 1
        if self._compressed_left < 0:
            raise _refusal(self._name, "its clusters overlap")
        shift = 62 - (self._header.cluster_bits - 8)
        offset = entry & ((1 << shift) - 1)
        sectors = ((entry & (_COMPRESSED - 1)) >> shift) + 1
        stored = os.pread(self._fd, sectors * 512 - offset % 512, offset)
        try:
            plain = self._inflated(stored)
        except Exception as error:  # zlib.error or ZstdError, and nothing else can happen
            raise _refusal(self._name, f"a cluster at {offset} is damaged: {error}") from None
        if len(plain) != self._cluster:
            raise _refusal(self._name, f"a cluster at {offset} is cut short")
        return plain

    def _inflated(self, stored: bytes) -> bytes:
        """Undo the compression, never giving more than a cluster."""
        if self._header.zstd:
            import zstandard

            with zstandard.ZstdDecompressor().stream_reader(stored) as reader:
                return reader.read(self._cluster)
        import zlib

        return zlib.decompressobj(-12).decompress(stored, self._cluster)

    def _read(self, offset: int, count: int) -> bytes:
        data = os.pread(self._fd, count, offset)
        if len(data) != count:
            raise _refusal(self._name, f"a table at {offset} lies outside the file")
        return data
