"""LockSnapshot, UnlockSnapshot and DescribeLockedSnapshots: snapshots that nobody may delete.

A lock keeps its snapshot from every deletion, by hand or by time, until it ends. What deletes asks
`snapshot_rules.refuse_locked` or `snapshot_state.is_locked`.
"""

from datetime import datetime
from typing import Annotated

from snapcli.api import paging
from snapcli.api.errors import ApiError, DryRunOperation
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.types import ClientToken, MaxResults, choice, limits
from snapcli.ecs.call import Call
from snapcli.ecs.records import Chain, LockRecord, SnapshotRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.snapshot_state import (
    cool_off_end,
    is_locked,
    lock_end,
    lock_status,
    retention_ends_at,
    status,
)
from snapcli.ecs.wire import seconds_time

_DRY_RUN = "Check everything, change nothing."


class LockedSnapshotItem(Item):
    """A lock in a response."""

    cool_off_period: int
    cool_off_period_expired_time: str
    lock_creation_time: str
    lock_duration: int
    lock_duration_start_time: str
    lock_expired_time: str
    lock_mode: str
    lock_status: str
    snapshot_id: str


class LockSnapshotRequest(Request):
    """Which snapshot to lock, and for how long."""

    snapshot_id: Annotated[str, "The snapshot to lock."]
    lock_mode: Annotated[
        str,
        choice("InvalidLockMode.Malformed", 400, "compliance"),
        "compliance: nobody can take the lock off once its cool-off period is over.",
    ]
    lock_duration: Annotated[
        int,
        limits("InvalidParameter", 400, "1 to 36500 days", ge=1, le=36500),
        "For how many days; they count from the end of the snapshot's creation.",
    ]
    cool_off_period: Annotated[
        int,
        limits("InvalidParameter", 400, "0 to 72 hours", ge=0, le=72),
        "For how many hours the lock can still be taken off or weakened; 0: never.",
    ]
    region_id: Annotated[str, "The snapshot's region."] = ""
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""
    dry_run: Annotated[bool, _DRY_RUN] = False


class LockSnapshotResponse(Response):
    """The lock as it is now."""

    locked_snapshot_info: LockedSnapshotItem


@operation("LockSnapshot", lock=True, changes=True)
def lock_snapshot(call: Call, request: LockSnapshotRequest) -> LockSnapshotResponse:
    """Lock a snapshot, or change its lock: freely in cool-off, afterwards only to a longer one."""
    _, node = _find(call, request.region_id, request.snapshot_id)
    if status(node, call.now) == "failed":
        raise ApiError(
            "InvalidOperation.SnapshotNotAvailable",
            403,
            f"The snapshot {node.snapshot_id} failed and holds nothing; there is nothing to lock.",
        )
    lock = _new_lock(call, node, request)
    _check_lock(node, lock)
    if request.dry_run:
        raise DryRunOperation
    node.lock = lock
    return LockSnapshotResponse(locked_snapshot_info=_item(node, call.now))


def _new_lock(call: Call, node: SnapshotRecord, request: LockSnapshotRequest) -> LockRecord:
    """Return the lock asked for. One that changes a lock in force began when that one did."""
    lock = LockRecord(
        mode=request.lock_mode,
        created_at=call.now,
        starts_at=max(call.now, node.ready_at),
        duration_days=request.lock_duration,
        cool_off_hours=request.cool_off_period,
    )
    old = node.lock
    if old is None or not is_locked(node, call.now):
        return lock
    lock.created_at, lock.starts_at = old.created_at, old.starts_at
    longer = request.lock_duration > old.duration_days
    if lock_status(node, call.now) == "compliance" and not (longer and not lock.cool_off_hours):
        raise ApiError(
            "InvalidOperation.CoolOffPeriodExpired",
            403,
            f"The snapshot {node.snapshot_id} is locked for {old.duration_days} days and the "
            f"lock's cool-off period was over at {seconds_time(cool_off_end(old))}. All that "
            "can be changed is LockDuration, to more days, with CoolOffPeriod 0.",
        )
    return lock


def _check_lock(node: SnapshotRecord, lock: LockRecord) -> None:
    """Raise ApiError for a lock beyond the retention, or all of which is cool-off."""
    if lock.cool_off_hours >= lock.duration_days * 24:
        raise ApiError(
            "InvalidCoolOffPeriod.ExceedLockDuration",
            400,
            f"A CoolOffPeriod of {lock.cool_off_hours} hours is not shorter than a lock of "
            f"{lock.duration_days} days. Give fewer hours, or a longer LockDuration.",
        )
    retention_end = retention_ends_at(node)
    if retention_end is not None and lock_end(lock) > retention_end:
        raise ApiError(
            "InvalidLockDuration.ExceedRetentionDays",
            400,
            f"A lock of {lock.duration_days} days ends at {seconds_time(lock_end(lock))}, but the "
            f"snapshot {node.snapshot_id} is kept until {seconds_time(retention_end)} only. Give "
            "fewer days, or a longer RetentionDays with ModifySnapshotAttribute first.",
        )


