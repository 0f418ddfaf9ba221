"""Which image an instance starts from, and what that says of the instance and its system disk."""

from snapcli.api.errors import ApiError, missing_parameter
from snapcli.ecs.call import Call
from snapcli.ecs.disk_categories import check_size
from snapcli.ecs.image_rules import (
    UsableImage,
    newest_of_family,
    require_available,
    require_image,
)
from snapcli.ecs.records import InstanceRecord


def image_to_start(call: Call, image_id: str, family: str, region_id: str) -> UsableImage:
    """Return the image of that id, or without one the newest of the family (IM-6)."""
    if not image_id:
        if not family:
            raise missing_parameter("ImageId")
        image_id = newest_of_family(call, family, region_id)
        if not image_id:
            raise ApiError(
                "InvalidImageId.NotFound",
                404,
                f"There is no usable image of the family {family!r} in {region_id}.",
            )
    image = require_image(call, image_id, region_id)
    if image.record is not None:
        require_available(call, image.record, "IncorrectImageStatus", 400)
    return image


def note_system(instance: InstanceRecord, image: UsableImage) -> None:
    """Note the image of an instance's system disk, and what only a custom image says of it."""
    instance.image_id = image.image_id
    instance.os_name = image.os_name if image.record else ""
    instance.os_type = image.os_type if image.record else ""


def system_disk_size_gib(
    size_gib: int | None, image_size_gib: int, category: str, performance_level: str
) -> int:
    """Return a system disk's size: as asked for when acceptable, else at least 40 GiB."""
    if size_gib is None:
        return max(40, image_size_gib)
    if size_gib < image_size_gib:
        raise ApiError(
            "InvalidSystemDiskSize.LessThanImageSize",
            404,
            f"The system disk of {size_gib} GiB is smaller than its image of {image_size_gib} GiB.",
        )
    check_size(
        size_gib, category, performance_level, "InvalidSystemDiskSize.ValueNotSupported", 400
    )
    return size_gib
