"""What a snapshot can't be used for because of what it is: local, archived or locked.

Each rule raises ApiError with the code of the operation that asks; nothing is looked up here.
"""

from datetime import datetime

from snapcli.api.errors import ApiError
from snapcli.ecs.records import SnapshotRecord
from snapcli.ecs.snapshot_state import is_locked, lock_ends_at
from snapcli.ecs.wire import seconds_time

LOCAL = "flash"
ARCHIVE = "archive"


def require_not_local(node: SnapshotRecord, what: str, code: str, status: int) -> None:
    """Raise ApiError `code` for a local snapshot, which can't be `what`, "copied" (LS-7, LS-8)."""
    if node.category == LOCAL:
        raise ApiError(
            code,
            status,
            f"The snapshot {node.snapshot_id} is a local one (Category flash), which can't be "
            f"{what}. It serves its own disk and ESSDs in {node.zone_id}; a snapshot of Category "
            "standard can be.",
        )


def require_not_archived(node: SnapshotRecord, what: str, code: str, status: int) -> None:
    """Raise ApiError `code` for an archived snapshot, which can't be `what`, "copied"."""
    if node.category == ARCHIVE:
        raise ApiError(
            code,
            status,
            f"The snapshot {node.snapshot_id} is archived, for good, and can't be {what}. Use one "
            "of the disk's snapshots that are not archived.",
        )


def refuse_locked(node: SnapshotRecord, now: datetime) -> None:
    """Raise ApiError InvalidOperation.SnapshotIsLocked while the snapshot is locked."""
    if is_locked(node, now):
        raise ApiError(
            "InvalidOperation.SnapshotIsLocked",
            403,
            f"The snapshot {node.snapshot_id} is locked until {seconds_time(lock_ends_at(node))} "
            "and can't be deleted before, forced or not. UnlockSnapshot takes a lock off during "
            "its cool-off period.",
        )
