"""Records, a scene and a picture of a workspace, shared by the tests of this room."""

import json
import os
from pathlib import Path

import msgspec

from snapcli.workspace.store import Transaction, Workspace


class Counter(msgspec.Struct):
    """A document of a caller."""

    format: int = 1
    count: int = 0
    notes: dict[str, str] = {}


A, B, GONE = "state/account.json", "state/cn-x/inventory.json", "state/old.json"
OLD_PACK, NEW_PACK = "chains/cn-x/d-1/old.pack", "chains/cn-x/d-2/new.pack"
NEW_CHAIN = "chains/cn-x/d-2/chain.json"


def mark(root: str, arguments: dict[str, object]) -> None:
    """A finisher: idempotent, leaves a trace."""
    Path(root, str(arguments["name"])).write_text("done")


FINISHERS = {"mark": mark}


def set_scene(root: str) -> Workspace:
    """Make a workspace with three documents and a data file."""
    workspace = Workspace.open(root, FINISHERS)
    with workspace.write() as tx:
        tx.load(A, Counter, Counter).count = 1
        tx.load(B, Counter, Counter).count = 1
        tx.load(GONE, Counter, Counter).count = 1
        tx.creates(OLD_PACK)
        Path(tx.path(OLD_PACK)).write_bytes(b"old")
    return workspace


def change_all(tx: Transaction) -> None:
    """A change of every kind: two documents, a new one, a deletion, files made and let go."""
    tx.load(A, Counter).count += 1
    tx.load(B, Counter).count += 1
    tx.delete(GONE)
    tx.creates(NEW_PACK)
    Path(tx.path(NEW_PACK)).write_bytes(b"new")
    tx.load(NEW_CHAIN, Counter, Counter).count = 7
    tx.after_commit("unlink", {"paths": [OLD_PACK]})
    tx.after_commit("rmdir", {"paths": [os.path.dirname(OLD_PACK)]})
    tx.after_commit("mark", {"name": "marker"})


def change_one(tx: Transaction) -> None:
    """The change that needs no journal."""
    tx.load(A, Counter).count += 1


def change_new(tx: Transaction) -> None:
    """One new document in a new folder."""
    tx.load(NEW_CHAIN, Counter, Counter).count = 7


CHANGES = {"all": change_all, "one": change_one, "new": change_new}


def picture(root: str) -> dict[str, bytes | None]:
    """Every file with its bytes and every folder (None), but the cache and the mark of time.

    The mark may be ahead of what was recorded.
    """
    found: dict[str, bytes | None] = {}
    for folder, folders, names in os.walk(root):
        for name in folders:
            found[os.path.relpath(os.path.join(folder, name), root)] = None
        for name in names:
            path = Path(folder, name)
            found[str(path.relative_to(root))] = path.read_bytes()
    found.pop("state/settings.json", None)
    found.pop("state/clock.json", None)
    return found


def marked(root: str) -> str:
    """The newest instant recorded, by the mark."""
    return str(json.loads(Path(root, "state", "clock.json").read_text())["at"])


def run(root: str, change: str) -> None:
    with Workspace.open(root, FINISHERS).write() as tx:
        CHANGES[change](tx)


def look(root: str) -> None:
    """What any next command does."""
    with Workspace.open(root, FINISHERS).read():
        pass
