"""The friendly form: a lazy Click command table over the catalogue and the local commands.

Builds only the command that is asked for; the short help texts are data.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from snapcli import __version__
from snapcli.api import catalogue
from snapcli.cli import environment, exit_codes, grammar
from snapcli.cli.command_table import GROUPS, LOCAL, OTHERS
from snapcli.cli.groups import LazyGroup
from snapcli.cli.session import Session
from snapcli.cli.streams import Streams
from snapcli.cli.usage import UsageError, closest

_BY_COMMAND = {entry.command: entry for entry in catalogue.ENTRIES.values()}

_TOP_EXAMPLES = """\
  # Make a workspace here, then an instance with a system and a data disk
  snapcli init
  snapcli run-instances --image-id ubuntu_18_04_x64_20G_alibase_20220101.vhd \\
    --instance-type ecs.g6.large --data-disk Size=20,Category=cloud_essd
  # See its disks, snapshot one, see the snapshots
  snapcli describe-disks
  snapcli create-snapshot --disk-id d-bp1fw3k1example001 --snapshot-name first
  snapcli describe-snapshots
  # The same in the form of the real command
  snapcli ecs DescribeSnapshots --RegionId cn-hangzhou
"""


def _summaries_of(group: str) -> dict[str, str]:
    head = group + " "
    return {
        command.removeprefix(head): entry.summary
        for command, entry in _BY_COMMAND.items()
        if command.startswith(head)
    }


def _top_summaries() -> dict[str, str]:
    """Return every command at the top with a few words on it, in the order of help."""
    found = {name: entry.summary for name, entry in _BY_COMMAND.items() if " " not in name}
    found |= {name: summary for name, (_, summary) in LOCAL.items()}
    found |= dict(GROUPS) | dict(OTHERS)
    return dict(sorted(found.items(), key=lambda each: _SECTIONS.index(_section(each[0]))))


_SECTIONS = (
    "Snapshots",
    "Disks",
    "Instances",
    "Images",
    "Cloud Assistant",
    "Tags",
    "Regions",
    "Workspace",
)

_SECTION_OF_WORD = {
    "disk": "Disks",
    "instance": "Instances",
    "image": "Images",
    "task": "Images",  # exports and imports
    "tag": "Tags",
    "region": "Regions",
    "zone": "Regions",
}


def _section(name: str) -> str:
    if name in _BY_COMMAND and "snapshot" in name:
        return "Snapshots"
    if name in _BY_COMMAND and not _BY_COMMAND[name].local:
        if name == "reset-disk":
            return "Snapshots"
        for word, title in _SECTION_OF_WORD.items():
            if word in name:
                return title
        return "Cloud Assistant"
    return "Workspace"


def _build_top(name: str) -> click.Command:
    if name in _BY_COMMAND:
        return _build_operation(name)
    if name == "console":
        from snapcli.cli.local import console

        return console.command()
    if name in GROUPS:
        return LazyGroup(
            name,
            GROUPS[name],
            _summaries_of(name),
            lambda inner: _build_operation(f"{name} {inner}"),
        )
    if name in LOCAL:
        command = import_module(LOCAL[name][0]).command
        assert isinstance(command, click.Command)
        return command
    return _help


def operation_named(command: str) -> catalogue.Entry | None:
    """Return the operation that a command stands for, None when there is none."""
    return _BY_COMMAND.get(command)


def _build_operation(command: str) -> click.Command:
    from snapcli.cli.commands import build

    return build(_BY_COMMAND[command].action)


def _version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        from snapcli.cli.help_text import API_VERSION
        from snapcli.workspace.settings import FORMAT

        session: Session = context.find_root().obj
        session.streams.write(
            f"snapcli {__version__} (API {API_VERSION}, workspace format {FORMAT})\n"
        )
        context.exit(0)


def root() -> LazyGroup:
    """Return the top of the command table."""
    variables = "".join(f"  {name:<28} {text}\n" for name, text in environment.TABLE)
    codes = "".join(f"  {code:<4} {text}\n" for code, text in exit_codes.TABLE)
    group = LazyGroup(
        "snapcli",
        "Disk snapshots with the commands of `aliyun ecs`, kept in a local folder: real blocks, "
        "real chains, a clock you can move.",
        _top_summaries(),
        _build_top,
        section_of=_section,
        ending=f"\nEnvironment:\n{variables}\nExit codes:\n{codes}\nExamples:\n{_TOP_EXAMPLES}",
        what="command or product",
    )
    group.params.append(
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Print the version of snapcli, of the API and of the workspace format.",
        )
    )
    return group


@click.command("help", add_help_option=False)
@click.argument("words", nargs=-1)
@click.pass_context
def _help(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Help on a command, on a topic, or `snapcli help ecs <ApiName>`."""
    session: Session = ctx.find_root().obj
    product = words[0].lower() if words else ""
    if product == "ecs" or (product == "ram" and not (words[1:] and words[1].islower())):
        from snapcli.cli import help_text

        text = (
            help_text.action_help(words[1], product)
            if words[1:]
            else help_text.product_help(product)
        )
        session.streams.write(text)
        return
    top = root()
    if words and words[0] not in top.summaries:
        from snapcli.cli import help_topics

        found = help_topics.text(words[0].lower())
        if found is None:
            raise help_topics.unknown(words[0], list(top.summaries))
        session.streams.write(found)
        return
    command: click.Command = top
    context = click.Context(command, info_name="snapcli", obj=session, **command.context_settings)
    for word in words:
        if not isinstance(command, click.Group):
            break
        command = command.resolve_command(context, [word])[1] or command
        context = click.Context(command, info_name=word, parent=context, **command.context_settings)
    session.streams.write(command.get_help(context) + "\n")


def run(argv: Sequence[str], streams: Streams, *, called_as: str = "") -> int:
    """Carry out a command of the friendly form and return its exit code.

    `called_as` is what stood before the command where that is the real command's spelling; then
    the output is too, JSON at a terminal.
    Raises UsageError, ApiError and what the rooms below raise; `failures` prints them.
    """
    session = Session(streams)
    session.exact = bool(called_as)
    command = root()
    words = grammar.joined_fields(argv)
    name = called_as or "snapcli"
    try:
        with command.make_context(name, words or ["--help"], obj=session) as context:
            command.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.exceptions.NoArgsIsHelpError as asked:
        streams.write((asked.ctx.get_help() if asked.ctx else "") + "\n")
        return exit_codes.SUCCESS
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as mistake:
        _refuse(mistake)
    return exit_codes.SUCCESS


def _refuse(mistake: click.ClickException) -> NoReturn:
    """Raise Click's complaint as ours: what was typed, what is nearest, where help is."""
    context = mistake.ctx if isinstance(mistake, click.UsageError) else None
    see = f" See `{context.command_path} --help`." if context else ""
    if isinstance(mistake, click.NoSuchOption):
        options = [
            name
            for parameter in (context.command.get_params(context) if context else [])
            for name in (*parameter.opts, *parameter.secondary_opts)
            if name.startswith("--")
        ]
        raise UsageError(
            f"'{mistake.option_name}' is not a valid parameter or flag.{see}",
            near=closest(mistake.option_name, options),
        )
    near: tuple[str, ...] = ()
    parameter = mistake.param if isinstance(mistake, click.BadParameter) else None
    if parameter is not None and isinstance(parameter.type, click.Choice):
        near = closest(mistake.message.split("'")[1], [str(c) for c in parameter.type.choices])
    raise UsageError(mistake.format_message().rstrip(".") + "." + see, near=near)
