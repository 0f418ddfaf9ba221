"""The options that every command of the friendly form takes, wherever they stand.

Each sets its choice on the run's Session; a later one wins.
"""

from collections.abc import Callable
from typing import Any

import click

from snapcli.cli.session import Session


def _session(context: click.Context) -> Session:
    found = context.find_root().obj
    assert isinstance(found, Session)
    return found


def _workspace(session: Session, value: str) -> None:
    session.workspace = value


def _region(session: Session, value: str) -> None:
    session.region = value


def _profile(session: Session, value: str) -> None:
    session.profile = value


def _output(session: Session, value: tuple[str, ...]) -> None:
    session.output += value


def _yes(session: Session, value: bool) -> None:
    session.yes = session.yes or value


def _no_color(session: Session, value: bool) -> None:
    session.streams.no_color = session.streams.no_color or value


def _sets(
    apply: Callable[[Session, Any], None],
) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(context: click.Context, _: click.Parameter, value: Any) -> None:
        if value:
            apply(_session(context), value)

    return callback


class GlobalOption(click.Option):
    """An option that belongs to every command; help lists it apart."""


def global_options() -> list[click.Parameter]:
    """Return fresh options for one command."""
    return [
        GlobalOption(
            ["--workspace"],
            metavar="DIR",
            expose_value=False,
            callback=_sets(_workspace),
            help="The workspace folder; else SNAPCLI_WORKSPACE, .snapcli here or above.",
        ),
        GlobalOption(
            ["--region"],
            metavar="REGION",
            expose_value=False,
            callback=_sets(_region),
            help="The region; else SNAPCLI_REGION, else the workspace's.",
        ),
        GlobalOption(
            ["--profile", "-p"],
            metavar="ACCOUNT",
            expose_value=False,
            callback=_sets(_profile),
            help="Act for this account of the workspace; else SNAPCLI_PROFILE, else the current.",
        ),
        GlobalOption(
            ["--output", "-o"],
            metavar="FORMAT",
            multiple=True,
            expose_value=False,
            callback=_sets(_output),
            help="json, table, or cols=A,B [rows=Path[]] [num=true].",
        ),
        GlobalOption(
            ["--yes", "-y"],
            is_flag=True,
            expose_value=False,
            callback=_sets(_yes),
            help="Go on without asking.",
        ),
        GlobalOption(
            ["--no-color"],
            is_flag=True,
            expose_value=False,
            callback=_sets(_no_color),
            help="No colours; NO_COLOR does the same.",
        ),
    ]
