"""Paging both ways."""

import pytest

from snapcli.api.errors import ApiError
from snapcli.api.paging import PagedRequest, page

EVERYTHING = list(range(25))


def test_pages_are_numbered_from_one_and_of_ten_by_default() -> None:
    cut = page(EVERYTHING, PagedRequest())
    assert (cut.items, cut.total_count) == (EVERYTHING[:10], 25)
    assert (cut.page_number, cut.page_size) == (1, 10)
    cut = page(EVERYTHING, PagedRequest(page_number=3))
    assert (cut.items, cut.page_number, cut.next_token) == (EVERYTHING[20:], 3, "")


def test_a_page_past_the_end_is_empty() -> None:
    cut = page(EVERYTHING, PagedRequest(page_number=4))
    assert (cut.items, cut.total_count) == ([], 25)


def test_a_page_size_above_the_largest_is_clamped() -> None:
    cut = page(list(range(300)), PagedRequest(page_size=1000))
    assert (len(cut.items), cut.page_size) == (100, 100)


@pytest.mark.parametrize(
    ("asked", "least", "most", "given"),
    [(1, 10, 100, 10), (1, 1, 100, 1), (50, 10, 100, 50), (400, 10, 100, 100), (400, 10, 500, 400)],
)
def test_max_results_outside_its_range_is_clamped(
    asked: int, least: int, most: int, given: int
) -> None:
    cut = page(
        list(range(600)),
        PagedRequest(max_results=asked),
        least_results=least,
        most_results=most,
    )
    assert len(cut.items) == given


def test_tokens_lead_through_all_results_once() -> None:
    seen: list[int] = []
    token = ""
    for _ in range(9):
        cut = page(EVERYTHING, PagedRequest(max_results=10, next_token=token))
        seen += cut.items
        token = cut.next_token
        if not token:
            break
    assert seen == EVERYTHING


def test_a_token_alone_goes_on_and_wins_over_the_page_number() -> None:
    token = page(EVERYTHING, PagedRequest(max_results=10)).next_token
    cut = page(EVERYTHING, PagedRequest(next_token=token, page_number=1, page_size=3))
    assert cut.items == EVERYTHING[10:20]


def test_the_last_token_is_empty_even_when_the_results_fill_the_page() -> None:
    assert page(EVERYTHING[:10], PagedRequest(max_results=10)).next_token == ""


@pytest.mark.parametrize("token", ["x", "t", "t-00000000000001", "t" + "0" * 14 + "g", "t_1", "5"])
def test_a_token_that_no_answer_gave_is_refused(token: str) -> None:
    with pytest.raises(ApiError, match="NextToken") as caught:
        page(EVERYTHING, PagedRequest(next_token=token))
    assert caught.value.code == "InvalidNextToken"
