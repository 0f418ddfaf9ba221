"""Freezing a guest so that nothing is written to its disks, and thawing it whatever happens.

The guest's processes are held, and the file systems mounted in it frozen as `fsfreeze` does it. A
watchdog of its own thaws when the time is over or when this process is gone; and where even the
watchdog was killed, `thaw_left` of the next command does.
"""

import contextlib
import errno
import os
import subprocess
import sys
from time import monotonic

import msgspec

from snapcli.guests import mounts, processes
from snapcli.guests.errors import GuestError

_FIFREEZE = 0xC0045877
_FITHAW = 0xC0045878


class FreezeFailed(GuestError):
    """The guest can't be frozen; nothing of it is."""


class ThawFailed(GuestError):
    """A file system can't be thawed; the text names it."""


class FreezeTimedOut(GuestError):
    """The freeze ended before its work was done; what was captured meanwhile is worth nothing."""


class Frozen(msgspec.Struct):
    """What is frozen, and by whom: written down before anything is."""

    root: str
    points: list[str]
    owner: int
    owner_started: int


class Freeze:
    """One freeze of one guest: `begin`, then `end` in any case."""

    def __init__(self, root: str, record: str, timeout_seconds: float) -> None:
        """Freeze the guest in `root` for that long at most; `record` is a path of its own."""
        self._root = root
        self._record = record
        self._timeout = timeout_seconds
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._state = Frozen(root, [], os.getpid(), processes.started_of(os.getpid()))
        self._until = 0.0
        self.points: list[str] = []

    def begin(self, *, file_systems: bool = True) -> None:
        """Hold the processes, then freeze the file systems unless told otherwise.

        Raises FreezeFailed or FreezeTimedOut, with nothing left frozen.
        """
        mounted = mounts.mounted(self._root) if file_systems else []
        points = [m.point for m in mounted if m.type in mounts.FREEZABLE]
        self._state.points = points
        self._until = monotonic() + self._timeout
        self._write()
        try:
            self._start_watchdog()
            # First, since a process that waits for a frozen file system can't be held any more.
            try:
                processes.hold(self._root, self._timeout)
            except GuestError as error:
                raise FreezeFailed(str(error)) from None
            for point in points:
                _ioctl(point, _FIFREEZE, FreezeFailed, "frozen")
                self.points.append(point)
            if monotonic() > self._until:
                raise FreezeTimedOut(f"Freezing took longer than {self._timeout:g} s.")
        except BaseException:
            self._undo()
            raise

    @property
    def is_over(self) -> bool:
        """Say whether the time of the freeze is over."""
        return monotonic() > self._until

    def end(self) -> None:
        """Thaw all. Raises FreezeTimedOut when it did not last, ThawFailed when it can't be."""
        lost = self.is_over
        failed: ThawFailed | None = None
        for point in reversed(self.points):
            try:
                lost = not _thaw(point) or lost
            except ThawFailed as error:
                failed = error
        processes.let_go(self._root)
        self._finish()
        if failed is not None:
            raise failed
        if lost:
            raise FreezeTimedOut(
                f"The freeze ended after {self._timeout:g} s, before the capture was done."
            )

    def _undo(self) -> None:
        for point in reversed(self._state.points):
            try:
                _thaw(point)
            except ThawFailed:
                continue  # it never was frozen, or the watchdog goes on trying
        processes.let_go(self._root)
        self._finish()

    def _write(self) -> None:
        temporary = self._record + ".new"
        while True:
            os.makedirs(os.path.dirname(self._record), exist_ok=True)
            try:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary)  # a kill left it; it may have another name by now
                with open(temporary, "wb") as file:
                    file.write(msgspec.json.encode(self._state))
            except FileNotFoundError:
                continue  # another freeze ended, and took the empty folder away
            os.replace(temporary, self._record)
            return

    def _start_watchdog(self) -> None:
        """Start the watchdog and wait until it is ready; it is no process of the guest."""
        environment = {k: v for k, v in os.environ.items() if k != processes.MARK}
        self._watchdog = subprocess.Popen(
            [sys.executable, "-m", "snapcli.guests.watchdog", self._record, repr(self._timeout)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        assert self._watchdog.stdout is not None
        if self._watchdog.stdout.read(1) != b"r":
            raise FreezeFailed("The watchdog of the freeze did not start.")

    def _finish(self) -> None:
        """Forget the freeze and let the watchdog go."""
        _forget(self._record)
        if self._watchdog is not None:
            assert self._watchdog.stdin is not None and self._watchdog.stdout is not None
            try:
                self._watchdog.stdin.write(b"d")
                self._watchdog.stdin.close()
            except BrokenPipeError:
                pass  # it has gone already
            self._watchdog.stdout.close()
            self._watchdog.wait()
            self._watchdog = None


def _ioctl(point: str, number: int, failure: type[GuestError], what: str) -> None:
    import fcntl

    try:
        descriptor = os.open(point, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise failure(f"{point} can't be {what}: {error.strerror}.") from None
    try:
        fcntl.ioctl(descriptor, number, 0)
    except OSError as error:
        if number == _FITHAW and error.errno == errno.EINVAL:
            raise _NotFrozen from None
        hint = " It is frozen already, by someone else." if error.errno == errno.EBUSY else ""
        raise failure(f"{point} can't be {what}: {error.strerror}.{hint}") from None
    finally:
        os.close(descriptor)


class _NotFrozen(Exception):
    pass


def _thaw(point: str) -> bool:
    """Thaw a file system; False when it was not frozen any more. Raises ThawFailed."""
    try:
        _ioctl(point, _FITHAW, ThawFailed, "thawed")
    except _NotFrozen:
        return False
    return True


def _forget(record: str) -> None:
    """Remove a record, and the folder of records once it is empty: most commands look for it."""
    for remove, path in ((os.unlink, record), (os.rmdir, os.path.dirname(record))):
        with contextlib.suppress(OSError):
            remove(path)


def thaw_recorded(record: str) -> None:
    """Thaw what a record of a freeze names, and remove the record; a missing one is well."""
    try:
        with open(record, "rb") as file:
            state = msgspec.json.decode(file.read(), type=Frozen)
    except FileNotFoundError:
        return
    for point in reversed(state.points):
        if os.path.ismount(point):
            _thaw(point)
    processes.let_go(state.root)
    _forget(record)


def thaw_left(folder: str) -> list[str]:
    """Thaw what killed commands left frozen; returns the records' names. `folder` holds them.

    A freeze whose command still runs is left alone.
    """
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    thawed = []
    for name in names:
        record = os.path.join(folder, name)
        if name.endswith(".new"):
            continue
        try:
            with open(record, "rb") as file:
                state = msgspec.json.decode(file.read(), type=Frozen)
        except (FileNotFoundError, msgspec.DecodeError):
            continue
        if not processes.is_alive(state.owner, state.owner_started):
            thaw_recorded(record)
            thawed.append(name)
    with contextlib.suppress(OSError):
        os.rmdir(folder)  # once it is empty
    return thawed
