"""What the passing of time did, as it is told: counts, and each event when somebody asks.

Gathered while time is settled, over several transactions; stored nowhere.
"""

from datetime import datetime

from snapcli.api.operation import Item
from snapcli.ecs.wire import seconds_time

CREATED = "SnapshotCreated"
SKIPPED = "SnapshotSkipped"
FAILED = "SnapshotFailed"
RELEASED = "SnapshotReleased"
COPIED = "SnapshotCopied"
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
    instances_released: int = 0


_COUNTED = {
    CREATED: "snapshots_created",
    SKIPPED: "snapshots_skipped",
    FAILED: "snapshots_failed",
    RELEASED: "snapshots_released",
    COPIED: "snapshots_copied",
    INSTANCE_RELEASED: "instances_released",
}


class Log:
    """Gathers what happens; `events` stays empty, however long the time, unless it is wanted."""

    def __init__(self, wanted: bool = False) -> None:
        self.wanted = wanted
        self.counts = EventCounts()
        self.events: list[EventItem] = []

    def add(
        self,
        instant: datetime,
        event: str,
        region_id: str,
        *,
        snapshot_id: str = "",
        disk_id: str = "",
        policy_id: str = "",
        instance_id: str = "",
        reason: str = "",
    ) -> None:
        """Note that `event` happened at `instant`."""
        name = _COUNTED[event]
        setattr(self.counts, name, getattr(self.counts, name) + 1)
        if self.wanted:
            self.events.append(
                EventItem(
                    time=seconds_time(instant),
                    event=event,
                    region_id=region_id,
                    snapshot_id=snapshot_id,
                    disk_id=disk_id,
                    auto_snapshot_policy_id=policy_id,
                    instance_id=instance_id,
                    reason=reason,
                )
            )
