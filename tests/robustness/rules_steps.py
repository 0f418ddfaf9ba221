"""The steps of the rules' machine that are about snapshots and policies, time and bills."""

import json
from datetime import timedelta
from typing import Any

from rules_machine import (
    EITHER,
    PLACES,
    SELDOM,
    TAGS,
    WHICH,
    Machine,
    numbered,
    step,
)
from rules_model import AWAY, HOME
from rules_records import Disk, Policy, Snapshot, Tags

WAITS = {
    "1m": timedelta(minutes=1),
    "11m": timedelta(minutes=11),
    "3h": timedelta(hours=3),
    "1d": timedelta(days=1),
    "4d": timedelta(days=4),
    "15d": timedelta(days=15),
}
HOURS = ({3}, {0, 12}, {11, 12, 13})
WEEKDAYS = (set(range(1, 8)), {6}, {1, 5})
DAYS = (0, 0, 1, 3, 20)
GROUPS = tuple((first, first * 7 % 64, first * 13 % 64)[: 1 + first % 3] for first in WHICH)


class SnapshotSteps(Machine):
    """Making, changing, copying, locking and deleting snapshots; writing; time; bills."""

    @step(6, which=WHICH, place=PLACES, seed=range(4))
    def write(self, which: int, place: int, seed: int) -> None:
        self.write_block(self.any_disk(which), place, seed)

    @step(12, which=WHICH, place=PLACES, seed=range(1, 4))
    def write_and_capture(self, which: int, place: int, seed: int) -> None:
        disk = self.any_disk(which)
        self.write_block(disk, place, seed)
        self.capture(disk, {}, {}, "standard")

    @step(
        12,
        which=WHICH,
        category=["standard", "standard", "flash"],
        instant=[None, None, 0, 2],
        days=DAYS,
        tags=TAGS,
    )
    def create_snapshot(
        self, which: int, category: str, instant: int | None, days: int, tags: Tags
    ) -> None:
        asked: dict[str, Any] = {"Category": category}
        if days:
            asked["RetentionDays"] = days
        if instant is not None:
            asked["InstantAccess"] = True
            if instant:
                asked["InstantAccessRetentionDays"] = instant
        self.capture(self.any_disk(which), asked, tags, category)

    def capture(self, disk: Disk, asked: dict[str, Any], tags: Tags, category: str) -> None:
        instant = "InstantAccess" in asked
        codes = self.rules.why_not_create(disk, category=category, instant=instant, tags=tags)
        made = self.ask(codes, "CreateSnapshot", DiskId=disk.disk_id, **asked, **numbered(tags))
        if made:
            new = self.rules.captured(made["SnapshotId"], disk, category=category)
            new.days, new.tags = asked.get("RetentionDays", 0), dict(tags)
            if instant:
                new.instant_days = asked.get("InstantAccessRetentionDays", 0) or new.days
        self.end()

    @step(5, which=WHICH, days=DAYS, disable_instant=EITHER)
    def modify_snapshot(self, which: int, days: int, disable_instant: bool) -> None:
        snapshot = self.any_snapshot(which)
        if snapshot is None:
            return
        asked: dict[str, Any] = {"RetentionDays": days} if days else {}
        changed = self.ask(
            self.rules.why_not_modify(snapshot, days, disable_instant),
            "ModifySnapshotAttribute",
            SnapshotId=snapshot.snapshot_id,
            SnapshotName="changed",
            DisableInstantAccess=disable_instant,
            **asked,
        )
        if changed is not None:
            snapshot.name = "changed"
            self.rules.modify(snapshot, days, disable_instant)
        self.end()

    @step(2, which=WHICH, days=[0, 80])
    def archive(self, which: int, days: int) -> None:
        snapshot = self.any_snapshot(which)
        if snapshot is None:
            return
        asked = {"RetentionDays": days} if days else {}
        codes = self.rules.why_not_archive(snapshot, days)
        done = self.ask(codes, "ModifySnapshotCategory", SnapshotId=snapshot.snapshot_id, **asked)
        if done:
            snapshot.category, snapshot.days = "archive", days
        self.end()

    @step(7, which=WHICH, force=EITHER)
    def delete_snapshot(self, which: int, force: bool) -> None:
        snapshot = self.any_snapshot(which)
        if snapshot is None:
            return
        codes = self.rules.why_not_delete(snapshot, force)
        gone = self.ask(codes, "DeleteSnapshot", SnapshotId=snapshot.snapshot_id, Force=force)
        if gone is not None:
            self.note_gone(snapshot)
        self.end()

    @step(3, which=GROUPS, force=EITHER)
    def delete_several(self, which: tuple[int, ...], force: bool) -> None:
        """Each has its own outcome, judged by what there is before any goes (DL-4)."""
        found = [each for number in which if (each := self.any_snapshot(number))]
        chosen = list(dict.fromkeys(found))
        if chosen:
            asked = {f"SnapshotId__{n}": each.snapshot_id for n, each in enumerate(chosen, 1)}
            self.delete_all(chosen, self.ask(set(), "DeleteSnapshots", Force=force, **asked), force)

    @step(
        1,
        which=WHICH,
        of_disk=EITHER,
        kind=["", "", "auto", "user"],
        keep_last=[0, 1, 2],
        older_than=["", "3h", "4d"],
        force=EITHER,
    )
    def delete_by_rules(
        self, which: int, of_disk: bool, kind: str, keep_last: int, older_than: str, force: bool
    ) -> None:
        disk = self.any_disk(which) if of_disk else None
        if not (keep_last or older_than) or (disk and disk.released):
            return
        asked: dict[str, Any] = {"DiskId__1": disk.disk_id} if disk else {}
        given = {"SnapshotType": kind, "KeepLast": keep_last, "OlderThan": older_than}
        asked |= {name: value for name, value in given.items() if value}
        age = WAITS.get(older_than)
        chosen = self.rules.chosen_by_rules(disk, kind, keep_last, age)
        answer = self.ask(set(), "DeleteSnapshots", RegionId=HOME, Force=force, **asked)
        self.delete_all(chosen, answer, force)

    def delete_all(self, chosen: list[Snapshot], answer: Any, force: bool) -> None:
        codes = {each.snapshot_id: self.rules.why_not_delete(each, force) for each in chosen}
        outcomes = {row["SnapshotId"]: row for row in answer["Outcomes"] if row["Chosen"]}
        assert outcomes.keys() == codes.keys()
        for each in chosen:
            outcome, wanted = outcomes[each.snapshot_id], codes[each.snapshot_id]
            assert outcome["Deleted"] is not bool(wanted), (outcome, wanted)
            assert outcome["Code"] in (wanted or {""}), (outcome, wanted)
            if not wanted:
                self.note_gone(each)
        self.end()

    @step(8, which=WHICH, back=SELDOM, days=DAYS, tags=TAGS)
    def copy_snapshot(self, which: int, back: bool, days: int, tags: Tags) -> None:
        source = self.any_snapshot(which)
        if source is None:
            return
        region = HOME if back else AWAY
        asked: dict[str, Any] = {"RetentionDays": days} if days else {}
        made = self.ask(
            self.rules.why_not_copy(source, region, tags),
            "CopySnapshot",
            RegionId=source.region,
            SnapshotId=source.snapshot_id,
            DestinationRegionId=region,
            **asked,
            **numbered(tags),
        )
        if made:
            copy = self.rules.copied(made["SnapshotId"], source, region, kind="user")
            copy.days, copy.tags = days, dict(tags)
        self.end()

    @step(4, which=WHICH, days=[1, 3, 10], cool_off_hours=[0, 2, 24])
    def lock(self, which: int, days: int, cool_off_hours: int) -> None:
        snapshot = self.any_snapshot(which)
        if snapshot is None:
            return
        locked = self.ask(
            self.rules.why_not_lock(snapshot, days, cool_off_hours),
            "LockSnapshot",
            RegionId=snapshot.region,
            SnapshotId=snapshot.snapshot_id,
            LockMode="compliance",
            LockDuration=days,
            CoolOffPeriod=cool_off_hours,
        )
        if locked:
            snapshot.lock = self.rules.lock_for(snapshot, days, cool_off_hours)
        self.end()

    @step(2, which=WHICH)
    def unlock(self, which: int) -> None:
        snapshot = self.any_snapshot(which)
        if snapshot is None:
            return
        codes = self.rules.why_not_unlock(snapshot)
        ids = {"RegionId": snapshot.region, "SnapshotId": snapshot.snapshot_id}
        if self.ask(codes, "UnlockSnapshot", **ids) is not None:
            snapshot.lock = None
        self.end()

    @step(14, by=sorted(WAITS))
    def wait(self, by: str) -> None:
        self.ask(set(), "AdvanceClock", By=by)
        before = list(self.rules.snapshots)
        self.rules.pass_time(WAITS[by])
        self.gone += [each for each in before if each.deleted]
        self.end()

    @step(3, pay=EITHER)
    def owe_or_pay(self, pay: bool) -> None:
        self.ask(set(), "PayBills" if pay else "MarkOverdue")
        self.rules.overdue = None if pay else self.rules.overdue or self.rules.now
        self.end()

    @step(
        5,
        kind=["disk", "instance", "snapshot", "image", "snapshotpolicy", "snapshotgroup"],
        which=WHICH,
        tags=TAGS[3:],
        remove=EITHER,
    )
    def tag(self, kind: str, which: int, tags: Tags, remove: bool) -> None:
        carriers: list[tuple[str, Any]] = {
            "disk": [(each.disk_id, each) for each in self.rules.living_disks()],
            "instance": [(each.instance_id, each) for each in self.rules.instances],
            "snapshot": [(e.snapshot_id, e) for e in self.rules.snapshots if e.region == HOME],
            "image": [(e.image_id, e) for e in self.rules.images if e.region == HOME],
            "snapshotpolicy": [(each.policy_id, each) for each in self.rules.policies],
            "snapshotgroup": [(each.group_id, each) for each in self.rules.groups],
        }[kind]
        if not carriers:
            return
        resource_id, record = carriers[which % len(carriers)]
        asked = {"RegionId": HOME, "ResourceType": kind, "ResourceId__1": resource_id}
        if remove:
            keys = {f"TagKey__{number}": key for number, key in enumerate(tags, 1)}
            self.ask(set(), "UntagResources", **asked, **keys)
            record.tags = {key: held for key, held in record.tags.items() if key not in tags}
        else:
            codes = self.rules.why_not_tag(record.tags, tags)
            if self.ask(codes, "TagResources", **asked, **numbered(tags)) is not None:
                record.tags = record.tags | tags
        self.end()


