"""An option that takes one value is refused a second one, wherever the two of them stand.

Click lets the last one win, and what was asked for first would be lost without a word.
"""

from collections.abc import Sequence

import click

from snapcli.cli.globals import GlobalOption
from snapcli.cli.usage import duplicated

_GIVEN = "snapcli.given"


def refuse_second(command: click.Command, context: click.Context, words: Sequence[str]) -> None:
    """Raise UsageError (exit code 1) for an option of one value that `words` give again.

    A global option counts with those before the command's name. Raises what Click's parser does.
    """
    _, _, order = command.make_parser(context).parse_args(list(words))
    everywhere: set[str] = context.meta.setdefault(_GIVEN, set())
    here: set[str] = set()
    for option in order:
        if not isinstance(option, click.Option) or not _has_one_value(option):
            continue
        name = str(option.name)
        given = everywhere if isinstance(option, GlobalOption) else here
        if name in given:
            raise duplicated(_as_typed(option, words))
        given.add(name)


def _has_one_value(option: click.Option) -> bool:
    """Tell whether a second mention could say something else; one more `--yes` could not."""
    return not option.multiple and (not option.is_flag or bool(option.secondary_opts))


def _as_typed(option: click.Option, words: Sequence[str]) -> str:
    """Return the last spelling of `option` among the words."""
    names = (*option.opts, *option.secondary_opts)
    for word in reversed(words):
        head = word.partition("=")[0]
        short = head[:2] if not head.startswith("--") else head
        for name in (head, short):
            if name in names:
                return name
    return names[-1]
