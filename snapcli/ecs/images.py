"""DescribeImages and DescribeImageFromFamily: which images there are for an account."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Group, Item, Request, Response, operation
from snapcli.api.paging import DEFAULT_PAGE_SIZE, PagedRequest, page
from snapcli.api.types import PageNumber, PageSize, choice, labelled
from snapcli.ecs.call import Call
from snapcli.ecs.filters import CreationWindow, Filter, is_like
from snapcli.ecs.image_data import PUBLIC_IMAGES, PUBLIC_SINCE
from snapcli.ecs.image_items import FamilyImageItem, ImageItem, item_of, public_item
from snapcli.ecs.image_making import ARCHITECTURES
from snapcli.ecs.image_rules import newest_of_family, visible_images
from snapcli.ecs.records import ImageRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.tags import check_filter, has_tags
from snapcli.ecs.wire import Tag


class ImageFilter(Group):
    """A named filter, `Filter.1.Key` with `Filter.1.Value`."""

    key: Annotated[str, "CreationStartTime, CreationEndTime or NetworkType."]
    value: Annotated[str, "An instant such as 2019-12-23T12:00Z; vpc or classic."] = ""


class DescribeImagesRequest(Request):
    """Which images to list; all filters must match."""

    ignored = ("ShowExpired",)
    region_id: Annotated[str, "The region to look in."] = ""
    image_id: Annotated[str, "Only these ids, separated by commas, up to 100."] = ""
    image_name: Annotated[str, "Only with such a name; * stands for any text."] = ""
    image_family: Annotated[str, "Only of this family."] = ""
    image_owner_alias: (
        Annotated[
            str,
            choice(
                "InvalidImageOwnerAlias.ValueNotSupported",
                400,
                "system",
                "self",
                "others",
                "marketplace",
            ),
            "system: public; self: one's own; others: shared with this account.",
        ]
        | None
    ) = None
    image_owner_id: Annotated[int, labelled("Long"), "Only of the account with this id."] | None = (
        None
    )
    status: Annotated[str, "Only in these states, separated by commas."] = "Available"
    snapshot_id: Annotated[str, "Only those that hold this snapshot."] = ""
    usage: (
        Annotated[
            str,
            choice("InvalidUsage", 404, "instance", "none"),
            "Only those that instances were made from, or only the others.",
        ]
        | None
    ) = None
    architecture: (
        Annotated[
            str, choice("InvalidArchitecture", 404, *ARCHITECTURES), "Only of this architecture."
        ]
        | None
    ) = None
    os_type: (
        Annotated[
            str, choice("InvalidOSType", 404, "linux", "windows"), "Only of this kind of system."
        ]
        | None
    ) = msgspec.field(name="OSType", default=None)
    action_type: (
        Annotated[
            str,
            choice("InvalidParamter", 400, "CreateEcs", "ChangeOS"),
            "Only those that can make instances, or replace a system disk.",
        ]
        | None
    ) = None
    instance_type: Annotated[str, "Only those that such an instance can run."] = ""
    is_public: Annotated[bool, "Only public ones, or only the others."] | None = None
    is_support_cloudinit: Annotated[bool, "All do."] | None = None
    is_support_io_optimized: Annotated[bool, "All do."] | None = None
    resource_group_id: Annotated[str, "Only of this resource group."] = ""
    tag: Annotated[list[Tag], "Only with these tags; a key alone matches any value."] = []
    filter: Annotated[
        list[ImageFilter], "Only created in a span: CreationStartTime, …EndTime."
    ] = []
    page_number: Annotated[PageNumber, "The page to show, from 1."] = 1
    page_size: Annotated[PageSize, "How many a page, at most 100."] = DEFAULT_PAGE_SIZE
    dry_run: Annotated[bool, "Check the request only."] = False


class ImageSet(Item):
    """The images of a response."""

    image: list[ImageItem]


class DescribeImagesResponse(Response):
    """A page of images: one's own first, newest first, then shared ones, then the public ones."""

    images: ImageSet
    region_id: str
    total_count: int
    page_number: int
    page_size: int


