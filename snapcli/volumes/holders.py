"""Who else uses an image: loop devices with what stands on them, and programs that write to it.

Asked before an image is changed, as late as can be: who begins between the answer and the write
is not seen. A name is told where the kernel tells one to whoever asks. Linux only; elsewhere
nobody is found. Must not change anything, and ends nobody.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from time import sleep
from typing import Final, Literal

import msgspec

from snapcli.volumes.errors import VolumeError
from snapcli.volumes.images import StrPath, open_image
from snapcli.volumes.mount_table import Mounted, mount_table
from snapcli.volumes.syscalls import has_writer

_SYS: Final = "/sys"
# A file system that is being unmounted lets go of its loop device a moment later, and a program
# that ends of its files: what goes in this time is not told.
_PAUSES_SECONDS: Final = (0.02, 0.08, 0.2)


class Holder(msgspec.Struct, frozen=True):
    """One that uses an image.

    `name` is a device or a program, `above` are devices that stand on it (partitions, device
    mapper), `points` where it or they are mounted as far as this process sees. `unknown` is a
    program that writes, and whose name can't be told from here.
    """

    kind: Literal["device", "process", "unknown"]
    name: str = ""
    pid: int = 0
    above: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    goes_by_itself: bool = False  # a loop device without a mount ends with its last user

    @property
    def may_be_going(self) -> bool:
        """Whether it is worth a moment's wait: nothing holds it, as far as can be seen."""
        idle = self.goes_by_itself and not self.above and not self.points
        return self.kind == "unknown" or idle

    def __str__(self) -> str:
        if self.kind == "unknown":
            return (
                "a program that can't be named from here (another user's, or in a container) has "
                "it open for writing"
            )
        if self.kind == "process":
            return f"{self.name} (process {self.pid}) has it open for writing"
        text = self.name
        if self.above:
            text += f" with {', '.join(self.above)} on it"
        if self.points:
            text += f", mounted at {' and '.join(self.points)}"
        return text


def holders(path: StrPath) -> list[Holder]:
    """Return who uses this image beside the asking process, so that it must not be changed.

    Those are loop devices on it, read-only ones too; of a block device what is mounted from it or
    stands on it; and programs with the file open for writing or so mapped. Nobody uses a file
    that is not there.
    """
    name = os.fspath(path)
    try:
        state = os.stat(name)
    except OSError:
        return []
    found = _holders(name, state)
    for seconds in _PAUSES_SECONDS:
        if not found or not all(each.may_be_going for each in found):
            break
        sleep(seconds)
        found = _holders(name, state)
    return found


def _holders(name: str, state: os.stat_result) -> list[Holder]:
    found = list(_devices(name, state))
    if stat.S_ISREG(state.st_mode):
        is_written = _is_open_for_writing(name)
        if is_written is False:
            return found
    else:
        is_written = None  # a block device grants no lease
    own = os.getpid()
    processes = list(_processes(state))
    found += [each for each in processes if each.pid != own]
    # One of these, or the asking process itself, may be all that the lease was refused for.
    if is_written and not found and not processes:
        found.append(Holder("unknown"))
    return found


def _is_open_for_writing(name: str) -> bool | None:
    """Whether any process at all has the file open for writing, or so mapped; None: not told."""
    try:
        fd = open_image(name)
    except VolumeError:
        return None
    try:
        return has_writer(fd)
    finally:
        os.close(fd)


def is_mapped(fd: int) -> bool:
    """Whether a program that can be looked at has an open file mapped for writing."""
    state = os.fstat(fd)
    try:
        names = os.listdir("/proc")
    except OSError:
        return False
    return any(name.isdigit() and _maps(name, state) for name in names)


def _is_same(other: os.stat_result, state: os.stat_result) -> bool:
    """Whether both are the same file, whatever its names are, or the same block device."""
    if stat.S_ISBLK(state.st_mode):
        return stat.S_ISBLK(other.st_mode) and other.st_rdev == state.st_rdev
    return (other.st_dev, other.st_ino) == (state.st_dev, state.st_ino)


# Devices


