"""Instants and durations as people type them. Not on the path of a Describe; asks no clock."""

import datetime
import re

_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([wdhms])\s*")
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s*([Zz]|[+-]\d\d:\d\d)?)?"
)
_LONGEST = datetime.timedelta(days=365_000)


def parse_duration(text: str) -> datetime.timedelta:
    """Return the duration `3d2h`, `90s`, `1w2d`, `30m` or `1.5h` stands for; never negative.

    Raises ValueError with a sentence that says what would be right.
    """
    seconds, seen, position = 0.0, set(), 0
    lowered = text.strip().lower()
    while match := _PART.match(lowered, position):
        number, unit = match.groups()
        if unit in seen:
            raise ValueError(f"{text!r} names the unit {unit} twice; write each unit once.")
        seen.add(unit)
        seconds += float(number) * _UNITS[unit]
        position = match.end()
    if position == 0 or position < len(lowered):
        raise ValueError(
            f"{text!r} is not a duration; write numbers with the units w, d, h, m, s, "
            "as in 3d2h, 90s or 1w2d."
        )
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f"{text!r} is too long; at most {_LONGEST.days}d.")
    return datetime.timedelta(seconds=seconds)


def format_duration(duration: datetime.timedelta) -> str:
    """Return a duration as `parse_duration` reads it, `1w2d3h4m5.5s`; negative ones get a minus."""
    sign = "-" if duration < datetime.timedelta(0) else ""
    microseconds = abs(duration) // datetime.timedelta(microseconds=1)
    whole, fraction = divmod(microseconds, 1_000_000)
    parts = []
    for unit, length in _UNITS.items():
        count, whole = divmod(whole, length)
        if unit == "s" and fraction:
            parts.append(f"{count}.{fraction:06d}".rstrip("0") + "s")
        elif count:
            parts.append(f"{count}{unit}")
    return sign + ("".join(parts) or "0s")


def parse_instant(text: str, now: datetime.datetime) -> datetime.datetime:
    """Return the aware UTC datetime that `text` stands for.

    RFC 3339 with or without seconds, with `Z` or an offset (without: UTC); a date alone is its
    midnight; `now`, `+3d2h` and `-1h` are taken from `now`. Raises ValueError with a sentence
    that says what would be right.
    """
    stripped = text.strip()
    if stripped.lower() == "now":
        return now.astimezone(datetime.UTC)
    try:
        if stripped[:1] == "+":
            return now.astimezone(datetime.UTC) + parse_duration(stripped[1:])
        if stripped[:1] == "-":
            return now.astimezone(datetime.UTC) - parse_duration(stripped[1:])
    except OverflowError:
        raise ValueError(f"{text!r} leads out of the calendar.") from None
    match = _INSTANT.fullmatch(stripped)
    if match is None:
        raise ValueError(
            f"{text!r} is not an instant; write it like 2024-01-31T08:00:00Z, "
            "2024-01-31T16:00+08:00 or +3d2h."
        )
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        at = datetime.datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0").ljust(6, "0")[:6]),
            tzinfo=_zone(zone),
        )
        return at.astimezone(datetime.UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not an instant: {error}.") from None


def _zone(text: str | None) -> datetime.tzinfo:
    if text is None or text in "Zz":
        return datetime.UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError(f"there is no offset {text}")
    offset = datetime.timedelta(hours=hours, minutes=minutes)
    return datetime.timezone(-offset if text[0] == "-" else offset)
