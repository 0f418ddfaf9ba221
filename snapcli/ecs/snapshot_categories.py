"""ModifySnapshotCategory: moving a snapshot to the archive, from which nothing brings it back.

What an archived snapshot can't be used for is asked of `snapshot_rules.require_not_archived`.
"""

from datetime import timedelta
from typing import Annotated

from snapcli.api import ids
from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import choice, limits
from snapcli.ecs import ledger
from snapcli.ecs.call import Call
from snapcli.ecs.records import Chain, SnapshotRecord
from snapcli.ecs.region_data import REGIONS
from snapcli.ecs.snapshot_rules import ARCHIVE, LOCAL
from snapcli.ecs.snapshot_state import (
    has_instant_access,
    in_creation,
    is_locked,
    lock_ends_at,
    released_at,
)
from snapcli.ecs.wire import seconds_time

LEAST_AGE = timedelta(days=14)


class ModifySnapshotCategoryRequest(Request):
    """Which snapshot to archive, and how long it is kept."""

    snapshot_id: Annotated[str, "The snapshot, at least 14 days old."]
    category: Annotated[
        str,
        choice("InvalidParameter.SnapshotCategory", 400, "archive"),
        "Archive: for good, and it makes no disks and no rollback then.",
    ] = ARCHIVE
    retention_days: (
        Annotated[
            int,
            limits("InvalidRetentionDays.Malformed", 400, "74 to 65536 days", ge=74, le=65536),
            "Delete it so many days after its creation (without it: never).",
        ]
        | None
    ) = None


class ModifySnapshotCategoryResponse(Response):
    """The task that archives the snapshot; here it is finished with the command."""

    task_id: str


@operation("ModifySnapshotCategory", lock=True, changes=True)
def modify_snapshot_category(
    call: Call, request: ModifySnapshotCategoryRequest
) -> ModifySnapshotCategoryResponse:
    """Archive a normal snapshot that is at least 14 days old; it can't be undone."""
    chain, node = call.snapshot(request.snapshot_id)
    _check_archivable(call, chain, node)
    _check_retention(call, node, request.retention_days)
    node.category = ARCHIVE
    node.retention_days = request.retention_days or 0
    node.modified_at = call.now
    release = released_at(node)
    if release is not None:
        call.due(release)
    ledger.note(call, chain)
    return ModifySnapshotCategoryResponse(
        task_id=ids.resource_id("t", REGIONS[chain.region_id].code, lambda _: False)
    )


def _check_archivable(call: Call, chain: Chain, node: SnapshotRecord) -> None:
    """Raise ApiError unless the snapshot can be archived now."""
    if node.category == ARCHIVE:
        raise ApiError(
            "InvalidStatus.SnapshotInArchive",
            400,
            f"The snapshot {node.snapshot_id} is archived already.",
        )
    if node.category == LOCAL:
        raise ApiError(
            "InvalidParameter.SnapshotCategory",
            400,
            f"The snapshot {node.snapshot_id} is a local one; only normal ones (Category standard) "
            "can be archived.",
        )
    if node.failed_at is not None:
        raise ApiError(
            "InvalidSnapshotId.NotReady",
            400,
            f"The snapshot {node.snapshot_id} failed and holds nothing to archive.",
        )
    if in_creation(node, call.now):
        raise ApiError(
            "InvalidStatus.SnapshotUnfinished",
            400,
            f"The snapshot {node.snapshot_id} is in creation; it can be archived when it is "
            "accomplished and 14 days old.",
        )
    if chain.kms_key_id:
        raise ApiError(
            "InvalidOperation.EncryptedSnapshotUnsupport",
            403,
            f"The snapshot {node.snapshot_id} is encrypted; only unencrypted ones can be archived. "
            "Keep it as it is, or delete it.",
        )
    if has_instant_access(node, call.now):
        raise ApiError(
            "InvalidOperation.InstantAccessEnabledUnsupport",
            403,
            f"The snapshot {node.snapshot_id} has instant access. Switch it off first, with "
            "ModifySnapshotAttribute and DisableInstantAccess true.",
        )
    if call.now < node.created_at + LEAST_AGE:
        raise ApiError(
            "InvalidStatus.SnapshotAgeLimit",
            400,
            f"The snapshot {node.snapshot_id} is less than 14 days old; it can be archived from "
            f"{seconds_time(node.created_at + LEAST_AGE)} on.",
        )


def _check_retention(call: Call, node: SnapshotRecord, days: int | None) -> None:
    """Raise ApiError for a retention that is over, ends before the lock, or is shortened.

    A snapshot that was kept until deleted may be given an end here: that is what RetentionDays
    is for.
    """
    if days is None:
        return
    end = node.created_at + timedelta(days=days)
    if days < node.retention_days:
        raise ApiError(
            "InvalidOperation.DecreaseRetentionDaysUnsupported",
            400,
            f"The snapshot {node.snapshot_id} is kept {node.retention_days} days; its retention "
            f"can't be shortened to {days} days. Give more days, or none.",
        )
    if end <= call.now:
        raise ApiError(
            "InvalidRetentionDays.Malformed",
            400,
            f"RetentionDays {days} counts from the creation of {node.snapshot_id}, so it was over "
            f"at {seconds_time(end)}. Give more days, or none to keep it until it is deleted.",
        )
    lock_end = lock_ends_at(node)
    if lock_end is not None and is_locked(node, call.now) and end < lock_end:
        raise ApiError(
            "InvalidRetentionDays.LessThanLockExpiredTime",
            400,
            f"With RetentionDays {days} the snapshot {node.snapshot_id} would be kept until "
            f"{seconds_time(end)}, but it is locked until {seconds_time(lock_end)}. Give more "
            "days.",
        )
