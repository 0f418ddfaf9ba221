"""Both ways of paging: PageNumber with PageSize, and NextToken with MaxResults.

Works on any list that the caller has already filtered and ordered; holds no state.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, Self, TypeVar

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response
from snapcli.api.types import MaxResults, PageNumber, PageSize

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 10
LARGEST_PAGE_SIZE = 100


class PagedRequest(Request, kw_only=True):
    """Base of the Describe requests that page both ways."""

    page_number: Annotated[PageNumber, "The page to show, from 1."] = 1
    page_size: Annotated[PageSize, "How many a page, at most 100."] = DEFAULT_PAGE_SIZE
    next_token: Annotated[str, "Where to go on: the NextToken of the answer before."] | None = None
    max_results: Annotated[MaxResults, "How many an answer when going on by NextToken."] | None = (
        None
    )


class PagedResponse(Response, kw_only=True):
    """Base of the answers that are a page: where it is among all, and how to go on."""

    total_count: int = 0
    page_number: int = 1
    page_size: int = DEFAULT_PAGE_SIZE
    next_token: str = ""

    def at(self, cut: "Page[Any]") -> Self:
        """Fill in where `cut` is, and return the response."""
        self.total_count = cut.total_count
        self.page_number = cut.page_number
        self.page_size = cut.page_size
        self.next_token = cut.next_token
        return self


class Page(msgspec.Struct, Generic[T]):
    """One page: its items, the count of all, and where the next begins ("" at the end)."""

    items: list[T]
    total_count: int
    page_number: int
    page_size: int
    next_token: str


def page(
    everything: Sequence[T],
    request: PagedRequest,
    *,
    least_results: int = 10,
    most_results: int = LARGEST_PAGE_SIZE,
) -> Page[T]:
    """Cut from `everything` the page that `request` asks for.

    NextToken or MaxResults, once sent, win over the page numbers. Sizes outside their range are
    clamped. A page past the end is empty. Raises ApiError InvalidNextToken for a token not ours.
    """
    total = len(everything)
    if request.next_token is not None or request.max_results is not None:
        size = min(max(request.max_results or 10, least_results), most_results)
        start = offset_of(request.next_token or "")
        number = 1
    else:
        size = min(request.page_size, LARGEST_PAGE_SIZE)
        number = request.page_number
        start = (number - 1) * size
    end = start + size
    return Page(
        items=list(everything[start:end]),
        total_count=total,
        page_number=number,
        page_size=size,
        next_token=token_at(end, total),
    )


def token_at(offset: int, total: int) -> str:
    """Return the NextToken that goes on at `offset` of `total` results, "" at the end."""
    return f"t{offset:015x}" if offset < total else ""


def offset_of(token: str, code: str = "InvalidNextToken", status: int = 400) -> int:
    """Return where a NextToken goes on, 0 for none; raises ApiError for a token not ours."""
    if not token:
        return 0
    if len(token) != 16 or token[0] != "t" or set(token[1:]) - set("0123456789abcdef"):
        raise ApiError(
            code,
            status,
            f"NextToken {token!r} is not one that an earlier answer gave. Leave it out to begin "
            "at the first result.",
        )
    return int(token[1:], 16)
