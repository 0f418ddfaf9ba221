"""A table as comma-separated values (RFC 4180, lines ended as on Unix). Draws nothing."""

import csv
import io

from snapcli.cli.views.listing import Listing

_BOTH = " ID/Name"


def csv_text(listing: Listing) -> str:
    """Return a header and a line a row; an id and a name in one cell become two columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        name
        for column in listing.columns
        for name in ((column[: -len("/Name")], _name(column)) if _is_both(column) else (column,))
    )
    for row in listing.rows:
        writer.writerow(
            part
            for column, text in zip(listing.columns, row, strict=True)
            for part in _parts(column, text)
        )
    return out.getvalue()


def _is_both(column: str) -> bool:
    return column.endswith(_BOTH)


def _name(column: str) -> str:
    return column.removesuffix(_BOTH) + " Name"


def _parts(column: str, text: str) -> tuple[str, ...]:
    if _is_both(column):
        identity, _, name = text.partition("\n")
        return identity, name
    return (text.replace("\n", "; "),)
