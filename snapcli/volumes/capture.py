"""Capturing an image: the blocks that differ from the view before go into a new pack and map.

One instant, never a mixture of two (OV-2): the image is read inside a fence, or, where a program
has it open and the file system makes clones, a clone of it is. Must not know what a snapshot
means beyond its id.
"""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from blake3 import blake3

from snapcli.volumes.errors import ImageBusy, WrongLength, os_failure
from snapcli.volumes.fence import TRIES, Fence
from snapcli.volumes.images import Progress, StrPath, length_of, open_image, sync_folder
from snapcli.volumes.layers import Captured, Layer
from snapcli.volumes.layout import BLOCK_BYTES, DIGEST_BYTES, NO_DIGEST, NO_STAMP, RECORD_BYTES
from snapcli.volumes.maps import MapReader, MapWriter, map_name
from snapcli.volumes.packs import (
    ZERO_DIGEST,
    PackWriter,
    compressor,
    pack_name,
    record,
)
from snapcli.volumes.scan import Span, SpanReader, spans
from snapcli.volumes.stamps import matches
from snapcli.volumes.syscalls import clone, open_unnamed
from snapcli.volumes.views import View, filled_runs
from snapcli.volumes.workers import ordered_map, thread_count

if TYPE_CHECKING:
    from snapcli.volumes.cipher import Cipher

# What a worker found in a span: changed blocks as (block, digest, stored form), runs that are
# empty now, data blocks in all, bytes read.
Found = tuple[list[tuple[int, bytes, bytes]], list[tuple[int, int]], int, int]


def capture(
    image_path: StrPath,
    folder: StrPath,
    layers: Sequence[Layer],
    snapshot_id: str,
    pack_number: int,
    progress: Progress | None = None,
    sync: bool = True,
    cipher: "Cipher | None" = None,
    still: bool = False,
    length_bytes: int | None = None,
) -> Captured:
    """Write the pack and the map of a new snapshot of an image, and say what they hold (OV-1).

    `layers` are those of the snapshots before, oldest first; only blocks that differ from their
    view are stored, blocks that are zero now are noted as empty. `pack_number` must be new in
    the chain. With `sync` both files and the folder are on the disk when this returns. With the
    chain's `cipher`, what is stored is encrypted. `still` says that the caller keeps the image
    as it is meanwhile, and that it is to have no stamp; `length_bytes` how long it must be.
    `progress` gets bytes read and bytes to read. Raises ImageBusy when the image never stayed
    still, WrongLength, DamagedMap, VolumeError; on any error neither file is left.
    """
    chain = os.fspath(folder)
    name = os.fspath(image_path)
    encrypted = cipher is not None
    view = View(chain, layers, encrypted)
    fd = open_image(image_path)
    try:
        pack = PackWriter(chain, pack_name(snapshot_id), pack_number, encrypted)
        try:
            maps = MapWriter(chain, map_name(snapshot_id), encrypted)
            try:
                attempts = _Attempts(
                    fd, name, chain, view, pack, maps, progress, cipher, length_bytes
                )
                view_blocks, stamp = attempts.run(still)
                pack.finish(sync)
                maps.finish(view_blocks, stamp, sync)
                if sync:
                    sync_folder(chain)
            except BaseException:
                maps.abandon()
                raise
        except BaseException:
            pack.abandon()
            raise
    except OSError as error:
        raise os_failure(error, f"capture {name} into", chain) from error
    finally:
        os.close(fd)
    return Captured(
        pack_file=pack_name(snapshot_id),
        map_file=map_name(snapshot_id),
        data_blocks=maps.data_blocks,
        empty_blocks=maps.empty_blocks,
        view_blocks=view_blocks,
        stored_bytes=pack.end,
    )


def is_unchanged(image_path: StrPath, folder: StrPath, newest: Layer) -> bool:
    """Say whether an image is still in the very state that its newest map was made of.

    True is a proof, by the stamp in the map; False only says that the image has to be read. Raises
    DamagedMap, VolumeError.
    """
    name = os.fspath(image_path)
    reader = MapReader(os.fspath(folder), newest)
    fd = open_image(image_path)
    try:
        return matches(reader.stamp, os.fstat(fd))
    except OSError as error:
        raise os_failure(error, "look at", name) from error
    finally:
        os.close(fd)


class _Broken(Exception):
    """Somebody wants to write to the image."""


