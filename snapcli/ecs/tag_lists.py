"""ListTagResources, and the older DescribeTags and DescribeResourceByTags (rules TG-1, TG-2).

Which tags there are, on what. Changes nothing; what carries tags is in `taggable`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar

from snapcli.api import paging
from snapcli.api.errors import ApiError
from snapcli.api.operation import Group, Item, Request, Response, operation
from snapcli.api.types import PageNumber, PageSize, limits
from snapcli.ecs import taggable
from snapcli.ecs.call import Call
from snapcli.ecs.filters import is_like
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.tags import check_filter, has_tags
from snapcli.ecs.wire import Tag

_MOST_IDS = 50
_MOST_TAGS = 20
_A_PAGE = 50  # how many tags an answer of ListTagResources holds


class TagQuery(Group):
    """A tag asked for; a value without its key is a refusal of its own."""

    key: Annotated[str, "The tag's key."] | None = None
    value: Annotated[str, "The tag's value."] | None = None


class TagFilter(Group):
    """A tag asked for by patterns: `*` at the start or end stands for any text."""

    tag_key: Annotated[str, "The key, such as env*."] = ""
    tag_values: Annotated[
        list[str],
        limits("InvalidTagFilter.Malformed", 403, "up to 20 values"),
        "The values, one of which must match.",
    ] = []


class ListTagResourcesRequest(Request):
    """Whose tags to list; all that is given must match."""

    missing = {"ResourceType": ("MissingParameter.ResourceType", 404)}
    resource_type: Annotated[str, taggable.RESOURCE_TYPE, "What kind of resources these are."]
    region_id: Annotated[str, "The region to look in."] = ""
    resource_id: Annotated[list[str], "Only these resources; up to 50."] = []
    tag: Annotated[list[TagQuery], "Only with these tags; a key alone matches any value."] = []
    tag_filter: Annotated[
        list[TagFilter], "Only with tags like these; * stands for any text at start or end."
    ] = []
    next_token: Annotated[str, "Where to go on: the NextToken of the answer before."] = ""


class TagResourceItem(Item):
    """A tag of a resource."""

    resource_id: str
    resource_type: str
    tag_key: str
    tag_value: str


class TagResourceSet(Item):
    """The tags of a response."""

    tag_resource: list[TagResourceItem]


class ListTagResourcesResponse(Response):
    """Up to 50 tags, and how to go on."""

    next_token: str
    tag_resources: TagResourceSet


@operation("ListTagResources", lock=False, changes=False)
def list_tag_resources(call: Call, request: ListTagResourcesRequest) -> ListTagResourcesResponse:
    """List every tag of the resources that match, a resource after the other (TG-1)."""
    require_region(request.region_id)
    tags = _checked_query(request)
    found = [
        TagResourceItem(
            resource_id=resource_id,
            resource_type=request.resource_type,
            tag_key=key,
            tag_value=value,
        )
        for resource_id, carried in _tagged(call, request)
        if has_tags(carried, tags)
        and all(_matches(carried, pattern) for pattern in request.tag_filter)
        for key, value in carried.items()
    ]
    start = paging.offset_of(request.next_token, "Invalid.NextToken", 403)
    return ListTagResourcesResponse(
        next_token=paging.token_at(start + _A_PAGE, len(found)),
        tag_resources=TagResourceSet(tag_resource=found[start : start + _A_PAGE]),
    )


def _tagged(
    call: Call, request: ListTagResourcesRequest
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the resources asked for with their tags; an unknown id has none."""
    kind, region_id = request.resource_type, request.region_id
    if not request.resource_id:
        for resource_id, record in taggable.everything(call, region_id, kind):
            yield resource_id, record.tags
        return
    for resource_id in dict.fromkeys(request.resource_id):
        found = taggable.find(call, region_id, kind, resource_id)
        if found is not None:
            yield resource_id, found.tags


def _checked_query(request: ListTagResourcesRequest) -> list[Tag]:
    if not (request.resource_id or request.tag or request.tag_filter):
        raise ApiError(
            "BothEmpty.TagsAndResources",
            403,
            "Nothing says which tags to list. Give ResourceId.1, Tag.1.Key or TagFilter.1.TagKey.",
        )
    if len(request.resource_id) > _MOST_IDS:
        raise ApiError(
            "NumberExceed.ResourceIds",
            400,
            f"{len(request.resource_id)} resource ids were given; one call takes up to "
            f"{_MOST_IDS}.",
        )
    for given in (request.tag, request.tag_filter):
        if len(given) > _MOST_TAGS:
            raise ApiError(
                "NumberExceed.Tags",
                400,
                f"{len(given)} tags were given; one call takes up to {_MOST_TAGS}.",
            )
    for pattern in request.tag_filter:
        _check_pattern(pattern)
    return _with_keys(request.tag, "InvalidParameter.TagValue", 400)


def _with_keys(tags: Sequence[TagQuery], code: str, status: int) -> list[Tag]:
    """Return the tags asked for, or raise ApiError for a value without a key."""
    found = []
    for number, tag in enumerate(tags, 1):
        if tag.key is None:
            raise ApiError(
                code,
                status,
                f"Tag {number} has the value {tag.value!r} and no key. Give Tag.{number}.Key too.",
            )
        found.append(Tag(key=tag.key, value=tag.value))
    return found


def _check_pattern(pattern: TagFilter) -> None:
    if len(pattern.tag_values) > _MOST_TAGS:
        raise ApiError(
            "NumberExceed.TagValues",
            403,
            f"{len(pattern.tag_values)} tag values were given in one filter; it takes up to "
            f"{_MOST_TAGS}.",
        )
    for text in (pattern.tag_key, *pattern.tag_values):
        if not pattern.tag_key or "*" in text[1:-1]:
            raise ApiError(
                "InvalidTagFilter.Malformed",
                403,
                f"The tag filter {pattern.tag_key!r} with {pattern.tag_values} is not acceptable. "
                "It must have a TagKey, and * only at the start or end of a key or value.",
            )


