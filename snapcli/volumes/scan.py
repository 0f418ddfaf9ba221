"""Cutting a disk into work: spans of data to read and hash, spans of holes to compare.

Used by capture and restore alike. Must not write anything.
"""

import os
from collections.abc import Iterator
from typing import Final

from snapcli.volumes.errors import os_failure
from snapcli.volumes.images import StrPath, data_extents, length_of, open_image
from snapcli.volumes.layout import BLOCK_BYTES, NO_DIGEST, RECORD_BYTES, blocks_of
from snapcli.volumes.views import WINDOW_BLOCKS, View, filled_runs

# 2 MiB at a time: large enough that the overhead of a job does not show, small enough that eight
# threads with what they have in flight stay below 100 MB.
SPAN_BLOCKS: Final = 32

# (slots of the window, its first block, first block of the span, blocks, whether all a hole)
Span = tuple[bytearray, int, int, int, bool]


def spans(fd: int, length_bytes: int, view: View) -> Iterator[Span]:
    """All blocks of the image and of the view, in order, that are not empty in both.

    `fd` is used for its extents only; the view is asked window by window.
    """
    image_blocks = blocks_of(length_bytes)
    for index in view.window_indexes(max(image_blocks, view.end_block)):
        slots = view.window(index)
        base = index * WINDOW_BLOCKS
        end = base + WINDOW_BLOCKS
        at = base
        for first, after in _data_blocks(fd, base, min(end, image_blocks), length_bytes):
            yield from _hole(slots, base, at, first)
            for start in range(first, after, SPAN_BLOCKS):
                yield slots, base, start, min(SPAN_BLOCKS, after - start), False
            at = after
        yield from _hole(slots, base, at, end)


def used_blocks(path: StrPath) -> int:
    """Return how many blocks of an image its file has something in; zeros count where written."""
    fd = open_image(path)
    try:
        length = length_of(fd)
        return sum(after - first for first, after in _data_blocks(fd, 0, blocks_of(length), length))
    except OSError as error:
        raise os_failure(error, "look at", os.fspath(path)) from error
    finally:
        os.close(fd)


def _hole(slots: bytearray, base: int, first: int, after: int) -> Iterator[Span]:
    """A span for a hole, when the view has something there."""
    if first < after and next(filled_runs(slots, first - base, after - first), None) is not None:
        yield slots, base, first, after - first, True


def _data_blocks(fd: int, first: int, after: int, length_bytes: int) -> Iterator[tuple[int, int]]:
    """The extents between two blocks, widened to whole blocks and joined where they touch."""
    pending: tuple[int, int] | None = None
    end = min(after * BLOCK_BYTES, length_bytes)
    for start_byte, end_byte in data_extents(fd, first * BLOCK_BYTES, end):
        start, stop = start_byte // BLOCK_BYTES, blocks_of(end_byte)
        if pending is not None and start <= pending[1]:
            pending = (pending[0], max(stop, pending[1]))
            continue
        if pending is not None:
            yield pending
        pending = (start, stop)
    if pending is not None:
        yield pending


class SpanReader:
    """A reusable buffer for one thread: the blocks of a span, the last one filled with zeros."""

    def __init__(self, fd: int, length_bytes: int) -> None:
        self._fd = fd
        self._length = length_bytes
        self._buffer = memoryview(bytearray(SPAN_BLOCKS * BLOCK_BYTES))
        # Slicing a memoryview costs as much as a short hash: the slices are made once.
        self._pieces = [
            self._buffer[at : at + BLOCK_BYTES] for at in range(0, len(self._buffer), BLOCK_BYTES)
        ]

    def read(self, first_block: int, count: int) -> list[memoryview]:
        """The plain blocks; valid until the next call."""
        start = first_block * BLOCK_BYTES
        wanted = min(count * BLOCK_BYTES, self._length - start)
        got = 0
        while got < wanted:
            taken = os.preadv(self._fd, [self._buffer[got:wanted]], start + got)
            if taken == 0:
                break  # the image became shorter: the caller sees that it changed
            got += taken
        if got < count * BLOCK_BYTES:
            self._buffer[got : count * BLOCK_BYTES] = bytes(count * BLOCK_BYTES - got)
        return self._pieces[:count]


def stored_digest(slots: bytearray, slot: int) -> bytearray:
    """The digest of the block in a slot, or zeros."""
    start = slot * RECORD_BYTES
    return slots[start : start + len(NO_DIGEST)]
