"""How values are written in responses: times, sizes, tags. Pure formatting, no rules."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from snapcli.api.operation import Group, Item

GIB = 1 << 30


def seconds_time(instant: datetime | None) -> str:
    """Write an instant as `2019-12-10T16:00:00Z`, None as an empty text."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ") if instant else ""


def minutes_time(instant: datetime | None) -> str:
    """Write an instant as `2019-12-10T16:00Z`, as instances and filters do."""
    return instant.strftime("%Y-%m-%dT%H:%MZ") if instant else ""


class TagItem(Item):
    """A tag in a response."""

    tag_key: str
    tag_value: str


class TagSet(Item):
    """The tags of a resource in a response."""

    tag: list[TagItem]


def tag_set(tags: Mapping[str, str]) -> TagSet:
    """Return the response form of a resource's tags."""
    return TagSet(tag=[TagItem(tag_key=key, tag_value=value) for key, value in tags.items()])


class Tag(Group):
    """A tag in a request, as a filter or to be set."""

    key: Annotated[str, "The tag's key."]
    value: Annotated[str, "The tag's value."] | None = None


def instant_of(text: str) -> datetime | None:
    """Read an instant written like 2019-12-23T12:00Z, with or without seconds; None if not so."""
    for form in ("%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
