"""`--pager` and `--all-pages`: every page of a list, merged into one answer.

Works on any operation that declares PageNumber or NextToken; knows none.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from snapcli.api.operation import Request
from snapcli.api.parameters import describe, names
from snapcli.cli import exit_codes
from snapcli.cli.fields import read_fields
from snapcli.cli.usage import UsageError

_KEYS = ("path", "PageNumber", "PageSize", "TotalCount", "NextToken")
# What a size parameter that may be as large as this says of itself.
_LARGEST = ("1 to 100", "100")

Call = Callable[[Mapping[str, str]], object]


class Pager(msgspec.Struct, frozen=True):
    """Where the list is in an answer ("" to look for it), and what the paging fields are called."""

    path: str
    page_number: str
    page_size: str
    total_count: str
    next_token: str


def pager(words: Sequence[str]) -> Pager:
    """Read the words of `--pager`; `NextToken=` alone asks for paging by number."""
    fields = read_fields(words, _KEYS)
    return Pager(
        path=fields.get("path", ""),
        page_number=fields.get("PageNumber") or "PageNumber",
        page_size=fields.get("PageSize") or "PageSize",
        total_count=fields.get("TotalCount") or "TotalCount",
        next_token=fields.get("NextToken", "NextToken"),
    )


def all_pages(
    wanted: Pager, request: type[Request], given: Mapping[str, str], call: Call
) -> dict[str, Any]:
    """Call for page after page and return the list under the last two parts of its path.

    Raises UsageError (exit code 1) when the answer holds no list there, and what `call` raises.
    """
    accepted = names(request)
    token_name = wanted.next_token
    if token_name == "NextToken" and token_name not in accepted and "Marker" in accepted:
        token_name = "Marker"  # so ram calls it
    asked = dict(given) | _largest(wanted, request, given)
    path, items = wanted.path, []
    while True:
        answer: Any = msgspec.to_builtins(call(asked))
        path = path or _detected(answer)
        page = _page(path, answer)
        items += page
        # Some answers page inside the object that holds their list.
        answer = answer.get(path.split(".")[0]) | answer if _is_deep(path) else answer
        token = _field(answer, token_name) if token_name else None
        if token and token_name in accepted and wanted.page_number not in asked:
            asked[token_name] = str(token)
            continue
        number = _count(answer, wanted.page_number)
        last = number * _count(answer, wanted.page_size) >= _count(answer, wanted.total_count)
        by_token = token_name in asked
        if by_token or last or not page or wanted.page_number not in accepted:
            break
        asked[wanted.page_number] = str(number + 1)
    *_, inner = parts = path.removesuffix("[]").split(".")
    return {parts[-2]: {inner: items}} if len(parts) > 1 else {inner: items}


def _largest(wanted: Pager, request: type[Request], given: Mapping[str, str]) -> dict[str, str]:
    """Return the largest page size, so that few pages do; nothing where a size was given."""
    by_number = wanted.page_number in given or not wanted.next_token
    sizes = (wanted.page_size,) if by_number else ("MaxResults", wanted.page_size)
    if any(size in given for size in (*sizes, "MaxResults")):
        return {}
    rights = {parameter.name: parameter.right for parameter in describe(request)}
    for size in sizes:
        if rights.get(size) == _LARGEST[0]:
            return {size: _LARGEST[1]}
    return {}


def _is_deep(path: str) -> bool:
    return path.count(".") == 2 and path.replace(".", "").isalnum()


def _detected(answer: Any) -> str:
    """Return the path of the list in an answer: one within an object before one at the top."""
    for outer, value in answer.items():
        if isinstance(value, dict):
            for inner, within in value.items():
                if isinstance(within, list):
                    return f"{outer}.{inner}"
    for outer, value in answer.items():
        if isinstance(value, list):
            return str(outer)
    for outer, value in answer.items():
        for inner, within in value.items() if isinstance(value, dict) else ():
            for innermost, held in within.items() if isinstance(within, dict) else ():
                if isinstance(held, list):
                    return f"{outer}.{inner}.{innermost}"
    raise UsageError(
        "call failed can't auto recognize collections path: you need add "
        "`--pager path=[jmespath]` to assign manually",
        exit_codes.REFUSED,
    )


def _page(path: str, answer: object) -> list[Any]:
    from snapcli.cli import query

    found = query.ask(path, answer)
    if not isinstance(found, list):
        raise UsageError(
            f"call failed jmespath: '{path}' gives no array. Name a list of the answer, such as "
            "--pager path=Snapshots.Snapshot",
            exit_codes.REFUSED,
        )
    return found


def _field(answer: Any, expression: str) -> object:
    if expression in answer:
        return answer[expression]
    from snapcli.cli import query

    return query.ask(expression, answer)


def _count(answer: Any, expression: str) -> int:
    found = _field(answer, expression)
    return found if isinstance(found, int) else 0
