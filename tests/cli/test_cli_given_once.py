"""An option that takes one value is refused a second one: no form loses the first silently."""

from collections.abc import Iterator
from types import SimpleNamespace

import click
import pytest
from cli_running import Run
from support import Cloud

from snapcli.api import catalogue
from snapcli.cli import friendly
from snapcli.cli.options import Spelling, spellings

REFUSED = "parse failed flag duplicated "


def commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The words of every command below a group, the group's own included."""
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name))
        else:
            yield (*path, name)


def command_of(path: tuple[str, ...]) -> click.Command:
    command: click.Command = friendly.root()
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    return command


# `snapcli ram` without a command is the exact form, whose grammar has tests of its own.
PATHS = [path for path in commands(friendly.root(), ()) if path != ("ram",)]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: " ".join(path) or "snapcli")
def test_no_command_takes_a_second_value_for_an_option_of_one(
    run: Run, path: tuple[str, ...]
) -> None:
    """Every command there is, operations and local ones, and the global options at each."""
    for option in command_of(path).params:
        if not isinstance(option, click.Option) or option.multiple:
            continue
        if option.is_flag and not option.secondary_opts:
            continue
        for name in option.opts:
            said = (name, *option.secondary_opts) if option.is_flag else (name, "a", name, "b")
            done = run(*path, *said)
            assert (done.code, done.out) == (1, ""), said
            typed = said[-1] if option.is_flag else name
            assert f"{REFUSED}{typed}\n" in done.err, (said, done.err)


def test_the_walk_above_sees_operations_local_commands_and_groups() -> None:
    seen = {" ".join(path) for path in PATHS}
    assert {entry.command for entry in catalogue.ENTRIES.values()} <= seen
    assert {"", "init", "tour", "run", "status", "config", "config set", "console"} <= seen


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("--workspace v --workspace w clock show", "--workspace"),
        ("--workspace v clock --workspace w show", "--workspace"),
        ("--workspace v clock show --workspace w", "--workspace"),
        ("clock --workspace v show --workspace=w", "--workspace"),
        ("--region a clock show --region b", "--region"),
        ("--profile a clock show -p b", "-p"),
        ("clock show -pa --profile b", "--profile"),
        ("clock show --profile a -pb", "-p"),
    ],
)
def test_a_global_option_counts_wherever_it_stands(
    run: Run, service: SimpleNamespace, line: str, typed: str
) -> None:
    done = run(*line.split())
    assert (done.code, done.out) == (1, "")
    assert f"{REFUSED}{typed}\n" in done.err
    assert service.calls == []


def test_a_switch_that_can_say_only_one_thing_may_be_said_twice(
    run: Run, service: SimpleNamespace
) -> None:
    assert run("--yes", "--quiet", "clock", "show", "--yes", "-y", "-q").code == 0


def test_lists_go_on_repeating(run: Run, service: SimpleNamespace) -> None:
    line = "create-snapshot --disk-id d --zone-id z --instance-id i --instance-id j"
    assert run(*line.split(), "--tag", "a=1", "--tag", "b=2").code == 0
    assert service.calls[-1][1] == {
        "DiskId": "d",
        "ZoneId": "z",
        "InstanceId.1": "i",
        "InstanceId.2": "j",
        "Tag.1.Key": "a",
        "Tag.1.Value": "1",
        "Tag.2.Key": "b",
        "Tag.2.Value": "2",
    }


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        ("create-snapshot --data-disk Size=20,Size=40", "--data-disk Size"),
        ("create-snapshot --data-disk size=20,Size=40", "--data-disk Size"),
        ("create-snapshot --system-disk Size=20 --system-disk Category=x", "--system-disk"),
        ("ecs create-snapshot --system-disk Size=20 Size=40", "--system-disk Size"),
        ("ecs create-snapshot --system-disk Size=20 --system-disk DiskName=a", "--system-disk"),
        ("ecs create-snapshot --force true --force false", "--force"),
        ("ecs create-snapshot --snapshot-name=a --snapshot-name b", "--snapshot-name"),
        ("ecs CreateSnapshot --SnapshotName=a --SnapshotName b", "--SnapshotName"),
        ("ecs CreateSnapshot --profile a -p b", "--profile"),
    ],
)
def test_members_and_the_other_forms_obey_the_same(
    run: Run, service: SimpleNamespace, words: str, typed: str
) -> None:
    done = run(*words.split())
    assert (done.code, done.out) == (1, "")
    assert done.err == f"ERROR: {REFUSED}{typed}\n"
    assert service.calls == []


def plugin_options() -> Iterator[tuple[str, str, Spelling]]:
    for action, entry in catalogue.ENTRIES.items():
        if not entry.local:
            for spelling in spellings(action, catalogue.load(action).request):
                if not spelling.repeats:
                    yield entry.product, entry.command.split()[-1], spelling


def test_the_plug_in_form_refuses_it_for_every_option_of_one_value(run: Run) -> None:
    for product, command, spelling in plugin_options():
        value = "true" if spelling.style == "switch" else "a"
        done = run(product, command, *(spelling.option, value) * 2)
        assert (done.code, done.out) == (1, ""), (command, spelling.option)
        assert done.err == f"ERROR: {REFUSED}{spelling.option}\n"


def test_a_snapshot_of_two_disks_is_not_a_snapshot_of_the_second(cloud: Cloud) -> None:
    instance = cloud.instance()
    one, other = (disk["DiskId"] for disk in cloud.disks(InstanceId=instance))
    for words in (("create-snapshot",), ("ecs", "create-snapshot")):
        done = cloud.run(*words, "--disk-id", one, "--disk-id", other)
        assert (done.code, done.out) == (1, "")
        assert f"{REFUSED}--disk-id" in done.err
    exact = cloud.run("ecs", "CreateSnapshot", f"--DiskId={one}", f"--DiskId={other}")
    assert exact.code == 1
    assert cloud.snapshots() == []
