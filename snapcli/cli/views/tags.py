"""The console's Tags pages: tags on resources, tags in use, resources by tag. Draws nothing."""

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import Listing, more_text


class _Tagged(msgspec.Struct, rename="pascal"):
    resource_id: str
    resource_type: str
    tag_key: str = ""
    tag_value: str = ""


class _TaggedSet(msgspec.Struct, rename="pascal"):
    tag_resource: list[_Tagged]


class _TaggedAnswer(msgspec.Struct, rename="pascal"):
    tag_resources: _TaggedSet
    next_token: str = ""


class _Counted(msgspec.Struct, rename="pascal"):
    tag_key: str
    tag_value: str
    resource_type_count: dict[str, int]


class _CountedSet(msgspec.Struct, rename="pascal"):
    tag: list[_Counted]


class _CountedAnswer(msgspec.Struct, rename="pascal"):
    tags: _CountedSet


class _ResourceSet(msgspec.Struct, rename="pascal"):
    resource: list[_Tagged]


class _ResourceAnswer(msgspec.Struct, rename="pascal"):
    resources: _ResourceSet


def view(answer: object, _: Session) -> Listing:
    """Return the tags of a ListTagResources answer."""
    found = msgspec.convert(answer, _TaggedAnswer)
    more = f"There are more; --next-token {found.next_token} shows them."
    return Listing(
        what="tags",
        columns=("Resource ID", "Resource Type", "Tag Key", "Tag Value"),
        rows=[
            (tag.resource_id, tag.resource_type, tag.tag_key, tag.tag_value)
            for tag in found.tag_resources.tag_resource
        ],
        more=more if found.next_token else "",
    )


def counted(answer: object, _: Session) -> Listing:
    """Return the tags in use of a DescribeTags answer."""
    found = msgspec.convert(answer, _CountedAnswer).tags.tag
    return Listing(
        what="tags",
        columns=("Tag Key", "Tag Value", "Carried By"),
        rows=[(tag.tag_key, tag.tag_value, _carriers(tag)) for tag in found],
        more=more_text(answer, len(found)),
    )


def _carriers(tag: _Counted) -> str:
    return "\n".join(f"{kind}: {count}" for kind, count in tag.resource_type_count.items() if count)


def resources(answer: object, _: Session) -> Listing:
    """Return the resources of a DescribeResourceByTags answer."""
    found = msgspec.convert(answer, _ResourceAnswer).resources.resource
    return Listing(
        what="resources",
        columns=("Resource ID", "Resource Type"),
        rows=[(each.resource_id, each.resource_type) for each in found],
        more=more_text(answer, len(found)),
    )
