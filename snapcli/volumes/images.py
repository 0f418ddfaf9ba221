"""Disk images: sparse raw files of a disk's full length. Create, resize, read, write, copy.

Knows nothing of snapshots, and imports neither compression nor digests: commands that only
touch a live disk stay light. Every image that is changed in place is opened by `open_to_change`,
so that none with a second name is: a hard-linked copy of a workspace keeps its bytes.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from snapcli.volumes.errors import NotADisk, VolumeError, WrongLength, os_failure
from snapcli.volumes.layout import BLOCK_BYTES

StrPath = str | os.PathLike[str]
Progress = Callable[[int, int], None]  # bytes done, bytes in all

_CHUNK_BYTES: Final = 1 << 20
_ZEROS: Final = bytes(BLOCK_BYTES)
_KINDS: Final = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a character device",
    stat.S_IFDIR: "a folder",
    stat.S_IFSOCK: "a socket",
}


def create_image(path: StrPath, length_bytes: int) -> None:
    """Make a new, empty image: `length_bytes` long, occupying nothing.

    Raises VolumeError when the file exists or can't be made; then nothing is left behind.
    """
    os.close(open_new_image(path, length_bytes))


def open_new_image(path: StrPath, length_bytes: int) -> int:
    """`create_image`, giving the descriptor, open for reading and writing."""
    name = os.fspath(path)
    try:
        fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise os_failure(error, "create", name) from error
    try:
        os.ftruncate(fd, length_bytes)
    except OSError as error:
        os.close(fd)
        os.unlink(name)
        raise os_failure(error, f"make an image of {length_bytes} bytes at", name) from error
    return fd


def open_image(path: StrPath) -> int:
    """A descriptor, to read, of an existing image or block device; never waits for a FIFO.

    Raises NotADisk for anything else, VolumeError when it can't be opened.
    """
    return _open(os.fspath(path), os.O_RDONLY)


def open_to_change(path: StrPath, keep_bytes: int | None = None) -> int:
    """A descriptor, to read and write, of an image of which no other name exists (any more).

    One with several is broken off first, see `break_off`. Raises NotADisk, VolumeError.
    """
    break_off(path, keep_bytes)
    return _open(os.fspath(path), os.O_RDWR)


def _open(name: str, access: int) -> int:
    # Only to read: an open to write that must not wait fails while somebody tries a lease.
    wait = os.O_NONBLOCK if access == os.O_RDONLY else 0
    try:
        _require_kind(os.stat(name), name)
        fd = os.open(name, access | wait | os.O_CLOEXEC)
        try:
            _require_kind(os.fstat(fd), name)
            os.set_blocking(fd, True)
        except BaseException:
            os.close(fd)
            raise
    except OSError as error:
        raise os_failure(error, "open", name) from error
    return fd


def _require_kind(state: os.stat_result, name: str, length_bytes: int = 0) -> None:
    if not stat.S_ISREG(state.st_mode) and not stat.S_ISBLK(state.st_mode):
        kind = _KINDS.get(stat.S_IFMT(state.st_mode), "something unknown")
        raise NotADisk(name, kind, length_bytes)


def require_image(path: StrPath, length_bytes: int, *, any_length: bool = False) -> None:
    """Make sure that this is a regular file or block device, and just so long.

    With `any_length` only the former: for those who will set the length themselves. Raises
    NotADisk or WrongLength, which name the command that mends it; VolumeError when it is gone.
    """
    name = os.fspath(path)
    try:
        state = os.stat(name)
    except OSError as error:
        raise os_failure(error, "open", name) from error
    _require_kind(state, name, length_bytes)
    if any_length:
        return
    found_bytes = state.st_size if stat.S_ISREG(state.st_mode) else image_length_bytes(name)
    if found_bytes != length_bytes:
        raise WrongLength(name, found_bytes, length_bytes)


def break_off(path: StrPath, keep_bytes: int | None = None) -> bool:
    """Give a regular file that has several names a file of its own under this one; was there any?

    The other names keep the file with its bytes, this one gets a copy: a clone where the file
    system makes one. `keep_bytes` is how much of it is still needed. Cut off anywhere, the name
    stands for the old file or for the whole copy. Raises VolumeError.
    """
    name = os.path.realpath(path)
    if not has_other_names(name):
        return False
    import fcntl

    fd = open_image(name)
    try:
        # Two commands may do this at once: the second finds it done.
        fcntl.flock(fd, fcntl.LOCK_EX)
        if not has_other_names(name):
            return False
        _copy_over(name, os.fstat(fd), keep_bytes)
    except OSError as error:
        raise os_failure(error, "make a file of its own of", name) from error
    finally:
        os.close(fd)
    return True


def _copy_over(name: str, state: os.stat_result, keep_bytes: int | None) -> None:
    temporary = name_apart(name)
    length_bytes = state.st_size if keep_bytes is None else min(keep_bytes, state.st_size)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)  # a crash left it
    copy_image(name, temporary, length_bytes)
    try:
        with contextlib.suppress(PermissionError):
            os.chown(temporary, state.st_uid, state.st_gid)
        os.chmod(temporary, stat.S_IMODE(state.st_mode))
        os.replace(temporary, name)
    except BaseException:
        os.unlink(temporary)
        raise
    sync_folder(os.path.dirname(name))


def has_other_names(path: StrPath) -> bool:
    """Whether a change in place would show under another name too."""
    try:
        state = os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(state.st_mode) and state.st_nlink > 1


def name_apart(path: StrPath) -> str:
    """What a file is called while `break_off` makes it; only a crash leaves one behind."""
    folder, name = os.path.split(os.fspath(path))
    return os.path.join(folder, f".{name}.apart")


def length_of(fd: int) -> int:
    """The length in bytes of an open image or block device."""
    return os.lseek(fd, 0, os.SEEK_END)


def resize_image(path: StrPath, length_bytes: int) -> None:
    """Change an image's length; what is added reads as zeros, what is cut off is gone."""
    fd = open_to_change(path, length_bytes)
    try:
        os.ftruncate(fd, length_bytes)
        os.fsync(fd)
    except OSError as error:
        raise os_failure(error, f"make {length_bytes} bytes of", os.fspath(path)) from error
    finally:
        os.close(fd)


