"""CopyImage and CancelCopyImage: an image in another region, by copies of its snapshots (IM-5)."""

from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError, DryRunOperation
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import ClientToken, Description400, ImageName
from snapcli.ecs.account import require_snapshot_service
from snapcli.ecs.call import Call
from snapcli.ecs.image_changes import ImageResponse, remove_image
from snapcli.ecs.image_disks import source_of
from snapcli.ecs.image_making import check_room, new_image
from snapcli.ecs.image_rules import UsableImage, require_image, require_own_image
from snapcli.ecs.image_state import status
from snapcli.ecs.records import Chain, ImageDisk, ImageRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.snapshot_copies import check_copy_quota, copy_node, unfinished_copy
from snapcli.ecs.tags import tags_to_set
from snapcli.ecs.wire import Tag


class CopyImageRequest(Request):
    """What to copy, where to, and how the copy is called."""

    ignored = ("EncryptAlgorithm",)
    image_id: Annotated[str, "The image to copy, one's own or a shared one."]
    region_id: Annotated[str, "The region of the image."] = ""
    destination_region_id: Annotated[str, "The region to copy it to, another one."] = ""
    destination_image_name: Annotated[ImageName, "The copy's name, its id by default."] = ""
    destination_description: Annotated[Description400, "A description for people."] = ""
    encrypted: Annotated[bool, "Encrypt the copy: refused, a copy is what its source is."] = False
    kms_key_id: Annotated[str, "With this key: refused."] = msgspec.field(
        name="KMSKeyId", default=""
    )
    resource_group_id: Annotated[str, "The resource group."] = ""
    tag: Annotated[list[Tag], "Tags of the copy, up to 20; the source's are not copied."] = []
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""
    dry_run: Annotated[bool, "Check everything, copy nothing."] = False


class CopyImageResponse(Response):
    """The copy."""

    image_id: str


@operation("CopyImage", lock=True, changes=True)
def copy_image(call: Call, request: CopyImageRequest) -> CopyImageResponse:
    """Copy an image to another region, where it is a new one; it is Creating until that is done."""
    require_region(request.region_id, "SourceRegion.NotFound", 400)
    region_id = request.destination_region_id
    if region_id in ("", request.region_id):
        raise ApiError(
            "IncorrectDestinationRegion",
            403,
            "DestinationRegionId must be given and be another region than "
            f"{request.region_id}, where the image is.",
        )
    require_region(region_id, "DestinationRegion.NotFound", 400)
    require_snapshot_service(call)
    image = require_image(call, request.image_id, request.region_id)
    record = _check_copyable(call, image, request)
    check_room(call, region_id, request.destination_image_name)
    sources = [source_of(image, disk) for disk in record.disks]
    chains = [source[0] for source in sources if source is not None]
    _check_none_unfinished(call, chains, region_id)
    for chain in chains:
        of_disk = sum(other.disk_id == chain.disk_id for other in chains)
        check_copy_quota(call, chain, region_id, of_disk)
    tags = tags_to_set(call, request.tag)
    if request.dry_run:
        raise DryRunOperation
    disks = []
    ready_at = call.now
    for disk, source in zip(record.disks, sources, strict=True):
        held = ImageDisk(type=disk.type, device=disk.device, size_gib=disk.size_gib)
        if source is not None:
            _, node = copy_node(call, *source, region_id, source_call=image.owner)
            held.snapshot_id = node.snapshot_id
            ready_at = max(ready_at, node.ready_at)
        disks.append(held)
    copy = new_image(call, region_id, request.destination_image_name, disks, ready_at)
    for name in ("version", "architecture", "boot_mode", "platform", "os_name", "os_type"):
        setattr(copy, name, getattr(record, name))
    copy.license_type = record.license_type
    copy.source_image_id, copy.source_region_id = record.image_id, record.region_id
    copy.description = request.destination_description
    copy.resource_group_id = request.resource_group_id
    copy.tags = tags
    return CopyImageResponse(image_id=copy.image_id)


def _check_copyable(call: Call, image: UsableImage, request: CopyImageRequest) -> ImageRecord:
    """Return the record of an image that can be copied, or raise ApiError."""
    record = image.record
    if record is None:
        raise ApiError(
            "OperationDenied",
            403,
            f"The image {image.image_id} is public: it is in every region already.",
        )
    if record.encrypted:
        raise ApiError(
            "OperationDeined.EncryptedSnapshot",
            403,
            f"The image {image.image_id} holds encrypted snapshots, which can't be copied. "
            "Copy an image that is made from unencrypted ones.",
        )
    if request.encrypted:
        raise ApiError(
            "OperationDenied.EncryptSnapshotAcrossRegion",
            403,
            "A copy can't be encrypted on the way: it is unencrypted as its source is. Leave "
            "Encrypted and KMSKeyId out.",
        )
    if request.kms_key_id:
        raise ApiError(
            "InvalidEncrypted.NotMatchKmsKeyId",
            400,
            f"KMSKeyId {request.kms_key_id!r} was given without Encrypted true; and a copy can't "
            "be encrypted on the way. Leave both out.",
        )
    state = status(record, call.now)
    if state not in ("Available", "Deprecated"):
        raise ApiError(
            "IncorrectImageStatus",
            400,
            f"The image {image.image_id} is {state}; it must be Available.",
        )
    for other in call.inventory(request.destination_region_id).images.values():
        if other.source_image_id == image.image_id and status(other, call.now) == "Creating":
            raise ApiError(
                "OperationDenied.ImageCopyConflict",
                400,
                f"The image {image.image_id} is being copied to {other.region_id} as "
                f"{other.image_id}. Wait until that is Available, or end it with CancelCopyImage.",
            )
    return record


def _check_none_unfinished(call: Call, chains: list[Chain], region_id: str) -> None:
    """Raise ApiError while another copy of one of the disks to that region is unfinished (CP-5)."""
    for chain in chains:
        creating = unfinished_copy(call, chain, region_id)
        if creating is not None:
            raise ApiError(
                "InvalidOperation.Conflict",
                409,
                f"The snapshot {creating.source_snapshot_id} of the same disk "
                f"{chain.disk_id} is being copied to {region_id} as {creating.snapshot_id}. "
                "Wait until that is accomplished, or delete it there.",
            )


class CancelCopyImageRequest(Request):
    """Which copy to end."""

    image_id: Annotated[str, "The new image, still Creating."]
    region_id: Annotated[str, "The region it is copied to."] = ""


@operation("CancelCopyImage", lock=True, changes=True)
def cancel_copy_image(call: Call, request: CancelCopyImageRequest) -> ImageResponse:
    """End an unfinished copy: the new image and the copies of snapshots made for it go."""
    require_region(request.region_id)
    image = require_own_image(call, request.image_id, request.region_id)
    if not image.source_image_id:
        raise ApiError(
            "ImageCreatedNotFromCopy",
            400,
            f"The image {image.image_id} is no copy of another. DeleteImage deletes it.",
        )
    state = status(image, call.now)
    if state != "Creating":
        raise ApiError(
            "IncorrectImageStatus",
            400,
            f"The image {image.image_id} is {state}; only a copy that is Creating can be ended. "
            "DeleteImage deletes it.",
        )
    remove_image(call, image, with_snapshots=True)
    return ImageResponse()
