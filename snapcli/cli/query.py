"""`--cli-query EXPRESSION`, and whatever else looks into an answer with JMESPath.

Imports jmespath, so it is itself imported only when an expression is to be evaluated.
"""

from collections.abc import Mapping
from typing import Any

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError, ParseError

from snapcli.cli import exit_codes
from snapcli.cli.usage import UsageError


class _Functions(functions.Functions):
    """JMESPath's own functions and the one that the real command adds."""

    @functions.signature({"types": ["object"]})  # type: ignore[untyped-decorator,unused-ignore]
    def _func_to_entries(self, members: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{"key": key, "value": value} for key, value in members.items()]


_OPTIONS = jmespath.Options(custom_functions=_Functions())


def check(expression: str) -> None:
    """Raise UsageError (exit code 1) for an expression that is none."""
    try:
        jmespath.compile(expression)
    except JMESPathError as error:
        raise _failed(error) from None


def ask(expression: str, answer: object) -> object:
    """Return what the expression finds in `answer`, None when nothing matches.

    Raises UsageError (exit code 1) for an expression that is none or does not fit the answer.
    """
    try:
        return search(expression, answer)
    except JMESPathError as error:
        raise _failed(error) from None


def search(expression: str, answer: object) -> object:
    """Return what the expression finds in `answer`. Raises JMESPathError."""
    found: object = jmespath.compile(expression).search(answer, options=_OPTIONS)
    return found


def reason(error: JMESPathError) -> str:
    """Return in one line what is wrong with an expression, as the real command begins it."""
    first = " ".join(str(error).split("\n")[0].split())
    return f"SyntaxError: {first}" if isinstance(error, ParseError) else first


def _failed(error: JMESPathError) -> UsageError:
    return UsageError(f"JMESPath query failed: {reason(error)}", exit_codes.REFUSED)
