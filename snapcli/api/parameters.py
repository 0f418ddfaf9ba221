"""From parameter names and texts to a typed request, and back to a description for help.

Reads the request types only; knows no operation and applies no rules of the service.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from snapcli.api.errors import ApiError, MissingParameters, UnknownName, missing_parameter
from snapcli.api.operation import Group, Request

Kind = Literal[
    "text", "integer", "number", "boolean", "json", "repeat", "several", "groups", "group"
]

_LABELS: dict[Kind, str] = {
    "text": "String",
    "integer": "Integer",
    "number": "Float",
    "boolean": "Boolean",
    "json": "String",
    "repeat": "RepeatList",
    "several": "String",
    "groups": "RepeatList",
    "group": "Struct",
}


class Parameter(msgspec.Struct, kw_only=True):
    """A parameter as declared: its names, what it holds, its limits, its words for help."""

    field: str
    name: str
    kind: Kind
    type: Any
    required: bool
    default: Any
    doc: str
    code: str
    status: int
    right: str
    choices: tuple[str, ...]
    members: tuple["Parameter", ...]
    local: bool
    instead: tuple[str, ...]  # any of these parameters makes it unnecessary
    label: str  # the type's name as the real command's help prints it


_described: dict[type[Any], tuple[Parameter, ...]] = {}


def describe(request: type[Request] | type[Group]) -> tuple[Parameter, ...]:
    """Return the parameters of a request type in the order they are declared."""
    known = _described.get(request)
    if known is None:
        hints = get_type_hints(request, include_extras=True)
        local = getattr(request, "local", ())
        known = tuple(
            _parameter(field, hints[field.name], field.name in local)
            for field in msgspec.structs.fields(request)
        )
        _described[request] = known
    return known


def _parameter(field: msgspec.structs.FieldInfo, hint: Any, local: bool) -> Parameter:
    metas: list[msgspec.Meta] = []
    doc = ""
    base = hint
    while True:
        if get_origin(base) is Annotated:
            base, *extras = get_args(base)
            for extra in extras:
                if isinstance(extra, str):
                    doc = doc or extra
                else:
                    metas.append(extra)
            continue
        options = [option for option in get_args(base) if option is not type(None)]
        if type(None) in get_args(base) and len(options) == 1:
            base = options[0]
            continue
        break
    extra_of: dict[str, Any] = {}
    for meta in reversed(metas):
        extra_of |= meta.extra or {}
    kind = _kind(base, extra_of)
    members: tuple[Parameter, ...] = ()
    if kind in ("groups", "group"):
        members = describe(get_args(base)[0] if kind == "groups" else base)
    bare: Any = base
    for meta in metas:
        bare = Annotated[bare, meta]
    required = field.required or bool(extra_of.get("required"))
    default = None
    if not required:
        default = field.default if field.default is not msgspec.NODEFAULT else None
    return Parameter(
        field=field.name,
        name=field.encode_name,
        kind=kind,
        type=bare,
        required=required,
        default=default,
        doc=doc,
        code=extra_of.get("code", "Invalid" + field.encode_name),
        status=extra_of.get("status", 400),
        right=extra_of.get("right", _plain_right(kind)),
        choices=extra_of.get("of", ()),
        members=members,
        local=local,
        instead=extra_of.get("instead", ()),
        label=extra_of.get("label", _LABELS[kind]),
    )


def _kind(base: Any, extra: Mapping[str, Any]) -> Kind:
    if get_origin(base) is list:
        if extra.get("json"):
            return "json"
        if extra.get("several"):
            return "several"
        item = get_args(base)[0]
        return "groups" if isinstance(item, type) and issubclass(item, Group) else "repeat"
    if base is bool:
        return "boolean"
    if base is int:
        return "integer"
    if base is float:
        return "number"
    if isinstance(base, type) and issubclass(base, Group):
        return "group"
    return "text"


def _plain_right(kind: Kind) -> str:
    return {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "json": 'a JSON list such as ["a","b"]',
    }.get(kind, "a text")


def names(request: type[Request]) -> tuple[str, ...]:
    """Return every top-level parameter name that the request accepts, ignored ones included."""
    return tuple(p.name for p in describe(request)) + request.ignored


def check_names(request: type[Request], given: Iterable[str]) -> None:
    """Raise UnknownName for the first of the `given` wire names that the request does not have."""
    for name in given:
        if not _known(request, name):
            raise UnknownName(f"'--{name}' is not a valid parameter or flag.", (name,))


def _known(request: type[Request], name: str) -> bool:
    head, *rest = name.split(".")
    if name in request.ignored or head in request.ignored:
        return True
    for parameter in describe(request):
        if parameter.name != head:
            continue
        if parameter.kind == "repeat":
            return (len(rest) == 1 and rest[0].isdecimal()) or not rest
        if parameter.kind in ("groups", "group"):
            if parameter.kind == "groups":
                if not rest or not rest[0].isdecimal():
                    return False
                rest = rest[1:]
            return len(rest) >= 1 and _member(parameter, rest) is not None
        return not rest
    return False


def _member(parameter: Parameter, rest: list[str]) -> Parameter | str | None:
    """Find the member that `Key` (or old lower-case `key`) names; ignored ones by their name."""
    for member in parameter.members:
        if member.name == rest[0] or member.name.lower() == rest[0]:
            return member
    item = get_args(_bare(parameter.type))
    group = item[0] if parameter.kind == "groups" else _bare(parameter.type)
    return rest[0] if ".".join(rest) in group.ignored or rest[0] in group.ignored else None


def _bare(hint: Any) -> Any:
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return hint


def check_required(request: type[Request], given: Mapping[str, str]) -> None:
    """Raise MissingParameters naming all required ones left out; RegionId has a default, and
    lists are left to the service, as the real command does."""
    lacking = tuple(
        p.name
        for p in describe(request)
        if p.required
        and p.kind not in ("repeat", "groups")
        and given.keys().isdisjoint((p.name, *p.instead))
    )
    if lacking:
        raise MissingParameters(lacking)


def decode(request: type[Request], given: Mapping[str, str]) -> Any:
    """Turn wire parameters into a `request`; an empty optional text counts as absent.

    Raises ApiError with the parameter's own code for a value outside its limits, and
    MissingParameter (or the request's own code) for a required one left out.
    """
    values: dict[str, Any] = {}
    for parameter in describe(request):
        value = _gather(parameter, parameter.name, given)
        if value is not None:
            values[parameter.field] = value
        elif parameter.required and not any(given.get(name) for name in parameter.instead):
            code, status = request.missing.get(parameter.name, ("MissingParameter", 400))
            first = ".1" if parameter.kind in ("repeat", "groups") else ""
            raise missing_parameter(parameter.name + first, code, status)
    return request(**values)


def _gather(parameter: Parameter, wire: str, given: Mapping[str, str]) -> Any:
    """Collect and convert what was given under `wire`; None when nothing was."""
    if parameter.kind in ("repeat", "several", "groups"):
        return _gather_list(parameter, wire, given)
    if parameter.kind == "group":
        return _gather_group(parameter.members, wire, given, _bare(parameter.type))
    text = given.get(wire, "")
    if text == "":
        return None
    return _convert(parameter, wire, text)


def _gather_list(parameter: Parameter, wire: str, given: Mapping[str, str]) -> Any:
    found: dict[str, int] = {}
    for name in given:
        if name.startswith(wire + "."):
            digits = name[len(wire) + 1 :].split(".", 1)[0]
            if digits.isdecimal():
                found[digits] = int(digits)
    elements: list[Any] = []
    item = get_args(_bare(parameter.type))[0]
    for index in sorted(found, key=found.__getitem__):
        if parameter.kind == "groups":
            group = _gather_group(parameter.members, f"{wire}.{index}", given, _bare(item))
            if group is not None:
                elements.append(group)
        elif given.get(f"{wire}.{index}", "") != "":
            elements.append(given[f"{wire}.{index}"])
    text = "" if parameter.kind == "groups" or elements else given.get(wire, "")
    if text and parameter.kind == "several":
        elements = [text]
    elif text:
        # Some scripts send a repeat list as one JSON text.
        listed = read_list(text)
        if listed is None:
            raise _refusal(parameter, wire, text, f"{wire}.1, {wire}.2 and so on, one value each")
        elements = listed
    if not elements:
        return None
    return _check(parameter, wire, ", ".join(map(str, elements)), elements)


def _gather_group(
    members: tuple[Parameter, ...], wire: str, given: Mapping[str, str], group: Any
) -> Any:
    values: dict[str, Any] = {}
    for member in members:
        value = _gather(member, f"{wire}.{member.name}", given)
        if value is None:
            value = _gather(member, f"{wire}.{member.name.lower()}", given)
        if value is not None:
            values[member.field] = value
    if not values:
        return None
    for member in members:
        if member.required and member.field not in values:
            raise missing_parameter(f"{wire}.{member.name}")
    return group(**values)


def _convert(parameter: Parameter, wire: str, text: str) -> Any:
    value: Any = text
    if parameter.kind == "boolean":
        value = {"true": True, "false": False}.get(text.lower(), text)
    elif parameter.kind in ("integer", "number"):
        value = text.strip()
    elif parameter.kind == "json":
        value = read_list(text)
    elif parameter.choices:
        value = next((c for c in parameter.choices if c.lower() == text.lower()), None)
        if value is None:
            raise _refusal(parameter, wire, text)
    return _check(parameter, wire, text, value)


def _check(parameter: Parameter, wire: str, text: str, value: Any) -> Any:
    try:
        return msgspec.convert(value, parameter.type, strict=False)
    except msgspec.ValidationError:
        raise _refusal(parameter, wire, text) from None


def _refusal(parameter: Parameter, wire: str, text: str, right: str = "") -> ApiError:
    shown = text if len(text) <= 120 else text[:117] + "..."
    return ApiError(
        parameter.code,
        parameter.status,
        f"The value {shown!r} of {wire} is not acceptable. It must be {right or parameter.right}.",
    )


def read_list(text: str) -> list[str] | None:
    """Return the elements of a JSON list, numbers as texts; None for any other text.

    Single quotes are read too: they are no JSON, but the service takes them, and its own
    documentation writes `--InstanceIds "['i-...']"`. Nothing looser is: no bare value, no commas.
    """
    for candidate in (text, text.replace("'", '"')):
        try:
            return [str(value) for value in msgspec.json.decode(candidate, type=list[str | int])]
        except (msgspec.DecodeError, ValueError):  # a ValueError: bytes that are no text
            continue
    return None
