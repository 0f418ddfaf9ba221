"""A fence around open images: whether anything was written to one of them while it stood.

Two kinds. A *lease* from the kernel: while it is held nobody has an image open for writing, and
nobody can open it so. And a *watch*, where a program has one open (a mounted disk): what was
written is put on the disk first, which makes the kernel notice the next store to every page, a
mapped one too; then the dates tell. Must not read an image's bytes, nor change them.
"""

import contextlib
import os
import stat
from collections.abc import Sequence
from time import sleep
from types import TracebackType
from typing import Final

import msgspec

from snapcli.volumes.images import data_extents
from snapcli.volumes.layout import NO_STAMP
from snapcli.volumes.stamps import (
    SECOND_NS,
    TICK_NS,
    file_system_now_ns,
    same_state,
    settled,
    stamp_of,
)
from snapcli.volumes.syscalls import (
    drop_lease,
    has_lease,
    take_lease,
    unwritten_pages,
    writes_are_dated,
    writes_to_device,
)

TRIES: Final = 5  # to find images still, and to keep them so

# A store to a mapped page dates the file first and makes the page writable a moment later. That
# moment is waited for after the pages were written back; then they are written back once more.
_UNDER_WAY_SECONDS: Final = 0.05
_LONGEST_WAIT_SECONDS: Final = 2.5
_WAIT_NS: Final = 5_000_000


class _Image(msgspec.Struct):
    """An image in the fence, and its state when the fence was put up."""

    fd: int
    folder: str
    is_device: bool
    is_dated: bool  # by every write, a mapped one too
    state: os.stat_result
    device_writes: tuple[int, ...] | None = None

    def now_ns(self) -> int | None:
        """The time by which a write to the image would be dated now."""
        return file_system_now_ns(self.folder, self.state.st_dev)

    def may_change_undated(self) -> bool:
        """Whether stores to it would leave no date: somebody has it mapped, where none do."""
        from snapcli.volumes.holders import is_mapped

        return not (self.is_dated or self.is_device) and is_mapped(self.fd)

    def write_back(self) -> None:
        """Put what was written on the disk; a write(2) that is under way ends before."""
        if not self.is_device:
            next(data_extents(self.fd, 0, 1), None)  # waits for the lock that a write holds
        os.fsync(self.fd)

    def note(self) -> None:
        """Remember the state, dated anew where its date lies ahead since a clock was set back.

        Such a date would stay as it is for all writes until the clock has come there.
        """
        self.state = os.fstat(self.fd)
        self.device_writes = writes_to_device(self.state.st_rdev) if self.is_device else None
        now_ns = None if self.is_device else self.now_ns()
        if now_ns is not None and self.state.st_ctime_ns > now_ns:
            with contextlib.suppress(OSError):
                os.fchmod(self.fd, stat.S_IMODE(self.state.st_mode))
            self.state = os.fstat(self.fd)

    def is_as_noted(self) -> bool:
        """Whether no write was dated since; of a device, whether none has reached it."""
        if self.is_device:
            os.fsync(self.fd)
            now = writes_to_device(self.state.st_rdev)
            return now is not None and now == self.device_writes
        return same_state(self.state, os.fstat(self.fd))

    def is_settled(self) -> bool:
        """Whether a write from now on will show in the state."""
        if self.is_device:
            return True
        now_ns = self.now_ns()
        return now_ns is not None and settled(self.fd, self.state, now_ns)

    def is_a_little_young(self, now_ns: int) -> bool:
        """Whether a stamp can be had by waiting for less than a tick of the dates."""
        whole_seconds = self.state.st_ctime_ns % SECOND_NS == 0
        age_ns = now_ns - self.state.st_ctime_ns
        return self.is_dated and not whole_seconds and 0 <= age_ns < TICK_NS

    def has_unwritten_pages(self) -> bool:
        """Whether a page was stored to since `write_back`, as far as the kernel can tell."""
        return self.is_dated and unwritten_pages(self.fd) > 0


