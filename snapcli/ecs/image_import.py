"""ImportImage: files in a bucket become a custom image whose bytes are held as snapshots.

Each disk gets a chain of its own with one snapshot, of a disk that never was; the image holds
them, and its deletion frees them.
"""

import os
from datetime import datetime
from typing import Annotated

import msgspec

from snapcli.api import ids
from snapcli.api.errors import ApiError
from snapcli.api.operation import Group, Request, Response, operation
from snapcli.api.types import Description400, ImageName, choice, limits
from snapcli.ecs.account import require_snapshot_service
from snapcli.ecs.buckets import bucket_folder, object_path, require_folder
from snapcli.ecs.call import Call
from snapcli.ecs.image_making import (
    ARCHITECTURES,
    PLATFORMS,
    check_room,
    name_devices,
    new_image,
    os_type_of,
)
from snapcli.ecs.nodes import add_node, capture_files
from snapcli.ecs.records import GIB, Chain, DiskRecord, ImageDisk, SnapshotRecord
from snapcli.ecs.region_data import zone_ids
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.tags import tags_to_set
from snapcli.ecs.tasks import IMPORT, new_task
from snapcli.ecs.wire import Tag

_LARGEST_SYSTEM_GIB = 2048
_LARGEST_DATA_GIB = 32768
_SIZE = limits("InvalidImageSize", 400, "a size in GiB", ge=1)


class ImportedDisk(Group):
    """A disk of the image, and the file it comes from."""

    oss_bucket: Annotated[
        str, "A folder of the workspace's buckets/ by its name, or an absolute path."
    ] = msgspec.field(name="OSSBucket", default="")
    oss_object: Annotated[str, "The file in it."] = msgspec.field(name="OSSObject", default="")
    format: Annotated[
        str,
        choice("InvalidImageFormat.Malformed", 400, "RAW", "QCOW2", "VHD"),
        "RAW or QCOW2; by default what the file is.",
    ] = ""
    device: Annotated[str, "Its device name; by default the next free one."] = ""
    disk_image_size: Annotated[int, _SIZE, "Its size in GiB; by default what the file needs."] = 0
    disk_im_size: Annotated[int, _SIZE, "The same, as it was called before."] = 0


class ImportImageRequest(Request):
    """Which files to make an image of, and how it is called."""

    ignored = ("DetectionStrategy", "Features", "RoleName", "StorageLocationArn")
    region_id: Annotated[str, "The region to make it in."] = ""
    disk_device_mapping: Annotated[
        list[ImportedDisk], "Its disks: the system disk first, then data disks."
    ] = []
    image_name: Annotated[ImageName, "Its name, its id by default."] = ""
    description: Annotated[Description400, "A description for people."] = ""
    architecture: Annotated[
        str, choice("InvalidArchitecture.Malformed", 400, *ARCHITECTURES), "The architecture."
    ] = "x86_64"
    os_type: Annotated[
        str, choice("InvalidOSType.Malformed", 400, "linux", "windows"), "The kind of system."
    ] = msgspec.field(name="OSType", default="")
    platform: Annotated[
        str, choice("InvalidPlatform.Malformed", 400, *PLATFORMS), "The operating system."
    ] = ""
    boot_mode: Annotated[
        str, choice("InvalidBootMode.Malformed", 400, "BIOS", "UEFI"), "The boot mode."
    ] = "BIOS"
    license_type: Annotated[
        str,
        choice("InvalidLicenseType.NotSupported", 400, "Auto", "Aliyun", "BYOL"),
        "Its licence, kept as given.",
    ] = "Auto"
    resource_group_id: Annotated[str, "The resource group."] = ""
    tag: Annotated[list[Tag], "Tags to set on the image, up to 20."] = []
    client_token: Annotated[
        str,
        limits(
            "InvalidClientToken.Malformed",
            400,
            "at most 64 ASCII characters",
            max_length=64,
            pattern=r"^[\x00-\x7f]*\Z",
        ),
        "Repeat the call safely: a text of your choice.",
    ] = ""
    dry_run: Annotated[bool, "Check everything, make nothing."] = False


class ImportImageResponse(Response):
    """The new image, and the task that tells how far it has come."""

    image_id: str
    region_id: str
    task_id: str


class _File(msgspec.Struct):
    """A file that is to become a disk."""

    asked: ImportedDisk
    path: str
    format: str  # raw or qcow2
    size_gib: int


