"""The console's Disks page. Draws nothing."""

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
    tags_text,
)

COLUMNS = (
    "Disk ID/Name",
    "Tag",
    "Category",
    "Disk Size",
    "Disk Type",
    "Status",
    "Automatic Snapshot Policy",
    "Instance ID",
    "Device",
    "Zone",
    "Encrypted/Unencrypted",
    "Created From",
    "Creation Time",
)


class Disk(msgspec.Struct, rename="pascal"):
    """What the page shows of a disk."""

    disk_id: str
    disk_name: str = ""
    tags: Tags = Tags()
    category: str = ""
    size: int = 0
    type: str = ""
    status: str = ""
    auto_snapshot_policy_id: str = ""
    instance_id: str = ""
    device: str = ""
    zone_id: str = ""
    encrypted: bool = False
    source_snapshot_id: str = ""
    image_id: str = ""
    creation_time: str = ""


class _Set(msgspec.Struct, rename="pascal"):
    disk: list[Disk]


class _Answer(msgspec.Struct, rename="pascal"):
    disks: _Set


def view(answer: object, session: Session) -> Listing:
    """Return the Disks page of a DescribeDisks answer."""
    found = msgspec.convert(answer, _Answer).disks.disk
    calendar = Calendar(session)
    return Listing(
        what="disks",
        columns=COLUMNS,
        rows=[_row(disk, calendar) for disk in found],
        more=more_text(answer, len(found)),
        colours={"In_use": "green", "Available": "cyan"},
    )


def _row(disk: Disk, calendar: Calendar) -> tuple[str, ...]:
    return (
        id_and_name(disk.disk_id, disk.disk_name),
        tags_text(disk.tags),
        disk.category,
        f"{disk.size}GiB",
        disk_type_text(disk.type),
        disk.status,
        disk.auto_snapshot_policy_id,
        disk.instance_id,
        disk.device,
        disk.zone_id,
        encryption_text(disk.encrypted),
        disk.source_snapshot_id or disk.image_id,
        calendar.wire(disk.creation_time),
    )
