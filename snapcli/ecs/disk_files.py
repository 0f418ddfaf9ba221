"""The bytes of a disk for programs and people: `disk path|import|read|write`."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import DiskName, limits
from snapcli.ecs.call import Call
from snapcli.ecs.disk_attachment import DiskResponse
from snapcli.ecs.disk_categories import size_range_gib
from snapcli.ecs.disk_making import (
    connect_to_next,
    new_disk,
    require_category,
    require_performance_level,
)
from snapcli.ecs.disk_use import ForceInUse, require_disk_file, require_not_in_use
from snapcli.ecs.keys import check_encryption, encrypt
from snapcli.ecs.records import GIB, DiskRecord
from snapcli.ecs.region_data import zone_ids
from snapcli.ecs.region_rules import require_region, require_zone

_CHUNK_BYTES = 1 << 20
_Bytes = limits("InvalidParameter", 400, "a number of bytes, 0 or more", ge=0)


class ShowDiskPathRequest(Request):
    """Which disk's file to name."""

    disk_id: Annotated[str, "The disk."]


class ShowDiskPathResponse(Response):
    """Where the disk's bytes are, and how much of them the machine really stores."""

    path: str
    length_bytes: int
    occupied_bytes: int


@operation("ShowDiskPath", lock=False, changes=False)
def show_disk_path(call: Call, request: ShowDiskPathRequest) -> ShowDiskPathResponse:
    """Say where a disk's raw image file is, for any program to use."""
    from snapcli.volumes.images import occupied_bytes

    disk = call.disk(request.disk_id)
    path = call.image_path(disk)
    return ShowDiskPathResponse(
        path=path,
        length_bytes=disk.size_gib * GIB,
        occupied_bytes=occupied_bytes(path),
    )


class ImportDiskRequest(Request):
    """Which file to make a disk from, and what kind of disk."""

    file: Annotated[str, "A raw image file (or block device)."]
    region_id: Annotated[str, "The region to create it in."] = ""
    zone_id: Annotated[str, "The zone; by default one of the region."] = ""
    instance_id: Annotated[str, "Attach it to this instance at once, in its zone."] = ""
    disk_name: Annotated[DiskName, "A name for people."] = ""
    disk_category: Annotated[str, "Its category."] = "cloud_essd"
    performance_level: Annotated[str, "PL0 to PL3 (ESSD only)."] = "PL0"
    size: Annotated[
        int,
        limits("InvalidSize.ValueNotSupported", 400, "a size in GiB", ge=1),
        "Its size in GiB; by default what the file needs.",
    ] = 0
    encrypted: Annotated[bool, "Encrypt it, which is to say what its snapshots store."] = False
    kms_key_id: Annotated[str, "With this key; by default the region's own."] = msgspec.field(
        name="KMSKeyId", default=""
    )


class ImportDiskResponse(Response):
    """The new disk."""

    disk_id: str


@operation("ImportDisk", lock=True, changes=True)
def import_disk(call: Call, request: ImportDiskRequest) -> ImportDiskResponse:
    """Make a disk with the bytes of a raw image file, its size rounded up to whole GiB."""
    from snapcli.volumes.images import copy_image

    region = require_region(request.region_id)
    category = require_category(request.disk_category, "InvalidDiskCategory.ValueNotSupported", 400)
    level = require_performance_level(request.performance_level) if category == "cloud_essd" else ""
    check_encryption(request.encrypted, request.kms_key_id, category)
    size_gib = _import_size_gib(request, category, level)
    instance = call.instance(request.instance_id) if request.instance_id else None
    if instance is not None:
        if instance.region_id != region.region_id:
            raise ApiError(
                "InvalidInstanceId.NotFound",
                404,
                f"The instance {instance.instance_id} is in {instance.region_id}, not in "
                f"{region.region_id}.",
            )
        zone_id = instance.zone_id
    else:
        zone_id = require_zone(region, request.zone_id or zone_ids(region)[0])
    disk = new_disk(
        call,
        region.region_id,
        zone_id,
        type_="data",
        category=category,
        performance_level=level,
        size_gib=size_gib,
    )
    disk.name = request.disk_name
    encrypt(call, disk, request.encrypted, request.kms_key_id)
    if instance is not None:
        connect_to_next(call, disk, instance)
    file = call.image_file(disk)
    call.tx.creates(file)
    copy_image(
        request.file,
        call.tx.path(file),
        size_gib * GIB,
        call.progress(f"Importing {request.file}"),
    )
    return ImportDiskResponse(disk_id=disk.disk_id)


