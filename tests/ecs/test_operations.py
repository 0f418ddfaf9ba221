"""Every operation declares the parameters and response fields that the API publishes."""

import json
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from snapcli.api import catalogue, parameters
from snapcli.api.parameters import Parameter

SPEC = Path(__file__).parents[3] / "shared" / "api" / "ecs-operations.json"
ACTIONS = [
    action
    for action, entry in catalogue.ENTRIES.items()
    if not entry.local and entry.product == "ecs"
]

pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="the API's description is not here")


@pytest.fixture(scope="module")
def published() -> Any:
    return json.loads(SPEC.read_bytes())


def bare(hint: Any) -> Any:
    """The type under Annotated and beside None or UNSET."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in (types.UnionType, Union):
        [hint] = [each for each in get_args(hint) if each not in (type(None), msgspec.UnsetType)]
        return bare(hint)
    return hint


def declared(action: str) -> tuple[dict[str, Parameter], set[str]]:
    """An operation's parameters by dotted name, and the names it accepts and ignores."""
    request = catalogue.load(action).request
    known: dict[str, Parameter] = {}
    ignored = set(request.ignored)
    for parameter in parameters.describe(request):
        if parameter.local:
            continue
        if parameter.kind == "group":
            known |= {f"{parameter.name}.{m.name}": m for m in parameter.members}
            ignored |= {f"{parameter.name}.{name}" for name in bare(parameter.type).ignored}
        else:
            known[parameter.name] = parameter
    return known, ignored


def in_spec(spec: Any, known: Mapping[str, Parameter]) -> dict[str, Any]:
    """The published parameters by name; numbered filters are a list, as `Filter.1.Key` is sent.

    A struct whose members are not published is left out: any member of it may be declared.
    """
    found: dict[str, Any] = {}
    for parameter in spec["parameters"]:
        name = parameter["name"]
        if name.startswith("Filter."):
            members = [{"name": "Key", "type": "String"}, {"name": "Value", "type": "String"}]
            found["Filter"] = {"type": "RepeatList", "members": members}
        elif parameter["type"] != "Struct" or not any(k.startswith(name + ".") for k in known):
            found[name] = parameter
    return found


@pytest.mark.parametrize("action", ACTIONS)
def test_parameters_are_those_of_the_api(action: str, published: Any) -> None:
    known, ignored = declared(action)
    spec = in_spec(published[action], known)
    structs = {p["name"] for p in published[action]["parameters"] if p["type"] == "Struct"}
    assert not known.keys() & ignored
    assert spec.keys() - known.keys() - ignored == set()
    beyond = (known.keys() | ignored) - spec.keys()
    assert {name for name in beyond if name.split(".")[0] not in structs} == set()
    for name, parameter in known.items():
        if name not in spec:
            continue
        assert parameter.label == spec[name]["type"], name
        if name != "RegionId":  # it has a default: the workspace's region
            optional = name in catalogue.load(action).request.optional
            required = bool(spec[name].get("required"))
            assert parameter.required == (required and not optional), name
            assert required or not optional, name
        if parameter.kind == "groups":
            check_members(parameter, spec[name]["members"])


def check_members(parameter: Parameter, spec: list[dict[str, str]]) -> None:
    group = get_args(bare(parameter.type))[0]
    # The lower-case spellings of old clients are accepted for every member.
    published = {member["name"]: member["type"] for member in spec if member["name"][0].isupper()}
    known = {member.name: member.label for member in parameter.members}
    assert not known.keys() & set(group.ignored)
    assert known.keys() | set(group.ignored) == published.keys(), parameter.name
    assert {name: published[name] for name in known} == known, parameter.name


@pytest.mark.parametrize("action", ACTIONS)
def test_response_fields_are_those_of_the_api(action: str, published: Any) -> None:
    check_fields(published[action]["response"], catalogue.load(action).response, set(), action)


def check_fields(spec: Mapping[str, Any], declared: Any, wrapper: set[str], where: str) -> None:
    """Compare a struct's fields with the published ones, and so on inside.

    A list's wrapper may name for its elements what they leave unanswered.
    """
    local = set(getattr(declared, "local", ()))
    hints = get_type_hints(declared)
    fields = {
        field.encode_name: bare(hints[field.name])
        for field in msgspec.structs.fields(declared)
        if field.name not in local
    }
    unanswered = set(declared.unanswered)
    mine = unanswered & spec.keys() if not wrapper else unanswered | wrapper
    assert not fields.keys() & mine, where
    assert fields.keys() | mine == spec.keys(), where
    below = unanswered - mine
    for name, type_ in fields.items():
        inner = spec[name]
        if isinstance(inner, list):
            assert get_origin(type_) is list, f"{where}.{name}"
            inner, type_ = inner[0], get_args(type_)[0]
        if isinstance(inner, str):
            assert type_.__name__ == inner, f"{where}.{name}"
        else:
            handed = below if isinstance(spec[name], list) else set()
            check_fields(inner, type_, handed, f"{where}.{name}")
            below -= handed
    assert not below, where


def test_an_unknown_field_in_a_response_would_be_noticed(published: Any) -> None:
    spec = {**published["CreateSnapshot"]["response"], "Surprise": "str"}
    with pytest.raises(AssertionError):
        check_fields(spec, catalogue.load("CreateSnapshot").response, set(), "CreateSnapshot")


@pytest.mark.parametrize("action", ACTIONS)
def test_every_parameter_says_what_it_is_for(action: str) -> None:
    for parameter in parameters.describe(catalogue.load(action).request):
        for each in (parameter, *parameter.members):
            assert each.doc, each.name


def test_an_action_is_declared_where_the_catalogue_says() -> None:
    for action in catalogue.ENTRIES:
        assert catalogue.load(action).action == action
