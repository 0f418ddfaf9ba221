"""How the friendly form spells parameters: `--disk-id`, `--tag key=value`, `--data-disk Size=20`.

Turns option values into the wire parameters of the API and back. Knows no Click and no operation;
which parameters are positional is the one table below.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from snapcli.api.operation import Request
from snapcli.api.parameters import Parameter, describe, read_list
from snapcli.cli.usage import UsageError, closest, duplicated

Style = Literal["value", "switch", "list", "json", "pairs", "struct", "structs"]

# snapcli's own operations take what they act on without an option's name: the parameter, and
# what help calls it.
POSITIONALS: Mapping[str, Mapping[str, str]] = {
    "DeleteSnapshots": {"SnapshotId": "SNAPSHOT_ID..."},
    "ShowChain": {"DiskId": "DISK_ID"},
    "ShowDiskPath": {"DiskId": "DISK_ID"},
    "ImportDisk": {"File": "FILE"},
    "ReadDisk": {"DiskId": "DISK_ID"},
    "WriteDisk": {"DiskId": "DISK_ID"},
    "FreezeClock": {"At": "TIME"},
    "AdvanceClock": {"By": "DURATION"},
    "SetClock": {"At": "TIME"},
    "PreviewPolicy": {"AutoSnapshotPolicyId": "POLICY_ID"},
    "AddAccount": {"Name": "NAME"},
    "UseAccount": {"Name": "NAME"},
    "ShowGuestPath": {"InstanceId": "INSTANCE_ID", "Path": "PATH"},
    "PutGuestFile": {"InstanceId": "INSTANCE_ID", "File": "FILE", "Path": "PATH"},
    "GetGuestFile": {"InstanceId": "INSTANCE_ID", "Path": "PATH", "File": "FILE"},
    "MountGuestDisk": {"InstanceId": "INSTANCE_ID", "DiskId": "DISK_ID", "Path": "PATH"},
    "UnmountGuestDisk": {"InstanceId": "INSTANCE_ID", "Path": "PATH"},
    "ListGuestMounts": {"InstanceId": "INSTANCE_ID"},
    "RunInGuest": {"InstanceId": "INSTANCE_ID", "Command": "COMMAND..."},
    "ListGuestProcesses": {"InstanceId": "INSTANCE_ID"},
    "StopGuestProcesses": {"InstanceId": "INSTANCE_ID", "Pid": "PID..."},
    "ModifyGuest": {"InstanceId": "INSTANCE_ID"},
}
# One-letter spellings, where people know them from other programs.
SHORTS: Mapping[tuple[str, str], str] = {
    ("RunInGuest", "Detach"): "-d",
    ("RunInGuest", "Interactive"): "-i",
    ("RunInGuest", "Env"): "-e",
}


# How the API spells the region, which the friendly form takes by the global `--region`.
REGION_NAMES = ("RegionId", "regionId")


class Spelling(msgspec.Struct, frozen=True):
    """A parameter as the friendly form takes it; `option` is the positional's name for one."""

    parameter: Parameter
    option: str
    style: Style
    positional: bool = False
    short: str = ""

    @property
    def repeats(self) -> bool:
        """Tell whether the option may be given several times."""
        return self.style in ("list", "json", "pairs", "structs")


def spellings(action: str, request: type[Request]) -> tuple[Spelling, ...]:
    """Return how each parameter of `action` is spelled; the region is the global `--region`."""
    positional = POSITIONALS.get(action, {})
    found: list[Spelling] = []
    for parameter in describe(request):
        if parameter.name in REGION_NAMES:
            continue
        kebab = parameter.field.strip("_").replace("_", "-")
        here = parameter.name in positional
        name = positional[parameter.name] if here else f"--{kebab}"
        short = SHORTS.get((action, parameter.name), "")
        found.append(Spelling(parameter, name, _style(parameter), here, short))
    order = list(positional)
    found.sort(key=lambda each: order.index(each.parameter.name) if each.positional else 0)
    return tuple(found)


def _style(parameter: Parameter) -> Style:
    if parameter.kind == "groups":
        if {member.name for member in parameter.members} == {"Key", "Value"}:
            return "pairs"
        return "structs"
    styles: dict[str, Style] = {
        "boolean": "switch",
        "repeat": "list",
        "several": "list",
        "json": "json",
        "group": "struct",
    }
    return styles.get(parameter.kind, "value")


