"""The program as a process of its own: what it imports, pipes, closed streams."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from snapcli.api import catalogue

_NOT_ON_THE_WAY = (
    "click",
    "rich",
    "tomlkit",
    "jmespath",
    "tomllib",
    "zstandard",
    "blake3",
    "platformdirs",
    "subprocess",
    "logging",
    "dataclasses",
    "json",
    "asyncio",
    "tempfile",
    "snapcli.volumes",
)
_LIST_MODULES = """
import sys
sys.argv = ["snapcli", *sys.argv[1:]]
from snapcli.cli.main import main
code = main(sys.argv[1:])
print(*sorted(sys.modules), sep="\\n", file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("workspace")
    done = program("init", str(folder))
    assert done.returncode == 0, done.stderr
    yield folder


def program(
    *argv: str, cwd: Path | None = None, script: str = "", **options: object
) -> "subprocess.CompletedProcess[str]":
    start = [sys.executable, "-c", script] if script else [sys.executable, "-m", "snapcli"]
    environ = {key: text for key, text in os.environ.items() if "SNAPCLI" not in key}
    settings: dict[str, object] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
    }
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [*start, *argv], cwd=cwd, env=environ, text=True, timeout=60, **(settings | options)
    )


def loaded(*argv: str, cwd: Path) -> list[str]:
    done = program(*argv, cwd=cwd, script=_LIST_MODULES)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()


def offending(modules: list[str], unwanted: tuple[str, ...]) -> list[str]:
    return [
        module for module in modules for name in unwanted if f"{module}.".startswith(f"{name}.")
    ]


@pytest.mark.parametrize("action", ["DescribeSnapshots", "DescribeDisks", "DescribeRegions"])
def test_a_describe_to_a_pipe_imports_only_what_it_needs(workspace: Path, action: str) -> None:
    loaded("ecs", action, cwd=workspace)  # settings are decoded once, then kept
    modules = loaded("ecs", action, cwd=workspace)
    assert offending(modules, _NOT_ON_THE_WAY) == []


def test_the_guard_of_imports_sees_what_it_guards_against(workspace: Path) -> None:
    modules = loaded("describe-regions", "--output", "table", cwd=workspace)
    assert {"click", "rich"} <= set(offending(modules, _NOT_ON_THE_WAY))


def test_help_at_the_top_imports_no_operation(workspace: Path) -> None:
    modules = loaded("--help", cwd=workspace)
    assert offending(modules, ("rich", "tomlkit", "jmespath", "snapcli.volumes")) == []
    assert [m for m in modules if m.startswith("snapcli.ecs")] == []


def test_a_closed_pipe_is_no_error(workspace: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    for form in (("ecs", "DescribeRegions"), ("describe-regions",), ("--help",)):
        done = program(*form, cwd=workspace, stdout=write_end)
        assert (done.returncode, done.stderr) == (0, "")
    os.close(write_end)


def test_a_result_that_cannot_be_written_is_an_error(workspace: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = program("ecs", "DescribeRegions", cwd=workspace, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "ERROR: The result cannot be written: No space left on device.\n"


_COMMANDS = [
    entry.command if entry.local else f"ecs {entry.action}" for entry in catalogue.ENTRIES.values()
]


@pytest.mark.slow
@pytest.mark.parametrize("command", [*_COMMANDS, "config list", "status", "init", ""])
def test_no_command_waits_or_shows_a_traceback_with_standard_input_closed(
    workspace: Path, command: str
) -> None:
    closed = f"exec {sys.executable} -m snapcli {command} <&-"
    done = subprocess.run(
        ["sh", "-c", closed], cwd=workspace, capture_output=True, text=True, timeout=30
    )
    assert done.returncode in (0, 1, 2, 3)
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
