"""`snapcli help TOPIC`: subjects that are wider than one command, a text file each in `topics/`.

A topic's first line, after `# `, says what it is about. Finds and reads texts; prints nothing.
"""

import os
from collections.abc import Sequence

from snapcli.cli.usage import UsageError, closest

_FOLDER = os.path.join(os.path.dirname(__file__), "topics")
_ENDING = ".md"
LIST = "topics"


def names() -> list[str]:
    """Return the names of all topics, sorted."""
    return sorted(
        name.removesuffix(_ENDING) for name in os.listdir(_FOLDER) if name.endswith(_ENDING)
    )


def text(name: str) -> str | None:
    """Return what `snapcli help NAME` prints for a topic or the list of them; None for neither.

    The marks of Markdown are left out: commands stand as they are typed.
    """
    if name == LIST:
        return _list()
    if name not in names():
        return None
    return _read(name).removeprefix("# ").replace("`", "")


def source(name: str) -> str:
    """Return a topic as it is written, its commands in backticks."""
    return _read(name)


def _read(name: str) -> str:
    with open(os.path.join(_FOLDER, name + _ENDING), encoding="utf-8") as file:
        return file.read()


def _list() -> str:
    width = max(map(len, names())) + 2
    listed = "".join(
        f"  {name:<{width}}{_read(name).splitlines()[0].removeprefix('# ')}\n" for name in names()
    )
    return f"Topics, each shown by `snapcli help TOPIC`:\n\n{listed}"


def unknown(word: str, commands: Sequence[str]) -> UsageError:
    """Return the refusal of a word that is neither a command nor a topic."""
    return UsageError(
        f"'{word}' is neither a command nor a topic. See `snapcli --help` and "
        f"`snapcli help {LIST}`.",
        near=closest(word, [*commands, *names(), LIST]),
    )
