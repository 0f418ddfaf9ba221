"""The steps of the rules' machine that are about disks and instances."""

from robustness_service import LINUX_IMAGE
from rules_machine import (
    EITHER,
    MOST_DISKS,
    MOST_INSTANCES,
    SELDOM,
    TAGS,
    WHICH,
    ZONES,
    kind_of,
    step,
)
from rules_model import HOME
from rules_model_disks import SYSTEM
from rules_records import CATEGORIES, ESSD, Disk, Tags
from rules_steps import PolicySteps


class DiskSteps(PolicySteps):
    """Disks: made, attached, resized, rolled back, re-initialised, released."""

    @step(
        8,
        which=WHICH,
        empty=EITHER,
        zone=ZONES,
        category=[ESSD, ESSD, *CATEGORIES],
        size_gib=[0, 1, 2, 5],
        encrypted=SELDOM,
    )
    def create_disk(
        self, which: int, empty: bool, zone: str, category: str, size_gib: int, encrypted: bool
    ) -> None:
        source = None if empty else self.any_snapshot(which)
        if len(self.rules.living_disks()) >= MOST_DISKS or not (source or size_gib):
            return
        asked = {"Size": size_gib} if size_gib else {}
        if source is not None:
            asked["SnapshotId"] = source.snapshot_id
        if encrypted:
            asked |= {"Encrypted": True, "KMSKeyId": "key-1"}
        made = self.ask(
            self.rules.why_not_create_disk(
                zone=zone,
                category=category,
                size_gib=size_gib,
                encrypted=encrypted,
                source=source,
            ),
            "CreateDisk",
            RegionId=HOME,
            ZoneId=zone,
            **kind_of(category, "DiskCategory"),
            **asked,
        )
        if made:
            size_gib = max(size_gib, source.size_gib if source else 0)
            self.add(Disk(made["DiskId"], zone, category, size_gib, key=encrypted), source)
        self.end()

    @step(6, which=WHICH, to=WHICH, bootable=SELDOM)
    def attach(self, which: int, to: int, bootable: bool) -> None:
        disk, instance = self.any_disk(which), self.any_instance(to)
        if instance is None:
            return
        done = self.ask(
            self.rules.why_not_attach(disk, instance, bootable=bootable),
            "AttachDisk",
            DiskId=disk.disk_id,
            InstanceId=instance.instance_id,
            Bootable=bootable,
        )
        if done is not None:
            self.rules.attach(disk, instance, bootable=bootable)
        self.end()

    @step(4, which=WHICH, other=SELDOM)
    def detach(self, which: int, other: bool) -> None:
        disk = self.any_disk(which)
        instance = disk.instance if disk.instance and not other else self.any_instance(which)
        if instance is None:
            return
        codes = self.rules.why_not_detach(disk, instance)
        asked = {"DiskId": disk.disk_id, "InstanceId": instance.instance_id}
        if self.ask(codes, "DetachDisk", **asked) is not None:
            disk.instance, disk.device = None, ""
        self.end()

    @step(3, which=WHICH)
    def delete_disk(self, which: int) -> None:
        disk = self.any_disk(which)
        codes = self.rules.why_not_delete_disk(disk)
        if len(self.rules.living_disks()) > 2 or codes:
            if self.ask(codes, "DeleteDisk", DiskId=disk.disk_id) is not None:
                self.rules.release_disk(disk)
                self.gone_disks.append(disk)
            self.end()

    @step(3, which=WHICH, delete_auto=EITHER, with_instance=EITHER)
    def modify_disk(self, which: int, delete_auto: bool, with_instance: bool) -> None:
        disk = self.any_disk(which)
        done = self.ask(
            {"InvalidDiskId.NotFound"} if disk.released else set(),
            "ModifyDiskAttribute",
            DiskId=disk.disk_id,
            DeleteAutoSnapshot=delete_auto,
            DeleteWithInstance=with_instance,
        )
        if done is not None:
            disk.delete_auto, disk.goes_with_instance = delete_auto, with_instance
        self.end()

    @step(3, which=WHICH, size_gib=[1, 2, 5, 21, 70000])
    def resize(self, which: int, size_gib: int) -> None:
        disk = self.any_disk(which)
        codes = self.rules.why_not_resize(disk, size_gib)
        if self.ask(codes, "ResizeDisk", DiskId=disk.disk_id, NewSize=size_gib) is not None:
            disk.size_gib = size_gib
        self.end()

    @step(14, which=WHICH, to=WHICH, first=SELDOM, start=SELDOM)
    def roll_back(self, which: int, to: int, first: bool, start: bool) -> None:
        disk = self.any_disk(which)
        snapshot = self.own_snapshot(disk, to)
        if snapshot is None:
            return
        done = self.ask(
            self.rules.why_not_roll_back(disk, snapshot, first=first, start=start),
            "ResetDisk",
            DiskId=disk.disk_id,
            SnapshotId=snapshot.snapshot_id,
            SnapshotFirst=first,
            StartInstance=start,
        )
        if done is not None:
            self.rules.roll_back(disk, snapshot, done.get("SnapshotId", ""), start=start)
            self.seen.compare_bytes(disk)
        self.end()

    @step(9, which=WHICH)
    def re_initialise(self, which: int) -> None:
        disk = self.any_disk(which)
        codes = self.rules.why_not_reinit(disk)
        if self.ask(codes, "ReInitDisk", DiskId=disk.disk_id) is not None:
            self.rules.reinit(disk)
            self.seen.compare_bytes(disk)
        self.end()

    @step(6, which=WHICH, to=WHICH)
    def re_initialise_and_go_back(self, which: int, to: int) -> None:
        """A rollback after a re-initialisation, which local snapshots are no way back from."""
        self.re_initialise(which)
        self.roll_back(which, to, first=False, start=False)


