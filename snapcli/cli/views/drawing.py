"""Draws a Listing: a Rich table, or a card for each item where a table is too wide.

Beside the tour's page and the console's the only module that imports Rich; knows no resource.
"""

import io
from collections.abc import Iterator

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from snapcli.cli.streams import Streams
from snapcli.cli.views.listing import Listing, isolated

# A pipe has no width: nothing is cut or wrapped there.
_PIPE_WIDTH = 100_000


def draw_listing(listing: Listing, streams: Streams) -> None:
    """Draw on standard output; ids and names are never cut."""
    terminal = streams.is_terminal("stdout")
    width = streams.width if terminal else _PIPE_WIDTH
    console = console_for(streams, width)
    with console.capture() as captured:
        if terminal and natural_width(listing) > width:
            for card in _cards(listing):
                console.print(card, soft_wrap=True)
        else:
            console.print(_table(listing, marks=terminal))
    lines = (line.rstrip(" ") for line in captured.get().splitlines())
    streams.write("".join(f"{line}\n" for line in lines))


def renderable(listing: Listing, width: int) -> RenderableType:
    """Return what Rich draws of a listing in so many columns, for what draws by itself."""
    if natural_width(listing) > width:
        return Group(*_cards(listing))
    return _table(listing, marks=True)


def console_for(streams: Streams, width: int) -> Console:
    """Return a console to capture from, `width` columns wide, coloured as standard output may."""
    colour = streams.colour("stdout")
    return Console(
        file=io.StringIO(),
        width=width,
        color_system="standard" if colour else None,
        force_terminal=colour,
        highlight=False,
        legacy_windows=False,
    )


def natural_width(listing: Listing) -> int:
    """Return how many columns the whole table takes."""
    widths = [
        max(
            cell_len(line)
            for text in (column, *(row[at] for row in listing.rows))
            for line in (text.splitlines() or [""])
        )
        for at, column in enumerate(listing.columns)
    ]
    # Between two columns two of padding and one of the box.
    return sum(widths) + 3 * (len(widths) - 1)


def _table(listing: Listing, *, marks: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))
    for column in listing.columns:
        table.add_column(column, no_wrap=True, overflow="ignore")
    for row in listing.rows:
        table.add_row(*(_cell(listing, text, marks) for text in row))
    return table


def _cell(listing: Listing, text: str, marks: bool) -> Text:
    style = listing.colours.get(text, "")
    if marks and not text.isascii():
        text = "\n".join(map(isolated, text.split("\n")))
    return Text(text, style=style)


def _cards(listing: Listing) -> Iterator[Text]:
    """Return the lines of a card for each item, an empty one between two."""
    label = max(len(column) for column in listing.columns)
    for number, row in enumerate(listing.rows):
        if number:
            yield Text()
        for column, text in zip(listing.columns, row, strict=True):
            lines = text.splitlines() or [""]
            for at, line in enumerate(lines):
                head = f"{column if at == 0 else '':<{label}}  "
                style = listing.colours.get(line, "")
                yield Text.assemble((head, "bold"), (isolated(line), style), overflow="fold")
