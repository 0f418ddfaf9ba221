"""Writing a large new file past the page cache, where the system can.

What has to be on the disk at the end anyway gains nothing from a copy in memory: the copy costs
time, and pushes out of the cache what other programs need. Must not know what the bytes are.
"""

import errno
import os
from collections.abc import Sequence
from mmap import mmap
from typing import Final

MOST_BYTES: Final = 2 << 20  # in one write
_DIRECT: Final = getattr(os, "O_DIRECT", 0)


class DirectWriter:
    """Writes whole pages into an existing file, from any thread, or says that it can't.

    The bytes may still be in the device's own cache: fsync the file at the end. Close it.
    """

    def __init__(self, path: str) -> None:
        self._fd = -1
        # Buffers that no thread is using (O_DIRECT wants its memory aligned to pages too); pop
        # and append are atomic.
        self._idle: list[mmap] = []
        if _DIRECT:
            try:
                self._fd = os.open(path, os.O_WRONLY | _DIRECT | os.O_CLOEXEC)
            except OSError:
                return  # tmpfs, for one: the caller writes as it always did

    def write(self, offset_bytes: int, pieces: Sequence[bytes]) -> bool:
        """Write the pieces one after the other; False: write them by other means.

        Offset and total length must be whole pages, the latter at most 2 MiB. After False nothing
        is certain about the range. Raises OSError, for a full disk above all.
        """
        if self._fd < 0:
            return False
        try:
            buffer = self._idle.pop()
        except IndexError:
            buffer = mmap(-1, MOST_BYTES)
        length = 0
        for piece in pieces:
            buffer[length : length + len(piece)] = piece
            length += len(piece)
        try:
            with memoryview(buffer) as whole, whole[:length] as content:
                return os.pwrite(self._fd, content, offset_bytes) == length
        except OSError as error:
            if error.errno == errno.EINVAL:  # larger sectors than pages
                return False
            raise
        finally:
            self._idle.append(buffer)

    def close(self) -> None:
        """Close the file; what was written stays. Harmless when closed."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        while self._idle:
            self._idle.pop().close()
