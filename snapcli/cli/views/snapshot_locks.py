"""The locks on snapshots. Draws nothing."""

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import Calendar, Listing

COLUMNS = (
    "Snapshot ID",
    "Lock Status",
    "Locked At",
    "Locked For",
    "Counted From",
    "Cool-off Ends At",
    "Lock Ends At",
)
_STATUS = {"compliance-cooloff": "Cool-off", "compliance": "Locked", "expired": "Expired"}


class Lock(msgspec.Struct, rename="pascal"):
    """What the table shows of a lock."""

    snapshot_id: str
    lock_status: str = ""
    lock_creation_time: str = ""
    lock_duration: int = 0
    lock_duration_start_time: str = ""
    cool_off_period_expired_time: str = ""
    lock_expired_time: str = ""


class _One(msgspec.Struct, rename="pascal"):
    locked_snapshot_info: Lock


class _Answer(msgspec.Struct, rename="pascal"):
    locked_snapshots_info: list[Lock]
    next_token: str = ""


def view(answer: object, session: Session) -> Listing:
    """Return the locks of a DescribeLockedSnapshots answer."""
    found = msgspec.convert(answer, _Answer)
    more = f"--next-token {found.next_token} shows more." if found.next_token else ""
    return _listing(found.locked_snapshots_info, session, more)


def one(answer: object, session: Session) -> Listing:
    """Return the lock of a LockSnapshot answer."""
    return _listing([msgspec.convert(answer, _One).locked_snapshot_info], session)


def _listing(locks: list[Lock], session: Session, more: str = "") -> Listing:
    calendar = Calendar(session)
    return Listing(
        what="locked snapshots",
        columns=COLUMNS,
        rows=[_row(lock, calendar) for lock in locks],
        more=more,
        colours={"Locked": "green", "Cool-off": "yellow"},
    )


def _row(lock: Lock, calendar: Calendar) -> tuple[str, ...]:
    return (
        lock.snapshot_id,
        _STATUS.get(lock.lock_status, lock.lock_status),
        calendar.wire(lock.lock_creation_time),
        f"{lock.lock_duration}Days",
        calendar.wire(lock.lock_duration_start_time),
        calendar.wire(lock.cool_off_period_expired_time),
        calendar.wire(lock.lock_expired_time),
    )