def _import_size_gib(request: ImportDiskRequest, category: str, level: str) -> int:
    from snapcli.volumes.errors import VolumeError
    from snapcli.volumes.images import image_length_bytes

    try:
        length_bytes = image_length_bytes(request.file)
    except VolumeError as error:
        raise ApiError(
            "InvalidParameter",
            400,
            f"The file {request.file!r} can't be read: {error.message}. Give a raw image file.",
        ) from None
    least, most = size_range_gib(category, level)
    needed_gib = max(-(-length_bytes // GIB), least)
    size_gib = request.size or needed_gib
    if not needed_gib <= size_gib <= most:
        raise ApiError(
            "InvalidSize.ValueNotSupported",
            400,
            f"The file {request.file!r} has {length_bytes} bytes; as a {category} disk it needs "
            f"{needed_gib} to {most} GiB, not {size_gib}.",
        )
    return size_gib


class ReadDiskRequest(Request):
    """Which stretch of which disk to read."""

    disk_id: Annotated[str, "The disk."]
    offset: Annotated[int, _Bytes, "Where to begin, in bytes."] = 0
    length: Annotated[int, _Bytes, "How many bytes; by default to the end."] | None = None


class ReadDiskResponse(Response):
    """How many bytes were read; they went to standard output."""

    length_bytes: int


@operation("ReadDisk", lock=False, changes=False)
def read_disk(call: Call, request: ReadDiskRequest) -> ReadDiskResponse:
    """Write a stretch of a disk to the caller's output."""
    from snapcli.volumes.errors import VolumeError
    from snapcli.volumes.images import read_image

    disk = call.disk(request.disk_id)
    length_bytes = _stretch(disk, request.offset, request.length)
    path = call.image_path(disk)
    require_disk_file(call, disk)
    write = call.caller.write_output
    if write is None:
        raise ApiError("InvalidParameter", 400, "There is no output to write the bytes to.")
    left = length_bytes
    for chunk in read_image(path, request.offset, length_bytes):
        write(chunk)
        left -= len(chunk)
    if left:
        raise VolumeError(f"{path} was cut while it was read: {left} bytes are missing", path)
    return ReadDiskResponse(length_bytes=length_bytes)


class WriteDiskRequest(Request):
    """Where on which disk to write."""

    disk_id: Annotated[str, "The disk."]
    offset: Annotated[int, _Bytes, "Where to begin, in bytes."] = 0
    length: Annotated[int, _Bytes, "At most so many bytes; by default all of the input."] | None = (
        None
    )
    force_in_use: ForceInUse = False


class WriteDiskResponse(DiskResponse):
    """How many bytes were written."""

    length_bytes: int


@operation("WriteDisk", lock=False, changes=True)
def write_disk(call: Call, request: WriteDiskRequest) -> WriteDiskResponse:
    """Write the caller's input into a disk; it must fit.

    Changes no document, so it takes the shared lock: no capture runs meanwhile. Beneath a mounted
    file system, or together with another writer, it is refused: that destroys what is there.
    """
    from snapcli.volumes.errors import VolumeError
    from snapcli.volumes.images import write_image

    disk = call.disk(request.disk_id)
    _stretch(disk, request.offset, 0)
    require_disk_file(call, disk)
    require_not_in_use(call, disk, request.force_in_use)
    try:
        written = write_image(call.image_path(disk), request.offset, _input(call, request.length))
    except VolumeError as error:
        raise ApiError("InvalidParameter", 400, str(error)) from None
    return WriteDiskResponse(length_bytes=written)


def _stretch(disk: DiskRecord, offset: int, length: int | None) -> int:
    """Return the length of a stretch that lies on the disk, or raise ApiError."""
    whole = disk.size_gib * GIB
    if offset + (length or 0) > whole:
        raise ApiError(
            "InvalidParameter",
            400,
            f"Offset {offset} with length {length or 0} lies beyond the end of the disk "
            f"{disk.disk_id}, which has {whole} bytes.",
        )
    return whole - offset if length is None else length


def _input(call: Call, length: int | None) -> Iterator[bytes]:
    read = call.caller.read_input
    left = length
    while read is not None and left != 0:
        chunk = read(_CHUNK_BYTES if left is None else min(left, _CHUNK_BYTES))
        if not chunk:
            return
        if left is not None:
            left -= len(chunk)
        yield chunk
