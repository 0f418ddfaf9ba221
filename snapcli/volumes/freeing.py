"""Giving the dead bytes of one pack back to the file system, where that may be done in place.

A pack with more than one name is part of a copy of the workspace too (`cp -al`): it is never
changed, only rewritten under a name of its own or unlinked. Must not know which blocks are live.
"""

import contextlib
import os
from array import array
from collections.abc import Iterator
from typing import Final

from snapcli.volumes.errors import os_failure
from snapcli.volumes.images import StrPath, data_extents, sync_folder
from snapcli.volumes.layout import PACK_HEADER
from snapcli.volumes.syscalls import punch_hole

_GRAIN_BYTES: Final = 4096


def can_punch(path: StrPath) -> bool:
    """Whether the file system of this file can make holes: asked past its end, changing nothing."""
    name = os.fspath(path)
    try:
        fd = os.open(name, os.O_RDWR | os.O_CLOEXEC)
        try:
            past = -(-os.fstat(fd).st_size // _GRAIN_BYTES) * _GRAIN_BYTES
            return punch_hole(fd, past, _GRAIN_BYTES)
        finally:
            os.close(fd)
    except OSError as error:
        raise os_failure(error, "look at", name) from error


def is_shared(path: str) -> bool:
    """Whether the pack has another name, so that it must not be changed. Raises OSError."""
    return os.stat(path).st_nlink > 1


def has_dead_space(path: str, ranges: "array[int]") -> bool:
    """Whether anything outside these live ranges still occupies space. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.fstat(fd).st_size > max(ranges[1::2], default=PACK_HEADER.size):
            return True
        return any(
            next(data_extents(fd, offset, offset + length), None) is not None
            for offset, length in dead_ranges(ranges)
        )
    finally:
        os.close(fd)


def dead_ranges(ranges: "array[int]") -> Iterator[tuple[int, int]]:
    """The (offset, length) before and between these live ranges that can be given back.

    Only whole file-system blocks can; a part of one comes back when its neighbours die too.
    """
    at = PACK_HEADER.size
    for start, after in sorted(zip(ranges[::2], ranges[1::2], strict=True)):
        first = -(-at // _GRAIN_BYTES) * _GRAIN_BYTES
        last = start // _GRAIN_BYTES * _GRAIN_BYTES
        if first < last:
            yield first, last - first
        at = after


def free_dead(path: str, ranges: "array[int]") -> tuple[int, bool]:
    """Make holes of all that is not in these ranges; bytes given back, whether all could be.

    A shared pack is left as it is, unless nothing in it is live: then an empty one takes its
    name. Raises OSError.
    """
    if is_shared(path):
        if not ranges and os.stat(path).st_size > PACK_HEADER.size:
            _replace_by_empty(path)
            return 0, True
        return 0, not has_dead_space(path, ranges)
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        state = os.fstat(fd)
        end = max(ranges[1::2], default=PACK_HEADER.size)
        if state.st_size > end:
            os.ftruncate(fd, end)
        complete = all(punch_hole(fd, offset, length) for offset, length in dead_ranges(ranges))
        return max(0, state.st_blocks - os.fstat(fd).st_blocks) * 512, complete
    finally:
        os.close(fd)


def _replace_by_empty(path: str) -> None:
    """Put a pack with the same header and no block under this name; who comes next repeats it."""
    with open(path, "rb") as pack:
        header = pack.read(PACK_HEADER.size)
    folder, name = os.path.split(path)
    temporary = f"{folder}/.{name}.apart"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)  # a crash left it
    with open(temporary, "xb") as empty:
        empty.write(header)
        empty.flush()
        os.fsync(empty.fileno())
    os.replace(temporary, path)
    sync_folder(folder)
