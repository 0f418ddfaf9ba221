"""Which image a caller may use, and whose it is.

A public image has no record; a custom one belongs to an account, and others may share it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from snapcli.api.errors import ApiError
from snapcli.ecs import image_state
from snapcli.ecs.accounts import account_ids
from snapcli.ecs.call import Call
from snapcli.ecs.image_data import PUBLIC_IMAGES, public_family
from snapcli.ecs.records import ImageRecord


class UsableImage(NamedTuple):
    """An image as disks are made from it: its system, its size, and whose snapshots it names."""

    image_id: str
    size_gib: int
    os_type: str
    platform: str
    os_name: str
    os_name_chinese: str
    record: ImageRecord | None = None  # None: a public image
    owner: Call | None = None  # of a custom one: the account whose snapshots it names


def require_image(call: Call, image_id: str, region_id: str) -> UsableImage:
    """Return an image that the account may use in the region, or raise ApiError.

    Raises InvalidImageId.NotFound: an image belongs to its region (IM-5).
    """
    found = find_image(call, image_id, region_id)
    if found is not None:
        return found
    raise ApiError(
        "InvalidImageId.NotFound",
        404,
        f"There is no image {image_id!r} in {region_id}. {_advice(call, image_id)}",
    )


def find_image(call: Call, image_id: str, region_id: str) -> UsableImage | None:
    """Return a public image, one of the account's own, or one shared with it; else None."""
    public = PUBLIC_IMAGES.get(image_id)
    if public is not None:
        return UsableImage(
            image_id,
            public.size_gib,
            public.os_type,
            public.platform,
            public.os_name,
            public.os_name_chinese,
        )
    for owner, record in visible_images(call, region_id):
        if record.image_id == image_id:
            return UsableImage(
                image_id,
                record.disks[0].size_gib,
                record.os_type,
                record.platform,
                record.os_name,
                record.os_name,
                record,
                owner,
            )
    return None


def visible_images(call: Call, region_id: str) -> Iterator[tuple[Call, ImageRecord]]:
    """Yield a region's custom images that the account sees, its own first, with their owners."""
    for record in call.inventory(region_id).images.values():
        yield call, record
    for account_id in account_ids(call.tx):
        if account_id != call.account_id:
            owner = call.for_account(account_id)
            for record in owner.inventory(region_id).images.values():
                if record.public or call.account_id in record.shared_with:
                    yield owner, record


def newest_of_family(call: Call, family: str, region_id: str) -> str:
    """Return the id of a family's newest Available image, "" when there is none (IM-6)."""
    usable = [
        record
        for _, record in visible_images(call, region_id)
        if record.family == family and image_state.status(record, call.now) == "Available"
    ]
    if usable:
        return max(usable, key=lambda record: record.created_at).image_id
    public = (each for each in PUBLIC_IMAGES.values() if public_family(each) == family)
    return next((each.image_id for each in public), "")


def require_own_image(call: Call, image_id: str, region_id: str) -> ImageRecord:
    """Return a custom image of the account itself, or raise ApiError InvalidImageId.NotFound."""
    record = call.inventory(region_id).images.get(image_id)
    if record is not None:
        return record
    raise ApiError(
        "InvalidImageId.NotFound",
        404,
        f"There is no custom image {image_id!r} of this account in {region_id}. "
        f"{_advice(call, image_id)}",
    )


def require_available(call: Call, image: ImageRecord, code: str, status: int) -> None:
    """Raise ApiError `code` unless a custom image is Available."""
    state = image_state.status(image, call.now)
    if state != "Available":
        way_on = {
            "Creating": "Wait until it is.",
            "Deprecated": "ModifyImageAttribute with Status Available makes it so again.",
        }.get(state, "Use another one.")
        raise ApiError(
            code,
            status,
            f"The image {image.image_id} is {state}; it must be Available. {way_on}",
        )


def _advice(call: Call, image_id: str) -> str:
    """Say where the image is, or what it may have been meant to be."""
    from difflib import get_close_matches

    if image_id in PUBLIC_IMAGES:
        return "It is a public image."
    for region_id in call.regions_in_use():
        if image_id in call.inventory(region_id).images:
            return f"It is in {region_id}; CopyImage makes one of it in another region."
    near = get_close_matches(image_id, PUBLIC_IMAGES, n=1)
    return f"Did you mean {near[0]}?" if near else "DescribeImages lists them."
