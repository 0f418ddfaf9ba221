"""Where in a command line the cursor is, and what may stand there; both forms.

Knows the shape of lines. What a parameter's value may be is in `values`, ids are from `live`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from snapcli.api import catalogue
from snapcli.cli import grammar
from snapcli.cli.command_table import CONSOLE, GROUPS, LOCAL, OTHERS
from snapcli.cli.completion import values
from snapcli.cli.completion.values import Candidates, Value
from snapcli.cli.streams import Streams

Form = Literal["exact", "friendly", "local"]

# Names of values that the command line's own flags take.
_FLAG_VALUES: Mapping[str, Value] = {
    "workspace": Value(kind="folders"),
    "config-path": Value(kind="files"),
    "region": Value(resource="region"),
    "RegionId": Value(resource="region"),
    "biz-region-id": Value(resource="region"),
    "profile": Value(resource="account"),
    "waiter": Value(words=("expr=", "to=", "timeout=", "interval=")),
    "pager": Value(words=("path=",)),
}
_FLAG_WORDS: Mapping[str, str] = {
    "workspace": "The workspace folder",
    "region": "The region",
    "profile": "The account",
    "output": "The format of the result",
    "yes": "Go on without asking",
    "no-color": "No colours",
    "quiet": "Print nothing on success",
    "help": "Show help",
    "cli-query": "Print only what a JMESPath expression finds",
    "waiter": "Call again until a text is as wanted",
    "pager": "Merge all pages",
    "all-pages": "Merge all pages",
    "dryrun": "Print the request and send nothing",
    "cli-dry-run": "The same in words",
    "cli-dry-run-json": "The same as JSON",
}
# What belongs to every friendly command, and what only to operations.
COMMON = ("workspace", "region", "profile", "output", "quiet", "yes", "no-color", "help")
HELPERS = (
    "cli-query",
    "waiter",
    "pager",
    "all-pages",
    "dryrun",
    "cli-dry-run",
    "cli-dry-run-json",
)


class Option(msgspec.Struct):
    """An option of a command: its name as typed, a few words, and its value (None: it has none)."""

    name: str
    about: str = ""
    value: Value | None = None
    repeats: bool = False


class Command(msgspec.Struct):
    """A command that the words so far name: its options, what its positionals may be in turn."""

    form: Form
    options: list[Option]
    action: str = ""
    positionals: list[Value] = []
    repeats: bool = False  # the last positional may stand again


class Line(msgspec.Struct):
    """The words before the cursor: positionals, options with values, the option left open."""

    words: list[str] = []
    given: list[tuple[str, str]] = []
    open: str = ""
    command: Command | None = None
    arguments: int = 0


def candidates(words: Sequence[str], streams: Streams) -> Candidates:
    """Return what may stand for the last of `words`, which follow the program's name.

    A text is a kind of name that the shell completes by itself: "files" or "folders".
    """
    *before, current = words
    line = _read(before)
    if line.open:
        return _values(line, line.open, "", current, streams)
    if current.startswith("-"):
        name, equals, text = current.partition("=")
        if equals:
            return _values(line, name, f"{name}=", text, streams)
        return _matching(current, _options(line))
    if line.command is None:
        return _matching(current, _commands(line.words, current))
    wanted = line.command.positionals
    at = line.arguments
    if line.command.repeats and wanted:
        at = min(at, len(wanted) - 1)
    return values.candidates(wanted[at], current, line.given, streams) if at < len(wanted) else []


def _read(before: Sequence[str]) -> Line:
    line = Line()
    index = 0
    fields: tuple[str, ...] = ()
    while index < len(before):
        word = before[index]
        index += 1
        if word.startswith("-") and len(word) > 1:
            name, equals, text = word.partition("=")
            flag = _flag(name)
            fields = flag.fields if flag is not None else ()
            if equals or not _takes_value(line, name, flag):
                line.given.append((name, text))
            elif index < len(before):
                line.given.append((name, before[index]))
                index += 1
            else:
                line.open = name
        elif fields and word.partition("=")[0] in fields:
            continue
        else:
            fields = ()
            if line.command is None:
                line.words.append(word)
                line.command = _command(line.words)
            else:
                line.given.append(("", word))
                line.arguments += 1
    return line


def _flag(name: str) -> grammar.Flag | None:
    if name.startswith("--"):
        return grammar.FLAGS.get(name[2:])
    return next((flag for flag in grammar.FLAGS.values() if flag.short == name[1:]), None)


def _takes_value(line: Line, name: str, flag: grammar.Flag | None) -> bool:
    if flag is not None and not _own(line, name):
        return flag.takes in ("value", "fields")
    option = _own(line, name)
    return option is None or option.value is not None


def _own(line: Line, name: str) -> Option | None:
    if line.command is None:
        return None
    return next((each for each in line.command.options if each.name == name), None)


def _values(line: Line, name: str, head: str, text: str, streams: Streams) -> Candidates:
    """Return the values of an option, each after `head` as it stands in the current word."""
    option = _own(line, name)
    value = option.value if option is not None else None
    if value is None and line.command is not None and line.command.form == "exact":
        value = _numbered(line.command, name)
    if value is None:
        flag = _flag(name)
        word = flag.name if flag is not None else name.removeprefix("--")
        value = _output(line) if word == "output" else _FLAG_VALUES.get(word)
    if value is None:
        return []
    found = values.candidates(value, text, line.given, streams)
    return found if isinstance(found, str) else [(head + each, about) for each, about in found]


def _output(line: Line) -> Value:
    if line.command is not None and line.command.form == "exact":
        return Value(words=("cols=",))
    return Value(words=("json", "table", "csv", "cols="))


def _numbered(command: Command, name: str) -> Value | None:
    """Return the value of a parameter of a list whatever its number, `--Tag.7.Key`."""
    plain = ".".join("1" if part.isdecimal() else part for part in name.split("."))
    return next((each.value for each in command.options if each.name == plain), None)


# Options


def _options(line: Line) -> Candidates:
    given = {name for name, _ in line.given}
    command = line.command
    flags = [*COMMON] if command is None or command.form == "local" else [*COMMON, *HELPERS]
    found: list[tuple[str, str]] = []
    for option in command.options if command is not None else ():
        name = option.name
        if command is not None and command.form == "exact" and ".1" in name:
            name = _next_number(name, given)
        if name not in given or option.repeats:
            found.append((name, option.about))
    known = {name for name, _ in found}
    for flag in flags:
        name = f"--{flag}"
        short = grammar.FLAGS[flag].short
        if name not in given | known and not (short and f"-{short}" in given):
            found.append((name, _FLAG_WORDS[flag]))
    if command is None and not line.words:
        found.append(("--version", "Print the version"))
    return found


def _next_number(name: str, given: Iterable[str]) -> str:
    """Return a list's parameter with the first number that is free: `--Tag.2.Key`."""
    head, _, tail = name.partition(".1")
    number = 1
    while f"{head}.{number}{tail}" in given:
        number += 1
    return f"{head}.{number}{tail}"


