"""How a response is shown in the friendly form: a view, JSON, or chosen columns.

Chooses; the layouts are in `json_text`, `output` and `views`.
"""

from collections.abc import Sequence
from typing import Literal

from snapcli.api import catalogue
from snapcli.cli import output, views
from snapcli.cli.json_text import json_text
from snapcli.cli.session import Session
from snapcli.cli.usage import UsageError, closest

Choice = Literal["auto", "json", "table", "csv"] | output.Columns

_PLAIN: tuple[Literal["json", "table", "csv"], ...] = ("json", "table", "csv")
_NAMES = (*_PLAIN, "cols=", "rows=", "num=")


def chosen(words: Sequence[str]) -> Choice:
    """Read the words of `--output`. Raises UsageError for a format that does not exist."""
    if not words:
        return "auto"
    for name in _PLAIN:
        if name in words:
            if len(words) > 1:
                raise UsageError(f"--output takes {name} alone, or cols=... [rows=...] [num=true].")
            return name
    strange = [word for word in words if not word.startswith(("cols=", "rows=", "num="))]
    if strange:
        raise UsageError(
            f"'{strange[0]}' is not a valid output format. It must be json, table, csv, or "
            "cols=... [rows=...] [num=true].",
            near=closest(strange[0], _NAMES),
        )
    return output.columns(words)


def show(action: str, response: object, choice: Choice, session: Session) -> None:
    """Print a response on standard output.

    Without a choice, local commands print their text and Describe and List commands a table at a
    terminal; all else is JSON.
    """
    streams = session.streams
    if isinstance(choice, output.Columns):
        streams.write(output.columns_table(choice, response))
        return
    if choice == "csv":
        from snapcli.cli.views.csv_text import csv_text

        streams.write(csv_text(views.table(action, response, session)))
        return
    local = catalogue.ENTRIES[action].local and not session.exact
    listing = action.startswith(("Describe", "List")) and streams.is_terminal("stdout")
    listing = listing and not session.exact
    if choice == "table" or (choice == "auto" and (local or listing)):
        views.draw(action, response, session)
    else:
        streams.write_bytes(json_text(response))


def show_found(found: object, choice: Choice, session: Session) -> None:
    """Print what `--cli-query` found: JSON, or a table where one was asked for."""
    streams = session.streams
    if isinstance(choice, output.Columns):
        streams.write(output.columns_table(choice, found))
    elif choice in ("table", "csv") and isinstance(found, dict | list):
        from snapcli.cli.views import generic

        listing = generic.found(found)
        if choice == "csv":
            from snapcli.cli.views.csv_text import csv_text

            streams.write(csv_text(listing))
        else:
            from snapcli.cli.views.drawing import draw_listing

            draw_listing(listing, streams)
    else:
        streams.write_bytes(json_text(found))
