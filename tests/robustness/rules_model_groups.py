"""The reference model's rules of snapshot-consistent groups; see `rules_model`."""

from rules_model import Codes, Quotas
from rules_model_disks import DiskRules
from rules_records import Disk, Group, Snapshot, Tags

Pair = tuple[Disk, Snapshot]


class AllRules(DiskRules):
    """All the rules of the model."""

    def members(self, group: Group) -> list[Snapshot]:
        """The group's snapshots that are still there (GB-2)."""
        return [each for each in self.snapshots if each.group is group]

    def group_status(self, group: Group) -> str:
        found = {each.status(self.now) for each in self.members(group)}
        return next((each for each in ("failed", "progressing") if each in found), "accomplished")

    def why_not_group(self, disks: list[Disk], *, instant: bool, tags: Tags) -> Codes:
        """Why not all of the disks can be captured together, so that none is (GR-1, GR-4)."""
        codes = self._off() | self.why_not_tags(tags)
        if any(disk.released for disk in disks):
            codes.add("InvalidDiskId.NotFound")
        for disk in disks:
            chain = self.chain(disk)
            if not disk.essd:
                codes.add("DiskCategory.OperationNotSupported")
            if disk.instance is None:
                codes.add("IncorrectDiskStatus")
            if self.in_creation(disk):
                codes.add("IncorrectDiskStatus.CreatingSnapshot")
            manual = sum(each.kind == "user" for each in chain)
            fast = sum(each.instant(self.now) for each in chain)
            if manual >= Quotas.manual or (instant and fast >= Quotas.instant):
                codes.add("QuotaExceed.Snapshot")
        return codes

    def capture_group(self, group_id: str, disks: list[Disk], instant: int | None) -> Group:
        """A group of the disks' snapshots of this instant; instant access is for a day (GR-5)."""
        owners = {disk.instance.instance_id for disk in disks if disk.instance}
        group = Group(group_id, self.now, owners.pop() if len(owners) == 1 else "")
        self.groups.append(group)
        for disk in disks:
            member = self.captured("", disk)
            member.group = group
            member.instant_days = instant or (None if instant is None else 1)
        return group

    def delete_group(self, group: Group) -> dict[str, Codes]:
        """The group goes with its snapshots; why each that stays does (GR-6)."""
        outcomes = {}
        for each in self.members(group):
            codes = self.why_not_delete(each, force=True)
            outcomes[each.snapshot_id] = codes
            each.group = None
            if not codes:
                self.remove(each)
        self.groups.remove(group)
        return outcomes

    def why_not_roll_back_all(self, pairs: list[Pair]) -> Codes:
        """Why none is rolled back; a snapshot that is gone is its disk's own outcome (GB-2)."""
        codes = self._off()
        disks = [disk for disk, _ in pairs]
        if len(set(disks)) < len(disks):
            codes.add("Operation.Conflict")
        if all(snapshot.deleted for _, snapshot in pairs):
            codes.add("InvalidSnapshotId.NotFound")
        for disk, snapshot in pairs:
            found = self.why_not_roll_back(disk, snapshot, first=False, start=False)
            codes |= found - {"InvalidSnapshotId.NotFound"}
        return codes
