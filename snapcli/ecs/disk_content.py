"""ResizeDisk, ReInitDisk and ReplaceSystemDisk: operations that change what a disk holds."""

from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError, missing_parameter
from snapcli.api.operation import Group, Request, Response, operation
from snapcli.api.types import ClientToken, choice, limits
from snapcli.ecs.call import Call
from snapcli.ecs.disk_attachment import DiskResponse, require_none_in_creation
from snapcli.ecs.disk_categories import size_range_gib
from snapcli.ecs.disk_making import (
    SYSTEM_DEVICE,
    connect,
    make_bytes,
    new_disk,
    release_disk,
)
from snapcli.ecs.disk_use import ForceInUse, require_disk_file, require_growable, require_not_in_use
from snapcli.ecs.guest_insides import renew_devices
from snapcli.ecs.image_disks import (
    data_disks,
    note_image,
    require_image_of,
    source_account,
    system_source,
)
from snapcli.ecs.image_rules import UsableImage, require_available, require_image
from snapcli.ecs.instance_images import note_system, system_disk_size_gib
from snapcli.ecs.keys import check_encryption, encrypt
from snapcli.ecs.phases import disk_status, instance_status
from snapcli.ecs.records import GIB, DiskRecord, InstanceRecord
from snapcli.ecs.snapshot_rules import LOCAL, require_not_archived
from snapcli.ecs.snapshot_state import has_instant_access


class ResizeDiskRequest(Request):
    """Which disk to make how large."""

    local = ("force_in_use",)
    disk_id: Annotated[str, "The disk to make larger."]
    new_size: Annotated[
        int, limits("InvalidDiskSize", 403, "a size in GiB", ge=1), "Its new size in GiB."
    ]
    type: Annotated[
        str,
        choice("InvalidParam.Type", 400, "offline", "online"),
        "online only while the instance is Running.",
    ] = "offline"
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""
    force_in_use: ForceInUse = False


class ResizeDiskResponse(Response):
    """Nothing but the RequestId."""

    unanswered = ("OrderId",)


@operation("ResizeDisk", lock=True, changes=True)
def resize_disk(call: Call, request: ResizeDiskRequest) -> ResizeDiskResponse:
    """Make a disk larger; the new space reads as zeros."""
    disk = call.disk(request.disk_id)
    _require_in_use_or_available(call, disk)
    require_none_in_creation(call, disk, but_instant=True)
    if request.type == "online":
        power = (
            instance_status(call.instance(disk.instance_id), call.now) if disk.instance_id else ""
        )
        if power != "Running":
            raise ApiError(
                "InvalidInstanceStatus.NotRunning",
                403,
                f"Type online needs a Running instance; that of {disk.disk_id} is "
                f"{power or 'none'}. Use Type offline.",
            )
    _, most = size_range_gib(disk.category, disk.performance_level)
    if request.new_size <= disk.size_gib:
        raise ApiError(
            "InvalidDiskSize.TooSmall",
            403,
            f"The disk {disk.disk_id} has {disk.size_gib} GiB; the new size {request.new_size} GiB "
            "must be larger.",
        )
    if request.new_size > most:
        raise ApiError(
            "InvalidDiskSize.TooLarge",
            403,
            f"The new size {request.new_size} GiB is above the {most} GiB of a {disk.category} "
            "disk.",
        )
    _require_resizable_file(call, disk, request)
    disk.size_gib = request.new_size
    call.tx.after_commit(
        "resize", {"image": call.image_file(disk), "length_bytes": disk.size_gib * GIB}
    )
    return ResizeDiskResponse()


def _require_resizable_file(call: Call, disk: DiskRecord, request: ResizeDiskRequest) -> None:
    """Make sure that the disk's file may grow, and can: once decided it has to succeed."""
    from snapcli.volumes.images import break_off, check_resize

    path = call.image_path(disk)
    require_disk_file(call, disk)
    # Growing beneath the instance's own file system is what Type online is for.
    require_not_in_use(call, disk, request.force_in_use, but_own=request.type == "online")
    require_growable(call, disk)
    check_resize(path, request.new_size * GIB)
    break_off(path)


def _require_in_use_or_available(call: Call, disk: DiskRecord) -> None:
    status = disk_status(disk, call.now)
    if status not in ("In_use", "Available"):
        raise ApiError(
            "IncorrectDiskStatus",
            403,
            f"The disk {disk.disk_id} is {status}; it must be In_use or Available.",
        )


