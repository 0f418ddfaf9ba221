"""Reading and writing pack files: the bytes of blocks, each compressed by itself.

A pack is appended to once, by the capture that makes it, and only punched afterwards. What a
stored block means is in the maps; nothing here knows of them beyond the 32-byte record.
"""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from blake3 import blake3
from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError, frame_content_size

from snapcli.volumes.direct import MOST_BYTES, DirectWriter
from snapcli.volumes.errors import DamagedBlock, VolumeError, mixed_up, os_failure
from snapcli.volumes.images import write_all
from snapcli.volumes.layout import (
    BLOCK_BYTES,
    DIGEST_BYTES,
    ENCRYPTED_VERSION,
    PACK_HEADER,
    PACK_MAGIC,
    RECORD,
    SEAL_BYTES,
    VERSION,
    most_stored_bytes,
    version_of,
)
from snapcli.volumes.syscalls import start_write_back

if TYPE_CHECKING:
    from snapcli.volumes.cipher import Cipher

Bytes = bytes | bytearray | memoryview

_LEVEL: Final = 1
_FLUSH_BYTES: Final = MOST_BYTES
_OPEN_PACKS: Final = 24  # a thread; a process may have 1,024 files open

ZERO_BLOCK: Final = bytes(BLOCK_BYTES)


def digest_of(block: Bytes) -> bytes:
    """The 16-byte BLAKE3 digest by which blocks are compared and checked."""
    return blake3(block).digest(length=DIGEST_BYTES)


ZERO_DIGEST: Final = digest_of(ZERO_BLOCK)


def pack_name(snapshot_id: str, generation: int = 0) -> str:
    """The file name of a snapshot's pack; generations above 0 are those made by `compact`."""
    return f"{snapshot_id}.pack" if generation == 0 else f"{snapshot_id}.{generation}.pack"


def compressor() -> Callable[[memoryview], bytes]:
    """A function for one thread that gives the stored form of a block: never longer than it."""
    # The plain size is always one block, so frames don't carry it: less to store, and a
    # damaged frame can't ask for gigabytes when it is read back.
    compress = ZstdCompressor(level=_LEVEL, write_content_size=False).compress

    def store(block: memoryview) -> bytes:
        frame = compress(block)
        return frame if len(frame) < BLOCK_BYTES else bytes(block)

    return store


class PackWriter:
    """Creates one pack and appends stored blocks; `finish` syncs, `abandon` removes the file."""

    def __init__(self, folder: str, name: str, number: int, encrypted: bool = False) -> None:
        self.path = f"{folder}/{name}"
        self.number = number
        self._header = PACK_HEADER.pack(PACK_MAGIC, version_of(encrypted), number)
        self._direct: DirectWriter | None = None
        try:
            self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise os_failure(error, "create", self.path) from error
        try:
            self.restart()
        except BaseException:
            self.abandon()
            raise

    def restart(self) -> None:
        """Forget everything appended so far."""
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, self._header, 0)
        self.end = PACK_HEADER.size
        self._pending = [self._header]
        self._written = 0

    def append(self, stored: Sequence[bytes]) -> int:
        """Append stored blocks one after the other; where the first begins."""
        start = self.end
        self._pending += stored
        self.end += sum(map(len, stored))
        while self.end - self._written >= _FLUSH_BYTES:
            self._flush()
        return start

    def _flush(self) -> None:
        """Write 2 MiB of what waits, past the page cache: it is to be on the disk anyway, and a
        full snapshot would push everything else out of memory. A full disk shows here."""
        if self._direct is None:
            self._direct = DirectWriter(self.path)
        pieces, self._pending = _split(self._pending, _FLUSH_BYTES)
        if not self._direct.write(self._written, pieces):
            write_all(self.fd, b"".join(pieces), self._written)
            start_write_back(self.fd, self._written, _FLUSH_BYTES)
        self._written += _FLUSH_BYTES

    def finish(self, sync: bool) -> None:
        """Close the pack, with `sync` after its bytes are on the disk."""
        write_all(self.fd, b"".join(self._pending), self._written)
        if sync:
            os.fsync(self.fd)
        self._close()

    def _close(self) -> None:
        if self._direct is not None:
            self._direct.close()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def abandon(self) -> None:
        """Close and remove the file; harmless when it is gone."""
        import contextlib

        self._close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


def _split(pieces: list[bytes], length_bytes: int) -> tuple[list[bytes], list[bytes]]:
    """The pieces that make the first `length_bytes`, one of them cut, and those that remain."""
    for index, piece in enumerate(pieces):
        if len(piece) >= length_bytes:
            return (
                [*pieces[:index], piece[:length_bytes]],
                [piece[length_bytes:], *pieces[index + 1 :]],
            )
        length_bytes -= len(piece)
    return pieces, []


