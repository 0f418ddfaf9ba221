"""TOML text to Settings, key by key, with errors that say what would be right. Writes nothing.

Loaded only when workspace.toml has changed, or is edited, so it may import what it likes.
"""

import datetime
import functools
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import get_args, get_origin

import msgspec

from snapcli.workspace.clock import EARLIEST, LATEST, format_instant
from snapcli.workspace.errors import WorkspaceError
from snapcli.workspace.settings import FORMAT, PRESETS, Settings, Speed
from snapcli.workspace.time_text import parse_instant

Scalar = str | int | float


class Key(msgspec.Struct, frozen=True):
    """One key of workspace.toml: its dotted name, its type, and what it may hold in words."""

    name: str
    type: object
    right: str


def decode(text: str, path: str) -> Settings:
    """Return the settings that the text of the file `path` holds.

    Raises WorkspaceError naming the file, the key, its value and what would be right.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WorkspaceError(
            f"{path} is not valid TOML: {error}.", path, "Correct that line in an editor."
        ) from None
    found = data.get("format", FORMAT)
    if type(found) is int and found > FORMAT:
        raise WorkspaceError(
            f"{path} was written by a newer snapcli (format {found}).", path, "Update snapcli."
        )
    if type(found) is not int or found < 1:
        raise wrong_value(path, "format", found, str(FORMAT))
    speeds = {name: msgspec.to_builtins(speed) for name, speed in PRESETS.items()}
    for dotted, value in _flatten(data, ""):
        name = dotted.split(".")
        if name[0] == "speeds" and len(name) == 2 and value == {}:
            speeds.setdefault(name[1], {})
    values: dict[str, object] = {"speeds": speeds}
    for dotted, value in _flatten(data, ""):
        if value == {}:
            _check_table(path, dotted)
            continue
        _put(values, dotted, check(path, dotted, value))
    settings = msgspec.convert(values, Settings)
    _check_together(path, settings)
    return settings


def check(path: str, dotted: str, value: object, *, from_text: bool = False) -> Scalar:
    """Return the value of one key in the form it is kept in; `from_text`: as typed in a shell.

    Raises WorkspaceError for an unknown key or a value that is not right.
    """
    key = find_key(path, dotted)
    if isinstance(value, datetime.datetime) and dotted == "clock.at":
        value = value.isoformat()  # TOML's own instants are as good as quoted ones
    try:
        converted = msgspec.convert(value, key.type, strict=not from_text)
    except msgspec.ValidationError:
        raise wrong_value(path, dotted, value, key.right) from None
    if isinstance(converted, float) and converted != converted:
        raise wrong_value(path, dotted, value, key.right)
    if dotted == "clock.at" and converted != "":
        converted = _instant(path, str(converted), key.right)
    if dotted == "time_zone":
        _check_time_zone(path, str(converted))
    assert isinstance(converted, str | int | float)
    return plain(converted)


def plain(value: Scalar) -> Scalar:
    """Return a number as a person writes it: 30 rather than 30.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def find_key(path: str, dotted: str) -> Key:
    """Return what is known of a key. Raises WorkspaceError for an unknown one or a table."""
    parts = dotted.split(".")
    speeds = tuple(PRESETS)
    if parts[0] == "speeds" and len(parts) > 1:
        check_speed_name(path, parts[1])
        speeds = (parts[1],)
    known = {key.name: key for key in known_keys(speeds)}
    key = known.get(dotted)
    if key is not None:
        return key
    inside = [name for name in known if name.startswith(dotted + ".")]
    if inside:
        raise WorkspaceError(
            f"{path}: {dotted} is a table.", path, f"It holds {', '.join(inside)}."
        )
    near = _nearest(dotted, known) or [
        # A right name in the wrong table, or with no table, is the usual mistake.
        name
        for name in known
        if name.rsplit(".", 1)[-1] == parts[-1]
    ]
    hint = f"Did you mean {near[0]}?" if near else f"It may hold {', '.join(known)}."
    raise WorkspaceError(f"{path}: there is no setting {dotted}.", path, hint)


