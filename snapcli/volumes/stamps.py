"""Proof that an image was not written to: the same content without reading it.

A stamp names one state of one image file: its identity and the instant of its last change. It
is only ever given out when the kernel vouches that no later write can leave that instant as it
is; without such proof there is no stamp, and a capture reads the image.
"""

import os
from typing import Final

from snapcli.volumes.layout import NO_STAMP
from snapcli.volumes.syscalls import nobody_writes, writes_are_dated

# Kernels date files by a clock that ticks every 1 to 10 ms. A change may only be taken for the
# last one when it is older than that ("racily clean", as git calls it).
TICK_NS: Final = 20_000_000


def same_state(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether nothing was written between the two."""
    return (one.st_mtime_ns, one.st_ctime_ns, one.st_size, one.st_ino) == (
        other.st_mtime_ns,
        other.st_ctime_ns,
        other.st_size,
        other.st_ino,
    )


def settled(state: os.stat_result, now_ns: int) -> bool:
    """Whether a write after `now_ns` (the file system's time) will show in the instants.

    ctime is what counts: it moves with every write and no one can set it.
    """
    return now_ns - state.st_ctime_ns > TICK_NS


def stamp_of(fd: int, state: os.stat_result) -> bytes:
    """The 32-byte stamp of an image in this state, or zeros where nothing can be promised.

    Promised is: as long as the stamp computes to the same, so does every byte. That needs a
    file system that dates every write, and that nobody has the file mapped for writing now (a
    page that is writable already can change without a new date). A crash may lose a date but
    not the data, so a stamp holds for one boot of the machine only.
    """
    if not writes_are_dated(fd) or not nobody_writes(fd):
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
        state.st_dev,
        state.st_ino,
        state.st_size,
        state.st_mtime_ns,
        state.st_ctime_ns,
    )
    return blake3(boot + repr(fields).encode()).digest()
