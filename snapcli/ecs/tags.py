"""Tags on resources: checking those of a request, and filtering by them (CR-10, TG-1)."""

from collections.abc import Mapping, Sequence

from snapcli.api.errors import ApiError
from snapcli.ecs.call import Call
from snapcli.ecs.wire import Tag


def tags_to_set(call: Call, tags: Sequence[Tag]) -> dict[str, str]:
    """Return the tags of a new resource as a dict after checking them.

    Raises ApiError: Duplicate.TagKey (letter case does not distinguish keys), QuotaExceed.Tags,
    InvalidTagKey.Malformed and InvalidTagValue.Malformed.
    """
    most = call.settings.quotas.tags_per_resource
    if len(tags) > most:
        raise ApiError(
            "QuotaExceed.Tags",
            403,
            f"{len(tags)} tags were given; a resource carries up to {most} "
            "(quotas.tags_per_resource). Give fewer.",
        )
    checked: dict[str, str] = {}
    seen: set[str] = set()
    for tag in tags:
        check_key(tag.key)
        value = tag.value or ""
        check_value(value)
        if tag.key.lower() in seen:
            raise ApiError(
                "Duplicate.TagKey", 400, f"The tag key {tag.key!r} was given twice; keys differ."
            )
        seen.add(tag.key.lower())
        checked[tag.key] = value
    return checked


def check_key(key: str) -> None:
    """Raise ApiError InvalidTagKey.Malformed for a key that no resource may carry."""
    if (
        not 1 <= len(key) <= 128
        or key.lower().startswith(("acs:", "aliyun"))
        or "http://" in key
        or "https://" in key
    ):
        raise ApiError(
            "InvalidTagKey.Malformed",
            400,
            f"The tag key {key!r} is not acceptable. It must have 1 to 128 characters, not begin "
            "with 'acs:' or 'aliyun', and hold neither 'http://' nor 'https://'.",
        )


def check_value(value: str) -> None:
    """Raise ApiError InvalidTagValue.Malformed for a value that no tag may have."""
    if len(value) > 128 or "http://" in value or "https://" in value:
        raise ApiError(
            "InvalidTagValue.Malformed",
            400,
            f"The tag value {value!r} is not acceptable. It must have up to 128 characters and "
            "hold neither 'http://' nor 'https://'.",
        )


def check_filter(tags: Sequence[Tag]) -> None:
    """Raise ApiError InvalidTagCount when a Describe filters by more than 20 tags."""
    if len(tags) > 20:
        raise ApiError(
            "InvalidTagCount", 400, f"{len(tags)} tags were given to filter by; up to 20 can be."
        )


def has_tags(tags: Mapping[str, str], wanted: Sequence[Tag]) -> bool:
    """Say whether a resource's tags match all of `wanted`; a key alone matches any value."""
    return all(
        (key := _as_set(tag.key, tags)) in tags and tag.value in (None, tags[key]) for tag in wanted
    )


def _as_set(key: str, tags: Mapping[str, str]) -> str:
    """Return how a key that is asked for was set: one of the service's has two spellings (AP-8)."""
    return "AppConsistent" if key == "APPConsistent" and key not in tags else key
