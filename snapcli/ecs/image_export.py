"""ExportImage: a custom image's disks as files in a bucket; snapshots can't be exported (IM-8).

A file is written under a name of its own, synced, and renamed once the export is decided: nobody
ever finds half of one.
"""

import os
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError, DryRunOperation
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import choice, limits
from snapcli.ecs.buckets import bucket_folder, require_folder
from snapcli.ecs.call import Call
from snapcli.ecs.image_data import PUBLIC_IMAGES
from snapcli.ecs.image_disks import source_of
from snapcli.ecs.image_rules import (
    UsableImage,
    require_available,
    require_image,
    require_own_image,
)
from snapcli.ecs.nodes import creation_time, layers_through
from snapcli.ecs.records import BLOCK_BYTES, GIB, Chain, ImageDisk, ImageRecord, SnapshotRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.tasks import EXPORT, new_task, unfinished_task

_MOST_DATA_DISKS = 4
_LARGEST_DATA_DISK_GIB = 500
_WRITTEN = ("raw", "qcow2")


class ExportImageRequest(Request):
    """Which image to export, where to, and as what."""

    ignored = ("RoleName",)
    image_id: Annotated[str, "The image, one's own."]
    oss_bucket: Annotated[
        str, "A folder of the workspace's buckets/ by its name, or an absolute path."
    ] = msgspec.field(name="OSSBucket")
    region_id: Annotated[str, "Its region."] = ""
    oss_prefix: Annotated[
        str,
        limits(
            "InvalidOSSPrefix.Malformed",
            400,
            "1 to 30 letters or digits",
            pattern=r"^[A-Za-z0-9]{1,30}\Z",
        ),
        "What the files' names begin with.",
    ] = msgspec.field(name="OSSPrefix", default="")
    image_format: Annotated[
        str,
        choice("InvalidImageFormat.Malformed", 400, "raw", "qcow2", "vhd", "vmdk", "vdi"),
        "raw or qcow2; the others are refused.",
    ] = "raw"
    dry_run: Annotated[bool, "Check everything, write nothing."] = False


class ExportImageResponse(Response):
    """The task that tells how far the export has come."""

    region_id: str
    task_id: str


@operation("ExportImage", lock=True, changes=True)
def export_image(call: Call, request: ExportImageRequest) -> ExportImageResponse:
    """Write an image's disks to a bucket, a file each: the system disk and those with data."""
    require_region(request.region_id, "InvalidRegionId.NotFound", 400)
    record = _exportable(call, request)
    folder = bucket_folder(call, request.oss_bucket, "InvalidOSSBucket.NotFound", 400)
    if os.path.isabs(folder):
        require_folder(call, request.oss_bucket, folder)
    image = require_image(call, record.image_id, record.region_id)
    files = []
    for disk in record.disks:
        source = source_of(image, disk)
        if source is not None:
            files.append((_file_name(request, disk), disk, source))
    if request.dry_run:
        raise DryRunOperation
    view_bytes = sum(node.view_blocks for _, _, (_, node) in files) * BLOCK_BYTES
    ready_at = call.now + creation_time(call, view_bytes)
    task = new_task(call, record.region_id, EXPORT, record.image_id, ready_at)
    task.files = [f"{folder}/{name}" for name, _, _ in files]
    _write_files(call, image, folder, files, request.image_format)
    return ExportImageResponse(region_id=record.region_id, task_id=task.task_id)


def _exportable(call: Call, request: ExportImageRequest) -> ImageRecord:
    """Return the image when it can be exported, or raise ApiError."""
    if request.image_id in PUBLIC_IMAGES:
        raise ApiError(
            "ImageNotSupported",
            403,
            f"The image {request.image_id} is public; only custom images can be exported.",
        )
    if request.image_format not in _WRITTEN:
        raise ApiError(
            "InvalidImageFormat.RegionNotSupported",
            400,
            f"The format {request.image_format} is not written here. Export as qcow2 or raw; "
            "`qemu-img convert` makes the other formats of it.",
        )
    record = require_own_image(call, request.image_id, request.region_id)
    require_available(call, record, "IncorrectImageStatus", 400)
    if record.encrypted:
        raise ApiError(
            "ImageNotSupported",
            403,
            f"The image {record.image_id} holds encrypted snapshots and can't be exported. "
            "Export one that is made from unencrypted snapshots.",
        )
    data = [disk for disk in record.disks[1:] if disk.snapshot_id]
    large = [disk for disk in data if disk.size_gib > _LARGEST_DATA_DISK_GIB]
    if len(data) > _MOST_DATA_DISKS or large:
        raise ApiError(
            "InvalidImage.DiskAmountOrSize",
            400,
            f"The image {record.image_id} holds {len(data)} data disks, the largest of "
            f"{max(disk.size_gib for disk in data)} GiB; up to {_MOST_DATA_DISKS} of "
            f"{_LARGEST_DATA_DISK_GIB} GiB can be exported.",
        )
    running = unfinished_task(call, record.region_id, EXPORT, record.image_id)
    if running is not None:
        raise ApiError(
            "ImageIsExporting",
            403,
            f"The image {record.image_id} is being exported by the task {running.task_id}; wait "
            "until it is Finished, or end it with CancelTask.",
        )
    return record


def _file_name(request: ExportImageRequest, disk: ImageDisk) -> str:
    """Return an object's name: `system` or `data` with the device, as the real service has it."""
    kind = "system" if disk.type == "system" else f"data_{disk.device.removeprefix('/dev/')}"
    parts = [request.oss_prefix, request.image_id, kind]
    return "_".join(part for part in parts if part) + f".{request.image_format}"


def _write_files(
    call: Call,
    image: UsableImage,
    folder: str,
    files: list[tuple[str, ImageDisk, tuple[Chain, SnapshotRecord]]],
    image_format: str,
) -> None:
    """Write all files under temporary names; the commit gives them their own.

    In the workspace what a crash leaves is swept; elsewhere the next export replaces it.
    """
    renames = [[f"{folder}/.{name}.part", f"{folder}/{name}"] for name, _, _ in files]
    written: list[str] = []
    outside = os.path.isabs(folder)
    if not outside:
        call.tx.creates(*(temporary for temporary, _ in renames))
    try:
        for (temporary, _), (_, disk, source) in zip(renames, files, strict=True):
            path = call.tx.path(temporary)
            if outside and os.path.lexists(path):
                os.unlink(path)
            _write_file(call, image, path, disk, source, image_format)
            written.append(path)
    except BaseException:
        for path in written if outside else ():
            os.unlink(path)
        raise
    call.tx.after_commit("publish", {"files": renames})


def _write_file(
    call: Call,
    image: UsableImage,
    path: str,
    disk: ImageDisk,
    source: tuple[Chain, SnapshotRecord],
    image_format: str,
) -> None:
    from snapcli.volumes.qcow2 import write_qcow2
    from snapcli.volumes.restore import write_new

    chain, node = source
    write = write_new if image_format == "raw" else write_qcow2
    write(
        path,
        (image.owner or call).chain_folder(chain),
        layers_through(chain, node),
        chain.packs,
        disk.size_gib * GIB,
        call.progress(f"Writing {os.path.basename(path)[1:].removesuffix('.part')}"),
    )