def open_pack(path: str, number: int, encrypted: bool = False) -> int:
    """A descriptor of a pack whose header is right. Raises VolumeError saying what is not.

    `encrypted` says whether the pack's chain is.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise os_failure(error, "open", path) from error
    try:
        header = os.pread(fd, PACK_HEADER.size, 0)
        problem = ""
        if len(header) < PACK_HEADER.size:
            problem = "it is shorter than a header"
        else:
            magic, version, own_number = PACK_HEADER.unpack(header)
            if magic != PACK_MAGIC:
                problem = "it is no pack file"
            elif {version, version_of(encrypted)} == {VERSION, ENCRYPTED_VERSION}:
                problem = mixed_up(version == ENCRYPTED_VERSION)
            elif version != version_of(encrypted):
                problem = f"its version {version} is not known to this snapcli"
            elif own_number != number:
                problem = f"it says it is pack {own_number}, not {number}"
        if problem:
            raise VolumeError(f"{path}: {problem}", path, "put the file back from a copy")
    except BaseException:
        os.close(fd)
        raise
    return fd


class BlockReader:
    """Gives back plain blocks from their records, each checked. For one thread; close it.

    `packs` maps pack numbers to file names in the folder; `holder` names the snapshot that a
    block belongs to, for the error message. `cipher` is that of an encrypted chain.
    """

    def __init__(
        self,
        folder: str,
        packs: Mapping[int, str],
        holder: Callable[[int], str],
        cipher: "Cipher | None" = None,
    ) -> None:
        self._cipher = cipher
        self._hasher = blake3 if cipher is None else cipher.hasher
        self._most_bytes = most_stored_bytes(cipher is not None)
        self._folder = folder
        self._packs = packs
        self._holder = holder
        self._open: OrderedDict[int, int] = OrderedDict()
        self._decompress = ZstdDecompressor().decompress

    def close(self) -> None:
        """Close the packs that are open."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _path(self, number: int) -> str:
        return f"{self._folder}/{self._packs.get(number, f'(pack {number})')}"

    def _pack(self, number: int, block: int) -> int:
        fd = self._open.get(number)
        if fd is not None:
            self._open.move_to_end(number)
            return fd
        if number not in self._packs:
            raise self._damaged(block, number, "the pack is not among those of its chain")
        try:
            fd = open_pack(self._path(number), number, self._cipher is not None)
        except VolumeError as error:
            raise self._damaged(block, number, str(error)) from error
        if len(self._open) >= _OPEN_PACKS:
            os.close(self._open.popitem(last=False)[1])
        self._open[number] = fd
        return fd

    def _damaged(self, block: int, number: int, reason: str) -> DamagedBlock:
        return DamagedBlock(self._holder(block), block, self._path(number), reason)

    def blocks(self, first_block: int, records: Bytes) -> list[bytes]:
        """The plain blocks of consecutive records, read together where they lie together.

        Raises DamagedBlock, naming the first block that does not fit its digest.
        """
        return [plain for _, plain in self._checked(first_block, records)]

    def stored(self, first_block: int, records: Bytes) -> list[bytes]:
        """The same blocks in their stored form, each checked as `blocks` does."""
        return [bytes(piece) for piece, _ in self._checked(first_block, records)]

    def _checked(self, first_block: int, records: Bytes) -> Iterator[tuple[memoryview, bytes]]:
        """The stored and the plain form of each block."""
        entries = list(RECORD.iter_unpack(records))
        at = 0
        while at < len(entries):
            _, start, end, number = entries[at]
            end += start
            after = at + 1
            while after < len(entries) and entries[after][3] == number and entries[after][1] == end:
                end += entries[after][2]
                after += 1
            if end - start > (after - at) * self._most_bytes:
                raise self._damaged(first_block + at, number, "its length is impossible")
            fd = self._pack(number, first_block + at)
            try:
                content = memoryview(os.pread(fd, end - start, start))
            except OSError as error:
                raise self._damaged(first_block + at, number, str(error)) from error
            for index in range(at, after):
                digest, offset, length, _ = entries[index]
                offset -= start
                piece = content[offset : offset + length]
                plain = self._plain(first_block + index, number, piece, length, digest)
                yield piece, plain
            at = after

    def _plain(
        self, block: int, number: int, stored: memoryview, length: int, digest: bytes
    ) -> bytes:
        if len(stored) != length:
            raise self._damaged(block, number, "the file ends before it")
        if self._cipher is not None:
            stored = self._opened(self._cipher, block, number, stored, digest)
            length -= SEAL_BYTES
        if length == BLOCK_BYTES:
            plain = bytes(stored)
        else:
            try:
                if frame_content_size(stored) not in (-1, BLOCK_BYTES):
                    raise self._damaged(block, number, "its frame has an impossible size")
                plain = self._decompress(stored, max_output_size=BLOCK_BYTES)
            except ZstdError as error:
                raise self._damaged(block, number, f"it can't be decompressed ({error})") from error
        if len(plain) != BLOCK_BYTES or self._hasher(plain).digest(length=DIGEST_BYTES) != digest:
            raise self._damaged(block, number, "its bytes do not fit their digest")
        return plain

    def _opened(
        self, cipher: "Cipher", block: int, number: int, sealed: memoryview, digest: bytes
    ) -> memoryview:
        """What was stored before it was encrypted."""
        from snapcli.volumes.cipher import NotSealedHere

        try:
            return memoryview(cipher.open(sealed, block, digest))
        except NotSealedHere:
            raise self._damaged(
                block, number, "it can't be decrypted: its bytes are not those that were stored"
            ) from None


def record(digest: bytes, offset: int, length: int, number: int) -> bytes:
    """The 32 bytes that say where a block is."""
    return RECORD.pack(digest, offset, length, number)
