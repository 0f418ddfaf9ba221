"""Filters that several Describe operations share: creation time, JSON id lists, order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Group
from snapcli.ecs.wire import instant_of


def is_like(text: str, pattern: str) -> bool:
    """Say whether `text` is `pattern`, in which * stands for any text and nothing else does."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    if not text.startswith(first):
        return False
    text = text[len(first) :]
    *middle, last = rest
    for part in middle:
        at = text.find(part)
        if at < 0:
            return False
        text = text[at + len(part) :]
    return text.endswith(last)


class Filter(Group):
    """A named filter of a request, `Filter.1.Key` with `Filter.1.Value`."""

    key: Annotated[str, "CreationStartTime or CreationEndTime."]
    value: Annotated[str, "An instant such as 2019-12-23T12:00Z."] = ""


class CreationWindow:
    """The creation times that a request's filters let through, both bounds included."""

    def __init__(self, filters: Sequence[Filter]) -> None:
        """Read the filters; raises InvalidFilterKey.NotFound and InvalidFilterValue."""
        self.start: datetime | None = None
        self.end: datetime | None = None
        for item in filters:
            if item.key == "CreationStartTime":
                self.start = _instant(item.value)
            elif item.key == "CreationEndTime":
                self.end = _instant(item.value)
            else:
                raise ApiError(
                    "InvalidFilterKey.NotFound",
                    404,
                    f"There is no filter {item.key!r}. It must be CreationStartTime or "
                    "CreationEndTime.",
                )

    def __contains__(self, instant: datetime) -> bool:
        """Say whether `instant`, cut to the second as responses show it, is in the window."""
        shown = instant.replace(microsecond=0)
        return (self.start is None or shown >= self.start) and (
            self.end is None or shown <= self.end
        )


def _instant(text: str) -> datetime:
    instant = instant_of(text)
    if instant is None:
        raise ApiError(
            "InvalidFilterValue",
            404,
            f"The filter value {text!r} is no instant. It must be written like 2019-12-23T12:00Z.",
        )
    return instant
