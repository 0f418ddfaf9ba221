"""What a snapshot is at an instant: its status, progress and end, computed from the record.

Pure functions of a record and `now`; nothing here is ever stored.
"""

from datetime import datetime, timedelta

from snapcli.ecs.records import Chain, SnapshotRecord


def status(node: SnapshotRecord, now: datetime) -> str:
    """Return progressing, accomplished or failed (CR-2, CR-11)."""
    if node.failed_at is not None:
        return "failed"
    return "progressing" if now < node.ready_at else "accomplished"


def in_creation(node: SnapshotRecord, now: datetime) -> bool:
    """Say whether the snapshot is still being created."""
    return status(node, now) == "progressing"


def progress_percent(node: SnapshotRecord, now: datetime) -> int:
    """Return 0 to 100; a failed snapshot keeps how far it had come (CR-2)."""
    until = node.failed_at or now
    if until >= node.ready_at:
        return 100
    share = (until - node.created_at) / (node.ready_at - node.created_at)
    return min(max(int(share * 100), 0), 99)


def remaining_seconds(node: SnapshotRecord, now: datetime) -> int:
    """Return the whole seconds until creation ends, 0 when it has."""
    if not in_creation(node, now):
        return 0
    return -int((now - node.ready_at) // timedelta(seconds=1))


def released_at(node: SnapshotRecord) -> datetime | None:
    """Return when retention ends, or None for a snapshot that is kept (CR-4)."""
    if not node.retention_days:
        return None
    return node.created_at + timedelta(days=node.retention_days)


def has_instant_access(node: SnapshotRecord, now: datetime) -> bool:
    """Say whether instant access is on: it ends with its days, the snapshot stays (IA-4)."""
    if not node.instant_access or node.failed_at is not None:
        return False
    if not node.instant_access_days:
        return True
    return now < node.created_at + timedelta(days=node.instant_access_days)


def is_usable(node: SnapshotRecord, now: datetime) -> bool:
    """Say whether the snapshot can roll back its disk or make disks (IA-1)."""
    return status(node, now) == "accomplished" or has_instant_access(node, now)


def creating_node(chain: Chain | None, now: datetime) -> SnapshotRecord | None:
    """Return the chain's newest snapshot in creation, or None."""
    if chain is None:
        return None
    return next((node for node in reversed(chain.nodes) if in_creation(node, now)), None)
