"""`aliyun ecs create-snapshot --biz-region-id …`: the spelling of the real command's plug-in.

Rewrites what that spelling has of its own (lists with blanks, objects of Key=Value words,
switches with a value) for the friendly form, which carries it out. Looks up no resource.
"""

from collections.abc import Mapping, Sequence

import msgspec

from snapcli.api import catalogue
from snapcli.cli import friendly, grammar
from snapcli.cli.options import Spelling, spellings
from snapcli.cli.streams import Streams
from snapcli.cli.usage import duplicated

_SEVERAL = ("list", "json", "pairs", "struct", "structs")


def run(argv: Sequence[str], position: int, streams: Streams) -> int:
    """Carry out the line `argv`, whose product stands at `position`; return the exit code."""
    product = argv[position].lower()
    # The friendly form's commands of ecs are at the top, those of ram in a group.
    group = () if product == "ecs" else (product,)
    words = [*argv[:position], *group, *argv[position + 1 :]]
    command, at = grammar.first_word(argv[position + 1 :])
    at += position + len(group)
    entry = friendly.operation_named(" ".join((*group, command)))
    if entry is not None:
        spelled = {
            each.option: each
            for each in spellings(entry.action, catalogue.load(entry.action).request)
        }
        words = rewritten(words, at, spelled)
    called_as = streams.program if group else f"{streams.program} ecs"
    return friendly.run(words, streams, called_as=called_as)


def rewritten(words: Sequence[str], at: int, spelled: Mapping[str, Spelling]) -> list[str]:
    """Return the line as the friendly form takes it; the command stands at index `at`.

    Flags that have no meaning here (credentials, connections) are left out, unless the command
    has an option of that name, such as `--ram-role-name`. Raises UsageError (exit code 1) for an
    option or member of one value that is given twice.
    """
    whole: list[str] = []
    given: set[str] = set()
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        name, equals, inline = word.partition("=")
        spelling = spelled.get(name) if index - 1 > at else None
        flag = _unused(name) if spelling is None else None
        if flag is not None:
            if flag.takes != "nothing" and not equals and _is_value(words, index):
                index += 1
        elif spelling is None or spelling.positional:
            whole.append(word)
        else:
            if name in given and not spelling.repeats:
                raise duplicated(name)
            given.add(name)
            values = [inline] if equals else []
            most = None if spelling.style in _SEVERAL else 1
            while _is_value(words, index) and (most is None or len(values) < most):
                if spelling.style == "switch" and words[index].lower() not in ("true", "false"):
                    break
                values.append(words[index])
                index += 1
            whole += _respelled(spelling, values)
    return whole


def _unused(name: str) -> grammar.Flag | None:
    short = {flag.short: flag for flag in grammar.FLAGS.values() if flag.short}
    flag = grammar.FLAGS.get(name[2:]) if name.startswith("--") else short.get(name[1:])
    return flag if flag is not None and name[:1] == "-" and flag.state == "unused" else None


def _is_value(words: Sequence[str], index: int) -> bool:
    return index < len(words) and (words[index] == "-" or not words[index].startswith("-"))


def _respelled(spelling: Spelling, values: list[str]) -> list[str]:
    """Return the words of the friendly form for one option and its values."""
    option = spelling.option
    if spelling.style == "switch":
        off = bool(values) and values[0].lower() == "false"
        return [f"--no-{option[2:]}" if off else option]
    if not values:
        return [option]
    if spelling.style in ("pairs", "struct", "structs") and _are_members(spelling, values):
        texts = [
            f"{members['Key']}={members.get('Value', '')}"
            if spelling.style == "pairs" and "Key" in members
            else msgspec.json.encode(members).decode()
            for members in _objects(spelling, values)
        ]
        return [word for text in texts for word in (option, text)]
    return [word for value in values for word in (option, value)]


def _are_members(spelling: Spelling, values: Sequence[str]) -> bool:
    """Tell whether the words are members, each `Name=value`, and not the friendly form's text."""
    known = {member.name for member in spelling.parameter.members}
    names = [value.partition("=")[0] for value in values]
    plain = all(name in known and "=" in value for name, value in zip(names, values, strict=True))
    joined = any(f",{name}=" in value for name in known for value in values)
    return plain and not joined


def _objects(spelling: Spelling, values: Sequence[str]) -> list[dict[str, str]]:
    """Gather the words into objects; a member that is named again begins the next one."""
    found: list[dict[str, str]] = [{}]
    for value in values:
        name, _, text = value.partition("=")
        if name in found[-1]:
            if spelling.style == "struct":
                raise duplicated(f"{spelling.option} {name}")
            found.append({})
        found[-1][name] = text
    return found