@functools.cache
def known_keys(speed_names: tuple[str, ...] = ()) -> tuple[Key, ...]:
    """Return every key in the order of the file, with the keys of the named speeds."""
    found: list[Key] = []
    for field in msgspec.structs.fields(Settings):
        if field.name == "speeds":
            for name in speed_names:
                found += _keys_of(Speed, f"speeds.{name}.")
        elif isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            found += _keys_of(field.type, field.name + ".")
        else:
            found.append(Key(field.name, field.type, _right(field.type)))
    return tuple(found)


def wrong_value(path: str, dotted: str, value: object, right: str) -> WorkspaceError:
    """Return the error for a value that is not right."""
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return WorkspaceError(f"{path}: {dotted} = {shown} is not right: it must be {right}.", path)


def check_speed_name(path: str, name: str) -> None:
    """Raise WorkspaceError for a speed that could not be named in `speed`."""
    key = next(key for key in known_keys() if key.name == "speed")
    try:
        msgspec.convert(name, key.type)
    except msgspec.ValidationError:
        raise WorkspaceError(
            f"{path}: a speed cannot be named {name!r}: it must be {key.right}.", path
        ) from None


def _keys_of(type_: type[msgspec.Struct], prefix: str) -> Iterator[Key]:
    for field in msgspec.structs.fields(type_):
        yield Key(prefix + field.name, field.type, _right(field.type))


def _right(type_: object) -> str:
    for extra in get_args(type_)[1:] if get_origin(type_) is not None else ():
        if isinstance(extra, msgspec.Meta) and extra.description:
            return extra.description
    meta = getattr(type_, "__metadata__", ())
    for extra in meta:
        if isinstance(extra, msgspec.Meta) and extra.description:
            return extra.description
    return f"a value of type {getattr(type_, '__name__', type_)}"


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    import difflib

    return difflib.get_close_matches(name, known, n=1, cutoff=0.6)


def _flatten(data: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    """Yield dotted keys and values; an empty table yields itself, so that it is not forgotten."""
    for name, value in data.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _put(values: dict[str, object], dotted: str, value: Scalar) -> None:
    *tables, last = dotted.split(".")
    for table in tables:
        inner = values.setdefault(table, {})
        assert isinstance(inner, dict)
        values = inner
    values[last] = value


def _check_table(path: str, dotted: str) -> None:
    """An empty table is fine where a table belongs."""
    parts = dotted.split(".")
    if parts[0] == "speeds" and len(parts) == 2:
        check_speed_name(path, parts[1])
        return
    if not any(key.name.startswith(dotted + ".") for key in known_keys(tuple(PRESETS))):
        key = find_key(path, dotted)
        raise wrong_value(path, dotted, "{}", key.right)


def _instant(path: str, text: str, right: str) -> str:
    try:
        at = parse_instant(text, EARLIEST)
    except ValueError:
        raise wrong_value(path, "clock.at", text, right) from None
    # `now` and `+3d` are for the command line; a file read tomorrow must mean the same.
    if not text[:1].isdigit() or not EARLIEST <= at < LATEST:
        raise wrong_value(path, "clock.at", text, right)
    return format_instant(at)


def _check_time_zone(path: str, name: str) -> None:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
        return
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        known = zoneinfo.available_timezones()
    # A machine without a time zone database can check nothing.
    if not known:
        return
    near = _nearest(name, known)
    raise WorkspaceError(
        f'{path}: time_zone = "{name}" is not the name of a time zone.',
        path,
        f"Did you mean {near[0]}?" if near else 'Write a name such as "Asia/Shanghai".',
    )


def _check_together(path: str, settings: Settings) -> None:
    if settings.speed not in settings.speeds:
        names = list(settings.speeds)
        near = _nearest(settings.speed, names)
        raise WorkspaceError(
            f'{path}: speed = "{settings.speed}" is not a speed; there are {", ".join(names)}.',
            path,
            f"Did you mean {near[0]}?" if near else f"Or describe it in [speeds.{settings.speed}].",
        )
    if settings.clock.mode == "frozen" and not settings.clock.at:
        raise WorkspaceError(
            f'{path}: clock.mode = "frozen" needs clock.at, the instant at which it stands.',
            path,
            "Freeze it with: snapcli clock freeze",
        )