@operation("ImportImage", lock=True, changes=True)
def import_image(call: Call, request: ImportImageRequest) -> ImportImageResponse:
    """Make a custom image of raw or qcow2 files; it is Creating until they are taken in."""
    region = require_region(request.region_id, "InvalidRegionId.NotFound", 400)
    require_snapshot_service(call)
    if not request.disk_device_mapping:
        raise ApiError(
            "MissingParameter.DiskDeviceMapping",
            403,
            "The required parameter DiskDeviceMapping.1 was not given: the bucket and object of "
            "the system disk's file.",
        )
    check_room(call, region.region_id, request.image_name)
    tags = tags_to_set(call, request.tag)
    disks = [
        ImageDisk(type="data" if index else "system", device=asked.device, size_gib=1)
        for index, asked in enumerate(request.disk_device_mapping)
    ]
    name_devices(disks)
    files = [
        _file(call, asked, is_system=index == 0)
        for index, asked in enumerate(request.disk_device_mapping)
    ]
    if request.dry_run:
        raise ApiError(
            "DRYRUN.SUCCESS",
            400,
            "Every check passed. Nothing was done, because DryRun is true.",
        )
    ready_at = call.now
    for disk, file in zip(disks, files, strict=True):
        ready_at = max(ready_at, _take_in(call, region.region_id, disk, file))
    image = new_image(call, region.region_id, request.image_name, disks, ready_at)
    image.imported = True
    image.description, image.architecture = request.description, request.architecture
    image.boot_mode, image.license_type = request.boot_mode, request.license_type
    image.platform = image.os_name = request.platform
    image.os_type = request.os_type or os_type_of(request.platform)
    image.resource_group_id = request.resource_group_id
    image.tags = tags
    task = new_task(call, region.region_id, IMPORT, image.image_id, ready_at)
    return ImportImageResponse(
        image_id=image.image_id, region_id=region.region_id, task_id=task.task_id
    )


def _file(call: Call, asked: ImportedDisk, is_system: bool) -> _File:
    """Find a disk's file, recognise its format, and check its size."""
    folder = bucket_folder(call, asked.oss_bucket, "InvalidOSSBucket.Malformed", 400)
    require_folder(call, asked.oss_bucket, folder)
    path = object_path(call, asked.oss_bucket, folder, asked.oss_object)
    kind, length_bytes = _recognised(path, asked)
    needed_gib = -(-length_bytes // GIB)
    size_gib = asked.disk_image_size or asked.disk_im_size or needed_gib
    most = _LARGEST_SYSTEM_GIB if is_system else _LARGEST_DATA_GIB
    if length_bytes == 0:
        raise ApiError("InvalidOSSObject.Size", 400, f"The image in {path} is empty.")
    if not needed_gib <= size_gib <= most:
        refusal = (
            f"The image in {path} has {length_bytes} bytes; a "
            f"{'system' if is_system else 'data'} disk of it has {needed_gib} to {most} GiB, not "
            f"{size_gib}."
        )
        if is_system:
            raise ApiError("InvalidImageSize", 400, refusal)
        raise ApiError("InvalidDataDiskSize", 400, refusal)
    return _File(asked, path, kind, size_gib)


def _recognised(path: str, asked: ImportedDisk) -> tuple[str, int]:
    """Return a file's format, raw or qcow2, and the length of the disk that it holds."""
    from snapcli.volumes.errors import VolumeError
    from snapcli.volumes.image_formats import recognise
    from snapcli.volumes.qcow2 import qcow2_length_bytes

    try:
        kind = asked.format.lower() or recognise(path)
        if kind == "qcow2":
            return kind, qcow2_length_bytes(path)
    except VolumeError as error:
        raise ApiError("InvalidImageFormat.Malformed", 400, str(error)) from None
    if kind != "raw":
        raise ApiError(
            "InvalidImageFormat.Malformed",
            400,
            f"{path} is a {kind} file, which is not read here; raw and qcow2 are. Unpack it, or "
            "convert it with `qemu-img convert`.",
        )
    return kind, os.stat(path).st_size


def _take_in(call: Call, region_id: str, disk: ImageDisk, file: _File) -> datetime:
    """Capture a file as the one snapshot of a new chain; return when that seems to be done."""
    zone_id = zone_ids(require_region(region_id))[0]
    origin = DiskRecord(
        disk_id=call.new_id("d", region_id),
        region_id=region_id,
        zone_id=zone_id,
        created_at=call.now,
        size_gib=file.size_gib,
        category="cloud_essd",
        type=disk.type,
    )
    chain = Chain(disk_id=origin.disk_id, region_id=region_id)
    call.tx.put(call.chain_file(region_id, origin.disk_id), chain)
    node = SnapshotRecord(
        snapshot_id=call.new_id("s", region_id),
        created_at=call.now,
        ready_at=call.now,
        number=chain.next_number,
        size_gib=file.size_gib,
        disk_type=disk.type,
        zone_id=zone_id,
        description=f"Imported from {file.asked.oss_object}."[:256],
        serial_number=ids.serial_number(),
    )
    raw = _raw_path(call, origin, file)
    captured = capture_files(call, origin, chain, node, raw, any_length=True)
    add_node(call, origin, chain, node, captured)
    disk.size_gib = file.size_gib
    disk.snapshot_id = node.snapshot_id
    disk.source_bucket, disk.source_object = file.asked.oss_bucket, file.asked.oss_object
    disk.source_format = file.format
    return node.ready_at


def _raw_path(call: Call, origin: DiskRecord, file: _File) -> str:
    """Return where the disk's raw bytes are; those of a qcow2 file are unpacked for a while."""
    if file.format == "raw":
        return file.path
    from snapcli.volumes.qcow2 import UnreadableImage, extract_qcow2

    unpacked = call.image_file(origin)
    call.tx.creates(unpacked)
    call.tx.after_commit("unlink", {"paths": [unpacked]})
    path = call.tx.path(unpacked)
    progress = call.progress(f"Reading {file.asked.oss_object}")
    try:
        extract_qcow2(file.path, path, file.size_gib * GIB, progress)
    except UnreadableImage as error:
        raise ApiError("InvalidImageFormat.Malformed", 400, str(error)) from None
    return path
