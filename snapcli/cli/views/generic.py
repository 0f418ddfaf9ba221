"""Any answer as a list of its fields, for actions that have no page in the console."""

from snapcli.cli.session import Session
from snapcli.cli.views.listing import Listing


def view(answer: object, _: Session) -> Listing:
    """Return each field of the answer with its value."""
    assert isinstance(answer, dict)
    return Listing(
        what="fields",
        columns=("Field", "Value"),
        rows=[(str(name), _text(value)) for name, value in answer.items()],
    )


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(text for text in map(_text, value.values()) if text)
    if isinstance(value, list):
        return "\n".join(map(_text, value))
    return str(value)
