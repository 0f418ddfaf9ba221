"""The text of local commands: a single value bare, several as `name: value`. Draws nothing."""

from collections.abc import Mapping

from snapcli.cli.session import Session


def view(answer: object, _: Session) -> str:
    """Return the answer's fields as lines that a person and a script can read."""
    assert isinstance(answer, Mapping)
    fields = {str(name): value for name, value in answer.items() if name != "RequestId"}
    if len(fields) == 1:
        return f"{next(iter(fields.values()))}\n"
    return "".join(f"{name}: {_text(value)}\n" for name, value in fields.items())


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
