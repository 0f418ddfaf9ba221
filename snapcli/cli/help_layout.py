"""How Click's help is laid out here: own options, then the global ones, then examples."""

import click

from snapcli.cli.given_once import refuse_second
from snapcli.cli.globals import GlobalOption, common_options, global_options
from snapcli.cli.session import HELPERS, Session
from snapcli.cli.usage import UsageError


class HelpedArgument(click.Argument):
    """A positional with a few words on it for help; a missing one is told of by us."""

    def __init__(
        self,
        name: str,
        metavar: str,
        about: str,
        default: str | None = None,
        repeats: bool = False,
    ) -> None:
        super().__init__(
            [name], metavar=metavar, required=False, default=default, nargs=-1 if repeats else 1
        )
        self.about = about
        self.shown = metavar


class HelpedCommand(click.Command):
    """A command whose help ends in its examples and lists the global options apart."""

    examples = ""
    operation = False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        refuse_second(self, ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        session = ctx.find_root().obj
        if isinstance(session, Session) and not self.operation:
            strange = HELPERS.intersection(session.flags)
            if strange:
                raise UsageError(
                    f"--{min(strange)} has no meaning for {ctx.command_path}: it is no operation."
                )
            session.streams.quiet = session.quiet
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_options(self, ctx, formatter)

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        if self.examples:
            formatter.write(f"\nExamples:\n{self.examples}")


def helped_command(
    name: str,
    callback: object,
    summary: str,
    examples: str,
    params: list[click.Parameter],
    *,
    operation: bool = False,
) -> HelpedCommand:
    """Return a command with its own parameters, the global options and examples.

    Only an `operation` takes the options that change how one is called.
    """
    assert callable(callback)
    command = HelpedCommand(
        name=name,
        callback=callback,
        help=summary,
        short_help=summary,
        params=[*params, *(global_options() if operation else common_options())],
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    command.examples = examples
    command.operation = operation
    return command


def write_options(
    command: click.Command, ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    """Write a command's own options, then those that every command takes."""
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    common: list[tuple[str, str]] = []
    for parameter in command.get_params(ctx):
        if isinstance(parameter, HelpedArgument):
            sections["Arguments"].append((parameter.shown, parameter.about))
            continue
        record = parameter.get_help_record(ctx)
        if record is not None:
            is_common = isinstance(parameter, GlobalOption) or parameter.name == "help"
            (common if is_common else sections["Options"]).append(record)
    sections["Global options"] = common
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)
