"""Small durable steps on files: write, replace, remove, sync. Knows no documents and no locks.

Every change the workspace makes to its own files goes through here, so that a test can fail
any single step. The data files of other rooms (block files, disks) are not written here.
"""

import errno
import os

from snapcli.workspace.errors import WorkspaceError

_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_STORAGE = (*_READ_ONLY, *_FULL, errno.EIO)


def read_bytes(path: str) -> bytes:
    """Return the whole content of a file. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        length_bytes = os.fstat(descriptor).st_size
        parts = []
        # One byte more than expected: the read that returns nothing ends the loop at once.
        while part := os.read(descriptor, length_bytes + 1):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def write_synced(path: str, data: bytes, mode: int = 0o600) -> None:
    """Write a file whole and sync it (not its folder); replaces what was there. Raises OSError.

    What was there is unlinked, not overwritten: a hard-linked copy of the workspace may have it.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        descriptor = os.open(path, flags, mode)
    except FileExistsError:
        os.unlink(path)
        descriptor = os.open(path, flags, mode)
    try:
        _write_all(descriptor, data, path)
        os.fsync(descriptor)
    except OSError as error:
        # write(2) and fsync(2) fail without naming the file; the message has to.
        error.filename = error.filename or path
        raise
    finally:
        os.close(descriptor)


def replace_synced(path: str, temporary: str, data: bytes, mode: int = 0o600) -> None:
    """Replace a file atomically through `temporary` and sync both it and its folder."""
    replace_written(path, temporary, data, mode)
    sync_folder(os.path.dirname(path))


def replace_written(path: str, temporary: str, data: bytes, mode: int = 0o600) -> None:
    """Replace a file atomically by a synced one; its folder is not synced yet.

    Raises OSError; then the file is as it was.
    """
    try:
        write_synced(temporary, data, mode)
        os.replace(temporary, path)
    except OSError:
        remove(temporary)
        raise


def sync_folder(path: str) -> None:
    """Make the names in a folder durable. Raises OSError; does nothing where that is unknown."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        error.filename = error.filename or path
        raise
    finally:
        os.close(descriptor)


def remove(path: str) -> bool:
    """Remove a file; tell whether it was there. Raises OSError for anything but its absence."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def remove_any(path: str) -> None:
    """Remove a file or a whole folder tree, if there. Never follows a symbolic link."""
    if os.path.isdir(path) and not os.path.islink(path):
        for name in os.listdir(path):
            remove_any(os.path.join(path, name))
        os.rmdir(path)
    else:
        remove(path)


def remove_folder_if_empty(path: str) -> None:
    """Remove a folder unless it holds something or is not there."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise


def make_folders(path: str) -> list[str]:
    """Make a folder and its missing parents; return those made, outermost first.

    The parents of the new folders are synced, so that the path survives a power cut.
    """
    missing = missing_folders(path)
    for folder in missing:
        os.mkdir(folder, 0o700)
        sync_folder(os.path.dirname(folder))
    return missing


def missing_folders(path: str) -> list[str]:
    """Return `path` and those of its parents that do not exist, outermost first."""
    missing: list[str] = []
    while path and not os.path.isdir(path):
        missing.append(path)
        parent = os.path.dirname(path)
        if parent == path:
            break
        path = parent
    missing.reverse()
    return missing


def is_storage_error(error: OSError) -> bool:
    """Tell whether the file system, not the program, is to blame (full, read-only, failing)."""
    return error.errno in _STORAGE


def storage_error(error: OSError, fallback_path: str, outcome: str) -> WorkspaceError:
    """Turn an OSError into a WorkspaceError that names the file and says what became of the data.

    `outcome` is a whole sentence, for example "Nothing was changed.".
    """
    path = str(error.filename) if error.filename else fallback_path
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        advice = "Free some space on that file system."
    elif error.errno in _READ_ONLY:
        advice = "You may not read or change it; see to its permissions or its mount."
    else:
        advice = "Check the disk that holds it."
    return WorkspaceError(f"Cannot use {path}: {reason}.", path, f"{outcome} {advice}".strip())


def _write_all(descriptor: int, data: bytes, path: str) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        step = os.write(descriptor, data[written:])
        if step == 0:
            raise OSError(errno.EIO, "nothing could be written", path)
        written += step
