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
_CANNOT: Final = frozenset(
    {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.ENOTTY, errno.ENODEV}
)
# File systems whose every write, through a mapping too, moves ctime (statfs magics).
_HONEST_FILE_SYSTEMS: Final = frozenset({0xEF53, 0x58465342, 0x9123683E})  # ext4, XFS, btrfs

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
    """Whether the file lies on a file system where no write can leave ctime as it was."""
    call = _function("fstatfs64", "fstatfs")
    if call is None:
        return False
    import ctypes

    answer = (ctypes.c_uint64 * 32)()  # struct statfs is 120 bytes; its first word is f_type
    if call(fd, ctypes.byref(answer)) != 0:
        return False
    return (answer[0] & 0xFFFFFFFF) in _HONEST_FILE_SYSTEMS


def nobody_writes(fd: int) -> bool:
    """Whether no process has this file (opened read-only here) open for writing, or so mapped.

    Answered by the kernel: a read lease is only granted when there is no writer. It is given
    back at once; who opens the file in between waits microseconds.
    """
    if sys.platform != "linux":
        return False
    import fcntl
    import signal

    try:
        # The signal for "someone else opens it" must be one that is ignored by default.
        fcntl.fcntl(fd, _F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return False
    return True
