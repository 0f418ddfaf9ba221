"""The commit protocol: what lies on disk between "not yet" and "done", and what a crash left.

Knows files and folders, no types of documents. Everything here runs under the exclusive lock,
except the looks `unfinished` and `committed`. FORMAT.md tells the protocol step by step.
"""

import os
from collections.abc import Callable, Mapping

import msgspec

from snapcli.workspace import files
from snapcli.workspace.errors import WorkspaceError

JOURNAL_NAME = "journal.json"
PENDING_NAME = "pending.json"
STAGED_NAME = "staged"
FORMAT = 1

Finisher = Callable[[str, dict[str, object]], None]
"""Work after the commit: called with the workspace folder and the arguments; idempotent."""

NOTHING_CHANGED = "Nothing was changed."
_WILL_FINISH = "The change is decided; the next command finishes it."
CHANGED = "The change is made but may not outlive a power cut."


class Work(msgspec.Struct):
    """One thing to do after the commit."""

    kind: str
    arguments: dict[str, object]


class Journal(msgspec.Struct):
    """A decided change. All paths are relative to the workspace folder."""

    renames: list[tuple[str, str]] = []
    deletions: list[str] = []
    work: list[Work] = []


class Pending(msgspec.Struct):
    """What a transaction makes before it is decided: removed again unless a journal appears."""

    format: int = FORMAT
    created: list[str] = []
    folders: list[str] = []


class _Envelope(msgspec.Struct):
    """journal.json: the body is checked before anything in it is believed."""

    format: int
    crc32: int
    body: msgspec.Raw


def unfinished(root: str) -> bool:
    """Tell whether a commit was begun and not ended (three looks, no reading)."""
    return any(
        os.path.lexists(os.path.join(root, name))
        for name in (JOURNAL_NAME, PENDING_NAME, STAGED_NAME)
    )


def committed(root: str) -> bool:
    """Tell whether a decided change waits to be finished."""
    return os.path.lexists(os.path.join(root, JOURNAL_NAME))


def write_pending(root: str, pending: Pending) -> None:
    """Make durable what is about to be created, before it is. Raises WorkspaceError."""
    path = os.path.join(root, PENDING_NAME)
    try:
        temporary = os.path.join(_staging(root), PENDING_NAME)
        files.replace_synced(path, temporary, msgspec.json.encode(pending))
    except OSError as error:
        raise files.storage_error(error, path, NOTHING_CHANGED) from None


def commit(
    root: str,
    changes: Mapping[str, bytes],
    journal: Journal,
    pending: Pending,
    finishers: Mapping[str, Finisher],
    ahead: Mapping[str, bytes],
) -> None:
    """Make a change durable, all or nothing; `journal` brings the deletions and the work.

    The files `ahead` are replaced just before the commit point: they may tell of a change that
    does not come, never the other way round. Raises WorkspaceError: before the commit point
    nothing was changed and `discard` clears up; after it (`committed` tells) the next command
    finishes.
    """
    try:
        _sync_created(root, pending)
        if len(changes) == 1 and not (journal.deletions or journal.work or pending.created):
            relative, data = next(iter(changes.items()))
            # A rename that would need a new folder goes by the journal: a crash leaves no folder.
            if os.path.isdir(os.path.dirname(os.path.join(root, relative))):
                _commit_one(root, relative, data, ahead)
                return
        for number, (relative, data) in enumerate(changes.items()):
            journal.renames.append((_stage(root, number, data), relative))
        if not (journal.renames or journal.deletions or journal.work or pending.created):
            return
        if journal.renames:
            files.sync_folder(os.path.join(root, STAGED_NAME))
        _write_journal(root, journal, ahead)
    except OSError as error:
        outcome = _WILL_FINISH if committed(root) else NOTHING_CHANGED
        raise files.storage_error(error, root, outcome) from None
    _apply(root, journal, finishers)


def recover(root: str, finishers: Mapping[str, Finisher]) -> None:
    """Finish a decided change, or discard what an undecided one left. Raises WorkspaceError."""
    if committed(root):
        _apply(root, _read_journal(root), finishers)
    else:
        discard(root)


def discard(root: str) -> None:
    """Remove what a change that was not decided has made. Raises WorkspaceError."""
    try:
        pending = _read_pending(root)
        for relative in pending.created:
            files.remove_any(os.path.join(root, relative))
        for relative in reversed(pending.folders):
            files.remove_folder_if_empty(os.path.join(root, relative))
        _remove_leftovers(root)
    except OSError as error:
        raise files.storage_error(error, root, NOTHING_CHANGED) from None


