"""`snapcli config get|set|list`: the workspace's settings, with the file's comments kept."""

import click

from snapcli.cli.groups import LazyGroup
from snapcli.cli.help_layout import HelpedArgument, helped_command
from snapcli.cli.local.common import lacking, wants_json, workspace_path
from snapcli.cli.session import Session
from snapcli.cli.usage import UsageError

_SUMMARIES = {
    "get": "Print the value of a setting.",
    "set": "Change a setting.",
    "list": "Print every setting, its value and where it is from.",
}
# These move the workspace's time, which is the service's to do.
_CLOCK = {
    "clock.mode": "Mode",
    "clock.offset_seconds": "OffsetSeconds",
    "clock.at": "At",
}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@click.pass_obj
def _get(session: Session, /, key: str | None) -> None:
    from snapcli.cli.json_text import json_text
    from snapcli.workspace import settings_edit
    from snapcli.workspace.errors import SettingError

    if key is None:
        raise lacking("snapcli config get", "KEY")
    try:
        value = settings_edit.get(workspace_path(session), key)
    except SettingError as error:
        raise UsageError(str(error)) from None
    if wants_json(session):
        session.streams.write_bytes(json_text({key: value}))
    else:
        session.streams.write(_text(value) + "\n")


@click.pass_obj
def _set(session: Session, /, key: str | None, value: str | None) -> None:
    from snapcli.workspace import settings_edit
    from snapcli.workspace.errors import SettingError

    if key is None:
        raise lacking("snapcli config set", "KEY", "VALUE")
    if value is None:
        raise lacking("snapcli config set", "VALUE")
    path = workspace_path(session)
    try:
        if key in _CLOCK and _has_time(path):
            settings_edit.check_value(path, key, value)
            session.invoke("ConfigureClock", {_CLOCK[key]: value})
            kept = settings_edit.get(path, key)
        else:
            kept = settings_edit.set_value(path, key, value)
    except SettingError as error:
        raise UsageError(str(error)) from None
    session.streams.write(f"{key} = {_text(kept)}\n")


def _has_time(path: str) -> bool:
    """Tell whether the settings as they stand give a time; else they can only be put right."""
    from snapcli.workspace import clock, settings
    from snapcli.workspace.errors import WorkspaceError

    try:
        clock.Clock(settings.load(path).clock).now()
    except WorkspaceError:
        return False
    return True


@click.pass_obj
def _list(session: Session, /) -> None:
    from snapcli.cli import present
    from snapcli.cli.json_text import json_text
    from snapcli.cli.views.csv_text import csv_text
    from snapcli.cli.views.listing import Listing
    from snapcli.workspace import settings_edit

    choice = present.chosen(session.output)
    values = settings_edit.list_values(workspace_path(session))
    if choice == "json":
        session.streams.write_bytes(json_text({key: value for key, value, _ in values}))
        return
    listing = Listing(
        what="settings",
        columns=("Setting", "Value", "From"),
        rows=[(key, _text(value), source) for key, value, source in values],
    )
    if choice == "csv":
        session.streams.write(csv_text(listing))
        return
    from snapcli.cli.views.drawing import draw_listing

    draw_listing(listing, session.streams)


def _build(name: str) -> click.Command:
    key = HelpedArgument("key", "KEY", "A setting as `snapcli config list` names it.")
    if name == "get":
        return helped_command("get", _get, _SUMMARIES["get"], "  snapcli config get speed\n", [key])
    if name == "set":
        return helped_command(
            "set",
            _set,
            _SUMMARIES["set"],
            "  # Snapshots are finished at once\n  snapcli config set speed instant\n",
            [key, HelpedArgument("value", "VALUE", "Its new value.")],
        )
    return helped_command("list", _list, _SUMMARIES["list"], "  snapcli config list\n", [])


command = LazyGroup("config", "Show and change the workspace's settings.", _SUMMARIES, _build)
