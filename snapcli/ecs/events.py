"""What the passing of time did, as it is told: counts, and each event when somebody asks.

Gathered while time is settled, over several transactions. The newest are kept in a journal, a
document of the workspace that never grows beyond KEPT of them.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from snapcli.api.operation import Item
from snapcli.ecs.records import EventRecord, Events
from snapcli.ecs.wire import seconds_time
from snapcli.workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from snapcli.ecs.call import Call
    from snapcli.workspace.transaction import Transaction

KEPT = 1000  # events in the journal
JOURNAL_FILE = "state/events.json"

CREATED = "SnapshotCreated"
SKIPPED = "SnapshotSkipped"
FAILED = "SnapshotFailed"
RELEASED = "SnapshotReleased"
COPIED = "SnapshotCopied"
COPY_FAILED = "SnapshotCopyFailed"
INSTANCE_RELEASED = "InstanceReleased"


class EventItem(Item):
    """One thing that happened: when, what, to which resources, and why where that is not plain."""

    time: str
    event: str
    region_id: str
    snapshot_id: str = ""
    disk_id: str = ""
    auto_snapshot_policy_id: str = ""
    instance_id: str = ""
    reason: str = ""


class EventCounts(Item):
    """How often each kind of thing happened."""

    snapshots_created: int = 0
    snapshots_skipped: int = 0
    snapshots_failed: int = 0
    snapshots_released: int = 0
    snapshots_copied: int = 0
    copies_failed: int = 0
    instances_released: int = 0


_COUNTED = {
    CREATED: "snapshots_created",
    SKIPPED: "snapshots_skipped",
    FAILED: "snapshots_failed",
    RELEASED: "snapshots_released",
    COPIED: "snapshots_copied",
    COPY_FAILED: "copies_failed",
    INSTANCE_RELEASED: "instances_released",
}


def event_item(event: EventRecord) -> EventItem:
    """Return an event as responses have it."""
    return EventItem(
        time=seconds_time(event.at),
        event=event.event,
        region_id=event.region_id,
        snapshot_id=event.snapshot_id,
        disk_id=event.disk_id,
        auto_snapshot_policy_id=event.policy_id,
        instance_id=event.instance_id,
        reason=event.reason,
    )


class Log:
    """Gathers what happens; `events` stays empty, however long the time, unless it is wanted.

    `on_settled` is called in the last transaction of settling, when nothing is left to be done.
    """

    def __init__(self, wanted: bool = False) -> None:
        self.wanted = wanted
        self.counts = EventCounts()
        self.events: list[EventItem] = []
        self.on_settled: Callable[[Transaction], None] | None = None
        self._newest: deque[EventRecord] = deque(maxlen=KEPT)  # of this transaction
        self._added = 0

    def begin(self) -> None:
        """Begin a transaction: what another one added is in the journal, or never happened."""
        self._newest.clear()
        self._added = 0

    def add(
        self,
        call: "Call",
        event: str,
        region_id: str,
        *,
        snapshot_id: str = "",
        disk_id: str = "",
        policy_id: str = "",
        instance_id: str = "",
        reason: str = "",
    ) -> None:
        """Note that `event` happened at the call's time."""
        name = _COUNTED[event]
        setattr(self.counts, name, getattr(self.counts, name) + 1)
        self._added += 1
        record = EventRecord(
            at=call.now,
            event=event,
            region_id=region_id,
            account_id=call.account_id,
            snapshot_id=snapshot_id,
            disk_id=disk_id,
            policy_id=policy_id,
            instance_id=instance_id,
            reason=reason,
        )
        self._newest.append(record)
        if self.wanted:
            self.events.append(event_item(record))

    def keep(self, tx: "Transaction") -> None:
        """Write the transaction's newest events into the workspace's journal.

        A damaged one is begun anew: it only tells, and nothing that is due may wait for it.
        """
        if not self._added:
            return
        try:
            journal = tx.load(JOURNAL_FILE, Events, Events)
        except WorkspaceError:
            journal = Events()
            tx.put(JOURNAL_FILE, journal)
        journal.number += self._added
        journal.events = [*journal.events, *self._newest][-KEPT:]
        self.begin()


def journal_of(tx: "Transaction") -> Events:
    """Return the workspace's journal as it stands, empty when nothing ever happened."""
    return tx.load(JOURNAL_FILE, Events) if tx.exists(JOURNAL_FILE) else Events()