def finish_document(root: str, relative: str) -> None:
    """Put one document of a decided change in its place, so that it can be changed further.

    The rest of the change is left to `recover`, which finds this step done. Call it under the
    exclusive lock. Raises WorkspaceError.
    """
    if not committed(root):
        return
    try:
        for staged, target in _read_journal(root).renames:
            source = os.path.join(root, staged)
            if target == relative and os.path.lexists(source):
                os.replace(source, os.path.join(root, relative))
                files.sync_folder(os.path.dirname(os.path.join(root, relative)))
    except OSError as error:
        raise files.storage_error(error, root, _WILL_FINISH) from None


def inside(relative: str) -> str:
    """Return `relative` if it names something in the workspace. Raises ValueError."""
    if not relative or relative != os.path.normpath(relative) or os.path.isabs(relative):
        raise ValueError(f"{relative!r} is not a plain relative path")
    if relative.split(os.sep, 1)[0] in (os.pardir, os.curdir):
        raise ValueError(f"{relative!r} leads out of the workspace")
    return relative


def _commit_one(root: str, relative: str, data: bytes, ahead: Mapping[str, bytes]) -> None:
    """One document, nothing else: its rename is the commit."""
    target = os.path.join(root, relative)
    staged_ahead = _stage_ahead(root, ahead)
    staged = os.path.join(root, _stage(root, 0, data))
    folders = _put_ahead(staged_ahead)
    os.replace(staged, target)
    try:
        for folder in dict.fromkeys([*folders, os.path.dirname(target)]):
            files.sync_folder(folder)
        _remove_leftovers(root)
    except OSError as error:
        raise files.storage_error(error, target, CHANGED) from None


def _stage(root: str, number: int, data: bytes) -> str:
    files.write_synced(os.path.join(_staging(root), str(number)), data)
    return os.path.join(STAGED_NAME, str(number))