class ReInitDiskRequest(Request):
    """Which disk to return to its beginning."""

    ignored = ("KeyPairName", "Password", "SecurityEnhancementStrategy")
    local = ("force_in_use",)
    disk_id: Annotated[str, "The disk, attached to a stopped instance."]
    auto_start_instance: Annotated[bool, "Start the instance afterwards."] = False
    force_in_use: ForceInUse = False


@operation("ReInitDisk", lock=True, changes=True)
def re_init_disk(call: Call, request: ReInitDiskRequest) -> DiskResponse:
    """Return a disk to what it was when created: its image, its snapshot, or empty.

    Refused once the snapshot it was made from is gone (DL-3), and while snapshots of it have
    instant access (IA-3).
    """
    disk = call.disk(request.disk_id)
    instance = _check_reinit(call, disk)
    if disk.source_snapshot_id:
        if request.auto_start_instance:
            from snapcli.ecs.rollback import check_start

            check_start(call, instance)
        _return_to_snapshot(call, disk, request.force_in_use)
    else:
        from snapcli.volumes.images import check_resize

        require_disk_file(call, disk, any_length=True)
        require_not_in_use(call, disk, request.force_in_use)
        check_resize(call.image_path(disk), disk.size_gib * GIB)
        call.tx.after_commit(
            "reset",
            {
                "image": call.image_file(disk),
                "length_bytes": disk.size_gib * GIB,
                "image_id": disk.image_id,
            },
        )
    _note_reinitialised(call, disk)
    if request.auto_start_instance:
        from snapcli.ecs.instance_power import start

        start(call, instance)
    return DiskResponse()


def _note_reinitialised(call: Call, disk: DiskRecord) -> None:
    """Note it on the disk, and on its local snapshots, which can't roll it back now (LS-4)."""
    disk.reinitialised_at = call.now
    chain = call.chain(disk.region_id, disk.disk_id)
    for node in chain.nodes if chain else ():
        if node.category == LOCAL:
            node.disk_reinitialised_at = call.now


def _check_reinit(call: Call, disk: DiskRecord) -> InstanceRecord:
    status = disk_status(disk, call.now)
    if status != "In_use":
        raise ApiError(
            "IncorrectDiskStatus",
            403,
            f"The disk {disk.disk_id} is {status}; it must be attached to a stopped instance.",
        )
    instance = call.instance(disk.instance_id)
    power = instance_status(instance, call.now)
    if power != "Stopped":
        raise ApiError(
            "IncorrectInstanceStatus",
            403,
            f"The instance {instance.instance_id} is {power}; stop it to re-initialise its disk.",
        )
    chain = call.chain(disk.region_id, disk.disk_id)
    for node in chain.nodes if chain else ():
        if has_instant_access(node, call.now):
            raise ApiError(
                "DiskHasSnapshotsWithInstantAccessEnabled.OperationNotSupported",
                400,
                f"The snapshot {node.snapshot_id} of the disk {disk.disk_id} has instant access. "
                "Switch it off first, with ModifySnapshotAttribute and DisableInstantAccess true "
                "once the snapshot is accomplished.",
            )
    require_none_in_creation(call, disk)
    return instance


def _return_to_snapshot(call: Call, disk: DiskRecord, force_in_use: bool) -> None:
    """Write down that the disk's bytes become its source snapshot's again."""
    require_image_of(call, disk)
    owner = source_account(call, disk)
    found = owner.find_snapshot(disk.source_snapshot_id)
    if found is None:
        raise ApiError(
            "OperationDenied",
            403,
            f"The disk {disk.disk_id} was made from the snapshot {disk.source_snapshot_id}, which "
            "was deleted; it can't be re-initialised. ResetDisk puts it back to a snapshot of its "
            "own.",
        )
    from snapcli.ecs.rollback import write_down_restore

    require_not_archived(found[1], f"what {disk.disk_id} returns to", "OperationDenied", 403)
    require_not_in_use(call, disk, force_in_use)
    write_down_restore(call, disk, *found, disk.size_gib, owner)
    require_not_in_use(call, disk, force_in_use)  # comparing may have taken minutes


