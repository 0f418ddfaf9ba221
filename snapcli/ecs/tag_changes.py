"""TagResources and UntagResources, and the older AddTags and RemoveTags (rule TG-1).

Over several resources all is done or nothing. What carries tags is in `taggable`.
"""

from collections.abc import Sequence
from typing import Annotated

from snapcli.api.errors import ApiError, missing_parameter
from snapcli.api.operation import Group, Request, Response, operation
from snapcli.ecs import ledger, taggable
from snapcli.ecs.call import Call
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.tags import check_key, check_value

_MOST_IDS = 50
_MOST_TAGS = 20


class TagPair(Group):
    """A tag in a request where a key left out is a refusal of its own."""

    key: Annotated[str, "The tag's key."] | None = None
    value: Annotated[str, "The tag's value."] | None = None


class TagResourcesRequest(Request):
    """Which resources get which tags."""

    missing = {
        "ResourceId": ("MissingParameter.ResourceIds", 404),
        "ResourceType": ("MissingParameter.ResourceType", 404),
        "Tag": ("MissingParameter.Tags", 404),
    }
    resource_id: Annotated[list[str], "The resources; up to 50."]
    resource_type: Annotated[str, taggable.RESOURCE_TYPE, "What kind of resources these are."]
    tag: Annotated[list[TagPair], "The tags to set; up to 20."]
    region_id: Annotated[str, "The region of the resources."] = ""


class TagResourcesResponse(Response):
    """Nothing but the RequestId."""


@operation("TagResources", lock=True, changes=True)
def tag_resources(call: Call, request: TagResourcesRequest) -> TagResourcesResponse:
    """Set tags on resources of one kind: a key that is there gets the new value (TG-1)."""
    require_region(request.region_id)
    resource_ids = _checked_ids(request.resource_id)
    if len(request.tag) > _MOST_TAGS:
        raise ApiError(
            "NumberExceed.Tags",
            400,
            f"{len(request.tag)} tags were given; one call sets up to {_MOST_TAGS}.",
        )
    _set(call, request.region_id, request.resource_type, resource_ids, _checked_tags(request.tag))
    return TagResourcesResponse()


def _checked_ids(resource_ids: Sequence[str]) -> list[str]:
    if len(resource_ids) > _MOST_IDS:
        raise ApiError(
            "NumberExceed.ResourceIds",
            400,
            f"{len(resource_ids)} resource ids were given; one call takes up to {_MOST_IDS}.",
        )
    return list(dict.fromkeys(resource_ids))


def _checked_tags(tags: Sequence[TagPair]) -> dict[str, str]:
    checked: dict[str, str] = {}
    for number, tag in enumerate(tags, 1):
        if tag.key is None:
            raise ApiError(
                "InvalidTag.Mismatch",
                400,
                f"Tag {number} has the value {tag.value!r} and no key. Give Tag.{number}.Key too.",
            )
        check_key(tag.key)
        check_value(tag.value or "")
        if tag.key in checked:
            raise ApiError(
                "Duplicate.TagKey", 400, f"The tag key {tag.key!r} was given twice; keys differ."
            )
        _refuse_same_but_case(tag.key, checked, "was given too")
        checked[tag.key] = tag.value or ""
    return checked


def _refuse_same_but_case(key: str, others: dict[str, str], so: str) -> None:
    other = next((each for each in others if each.lower() == key.lower()), key)
    if other != key:
        raise ApiError(
            "TagKey.Duplication",
            403,
            f"The tag key {key!r} is {other!r}, which {so}, but for the case of letters. Case "
            "does not distinguish keys.",
        )


def _set(
    call: Call, region_id: str, kind: str, resource_ids: Sequence[str], tags: dict[str, str]
) -> None:
    """Set the tags on all the resources, or raise ApiError with nothing changed."""
    most = call.settings.quotas.tags_per_resource
    records = [taggable.require(call, region_id, kind, each) for each in resource_ids]
    for resource_id, record in zip(resource_ids, records, strict=True):
        for key in tags:
            if key not in record.tags:
                _refuse_same_but_case(key, record.tags, f"{resource_id} carries already")
        count = len(record.tags | tags)
        if count > most:
            raise ApiError(
                "QuotaExceed.Tags",
                403,
                f"The {kind} {resource_id} carries {len(record.tags)} tags and would carry "
                f"{count}; a resource carries up to {most}. Remove some first.",
            )
    for record in records:
        record.tags = record.tags | tags
    _note_sizes(call, kind, resource_ids)