def check_resize(path: StrPath, length_bytes: int) -> None:
    """Make sure that the image is there and may become so long; changes nothing.

    For those who write down a resize that has to succeed later. Raises VolumeError.
    """
    from snapcli.volumes.syscalls import open_unnamed

    name = os.fspath(path)
    os.close(_open(name, os.O_RDWR))
    fd = open_unnamed(os.path.dirname(name) or ".")
    if fd is None:
        return
    try:
        os.ftruncate(fd, length_bytes)
    except OSError as error:
        raise os_failure(error, f"make {length_bytes} bytes of", name) from error
    finally:
        os.close(fd)


def image_length_bytes(path: StrPath) -> int:
    """The length of an image, or of a block device, in bytes."""
    fd = open_image(path)
    try:
        return length_of(fd)
    finally:
        os.close(fd)


def occupied_bytes(path: StrPath) -> int:
    """What the file takes on its file system, in bytes: holes take nothing."""
    try:
        return os.stat(path).st_blocks * 512
    except OSError as error:
        raise os_failure(error, "look at", os.fspath(path)) from error


def read_image(path: StrPath, offset_bytes: int, length_bytes: int) -> Iterator[bytes]:
    """The bytes from `offset_bytes` on, in pieces of at most 1 MiB; ends where the image ends."""
    fd = open_image(path)
    try:
        end = offset_bytes + length_bytes
        while offset_bytes < end:
            piece = os.pread(fd, min(_CHUNK_BYTES, end - offset_bytes), offset_bytes)
            if not piece:
                return
            yield piece
            offset_bytes += len(piece)
    except OSError as error:
        raise os_failure(error, "read", os.fspath(path)) from error
    finally:
        os.close(fd)


