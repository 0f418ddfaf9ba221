"""Both forms of a command are the same command, for every action of the catalogue."""

from collections.abc import Mapping

import pytest
from cli_running import Run

from snapcli.api import catalogue, dispatch, parameters
from snapcli.api.operation import Response
from snapcli.api.parameters import Parameter
from snapcli.cli.examples import EXAMPLES
from snapcli.cli.globals import global_options
from snapcli.cli.options import POSITIONALS, spellings
from snapcli.cli.spelling import ecs_words, friendly_words

ACTIONS = sorted(catalogue.ENTRIES)


class Stop(Exception):
    """Raised in place of carrying out the command."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str]]]:
    """Collect what reaches dispatch, and carry out nothing."""
    calls: list[tuple[str, dict[str, str]]] = []

    def invoke(action: str, given: Mapping[str, str], caller: dispatch.Caller) -> Response:
        calls.append((action, dict(given)))
        raise Stop

    monkeypatch.setattr(dispatch, "invoke", invoke)
    return calls


def sample(parameter: Parameter, name: str) -> dict[str, str]:
    """Return wire parameters that say something for a parameter of any kind."""
    if parameter.kind in ("group", "groups"):
        stems = [name] if parameter.kind == "group" else [f"{name}.1", f"{name}.2"]
        return {
            wire: text
            for stem in stems
            for member in parameter.members
            for wire, text in sample(member, f"{stem}.{member.name}").items()
        }
    if parameter.kind == "repeat":
        return {f"{name}.1": "x-1", f"{name}.2": "x-2"}
    texts = {"boolean": "true", "integer": "7", "number": "0.5", "json": '["a","b"]'}
    text = parameter.choices[-1] if parameter.choices else texts.get(parameter.kind, "x-1")
    return {name: text}


@pytest.mark.parametrize("action", ACTIONS)
def test_both_forms_ask_for_the_same(
    run: Run, asked: list[tuple[str, dict[str, str]]], action: str
) -> None:
    given: dict[str, str] = {}
    for parameter in parameters.describe(catalogue.load(action).request):
        given |= sample(parameter, parameter.name)
    run(*ecs_words(action, given))
    run(*friendly_words(action, given))
    assert asked == [(action, given), (action, given)]


@pytest.mark.parametrize("action", ACTIONS)
def test_every_example_is_accepted_in_both_forms(
    run: Run, asked: list[tuple[str, dict[str, str]]], action: str
) -> None:
    assert EXAMPLES[action], f"{action} has no example"
    for _, given in EXAMPLES[action]:
        request = catalogue.load(action).request
        parameters.decode(request, given)  # the values are acceptable
        run(*ecs_words(action, given))
        run(*friendly_words(action, given))
        sent = dict(given)
        if action == "DeleteSnapshots" and "SnapshotId.1" not in given:
            sent["DryRun"] = "true"  # what rules choose is asked for and shown first
        assert asked == [(action, sent)] * 2
        asked.clear()


@pytest.mark.parametrize("action", ACTIONS)
def test_no_option_shadows_a_global_one(action: str) -> None:
    taken = {name for option in global_options() for name in option.opts} | {"--help", "--version"}
    own = [each.option for each in spellings(action, catalogue.load(action).request)]
    assert not taken & set(own)
    assert len(own) == len(set(own))


@pytest.mark.parametrize("action", sorted(POSITIONALS))
def test_every_positional_is_a_parameter_of_its_action(action: str) -> None:
    assert set(POSITIONALS[action]) <= set(parameters.names(catalogue.load(action).request))