class Fence:
    """Stands around images that are open for reading only, from `lease` or `watch` on."""

    def __init__(self, names: Sequence[str], fds: Sequence[int]) -> None:
        """`names` are the paths of the images, in the order of their descriptors."""
        self._leased = False
        self._images = []
        for name, fd in zip(names, fds, strict=True):
            state = os.fstat(fd)
            image = _Image(
                fd=fd,
                folder=os.path.dirname(os.path.realpath(name)),
                is_device=stat.S_ISBLK(state.st_mode),
                is_dated=writes_are_dated(fd),
                state=state,
            )
            self._images.append(image)

    def __enter__(self) -> "Fence":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.give_up()

    @property
    def leased(self) -> bool:
        """Whether the fence is made of leases."""
        return self._leased

    def lease(self) -> bool:
        """Fence by leases; False, with none taken, when an image has a writer or can't have one.

        Whoever opens an image for writing now waits until the fence is given up.
        """
        self._leased = all(take_lease(image.fd) for image in self._images)
        if not self._leased:
            self.give_up()
            return False
        for image in self._images:
            image.state = os.fstat(image.fd)
        return True

    def watch(self, patience: int = 1) -> bool:
        """Fence by dates; False when an image was written to meanwhile: try again later.

        Takes at least 50 ms, times `patience`. Where dates are whole seconds it takes until the
        last write is a second old. Raises OSError when an image can't be written back.
        """
        self.give_up()
        if any(image.may_change_undated() for image in self._images):
            return False
        for image in self._images:
            image.write_back()
        for image in self._images:
            image.note()
        sleep(_UNDER_WAY_SECONDS * patience)
        if not self._wait_until_settled():
            return False
        for image in self._images:
            image.write_back()
        return self.holds()

    def _wait_until_settled(self) -> bool:
        """Wait until a write from now on would be dated otherwise; False when there was one."""
        waited = 0.0
        while all(image.is_as_noted() for image in self._images):
            # The time is asked anew after every wait: only what comes after it is promised.
            if all(image.is_settled() for image in self._images):
                return True
            if waited > _LONGEST_WAIT_SECONDS:
                break
            sleep(TICK_NS / 1e9)
            waited += TICK_NS / 1e9
        return False

    def is_broken(self) -> bool:
        """Whether somebody waits at a lease: a quick look, to be taken often."""
        return self._leased and not all(has_lease(image.fd) for image in self._images)

    def holds(self) -> bool:
        """Whether nothing was written to any image since `lease` or `watch` returned True."""
        if self._leased:
            return not self.is_broken()
        return all(
            image.is_as_noted() and not image.has_unwritten_pages() for image in self._images
        )

    def stamp(self, index: int) -> bytes:
        """The stamp of an image behind a lease that holds, else zeros.

        Waits some 25 ms at most, for a date to be old enough to prove something.
        """
        if not self._leased:
            return NO_STAMP
        image = self._images[index]
        stamp = stamp_of(image.fd, image.state, self._later_ns(image))
        return stamp if self.holds() and image.is_as_noted() else NO_STAMP

    def proven(self, index: int) -> os.stat_result | None:
        """The state of an image that any later write will change, else None; waits as `stamp`."""
        image = self._images[index]
        if not self._leased or not image.is_dated:
            return None
        self._later_ns(image)
        proof = image.is_settled() and self.holds() and image.is_as_noted()
        return image.state if proof else None

    @staticmethod
    def _later_ns(image: _Image) -> int | None:
        """Return the file system's time, once the image's date is a tick old if that is near."""
        now_ns = image.now_ns()
        waited_ns = 0
        while now_ns is not None and waited_ns < 2 * TICK_NS and image.is_a_little_young(now_ns):
            sleep(_WAIT_NS / 1e9)
            waited_ns += _WAIT_NS
            now_ns = image.now_ns()
        return now_ns

    def give_up(self) -> None:
        """Let whoever waits go on; harmless when there is no fence."""
        for image in self._images:
            drop_lease(image.fd)
        self._leased = False
