"""The newest instant that the records hold: how far back the clock may be set.

Walks through all documents of all accounts, whatever they are made of. Changes nothing.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from snapcli.ecs.accounts import account_ids
from snapcli.ecs.call import Call
from snapcli.ecs.events import JOURNAL_FILE
from snapcli.ecs.records import (
    Account,
    Assistant,
    Chain,
    Events,
    Inventory,
    KmsKey,
    Ram,
    Record,
    SizeHistory,
    Usage,
)
from snapcli.workspace.errors import WorkspaceError

# Fields that do not say that something happened: when the next thing is due, and since when the
# service is on, of which only the whether counts.
_NOT_HAPPENED: dict[type, tuple[str, ...]] = {Account: ("next_due_at", "snapshot_service_at")}

_OF_REGION: dict[str, type[Record]] = {
    "inventory": Inventory,
    "assistant": Assistant,
    "usage": Usage,
}


def latest_instant(call: Call) -> datetime | None:
    """Return the newest instant up to now that a record of the workspace holds, or None.

    What lies ahead (the end of a creation, say) has not happened yet. Raises WorkspaceError where
    a document is damaged; the journal of events may be, since nothing depends on it.
    """
    return max(
        (
            instant
            for account_id in account_ids(call.tx)
            for record in _records(call.for_account(account_id))
            for instant in _instants(record)
            if instant <= call.now
        ),
        default=None,
    )


def documents(call: Call) -> Iterator[tuple[str, type[Record]]]:
    """Yield where each document of the account is, relative to the workspace, and what it is."""
    found: list[tuple[str, type[Record]]] = [
        (f"{call.home}state/account.json", Account),
        (call.home + JOURNAL_FILE, Events),
        (f"{call.home}state/ram.json", Ram),
    ]
    for region_id in call.tx.folder_names(call.home + "state"):
        for stem, type_ in _OF_REGION.items():
            found.append((f"{call.home}state/{region_id}/{stem}.json", type_))
    for region_id in call.tx.folder_names(call.home + "chains"):
        for chain_id in call.tx.folder_names(f"{call.home}chains/{region_id}"):
            found.append((call.chain_file(region_id, chain_id), Chain))
    for name in call.tx.folder_names(call.home + "keys"):
        found.append((f"{call.home}keys/{name}", KmsKey))
    for file, type_ in found:
        if call.tx.exists(file):
            yield file, type_


def _records(call: Call) -> Iterator[Record]:
    for file, type_ in documents(call):
        try:
            yield call.tx.load(file, type_)
        except WorkspaceError:
            if type_ is not Events:
                raise


def _instants(value: object) -> Iterator[datetime]:
    """Yield every instant in a record and in the records that it holds."""
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, SizeHistory):
        yield from map(datetime.fromisoformat, value.points)
    elif isinstance(value, msgspec.Struct):
        left_out = _NOT_HAPPENED.get(type(value), ())
        for name in value.__struct_fields__:
            if name not in left_out:
                yield from _instants(getattr(value, name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _instants(each)
    elif isinstance(value, list):
        for each in value:
            yield from _instants(each)