@operation("DescribeImages", lock=False, changes=False)
def describe_images(call: Call, request: DescribeImagesRequest) -> DescribeImagesResponse:
    """List the images that the account sees in a region; changes nothing."""
    require_region(request.region_id)
    check_filter(request.tag)
    items = [item for item in _items(call, request) if _fits(request, item)]
    asked = PagedRequest(page_number=request.page_number, page_size=request.page_size)
    cut = page(items, asked)
    return DescribeImagesResponse(
        images=ImageSet(image=cut.items),
        region_id=request.region_id,
        total_count=cut.total_count,
        page_number=cut.page_number,
        page_size=cut.page_size,
    )


def _items(call: Call, request: DescribeImagesRequest) -> Iterator[ImageItem]:
    """Yield what the records' own filters let through."""
    window = CreationWindow(_time_filters(request))
    if request.instance_type:
        from snapcli.ecs.instance_types import require_instance_type

        require_instance_type(request.instance_type)
    found = list(visible_images(call, request.region_id))
    found.sort(key=lambda each: each[1].created_at, reverse=True)
    found.sort(key=lambda each: each[0] is not call)
    used = {each.image_id for each in call.inventory(request.region_id).instances.values()}
    for owner, image in found:
        if (
            image.created_at in window
            and _holds(image, request.snapshot_id)
            and (
                not request.resource_group_id
                or image.resource_group_id == request.resource_group_id
            )
            and has_tags(image.tags if owner is call else {}, request.tag)
            and not (request.action_type == "ChangeOS" and _has_data(image))
        ):
            yield item_of(call, owner, image, image.image_id in used)
    if request.tag or request.resource_group_id or request.snapshot_id:
        return  # public images have none of these
    if PUBLIC_SINCE in window:
        for public in PUBLIC_IMAGES.values():
            yield public_item(public, public.image_id in used)


def _time_filters(request: DescribeImagesRequest) -> list[Filter]:
    """Return the filters by time; the network type tells nothing apart here."""
    times = []
    for each in request.filter:
        if each.key != "NetworkType":
            times.append(Filter(key=each.key, value=each.value))
        elif each.value not in ("vpc", "classic"):
            raise ApiError(
                "InvalidFilterValue.NetworkType",
                400,
                f"There is no network type {each.value!r}. It must be vpc or classic.",
            )
    return times


def _holds(image: ImageRecord, snapshot_id: str) -> bool:
    return not snapshot_id or any(disk.snapshot_id == snapshot_id for disk in image.disks)


def _has_data(image: ImageRecord) -> bool:
    return any(disk.type == "data" for disk in image.disks)


def _fits(request: DescribeImagesRequest, item: ImageItem) -> bool:
    """Say whether an image is among those that are asked for, from what is answered of it."""
    alias = request.image_owner_alias
    if request.instance_type and item.architecture == "arm64":
        return False
    return (
        (not request.image_id or item.image_id in _listed(request.image_id))
        and item.status in _listed(request.status)
        and (not request.image_name or is_like(item.image_name, request.image_name))
        and (not request.image_family or item.image_family == request.image_family)
        and (alias is None or item.image_owner_alias == alias)
        and (request.image_owner_id is None or item.image_owner_id == request.image_owner_id)
        and (request.usage is None or item.usage == request.usage)
        and (request.architecture is None or item.architecture == request.architecture)
        and (request.os_type is None or item.os_type == request.os_type)
        and (request.is_public is None or item.is_public == request.is_public)
        and (request.is_support_cloudinit is not False)
        and (request.is_support_io_optimized is not False)
    )


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


class DescribeImageFromFamilyRequest(Request):
    """Which family's newest image to show."""

    image_family: Annotated[str, "The family."]
    region_id: Annotated[str, "The region to look in."] = ""


class DescribeImageFromFamilyResponse(Response):
    """The newest image of the family, or none."""

    image: FamilyImageItem | msgspec.UnsetType = msgspec.UNSET


@operation("DescribeImageFromFamily", lock=False, changes=False)
def describe_image_from_family(
    call: Call, request: DescribeImageFromFamilyRequest
) -> DescribeImageFromFamilyResponse:
    """Show the newest Available image of a family (IM-6)."""
    require_region(request.region_id)
    image_id = newest_of_family(call, request.image_family, request.region_id)
    asked = DescribeImagesRequest(region_id=request.region_id, image_id=image_id)
    found = [item for item in _items(call, asked) if item.image_id == image_id]
    if not found:
        return DescribeImageFromFamilyResponse()
    item = msgspec.to_builtins(found[0])
    return DescribeImageFromFamilyResponse(image=msgspec.convert(item, FamilyImageItem))
