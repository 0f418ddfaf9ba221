"""One transaction: documents loaded once, changed in memory, committed together or not at all.

Takes no lock and chooses no time: the store hands it both. Opens no data file of other rooms.
"""

import datetime
import os
from collections.abc import Callable, Mapping

import msgspec

from snapcli.workspace import clock_mark, commit, documents, files
from snapcli.workspace.clock import Clock
from snapcli.workspace.clock_mark import MARK_NAME, ClockMark, Reading
from snapcli.workspace.commit import Finisher, Journal, Pending, Work
from snapcli.workspace.documents import T
from snapcli.workspace.errors import WorkspaceError
from snapcli.workspace.settings import SETTINGS_NAME, ClockSettings, Settings, read_text


class _Loaded(msgspec.Struct):
    """A document in memory beside the bytes it had on disk (None: not there yet)."""

    record: msgspec.Struct
    original: bytes | None


class Transaction:
    """What an operation sees of a workspace: `now` and `settings` are fixed for its length.

    `reading` tells how `now` came about.
    """

    def __init__(
        self,
        root: str,
        settings: Settings,
        reading: Reading,
        mark: ClockMark | None,
        *,
        writable: bool,
        finishers: Mapping[str, Finisher],
    ) -> None:
        self.settings = settings
        self.reading = reading
        self.now = reading.now
        self.writable = writable
        self._root = root
        self._finishers = finishers
        self._loaded: dict[str, _Loaded] = {}
        self._deleted: set[str] = set()
        self._pending = Pending(created=[], folders=[])
        self._work: list[Work] = []
        self._settings_text: str | None = None
        self._mark = mark
        self._reached = reading.now  # what the mark will say; and with which clock
        self._clock = settings.clock
        self._is_moved = False
        self._moved_mark: ClockMark | None = None

    def path(self, *relative: str) -> str:
        """Return the absolute path of something in the workspace."""
        return os.path.join(self._root, *relative)

    def load(self, relative: str, type_: type[T], default: Callable[[], T] | None = None) -> T:
        """Return a document, the same object each time; change it to change the document.

        Where there is none, `default` makes it (and in a writable transaction it is written).
        Raises WorkspaceError when it is missing without a default, damaged, or too new.
        """
        loaded = self._loaded.get(relative)
        if loaded is None:
            loaded = self._loaded[relative] = self._read(relative, type_, default)
        if not isinstance(loaded.record, type_):
            raise TypeError(f"{relative} is a {type(loaded.record).__name__}, not {type_.__name__}")
        return loaded.record

    def put(self, relative: str, record: msgspec.Struct) -> None:
        """Make `record` the document, whatever was there."""
        self._require_writable()
        commit.inside(relative)
        old = self._loaded.get(relative)
        self._deleted.discard(relative)
        self._loaded[relative] = _Loaded(record, old.original if old else None)

    def exists(self, relative: str) -> bool:
        """Tell whether there is such a document, with what this transaction made or deleted."""
        if relative in self._deleted:
            return False
        loaded = self._loaded.get(relative)
        if loaded is not None and (loaded.original is not None or self.writable):
            return True
        return os.path.isfile(self.path(relative))

    def mentions(self, relative: str, text: str) -> bool:
        """Tell whether a document may hold `text`: by its bytes alone, where it was not loaded.

        One that this transaction has loaded may hold anything. Raises WorkspaceError.
        """
        if relative in self._deleted:
            return False
        if relative in self._loaded:
            return True
        path = self.path(commit.inside(relative))
        try:
            return text.encode() in files.read_bytes(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise files.storage_error(error, path, commit.NOTHING_CHANGED) from None

    def folder_names(self, relative: str) -> list[str]:
        """Return the sorted names of files and folders in a folder; none where it is not there.

        Documents that this transaction made or deleted count as made or deleted. Raises OSError.
        """
        try:
            names = set(os.listdir(self.path(relative)))
        except (FileNotFoundError, NotADirectoryError):
            names = set()
        prefix = relative + os.sep
        names -= {path[len(prefix) :] for path in self._deleted if path.startswith(prefix)}
        if self.writable:
            names |= {
                path[len(prefix) :].split(os.sep, 1)[0]
                for path in self._loaded
                if path.startswith(prefix)
            }
        return sorted(names)

    def delete(self, relative: str) -> None:
        """Let a document go at the commit; nothing happens where there is none."""
        self._require_writable()
        commit.inside(relative)
        self._loaded.pop(relative, None)
        self._deleted.add(relative)

    def creates(self, *relative: str) -> None:
        """Register new files or folders, before they are made, and make their parent folders.

        They are removed again unless the transaction commits. Whoever makes them syncs their
        content. Several at once cost as much as one. Raises WorkspaceError when one is already
        there.
        """
        self._require_writable()
        new = [path for path in relative if path not in self._pending.created]
        parents = []
        for path in new:
            full = self.path(commit.inside(path))
            if os.path.lexists(full):
                raise WorkspaceError(
                    f"{full} is already there, but no document names it.",
                    full,
                    "`snapcli check` says what belongs to the workspace.",
                )
            parents += [
                os.path.relpath(folder, self._root)
                for folder in files.missing_folders(os.path.dirname(full))
            ]
        if not new:
            return
        self._pending.created += new
        self._pending.folders += [
            folder for folder in dict.fromkeys(parents) if folder not in self._pending.folders
        ]
        commit.write_pending(self._root, self._pending)
        try:
            for path in new:
                files.make_folders(os.path.dirname(self.path(path)))
        except OSError as error:
            raise files.storage_error(error, self._root, commit.NOTHING_CHANGED) from None

    def mark_problem(self) -> str:
        """Return what is wrong with the mark of the newest recorded instant; empty: nothing."""
        return clock_mark.read_mark(self._root)[1]

    def change_settings(self, values: Mapping[str, str | int | float]) -> Settings:
        """Set keys of workspace.toml at the commit, with the documents; comments are kept.

        Returns the settings as they will be; `settings` and `now` stay as they are for this
        transaction. Raises WorkspaceError for unknown keys or values that are not right.
        """
        from snapcli.workspace.settings_check import decode
        from snapcli.workspace.settings_edit import changed_text

        self._require_writable()
        path = self.path(SETTINGS_NAME)
        text = self._settings_text or read_text(path)
        self._settings_text = changed_text(text, path, values)
        return decode(self._settings_text, path)

    def moves_time(
        self, settings: ClockSettings, now: datetime.datetime, system: datetime.datetime
    ) -> None:
        """Let the workspace's time be `now` from the commit on, by the clock's new settings.

        `system` is what the system's clock is taken to show. That nothing recorded lies after
        `now` is the caller's to know.
        """
        self._require_writable()
        self._reached, self._clock, self._is_moved = now, settings, True
        # With the settings or not at all, where the old mark would make another time of them.
        behind = Clock(settings).at(system) < now
        if behind or now < self.now or system < self.reading.taken:
            self._moved_mark = clock_mark.new_mark(now, settings, system)

    def after_commit(self, kind: str, arguments: Mapping[str, object]) -> None:
        """Have work of a kind done once the transaction is committed.

        It is done by the finisher of that kind, or the built-in "unlink" {paths} and "rmdir"
        {paths, tree: 1 for whole trees, else only empty folders go}; repeated by the next command
        if a crash comes between, so it must be idempotent.
        """
        self._require_writable()
        if kind not in self._finishers and kind not in ("unlink", "rmdir"):
            raise ValueError(f"there is no finisher for work of the kind {kind!r}")
        self._work.append(Work(kind, dict(arguments)))

    def finish(self) -> None:
        """Commit; called by the store. Raises WorkspaceError."""
        if not self.writable:
            return
        changes = {}
        for relative, loaded in self._loaded.items():
            data = documents.encode(loaded.record)
            if data != loaded.original:
                changes[relative] = data
        deletions = [path for path in sorted(self._deleted) if os.path.lexists(self.path(path))]
        journal = Journal([], deletions, self._work)
        ahead = self._next_mark() if changes or deletions else {}
        if self._moved_mark is not None:
            changes[MARK_NAME] = documents.encode(self._moved_mark)
        elif self._is_moved:
            # A clock that is not moved after all must not find that time has come there.
            changes |= ahead
            ahead = {}
        if self._settings_text is not None:
            changes[SETTINGS_NAME] = self._settings_text.encode()
        commit.commit(self._root, changes, journal, self._pending, self._finishers, ahead)

    def roll_back(self) -> None:
        """Remove what was made; called by the store. Raises WorkspaceError."""
        if self.writable and not commit.committed(self._root) and commit.unfinished(self._root):
            commit.discard(self._root)

    def _read(self, relative: str, type_: type[T], default: Callable[[], T] | None) -> _Loaded:
        path = self.path(commit.inside(relative))
        data: bytes | None = None
        if relative not in self._deleted:
            try:
                data = files.read_bytes(path)
            except (FileNotFoundError, NotADirectoryError):
                data = None
            except OSError as error:
                raise files.storage_error(error, path, commit.NOTHING_CHANGED) from None
        if data is not None:
            return _Loaded(documents.decode(path, type_, data), data)
        if default is None:
            raise WorkspaceError(
                f"{path} is missing.",
                path,
                "Put back a copy of this file if you have one; "
                "`snapcli check` names all that is wrong.",
            )
        self._deleted.discard(relative)
        return _Loaded(default(), None)

    def _next_mark(self) -> dict[str, bytes]:
        """Return the mark of what is recorded now as a file; none where it would not change.

        While the time stands still the system's goes on, which a frozen clock has no use for.
        """
        frozen = self._clock.mode == "frozen"
        stands = frozen and self._mark is not None and self._reached <= self._mark.at
        if self._moved_mark is not None or stands:
            return {}
        mark = clock_mark.new_mark(self._reached, self._clock, self.reading.taken)
        return {MARK_NAME: documents.encode(mark)}

    def _require_writable(self) -> None:
        if not self.writable:
            raise RuntimeError("this transaction only reads")
