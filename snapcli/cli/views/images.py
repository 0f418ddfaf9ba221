"""The console's Images page. Draws nothing."""

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import (
    Calendar,
    Listing,
    Tags,
    encryption_text,
    id_and_name,
    more_text,
    tags_text,
)

COLUMNS = (
    "Image ID/Name",
    "Tag",
    "Image Family",
    "Image Type",
    "Operating System",
    "Disks",
    "Snapshots",
    "Encrypted/Unencrypted",
    "Creation Time",
    "Progress",
    "Status",
)
_TYPES = {"self": "Custom Image", "others": "Shared Image", "system": "Public Image"}


class Disk(msgspec.Struct, rename="pascal"):
    """What the page shows of an image's disk."""

    device: str = ""
    size: str = ""
    snapshot_id: str = ""
    encrypted: bool = False


class _Disks(msgspec.Struct, rename="pascal"):
    disk_device_mapping: list[Disk] = []


class Image(msgspec.Struct, rename="pascal"):
    """What the page shows of an image."""

    image_id: str
    image_name: str = ""
    tags: Tags = Tags()
    image_family: str = ""
    image_owner_alias: str = ""
    is_self_shared: str = ""
    os_name_en: str = msgspec.field(name="OSNameEn", default="")
    size: int = 0
    disk_device_mappings: _Disks = msgspec.field(default_factory=_Disks)
    creation_time: str = ""
    progress: str = ""
    status: str = ""


class _Set(msgspec.Struct, rename="pascal"):
    image: list[Image]


class _Answer(msgspec.Struct, rename="pascal"):
    images: _Set


def view(answer: object, session: Session) -> Listing:
    """Return the Images page of a DescribeImages answer."""
    found = msgspec.convert(answer, _Answer).images.image
    calendar = Calendar(session)
    return Listing(
        what="images",
        columns=COLUMNS,
        rows=[_row(image, calendar) for image in found],
        more=more_text(answer, len(found)),
        colours={"Available": "green", "Creating": "yellow", "CreateFailed": "red"},
    )


def _row(image: Image, calendar: Calendar) -> tuple[str, ...]:
    disks = image.disk_device_mappings.disk_device_mapping
    kind = _TYPES.get(image.image_owner_alias, image.image_owner_alias)
    return (
        id_and_name(image.image_id, image.image_name),
        tags_text(image.tags),
        image.image_family,
        f"{kind}\nShared with others" if image.is_self_shared else kind,
        image.os_name_en,
        "\n".join(f"{disk.device} {disk.size}GiB" for disk in disks) or f"{image.size}GiB",
        "\n".join(disk.snapshot_id or "-" for disk in disks),
        encryption_text(any(disk.encrypted for disk in disks)),
        calendar.wire(image.creation_time),
        image.progress,
        image.status,
    )


class Task(msgspec.Struct, rename="pascal"):
    """What is shown of a task."""

    task_id: str
    task_action: str = ""
    resource_id: str = ""
    creation_time: str = ""
    finished_time: str = ""
    task_status: str = ""


class _TaskList(msgspec.Struct, rename="pascal"):
    task: list[Task]


class _Tasks(msgspec.Struct, rename="pascal"):
    task_set: _TaskList


def tasks(answer: object, session: Session) -> Listing:
    """Return the tasks of a DescribeTasks answer."""
    found = msgspec.convert(answer, _Tasks).task_set.task
    calendar = Calendar(session)
    return Listing(
        what="tasks",
        columns=("Task ID", "Task", "Image ID", "Creation Time", "End Time", "Status"),
        rows=[
            (
                task.task_id,
                task.task_action,
                task.resource_id,
                calendar.wire(task.creation_time),
                calendar.wire(task.finished_time),
                task.task_status,
            )
            for task in found
        ],
        more=more_text(answer, len(found)),
        colours={"Finished": "green", "Processing": "yellow", "Deleted": "red"},
    )
