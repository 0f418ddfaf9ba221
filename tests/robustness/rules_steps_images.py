"""The steps of the rules' machine that are about custom images."""

from robustness_service import data_blocks
from rules_machine import EITHER, PARTNER, TAGS, WHICH, kind_of, numbered, step
from rules_model import AWAY, HOME
from rules_records import ESSD, Image, ImageDisk, Tags
from rules_steps_disks import InstanceSteps


class ImageSteps(InstanceSteps):
    """Images: made from snapshots and instances, taken out of use, deleted."""

    @step(
        6, which=WHICH, others=[(), *((which,) for which in WHICH)], number=range(1, 5), tags=TAGS
    )
    def create_image(self, which: int, others: tuple[int, ...], number: int, tags: Tags) -> None:
        """From snapshots: mostly one of a system disk, and perhaps one more."""
        of_systems = [each for each in self.rules.snapshots if each.disk_type == "system"]
        system = self.any_snapshot(which)
        if of_systems and which % 5:
            system = of_systems[which % len(of_systems)]
        if system is None:
            return
        data = [each for number in others if (each := self.any_snapshot(number))]
        data = [each for each in data if each.disk_type == "data"]
        asked = {"SnapshotId": system.snapshot_id}
        if data:
            asked = {
                f"DiskDeviceMapping__{n}__SnapshotId": each.snapshot_id
                for n, each in enumerate([system, *data], 1)
            }
        name = f"image-{number}"
        codes = self.rules.why_not_image(name, system, data, tags)
        if data and system.disk_type == "data":
            codes.add("InvalidSystemSnapshot.Missing")
        asked |= {"RegionId": HOME, "ImageName": name}
        made = self.ask(codes, "CreateImage", **asked, **numbered(tags))
        if made:
            disks = [ImageDisk(each.disk_type, each.size_gib, each) for each in [system, *data]]
            image = Image(made["ImageId"], name, self.rules.now, disks, tags=dict(tags))
            self.rules.new_image(image)
        self.end()

    @step(3, which=WHICH, number=range(1, 5), tags=TAGS)
    def create_image_of_instance(self, which: int, number: int, tags: Tags) -> None:
        instance = self.any_instance(which)
        if instance is None:
            return
        name = f"image-{number}"
        made = self.ask(
            self.rules.why_not_image_of(name, instance, tags),
            "CreateImage",
            RegionId=HOME,
            InstanceId=instance.instance_id,
            ImageName=name,
            **numbered(tags),
        )
        if made:
            self.rules.capture_for_image(made["ImageId"], name, instance).tags = dict(tags)
        self.end()

    @step(2, which=WHICH, deprecated=EITHER)
    def deprecate_image(self, which: int, deprecated: bool) -> None:
        image = self.any_image(which)
        if image is None:
            return
        status = "Deprecated" if deprecated else "Available"
        asked = {"RegionId": image.region, "ImageId": image.image_id, "Status": status}
        self.ask(set(), "ModifyImageAttribute", **asked)
        image.deprecated = deprecated
        self.end()

    @step(3, which=WHICH, force=EITHER)
    def delete_image(self, which: int, force: bool) -> None:
        image = self.any_image(which)
        if image is None:
            return
        codes = self.rules.why_not_delete_image(image, force=force)
        asked = {"RegionId": image.region, "ImageId": image.image_id, "Force": force}
        if self.ask(codes, "DeleteImage", **asked) is not None:
            self.rules.delete_image(image)
        self.end()

    @step(4, which=WHICH, number=range(1, 5), tags=TAGS)
    def copy_image(self, which: int, number: int, tags: Tags) -> None:
        image = self.any_image(which)
        if image is None:
            return
        name, region = f"image-{number}", AWAY if image.region == HOME else HOME
        made = self.ask(
            self.rules.why_not_copy_image(image, name, region, tags),
            "CopyImage",
            RegionId=image.region,
            ImageId=image.image_id,
            DestinationRegionId=region,
            DestinationImageName=name,
            **numbered(tags),
        )
        if made:
            self.rules.copy_image(made["ImageId"], image, name, region).tags = dict(tags)
        self.end()

    @step(3, which=WHICH)
    def cancel_copy(self, which: int) -> None:
        image = self.any_image(which)
        if image is None:
            return
        codes = self.rules.why_not_cancel(image)
        asked = {"RegionId": image.region, "ImageId": image.image_id}
        if self.ask(codes, "CancelCopyImage", **asked) is not None:
            before = [disk.snapshot for disk in image.disks if disk.snapshot]
            self.rules.cancel_copy(image)
            self.gone += [each for each in before if each.deleted]
        self.end()

    @step(3, which=WHICH, shared=(False, True, True))
    def share_image(self, which: int, shared: bool) -> None:
        image = self.any_image(which)
        if image is None:
            return
        codes = {"OperationDeined.EncryptedSnapshot"} if shared and image.encrypted else set()
        asked = {"RegionId": image.region, "ImageId": image.image_id}
        asked["AddAccount__1" if shared else "RemoveAccount__1"] = PARTNER
        if self.ask(codes, "ModifyImageSharePermission", **asked) is not None:
            image.shared = shared
        self.end()

    @step(3, which=WHICH)
    def let_partner_use(self, which: int) -> None:
        """Another account makes an instance of the image, when it may, and releases it again."""
        image = self.any_image(which)
        if image is None:
            return
        codes = self.rules.why_not_run(image)
        if not image.shared:
            codes = {"InvalidImageId.NotFound"}
        asked: dict[str, object] = {"RegionId": HOME, "ImageId": image.image_id}
        asked |= {f"SystemDisk__{name}": value for name, value in kind_of(ESSD).items()}
        asked |= {"InstanceType": "ecs.g7.large", "SystemDisk__Size": image.disks[0].size_gib}
        own, self.service = self.service, self.service.as_account("partner")
        try:
            made = self.ask(codes, "RunInstances", **asked)
            if made:
                [instance_id] = made["InstanceIdSets"]["InstanceIdSet"]
                found = self.service("DescribeDisks", RegionId=HOME, InstanceId=instance_id)
                rows = sorted(found["Disks"]["Disk"], key=lambda row: row["Device"])
                for row, disk in zip(rows, image.disks, strict=True):
                    path = own.root / "accounts" / PARTNER / "disks" / HOME
                    held = disk.snapshot.content if disk.snapshot else {}
                    assert dict(data_blocks(path / f"{row['DiskId']}.raw")) == held
                self.service("DeleteInstance", InstanceId=instance_id, Force=True)
        finally:
            self.service = own
        self.end()
