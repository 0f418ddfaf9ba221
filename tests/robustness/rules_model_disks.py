"""The reference model's rules of disks, instances and images; see `rules_model`."""

from rules_model import HOME, Codes, Quotas, Rules
from rules_records import CATEGORIES, Disk, Image, ImageDisk, Instance, Snapshot, Tags

SYSTEM = "/dev/xvda"
LARGEST_GIB = 65536  # of any category


class DiskRules(Rules):
    """The rules of snapshots, and those of disks, instances and images."""

    # Making disks

    def why_not_create_disk(
        self,
        *,
        zone: str,
        category: str,
        size_gib: int,
        encrypted: bool,
        source: Snapshot | None,
    ) -> Codes:
        codes: Codes = set()
        _, least_gib, local = CATEGORIES[category]
        if encrypted and local:
            codes.add("InvalidParameter.EncryptedNotSupported")
        if source is not None:
            codes |= self._why_not_from(source, HOME)
            if source.deleted or source.region != HOME:
                return codes
            if source.category == "flash":  # LS-6, LS-7, LS-8
                if source.disk.zone != zone:
                    codes.add("OperationDenied.SnapshotNotAllowed")
                if category != "cloud_essd":
                    codes.add("InvalidDiskCategory.ConflictSnapshotCategory")
                if size_gib not in (0, source.size_gib):
                    codes.add("InvalidDiskSize.NotSupported")
            if encrypted and not source.disk.key:
                codes.add("InvalidEncrypted.NotMatchSnapshot")  # OV-5
            if source.disk.key and local:
                codes.add("NotSupportSnapshotEncrypted.DiskCategory")
            size_gib = max(size_gib, source.size_gib)
        if not least_gib <= size_gib <= LARGEST_GIB:
            codes.add("InvalidSize.ValueNotSupported")
        return codes

    def _why_not_from(self, source: Snapshot, region: str) -> Codes:
        """Why a disk can't be made from a snapshot (OV-3, IA-1)."""
        codes = self._off()
        if source.deleted or source.region != region:
            return codes | {"InvalidSnapshotId.NotFound"}
        if source.failed:
            codes.add("OperationDenied")
        if source.category == "archive":
            codes.add("OperationDenied.SnapshotNotAllowed")
        if source.unusable(self.now):
            codes.add("InvalidSnapshotId.NotReady")
        return codes

    # Attaching

    def why_not_attach(self, disk: Disk, instance: Instance, *, bootable: bool) -> Codes:
        codes: Codes = set()
        if disk.released:
            return {"InvalidDiskId.NotFound"}
        if disk.instance is not None:
            codes.add("InvalidDisk.InUse")
        if disk.zone != instance.zone:
            codes.add("ResourcesNotInSameZone")
        if bootable:
            if disk.origin is None:
                codes.add("InvalidDisk.DiskNotBootable")
            elif disk.origin is not instance:
                codes.add("InvalidInstance.NotOriginInstance")
            if self.system_disk(instance):
                codes.add("InvalidDevice.InUse")
        return codes

    def attach(self, disk: Disk, instance: Instance, *, bootable: bool = False) -> None:
        taken = {other.device for other in self.disks_of(instance)}
        free = [f"/dev/xvd{letter}" for letter in "bcdefghijklmnopqrstuvwxyz"]
        disk.device = SYSTEM if bootable else next(each for each in free if each not in taken)
        disk.instance, disk.ever_attached = instance, True
        disk.type = "system" if bootable else "data"
        disk.goes_with_instance = False

    def why_not_detach(self, disk: Disk, instance: Instance) -> Codes:
        if disk.released:
            return {"InvalidDiskId.NotFound"}
        if disk.instance is None:
            return {"InvalidDisk.AlreadyDetached"}
        if disk.instance is not instance:
            return {"DependencyViolation"}
        if disk.type == "system" and instance.running:
            return {"IncorrectInstanceStatus"}
        return set()

    def system_disk(self, instance: Instance) -> Disk | None:
        return next((disk for disk in self.disks_of(instance) if disk.type == "system"), None)

    # Releasing

    def why_not_delete_disk(self, disk: Disk) -> Codes:
        if disk.released:
            return {"InvalidDiskId.NotFound"}
        codes: Codes = set()
        if disk.instance is not None:
            codes.add("IncorrectDiskStatus")
        if self.in_creation(disk, but_instant=False):
            codes.add("DiskCreatingSnapshot")
        return codes

    def release_disk(self, disk: Disk) -> None:
        """Manual snapshots stay; those in creation go, and automatic ones if it says so.

        What stays loses instant access (IA-5). A locked one stays (CR-12, DL-5, PO-7).
        """
        for each in self.chain(disk):
            creating = each.status(self.now) == "progressing"
            automatic = each.kind == "auto" and disk.delete_auto
            if (creating or automatic) and not each.locked(self.now):
                if creating:
                    self.fail_images(each)
                if not self.held_by_image(each):
                    self.remove(each)
                    continue
                each.overdue = self.now
            if each.instant(self.now):
                each.instant_off = self.now
        disk.released, disk.instance, disk.device, disk.policy = True, None, "", None

    # What disks hold

    def why_not_resize(self, disk: Disk, size_gib: int) -> Codes:
        if disk.released:
            return {"InvalidDiskId.NotFound"}
        codes: Codes = set()
        if self.in_creation(disk):
            codes.add("DiskCreatingSnapshot")
        if size_gib <= disk.size_gib:
            codes.add("InvalidDiskSize.TooSmall")
        if size_gib > LARGEST_GIB:
            codes.add("InvalidDiskSize.TooLarge")
        return codes

    def _why_not_rewrite(self, disk: Disk) -> Codes:
        """It must be attached to a stopped instance (RB-3)."""
        if disk.instance is None:
            return {"IncorrectDiskStatus"}
        return {"IncorrectInstanceStatus"} if disk.instance.running else set()

    def why_not_reinit(self, disk: Disk) -> Codes:
        if disk.released:
            return {"InvalidDiskId.NotFound"}
        codes = self._why_not_rewrite(disk)
        if any(each.instant(self.now) for each in self.chain(disk)):
            codes.add("DiskHasSnapshotsWithInstantAccessEnabled.OperationNotSupported")  # IA-3
        if self.in_creation(disk, but_instant=False):
            codes.add("DiskCreatingSnapshot")
        if disk.source is not None:
            if disk.source.deleted or disk.source.category == "archive":
                codes.add("OperationDenied")  # DL-3
            if disk.type == "system" and disk.image is not None and disk.image.deleted:
                codes.add("InvalidImageId.NotFound")
        return codes

    def reinit(self, disk: Disk) -> None:
        disk.content = dict(disk.source.content if disk.source else disk.empty)
        for each in self.chain(disk):
            if each.category == "flash":
                each.no_way_back = True  # LS-4

    def why_not_roll_back(
        self, disk: Disk, snapshot: Snapshot, *, first: bool, start: bool
    ) -> Codes:
        codes = self._off()
        if disk.released:
            codes.add("InvalidDiskId.NotFound")
        if snapshot.deleted:
            codes.add("InvalidSnapshotId.NotFound")
        if codes & {"InvalidDiskId.NotFound", "InvalidSnapshotId.NotFound"}:
            return codes
        if snapshot.disk is not disk or snapshot.source is not None:
            codes.add("InvalidParameter.Mismatch")  # RB-1, CP-2
        codes |= self._why_not_rewrite(disk)
        if snapshot.failed or snapshot.category == "archive" or snapshot.no_way_back:
            codes.add("OperationDenied")
        if snapshot.unusable(self.now):
            codes.add("InvalidSnapshotId.NotReady")
        if self.in_creation(disk):
            codes.add("IncorrectDiskStatus.HasUnfinishedSnapshot")
        manual = sum(each.kind == "user" for each in self.chain(disk))
        if first and manual >= Quotas.manual:
            codes.add("QuotaExceed.Snapshot")
        if start and disk.instance is not None:
            if any(self.in_creation(each) for each in self.disks_of(disk.instance)):
                codes.add("IncorrectDiskStatus.HasUnfinishedSnapshot")
            if self.system_disk(disk.instance) is None:
                codes.add("InvalidInstance.NotFoundSystemDisk")
        return codes

    def roll_back(self, disk: Disk, snapshot: Snapshot, first_id: str, *, start: bool) -> None:
        """The disk is what it was at the snapshot, its size too (RB-2, RB-5, RB-6)."""
        if first_id:
            first = self.captured(first_id, disk)
            first.ready = first.created
        disk.content, disk.size_gib = dict(snapshot.content), snapshot.size_gib
        if start:
            assert disk.instance is not None
            disk.instance.running = True

    # Instances

    def why_not_power(self, instance: Instance, *, running: bool) -> Codes:
        """Why it can't be stopped or restarted (`running`), or started."""
        codes: Codes = set()
        if instance.running is not running:
            codes.add("IncorrectInstanceStatus")
        if not running and self.system_disk(instance) is None:
            codes.add("InvalidInstance.NotFoundSystemDisk")
        return codes

    def power(self, instance: Instance, *, running: bool) -> None:
        """Snapshots in creation fail, those with instant access aside (CR-11, IA-1)."""
        for disk in self.disks_of(instance):
            for each in self.chain(disk):
                if each.unusable(self.now):
                    self.fail(each)
        instance.running = running

    def release_instance(self, instance: Instance) -> None:
        for disk in self.disks_of(instance):
            if disk.goes_with_instance:
                self.release_disk(disk)
            else:
                disk.instance, disk.device = None, ""
        self.instances.remove(instance)

    def why_not_replace(self, instance: Instance, image: Image | None) -> Codes:
        codes: Codes = set()
        if image is not None:
            if image.deleted or image.region != HOME:
                codes.add("InvalidImageId.NotFound")
            elif image.status(self.now) != "Available":
                codes.add("OperationDenied.ImageNotValid")
            if len(image.disks) > 1:
                codes.add("OperationDenied")
        if instance.running:
            codes.add("IncorrectInstanceStatus")
        old = self.system_disk(instance)
        if old is None:
            codes.add("InvalidInstance.NotFoundSystemDisk")
        elif self.in_creation(old, but_instant=False):
            codes.add("DiskCreatingSnapshot")
        return codes

    def why_not_run(self, image: Image | None) -> Codes:
        if image is None:
            return set()
        if image.deleted or image.region != HOME:
            return {"InvalidImageId.NotFound"}
        return set() if image.status(self.now) == "Available" else {"IncorrectImageStatus"}

    # Images

    def why_not_image(
        self, name: str, system: Snapshot, others: list[Snapshot], tags: Tags
    ) -> Codes:
        """Why none can be made of a system disk's snapshot and others (IM-1)."""
        codes = self._why_no_image(name, tags)
        found = [system, *others]
        if any(each.deleted or each.region != HOME for each in found):
            return codes | {"InvalidSnapshotId.NotFound"} | self._of_snapshots(found)
        if system.disk_type != "system":
            codes |= {"OperationDenied", "UserNotInTheWhiteList"}
        return codes | self._of_snapshots(found)

    def _of_snapshots(self, found: list[Snapshot]) -> Codes:
        codes: Codes = set()
        for each in found:
            if each.category == "flash":
                codes.add("OperationDenied.InvalidSnapshotCategory")  # LS-7
            if each.category == "archive":
                codes.add("InvalidSnapshotCategory.NotSupportImageCreation")
            if each.failed:
                codes.add("OperationDenied")
            if each.status(self.now) == "progressing":
                codes.add("InvalidSnapshotId.NotReady")  # IM-9
        return codes

    def why_not_image_of(self, name: str, instance: Instance, tags: Tags) -> Codes:
        """Why none can be made of an instance's disks (IM-7)."""
        codes = self._why_no_image(name, tags)
        if self.system_disk(instance) is None:
            codes.add("InvalidInstance.NotFoundSystemDisk")
        for disk in self.disks_of(instance):
            if disk.local:
                codes.add("InvalidDiskCategory.CreateImage")
            if self.in_creation(disk):
                codes.add("IncorrectDiskStatus.CreatingSnapshot")
            if sum(each.kind == "user" for each in self.chain(disk)) >= Quotas.manual:
                codes.add("QuotaExceed.Snapshot")
        return codes

    def _why_no_image(self, name: str, tags: Tags, region: str = HOME) -> Codes:
        codes = self._off() | self.why_not_tags(tags)
        others = [image for image in self.images if image.region == region]
        if len(others) >= Quotas.images:
            codes.add("QuotaExceed.Image")
        if any(image.name == name for image in others):
            codes.add("InvalidImageName.Duplicated")
        return codes

    def capture_for_image(self, image_id: str, name: str, instance: Instance) -> Image:
        """The image of an instance: it is Creating until all of its snapshots are done."""
        disks = [
            ImageDisk(disk.type, disk.size_gib, self.captured("", disk), disk.device)
            for disk in sorted(self.disks_of(instance), key=lambda disk: disk.device)
        ]
        ready = max(disk.snapshot.ready for disk in disks if disk.snapshot)
        return self.new_image(Image(image_id, name, ready, disks))

    def new_image(self, image: Image) -> Image:
        self.images.append(image)
        return image

    def why_not_delete_image(self, image: Image, *, force: bool) -> Codes:
        if image.deleted:
            return {"InvalidImageId.NotFound"}
        codes: Codes = set()
        if image.source is not None and image.status(self.now) == "Creating":
            codes.add("OperationDenied.ImageCopying")
        if not force and any(each.image_id == image.image_id for each in self.instances):
            codes.add("ImageUsingByInstance")
        if not force and image.shared:
            codes.add("ImageUseShared")
        return codes

    def why_not_copy_image(self, image: Image, name: str, region: str, tags: Tags) -> Codes:
        """Why it can't be copied to the region (IM-5); so can't one of encrypted snapshots."""
        if image.deleted:
            return {"InvalidImageId.NotFound"} | self._off()
        codes = self._why_no_image(name, tags, region)
        if image.encrypted:
            codes.add("OperationDeined.EncryptedSnapshot")
        if image.status(self.now) not in ("Available", "Deprecated"):
            codes.add("IncorrectImageStatus")
        if any(
            each.source is image and each.region == region and each.status(self.now) == "Creating"
            for each in self.images
        ):
            codes.add("OperationDenied.ImageCopyConflict")
        sources = [disk.snapshot for disk in image.disks if disk.snapshot]
        for source in sources:
            copies = self.chain(source.disk, region, copies=True)
            if any(self._creating(copy) for copy in copies):
                codes.add("InvalidOperation.Conflict")
            more = sum(other.disk is source.disk for other in sources)
            if sum(copy.kind == "user" for copy in copies) + more > Quotas.manual:
                codes.add("QuotaExceed.SnapshotQuota")
        return codes

    def copy_image(self, image_id: str, image: Image, name: str, region: str) -> Image:
        """The image in another region, Creating until its snapshots are copied."""
        disks = [
            ImageDisk(
                disk.type,
                disk.size_gib,
                self.copied("", disk.snapshot, region, kind="user") if disk.snapshot else None,
            )
            for disk in image.disks
        ]
        ready = max(disk.snapshot.ready for disk in disks if disk.snapshot)
        return self.new_image(Image(image_id, name, ready, disks, region=region, source=image))

    def why_not_cancel(self, image: Image) -> Codes:
        if image.deleted:
            return {"InvalidImageId.NotFound"}
        if image.source is None:
            return {"ImageCreatedNotFromCopy"}
        return set() if image.status(self.now) == "Creating" else {"IncorrectImageStatus"}

    def cancel_copy(self, image: Image) -> None:
        """The copy goes, and its snapshots that nobody has locked."""
        self.delete_image(image)
        for disk in image.disks:
            snapshot = disk.snapshot
            held = snapshot is None or self.held_by_image(snapshot)
            if snapshot and not held and not snapshot.locked(self.now):
                self.remove(snapshot)

    def delete_image(self, image: Image) -> None:
        self.images.remove(image)
        image.deleted = True
