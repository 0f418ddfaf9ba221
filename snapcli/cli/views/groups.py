"""The console's Snapshot-consistent Group tab. Draws nothing."""

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import Calendar, Listing, id_and_name

COLUMNS = (
    "Group ID/Name",
    "Tag",
    "Instance ID",
    "Snapshots",
    "Disks",
    "Progress",
    "Creation Time",
    "Status",
    "Description",
)
_STATUS = {"accomplished": "Successful", "progressing": "Progressing", "failed": "Failed"}


class Tag(msgspec.Struct, rename="pascal"):
    """A tag of a group."""

    key: str
    value: str


class Tags(msgspec.Struct, rename="pascal", frozen=True):
    """The tags of a group."""

    tag: list[Tag] = []


class Snapshot(msgspec.Struct, rename="pascal"):
    """A snapshot of a group."""

    snapshot_id: str
    source_disk_id: str
    progress: str = ""


class Snapshots(msgspec.Struct, rename="pascal"):
    """The snapshots of a group."""

    snapshot: list[Snapshot]


class Group(msgspec.Struct, rename="pascal"):
    """What the tab shows of a group."""

    snapshot_group_id: str
    snapshots: Snapshots
    name: str = ""
    description: str = ""
    instance_id: str = ""
    creation_time: str = ""
    status: str = ""
    tags: Tags = Tags()


class _Set(msgspec.Struct, rename="pascal"):
    snapshot_group: list[Group]


class _Answer(msgspec.Struct, rename="pascal"):
    snapshot_groups: _Set
    next_token: str = ""


def view(answer: object, session: Session) -> Listing:
    """Return the Snapshot-consistent Group tab of a DescribeSnapshotGroups answer."""
    read = msgspec.convert(answer, _Answer)
    calendar = Calendar(session)
    more = f"There are more: --next-token {read.next_token}" if read.next_token else ""
    return Listing(
        what="snapshot-consistent groups",
        columns=COLUMNS,
        rows=[_row(group, calendar) for group in read.snapshot_groups.snapshot_group],
        more=more,
        colours={"Successful": "green", "Progressing": "yellow", "Failed": "red"},
    )


def _row(group: Group, calendar: Calendar) -> tuple[str, ...]:
    members = group.snapshots.snapshot
    return (
        id_and_name(group.snapshot_group_id, group.name),
        "\n".join(f"{tag.key}:{tag.value}" for tag in group.tags.tag),
        group.instance_id or "-",
        "\n".join(member.snapshot_id for member in members),
        "\n".join(member.source_disk_id for member in members),
        "\n".join(member.progress for member in members),
        calendar.wire(group.creation_time),
        _STATUS.get(group.status, group.status),
        group.description,
    )


class _Related(msgspec.Struct, rename="pascal"):
    name: str
    value: str


class _RelatedSet(msgspec.Struct, rename="pascal"):
    related_item: list[_Related]


class _Progress(msgspec.Struct, rename="pascal"):
    operation_status: str
    related_item_set: _RelatedSet
    error_msg: str = ""


class _ProgressSet(msgspec.Struct, rename="pascal"):
    operation_progress: list[_Progress]


class _Outcomes(msgspec.Struct, rename="pascal"):
    operation_progress_set: _ProgressSet


def rollback(answer: object, _: Session) -> str:
    """Return the console's message for each disk that was rolled back, or why it was not."""
    return _outcomes(answer, "Rollback successful")


def deletion(answer: object, _: Session) -> str:
    """Return what became of each snapshot of a deleted group."""
    return _outcomes(answer, "deleted")


def _outcomes(answer: object, success: str) -> str:
    read = msgspec.convert(answer, _Outcomes).operation_progress_set.operation_progress
    lines = []
    for each in read:
        what = ", ".join(item.value for item in each.related_item_set.related_item)
        done = success if each.operation_status == "Success" else f"kept: {each.error_msg}"
        lines.append(f"{what}: {done}\n")
    return "".join(lines)
