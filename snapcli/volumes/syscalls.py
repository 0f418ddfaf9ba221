"""The Linux calls that Python does not offer, each with an answer for where they are missing.

Nothing Linux-only is imported before it is used; a caller never sees AttributeError or ENOSYS,
only False or None, and takes its slower path.
"""

import errno
import os
import sys
from collections.abc import Callable
from typing import Final

_KEEP_SIZE: Final = 0x01
_PUNCH_HOLE_KEEP_SIZE: Final = 0x02 | 0x01
_WRITE_BACK: Final = 2
_FICLONE: Final = 0x40049409
_F_SETSIG: Final = 10
_CACHESTAT: Final = 451  # the same number on every architecture but Alpha
_CANNOT: Final = frozenset(
    {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.ENOTTY, errno.ENODEV}
)
# File systems by their magic numbers (statfs): whose every write, through a mapping too, moves
# ctime (ext2 to ext4, XFS, btrfs); whose leases count those who have a file mapped (tmpfs and f2fs
# too); and which date changes by this machine's clock (overlayfs too).
_DATED: Final = frozenset({0xEF53, 0x58465342, 0x9123683E})
_LEASED: Final = _DATED | {0x01021994, 0xF2F52010}
_LOCAL: Final = _LEASED | {0x794C7630}

_functions: dict[str, Callable[..., int] | None] = {}


def _function(*names: str) -> Callable[..., int] | None:
    """The first of these C functions that the system's library has, as f(fd, mode, a, b)."""
    key = names[0]
    if key not in _functions:
        _functions[key] = None
        if sys.platform == "linux":
            import ctypes

            library = ctypes.CDLL(None, use_errno=True)
            for name in names:
                found = getattr(library, name, None)
                if found is not None:
                    _functions[key] = found
                    break
    return _functions[key]


def punch_hole(fd: int, offset_bytes: int, length_bytes: int) -> bool:
    """Give a range of a file back to the file system, its size unchanged; it then reads as zeros.

    False where the file system (or system) can't; OSError for real failures.
    """
    return _fallocate(fd, _PUNCH_HOLE_KEEP_SIZE, offset_bytes, length_bytes)


def allocate(fd: int, offset_bytes: int, length_bytes: int) -> bool:
    """Give a range of a file its space now, its bytes and size unchanged.

    False where the file system (or system) can't; OSError for real failures: a full disk.
    """
    return _fallocate(fd, _KEEP_SIZE, offset_bytes, length_bytes)


def _fallocate(fd: int, mode: int, offset_bytes: int, length_bytes: int) -> bool:
    call = _function("fallocate64", "fallocate")
    if call is None:
        return False
    if length_bytes <= 0:
        return True
    import ctypes

    if call(fd, mode, ctypes.c_int64(offset_bytes), ctypes.c_int64(length_bytes)) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number))


def start_write_back(fd: int, offset_bytes: int, length_bytes: int) -> None:
    """Ask the kernel to begin writing a range out now: a later fsync has less to wait for."""
    call = _function("sync_file_range")
    if call is not None:
        import ctypes

        # Only a hint: where it fails, the fsync at the end does all the work.
        call(fd, ctypes.c_int64(offset_bytes), ctypes.c_int64(length_bytes), _WRITE_BACK)


def clone(source_fd: int, target_fd: int) -> bool:
    """Make the target share all of the source's bytes at one instant; False where impossible."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(target_fd, _FICLONE, source_fd)
    except OSError as error:
        if error.errno in _CANNOT or error.errno in (errno.EPERM, errno.ETXTBSY):
            return False
        raise
    return True


def open_unnamed(folder: str) -> int | None:
    """A new file without a name in this folder (it vanishes with the process), or None."""
    flag = getattr(os, "O_TMPFILE", 0)
    if not flag:
        return None
    try:
        return os.open(folder, flag | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


def writes_are_dated(fd: int) -> bool:
    """Whether the file lies on a file system where no write can leave ctime as it was.

    A store through a mapping moves it too, when it is the first to that page since the page was
    last written back. (XFS has a door beside it: files opened by handle; see FORMAT.md.)
    """
    return _file_system(fd) in _DATED


def is_dated_by_this_machine(fd: int) -> bool:
    """Whether the file lies on a file system that dates changes by this machine's clock."""
    return _file_system(fd) in _LOCAL


