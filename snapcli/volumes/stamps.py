"""What a file's dates prove: that an image was not written to, without reading it.

A stamp names one state of one image file: its identity and the instant of its last change. It
is only ever given out when the kernel vouches that no later write can leave that instant as it
is; without such proof there is no stamp, and a capture reads the image. Must not know what an
image is of.
"""

import os
from time import CLOCK_REALTIME, clock_gettime_ns
from typing import Final

from snapcli.volumes.layout import NO_STAMP
from snapcli.volumes.syscalls import (
    is_dated_by_this_machine,
    open_unnamed,
    writes_are_dated,
)

# A change may only be taken for the last one when it is older than the steps in which its file
# system dates changes ("racily clean", as git calls it). Kernels take the date from a clock that
# ticks every 1 to 10 ms; ext2, ext3, and ext4 with inodes of 128 bytes keep whole seconds; what
# others keep (NFS, FAT) is not known here.
TICK_NS: Final = 20_000_000
SECOND_NS: Final = 1_000_000_000
_UNKNOWN_NS: Final = 2 * SECOND_NS

# The machine's clock was set, and not only slowed or hurried, when realtime and the time since
# boot are further apart than that from what they were.
_STEP_NS: Final = 100_000_000


def same_state(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether nothing was written between the two."""
    return (one.st_mtime_ns, one.st_ctime_ns, one.st_size, one.st_ino) == (
        other.st_mtime_ns,
        other.st_ctime_ns,
        other.st_size,
        other.st_ino,
    )


def file_system_now_ns(folder: str, device: int) -> int | None:
    """The time by which a write made now in this folder would be dated, in nanoseconds.

    None where that can't be found out, or the folder is not on this device.
    """
    fd = open_unnamed(folder)
    if fd is None:
        name = f"{folder}/.date-{os.getpid()}"
        try:
            fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            os.unlink(name)
        except OSError:
            return None
    try:
        os.write(fd, b"\0")
        state = os.fstat(fd)
        return state.st_ctime_ns if state.st_dev == device else None
    except OSError:
        return None
    finally:
        os.close(fd)


def step_ns(fd: int, state: os.stat_result, now_ns: int) -> int:
    """The steps in which the file's changes are dated, assumed too coarse rather than too fine.

    A date without a fraction of a second, the file's own or the file system's, tells of whole
    seconds. (By chance it is so once in a thousand million times; then waiting longer is all.)
    """
    if not is_dated_by_this_machine(fd):
        return _UNKNOWN_NS
    if state.st_ctime_ns % SECOND_NS == 0 or now_ns % SECOND_NS == 0:
        return SECOND_NS
    return TICK_NS


def settled(fd: int, state: os.stat_result, now_ns: int) -> bool:
    """Whether a write after `now_ns` (the file system's time) will show in the instants.

    ctime is what counts: it moves with every write and no one can set it.
    """
    return now_ns - state.st_ctime_ns >= step_ns(fd, state, now_ns)


def stamp_of(fd: int, state: os.stat_result, now_ns: int | None) -> bytes:
    """The 32-byte stamp of an image in this state, or zeros where nothing can be promised.

    Call it under a lease that was there before `state` was: nobody may have the file open for
    writing (a page that is writable already can change without a new date). `now_ns` is the
    file system's time after `state`, None when it is not known.

    Promised is: as long as the stamp computes to the same, so does every byte. That needs a file
    system that dates every write, by this machine's clock, and a state that is older than the
    steps of its dates; twice as old where they are whole seconds, so that setting the clock back
    by less than is noticed can't bring the same second again. A crash may lose a date but not
    the data, so a stamp holds for one boot of the machine only.
    """
    if now_ns is None or not writes_are_dated(fd):
        return NO_STAMP
    step = step_ns(fd, state, now_ns)
    if abs(clock_gettime_ns(CLOCK_REALTIME) - now_ns) > SECOND_NS + step:
        return NO_STAMP
    if now_ns - state.st_ctime_ns < (step if step < SECOND_NS else 2 * step):
        return NO_STAMP
    return _digest(state)


def matches(stamp: bytes, state: os.stat_result) -> bool:
    """Whether the image is still in the state that this stamp was given for."""
    return stamp != NO_STAMP and _digest(state) == stamp


def _digest(state: os.stat_result) -> bytes:
    from blake3 import blake3

    try:
        fd = os.open("/proc/sys/kernel/random/boot_id", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return NO_STAMP
    try:
        boot = os.read(fd, 64)
    finally:
        os.close(fd)
    fields = (
        _clock_base(),
        state.st_dev,
        state.st_ino,
        state.st_size,
        state.st_mtime_ns,
        state.st_ctime_ns,
    )
    return blake3(boot + repr(fields).encode()).digest()


def _clock_base() -> int:
    """When the machine booted by its clock: another number once the clock was set.

    Both clocks are slowed and hurried alike, so what lies between them stays as it is otherwise.
    """
    from time import CLOCK_BOOTTIME

    since_boot = clock_gettime_ns(CLOCK_BOOTTIME)
    return round((clock_gettime_ns(CLOCK_REALTIME) - since_boot) / _STEP_NS)