def _devices(name: str, state: os.stat_result) -> Iterator[Holder]:
    """The loop devices on a file, or the block device itself when anything uses it."""
    if stat.S_ISBLK(state.st_mode):
        stack = _Stack()
        stack.add(f"{_SYS}/dev/block/{os.major(state.st_rdev)}:{os.minor(state.st_rdev)}")
        points = stack.points()
        if points or len(stack.names) > 1:
            yield Holder("device", name, above=tuple(stack.names[1:]), points=points)
        return
    for loop in _loops(state):
        stack = _Stack()
        stack.add(f"{_SYS}/block/{loop}")
        yield Holder(
            "device",
            f"/dev/{loop}",
            above=tuple(stack.names[1:]),
            points=stack.points(),
            goes_by_itself=_read(f"{_SYS}/block/{loop}/loop/autoclear") == "1",
        )


def _loops(state: os.stat_result) -> Iterator[str]:
    """The loop devices of this file, by what it is: a hard link to it has another name."""
    try:
        names = os.listdir(f"{_SYS}/block")
    except OSError:
        return
    for name in sorted(names):
        if name.startswith("loop"):
            backing = _read(f"{_SYS}/block/{name}/loop/backing_file")
            with contextlib.suppress(OSError):
                if backing and _is_same(os.stat(backing), state):
                    yield name


class _Stack:
    """A device with all that stands on it: partitions, device mapper, loop devices again."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: set[tuple[int, int]] = set()

    def add(self, folder: str) -> None:
        """Add the device of this folder of /sys, and what stands on it."""
        major, _, minor = _read(f"{folder}/dev").partition(":")
        if not minor or (int(major), int(minor)) in self._numbers:
            return
        self._numbers.add((int(major), int(minor)))
        mapped = _read(f"{folder}/dm/name")
        name = os.path.basename(os.path.realpath(folder))
        self.names.append(f"/dev/mapper/{mapped}" if mapped else f"/dev/{name}")
        with contextlib.suppress(OSError):
            for part in sorted(os.listdir(folder)):
                if part.startswith(name):
                    self.add(f"{folder}/{part}")
        with contextlib.suppress(OSError):
            for holder in sorted(os.listdir(f"{folder}/holders")):
                self.add(f"{_SYS}/block/{holder}")
        with contextlib.suppress(OSError):
            for loop in _loops(os.stat(f"/dev/{name}")):
                self.add(f"{_SYS}/block/{loop}")

    def points(self) -> tuple[str, ...]:
        """Where anything of it is mounted."""
        return tuple(dict.fromkeys(e.point for e in mount_table() if self._is_of(e)))

    def _is_of(self, mounted: Mounted) -> bool:
        if mounted.device in self._numbers:
            return True
        if not mounted.source.startswith("/dev/"):
            return False
        try:  # btrfs makes up device numbers of its own
            number = os.stat(mounted.source).st_rdev
        except OSError:
            return False
        return (os.major(number), os.minor(number)) in self._numbers


def _read(path: str) -> str:
    """The one line of a file of /sys or /proc; empty when there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().rstrip("\n")
    except OSError:
        return ""


# Programs


def _processes(state: os.stat_result) -> Iterator[Holder]:
    """The programs that have a file open for writing, or mapped so, as far as we may look."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return
    for pid in names:
        if pid.isdigit() and (_writes(pid, state) or _maps(pid, state)):
            yield Holder("process", _read(f"/proc/{pid}/comm") or "a program", int(pid))


def _writes(pid: str, state: os.stat_result) -> bool:
    """Whether the process has a descriptor of this file that it can write by."""
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    for number in numbers:
        with contextlib.suppress(OSError):
            if _is_same(os.stat(f"/proc/{pid}/fd/{number}"), state):
                for line in _read(f"/proc/{pid}/fdinfo/{number}").splitlines():
                    name, _, value = line.partition(":")
                    if name == "flags" and int(value, 8) & os.O_ACCMODE != os.O_RDONLY:
                        return True
    return False


def _stated(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _maps(pid: str, state: os.stat_result) -> bool:
    """Whether the process has this file mapped so that what it writes to memory goes there."""
    for line in _read(f"/proc/{pid}/maps").splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) < 6 or fields[1][1] != "w" or fields[1][3] != "s":
            continue
        # The number alone can be another file system's; where we may, we ask which file it is.
        # On overlayfs it is the one beneath, so the name is asked for too.
        start, _, end = fields[0].partition("-")
        found = _stated(f"/proc/{pid}/map_files/{int(start, 16):x}-{int(end, 16):x}")
        if found is None:
            if int(fields[4]) == state.st_ino and stat.S_ISREG(state.st_mode):
                return True
            continue
        named = _stated(fields[5]) if int(fields[4]) == state.st_ino else None
        if any(each is not None and _is_same(each, state) for each in (found, named)):
            return True
    return False
