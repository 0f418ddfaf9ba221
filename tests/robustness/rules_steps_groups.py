"""The steps of the rules' machine that are about groups; with them it has all steps."""

from typing import Any

from rules_machine import TAGS, WHICH, numbered, step
from rules_model import HOME
from rules_records import ESSD, Disk, Group, Snapshot, Tags
from rules_steps import GROUPS
from rules_steps_images import ImageSteps

INSTANT = (None, None, 0, 2)


class RulesMachine(ImageSteps):
    """All steps."""

    @step(4, which=WHICH, instant=INSTANT, tags=TAGS)
    def capture_instance(self, which: int, instant: int | None, tags: Tags) -> None:
        """A group of all ESSDs of an instance."""
        instance = self.any_instance(which)
        if instance is None:
            return
        attached = self.rules.disks_of(instance)
        disks = [disk for disk in attached if disk.category == ESSD]
        asked = {"InstanceId": instance.instance_id}
        extra = set() if disks else {"InvalidInstance.NoDisk"}
        self.capture_group(disks, asked, instant, tags, extra)

    @step(4, disks=GROUPS, instant=INSTANT, tags=TAGS)
    def capture_disks(self, disks: tuple[int, ...], instant: int | None, tags: Tags) -> None:
        chosen = list(dict.fromkeys(self.any_disk(number) for number in disks))
        asked = {f"DiskId__{number}": disk.disk_id for number, disk in enumerate(chosen, 1)}
        self.capture_group(chosen, asked, instant, tags, set())

    def capture_group(
        self,
        disks: list[Disk],
        asked: dict[str, str],
        instant: int | None,
        tags: Tags,
        extra: set[str],
    ) -> None:
        fast: dict[str, Any] = {}
        if instant is not None:
            fast = {"InstantAccess": True}
            if instant:
                fast["InstantAccessRetentionDays"] = instant
        codes = self.rules.why_not_group(disks, instant=instant is not None, tags=tags) | extra
        asked = {"RegionId": HOME, "Name": "together"} | asked
        made = self.ask(codes, "CreateSnapshotGroup", **asked, **fast, **numbered(tags))
        if made:
            group = self.rules.capture_group(made["SnapshotGroupId"], disks, instant)
            group.tags = dict(tags)
            for member in self.rules.members(group):
                member.name, member.tags = "together", dict(tags)
        self.end()

    def any_group(self, which: int) -> Group | None:
        groups = self.rules.groups
        return groups[which % len(groups)] if groups else None

    @step(2, which=WHICH)
    def delete_group(self, which: int) -> None:
        group = self.any_group(which)
        if group is None:
            return
        members = self.rules.members(group)
        asked = {"RegionId": HOME, "SnapshotGroupId": group.group_id}
        answer = self.ask(set(), "DeleteSnapshotGroup", **asked)
        expected = self.rules.delete_group(group)
        found = {about["SnapshotId"]: code for about, code in outcomes(answer)}
        assert found.keys() == expected.keys()
        for snapshot_id, codes in expected.items():
            assert found[snapshot_id] in (codes or {""}), (found, expected)
        self.gone += [each for each in members if each.deleted]
        self.end()

    @step(8, which=WHICH, others=GROUPS)
    def roll_back_group(self, which: int, others: tuple[int, ...]) -> None:
        """The members of a group, those that are left; and seldom anything."""
        group = self.any_group(which)
        pairs: list[tuple[Disk, Snapshot]] = []
        if group is not None and which % 5:
            pairs = [(each.disk, each) for each in self.rules.members(group)]
        if not pairs or which % 7 == 0:
            for number in others:
                disk = self.any_disk(number)
                snapshot = self.own_snapshot(disk, number)
                pairs += [(disk, snapshot)] if snapshot else []
        if not pairs:
            return
        asked = {"RegionId": HOME}
        for number, (disk, snapshot) in enumerate(pairs, 1):
            asked[f"Disk__{number}__DiskId"] = disk.disk_id
            asked[f"Disk__{number}__SnapshotId"] = snapshot.snapshot_id
        answer = self.ask(self.rules.why_not_roll_back_all(pairs), "ResetDisks", **asked)
        if answer is not None:
            found = {about["DiskId"]: code for about, code in outcomes(answer)}
            for disk, snapshot in pairs:
                gone = snapshot.deleted
                assert found[disk.disk_id] == ("InvalidSnapshotId.NotFound" if gone else "")
                if not gone:
                    self.rules.roll_back(disk, snapshot, "", start=False)
                self.seen.compare_bytes(disk)
        self.end()


def outcomes(answer: Any) -> list[tuple[dict[str, str], str]]:
    """What each outcome is about, and its error code."""
    return [
        (
            {each["Name"]: each["Value"] for each in row["RelatedItemSet"]["RelatedItem"]},
            row["ErrorCode"],
        )
        for row in answer["OperationProgressSet"]["OperationProgress"]
    ]
