"""`--output cols=… [rows=…] [num=true]`: the real command's text table.

Builds text from any response; imports jmespath only when a table is asked for.
"""

from collections.abc import Mapping, Sequence

import msgspec

from snapcli.cli import exit_codes
from snapcli.cli.fields import read_fields
from snapcli.cli.usage import UsageError

_NIL = "<nil>"


class Columns(msgspec.Struct, frozen=True):
    """What `--output` asked for: the columns, the rows' expression, and whether to number them."""

    cols: tuple[str, ...]
    rows: str
    num: bool


def columns(words: Sequence[str]) -> Columns:
    """Read the words of `--output`; unknown fields are ignored, as the real command does.

    Raises UsageError (exit code 1) when `cols=` is missing.
    """
    fields = read_fields(words, ("cols", "rows", "num"))
    if not fields.get("cols"):
        raise UsageError("bad flag format --output with field cols= required", exit_codes.REFUSED)
    return Columns(
        cols=tuple(column.strip() for column in fields["cols"].split(",")),
        rows=fields.get("rows", ""),
        num=fields.get("num") == "true",
    )


def columns_table(wanted: Columns, response: object) -> str:
    """Return the table of `response`, with the empty last line that the real command prints.

    Raises UsageError (exit code 1) when `rows` gives no array, or a column of an array row has
    no index.
    """
    root = msgspec.to_builtins(response)
    rows = _rows(wanted.rows, root)
    headers = list(wanted.cols)
    cells: list[list[str]] = []
    if rows and isinstance(rows[0], list):
        indexes: list[int] = []
        headers = []
        for column in wanted.cols:
            name, _, index = column.partition(":")
            if not (index.isascii() and index.isdigit()):
                raise UsageError(
                    f"colNames: {column} must be string:number format, like 'name:0', "
                    "0 is the array index",
                    exit_codes.REFUSED,
                )
            headers.append(name)
            indexes.append(int(index))
        for row in rows:
            cells.append([_element(row, index) for index in indexes])
    else:
        cells = [[_search(column, row) for column in wanted.cols] for row in rows]
    if wanted.num:
        headers.insert(0, "Num")
        for number, line in enumerate(cells):
            line.insert(0, str(number))
    return _laid_out(headers, cells) + "\n"


def _rows(expression: str, root: object) -> list[object]:
    if not expression:
        return [root]
    import jmespath
    from jmespath.exceptions import JMESPathError

    name = f"RootFilter[0].{expression}"
    try:
        rows = jmespath.search(expression, root)
    except JMESPathError as error:
        first = str(error).splitlines()[0]
        raise UsageError(
            f"jmespath: '{name}' failed SyntaxError: {first}", exit_codes.REFUSED
        ) from None
    if not isinstance(rows, list):
        raise UsageError(f"jmespath: '{name}' failed Need Array Expr", exit_codes.REFUSED)
    return rows


def _search(expression: str, row: object) -> str:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return go_text(jmespath.search(expression, row))
    except JMESPathError:
        return _NIL


def _element(row: object, index: int) -> str:
    if not isinstance(row, list) or index >= len(row):
        return _NIL
    return go_text(row[index])


def go_text(value: object) -> str:
    """Write a value as Go prints it: `<nil>`, `true`, `map[k:v]` with sorted keys, `[a b]`."""
    if value is None:
        return _NIL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{key}:{go_text(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(go_text(element) for element in value) + "]"
    return str(value)


def _laid_out(headers: list[str], cells: list[list[str]]) -> str:
    lines = [headers, ["-" * len(header.encode()) for header in headers], *cells]
    widths = [max(len(line[at]) for line in lines) for at in range(len(headers))]
    return "".join(
        " | ".join(
            [cell.ljust(width) for cell, width in zip(line[:-1], widths, strict=False)] + line[-1:]
        )
        + "\n"
        for line in lines
    )
