"""Operations declared for the tests alone, one with every kind of parameter."""

from typing import Annotated, Any

import msgspec

from snapcli.api.operation import Group, Item, Operation, Request, Response, operation
from snapcli.api.types import choice, json_list


class Tag(Group):
    """A tag."""

    key: str
    value: str | None = None


class Disk(Group):
    """A structured parameter."""

    ignored = ("EncryptAlgorithm",)
    size: int | None = None
    category: str | None = None
    disk_name: str | None = None


class CreateRequest(Request):
    """Every kind of parameter."""

    ignored = ("StorageLocationArn",)
    disk_id: Annotated[str, "The disk."]
    zone_id: Annotated[str, "The zone."]
    region_id: Annotated[str, "The region."] = ""
    snapshot_name: Annotated[str, "A name."] | None = None
    retention_days: Annotated[int, "How long it is kept."] | None = None
    force: Annotated[bool, "Even though it is in use."] = False
    category: Annotated[str, choice("InvalidCategory", 400, "standard", "flash"), "A kind."] = (
        "standard"
    )
    snapshot_ids: Annotated[list[str], json_list("InvalidIds", 400, 100), "Ids."] | None = None
    instance_id: Annotated[list[str], "Instances."] | None = None
    tag: Annotated[list[Tag], "Tags."] | None = None
    system_disk: Annotated[Disk, "The system disk."] | None = None
    data_disk: Annotated[list[Disk], "Data disks."] | None = None


class CreateResponse(Response):
    """An id."""

    snapshot_id: str = "s-bp1"


class RowItem(Item):
    """A row."""

    snapshot_id: str = ""


class Rows(Item):
    """Rows."""

    snapshot: list[RowItem]


class DescribeRequest(Request):
    """A region."""

    region_id: Annotated[str, "The region."] = ""
    page_size: Annotated[int, "How many."] = 10


class DescribeResponse(Response):
    """Rows."""

    snapshots: Rows = msgspec.field(default_factory=lambda: Rows(snapshot=[]))
    total_count: int = 0


class ResetRequest(Request):
    """A disk and a snapshot."""

    disk_id: str
    snapshot_id: str
    dry_run: bool = False


class NothingRequest(Request):
    """Nothing."""


class DiskRequest(Request):
    """A disk."""

    disk_id: str


class AdvanceRequest(Request):
    """How far."""

    by: Annotated[str, "How far."]


class ClockResponse(Response):
    """A time."""

    now: str = "2022-03-11T02:33:00Z"
    mode: str = "frozen"
    offset_seconds: int = 0


@operation("CreateSnapshot", lock=True, changes=True)
def create(call: Any, request: CreateRequest) -> CreateResponse:
    """Never run."""
    raise AssertionError


@operation("DescribeSnapshots", lock=False, changes=False)
def describe(call: Any, request: DescribeRequest) -> DescribeResponse:
    """Never run."""
    raise AssertionError


@operation("ResetDisk", lock=True, changes=True)
def reset(call: Any, request: ResetRequest) -> CreateResponse:
    """Never run."""
    raise AssertionError


@operation("ShowClock", lock=False, changes=False)
def show_clock(call: Any, request: NothingRequest) -> ClockResponse:
    """Never run."""
    raise AssertionError


@operation("AdvanceClock", lock=True, changes=True)
def advance_clock(call: Any, request: AdvanceRequest) -> ClockResponse:
    """Never run."""
    raise AssertionError


@operation("ReadDisk", lock=False, changes=False)
def read_disk(call: Any, request: DiskRequest) -> ClockResponse:
    """Never run."""
    raise AssertionError


COMMANDS = {
    "ReadDisk": "disk read",
    "CreateSnapshot": "create-snapshot",
    "DescribeSnapshots": "describe-snapshots",
    "ResetDisk": "reset-disk",
    "ShowClock": "clock show",
    "AdvanceClock": "clock advance",
}


def operations() -> dict[str, Operation]:
    """Return the operations by action."""
    functions = (create, describe, reset, show_clock, advance_clock, read_disk)
    declared: list[Operation] = [function.__dict__["operation"] for function in functions]
    return {each.action: each for each in declared}