class PolicySteps(SnapshotSteps):
    """Policies of automatic snapshots, and which disks have them."""

    @step(3, hours=HOURS, weekdays=WEEKDAYS, days=DAYS, copy=[None, 0, 2], tags=TAGS)
    def create_policy(
        self, hours: set[int], weekdays: set[int], days: int, copy: int | None, tags: Tags
    ) -> None:
        asked: dict[str, Any] = {}
        if copy is not None:
            asked = {"EnableCrossRegionCopy": True, "TargetCopyRegions": json.dumps([AWAY])}
            asked["CopiedSnapshotsRetentionDays"] = copy or -1
        made = self.ask(
            self.rules.why_not_create_policy(tags),
            "CreateAutoSnapshotPolicy",
            regionId=HOME,
            timePoints=texts(hours),
            repeatWeekdays=texts(weekdays),
            retentionDays=days or -1,
            **asked,
            **numbered(tags),
        )
        if made:
            policy = Policy(made["AutoSnapshotPolicyId"], hours, weekdays, days, tags=dict(tags))
            if copy is not None:
                policy.copy_to, policy.copy_days = AWAY, copy
            self.rules.policies.append(policy)
        self.end()

    def any_policy(self, which: int) -> Policy | None:
        policies = self.rules.policies
        return policies[which % len(policies)] if policies else None

    @step(2, which=WHICH, hours=HOURS, days=DAYS)
    def modify_policy(self, which: int, hours: set[int], days: int) -> None:
        policy = self.any_policy(which)
        if policy is None:
            return
        self.ask(
            set(),
            "ModifyAutoSnapshotPolicyEx",
            regionId=HOME,
            autoSnapshotPolicyId=policy.policy_id,
            timePoints=texts(hours),
            retentionDays=days or -1,
        )
        policy.hours, policy.days = hours, days
        self.end()

    @step(6, which=WHICH, disks=GROUPS)
    def apply_policy(self, which: int, disks: tuple[int, ...]) -> None:
        policy = self.any_policy(which)
        if policy is None:
            return
        chosen = [self.any_disk(number) for number in disks]
        applied = self.ask(
            self.rules.why_not_apply(chosen),
            "ApplyAutoSnapshotPolicy",
            regionId=HOME,
            autoSnapshotPolicyId=policy.policy_id,
            diskIds=json.dumps([disk.disk_id for disk in chosen]),
        )
        if applied is not None:
            for disk in chosen:
                disk.policy = policy
        self.end()

    @step(2, which=WHICH)
    def cancel_policy(self, which: int) -> None:
        disk = self.any_disk(which)
        codes = {"InvalidDiskId.NotFound"} if disk.released else set()
        asked = {"regionId": HOME, "diskIds": json.dumps([disk.disk_id])}
        if self.ask(codes, "CancelAutoSnapshotPolicy", **asked) is not None:
            disk.policy = None
        self.end()

    @step(1, which=WHICH)
    def delete_policy(self, which: int) -> None:
        policy = self.any_policy(which)
        if policy is None or which % 3:
            return
        asked = {"regionId": HOME, "autoSnapshotPolicyId": policy.policy_id}
        self.ask(set(), "DeleteAutoSnapshotPolicy", **asked)
        self.rules.policies.remove(policy)
        for disk in self.rules.disks:
            disk.policy = None if disk.policy is policy else disk.policy
        self.end()


def texts(numbers: set[int]) -> str:
    """A JSON list of texts, as policies are given hours and days."""
    return json.dumps([str(number) for number in sorted(numbers)])