class _Attempts:
    """Reads the image until what was read is of one instant."""

    def __init__(
        self,
        fd: int,
        name: str,
        folder: str,
        view: View,
        pack: PackWriter,
        maps: MapWriter,
        progress: Progress | None,
        cipher: "Cipher | None",
        length_bytes: int | None,
    ) -> None:
        self._cipher = cipher
        self._length_bytes = length_bytes
        self._fd = fd
        self._name = name
        self._folder = folder
        self._view = view
        self._pack = pack
        self._maps = maps
        self._progress = progress

    def run(self, still: bool) -> tuple[int, bytes]:
        """Fill pack and map; how many data blocks the image has, and its stamp."""
        newest = self._view.newest
        if newest is not None and matches(newest.stamp, os.fstat(self._fd)):
            return newest.view_blocks, newest.stamp  # not written to since: nothing to read
        if still:
            return self._read(self._fd), NO_STAMP
        with Fence([self._name], [self._fd]) as fence:
            return self._read_fenced(fence)

    def _read_fenced(self, fence: Fence) -> tuple[int, bytes]:
        for attempt in range(1, TRIES + 1):
            if not fence.lease():
                # A program has the image open for writing. Of a clone the kernel makes one
                # instant; it is read from the disk, the image itself often from memory.
                spare = self._clone()
                if spare is not None:
                    with os.fdopen(spare, "rb"):
                        return self._read(spare), NO_STAMP
                if not fence.watch(patience=attempt):
                    continue
            try:
                view_blocks = self._read(self._fd, fence)
                if fence.holds():
                    return view_blocks, fence.stamp(0)
            except _Broken:
                fence.give_up()
            self._pack.restart()
            self._maps.restart()
        raise ImageBusy(self._name, TRIES)

    def _clone(self) -> int | None:
        """The image as it is now, in a file without a name (a crash leaves nothing), or None."""
        fd = open_unnamed(self._folder)
        if fd is None:
            return None
        try:
            if clone(self._fd, fd):
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        return None

    def _read(self, fd: int, fence: Fence | None = None) -> int:
        """Scan one file into pack and map; the number of its data blocks.

        Raises _Broken as soon as somebody waits at the fence, to keep nobody waiting.
        """
        length = length_of(fd)
        if self._length_bytes not in (None, length):
            raise WrongLength(self._name, length, self._length_bytes or 0)
        total = min(os.fstat(fd).st_blocks * 512, length)
        done = view_blocks = 0
        workers = [_examiner(fd, length, self._cipher) for _ in range(thread_count())]
        for changed, emptied, data_blocks, read_bytes in ordered_map(
            spans(fd, length, self._view), workers
        ):
            if fence is not None and fence.is_broken():
                raise _Broken
            self._store(changed, emptied)
            view_blocks += data_blocks
            done += read_bytes
            if self._progress is not None:
                self._progress(min(done, total), total)
        if self._progress is not None:
            self._progress(total, total)
        return view_blocks

    def _store(
        self, changed: list[tuple[int, bytes, bytes]], emptied: list[tuple[int, int]]
    ) -> None:
        """Append one span's findings, data and empty runs in ascending order of blocks."""
        if not changed:
            for first, count in emptied:
                self._maps.add_empty(first, count)
            return
        number = self._pack.number
        offset = self._pack.append([stored for _, _, stored in changed])
        pending = iter(emptied)
        hole = next(pending, None)
        for block, digest, stored in changed:
            while hole is not None and hole[0] < block:
                self._maps.add_empty(*hole)
                hole = next(pending, None)
            self._maps.add_data(block, record(digest, offset, len(stored), number))
            offset += len(stored)
        while hole is not None:
            self._maps.add_empty(*hole)
            hole = next(pending, None)


def _examiner(fd: int, length_bytes: int, cipher: "Cipher | None") -> Callable[[Span], Found]:
    """The work of one thread: read a span, hash it, compress what the view does not have."""
    reader = SpanReader(fd, length_bytes)
    store = compressor()
    hasher = blake3 if cipher is None else cipher.hasher
    zero_digest = ZERO_DIGEST if cipher is None else cipher.zero_digest

    def examine(span: Span) -> Found:
        slots, base, first, count, hole = span
        if hole:
            runs = filled_runs(slots, first - base, count)
            return [], [(base + slot, length) for slot, length in runs], 0, 0
        changed: list[tuple[int, bytes, bytes]] = []
        emptied: list[tuple[int, int]] = []
        zeros = 0
        at = (first - base) * RECORD_BYTES
        block = first
        for plain in reader.read(first, count):
            digest = hasher(plain).digest(length=DIGEST_BYTES)
            before = slots[at : at + DIGEST_BYTES]
            if before != digest:
                # A zero block is known by its digest: it was hashed anyway, and data extents
                # hold few of them.
                if digest != zero_digest:
                    stored = store(plain)
                    if cipher is not None:
                        stored = cipher.seal(stored, block, digest)
                    changed.append((block, digest, stored))
                else:
                    zeros += 1
                    if before != NO_DIGEST:
                        emptied.append((block, 1))
            at += RECORD_BYTES
            block += 1
        return changed, emptied, count - zeros, count * BLOCK_BYTES

    return examine
