"""The options that every command of the friendly form takes, wherever they stand.

Each sets its choice on the run's Session; one that takes a value stands on a line once.
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


def _config_path(session: Session, value: str) -> None:
    session.config_path = value


def _request_region(session: Session, value: str) -> None:
    session.request_region = value


def _output(session: Session, value: tuple[str, ...]) -> None:
    session.output += value


def _quiet(session: Session, value: bool) -> None:
    session.quiet = True
    session.flags = {**session.flags, "quiet": ()}


def _flag(name: str) -> Callable[[Session, Any], None]:
    """Return what notes a flag that `calling` carries out, with the values it was given."""

    def note(session: Session, value: Any) -> None:
        words = (value,) if isinstance(value, str) else value if value is not True else ()
        session.flags = {**session.flags, name: (*session.flags.get(name, ()), *words)}

    return note


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
    """Return fresh options for the command of an operation, or for a group."""
    return [*common_options(), *_helper_options()]


def _helper_options() -> list[click.Parameter]:
    """Return the options of the real command that change how an operation is called."""
    fields: tuple[tuple[str, str, str], ...] = (
        (
            "waiter",
            "expr=PATH to=VALUE [timeout=180] [interval=5]",
            "Call again until the text at PATH of the answer is VALUE; exit code 6 after timeout "
            "seconds of the workspace's time.",
        ),
        ("pager", "[path=PATH]", "Merge all pages of a list into one answer."),
    )
    switches: tuple[tuple[str, str], ...] = (
        ("all-pages", "The same as --pager."),
        ("dryrun", "Print the request and send nothing. (An API's --dry-run is sent and checked.)"),
        ("cli-dry-run", "The same in words."),
        ("cli-dry-run-json", "The same as JSON."),
    )
    return [
        GlobalOption(
            ["--cli-query"],
            metavar="JMESPATH",
            expose_value=False,
            callback=_sets(_flag("cli-query")),
            help="Print only what the JMESPath expression finds in the answer, as JSON.",
        ),
        *(
            GlobalOption(
                [f"--{name}"],
                metavar=metavar,
                multiple=True,
                expose_value=False,
                callback=_sets(_flag(name)),
                help=text,
            )
            for name, metavar, text in fields
        ),
        *(
            GlobalOption(
                [f"--{name}"],
                is_flag=True,
                expose_value=False,
                callback=_sets(_flag(name)),
                help=text,
            )
            for name, text in switches
        ),
    ]


def _hidden_options() -> list[click.Parameter]:
    """Return options that are taken for the sake of the real command's scripts."""
    hidden: tuple[tuple[str, Callable[[Session, str], None]], ...] = (
        ("--config-path", _config_path),
        ("--biz-region-id", _request_region),
    )
    return [
        GlobalOption([name], hidden=True, expose_value=False, callback=_sets(apply))
        for name, apply in hidden
    ]


def common_options() -> list[click.Parameter]:
    """Return fresh options for a command that is no operation."""
    return [
        *_hidden_options(),
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
            help="Act for this account of the workspace, or in the region of this profile of "
            "~/.aliyun/config.json; else SNAPCLI_PROFILE, else the current account.",
        ),
        GlobalOption(
            ["--output", "-o"],
            metavar="FORMAT",
            multiple=True,
            expose_value=False,
            callback=_sets(_output),
            help="json, table, csv, or cols=A,B [rows=Path[]] [num=true].",
        ),
        GlobalOption(
            ["--quiet", "-q"],
            is_flag=True,
            expose_value=False,
            callback=_sets(_quiet),
            help="Print nothing on success.",
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