# Commands


def _by_command() -> dict[str, catalogue.Entry]:
    return {entry.command: entry for entry in catalogue.ENTRIES.values()}


def _command(words: Sequence[str]) -> Command | None:
    """Return the command that the words name, None while more words must follow."""
    first, *rest = words
    by_command = _by_command()
    if first.lower() in catalogue.PRODUCTS:
        if not rest or rest[0] == "help":
            return None
        action = catalogue.proper(rest[0])
        if action in catalogue.actions(first.lower()):
            return _exact(action)
        entry = by_command.get(rest[0] if first.lower() == "ecs" else f"ram {rest[0]}")
        return _friendly(entry.action) if entry is not None else Command("friendly", [])
    if first in ("help", "config"):
        return None if first == "help" or not rest else _setting(rest[0])
    if first in LOCAL:
        return _local(first)
    if first in GROUPS:
        if not rest:
            return None
        if first == "console" and rest[0] in CONSOLE:
            return _console(rest[0])
        entry = by_command.get(" ".join(words))
    else:
        entry = by_command.get(first)
    return _friendly(entry.action) if entry is not None else Command("friendly", [])


def _commands(words: Sequence[str], current: str) -> Candidates:
    """Return the commands that may follow the words."""
    if not words:
        found = [(name, entry.summary) for name, entry in _by_command().items() if " " not in name]
        found += [(name, about) for name, (_, about) in LOCAL.items()]
        return sorted([*found, *GROUPS.items(), *OTHERS.items()])
    first, *rest = (word.lower() for word in words)
    if first == "help":
        return _help_words(rest)
    if first == "config":
        return [
            ("get", "Print the value of a setting."),
            ("set", "Change a setting."),
            ("list", "Print every setting."),
        ]
    if first in catalogue.PRODUCTS:
        entries = catalogue.actions(first).values()
        if current[:1].islower() and not rest:
            # The plug-in's spelling.
            return [(each.command.removeprefix("ram "), each.summary) for each in entries
                    if not each.local]  # fmt: skip
        found = [(each.action, each.summary) for each in entries if not each.local or current]
        return [*found, *([] if rest else [("help", "List the operations.")])]
    if first == "console":
        return [(name, about) for name, (_, _, about) in CONSOLE.items()]
    head = f"{first} "
    return [
        (name.removeprefix(head), entry.summary)
        for name, entry in _by_command().items()
        if name.startswith(head)
    ]


