"""`snapcli console [TAB]`: the console's tabs, drawn; all of them without a word.

Calls the operations that describe; what they look like is in `views`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
import msgspec

from snapcli.api.operation import Operation
from snapcli.cli import commands, exit_codes, help_text, present
from snapcli.cli.command_table import CONSOLE, GROUPS
from snapcli.cli.groups import LazyGroup
from snapcli.cli.options import Spelling
from snapcli.cli.session import HELPERS, Session
from snapcli.cli.streams import Streams
from snapcli.cli.usage import UsageError

_OVERVIEW = ("snapshots", "chains", "groups", "policies", "size")
# Where something may be in progress.
_WATCHED = ("snapshots", "chain", "groups")
_ENDINGS = (".svg", ".html", ".htm")
_EXAMPLES: Mapping[str, str] = {
    "snapshots": "  # The newest ones, redrawn while they are in creation\n"
    "  snapcli console snapshots --watch\n"
    "  # Those of a disk, for a spreadsheet\n"
    "  snapcli console snapshots --disk-id d-bp1fw3k1example001 --output csv\n",
    "chains": "  # As a picture\n  snapcli console chains --export chains.svg\n",
    "chain": "  # The details of a disk's chain\n  snapcli console chain d-bp1fw3k1example001\n",
    "groups": "  # Those of an instance\n"
    "  snapcli console groups --instance-id i-bp1fw3k1example001\n",
    "policies": "  # All of them\n  snapcli console policies --page-size 100\n",
}
_ENDING = """
Examples:
  # All tabs
  snapcli console
  # Redrawn while something is in progress
  snapcli console --watch
  # A page for a browser
  snapcli console --export overview.html
"""

Gather = Callable[[], "dict[str, object]"]


def _options(*, watch: bool) -> list[click.Option]:
    options = [
        click.Option(
            ["--export"],
            metavar="FILE",
            help="Write the picture to a file in place of drawing it: .svg or .html.",
        )
    ]
    if watch:
        options.append(
            click.Option(
                ["--watch"],
                is_flag=True,
                help="Draw again every second while something is in progress, or until Ctrl-C; "
                "once where the output is no terminal.",
            )
        )
    return options


def command() -> click.Command:
    """Return the group of the tabs, which draws all of them when none is named."""
    return _Console(
        "console",
        GROUPS["console"],
        {name: about for name, (_, _, about) in CONSOLE.items()},
        _build,
        ending=_ENDING,
    )


class _Console(LazyGroup):
    """A group that may be called without a command."""

    def __init__(self, *words: Any, **keywords: Any) -> None:
        super().__init__(*words, **keywords)
        self.invoke_without_command = True
        self.no_args_is_help = False
        self.callback = _all_tabs
        self.params = [*_options(watch=True), *self.params]


@click.pass_context
def _all_tabs(ctx: click.Context, /, export: str | None, watch: bool) -> None:
    if ctx.invoked_subcommand is None:
        ctx.exit(_draw_all(ctx.find_root().obj, export=export, watch=watch))
    if export or watch:
        raise UsageError(
            "--export and --watch stand behind the tab: snapcli console snapshots --watch."
        )


def _build(name: str) -> click.Command:
    action = CONSOLE[name][0]
    examples = _EXAMPLES.get(name) or help_text.examples(action, friendly=True)
    more = _options(watch=name in _WATCHED)
    return commands.build_as(name, action, _draw_one, more, examples)


def _draw_one(
    action: str,
    declared: Operation,
    spelled: Sequence[Spelling],
    given: dict[str, str],
    session: Session,
    *,
    export: str | None = None,
    watch: bool = False,
) -> int:
    if not HELPERS.isdisjoint(session.flags):
        if export or watch:
            raise UsageError(f"--{min(HELPERS & set(session.flags))} prints no picture.")
        return commands.perform(action, declared, spelled, given, session)
    choice = present.chosen(session.output)
    given = commands.complete(declared, spelled, given, session)
    if choice in ("auto", "table"):
        return _draw(lambda: {action: session.invoke(action, given)}, session, export, watch)
    if export or watch:
        raise UsageError("--export and --watch draw; --output says otherwise.")
    response = session.invoke(action, given)
    if not session.quiet:
        present.show(action, response, choice, session)
    return exit_codes.SUCCESS


def _draw_all(session: Session, *, export: str | None, watch: bool) -> int:
    strange = HELPERS.intersection(session.flags)
    if strange:
        raise UsageError(f"--{min(strange)} belongs to one tab: snapcli console snapshots.")
    choice = present.chosen(session.output)
    region = session.known_region()
    actions = [CONSOLE[name][0] for name in _OVERVIEW]

    def gather() -> dict[str, object]:
        return {action: session.invoke(action, {"RegionId": region}) for action in actions}

    if choice in ("auto", "table"):
        return _draw(gather, session, export, watch)
    if choice != "json":
        raise UsageError("All tabs are drawn, or JSON; name one tab: snapcli console snapshots.")
    from snapcli.cli.json_text import json_text

    if export or watch:
        raise UsageError("--export and --watch draw; --output says otherwise.")
    if not session.quiet:
        found = {action: msgspec.to_builtins(each) for action, each in gather().items()}
        session.streams.write_bytes(json_text(found))
    return exit_codes.SUCCESS


def _without_terminal(session: Session) -> Session:
    """Return a session to draw for whose views have all the width that they want."""
    streams = session.streams
    wide = Session(Streams(environ=streams.environ, terminals={"stdout": False}))
    wide.workspace = session.workspace
    return wide


def _draw(gather: Gather, session: Session, export: str | None, watch: bool) -> int:
    """Draw what `gather` finds: into a file, live, or once. Raises UsageError for a bad file."""
    from snapcli.cli.views import page

    streams = session.streams
    if export is not None:
        if not export.lower().endswith(_ENDINGS):
            raise UsageError(f"'{export}' must end in .svg or .html: that says what is written.")
        if watch:
            raise UsageError("--watch draws at a terminal, --export into a file.")
        text = page.exported(page.sections(gather(), _without_terminal(session)), export)
        try:
            with open(export, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise UsageError(
                f"{export} cannot be written: {error.strerror}.", exit_codes.REFUSED
            ) from None
        streams.remark(f"Written to {export}.")
    elif session.quiet:
        gather()
    elif watch and streams.is_terminal("stdout"):
        try:
            page.watch(gather, session)
        except KeyboardInterrupt:
            return exit_codes.SUCCESS  # the way to end it
    else:
        page.draw(page.sections(gather(), session), session)
    return exit_codes.SUCCESS