def _note_sizes(call: Call, kind: str, resource_ids: Sequence[str]) -> None:
    """Have the ledger know under which tags the snapshots are billed from now on."""
    for resource_id in resource_ids if kind == "snapshot" else ():
        ledger.note(call, call.snapshot(resource_id)[0])


class UntagResourcesRequest(Request):
    """Which resources lose which tags."""

    missing = {
        "ResourceId": ("MissingParameter.ResourceIds", 404),
        "ResourceType": ("MissingParameter.ResourceType", 404),
    }
    resource_id: Annotated[list[str], "The resources; up to 50."]
    resource_type: Annotated[str, taggable.RESOURCE_TYPE, "What kind of resources these are."]
    region_id: Annotated[str, "The region of the resources."] = ""
    tag_key: Annotated[list[str], "The keys of the tags to remove; up to 20."] = []
    all: Annotated[bool, "Remove all tags; not together with TagKey."] = False


class UntagResourcesResponse(Response):
    """Nothing but the RequestId."""


@operation("UntagResources", lock=True, changes=True)
def untag_resources(call: Call, request: UntagResourcesRequest) -> UntagResourcesResponse:
    """Remove tags from resources of one kind; a key that one does not carry is passed over."""
    require_region(request.region_id)
    resource_ids = _checked_ids(request.resource_id)
    keys = request.tag_key
    if request.all and keys:
        raise ApiError(
            "Param.Conflict",
            403,
            "All and TagKey were both given. All removes every tag; TagKey only those named.",
        )
    if not request.all and not keys:
        raise missing_parameter("TagKey.1 (or All true)", "MissingParameter.Tags", 404)
    if len(keys) > _MOST_TAGS:
        raise ApiError(
            "NumberExceed.Tags",
            400,
            f"{len(keys)} tag keys were given; one call removes up to {_MOST_TAGS}.",
        )
    for key in keys:
        check_key(key)
    if len(set(keys)) < len(keys):
        raise ApiError("Duplicate.TagKey", 400, "A tag key was given twice; keys differ.")
    records = [
        taggable.require(call, request.region_id, request.resource_type, each)
        for each in resource_ids
    ]
    for record in records:
        record.tags = {
            key: value for key, value in record.tags.items() if not request.all and key not in keys
        }
    _note_sizes(call, request.resource_type, resource_ids)
    return UntagResourcesResponse()


class AddTagsRequest(Request):
    """Which resource gets which tags."""

    resource_id: Annotated[str, "The resource."]
    resource_type: Annotated[str, taggable.RESOURCE_TYPE, "What kind of resource it is."]
    tag: Annotated[list[TagPair], "The tags to set; up to 20."]
    region_id: Annotated[str, "The region of the resource."] = ""


class AddTagsResponse(Response):
    """Nothing but the RequestId."""


@operation("AddTags", lock=True, changes=True)
def add_tags(call: Call, request: AddTagsRequest) -> AddTagsResponse:
    """Set tags on one resource, as older clients do; TagResources is the newer way."""
    require_region(request.region_id)
    _check_count(request.tag)
    tags = _checked_tags(request.tag)
    _set(call, request.region_id, request.resource_type, [request.resource_id], tags)
    return AddTagsResponse()


def _check_count(tags: Sequence[TagPair]) -> None:
    if not 1 <= len(tags) <= _MOST_TAGS:
        raise ApiError(
            "InvalidTagCount",
            400,
            f"{len(tags)} tags were given; one call takes 1 to {_MOST_TAGS}.",
        )


class RemoveTagsRequest(Request):
    """Which resource loses which tags."""

    resource_id: Annotated[str, "The resource."]
    resource_type: Annotated[str, taggable.RESOURCE_TYPE, "What kind of resource it is."]
    region_id: Annotated[str, "The region of the resource."] = ""
    tag: Annotated[
        list[TagPair], "The tags to remove; with a value only where that is the value."
    ] = []


class RemoveTagsResponse(Response):
    """Nothing but the RequestId."""


@operation("RemoveTags", lock=True, changes=True)
def remove_tags(call: Call, request: RemoveTagsRequest) -> RemoveTagsResponse:
    """Remove tags from one resource, as older clients do; UntagResources is the newer way."""
    require_region(request.region_id)
    _check_count(request.tag)
    gone = _checked_tags(request.tag)
    any_value = {tag.key for tag in request.tag if tag.value is None}
    record = taggable.require(call, request.region_id, request.resource_type, request.resource_id)
    record.tags = {
        key: value
        for key, value in record.tags.items()
        if key not in any_value and gone.get(key) != value
    }
    _note_sizes(call, request.resource_type, [request.resource_id])
    return RemoveTagsResponse()