def write_image(path: StrPath, offset_bytes: int, chunks: Iterable[bytes]) -> int:
    """Write the chunks from `offset_bytes` on and sync; how many bytes were written.

    Raises VolumeError before anything of a chunk that would pass the end of the image.
    """
    name = os.fspath(path)
    fd = open_to_change(path)
    written = 0
    try:
        length = length_of(fd)
        for chunk in chunks:
            at = offset_bytes + written
            if offset_bytes < 0 or at + len(chunk) > length:
                raise VolumeError(
                    f"{len(chunk)} bytes at offset {at} would pass the end of {name} "
                    f"({length} bytes)",
                    name,
                    "write less or further forward, or resize the disk first",
                )
            write_all(fd, chunk, at)
            written += len(chunk)
        os.fsync(fd)
    except OSError as error:
        raise os_failure(error, "write", name) from error
    finally:
        os.close(fd)
    return written


def write_all(fd: int, content: bytes | memoryview, offset_bytes: int) -> None:
    """pwrite that goes on after a short write (a full disk then shows as ENOSPC)."""
    rest = memoryview(content)
    while rest:
        count = os.pwrite(fd, rest, offset_bytes)
        offset_bytes += count
        rest = rest[count:]


def sync_folder(folder: str) -> None:
    """Put the names in a folder on the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def data_extents(fd: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The (start, end) byte ranges between `start` and `end` that are no holes.

    Where the system can't tell holes, the whole range is one extent. The descriptor's own
    position is moved.
    """
    seek_data = getattr(os, "SEEK_DATA", None)
    seek_hole = getattr(os, "SEEK_HOLE", None)
    while start < end:
        if seek_data is None or seek_hole is None:
            yield start, end
            return
        try:
            first = os.lseek(fd, start, seek_data)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                return
            yield start, end
            return
        if first >= end:
            return
        after = min(os.lseek(fd, first, seek_hole), end)
        yield first, after
        start = after


def copy_image(
    source: StrPath, target: StrPath, length_bytes: int, progress: Progress | None = None
) -> None:
    """A new image `target`, `length_bytes` long, with the bytes of a file or block device.

    Shares the blocks where the file system can clone; else copies what is no hole and no
    zeros. A shorter source is followed by zeros, a longer one cut. Raises VolumeError (also
    when the target exists); then no target is left.
    """
    from snapcli.volumes.syscalls import clone

    name = os.fspath(target)
    source_fd = open_image(source)
    try:
        target_fd = open_new_image(target, length_bytes)
        try:
            if clone(source_fd, target_fd):
                os.ftruncate(target_fd, length_bytes)
                if progress is not None:
                    progress(length_bytes, length_bytes)
            else:
                _copy_sparse(source_fd, target_fd, length_bytes, progress)
            os.fsync(target_fd)
        except BaseException:
            os.unlink(name)
            raise
        finally:
            os.close(target_fd)
    except OSError as error:
        raise os_failure(error, f"copy {os.fspath(source)} to", name) from error
    finally:
        os.close(source_fd)


def _copy_sparse(
    source_fd: int, target_fd: int, length_bytes: int, progress: Progress | None
) -> None:
    end = min(length_of(source_fd), length_bytes)
    total = min(end, os.fstat(source_fd).st_blocks * 512) or end  # a device has no st_blocks
    done = 0
    for start, after in data_extents(source_fd, 0, end):
        while start < after:
            piece = os.pread(source_fd, min(_CHUNK_BYTES, after - start), start)
            if not piece:
                break
            for at in range(0, len(piece), BLOCK_BYTES):
                block = piece[at : at + BLOCK_BYTES]
                if block != _ZEROS[: len(block)]:
                    write_all(target_fd, block, start + at)
            start += len(piece)
            done += len(piece)
            if progress is not None:
                progress(min(done, total), total)
    if progress is not None:
        progress(total, total)
