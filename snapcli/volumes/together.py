"""Several images as they were at one instant: nothing written between the first and the last.

Behind leases, or watched, the images themselves are read; where a program has one open and the
file system clones, clones are, made while none was written to. Must not know what the images are
of.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence

from snapcli.volumes.errors import ImageBusy, os_failure
from snapcli.volumes.fence import TRIES, Fence
from snapcli.volumes.images import StrPath, open_image
from snapcli.volumes.syscalls import clone, open_unnamed


class Together:
    """The images of one capture: where to read each, and whether that was one instant."""

    def __init__(self, names: Sequence[str], fence: Fence, clones: Sequence[int]) -> None:
        self._names = names
        self._fence = fence
        self._clones = clones

    @property
    def sources(self) -> list[str]:
        """The files to read, in the order of the images."""
        if self._clones:
            return [f"/proc/self/fd/{fd}" for fd in self._clones]
        return list(self._names)

    @property
    def still(self) -> bool:
        """Whether each is to be read as it is, with no fence of its own."""
        return not self._fence.leased

    def is_one_instant(self) -> bool:
        """Say whether what was read from the sources up to now is of one instant."""
        return bool(self._clones) or self._fence.holds()


@contextlib.contextmanager
def together(image_paths: Sequence[StrPath], folder: StrPath) -> Iterator[Together]:
    """Open several images to be captured as of one instant (GR-3).

    `folder` is where unnamed clones are made, on the images' file system. Clones are of one
    instant when this returns. Without, the caller reads the `sources` and then asks
    `is_one_instant`, and begins again when it was none. Raises ImageBusy when the images never
    stood still for as long as it takes to look at them, or to clone them.
    """
    names = [os.fspath(path) for path in image_paths]
    place = os.fspath(folder)
    with contextlib.ExitStack() as opened:
        fds = []
        for name in names:
            fds.append(open_image(name))
            opened.callback(os.close, fds[-1])
        fence = opened.enter_context(Fence(names, fds))
        try:
            clones = [] if fence.lease() else _clones_of_one_instant(names, fds, fence, place)
        except OSError as error:
            raise os_failure(error, "clone images in", place) from error
        for fd in clones:
            opened.callback(os.close, fd)
        yield Together(names, fence, clones)


def _clones_of_one_instant(
    names: Sequence[str], fds: Sequence[int], fence: Fence, folder: str
) -> list[int]:
    """Clone all images inside the fence; none where they can't be, with the fence left standing.

    Cloning an image writes its pages back, so that whatever is stored to it afterwards, before
    the last one is cloned, is dated and breaks the fence.
    """
    for attempt in range(1, TRIES + 1):
        if not fence.watch(patience=attempt):
            continue
        clones = _cloned(fds, folder)
        if fence.holds():
            return clones
        for fd in clones:
            os.close(fd)
    raise ImageBusy(", ".join(names), TRIES)


def _cloned(fds: Sequence[int], folder: str) -> list[int]:
    """Return unnamed clones of all images, or none of any."""
    clones: list[int] = []
    whole = False
    try:
        for fd in fds:
            unnamed = open_unnamed(folder)
            if unnamed is None:
                return []
            clones.append(unnamed)
            if not clone(fd, unnamed):
                return []
        whole = True
        return clones
    finally:
        if not whole:
            for fd in clones:
                os.close(fd)