def to_wire(spelling: Spelling, values: Sequence[str]) -> dict[str, str]:
    """Return the wire parameters for the texts given to one option ("true" for a switch).

    Raises UsageError for a struct's unknown, repeated or malformed member.
    """
    name = spelling.parameter.name
    style = spelling.style
    if not values:
        return {}
    if style == "list" and spelling.parameter.kind == "several" and len(values) == 1:
        return {name: values[0]}  # as the API spells it
    if style == "list":
        return {f"{name}.{at}": value for at, value in enumerate(values, 1)}
    if style == "json" and spelling.positional:
        return {name: msgspec.json.encode(list(values)).decode()}  # word for word
    if style == "json":
        return {name: _json_list(values)}
    if style == "pairs":
        wire: dict[str, str] = {}
        for at, value in enumerate(values, 1):
            key, equals, text = value.partition("=")
            wire[f"{name}.{at}.Key"] = key
            if equals:
                wire[f"{name}.{at}.Value"] = text
        return wire
    if style == "struct":
        return {f"{name}.{key}": text for key, text in _members(spelling, values[-1]).items()}
    if style == "structs":
        return {
            f"{name}.{at}.{key}": text
            for at, value in enumerate(values, 1)
            for key, text in _members(spelling, value).items()
        }
    return {name: values[-1]}


def _json_list(values: Sequence[str]) -> str:
    """Return the JSON list of what a person may write for one: `a b`, `a,b`, `[a, b]`, JSON."""
    if len(values) == 1 and values[0].lstrip().startswith("["):
        inner = values[0].strip()[1:].removesuffix("]")
        if not values[0].rstrip().endswith("]") or set(inner) & set("[]{}\"'"):
            return values[0]
        values = [inner]
    return msgspec.json.encode(_parted(values)).decode()


def _parted(values: Sequence[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _members(spelling: Spelling, text: str) -> dict[str, str]:
    """Read `Size=20,Category=cloud_essd`, or the same as a JSON object."""
    known = {_plain(member.name): member.name for member in spelling.parameter.members}
    lists = {member.name for member in spelling.parameter.members if member.kind == "repeat"}
    found: dict[str, str] = {}
    for key, value in _pairs(spelling, text):
        head, dot, number = key.partition(".")
        name = known.get(_plain(head))
        if name is None or (dot and not (name in lists and number.isdecimal())):
            raise UsageError(
                f"'{key}' is not a valid member of {spelling.option}; it takes "
                + ", ".join(known.values())
                + ".",
                near=closest(key, known.values()),
            )
        said = {name + dot + number: value}
        if name in lists and not dot:
            elements = read_list(value) or _parted([value])
            said = {f"{name}.{at}": element for at, element in enumerate(elements, 1)}
        if not found.keys().isdisjoint(said):
            raise duplicated(f"{spelling.option} {key}")
        found |= said
    return found


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def _pairs(spelling: Spelling, text: str) -> list[tuple[str, str]]:
    if text.lstrip().startswith("{"):
        try:
            members = msgspec.json.decode(text, type=dict[str, str | bool | int | float])
        except msgspec.DecodeError as error:
            raise UsageError(f"{spelling.option} {text} is not a JSON object: {error}") from None
        return [
            (key, str(value).lower() if isinstance(value, bool) else str(value))
            for key, value in members.items()
        ]
    pairs: list[tuple[str, str]] = []
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if equals:
            pairs.append((key.strip(), value))
        elif pairs:
            # A comma inside a value, as in a description.
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]},{part}")
        else:
            raise UsageError(
                f"{spelling.option} {text} is not understood. Write it as Member=value,"
                f"Member=value, such as {spelling.option} {_struct_example(spelling)}."
            )
    return pairs


def _struct_example(spelling: Spelling) -> str:
    return ",".join(f"{member.name}=..." for member in spelling.parameter.members[:2])


def from_wire(spelling: Spelling, given: Mapping[str, str]) -> list[str]:
    """Return the words of the friendly form that say what `given` says of this parameter."""
    name = spelling.parameter.name
    if spelling.style in ("value", "switch", "json"):
        text = given.get(name)
        if text is None:
            return []
        if spelling.positional and spelling.style == "json":
            return ["--", *msgspec.json.decode(text, type=list[str])]
        if spelling.positional:
            return [text]
        if spelling.style == "switch":
            head = "--" if text.lower() == "true" else "--no-"
            return [head + spelling.option[2:]]
        return [spelling.option, text]
    if spelling.style == "struct":
        inner = _inner(name, given)
        return [spelling.option, _written(inner)] if inner else []
    words: list[str] = []
    if spelling.style == "list" and spelling.parameter.kind == "several" and name in given:
        return [spelling.option, given[name]]
    at = 1
    while True:
        head = f"{name}.{at}"
        inner = _inner(head, given)
        if spelling.style == "list" and head in given:
            words += [given[head]] if spelling.positional else [spelling.option, given[head]]
        elif spelling.style == "pairs" and inner:
            value = f"={inner['Value']}" if "Value" in inner else ""
            words += [spelling.option, inner["Key"] + value]
        elif spelling.style == "structs" and inner:
            words += [spelling.option, _written(inner)]
        else:
            return words
        at += 1


def _inner(head: str, given: Mapping[str, str]) -> dict[str, str]:
    return {
        name[len(head) + 1 :]: text for name, text in given.items() if name.startswith(head + ".")
    }


def _written(members: Mapping[str, str]) -> str:
    return ",".join(f"{key}={text}" for key, text in members.items())
