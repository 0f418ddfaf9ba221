"""The lock of a workspace: shared to read, exclusive to write. Decides nothing else.

It is flock(2) on the file `lock`, so it ends with the process that held it, however that ended.
"""

import errno
import os
from collections.abc import Callable

from snapcli.workspace.errors import WorkspaceError

try:
    import fcntl
except ImportError:  # pragma: no cover - not on Linux or macOS
    fcntl = None  # type: ignore[assignment]

LOCK_NAME = "lock"
WAIT_BEFORE_NOTICE_SECONDS = 1.0

_busy = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)


class Lock:
    """A lock that is held; `release` gives it back (again is harmless)."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def acquire(folder: str, *, exclusive: bool, on_wait: Callable[[], None] | None = None) -> Lock:
    """Take the lock of the workspace `folder`, waiting as long as it takes.

    `on_wait` is called once, from another thread, when the wait has lasted a second. A read-only
    folder is read without a lock when it has no lock file. Raises WorkspaceError.
    """
    path = os.path.join(folder, LOCK_NAME)
    if fcntl is None:  # pragma: no cover - not on Linux or macOS
        raise WorkspaceError(f"{path} cannot be locked: this platform has no flock.", path)
    descriptor = _open(path, exclusive)
    if descriptor is None:
        return Lock(None)
    lock = Lock(descriptor)
    operation = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    try:
        try:
            fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _busy:
                raise
            _wait(descriptor, operation, on_wait)
    except OSError as error:
        lock.release()
        raise WorkspaceError(
            f"{path} cannot be locked: {error.strerror}.",
            path,
            "Keep the workspace on a file system that has locks.",
        ) from None
    except BaseException:
        lock.release()
        raise
    return lock


def _open(path: str, exclusive: bool) -> int | None:
    """Open the lock file, made when missing; None when it is neither there nor can be made."""
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be opened: {error.strerror}.", path) from None
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)
    except OSError as error:
        if not exclusive and error.errno in (errno.EROFS, errno.EACCES):
            return None
        raise WorkspaceError(f"{path} cannot be made: {error.strerror}.", path) from None


def _wait(descriptor: int, operation: int, on_wait: Callable[[], None] | None) -> None:
    if on_wait is None:
        fcntl.flock(descriptor, operation)
        return
    # Imported only when there is someone to wait for.
    import threading

    notice = threading.Timer(WAIT_BEFORE_NOTICE_SECONDS, on_wait)
    notice.daemon = True
    notice.start()
    try:
        fcntl.flock(descriptor, operation)
    finally:
        notice.cancel()
        # A notice that is being given is finished first, so it never appears late.
        notice.join()