class NewSystemDisk(Group):
    """The new system disk of an instance."""

    size: (
        Annotated[
            int,
            limits("InvalidSystemDiskSize.ValueNotSupported", 400, "a size in GiB"),
            "Its size in GiB; by default 40 or its image's.",
        ]
        | None
    ) = None


class ReplaceSystemDiskRequest(Request):
    """Which instance gets which image."""

    ignored = (
        "Architecture", "Arn", "EncryptAlgorithm", "KeyPairName", "Password", "PasswordInherit",
        "Platform", "SecurityEnhancementStrategy", "UseAdditionalService",
    )  # fmt: skip
    local = ("force_in_use",)
    instance_id: Annotated[str, "The instance, which must be Stopped."]
    image_id: Annotated[str, "The image of the new system disk."] = ""
    disk_id: Annotated[str, "Not offered: replacing by an existing disk."] = ""
    system_disk: Annotated[NewSystemDisk, "The new system disk."] | None = None
    encrypted: Annotated[bool, "Encrypt the new disk."] | None = None
    kms_key_id: Annotated[str, "With this key; by default the region's own."] = msgspec.field(
        name="KMSKeyId", default=""
    )
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""
    force_in_use: ForceInUse = False


class ReplaceSystemDiskResponse(Response):
    """The new system disk."""

    disk_id: str


@operation("ReplaceSystemDisk", lock=True, changes=True)
def replace_system_disk(call: Call, request: ReplaceSystemDiskRequest) -> ReplaceSystemDiskResponse:
    """Give a stopped instance a new system disk from an image; the old one is released.

    The old disk's manual snapshots stay, but can't roll back the new disk (RB-4).
    """
    instance = call.instance(request.instance_id)
    if request.disk_id:
        raise ApiError(
            "InvalidParameter.Conflict",
            400,
            "DiskId: replacing by an existing disk is not offered; give ImageId.",
        )
    if not request.image_id:
        raise missing_parameter("ImageId")
    image = _new_image(call, request.image_id, instance)
    source = system_source(image)
    power = instance_status(instance, call.now)
    if power != "Stopped":
        raise ApiError(
            "IncorrectInstanceStatus",
            403,
            f"The instance {instance.instance_id} is {power}; stop it to replace its system disk.",
        )
    old = _system_disk(call, instance)
    require_none_in_creation(call, old)
    check_encryption(request.encrypted, request.kms_key_id, old.category, source)
    size = request.system_disk.size if request.system_disk else None
    size_gib = system_disk_size_gib(size, image.size_gib, old.category, old.performance_level)
    require_not_in_use(call, old, request.force_in_use)
    new = new_disk(
        call,
        instance.region_id,
        instance.zone_id,
        type_="system",
        category=old.category,
        performance_level=old.performance_level,
        size_gib=size_gib,
    )
    if source is None:
        encrypt(call, new, request.encrypted, request.kms_key_id)
    note_image(call, new, image)
    new.name, new.description, new.tags = old.name, old.description, dict(old.tags)
    new.delete_with_instance, new.delete_auto_snapshot = True, old.delete_auto_snapshot
    new.origin_instance_id = instance.instance_id
    release_disk(call, old)
    connect(call, new, instance.instance_id, SYSTEM_DEVICE)
    make_bytes(call, new, source)
    note_system(instance, image)
    renew_devices(call, instance)
    return ReplaceSystemDiskResponse(disk_id=new.disk_id)


def _new_image(call: Call, image_id: str, instance: InstanceRecord) -> UsableImage:
    """Return the image that may become an instance's system disk, or raise ApiError."""
    image = require_image(call, image_id, instance.region_id)
    if image.record is not None:
        require_available(call, image.record, "OperationDenied.ImageNotValid", 403)
    if data_disks(image):
        raise ApiError(
            "OperationDenied",
            400,
            f"The image {image_id} holds data disks; the system disk of an instance is replaced "
            "by an image of a system disk alone.",
        )
    return image


def _system_disk(call: Call, instance: InstanceRecord) -> DiskRecord:
    """Return the instance's system disk, or raise ApiError when it was detached."""
    for disk in call.disks_of(instance):
        if disk.type == "system":
            return disk
    raise ApiError(
        "InvalidInstance.NotFoundSystemDisk",
        400,
        f"The instance {instance.instance_id} has no system disk at present; attach it with "
        "AttachDisk and Bootable true.",
    )