class InstanceSteps(DiskSteps):
    """Instances: started, stopped, made, released, given another system disk."""

    @step(8, which=WHICH, action=["Start", "Stop", "Stop", "Reboot"])
    def power(self, which: int, action: str) -> None:
        instance = self.any_instance(which)
        if instance is None:
            return
        codes = self.rules.why_not_power(instance, running=action != "Start")
        done = self.ask(codes, f"{action}Instance", InstanceId=instance.instance_id)
        if done is not None:
            self.rules.power(instance, running=action != "Stop")
        self.end()

    @step(3, which=WHICH, zone=ZONES, tags=TAGS)
    def run(self, which: int, zone: str, tags: Tags) -> None:
        image = self.any_image(which)
        room = len(self.rules.living_disks()) + 3 <= MOST_DISKS
        if len(self.rules.instances) < MOST_INSTANCES and room and len(tags) <= 3:
            self.run_instance(image, zone, tags)
            self.end()

    @step(1, which=WHICH, force=EITHER)
    def release_instance(self, which: int, force: bool) -> None:
        instance = self.any_instance(which)
        if instance is None or which % 2:
            return
        codes = {"IncorrectInstanceStatus"} if instance.running and not force else set()
        asked = {"InstanceId": instance.instance_id, "Force": force}
        if self.ask(codes, "DeleteInstance", **asked) is not None:
            disks = self.rules.disks_of(instance)
            self.rules.release_instance(instance)
            self.gone_disks += [disk for disk in disks if disk.released]
            if not self.rules.living_disks():
                self.disk(ESSD, 1)
        self.end()

    @step(2, which=WHICH, of=WHICH)
    def replace_system_disk(self, which: int, of: int) -> None:
        instance, image = self.any_instance(which), self.any_image(of)
        if instance is None:
            return
        made = self.ask(
            self.rules.why_not_replace(instance, image),
            "ReplaceSystemDisk",
            InstanceId=instance.instance_id,
            ImageId=image.image_id if image else LINUX_IMAGE,
        )
        if made:
            old = self.rules.system_disk(instance)
            assert old is not None
            self.rules.release_disk(old)
            self.gone_disks.append(old)
            size_gib = max(40, image.disks[0].size_gib if image else 20)
            new = Disk(made["DiskId"], old.zone, old.category, size_gib, "system")
            new.instance, new.origin, new.ever_attached = instance, instance, True
            new.device = SYSTEM
            new.goes_with_instance, new.delete_auto = True, old.delete_auto
            new.tags, new.image = dict(old.tags), image
            instance.image_id = image.image_id if image else LINUX_IMAGE
            self.add(new, image.disks[0].snapshot if image else None)
        self.end()
