"""Any answer as a list of its fields, for actions that have no page in the console."""

from snapcli.cli.session import Session
from snapcli.cli.views.listing import Listing


def view(answer: object, _: Session | None) -> Listing:
    """Return each field of the answer with its value."""
    assert isinstance(answer, dict)
    return Listing(
        what="fields",
        columns=("Field", "Value"),
        rows=[(str(name), _text(value)) for name, value in answer.items()],
    )


def found(answer: dict[str, object] | list[object]) -> Listing:
    """Return what a query found: an object's fields, or a list's elements a row each."""
    if isinstance(answer, dict):
        return view(answer, None)
    names: dict[str, None] = {}
    for element in answer:
        names |= dict.fromkeys(element if isinstance(element, dict) else ())
    if not names:
        return Listing(
            what="values", columns=("Value",), rows=[(_text(element),) for element in answer]
        )
    return Listing(
        what="items",
        columns=tuple(names),
        rows=[
            tuple(
                _text(element.get(name, "") if isinstance(element, dict) else "") for name in names
            )
            for element in answer
        ],
    )


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(text for text in map(_text, value.values()) if text)
    if isinstance(value, list):
        return "\n".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
