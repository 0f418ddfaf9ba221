"""The reference model's things: instances, disks, snapshots, images, policies, as plain objects.

A snapshot is a full copy of its disk's blocks. What a thing is at an instant is asked of it here;
who may do what is in `rules_model`. Knows nothing of the implementation.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

Content = dict[int, bytes]  # block number -> bytes; what is left out is zeros
Tags = dict[str, str]

ESSD = "cloud_essd"
# Category -> performance level, least size in GiB, whether it is an instance's local disk.
CATEGORIES = {
    ESSD: ("PL0", 1, False),
    "cloud_auto": ("", 1, False),
    "cloud_efficiency": ("", 20, False),
    "ephemeral_ssd": ("", 5, True),
}


@dataclass(eq=False)
class Instance:
    """An instance; its disks name it."""

    instance_id: str
    zone: str
    image_id: str
    running: bool = True
    tags: Tags = field(default_factory=dict)


@dataclass(eq=False)
class Policy:
    """An automatic snapshot policy; its disks name it."""

    policy_id: str
    hours: set[int]
    weekdays: set[int]
    days: int  # its snapshots' retention; 0: always
    copy_to: str = ""
    copy_days: int = 0
    tags: Tags = field(default_factory=dict)

    def runs_at(self, instant: datetime) -> bool:
        """Say whether this full hour is one of its own, in UTC+8 (PO-1)."""
        there = instant + 8 * HOUR
        return there.hour in self.hours and there.isoweekday() in self.weekdays


@dataclass(eq=False)
class Disk:
    """A disk; a released one stays, for its snapshots."""

    disk_id: str
    zone: str
    category: str
    size_gib: int
    type: str = "data"
    content: Content = field(default_factory=dict)
    empty: Content = field(default_factory=dict)  # what re-initialising makes of it
    source: "Snapshot | None" = None
    image: "Image | None" = None
    key: bool = False  # encrypted
    instance: Instance | None = None
    device: str = ""
    origin: Instance | None = None  # of a system disk
    ever_attached: bool = False
    goes_with_instance: bool = False
    delete_auto: bool = True
    policy: Policy | None = None
    released: bool = False
    tags: Tags = field(default_factory=dict)

    @property
    def essd(self) -> bool:
        return self.category == ESSD

    @property
    def local(self) -> bool:
        return CATEGORIES[self.category][2]


@dataclass
class Lock:
    """A lock: its days count from `starts`, its cool-off hours from `made`."""

    made: datetime
    starts: datetime
    days: int
    cool_off_hours: int

    @property
    def end(self) -> datetime:
        return self.starts + self.days * DAY

    @property
    def cool_off_end(self) -> datetime:
        return self.made + self.cool_off_hours * HOUR


@dataclass(eq=False)
class Snapshot:
    """A snapshot: a full copy. Its id is "" until the service has told it."""

    snapshot_id: str
    disk: Disk
    region: str
    created: datetime
    ready: datetime
    content: Content
    size_gib: int
    disk_type: str
    kind: str = "user"
    category: str = "standard"
    name: str = ""
    days: int = 0  # retention; 0: kept
    tags: Tags = field(default_factory=dict)
    instant_days: int | None = None  # None: never had it; 0: as long as it is kept
    instant_off: datetime | None = None
    failed: bool = False
    lock: Lock | None = None
    no_way_back: bool = False  # a local one of a disk that was re-initialised since
    source: "Snapshot | None" = None  # of a copy
    group: "Group | None" = None
    overdue: datetime | None = None  # its disk would have taken it along, but for an image
    copy_to: str = ""  # where a policy wants it copied
    copy_days: int = 0
    deleted: bool = False

    def status(self, now: datetime) -> str:
        if self.failed:
            return "failed"
        return "progressing" if now < self.ready else "accomplished"

    def instant(self, now: datetime) -> bool:
        """Say whether instant access is on (IA-4, IA-5)."""
        if self.instant_days is None or self.failed:
            return False
        by_time = self.instant_days and now >= self.created + self.instant_days * DAY
        by_hand = self.instant_off is not None and now >= self.instant_off
        return not by_time and not by_hand

    def unusable(self, now: datetime) -> bool:
        """Say whether it is in creation without instant access (IA-1)."""
        return self.status(now) == "progressing" and not self.instant(now)

    def locked(self, now: datetime) -> bool:
        return self.lock is not None and not self.failed and now < self.lock.end

    def lock_status(self, now: datetime) -> str:
        assert self.lock is not None
        if not self.locked(now):
            return "expired"
        return "compliance-cooloff" if now < self.lock.cool_off_end else "compliance"

    def retention_end(self) -> datetime | None:
        if self.overdue is not None:
            return self.overdue
        return self.created + self.days * DAY if self.days else None

    def release(self) -> datetime | None:
        """When the service deletes it: its retention's end, or its lock's when that is later."""
        end = self.retention_end()
        if end is not None and self.lock is not None and not self.failed:
            end = max(end, self.lock.end)
        return end


@dataclass(eq=False)
class Group:
    """A snapshot-consistent group; its snapshots name it."""

    group_id: str
    created: datetime
    instance_id: str  # "" for disks of several instances
    tags: Tags = field(default_factory=dict)


@dataclass(eq=False)
class ImageDisk:
    """A disk of an image: empty, or a snapshot's bytes."""

    type: str
    size_gib: int
    snapshot: Snapshot | None
    device: str = ""


@dataclass(eq=False)
class Image:
    """A custom image, the system disk first."""

    image_id: str
    name: str
    ready: datetime
    disks: list[ImageDisk]
    failed: bool = False
    region: str = "cn-hangzhou"
    source: "Image | None" = None  # of a copy
    shared: bool = False
    deprecated: bool = False
    deleted: bool = False
    tags: Tags = field(default_factory=dict)

    @property
    def encrypted(self) -> bool:
        return any(disk.snapshot and disk.snapshot.disk.key for disk in self.disks)

    def status(self, now: datetime) -> str:
        if self.failed:
            return "CreateFailed"
        if now < self.ready:
            return "Creating"
        return "Deprecated" if self.deprecated else "Available"


def counted(chain: list[Snapshot]) -> dict[Snapshot, int]:
    """The blocks of a chain, each counted on the earliest snapshot that holds it (IN-4)."""
    found: dict[Snapshot, int] = {}
    before: Content = {}
    for snapshot in chain:
        if snapshot.failed:
            found[snapshot] = 0
            continue
        held = snapshot.content.items()
        found[snapshot] = sum(before.get(block) != data for block, data in held)
        before = snapshot.content
    return found
