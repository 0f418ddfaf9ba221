"""One tab of the console or several as a page: drawn once, drawn live, or as SVG or HTML.

Puts together what the views make; knows no resource. Imports Rich.
"""

import io
import re
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from snapcli.cli import views
from snapcli.cli.command_table import CONSOLE
from snapcli.cli.session import Session
from snapcli.cli.streams import Streams
from snapcli.cli.views.drawing import console_for, draw_listing, natural_width, renderable
from snapcli.cli.views.listing import Listing, cells_of

_REDRAW_SECONDS = 1.0
_LEAST_WIDTH, _MOST_WIDTH = 60, 300
_TITLES = {action: title for action, title, _ in CONSOLE.values()}
# A picture asks nobody for a font: it is drawn with one that is there.
_SVG = re.sub(r"\s*@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "<!-- Generated with Rich https://www.textualize.io -->", ""
)


class Section(msgspec.Struct):
    """A tab: its title and picture, and whether something in it is in progress."""

    title: str
    picture: Listing | str
    progressing: bool


def sections(found: Mapping[str, object], session: Session) -> list[Section]:
    """Return the tabs of what the operations answered, by action."""
    return [
        Section(
            _TITLES[action],
            views.picture(action, response, session),
            _progressing(msgspec.to_builtins(response)),
        )
        for action, response in found.items()
    ]


def _progressing(value: object) -> bool:
    if isinstance(value, dict):
        return value.get("Status") == "progressing" or any(map(_progressing, value.values()))
    return isinstance(value, list) and any(map(_progressing, value))


def draw(tabs: Sequence[Section], session: Session) -> None:
    """Draw the tabs once on standard output, each below its title where there are several."""
    streams = session.streams
    for number, tab in enumerate(tabs):
        if len(tabs) > 1:
            streams.write(("\n" if number else "") + _headed(tab.title, streams) + "\n")
        if isinstance(tab.picture, str):
            streams.write(tab.picture)
        elif tab.picture.rows or (len(tabs) == 1 and not streams.is_terminal("stderr")):
            draw_listing(tab.picture, streams)
            if tab.picture.more and streams.is_terminal("stderr"):
                streams.remark(tab.picture.more)
        elif len(tabs) > 1:
            streams.write(_nothing(tab.picture) + "\n")
        else:
            streams.remark(_nothing(tab.picture))


def _headed(title: str, streams: Streams) -> str:
    console = console_for(streams, max(cells_of(title), 1))
    with console.capture() as captured:
        console.print(Text(title, style="bold"))
    return captured.get().rstrip("\n")


def _nothing(listing: Listing) -> str:
    return f"No {listing.what} found."


def _whole(tabs: Sequence[Section], width: int) -> RenderableType:
    parts: list[RenderableType] = []
    for number, tab in enumerate(tabs):
        if len(tabs) > 1:
            parts += [Text()] if number else []
            parts.append(Text(tab.title, style="bold"))
        if isinstance(tab.picture, str):
            parts.append(Text(tab.picture.rstrip("\n"), overflow="fold"))
        elif tab.picture.rows:
            parts.append(renderable(tab.picture, width))
            parts += [Text(tab.picture.more, overflow="fold")] if tab.picture.more else []
        else:
            parts.append(Text(_nothing(tab.picture)))
    return Group(*parts)


def watch(gather: Callable[[], dict[str, object]], session: Session) -> None:
    """Draw again every second, in place, until nothing is in progress any more."""
    streams = session.streams
    console = Console(
        file=streams.stream("stdout"),
        width=streams.width,
        color_system="standard" if streams.colour("stdout") else None,
        force_terminal=True,
        highlight=False,
        legacy_windows=False,
    )
    live = Live(console=console, auto_refresh=False)
    try:
        live.start()
        while True:
            tabs = sections(gather(), session)
            live.update(_whole(tabs, streams.width), refresh=True)
            if not any(tab.progressing for tab in tabs):
                return
            time.sleep(_REDRAW_SECONDS)
    finally:
        # Wherever Ctrl-C came, the cursor is shown again.
        live.stop()
        console.show_cursor()


def exported(tabs: Sequence[Section], name: str) -> str:
    """Return the page as SVG or HTML, as the end of the file's name says, as wide as its tables."""
    widest = max(_LEAST_WIDTH, *(_width(tab.picture) for tab in tabs))
    width = min(widest, _MOST_WIDTH)
    console = Console(
        record=True,
        width=width,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
        legacy_windows=False,
    )
    console.print(_whole(tabs, width))
    title = "Snapshots" if len(tabs) > 1 else tabs[0].title
    if name.lower().endswith(".svg"):
        return console.export_svg(title=title, code_format=_SVG, unique_id="snapcli")
    return console.export_html(inline_styles=True)


def _width(picture: Listing | str) -> int:
    if isinstance(picture, str):
        return max(map(cells_of, picture.splitlines()), default=0)
    return natural_width(picture)
