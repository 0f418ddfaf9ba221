"""Operations described as data, for programs: parameters, answers, errors.

All of it is read from the declarations and the source; nothing is written down twice.
"""

from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from snapcli.api import catalogue
from snapcli.api.error_codes import error_codes
from snapcli.api.parameters import Parameter, describe

Described = dict[str, Any]

_PLAIN: dict[object, str] = {
    str: "String",
    int: "Integer",
    float: "Float",
    bool: "Boolean",
}


def described(action: str) -> Described:
    """Return everything that is declared of an action. Raises UnknownName for an unknown one."""
    declared = catalogue.load(action)
    entry = catalogue.ENTRIES[action]
    return {
        "Action": action,
        "Product": entry.product,
        "Command": entry.command,
        "Summary": entry.summary,
        "Local": entry.local,
        "Changes": declared.changes,
        "Parameters": [_parameter(each) for each in describe(declared.request)],
        "Ignored": sorted(declared.request.ignored),
        "Response": _fields(declared.response),
        "Errors": [{"Code": code, "HttpStatus": status} for code, status in error_codes(declared)],
    }


def _parameter(parameter: Parameter) -> Described:
    said: Described = {
        "Name": parameter.name,
        "Type": parameter.label,
        "Required": parameter.required,
        "Description": parameter.doc,
        "Accepts": parameter.right,
    }
    if parameter.local:
        said["Local"] = True
    if isinstance(parameter.default, str | int | float) and parameter.default != "":
        said["Default"] = parameter.default
    if parameter.choices:
        said["Choices"] = list(parameter.choices)
    if parameter.members:
        said["Members"] = [_parameter(member) for member in parameter.members]
    elif parameter.type is not str:
        said["Error"] = {"Code": parameter.code, "HttpStatus": parameter.status}
    return said


def _fields(struct: type[msgspec.Struct]) -> list[Described]:
    hints = get_type_hints(struct)
    return [
        {"Name": field.encode_name, **_type(hints[field.name])}
        for field in msgspec.structs.fields(struct)
    ]


def _type(hint: Any) -> Described:
    """Return the name of a field's type and, of a structure, its fields."""
    options = [each for each in get_args(hint) if each is not type(None)]
    origin = get_origin(hint)
    if origin is list:
        inner = _type(options[0])
        return {**inner, "Type": f"List<{inner['Type']}>"}
    if origin is not None and type(None) in get_args(hint) and len(options) == 1:
        return _type(options[0])
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return {"Type": "Struct", "Members": _fields(hint)}
    return {"Type": _PLAIN.get(hint, "Any")}
