"""Several images as they were at one instant: nothing written between the first and the last.

Where the file system clones, the images are cloned and the clones are what is read; elsewhere the
images themselves are read, and it is found out afterwards whether one of them was written to
meanwhile. Must not know what the images are of.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from time import sleep
from typing import Final

from snapcli.volumes.errors import ImageBusy, os_failure
from snapcli.volumes.images import StrPath, open_image
from snapcli.volumes.stamps import TICK_NS, same_state, settled
from snapcli.volumes.syscalls import clone, open_unnamed

TRIES: Final = 5


class Together:
    """The images of one capture: where to read each, and whether that was one instant."""

    def __init__(self, names: Sequence[str], fds: Sequence[int], clones: Sequence[int]) -> None:
        self._names = names
        self._fds = fds
        self._clones = clones
        self._before: list[os.stat_result] = []

    @property
    def sources(self) -> list[str]:
        """The files to read, in the order of the images."""
        if self._clones:
            return [f"/proc/self/fd/{fd}" for fd in self._clones]
        return list(self._names)

    def begin(self, folder: str) -> None:
        """Note the state of every image, each so old that a write from now on shows in it."""
        for _ in range(TRIES):
            self._before = [os.fstat(fd) for fd in self._fds]
            now_ns = _now_ns(folder)
            if all(settled(state, now_ns) for state in self._before):
                return
            sleep(TICK_NS / 1e9)
        # One is being written to all the time; whether it matters shows at the end.

    def is_one_instant(self) -> bool:
        """Say whether no image was written to since `begin`."""
        return all(
            same_state(before, os.fstat(fd))
            for before, fd in zip(self._before, self._fds, strict=True)
        )


@contextlib.contextmanager
def together(image_paths: Sequence[StrPath], folder: StrPath) -> Iterator[Together]:
    """Open several images to be captured as of one instant (GR-3).

    `folder` is where unnamed clones are made, on the images' file system. With clones they are of
    one instant when this returns. Without, the caller reads the `sources` and then asks
    `is_one_instant`, and begins again when it was none. Raises ImageBusy when the images never
    stood still for as long as cloning them takes.
    """
    names = [os.fspath(path) for path in image_paths]
    place = os.fspath(folder)
    with contextlib.ExitStack() as opened:
        fds = []
        for name in names:
            fds.append(open_image(name))
            opened.callback(os.close, fds[-1])
        clones = _unnamed(place, len(names), opened)
        for attempt in range(TRIES):
            held = Together(names, fds, clones)
            held.begin(place)
            try:
                if clones and not all(map(clone, fds, clones)):
                    clones = []
                    held = Together(names, fds, clones)
                    held.begin(place)
            except OSError as error:
                raise os_failure(error, "clone images in", place) from error
            if not clones or held.is_one_instant():
                yield held
                return
            sleep(TICK_NS / 1e9 * (attempt + 1))
        raise ImageBusy(", ".join(names), TRIES)


def _unnamed(folder: str, count: int, opened: contextlib.ExitStack) -> list[int]:
    """Open files without names to clone into; none where there can't be any."""
    fds: list[int] = []
    for _ in range(count):
        fd = open_unnamed(folder)
        if fd is None:
            return []
        fds.append(fd)
        opened.callback(os.close, fd)
    return fds


def _now_ns(folder: str) -> int:
    """Return the file system's own time, as it would date a write made now."""
    fd = open_unnamed(folder)
    if fd is None:
        return 0  # nothing is known to be settled
    try:
        os.write(fd, b"\0")
        return os.fstat(fd).st_ctime_ns
    finally:
        os.close(fd)
