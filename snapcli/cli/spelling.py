"""The two spellings of one command: `snapcli ecs CreateSnapshot …`, `snapcli create-snapshot …`.

For help, hints and tests; builds words and carries nothing out.
"""

from collections.abc import Mapping

from snapcli.api import catalogue
from snapcli.cli.options import REGION_NAMES, from_wire, spellings


def ecs_words(action: str, given: Mapping[str, str]) -> list[str]:
    """Return the words of the real command's form, the program's name left out."""
    words = [catalogue.ENTRIES[action].product, action]
    for name, text in given.items():
        words += [f"--{name}={text}"] if text.startswith("-") else [f"--{name}", text]
    return words


def friendly_words(action: str, given: Mapping[str, str]) -> list[str]:
    """Return the words of the friendly form, the program's name left out."""
    words = catalogue.ENTRIES[action].command.split()
    for name in REGION_NAMES:
        if name in given:
            words += ["--region", given[name]]
    for spelling in spellings(action, catalogue.load(action).request):
        words += from_wire(spelling, given)
    return words


def shell_line(words: list[str], program: str = "snapcli") -> str:
    """Return the command line that a person types."""
    import shlex

    return shlex.join([program, *words])
