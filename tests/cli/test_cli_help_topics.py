"""`snapcli help TOPIC`: every topic is there, short, and names only commands that exist."""

import re

import click
import pytest
from cli_running import Run

from snapcli.api import catalogue
from snapcli.cli import help_topics
from snapcli.cli.friendly import root
from snapcli.cli.globals import global_options
from snapcli.cli.groups import LazyGroup

TOPICS = help_topics.names()
_GLOBAL = {name for option in global_options() for name in option.opts}


@pytest.mark.parametrize("name", TOPICS)
def test_every_topic_is_shown_in_a_terminals_width(run: Run, name: str) -> None:
    done = run("help", name)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] and lines[1] == ""
    assert "`" not in done.out and "#" not in done.out
    assert max(map(len, lines)) <= 90
    assert len(lines) <= 80


def test_the_list_has_every_topic_with_what_it_is_about(run: Run) -> None:
    done = run("help", "topics")
    assert (done.code, done.err) == (0, "")
    for name in TOPICS:
        about = run("help", name).out.splitlines()[0]
        assert re.search(rf"^  {name} +{re.escape(about)}$", done.out, re.M)
    assert {"faq", "rollback", "chains", "deleting", "tags", "workspace", "fees"} <= set(TOPICS)


@pytest.mark.parametrize(
    ("word", "near"),
    [("rolback", "rollback"), ("polices", "policies"), ("topic", "topics"), ("statsu", "status")],
)
def test_an_unknown_word_names_the_nearest_topic_or_command(run: Run, word: str, near: str) -> None:
    done = run("help", word)
    assert (done.code, done.out) == (2, "")
    assert "neither a command nor a topic" in done.err
    assert f"Did you mean:\n  {near}\n" in done.err


def test_no_topic_is_hidden_by_a_command() -> None:
    assert not set(TOPICS) & set(root().summaries)
    assert help_topics.LIST not in root().summaries


def said(name: str) -> list[str]:
    """What stands between backticks in a topic."""
    return re.findall(r"`([^`]+)`", help_topics.source(name))


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words name, and the words left; fails for one that does not exist."""
    context = click.Context(root(), info_name="snapcli")
    command: click.Command = root()
    while isinstance(command, LazyGroup) and words and not words[0].startswith("-"):
        _, found, words = command.resolve_command(context, list(words))
        assert found is not None
        command = found
    return command, words


@pytest.mark.parametrize("name", TOPICS)
def test_every_command_and_option_in_a_topic_exists(name: str) -> None:
    for text in said(name):
        if text == "snapcli" or not text.startswith("snapcli "):
            assert text.startswith("--") or text in catalogue.ENTRIES, text
            continue
        words = text.split()[1:]
        if words[0] == "help":
            assert words[1] in (*TOPICS, "topics"), text
            continue
        command, rest = command_of(words)
        context = click.Context(command, **command.context_settings)
        options = {
            opt
            for parameter in command.get_params(context)
            for opt in (*parameter.opts, *parameter.secondary_opts)
        }
        used = {word for word in rest if word.startswith("--")}
        assert used <= options | _GLOBAL, text
    # An option named alone belongs to some command of the topic.
    alone = {word for text in said(name) if text.startswith("--") for word in text.split()[:1]}
    every = {
        opt
        for text in said(name)
        if text.startswith("snapcli ") and not text.startswith("snapcli help")
        for parameter in command_of(text.split()[1:])[0].params
        for opt in parameter.opts
    }
    assert alone <= every | _GLOBAL, name


@pytest.mark.parametrize("name", TOPICS)
def test_operations_named_without_marks_exist_too(name: str) -> None:
    parameters = {"DeleteAutoSnapshot", "TagKey", "TagValues"}
    for word in re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b", help_topics.source(name)):
        assert word in catalogue.ENTRIES or word in parameters, word