def _help_words(rest: Sequence[str]) -> Candidates:
    from snapcli.cli import help_topics

    if not rest:
        topics = [*help_topics.names(), help_topics.LIST]
        return [*_commands((), ""), *((name, "A topic") for name in topics)]
    if len(rest) == 1 and rest[0] in catalogue.PRODUCTS:
        return [(name, each.summary) for name, each in catalogue.actions(rest[0]).items()]
    return _commands(rest, "") if rest[0] in GROUPS and len(rest) == 1 else []


def _exact(action: str) -> Command:
    """Return an operation with its parameters as the API spells them."""
    from snapcli.api.parameters import Parameter, describe

    options: list[Option] = []

    def add(parameter: Parameter, name: str) -> None:
        if parameter.kind in ("group", "groups"):
            stem = f"{name}.1" if parameter.kind == "groups" else name
            for member in parameter.members:
                add(member, f"{stem}.{member.name}")
            return
        name += ".1" if parameter.kind == "repeat" else ""
        options.append(Option(f"--{name}", parameter.doc, values.of(parameter, exact=True)))

    for parameter in describe(catalogue.load(action).request):
        add(parameter, parameter.name)
    return Command("exact", options, action)


def _friendly(action: str) -> Command:
    """Return an operation with its options as the friendly form spells them."""
    from snapcli.cli.options import spellings

    command = Command("friendly", [], action)
    for each in spellings(action, catalogue.load(action).request):
        value = values.of(each.parameter)
        about = each.parameter.doc
        if each.positional:
            command.positionals.append(_positional(action, each.parameter.name, value))
            command.repeats = each.repeats
        elif each.style == "switch":
            command.options.append(Option(each.option, about))
            command.options.append(Option(f"--no-{each.option[2:]}", about))
        else:
            if each.style in ("struct", "structs"):
                members = tuple(f"{member.name}=" for member in each.parameter.members)
                value = Value(words=members)
            elif each.style == "pairs":
                value = Value()
            command.options.append(Option(each.option, about, value, each.repeats))
    return command


def _console(name: str) -> Command:
    """Return a tab of the console: its operation's options, and those of drawing."""
    command = _friendly(CONSOLE[name][0])
    command.options.append(Option("--export", "Write a picture", Value(kind="files")))
    if name in ("snapshots", "chain", "groups"):
        command.options.append(Option("--watch", "Draw again while something is in progress"))
    return command


def _positional(action: str, name: str, value: Value) -> Value:
    """Return what a positional may be, whose name does not tell it alone."""
    if name == "File":
        return Value(kind="files")
    return Value(resource="account") if (action, name) == ("UseAccount", "Name") else value


def _local(name: str) -> Command:
    """Return a command that is no operation; Click's own declaration tells its options."""
    from importlib import import_module

    positionals = {
        "init": Value(kind="folders"),
        "shim": Value(kind="folders"),
        "completion": Value(words=("bash", "zsh", "fish")),
        "operations": Value(words=tuple(catalogue.ENTRIES)),
    }
    wanted = positionals.get(name)
    command = Command("local", [], "", [wanted] if wanted else [], name == "operations")
    for each in import_module(LOCAL[name][0]).command.params:
        names = [*each.opts, *each.secondary_opts]
        if getattr(each, "hidden", False) or not names[0].startswith("--"):
            continue
        if names[0].removeprefix("--") in COMMON:
            continue
        value = None if each.is_flag else Value()
        about = getattr(each, "help", "") or ""
        command.options += [Option(word, about, value) for word in names if word[:2] == "--"]
    return command


def _setting(verb: str) -> Command:
    wanted = [Value(resource="setting")] if verb in ("get", "set") else []
    return Command("local", [], "", wanted)


def _matching(current: str, found: Candidates) -> Candidates:
    assert not isinstance(found, str)
    return [each for each in found if each[0].startswith(current)]
