"""What a snapshot can't be used for because of what it is: local, archived or locked.

Each rule raises ApiError, mostly with a code of the operation that asks; nothing is looked up here.
"""

from datetime import datetime

from snapcli.api.errors import ApiError
from snapcli.ecs.records import SnapshotRecord
from snapcli.ecs.snapshot_state import (
    cool_off_end,
    is_locked,
    is_usable,
    lock_end,
    lock_status,
)
from snapcli.ecs.wire import seconds_time

LOCAL = "flash"
ARCHIVE = "archive"


def is_available(node: SnapshotRecord, now: datetime) -> bool:
    """Say whether the snapshot can roll back its disk or make disks: usable, and not archived."""
    return is_usable(node, now) and node.category != ARCHIVE


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


def require_zone_of_local(node: SnapshotRecord, zone_id: str, code: str, status: int) -> None:
    """Raise ApiError `code` for a local snapshot that is wanted in another zone (LS-8)."""
    if node.category == LOCAL and node.zone_id != zone_id:
        raise ApiError(
            code,
            status,
            f"The snapshot {node.snapshot_id} is a local one in {node.zone_id} and can't be used "
            f"in {zone_id}. Make the disk in {node.zone_id}, or use a snapshot of Category "
            "standard.",
        )


def require_essd_for_local(node: SnapshotRecord, category: str, code: str, status: int) -> None:
    """Raise ApiError `code` unless a disk from a local snapshot is to be an ESSD (LS-6)."""
    if node.category == LOCAL and category != "cloud_essd":
        raise ApiError(
            code,
            status,
            f"The snapshot {node.snapshot_id} is a local one, which makes cloud_essd disks only, "
            f"not {category} ones.",
        )


def require_size_of_local(
    node: SnapshotRecord, size_gib: int | None, code: str, status: int
) -> None:
    """Raise ApiError `code` when another size than a local snapshot's is asked for (LS-6)."""
    if node.category == LOCAL and size_gib not in (None, node.size_gib):
        raise ApiError(
            code,
            status,
            f"The snapshot {node.snapshot_id} is a local one, so a disk made from it has exactly "
            f"{node.size_gib} GiB, not {size_gib}. Give that size, or none.",
        )


def require_way_back(node: SnapshotRecord, disk_id: str) -> None:
    """Raise ApiError OperationDenied when a rollback to the snapshot is no longer possible.

    Not to an archived one, nor to a local one from before a re-initialisation (LS-4).
    """
    require_not_archived(node, "rolled back to", "OperationDenied", 403)
    if node.disk_reinitialised_at is not None:
        raise ApiError(
            "OperationDenied",
            403,
            f"The snapshot {node.snapshot_id} is a local one, and its disk {disk_id} was "
            f"re-initialised at {seconds_time(node.disk_reinitialised_at)}; it can't roll it back "
            "any more. A disk made from it with CreateDisk has its bytes.",
        )


def refuse_locked(node: SnapshotRecord, now: datetime) -> None:
    """Raise ApiError InvalidOperation.SnapshotIsLocked while the snapshot is locked."""
    if node.lock is not None and is_locked(node, now):
        cool_off = seconds_time(cool_off_end(node.lock))
        way_out = (
            f"UnlockSnapshot takes the lock off until {cool_off}."
            if lock_status(node, now) == "compliance-cooloff"
            else f"The lock's cool-off period was over at {cool_off}, so it can't be taken off."
        )
        raise ApiError(
            "InvalidOperation.SnapshotIsLocked",
            403,
            f"The snapshot {node.snapshot_id} is locked until {seconds_time(lock_end(node.lock))} "
            f"and can't be deleted before, forced or not. {way_out}",
        )
