"""A small reference model of the service's rules, naive on purpose; knows no implementation.

`why_not_…` returns the error codes that a request may be refused with: one for each condition that
fails, empty when it must succeed. The other methods carry a request out on the model. Everything
is worked out anew from full copies each time it is asked for. Disks, instances and images are in
`rules_model_disks`.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from rules_records import (
    DAY,
    HOUR,
    Disk,
    Group,
    Image,
    Instance,
    Lock,
    Policy,
    Snapshot,
    Tags,
    counted,
)

HOME, AWAY = "cn-hangzhou", "cn-beijing"
START = datetime(2022, 3, 11, 2, 33, tzinfo=UTC)

Codes = set[str]
Event = tuple[datetime, int, int, Callable[[], None]]


class Quotas:
    """The limits, lowered so that they are met."""

    manual, automatic, instant, local, tags, images, policies = 4, 3, 2, 2, 3, 3, 2


class Speed:
    """How long creation takes: so much at least, and so much more a block."""

    def __init__(self, least: float, a_block: float, local: float) -> None:
        self.least, self.a_block, self.local = least, a_block, local


INSTANT, SLOW = Speed(0, 0, 0), Speed(600, 64, 30)


class Rules:
    """The world as the rules have it, and what they say of snapshots."""

    def __init__(self, speed: Speed) -> None:
        self.now = self.ran = START  # and up to when the policies' hours are done
        self.speed = speed
        self.overdue: datetime | None = None
        self.instances: list[Instance] = []
        self.disks: list[Disk] = []  # released ones too
        self.snapshots: list[Snapshot] = []  # in the order of their making
        self.images: list[Image] = []
        self.policies: list[Policy] = []
        self.groups: list[Group] = []

    # What there is

    def chain(self, disk: Disk, region: str = HOME, *, copies: bool = False) -> list[Snapshot]:
        """The snapshots of a disk, or the copies of them in a region, oldest first."""
        return [
            each
            for each in self.snapshots
            if each.disk is disk and each.region == region and (each.source is not None) == copies
        ]

    def siblings(self, snapshot: Snapshot) -> list[Snapshot]:
        """The chain that a snapshot is in."""
        return self.chain(snapshot.disk, snapshot.region, copies=snapshot.source is not None)

    def in_creation(self, disk: Disk, *, but_instant: bool = True) -> bool:
        """Whether a snapshot of the disk is in creation; with `but_instant` one to be awaited."""
        return any(
            each.unusable(self.now) if but_instant else each.status(self.now) == "progressing"
            for each in self.chain(disk)
        )

    def living_disks(self) -> list[Disk]:
        return [disk for disk in self.disks if not disk.released]

    def disks_of(self, instance: Instance) -> list[Disk]:
        return [disk for disk in self.living_disks() if disk.instance is instance]

    def made_into_disks(self, snapshot: Snapshot) -> bool:
        return any(disk.source is snapshot for disk in self.living_disks())

    def held_by_image(self, snapshot: Snapshot) -> bool:
        """Whether an image needs it; one that failed needs nothing (DL-2)."""
        return any(
            disk.snapshot is snapshot
            for image in self.images
            if not image.failed
            for disk in image.disks
        )

    def off(self, now: datetime | None = None) -> bool:
        """Whether the service is off: a bill is unpaid for 24 hours (SZ-3)."""
        return self.overdue is not None and (now or self.now) >= self.overdue + DAY

    def _off(self) -> Codes:
        return {"InvalidAccountStatus.NotEnoughBalance"} if self.off() else set()

    # Time

    def pass_time(self, by: timedelta) -> None:
        """Let what falls due until then happen, in the order of the instants."""
        until = self.now + by
        self.ran = self.now
        while True:
            due = min(self._events(until), key=lambda event: event[:3], default=None)
            if due is None:
                break
            self.now = max(self.now, due[0])
            due[3]()
        self.now = until

    def _events(self, until: datetime) -> Iterator[Event]:
        """What is due: ends of retention, then policies' hours, then copies that policies want."""
        for number, each in enumerate(self.snapshots):
            end = each.release()
            if end is not None and end <= until and not self.held_by_image(each):
                yield end, 0, number, partial(self.remove, each)
            if each.copy_to and not each.failed:
                copies = self.chain(each.disk, each.copy_to, copies=True)
                free = max([each.ready, *(copy.ready for copy in copies)])
                if free <= until:
                    yield free, 2, number, partial(self._replicate, each)
        hour = self.ran.replace(minute=0, second=0) + HOUR
        while hour <= until and any(disk.policy for disk in self.living_disks()):
            running = [policy for policy in self.policies if policy.runs_at(hour)]
            if any(disk.policy in running for disk in self.living_disks()):
                yield hour, 1, 0, partial(self._run, running)
                return
            hour += HOUR

    def _run(self, running: list[Policy]) -> None:
        self.ran = self.now
        for disk in self.living_disks():
            if disk.policy in running:
                self._capture_automatically(disk)

    def _capture_automatically(self, disk: Disk) -> None:
        policy = disk.policy
        assert policy is not None
        if self.off() or disk.instance is None or self.in_creation(disk, but_instant=False):
            return  # PO-3, PO-4
        automatic = [each for each in self.chain(disk) if each.kind == "auto"]
        while len(automatic) >= Quotas.automatic:
            may_go = [
                each
                for each in automatic
                if not self.held_by_image(each) and not each.locked(self.now)
            ]
            if not may_go:
                return
            self.remove(may_go[0])
            automatic.remove(may_go[0])
        day = self.now + 8 * HOUR
        snapshot = self.captured("", disk, kind="auto")
        snapshot.name = f"auto2.0_{day:%Y%m%d}_{policy.policy_id}"
        snapshot.days, snapshot.tags = policy.days, dict(policy.tags)
        snapshot.copy_to, snapshot.copy_days = policy.copy_to, policy.copy_days

    def _replicate(self, snapshot: Snapshot) -> None:
        copy = self.copied("", snapshot, snapshot.copy_to, kind="auto")
        copy.name, copy.days = snapshot.name, snapshot.copy_days
        snapshot.copy_to = ""

    # Making and ending snapshots

    def captured(
        self, snapshot_id: str, disk: Disk, *, kind: str = "user", category: str = "standard"
    ) -> Snapshot:
        """A new snapshot of the disk as it is now (OV-1, CR-2, LS-3)."""
        snapshot = Snapshot(
            snapshot_id=snapshot_id,
            disk=disk,
            region=HOME,
            created=self.now,
            ready=self.now,
            content=dict(disk.content),
            size_gib=disk.size_gib,
            disk_type=disk.type,
            kind=kind,
            category=category,
        )
        self.snapshots.append(snapshot)
        seconds = self.speed.local
        if category != "flash":
            seconds = self.speed.least
            seconds += self.speed.a_block * counted(self.chain(disk))[snapshot]
        snapshot.ready += timedelta(seconds=seconds)
        return snapshot

    def copied(self, snapshot_id: str, source: Snapshot, region: str, *, kind: str) -> Snapshot:
        """A new copy of a snapshot in a region (CP-1, CP-4)."""
        copy = Snapshot(
            snapshot_id=snapshot_id,
            disk=source.disk,
            region=region,
            created=self.now,
            ready=self.now + timedelta(seconds=self.speed.least),
            content=dict(source.content),
            size_gib=source.size_gib,
            disk_type=source.disk_type,
            kind=kind,
            source=source,
        )
        self.snapshots.append(copy)
        return copy

    def remove(self, snapshot: Snapshot) -> None:
        """The snapshot goes; what it had been is still known to disks made from it."""
        self.snapshots.remove(snapshot)
        snapshot.deleted = True

    def fail(self, snapshot: Snapshot) -> None:
        """Creation fails, and with it that of the images that wait for it (CR-11)."""
        self.fail_images(snapshot)
        snapshot.failed = True

    def fail_images(self, snapshot: Snapshot) -> None:
        for image in self.images:
            if any(disk.snapshot is snapshot for disk in image.disks):
                image.failed = True

    # CreateSnapshot

    def why_not_create(
        self, disk: Disk | None, *, category: str, instant: bool, tags: Tags
    ) -> Codes:
        if disk is None or disk.released:
            return {"InvalidDiskId.NotFound"}
        codes = self._off()
        chain = self.chain(disk)
        if disk.local:
            codes.add("DiskCategory.OperationNotSupported")  # CR-9
        if not disk.ever_attached:
            codes.add("IncorrectDiskStatus.NeverAttached")  # CR-1
        if self.in_creation(disk):
            codes.add("IncorrectDiskStatus.CreatingSnapshot")  # CR-6, CR-7
        if sum(each.kind == "user" for each in chain) >= Quotas.manual:
            codes.add("QuotaExceed.Snapshot")  # CR-8
        if category == "flash":
            codes |= self._why_not_local(disk, chain)
        if instant:
            if category == "flash":
                codes.add("InvalidCategoryAndInstantAccess.Malformed")
            if not disk.essd:
                codes.add("DiskCategory.OperationNotSupported")  # IA-2
            if sum(each.instant(self.now) for each in chain) >= Quotas.instant:
                codes.add("QuotaExceed.Snapshot")
        return codes | self.why_not_tags(tags)

    def _why_not_local(self, disk: Disk, chain: list[Snapshot]) -> Codes:
        codes: Codes = set()
        if not disk.essd:
            codes.add("DiskCategory.OperationNotSupported")  # LS-1
        if disk.key:
            codes.add("DiskId.ValueNotSupported")
        if sum(each.category == "flash" for each in chain) >= Quotas.local:
            codes.add("QuotaExceed.Snapshot")  # LS-2
        return codes

    # ModifySnapshotAttribute

    def why_not_modify(self, snapshot: Snapshot, days: int, disable_instant: bool) -> Codes:
        codes = self._unknown(snapshot)
        if codes:
            return codes
        if days and not 0 < snapshot.days <= days:
            codes.add("InvalidOperation.DecreaseRetentionDaysUnsupported")
        if disable_instant and snapshot.instant(self.now) and self._creating(snapshot):
            codes.add("IncorrectDiskStatus.CreatingSnapshot")  # IA-5
        return codes

    def modify(self, snapshot: Snapshot, days: int, disable_instant: bool) -> None:
        snapshot.days = days or snapshot.days
        if disable_instant and snapshot.instant(self.now):
            snapshot.instant_off = self.now

    # ModifySnapshotCategory

    def why_not_archive(self, snapshot: Snapshot, days: int) -> Codes:
        codes = self._unknown(snapshot)
        if codes:
            return codes
        if snapshot.category == "archive":
            codes.add("InvalidStatus.SnapshotInArchive")
        if snapshot.category == "flash":
            codes.add("InvalidParameter.SnapshotCategory")
        if snapshot.failed:
            codes.add("InvalidSnapshotId.NotReady")
        if self._creating(snapshot):
            codes.add("InvalidStatus.SnapshotUnfinished")
        if snapshot.disk.key:
            codes.add("InvalidOperation.EncryptedSnapshotUnsupport")
        if snapshot.instant(self.now):
            codes.add("InvalidOperation.InstantAccessEnabledUnsupport")
        if self.now < snapshot.created + 14 * DAY:
            codes.add("InvalidStatus.SnapshotAgeLimit")
        if days:
            end = snapshot.created + days * DAY
            if days < snapshot.days:
                codes.add("InvalidOperation.DecreaseRetentionDaysUnsupported")
            if end <= self.now:
                codes.add("InvalidRetentionDays.Malformed")
            if snapshot.locked(self.now) and snapshot.lock and end < snapshot.lock.end:
                codes.add("InvalidRetentionDays.LessThanLockExpiredTime")
        return codes

    # Deleting

    def why_not_delete(self, snapshot: Snapshot, force: bool) -> Codes:
        codes = self._unknown(snapshot)
        if codes:
            return codes
        if snapshot.locked(self.now):
            codes.add("InvalidOperation.SnapshotIsLocked")
        if any(each.source is snapshot and self._creating(each) for each in self.snapshots):
            codes.add("InvalidOperation.RelatedSnapshotNotFinished")
        if self.held_by_image(snapshot):
            codes.add("SnapshotCreatedImage")  # DL-2
        if self.made_into_disks(snapshot) and not force:
            codes.add("SnapshotCreatedDisk")  # DL-3
        return codes

    def chosen_by_rules(
        self, disk: Disk | None, kind: str, keep_last: int, older_than: timedelta | None
    ) -> list[Snapshot]:
        """Which of the region's snapshots rules choose; those in creation are never chosen."""
        chosen = []
        for each in self.snapshots:
            if (
                each.region != HOME
                or (disk and each.disk is not disk)
                or kind not in ("", each.kind)
            ):
                continue
            newer = [
                other
                for other in self.siblings(each)
                if kind in ("", other.kind)
                and other.status(self.now) == "accomplished"
                and (other.created, self.snapshots.index(other))
                > (each.created, self.snapshots.index(each))
            ]
            old = older_than is None or self.now - each.created > older_than
            among_last = each.status(self.now) == "accomplished" and len(newer) < keep_last
            if old and not among_last and not self._creating(each):
                chosen.append(each)
        return chosen

    # CopySnapshot

    def why_not_copy(self, snapshot: Snapshot, region: str, tags: Tags) -> Codes:
        codes = self._unknown(snapshot) | self._off()
        if snapshot.deleted:
            return codes
        if snapshot.region == region:
            codes.add("InvalidOperation.NotSupportCopyInSameRegion")
        if snapshot.disk.key:
            codes.add("InvalidSnapshotId.EncryptedNotSupport")  # CP-5
        if snapshot.category == "flash":
            codes.add("InvalidSnapshotCategory.NotSupportCrossRegionCopy")  # LS-8
        if snapshot.category == "archive":
            codes.add("InvalidSnapshotCategory.NotSupportCopy")
        if snapshot.status(self.now) != "accomplished":
            codes.add("InvalidSnapshotId.NotReady")
        copies = self.chain(snapshot.disk, region, copies=True)
        for copy in copies:
            if self._creating(copy):
                same = copy.source is snapshot
                codes.add(
                    "InvalidOperation.UnfinishedCrossRegionCopy"
                    if same
                    else "InvalidOperation.DiskHasUnfinishedSnapshotCopy"
                )
        if sum(copy.kind == "user" for copy in copies) >= Quotas.manual:
            codes.add("QuotaExceed.SnapshotQuota")
        return codes | self.why_not_tags(tags)

    # Locks

    def why_not_lock(self, snapshot: Snapshot, days: int, cool_off_hours: int) -> Codes:
        codes = self._unknown(snapshot)
        if codes:
            return codes
        if snapshot.failed:
            codes.add("InvalidOperation.SnapshotNotAvailable")
        if cool_off_hours >= days * 24:
            codes.add("InvalidCoolOffPeriod.ExceedLockDuration")
        retention_end = snapshot.retention_end()
        lock_end = self.lock_for(snapshot, days, cool_off_hours).end
        if retention_end is not None and lock_end > retention_end:
            codes.add("InvalidLockDuration.ExceedRetentionDays")
        old = snapshot.lock
        for_good = old is not None and snapshot.lock_status(self.now) == "compliance"
        if old and for_good and (days <= old.days or cool_off_hours):
            codes.add("InvalidOperation.CoolOffPeriodExpired")
        return codes

    def lock_for(self, snapshot: Snapshot, days: int, cool_off_hours: int) -> Lock:
        """The lock that LockSnapshot sets; one in force goes on from where it began."""
        old = snapshot.lock
        if old is not None and snapshot.locked(self.now):
            return Lock(old.made, old.starts, days, cool_off_hours)
        return Lock(self.now, max(self.now, snapshot.ready), days, cool_off_hours)

    def why_not_unlock(self, snapshot: Snapshot) -> Codes:
        codes = self._unknown(snapshot)
        if codes:
            return codes
        if snapshot.lock is None:
            return {"InvalidSnapshotLock.NotFound"}
        if snapshot.lock_status(self.now) != "compliance-cooloff":
            return {"InvalidOperation.CoolOffPeriodExpired"}
        return set()

    # Tags

    def why_not_tags(self, tags: Tags) -> Codes:
        """Of a new resource (CR-10)."""
        return {"QuotaExceed.Tags"} if len(tags) > Quotas.tags else set()

    def why_not_tag(self, carried: Tags, tags: Tags) -> Codes:
        codes: Codes = set()
        if any(key != other and key.lower() == other.lower() for key in tags for other in carried):
            codes.add("TagKey.Duplication")
        if len(carried | tags) > Quotas.tags:
            codes.add("QuotaExceed.Tags")
        return codes

    # Policies

    def why_not_create_policy(self, tags: Tags) -> Codes:
        codes = self._off() | self.why_not_tags(tags)
        if len(self.policies) >= Quotas.policies:
            codes.add("AutoSnapshotPolicy.QuotaExceed")  # PO-2
        return codes

    def why_not_apply(self, disks: list[Disk]) -> Codes:
        codes = self._off()
        if any(disk.released for disk in disks):
            codes.add("InvalidDiskId.NotFound")
        local = [disk.local for disk in disks]
        if any(local):  # PO-3
            codes.add(
                "DiskCategory.OperationNotSupported"
                if all(local)
                else "PartofDiskCategory.OperationNotSupported"
            )
        return codes

    def _unknown(self, snapshot: Snapshot) -> Codes:
        return {"InvalidSnapshotId.NotFound"} if snapshot.deleted else set()

    def _creating(self, snapshot: Snapshot) -> bool:
        return snapshot.status(self.now) == "progressing"
