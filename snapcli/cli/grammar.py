"""The argument grammar of `aliyun`: words, flags and parameters out of a command line.

Knows the command line's own flags; every other `--Name` is taken for an API parameter. Looks up
no operation and reads no file.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from snapcli.cli import exit_codes
from snapcli.cli.usage import UsageError, duplicated

Takes = Literal["nothing", "value", "fields", "date"]
State = Literal["works", "unused"]


class Flag(NamedTuple):
    """A flag of the command line itself: what it takes, and whether it does anything here.

    `fields` are the words `key=…` that a flag of several values goes on taking.
    """

    name: str
    takes: Takes
    state: State = "works"
    short: str = ""
    fields: tuple[str, ...] = ()
    repeats: bool = False


# "unused" flags name credentials and connections: there is no cloud here to sign for or reach.
_FLAGS = (
    Flag("workspace", "value"),
    Flag("region", "value"),
    Flag("RegionId", "value"),
    Flag("output", "fields", short="o", fields=("cols", "rows", "num"), repeats=True),
    Flag("yes", "nothing", short="y"),
    Flag("no-color", "nothing"),
    Flag("quiet", "nothing", short="q"),
    Flag("force", "nothing"),
    Flag("help", "nothing", short="h"),
    Flag("version", "date"),
    Flag("cli-query", "value"),
    Flag("waiter", "fields", "works", "", ("expr", "to", "timeout", "interval"), True),
    Flag(
        "pager",
        "fields",
        "works",
        "",
        ("path", "PageNumber", "PageSize", "TotalCount", "NextToken"),
        True,
    ),
    Flag("all-pages", "nothing"),
    Flag("dryrun", "nothing"),
    Flag("cli-dry-run", "nothing"),
    Flag("cli-dry-run-json", "nothing"),
    Flag("config-path", "value"),
    Flag("endpoint", "value", "unused", "e"),
    Flag("header", "value", "unused", repeats=True),
    Flag("profile", "value", "works", "p"),
    Flag("mode", "value", "unused"),
    Flag("access-key-id", "value", "unused"),
    Flag("access-key-secret", "value", "unused"),
    Flag("sts-token", "value", "unused"),
    Flag("ram-role-name", "value", "unused"),
    Flag("ram-role-arn", "value", "unused"),
    Flag("role-session-name", "value", "unused"),
    Flag("source-profile", "value", "unused"),
    Flag("external-id", "value", "unused"),
    Flag("expired-seconds", "value", "unused"),
    Flag("private-key", "value", "unused"),
    Flag("key-pair-name", "value", "unused"),
    Flag("process-command", "value", "unused"),
    Flag("credentials-uri", "value", "unused"),
    Flag("oidc-provider-arn", "value", "unused"),
    Flag("oidc-token-file", "value", "unused"),
    Flag("sts-region", "value", "unused"),
    Flag("endpoint-type", "value", "unused"),
    Flag("language", "value", "unused"),
    Flag("user-agent", "value", "unused"),
    Flag("read-timeout", "value", "unused"),
    Flag("connect-timeout", "value", "unused"),
    Flag("retry-count", "value", "unused"),
    Flag("method", "value", "unused"),
    Flag("secure", "nothing", "unused"),
    Flag("insecure", "nothing", "unused"),
    Flag("skip-secure-verify", "nothing", "unused"),
)
FLAGS: Mapping[str, Flag] = {flag.name: flag for flag in _FLAGS}
_SHORT: Mapping[str, Flag] = {flag.short: flag for flag in _FLAGS if flag.short}


class Token(NamedTuple):
    """One piece of a command line; `end` is the index behind its last word.

    A "word" has its text in `values`; a "flag" or "parameter" the values given, () when none;
    "lost" is a word that the real command throws away.
    """

    kind: Literal["word", "flag", "parameter", "lost"]
    name: str
    values: tuple[str, ...]
    start: int
    end: int


class Line:
    """A command line taken apart.

    `words` are the positionals with their index in `positions`; `flags` hold each flag's values,
    `parameters` each API parameter's text; `lost` the words that the real command throws away.
    """

    __slots__ = ("flags", "lost", "parameters", "positions", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.positions: list[int] = []
        self.flags: dict[str, list[str]] = {}
        self.parameters: dict[str, str] = {}
        self.lost: list[tuple[str, str]] = []

    def flag(self, name: str) -> str | None:
        """Return the value of a flag that takes one; None when it was not given."""
        values = self.flags.get(name)
        return values[-1] if values else None


def tokens(argv: Sequence[str]) -> Iterator[Token]:
    """Cut a command line into its pieces, each as soon as it is complete.

    Raises UsageError (exit code 1 or 2) for a bare `--` and an unknown one-letter flag.
    """
    index = 0
    while index < len(argv):
        word = argv[index]
        name, inline, flag = _head(word)
        if name is None:
            kind: Literal["word", "lost"] = "lost" if _is_lost(word) else "word"
            yield Token(kind, "", (word,), index, index + 1)
            index += 1
            continue
        start = index
        index += 1
        if flag is not None:
            values, index = _flag_values(flag, inline, argv, index)
            yield Token("flag", flag.name, values, start, index)
            continue
        if inline is not None:
            values = (inline,)
        elif index < len(argv) and _is_value(argv[index]):
            values = (argv[index],)
            index += 1
        else:
            values = ()
        yield Token("parameter", name, values, start, index)


def parse(argv: Sequence[str]) -> Line:
    """Take a command line apart.

    Raises UsageError (exit code 1) for a parameter or single flag given twice, and what `tokens`
    raises.
    """
    line = Line()
    before = ""
    for token in tokens(argv):
        if token.kind == "word":
            if token.values[0]:
                line.words.append(token.values[0])
                line.positions.append(token.start)
        elif token.kind == "lost":
            line.lost.append((before, token.values[0]))
        elif token.kind == "flag":
            if token.name in line.flags and not FLAGS[token.name].repeats:
                raise duplicated(f"--{token.name}")
            line.flags.setdefault(token.name, []).extend(token.values)
        else:
            if token.name in line.parameters:
                raise duplicated(f"--{token.name}")
            line.parameters[token.name] = token.values[0] if token.values else ""
        before = token.name
    return line


def first_word(argv: Sequence[str]) -> tuple[str, int]:
    """Return the first positional and its index, ("", -1) when there is none.

    What a line that cannot be understood begins with is told of too, as far as it goes.
    """
    try:
        for token in tokens(argv):
            if token.kind == "word" and token.values[0]:
                return token.values[0], token.start
    except UsageError:
        pass
    return "", -1


def joined_fields(argv: Sequence[str]) -> list[str]:
    """Return the command line with each word that a flag of fields takes as a flag of its own.

    So that a parser that knows one value a flag reads `--output cols=A, B rows=C` and
    `--waiter expr=A to=B` too.
    """
    whole: list[str] = []
    index = 0
    while index < len(argv):
        word = argv[index]
        if word == "--":  # what follows is a command of its own
            return whole + list(argv[index:])
        index += 1
        name, inline, flag = _head(word, strict=False)
        if name is None or flag is None or flag.takes != "fields":
            whole.append(word)
            continue
        values, index = _flag_values(flag, inline, argv, index)
        whole.extend(f"--{flag.name}={value}" for value in values or ("",))
    return whole


def asks_for_json(argv: Sequence[str]) -> bool:
    """Tell whether the command line says `--output json`, however wrong the rest of it is."""
    said = joined_fields(argv)
    own = said[: said.index("--")] if "--" in said else said
    return not {"--output=json", "-ojson", "--json"}.isdisjoint(own)


def _head(word: str, *, strict: bool = True) -> tuple[str | None, str | None, Flag | None]:
    """Split `--Name=value`; the name is None for a word that names no flag or parameter."""
    if not word.startswith("-") or word.startswith("---"):
        return None, None, None
    cut = min((at for at in (word.find("="), word.find(":")) if at >= 0), default=-1)
    head, inline = (word, None) if cut < 0 else (word[:cut], word[cut + 1 :])
    if head.startswith("--"):
        if len(head) == 2:
            if not strict:
                return None, None, None
            raise UsageError(
                "parse failed '--' is not a parameter. Write --Name value or --Name=value.",
                exit_codes.REFUSED,
            )
        return head[2:], inline, FLAGS.get(head[2:])
    if len(head) != 2:
        return None, None, None
    flag = _SHORT.get(head[1])
    if flag is None:
        if not strict:
            return None, None, None
        raise UsageError(f"'--{head[1]}' is not a valid parameter or flag.")
    return flag.name, inline, flag


def _is_value(word: str) -> bool:
    return not word.startswith("-") or word.startswith("---") or word == "-"


def _is_lost(word: str) -> bool:
    return word.startswith("-") and not _is_value(word)


def _flag_values(
    flag: Flag, inline: str | None, argv: Sequence[str], index: int
) -> tuple[tuple[str, ...], int]:
    """Collect what belongs to `flag` from `inline` and the words from `index` on."""
    if flag.takes == "nothing":
        return ((inline,) if inline else ()), index
    values = [] if inline is None else [inline]
    if not values and index < len(argv) and _is_value(argv[index]):
        word = argv[index]
        wanted = {
            "value": True,
            "date": word[:1].isdigit(),
            "fields": flag.name == "output" or _is_field(flag, word),
        }
        if wanted[flag.takes]:
            values.append(word)
            index += 1
    if flag.takes == "fields" and values:
        while index < len(argv) and _is_value(argv[index]):
            word = argv[index]
            if values[-1].endswith(",") or (word.startswith(",") and _is_field(flag, values[-1])):
                values[-1] += word
            elif _is_field(flag, word):
                values.append(word)
            else:
                break
            index += 1
    return tuple(values), index


def _is_field(flag: Flag, word: str) -> bool:
    return word.partition("=")[0] in flag.fields and "=" in word
