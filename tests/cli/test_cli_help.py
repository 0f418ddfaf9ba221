"""Help at every level: on standard output, exit 0, with examples."""

import re

import pytest
from cli_running import Run

from snapcli.api import catalogue
from snapcli.cli import exit_codes
from snapcli.cli.friendly import LOCAL

# `tour` is a room of its own, with its own tests.
_LOCAL = [name for name in LOCAL if name != "tour"]
_COMMANDS = [entry.command for entry in catalogue.ENTRIES.values()]
_GROUPS = ["chain", "clock", "disk", "config"]


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", [*_COMMANDS, *_LOCAL, *_GROUPS, "config get", "config set", ""])
def test_every_command_has_help(run: Run, command: str, flag: str) -> None:
    done = run(*command.split(), flag)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: snapcli")
    assert "--workspace" in done.out
    if command not in _GROUPS:
        assert "Examples:" in done.out


@pytest.mark.parametrize("command", [*_COMMANDS, *_LOCAL, *_GROUPS])
def test_help_as_a_word_is_the_same_as_the_flag(run: Run, command: str) -> None:
    assert run("help", *command.split()).out.rstrip() == run(*command.split(), "-h").out.rstrip()


@pytest.mark.parametrize("action", sorted(catalogue.ENTRIES))
def test_every_action_has_help_in_the_real_commands_layout(run: Run, action: str) -> None:
    product = catalogue.ENTRIES[action].product
    asked = [
        run(product, action, "--help"),
        run("help", product, action),
        run(product, "help", action),
        run(product, action, "-h"),
    ]
    assert {(done.code, done.out, done.err) for done in asked} == {(0, asked[0].out, "")}
    title = {"ecs": "Ecs (Elastic Compute Service)", "ram": "Ram (Resource Access Management)"}
    assert f"\nProduct: {title[product]}\n\nParameters:\n" in asked[0].out
    assert f"  snapcli {product} {action}" in asked[0].out


def test_required_parameters_come_first_and_lists_are_shown_with_n(run: Run) -> None:
    lines = run("help", "ecs", "CreateSnapshot").out.splitlines()
    named = [line for line in lines if line.startswith("  --")]
    assert named[0] == "  --DiskId String  Required"
    assert "  --Tag.n.Key String  Optional" in named
    assert named[1:] == sorted(named[1:])


def test_the_product_lists_every_api_sorted(run: Run) -> None:
    asked = [run("ecs"), run("ecs", "help"), run("help", "ecs"), run("ECS", "--help")]
    assert {(done.code, done.out, done.err) for done in asked} == {(0, asked[0].out, "")}
    text = asked[0].out
    listed = [line.split()[0] for line in text.splitlines() if line.startswith("  ")][1:]
    entries = catalogue.actions("ecs").values()
    api = sorted(entry.action for entry in entries if not entry.local)
    assert listed == api
    assert "Version: 2014-05-26 \n" in text


def test_the_top_level_names_every_command_and_every_exit_code(run: Run) -> None:
    text = run().out
    assert run().code == 0
    assert text == run("--help").out
    for command in (*_COMMANDS, *LOCAL):
        assert re.search(rf"^  {command.split()[0]}\s", text, re.M), command
    for code, words in exit_codes.TABLE:
        assert f"  {code:<4} {words}\n" in text


def test_a_group_alone_prints_its_help(run: Run) -> None:
    done = run("disk")
    assert (done.code, done.err) == (0, "")
    assert done.out.rstrip() == run("disk", "--help").out.rstrip()


def test_the_version_is_one_line_with_program_api_and_workspace_format(run: Run) -> None:
    done = run("--version")
    assert (done.code, done.err) == (0, "")
    assert done.out == "snapcli 0.1.0 (API 2014-05-26, workspace format 1)\n"


def test_help_on_an_unknown_api_names_the_nearest(run: Run) -> None:
    done = run("help", "ecs", "CreateSnapsho")
    assert (done.code, done.out) == (2, "")
    assert "Did you mean:\n  CreateSnapshot\n" in done.err
