"""The console's Snapshots tab. Draws nothing."""

from datetime import timedelta

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import (
    Calendar,
    Listing,
    Tags,
    disk_type_text,
    encryption_text,
    id_and_name,
    more_text,
    parse_time,
    snapshot_type_text,
    tags_text,
)

COLUMNS = (
    "Snapshot ID/Name",
    "Tag",
    "Snapshot Type",
    "Snapshot Source",
    "Instant Access",
    "Disk ID",
    "Disk Size",
    "Disk Type",
    "Encrypted/Unencrypted",
    "Creation Time",
    "Kept For",
    "Progress",
    "Status",
)
_STATUS = {"accomplished": "Successful", "progressing": "Progressing", "failed": "Failed"}
_SOURCE = {
    "user": "Custom Snapshot",
    "auto": "Automatic Snapshot",
    "timer": "Automatic Snapshot",
}


class Snapshot(msgspec.Struct, rename="pascal"):
    """What the tab shows of a snapshot."""

    snapshot_id: str
    snapshot_name: str = ""
    tags: Tags = Tags()
    category: str = "standard"
    snapshot_type: str = "user"
    instant_access: bool = False
    instant_access_retention_days: int = 0
    source_disk_id: str = ""
    source_disk_size: str = ""
    source_disk_type: str = ""
    encrypted: bool = False
    creation_time: str = ""
    retention_days: int | None = None
    progress: str = ""
    status: str = ""
    source_snapshot_id: str = ""


class _Set(msgspec.Struct, rename="pascal"):
    snapshot: list[Snapshot]


class _Answer(msgspec.Struct, rename="pascal"):
    snapshots: _Set


def view(answer: object, session: Session) -> Listing:
    """Return the Snapshots tab of a DescribeSnapshots answer."""
    found = msgspec.convert(answer, _Answer).snapshots.snapshot
    calendar = Calendar(session)
    return Listing(
        what="snapshots",
        columns=COLUMNS,
        rows=[_row(snapshot, calendar) for snapshot in found],
        more=more_text(answer, len(found)),
        colours={"Successful": "green", "Progressing": "yellow", "Failed": "red"},
    )


def _row(snapshot: Snapshot, calendar: Calendar) -> tuple[str, ...]:
    return (
        id_and_name(snapshot.snapshot_id, snapshot.snapshot_name),
        tags_text(snapshot.tags),
        snapshot_type_text(snapshot.category),
        _source(snapshot),
        _instant_access(snapshot, calendar),
        snapshot.source_disk_id,
        f"{snapshot.source_disk_size}GiB",
        disk_type_text(snapshot.source_disk_type),
        encryption_text(snapshot.encrypted),
        calendar.wire(snapshot.creation_time),
        kept_for(snapshot.retention_days),
        snapshot.progress,
        _STATUS.get(snapshot.status, snapshot.status),
    )


def _source(snapshot: Snapshot) -> str:
    """Return what made the snapshot: a person, a policy, or copying it from another region."""
    if snapshot.source_snapshot_id:
        return "Copied Snapshot"
    return _SOURCE.get(snapshot.snapshot_type, snapshot.snapshot_type)


def kept_for(retention_days: int | None) -> str:
    """Return `Always Keep` or `1Days` (LS-9)."""
    return f"{retention_days}Days" if retention_days and retention_days > 0 else "Always Keep"


def _instant_access(snapshot: Snapshot, calendar: Calendar) -> str:
    """Return the column as IA-7 words it."""
    if not snapshot.instant_access:
        return "Disabled"
    created = parse_time(snapshot.creation_time)
    days = snapshot.instant_access_retention_days
    if created is None or not days:
        return "Enabled"
    return f"Expires At {calendar.text(created + timedelta(days=days))}"
