"""The console's Snapshot Chains tab, and the region's Snapshot Size. Draws nothing."""

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import (
    Listing,
    bytes_text,
    disk_type_text,
    id_and_name,
    more_text,
    snapshot_type_text,
)

COLUMNS = (
    "Disk ID/Name",
    "Instance ID/Name",
    "Disk Size",
    "Disk Type",
    "Snapshot Type",
    "Snapshots",
    "Snapshot Size",
)


class Chain(msgspec.Struct, rename="pascal"):
    """What the tab shows of a chain, which bears its disk's id."""

    snapshot_link_id: str
    source_disk_name: str = ""
    instance_id: str = ""
    instance_name: str = ""
    source_disk_size: int = 0
    source_disk_type: str = ""
    category: str = "standard"
    total_count: int = 0
    total_size: int = 0


class _Set(msgspec.Struct, rename="pascal"):
    snapshot_link: list[Chain]


class _Answer(msgspec.Struct, rename="pascal"):
    snapshot_links: _Set


class _Usage(msgspec.Struct, rename="pascal"):
    snapshot_count: int
    snapshot_size: int


def view(answer: object, _: Session) -> Listing:
    """Return the Snapshot Chains tab of a DescribeSnapshotLinks answer."""
    found = msgspec.convert(answer, _Answer).snapshot_links.snapshot_link
    return Listing(
        what="snapshot chains",
        columns=COLUMNS,
        rows=[_row(chain) for chain in found],
        more=more_text(answer, len(found)),
    )


def usage(answer: object, _: Session) -> Listing:
    """Return the count and size of a DescribeSnapshotsUsage answer."""
    found = msgspec.convert(answer, _Usage)
    return Listing(
        what="snapshots",
        columns=("Snapshots", "Snapshot Size"),
        rows=[(str(found.snapshot_count), bytes_text(found.snapshot_size))],
    )


def _row(chain: Chain) -> tuple[str, ...]:
    return (
        id_and_name(chain.snapshot_link_id, chain.source_disk_name),
        id_and_name(chain.instance_id, chain.instance_name),
        f"{chain.source_disk_size}GiB",
        disk_type_text(chain.source_disk_type),
        snapshot_type_text(chain.category),
        str(chain.total_count),
        bytes_text(chain.total_size),
    )
