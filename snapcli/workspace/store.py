"""Opening a workspace and running transactions in it: the lock, the recovery, the clock.

The door of this room. Knows no document of its callers.
"""

import os
from collections.abc import Callable, Iterator, Mapping

from snapcli.workspace import commit, files, location
from snapcli.workspace.clock_mark import MARK_NAME, read_clock, read_mark
from snapcli.workspace.commit import Finisher
from snapcli.workspace.errors import WorkspaceError
from snapcli.workspace.lock import Lock, acquire
from snapcli.workspace.settings import CACHE_NAME, load
from snapcli.workspace.transaction import Transaction

__all__ = ["Finisher", "Session", "Transaction", "Workspace"]

DOCUMENT_FOLDERS = ("state", "chains", "accounts", "keys")
_OWN = (CACHE_NAME, MARK_NAME)  # the workspace's own files among the documents of its callers


class Workspace:
    """An open workspace folder. It holds no lock; each transaction does."""

    def __init__(
        self,
        path: str,
        finishers: Mapping[str, Finisher],
        on_wait: Callable[[], None] | None,
    ) -> None:
        self.path = path
        self._finishers = finishers
        self._on_wait = on_wait
        self._busy = False

    @classmethod
    def open(
        cls,
        path: str,
        finishers: Mapping[str, Finisher] | None = None,
        on_wait: Callable[[], None] | None = None,
    ) -> "Workspace":
        """Open the workspace folder `path`, made on first use.

        `finishers` do the work that transactions leave for after their commit; `on_wait` is
        called when another command has been waited for longer than a second. Raises
        WorkspaceError.
        """
        path = os.path.abspath(path)
        if not location.is_workspace(path):
            location.create(path)
        return cls(path, finishers or {}, on_wait)

    def read(self) -> "Session":
        """Return a session that shares the lock: `with workspace.read() as tx`."""
        return Session(self, writable=False)

    def write(self) -> "Session":
        """Return a session that alone holds the lock and commits when it is left normally."""
        return Session(self, writable=True)

    def documents(self) -> Iterator[str]:
        """Yield the relative paths of all documents, sorted within each folder.

        Call it in a transaction if others may write at the same time.
        """
        for top in DOCUMENT_FOLDERS:
            for folder, folders, names in os.walk(os.path.join(self.path, top)):
                folders.sort()
                for name in sorted(names):
                    relative = os.path.relpath(os.path.join(folder, name), self.path)
                    if name.endswith(".json") and relative not in _OWN:
                        yield relative

    def begin(self, *, writable: bool) -> tuple[Lock, Transaction]:
        """Take the lock, finish what a crash left, and return a transaction; for Session.

        Raises WorkspaceError, and RuntimeError inside another transaction of this workspace.
        """
        if self._busy:
            raise RuntimeError("a transaction of this workspace is already open")
        lock = self._lock_to_write() if writable else self._lock_to_read()
        try:
            settings = load(self.path, exclusive=writable)
            mark, _ = read_mark(self.path)
            transaction = Transaction(
                self.path,
                settings,
                read_clock(settings.clock, mark),
                mark,
                writable=writable,
                finishers=self._finishers,
            )
        except BaseException:
            lock.release()
            raise
        self._busy = True
        return lock, transaction

    def end(self, lock: Lock) -> None:
        """Give the lock back; for Session."""
        self._busy = False
        lock.release()

    def _lock_to_write(self) -> Lock:
        if not os.access(self.path, os.W_OK):
            raise WorkspaceError(
                f"{self.path} is read-only, so nothing in it can be changed.",
                self.path,
                "Make it writable, or use another workspace with --workspace.",
            )
        lock = acquire(self.path, exclusive=True, on_wait=self._on_wait)
        try:
            if commit.unfinished(self.path):
                commit.recover(self.path, self._finishers)
        except BaseException:
            lock.release()
            raise
        return lock

    def _lock_to_read(self) -> Lock:
        while True:
            lock = acquire(self.path, exclusive=False, on_wait=self._on_wait)
            if not commit.unfinished(self.path):
                return lock
            if not os.access(self.path, os.W_OK):
                if not commit.committed(self.path):
                    return lock  # an undecided change is invisible anyway
                lock.release()
                raise WorkspaceError(
                    f"{self.path} has an unfinished change and is read-only.",
                    os.path.join(self.path, commit.JOURNAL_NAME),
                    "Run any snapcli command on it once where it is writable.",
                )
            # Given back in between: whoever comes first does what is to be done.
            lock.release()
            self._lock_to_write().release()


class Session:
    """The `with` around a transaction: commits on leaving normally, else rolls back."""

    def __init__(self, workspace: Workspace, *, writable: bool) -> None:
        self._workspace = workspace
        self._writable = writable
        self._lock: Lock | None = None
        self._transaction: Transaction | None = None

    def __enter__(self) -> Transaction:
        self._lock, self._transaction = self._workspace.begin(writable=self._writable)
        return self._transaction

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        lock, transaction = self._lock, self._transaction
        assert lock is not None and transaction is not None
        try:
            if kind is None:
                self._commit(transaction)
                return
            self._roll_back(transaction)
            if isinstance(error, OSError) and files.is_storage_error(error):
                outcome = commit.NOTHING_CHANGED if self._writable else ""
                raise files.storage_error(error, self._workspace.path, outcome) from error
        finally:
            self._workspace.end(lock)

    def _commit(self, transaction: Transaction) -> None:
        try:
            transaction.finish()
        except BaseException:
            self._roll_back(transaction)
            raise

    def _roll_back(self, transaction: Transaction) -> None:
        """What cannot be removed now is removed by the next command; the first error counts."""
        try:
            transaction.roll_back()
        except WorkspaceError:
            return
