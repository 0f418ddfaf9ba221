"""What the value of a parameter may be: one of a few words, a name of a file, or a live id.

Which kind of id a parameter takes is told by its name. Looks up nothing by itself.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from snapcli.api.parameters import Parameter
from snapcli.cli.streams import Streams

Pair = tuple[str, str]
Candidates = list[Pair] | Literal["files", "folders"]
Given = Sequence[tuple[str, str]]

# The ends of parameters' names and what they name, the longest first.
_ENDS: tuple[tuple[str, str], ...] = (
    ("autosnapshotpolicyid", "policy"),
    ("snapshotgroupid", "group"),
    ("snapshotlinkid", "chain"),
    ("resourceid", "any"),
    ("policyid", "policy"),
    ("snapshotid", "snapshot"),
    ("instanceid", "instance"),
    ("ramrolename", "role"),
    ("rolename", "role"),
    ("imageid", "image"),
    ("diskid", "disk"),
    ("targetcopyregion", "region"),
    ("regionid", "region"),
    ("zoneid", "zone"),
)


class Value(msgspec.Struct, frozen=True):
    """What a value may be; nothing said means that nobody can know.

    Several values stand in one word as `joined` says: with commas between, or as a JSON list.
    """

    words: tuple[str, ...] = ()
    kind: Literal["", "files", "folders"] = ""
    resource: str = ""
    joined: Literal["", "commas", "json"] = ""


def of(parameter: Parameter, *, exact: bool = False) -> Value:
    """Return what the value of a parameter may be; a list of the `exact` form is JSON."""
    if parameter.choices:
        return Value(words=parameter.choices)
    if parameter.kind == "boolean":
        return Value(words=("true", "false"))
    resource = resource_of(parameter.name)
    if not resource:
        return Value()
    if parameter.kind != "json":
        return Value(resource=resource)
    return Value(resource=resource, joined="json" if exact else "commas")


def resource_of(name: str) -> str:
    """Return the kind of thing that a parameter of this name takes the id of, "" for none."""
    plain = name.lower().removesuffix("s")
    return next((kind for end, kind in _ENDS if plain.endswith(end)), "")


def candidates(value: Value, current: str, given: Given, streams: Streams) -> Candidates:
    """Return the values that begin with `current`; `given` are the options before it."""
    if value.kind:
        return value.kind
    head = end = ""
    if value.joined:
        cut = max(current.rfind(mark) for mark in ',["') + 1
        head, current = current[:cut], current[cut:]
    if value.joined == "json" and not head.startswith(('["', "['")):
        # Nothing is typed yet, or bash has taken the quotes away.
        before = "".join(f'"{each}",' for each in head.strip("[").split(",") if each)
        head, end = f'[{before}"', '"]'
    if value.words:
        found: list[Pair] = [(word, "") for word in value.words]
    elif value.resource:
        from snapcli.cli.completion import live

        found = live.items(value.resource, current, given, streams)
    else:
        return []
    lowered = current.lower()
    return [(head + word + end, about) for word, about in found if word.lower().startswith(lowered)]
