"""ModifyImageAttribute and DeleteImage: what an image is called, and what its end frees."""

from typing import Annotated

from snapcli.api.errors import ApiError, DryRunOperation
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import Description400, ImageFamily, ImageName, choice
from snapcli.ecs.accounts import account_ids
from snapcli.ecs.call import Call
from snapcli.ecs.image_data import PUBLIC_IMAGES
from snapcli.ecs.image_making import BOOT_MODES, check_name_is_free
from snapcli.ecs.image_rules import require_own_image
from snapcli.ecs.image_state import status
from snapcli.ecs.records import ImageRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.snapshot_state import is_locked, released_at
from snapcli.ecs.tasks import EXPORT, unfinished_task


class ModifyImageAttributeRequest(Request):
    """What to change of an image; what is not given stays."""

    ignored = ("Features",)
    image_id: Annotated[str, "The image to change."]
    region_id: Annotated[str, "Its region."] = ""
    image_name: Annotated[ImageName, "Its new name."] = ""
    image_family: Annotated[ImageFamily, "Its new family."] = ""
    description: Annotated[Description400, "Its new description."] = ""
    status: Annotated[
        str,
        choice("InvalidParameter", 400, "Available", "Deprecated"),
        "Deprecated takes it out of use, Available brings it back.",
    ] = ""
    boot_mode: Annotated[
        str, choice("InvalidBootMode.NotSupport", 400, *BOOT_MODES), "Its boot mode."
    ] = ""
    license_type: Annotated[
        str,
        choice("InvalidLicenseType.NotSupported", 400, "Auto", "Aliyun", "BYOL"),
        "Its licence.",
    ] = ""
    dry_run: Annotated[bool, "Check everything, change nothing."] = False


class ImageResponse(Response):
    """Nothing but the RequestId."""


@operation("ModifyImageAttribute", lock=True, changes=True)
def modify_image_attribute(call: Call, request: ModifyImageAttributeRequest) -> ImageResponse:
    """Change an image's name, family, description or status; a deprecated one makes no instance."""
    require_region(request.region_id)
    image = require_own_image(call, request.image_id, request.region_id)
    if request.image_name and request.image_name != image.name:
        check_name_is_free(call, request.region_id, request.image_name)
    if request.dry_run:
        raise DryRunOperation
    image.name = request.image_name or image.name
    image.family = request.image_family or image.family
    image.description = request.description or image.description
    image.boot_mode = request.boot_mode or image.boot_mode
    image.license_type = request.license_type or image.license_type
    if request.status:
        image.deprecated = request.status == "Deprecated"
    return ImageResponse()


class DeleteImageRequest(Request):
    """Which image to delete."""

    image_id: Annotated[str, "The image to delete."]
    region_id: Annotated[str, "Its region."] = ""
    force: Annotated[bool, "Delete it although instances were made from it."] = False
    dry_run: Annotated[bool, "Check everything, delete nothing."] = False


@operation("DeleteImage", lock=True, changes=True)
def delete_image(call: Call, request: DeleteImageRequest) -> ImageResponse:
    """Delete a custom image; its snapshots stay and may be deleted now (DL-2).

    Instances made from it ask for Force; their system disks can't be re-initialised afterwards.
    The snapshots of an imported image, which were made for it alone, go with it.
    """
    require_region(request.region_id)
    if request.image_id in PUBLIC_IMAGES:
        raise ApiError(
            "ImageIsPublic", 403, f"The image {request.image_id} is public and can't be deleted."
        )
    image = require_own_image(call, request.image_id, request.region_id)
    _check(call, image, request.force)
    if request.dry_run:
        raise DryRunOperation
    remove_image(call, image)
    return ImageResponse()


def _check(call: Call, image: ImageRecord, force: bool) -> None:
    if image.source_image_id and status(image, call.now) == "Creating":
        raise ApiError(
            "OperationDenied.ImageCopying",
            403,
            f"The image {image.image_id} is being copied from {image.source_region_id}; wait until "
            "it is Available, or end that with CancelCopyImage.",
        )
    if image.imported and status(image, call.now) == "Creating":
        raise ApiError(
            "ImageIsImporting",
            403,
            f"The image {image.image_id} is being imported; wait until it is Available, or end "
            "that with CancelTask.",
        )
    exporting = unfinished_task(call, image.region_id, EXPORT, image.image_id)
    if exporting is not None:
        raise ApiError(
            "ImageIsExporting",
            403,
            f"The image {image.image_id} is being exported by the task {exporting.task_id}; wait "
            "until it is Finished, or end it with CancelTask.",
        )
    instances = call.inventory(image.region_id).instances.values()
    using = [each.instance_id for each in instances if each.image_id == image.image_id]
    if using and not force:
        raise ApiError(
            "ImageUsingByInstance",
            403,
            f"Instances were made from the image {image.image_id}: {', '.join(using)}. With Force "
            "true it is deleted all the same; their system disks can't be re-initialised then.",
        )
    others = [each for each in image.shared_with if each in account_ids(call.tx)]
    if others and not force:
        raise ApiError(
            "ImageUseShared",
            403,
            f"The image {image.image_id} is shared with {', '.join(others)}. Take that back with "
            "ModifyImageSharePermission, or delete it with Force true.",
        )


def remove_image(call: Call, image: ImageRecord, with_snapshots: bool = False) -> None:
    """Take an image out of its region, and let go what only it kept from going (PO-7).

    With `with_snapshots`, and always for an imported one, its snapshots go too, but those that
    something else was made from and those that are locked.
    """
    from snapcli.ecs.nodes import remove_node
    from snapcli.ecs.snapshot_use import is_held_by_image, usages

    inventory = call.inventory(image.region_id)
    del inventory.images[image.image_id]
    used = usages(inventory)
    for snapshot_id in dict.fromkeys(disk.snapshot_id for disk in image.disks):
        found = call.find_snapshot(snapshot_id) if snapshot_id else None
        if found is None or is_held_by_image(call, *found):
            continue
        release = released_at(found[1])
        goes = (with_snapshots or image.imported) and snapshot_id not in used
        if goes and not is_locked(found[1], call.now):
            remove_node(call, *found)
        elif release is not None and release <= call.now:
            call.due(release)