def _matches(tags: Mapping[str, str], pattern: TagFilter) -> bool:
    return any(
        is_like(key, pattern.tag_key)
        and (not pattern.tag_values or any(is_like(value, each) for each in pattern.tag_values))
        for key, value in tags.items()
    )


class NumberedRequest(Request, kw_only=True):
    """Base of the requests that page by number alone."""

    page_number: Annotated[PageNumber, "The page to show, from 1."] = 1
    page_size: Annotated[PageSize, "How many a page, at most 100."] = paging.DEFAULT_PAGE_SIZE


class NumberedResponse(Response, kw_only=True):
    """Base of their answers: which page of how many results it is."""

    total_count: int = 0
    page_number: int = 1
    page_size: int = paging.DEFAULT_PAGE_SIZE


class DescribeTagsRequest(NumberedRequest):
    """Which tags to list."""

    ignored = ("Category",)
    region_id: Annotated[str, "The region to look in."] = ""
    resource_type: Annotated[str, taggable.RESOURCE_TYPE, "Only of this kind."] | None = None
    resource_id: Annotated[str, "Only of this resource."] = ""
    tag: Annotated[list[TagQuery], "Only these tags; a key alone matches any value."] = []


class ResourceTypeCount(Item):
    """How many resources of each kind carry a tag."""

    unanswered = (
        "Ddh", "Eni", "KeyPair", "LaunchTemplate", "ReservedInstance", "Securitygroup", "Volume",
    )  # fmt: skip
    local: ClassVar[tuple[str, ...]] = ("snapshot_group",)
    disk: int
    image: int
    instance: int
    snapshot: int
    snapshot_policy: int
    snapshot_group: int


class TagCountItem(Item):
    """A tag, and how many resources carry it."""

    resource_type_count: ResourceTypeCount
    tag_key: str
    tag_value: str


class TagCountSet(Item):
    """The tags of a response."""

    tag: list[TagCountItem]


class DescribeTagsResponse(NumberedResponse):
    """A page of tags, by key and value."""

    tags: TagCountSet


@operation("DescribeTags", lock=False, changes=False)
def describe_tags(call: Call, request: DescribeTagsRequest) -> DescribeTagsResponse:
    """List the tags in use, each once, with how many resources of each kind carry it."""
    require_region(request.region_id)
    wanted = _older_query(request.tag)
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for kind in [request.resource_type] if request.resource_type else taggable.KINDS:
        for resource_id, record in taggable.everything(call, request.region_id, kind):
            if request.resource_id not in ("", resource_id):
                continue
            for key, value in record.tags.items():
                if not wanted or any(has_tags({key: value}, [tag]) for tag in wanted):
                    count = counts.setdefault((key, value), dict.fromkeys(taggable.KINDS, 0))
                    count[kind] += 1
    everything = sorted(counts.items())
    size = min(request.page_size, paging.LARGEST_PAGE_SIZE)
    start = (request.page_number - 1) * size
    return DescribeTagsResponse(
        total_count=len(everything),
        page_number=request.page_number,
        page_size=size,
        tags=TagCountSet(
            tag=[
                TagCountItem(resource_type_count=_count(count), tag_key=key, tag_value=value)
                for (key, value), count in everything[start : start + size]
            ]
        ),
    )


def _older_query(tags: Sequence[TagQuery]) -> list[Tag]:
    found = _with_keys(tags, "InvalidTagKey.Malformed", 400)
    check_filter(found)
    return found


def _count(count: Mapping[str, int]) -> ResourceTypeCount:
    return ResourceTypeCount(
        disk=count["disk"],
        image=count["image"],
        instance=count["instance"],
        snapshot=count["snapshot"],
        snapshot_policy=count["snapshotpolicy"],
        snapshot_group=count["snapshotgroup"],
    )


class DescribeResourceByTagsRequest(NumberedRequest):
    """Which resources to list."""

    region_id: Annotated[str, "The region to look in."] = ""
    resource_type: Annotated[str, taggable.RESOURCE_TYPE, "Only of this kind."] | None = None
    tag: Annotated[list[TagQuery], "Only with these tags; a key alone matches any value."] = []


class ResourceItem(Item):
    """A resource that carries the tags."""

    region_id: str
    resource_id: str
    resource_type: str


class ResourceSet(Item):
    """The resources of a response."""

    resource: list[ResourceItem]


class DescribeResourceByTagsResponse(NumberedResponse):
    """A page of resources."""

    resources: ResourceSet


@operation("DescribeResourceByTags", lock=False, changes=False)
def describe_resource_by_tags(
    call: Call, request: DescribeResourceByTagsRequest
) -> DescribeResourceByTagsResponse:
    """List the resources that carry all the tags asked for; without any, all that carry one."""
    require_region(request.region_id)
    wanted = _older_query(request.tag)
    found = [
        ResourceItem(region_id=request.region_id, resource_id=resource_id, resource_type=kind)
        for kind in ([request.resource_type] if request.resource_type else taggable.KINDS)
        for resource_id, record in taggable.everything(call, request.region_id, kind)
        if record.tags and has_tags(record.tags, wanted)
    ]
    size = min(request.page_size, paging.LARGEST_PAGE_SIZE)
    start = (request.page_number - 1) * size
    return DescribeResourceByTagsResponse(
        total_count=len(found),
        page_number=request.page_number,
        page_size=size,
        resources=ResourceSet(resource=found[start : start + size]),
    )