class UnlockSnapshotRequest(Request):
    """Which snapshot to unlock."""

    snapshot_id: Annotated[str, "The snapshot, whose lock is in its cool-off period."]
    region_id: Annotated[str, "The snapshot's region."] = ""
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""
    dry_run: Annotated[bool, _DRY_RUN] = False


class UnlockSnapshotResponse(Response):
    """Nothing but the RequestId."""


@operation("UnlockSnapshot", lock=True, changes=True)
def unlock_snapshot(call: Call, request: UnlockSnapshotRequest) -> UnlockSnapshotResponse:
    """Take a lock off while it is in its cool-off period."""
    _, node = _find(call, request.region_id, request.snapshot_id)
    if node.lock is None:
        raise ApiError(
            "InvalidSnapshotLock.NotFound",
            404,
            f"The snapshot {node.snapshot_id} carries no lock. DescribeLockedSnapshots lists those "
            "that do.",
        )
    if lock_status(node, call.now) != "compliance-cooloff":
        state = (
            f"can't be taken off before it ends at {seconds_time(lock_end(node.lock))}"
            if is_locked(node, call.now)
            else "is over and hinders nothing any more"
        )
        raise ApiError(
            "InvalidOperation.CoolOffPeriodExpired",
            403,
            f"The cool-off period of the lock on {node.snapshot_id} was over at "
            f"{seconds_time(cool_off_end(node.lock))}; the lock {state}.",
        )
    if request.dry_run:
        raise DryRunOperation
    node.lock = None
    return UnlockSnapshotResponse()


def _find(call: Call, region_id: str, snapshot_id: str) -> tuple[Chain, SnapshotRecord]:
    """Return a snapshot of the region, or raise ApiError."""
    require_region(region_id)
    chain, node = call.snapshot(snapshot_id)
    if chain.region_id != region_id:
        raise ApiError(
            "InvalidSnapshotId.NotFound",
            404,
            f"The snapshot {snapshot_id} is in {chain.region_id}, not in {region_id}. Give "
            f"RegionId {chain.region_id}.",
        )
    return chain, node


class DescribeLockedSnapshotsRequest(Request):
    """Which locks to list; all filters must match."""

    region_id: Annotated[str, "The region to look in."] = ""
    snapshot_ids: Annotated[
        list[str],
        limits("InvalidParameter", 400, "up to 100 snapshot ids", max_length=100),
        "Only of these snapshots.",
    ] = []
    lock_status: (
        Annotated[
            str,
            choice(
                "InvalidLockStatus.Malformed", 400, "compliance-cooloff", "compliance", "expired"
            ),
            "Only in this state.",
        ]
        | None
    ) = None
    max_results: Annotated[MaxResults, "How many an answer; fewer than 10 are 10."] = 10
    next_token: Annotated[str, "Where to go on: the NextToken of the answer before."] = ""
    dry_run: Annotated[bool, "Check the request only."] = False


class DescribeLockedSnapshotsResponse(Response):
    """A page of locks, the latest first; those that are over too."""

    next_token: str
    locked_snapshots_info: list[LockedSnapshotItem]


@operation("DescribeLockedSnapshots", lock=False, changes=False)
def describe_locked_snapshots(
    call: Call, request: DescribeLockedSnapshotsRequest
) -> DescribeLockedSnapshotsResponse:
    """List a region's locks with their state at this instant; changes nothing."""
    require_region(request.region_id)
    wanted = set(request.snapshot_ids)
    found = [
        node
        for chain in call.chains(request.region_id)
        for node in chain.nodes
        if node.lock is not None and (not wanted or node.snapshot_id in wanted)
    ]
    if wanted and not found:
        raise ApiError(
            "InvalidSnapshotLock.NotFound",
            404,
            f"There is no lock on {', '.join(request.snapshot_ids)} in {request.region_id}. "
            "LockSnapshot sets one.",
        )
    if request.lock_status is not None:
        found = [n for n in found if lock_status(n, call.now) == request.lock_status]
    found.sort(key=lambda node: node.lock.created_at if node.lock else call.now, reverse=True)
    start = paging.offset_of(request.next_token)
    end = start + min(max(request.max_results, 10), paging.LARGEST_PAGE_SIZE)
    return DescribeLockedSnapshotsResponse(
        next_token=paging.token_at(end, len(found)),
        locked_snapshots_info=[_item(node, call.now) for node in found[start:end]],
    )


def _item(node: SnapshotRecord, now: datetime) -> LockedSnapshotItem:
    lock = node.lock
    assert lock is not None
    return LockedSnapshotItem(
        cool_off_period=lock.cool_off_hours,
        cool_off_period_expired_time=seconds_time(cool_off_end(lock)),
        lock_creation_time=seconds_time(lock.created_at),
        lock_duration=lock.duration_days,
        lock_duration_start_time=seconds_time(lock.starts_at),
        lock_expired_time=seconds_time(lock_end(lock)),
        lock_mode=lock.mode,
        lock_status=lock_status(node, now),
        snapshot_id=node.snapshot_id,
    )