def _file_system(fd: int) -> int:
    """The magic number of the file's file system, 0 where the system does not tell."""
    call = _function("fstatfs64", "fstatfs")
    if call is None:
        return 0
    import ctypes

    answer = (ctypes.c_uint64 * 32)()  # struct statfs is 120 bytes; its first word is f_type
    return int(answer[0] & 0xFFFFFFFF) if call(fd, ctypes.byref(answer)) == 0 else 0


def take_lease(fd: int) -> bool:
    """Take a read lease on a file that is opened read-only here; False where there can't be one.

    The kernel grants it only while no process has the file open, or mapped, for writing, and
    from then on makes whoever opens it so wait until the lease is given back, for some 45 s at
    most. Only the file's owner and root get one. On overlayfs one is granted in spite of
    mappings, and network file systems know only of their own machine, so none is taken there.
    """
    return _file_system(fd) in _LEASED and _lease(fd) == 0


def _lease(fd: int) -> int:
    """Take a read lease; the error number, 0 for none."""
    if sys.platform != "linux":
        return errno.ENOSYS
    import fcntl
    import signal

    try:
        # The signal for "someone else opens it" must be one that is ignored by default.
        fcntl.fcntl(fd, _F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno or errno.EINVAL
    return 0


def has_lease(fd: int) -> bool:
    """Whether the lease that was taken is still whole: nobody waits for it, nor was let in."""
    import fcntl

    try:
        return fcntl.fcntl(fd, fcntl.F_GETLEASE) == fcntl.F_RDLCK
    except OSError:
        return False


def drop_lease(fd: int) -> None:
    """Give a lease back, so that whoever waits for it goes on; harmless when there is none."""
    import contextlib
    import fcntl

    with contextlib.suppress(OSError):
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def has_writer(fd: int) -> bool | None:
    """Whether any process has this file (opened read-only here) open for writing, or so mapped.

    The kernel's own word, by a lease that is given back at once; None where it doesn't tell.
    """
    kind = _file_system(fd)
    if kind not in _LOCAL:
        return None
    refused = _lease(fd)
    if refused:
        return True if refused == errno.EAGAIN else None
    drop_lease(fd)
    return False if kind in _LEASED else None


def unwritten_pages(fd: int) -> int:
    """How many of the file's pages in memory are not on the disk yet; 0 where that isn't told.

    Linux tells since 6.5 (cachestat).
    """
    call = _function("syscall")
    if call is None:
        return 0
    import ctypes

    whole = (ctypes.c_uint64 * 2)(0, 0)
    counts = (ctypes.c_uint64 * 5)()  # cached, dirty, in write-back, evicted, recently evicted
    number, flags = ctypes.c_long(_CACHESTAT), ctypes.c_uint(0)
    if call(number, ctypes.c_uint(fd), ctypes.byref(whole), ctypes.byref(counts), flags) != 0:
        return 0
    return int(counts[1] + counts[2])


def writes_to_device(device: int) -> tuple[int, ...] | None:
    """How many sectors of a block device were written and discarded; None if that isn't told."""
    folder = f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"
    try:
        with open(f"{folder}/stat", encoding="ascii") as file:
            counts = [int(word) for word in file.read().split()]
        queue = f"{folder}/queue" if os.path.isdir(f"{folder}/queue") else f"{folder}/../queue"
        with open(f"{queue}/iostats", encoding="ascii") as file:
            counted = file.read().strip() != "0"
    except (OSError, ValueError):
        return None
    # The kernel's Documentation/block/stat. Not the writes themselves: a flush counts as one.
    return tuple(counts[at] for at in (6, 13) if at < len(counts)) if counted else None
