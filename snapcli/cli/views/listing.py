"""A table as data: columns, rows of texts, and what is said below. Draws nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from snapcli.cli.session import Session

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


class Listing(msgspec.Struct, kw_only=True):
    """What a view makes of a list: the console's columns and a row of texts for each item.

    `what` names the items in the plural; `more` says how to see those that are not on this page;
    `colours` is a colour for a text wherever it stands alone in a cell.
    """

    what: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    more: str = ""
    colours: Mapping[str, str] = {}


class Tag(msgspec.Struct, rename="pascal"):
    """A tag as answered."""

    tag_key: str
    tag_value: str


class Tags(msgspec.Struct, rename="pascal", frozen=True):
    """The tags of one item as answered."""

    tag: list[Tag] = []


class Page(msgspec.Struct, rename="pascal"):
    """The paging fields of an answer."""

    total_count: int = 0
    page_number: int = 1
    page_size: int = 10
    next_token: str = ""


def tags_text(tags: Tags) -> str:
    """Return tags as `key:value`, one a line."""
    return "\n".join(f"{tag.tag_key}:{tag.tag_value}" for tag in tags.tag)


def id_and_name(identity: str, name: str) -> str:
    """Return an id with its name below, as the console shows both in one cell."""
    return f"{identity}\n{name}" if name and name != identity else identity


def disk_type_text(disk_type: str) -> str:
    """Return the console's word for a disk's type."""
    return {"system": "System Disk", "data": "Data Disk"}.get(disk_type, disk_type)


def snapshot_type_text(category: str) -> str:
    """Return the console's words for a snapshot's storage kind."""
    kinds = {"flash": "Local Snapshot", "archive": "Archived Snapshot"}
    return kinds.get(category, "Normal Snapshot")


def encryption_text(encrypted: bool) -> str:
    """Return the console's word for whether something is encrypted."""
    return "Encrypted" if encrypted else "Unencrypted"


def more_text(answer: object, shown: int) -> str:
    """Return a line on how to see the rest, when the answer is only a page of it."""
    page = msgspec.convert(answer, Page)
    if page.total_count <= shown:
        return ""
    return (
        f"{shown} of {page.total_count} shown; --page-number {page.page_number + 1}, or a "
        "--page-size of up to 100, shows more."
    )


class Calendar:
    """Writes instants as the console does, in the account's time zone."""

    def __init__(self, session: Session) -> None:
        import zoneinfo

        try:
            self._zone = zoneinfo.ZoneInfo(_time_zone(session))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            self._zone = zoneinfo.ZoneInfo("UTC")

    def local(self, instant: datetime) -> datetime:
        """Return an instant in the account's time zone."""
        return instant.astimezone(self._zone)

    def text(self, instant: datetime) -> str:
        """Return `March 11, 2022, 10:33`."""
        there = instant.astimezone(self._zone)
        return f"{_MONTHS[there.month - 1]} {there.day}, {there.year}, {there:%H:%M}"

    def wire(self, text: str) -> str:
        """Return the same for a time as responses write it; "" and odd texts as they are."""
        instant = parse_time(text)
        return self.text(instant) if instant else text


def parse_time(text: str) -> datetime | None:
    """Read a time as responses write it, `2022-03-11T02:33:00Z`; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _time_zone(session: Session) -> str:
    import os

    from snapcli.workspace import location, settings

    found = location.find(session.workspace, session.streams.environ, os.getcwd())
    return settings.load(found.path).time_zone


def bytes_text(size_bytes: int) -> str:
    """Return a size in the largest binary unit that keeps it readable, `1.25 GiB`."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size_bytes} B" if unit == "B" else f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} TiB"


def cells_of(text: str) -> int:
    """Return how many columns of a terminal a text takes: Chinese characters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def isolated(text: str) -> str:
    """Return a text that is read from right to left so that it does not turn its neighbours.

    The marks around it (Unicode's isolates) take no room.
    """
    if text.isascii():
        return text
    from unicodedata import bidirectional

    turned = any(bidirectional(char) in ("R", "AL") for char in text)
    return f"\u2068{text}\u2069" if turned else text