def _stage_ahead(root: str, ahead: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Stage what goes ahead; return where it stands and where it goes, whose folder is there."""
    staged = []
    for relative, data in ahead.items():
        source = os.path.join(_staging(root), os.path.basename(relative))
        target = os.path.join(root, relative)
        files.make_folders(os.path.dirname(target))
        files.write_synced(source, data)
        staged.append((source, target))
    return staged


def _put_ahead(staged: list[tuple[str, str]]) -> list[str]:
    """Put what goes ahead in its place; return the folders to be synced.

    They are synced after the commit point, together with it, which costs nothing more. Journalling
    file systems keep the order of renames; where one does not, a power cut in between may leave
    them as they were.
    """
    for source, target in staged:
        os.replace(source, target)
    return [os.path.dirname(target) for _, target in staged]


def _staging(root: str) -> str:
    """Return the folder of all temporary files, made when missing: one look finds all of them."""
    folder = os.path.join(root, STAGED_NAME)
    if not os.path.isdir(folder):
        os.mkdir(folder, 0o700)
    return folder


def _sync_created(root: str, pending: Pending) -> None:
    """Those who made files synced them; their names have to be durable before they are named."""
    for folder in sorted({os.path.dirname(os.path.join(root, path)) for path in pending.created}):
        if os.path.isdir(folder):
            files.sync_folder(folder)


def _write_journal(root: str, journal: Journal, ahead: Mapping[str, bytes]) -> None:
    import zlib

    body = msgspec.json.encode(journal)
    envelope = _Envelope(FORMAT, zlib.crc32(body), msgspec.Raw(body))
    path = os.path.join(root, JOURNAL_NAME)
    staged_ahead = _stage_ahead(root, ahead)
    # Not replace_synced: after the rename nothing may be removed any more.
    temporary = os.path.join(_staging(root), JOURNAL_NAME)
    files.write_synced(temporary, msgspec.json.encode(envelope))
    folders = _put_ahead(staged_ahead)
    os.replace(temporary, path)  # THE COMMIT
    for folder in (*folders, root):
        files.sync_folder(folder)


def _read_journal(root: str) -> Journal:
    import zlib

    path = os.path.join(root, JOURNAL_NAME)
    hint = "Restore the workspace from a copy, or ask for help before you remove this file."
    try:
        data = files.read_bytes(path)
        envelope = msgspec.json.decode(data, type=_Envelope)
        if envelope.format > FORMAT:
            raise WorkspaceError(
                f"{path} was written by a newer snapcli (format {envelope.format}).",
                path,
                "Update snapcli.",
            )
        body = bytes(envelope.body)
        if zlib.crc32(body) != envelope.crc32:
            raise WorkspaceError(f"{path} is damaged: its checksum does not match.", path, hint)
        journal = msgspec.json.decode(body, type=Journal)
        for _, target in journal.renames:
            inside(target)
        for target in journal.deletions:
            inside(target)
        return journal
    except OSError as error:
        raise files.storage_error(error, path, _WILL_FINISH) from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise WorkspaceError(f"{path} is damaged: {error}.", path, hint) from None


def _read_pending(root: str) -> Pending:
    path = os.path.join(root, PENDING_NAME)
    hint = "Run the snapcli that began this change, or ask for help before you remove this file."
    try:
        pending = msgspec.json.decode(files.read_bytes(path), type=Pending)
        for relative in (*pending.created, *pending.folders):
            inside(relative)
    except FileNotFoundError:
        return Pending()
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise WorkspaceError(f"{path} is damaged: {error}.", path, hint) from None
    if pending.format > FORMAT:
        raise WorkspaceError(
            f"{path} was written by a newer snapcli (format {pending.format}).",
            path,
            "Update snapcli.",
        )
    return pending


def _apply(root: str, journal: Journal, finishers: Mapping[str, Finisher]) -> None:
    """Do what the journal says; every step may have been done before."""
    try:
        folders = set()
        for staged, relative in journal.renames:
            target = os.path.join(root, relative)
            folder = os.path.dirname(target)
            folders.add(folder)
            files.make_folders(folder)
            source = os.path.join(root, staged)
            if os.path.lexists(source):
                os.replace(source, target)
        for relative in journal.deletions:
            target = os.path.join(root, relative)
            files.remove(target)
            folders.add(os.path.dirname(target))
        for folder in sorted(folders):
            if os.path.isdir(folder):
                files.sync_folder(folder)
        for work in journal.work:
            _do(root, work, finishers)
        _remove_leftovers(root)
    except OSError as error:
        raise files.storage_error(error, root, _WILL_FINISH) from None


def _do(root: str, work: Work, finishers: Mapping[str, Finisher]) -> None:
    finisher = finishers.get(work.kind) or _BUILT_IN.get(work.kind)
    if finisher is None:
        raise WorkspaceError(
            f"{root} has unfinished work of the kind {work.kind!r}, which this command cannot do.",
            os.path.join(root, JOURNAL_NAME),
            "Run any `snapcli ecs` command, such as snapcli describe-regions, to finish it.",
        )
    try:
        # A copy, so that a finisher that changes its arguments does not change the journal.
        finisher(root, dict(work.arguments))
    except (OSError, WorkspaceError):
        raise
    except Exception as error:  # of another room: what it says is right, what follows is known here
        raise WorkspaceError(str(error), os.path.join(root, JOURNAL_NAME), _WILL_FINISH) from error


def _remove_leftovers(root: str) -> None:
    """End a commit. The order matters: while the journal is there, nothing else counts."""
    files.remove_any(os.path.join(root, STAGED_NAME))
    journal = os.path.join(root, JOURNAL_NAME)
    decided = os.path.lexists(journal)
    if files.remove(os.path.join(root, PENDING_NAME)) and decided:
        # Were the journal gone but pending.json back after a power cut, kept files would go.
        files.sync_folder(root)
    if decided:
        files.remove(journal)
        # Were the journal back later, it would repeat its deletions on newer documents.
        files.sync_folder(root)


def _unlink(root: str, arguments: dict[str, object]) -> None:
    folders = set()
    for path in _paths(root, arguments):
        if files.remove(path):
            folders.add(os.path.dirname(path))
    for folder in sorted(folders):
        files.sync_folder(folder)


def _rmdir(root: str, arguments: dict[str, object]) -> None:
    for path in _paths(root, arguments):
        if arguments.get("tree"):
            files.remove_any(path)
        else:
            files.remove_folder_if_empty(path)


def _paths(root: str, arguments: dict[str, object]) -> list[str]:
    paths = arguments.get("paths")
    if not isinstance(paths, list):
        raise ValueError(f"paths = {paths!r} is not a list")
    return [os.path.join(root, inside(str(path))) for path in paths]


_BUILT_IN: dict[str, Finisher] = {"unlink": _unlink, "rmdir": _rmdir}
