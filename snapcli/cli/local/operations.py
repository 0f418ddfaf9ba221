"""`snapcli operations [NAME...]`: every operation described, for programs with `--json`."""

from collections.abc import Sequence
from typing import Any

import click

from snapcli.api import catalogue
from snapcli.cli.help_layout import HelpedArgument, helped_command
from snapcli.cli.local.common import wants_json
from snapcli.cli.session import Session
from snapcli.cli.usage import UsageError, meant

_EXAMPLES = """\
  # One line an operation
  snapcli operations
  # All that is declared of two of them, for a program
  snapcli operations CreateSnapshot delete-snapshot --json
"""


@click.pass_obj
def _operations(session: Session, /, names: tuple[str, ...], as_json: bool) -> None:
    from snapcli.cli.json_text import json_text

    as_json = wants_json(session) or as_json
    actions = _actions(names) or list(catalogue.ENTRIES)
    streams = session.streams
    if as_json:
        streams.write_bytes(json_text({"Operations": [_described(each) for each in actions]}))
    elif names:
        streams.write("\n".join(_text(_described(each)) for each in actions))
    else:
        width = max(map(len, actions))
        lines = (f"{each:<{width}}  {catalogue.ENTRIES[each].summary}\n" for each in actions)
        streams.write("".join(lines))
        streams.hint("Next: snapcli operations NAME, or --json")


def _actions(names: Sequence[str]) -> list[str]:
    """Return the actions that names or commands (of one word or two) mean. Raises UsageError."""
    by_name = {entry.command: action for action, entry in catalogue.ENTRIES.items()}
    by_name |= {action: action for action in catalogue.ENTRIES}
    found: list[str] = []
    rest = list(names)
    while rest:
        of_two = by_name.get(" ".join(rest[:2]))
        action = of_two or by_name.get(rest[0])
        if action is None:
            raise UsageError(
                f"'{rest[0]}' is not an operation. See `snapcli operations`.",
                near=meant(rest[0], by_name),
            )
        found.append(action)
        del rest[: 2 if of_two and " " in catalogue.ENTRIES[action].command else 1]
    return found


def _described(action: str) -> dict[str, Any]:
    from snapcli.api.description import described
    from snapcli.cli.examples import EXAMPLES
    from snapcli.cli.options import spellings
    from snapcli.cli.spelling import ecs_words, friendly_words, shell_line

    found = described(action)
    options = {
        each.parameter.name: each.option
        for each in spellings(action, catalogue.load(action).request)
    }
    for parameter in found["Parameters"]:
        parameter["Option"] = options.get(parameter["Name"], "--region")
    found["Examples"] = [
        {
            "Shows": shows,
            "Line": shell_line(ecs_words(action, given)),
            "FriendlyLine": shell_line(friendly_words(action, given)),
        }
        for shows, given in EXAMPLES.get(action, ())
    ]
    return found


def _text(found: dict[str, Any]) -> str:
    lines = [f"{found['Action']} (snapcli {found['Command']}): {found['Summary']}"]
    for parameter in found["Parameters"]:
        need = "required" if parameter["Required"] else "optional"
        lines.append(f"  --{parameter['Name']}  {parameter['Type']}, {need}")
    codes = [f"{error['Code']} ({error['HttpStatus']})" for error in found["Errors"]]
    lines.append("  Errors: " + (", ".join(codes) or "none"))
    return "\n".join(lines) + "\n"


command = helped_command(
    "operations",
    _operations,
    "Describe every operation: parameters, answers, errors.",
    _EXAMPLES,
    [
        HelpedArgument("names", "[NAME...]", "Actions or commands; all of them by default.",
                       repeats=True),
        click.Option(
            ["--json", "as_json"], is_flag=True, help="As JSON; the same as --output json."
        ),
    ],
)  # fmt: skip
