"""What a snapshot is at an instant: its status, progress and end, computed from the record.

Pure functions of a record and `now`; nothing here is ever stored.
"""

from datetime import datetime, timedelta

from snapcli.ecs.phases import percent_over
from snapcli.ecs.records import LockRecord, SnapshotRecord


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
    return percent_over(node.created_at, node.ready_at, node.failed_at or now)


def remaining_seconds(node: SnapshotRecord, now: datetime) -> int:
    """Return the whole seconds until creation ends, 0 when it has."""
    if not in_creation(node, now):
        return 0
    return -int((now - node.ready_at) // timedelta(seconds=1))


def retention_ends_at(node: SnapshotRecord) -> datetime | None:
    """Return when retention ends, or None for a snapshot that is kept (CR-4)."""
    if node.overdue_at is not None:
        return node.overdue_at
    if not node.retention_days:
        return None
    return node.created_at + timedelta(days=node.retention_days)


def released_at(node: SnapshotRecord) -> datetime | None:
    """Return when the service releases the snapshot, or None for one that is kept.

    That is the end of its retention, or of its lock when that is later.
    """
    retention_end, lock_end = retention_ends_at(node), lock_ends_at(node)
    if retention_end is None or lock_end is None:
        return retention_end
    return max(retention_end, lock_end)


def instant_access_ends_at(node: SnapshotRecord) -> datetime | None:
    """Return when instant access ended or will end; None: as long as the snapshot is kept.

    It is on from `created_at` until its days are over (IA-4), it is switched off by hand or with
    its disk (IA-5), or creation fails, whatever comes first. Says nothing of a snapshot that
    never had it.
    """
    ends = [node.instant_access_ended_at, node.failed_at]
    if node.instant_access_days:
        ends.append(node.created_at + timedelta(days=node.instant_access_days))
    return min((end for end in ends if end is not None), default=None)


def has_instant_access(node: SnapshotRecord, now: datetime) -> bool:
    """Say whether instant access is on; when it ends the snapshot stays (IA-4)."""
    if not node.instant_access:
        return False
    end = instant_access_ends_at(node)
    return end is None or now < end


def is_usable(node: SnapshotRecord, now: datetime) -> bool:
    """Say whether the snapshot can roll back its disk or make disks (IA-1)."""
    return status(node, now) == "accomplished" or has_instant_access(node, now)


def must_be_awaited(node: SnapshotRecord, now: datetime) -> bool:
    """Say whether the snapshot is in creation and nothing may be done to its disk before the end.

    One with instant access can be used at once, and what it is for, rolling back, asks for a
    stopped instance: so it neither stands in the way nor fails with its instance (IA-1, CR-11).
    """
    return in_creation(node, now) and not has_instant_access(node, now)


def lock_ends_at(node: SnapshotRecord) -> datetime | None:
    """Return when the snapshot's lock ends or ended; None without one, or when creation failed."""
    if node.lock is None or node.failed_at is not None:
        return None
    return lock_end(node.lock)


def is_locked(node: SnapshotRecord, now: datetime) -> bool:
    """Say whether nobody and nothing may delete the snapshot now, in cool-off or after it."""
    end = lock_ends_at(node)
    return end is not None and now < end


def lock_status(node: SnapshotRecord, now: datetime) -> str:
    """Return compliance-cooloff, compliance or expired; expired also where there is no lock."""
    if node.lock is None or not is_locked(node, now):
        return "expired"
    return "compliance-cooloff" if now < cool_off_end(node.lock) else "compliance"


def lock_end(lock: LockRecord) -> datetime:
    """Return when a lock's duration is over."""
    return lock.starts_at + timedelta(days=lock.duration_days)


def cool_off_end(lock: LockRecord) -> datetime:
    """Return until when a lock can be taken off or weakened."""
    return lock.created_at + timedelta(hours=lock.cool_off_hours)
