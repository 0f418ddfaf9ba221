"""The console's Snapshot Size tab: a chart in blocks of text, and numbers. Draws text only."""

from datetime import datetime, timedelta

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.chain_view import aligned
from snapcli.cli.views.listing import Calendar, bytes_text

_LEVELS = " ▁▂▃▄▅▆▇█"
_ROWS = 10
_WIDEST = 100
_PIPE_WIDTH = 80
_LEAST_CELLS = 12
_FEW_HOURS = timedelta(days=2)  # up to this, numbers are told by the hour


class _Point(msgspec.Struct, rename="pascal"):
    time: str
    size: int
    standard_size: int
    local_size: int
    archive_size: int
    instant_access_size: int


class _History(msgspec.Struct, rename="pascal"):
    region_id: str
    start: str
    end: str
    points: list[_Point]


def view(answer: object, session: Session) -> str:
    """Return a ShowSizeHistory answer as a chart with the numbers below."""
    history = msgspec.convert(answer, _History)
    calendar = Calendar(session)
    streams = session.streams
    width = min(streams.width, _WIDEST) if streams.is_terminal("stdout") else _PIPE_WIDTH
    lines = _headline(history, calendar)
    if any(point.size for point in history.points):
        lines += ["", *_chart(history, calendar, width), "", *_numbers(history, calendar, width)]
    else:
        lines += ["", "Nothing was stored in this period."]
    return "\n".join(lines) + "\n"


def _headline(history: _History, calendar: Calendar) -> list[str]:
    sizes = [point.size for point in history.points]
    last = history.points[-1]
    kinds = {
        "standard": last.standard_size,
        "local": last.local_size,
        "archive": last.archive_size,
        "with instant access": last.instant_access_size,
    }
    parts = ", ".join(f"{bytes_text(size)} {kind}" for kind, size in kinds.items() if size)
    return [
        f"Snapshot size in {history.region_id}",
        f"{calendar.wire(history.start)} to {calendar.wire(history.end)}",
        f"At the end {bytes_text(last.size)}" + (f" ({parts})" if parts else ""),
        f"Least {bytes_text(min(sizes))}, most {bytes_text(max(sizes))}",
    ]


def _chart(history: _History, calendar: Calendar, width: int) -> list[str]:
    """Return the chart: a column of blocks for each stretch of time, as high as its largest."""
    sizes = [point.size for point in history.points]
    most = max(sizes)
    labels = {0: bytes_text(most), _ROWS // 2: bytes_text(most // 2), _ROWS - 1: "0 B"}
    margin = max(map(len, labels.values()))
    cells = max(width - margin - 3, _LEAST_CELLS)
    # Nothing is drawn lower than it can be seen: what is stored at all is one step high.
    heights = [-(-size * _ROWS * 8 // most) for size in _columns(sizes, cells)]
    lines = []
    for row in range(_ROWS):
        floor = (_ROWS - 1 - row) * 8
        bar = "".join(_LEVELS[min(max(height - floor, 0), 8)] for height in heights)
        lines.append(f"{labels.get(row, ''):>{margin}} ┤{bar}".rstrip())
    lines.append(f"{'':>{margin}} └{'─' * cells}")
    start, end = (_short(calendar, each) for each in (history.start, history.end))
    gap = cells - len(start) - len(end)
    dates = f"{start}{'':>{gap}}{end}" if gap > 0 else f"{end:>{cells}}"
    return [*lines, f"{'':>{margin}}  {dates}"]


def _columns(sizes: list[int], cells: int) -> list[int]:
    """Return a value for each column: the largest of its points, or the nearest one before."""
    count = len(sizes)
    found = []
    for cell in range(cells):
        first = cell * count // cells
        after = max((cell + 1) * count // cells, first + 1)
        found.append(max(sizes[first:after]))
    return found


def _short(calendar: Calendar, text: str) -> str:
    return f"{calendar.local(datetime.fromisoformat(text)):%m-%d %H:%M}"


def _numbers(history: _History, calendar: Calendar, width: int) -> list[str]:
    """Return the size at the end of each day, or of each hour that changed it."""
    start, end = (datetime.fromisoformat(each) for each in (history.start, history.end))
    hourly = end - start <= _FEW_HOURS
    form = "%Y-%m-%d %H:00" if hourly else "%Y-%m-%d"
    groups: dict[str, list[int]] = {}
    for point in history.points:
        there = calendar.local(datetime.fromisoformat(point.time))
        groups.setdefault(there.strftime(form), []).append(point.size)
    rows = [["Hour" if hourly else "Day", "Size at its end", "Change", "Most"]]
    before = history.points[0].size
    for name, sizes in groups.items():
        change = sizes[-1] - before
        if hourly and len(set(sizes)) == 1 and not change and len(rows) > 1:
            continue  # two days of hours in which mostly nothing happened
        sign = "+" if change > 0 else "-" if change < 0 else ""
        rows.append(
            [
                name,
                bytes_text(sizes[-1]),
                f"{sign}{bytes_text(abs(change))}",
                bytes_text(max(sizes)),
            ]
        )
        before = sizes[-1]
    lines = aligned(rows)
    return lines if max(map(len, lines)) <= width else aligned([row[:2] for row in rows])
