"""A Click group whose commands are built when asked for and whose help is data."""

from collections.abc import Callable, Mapping

import click

from snapcli.cli.given_once import refuse_second
from snapcli.cli.globals import global_options
from snapcli.cli.help_layout import write_options
from snapcli.cli.usage import UsageError, closest

CONTEXT = {"help_option_names": ["-h", "--help"]}


class LazyGroup(click.Group):
    """Holds a few words on each command, and the function that builds one by its name.

    `section_of` sorts the commands under titles; `ending` is what help ends in.
    """

    def __init__(
        self,
        name: str,
        summary: str,
        summaries: Mapping[str, str],
        build: Callable[[str], click.Command],
        *,
        section_of: Callable[[str], str] = lambda _: "Commands",
        ending: str = "",
        what: str = "",
    ) -> None:
        super().__init__(
            name=name, help=summary, params=global_options(), context_settings=dict(CONTEXT)
        )
        self.summaries = summaries
        self._build = build
        self._section_of = section_of
        self._ending = ending
        self._what = what or f"command of {name}"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        refuse_second(self, ctx, args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return self._build(cmd_name) if cmd_name in self.summaries else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None:
            raise UsageError(
                f"'{name}' is not a valid {self._what}. See `{ctx.command_path} --help`.",
                near=closest(name, self.summaries),
            )
        return name, command, args[1:]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, summary in self.summaries.items():
            sections.setdefault(self._section_of(name), []).append((name, summary))
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)
        write_options(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(
            f"{self._ending}\nRun `{ctx.command_path} COMMAND --help` for a command's options "
            "and examples.\n"
        )
