"""Every script in examples/ runs as it is and does what it says."""

import json
import subprocess
from pathlib import Path

import pytest
from readme_text import ROOT
from shell import run_bash

EXAMPLES = sorted((ROOT / "examples").glob("*.sh"))
LAST_LINES = {
    "first-session": ["accomplished"],
    "disaster-drill": ["there again."],
    "rollback-and-keep-later-data": ["configuration: good", "order 1", "order 2"],
}


def _ends_as_promised(example: Path, done: "subprocess.CompletedProcess[str]") -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = LAST_LINES[example.stem]
    lines = [line for line in done.stdout.splitlines() if line][-len(wanted) :]
    assert all(line.endswith(end) for line, end in zip(lines, wanted, strict=True)), done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.rule("CR-13", "RB-8")
def test_an_example_runs_in_a_workspace_of_ones_own(example: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    ready = run_bash("snapcli config set speed instant", tmp_path, SNAPCLI_WORKSPACE=str(workspace))
    assert ready.returncode == 0, ready.stderr
    done = run_bash(str(example), tmp_path, SNAPCLI_WORKSPACE=str(workspace))
    _ends_as_promised(example, done)
    check = run_bash(f"snapcli --workspace '{workspace}' check --read-data -o json", tmp_path)
    assert json.loads(check.stdout)["Problems"] == []


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_waits_for_its_snapshots_at_the_default_speed(
    example: Path, tmp_path: Path
) -> None:
    _ends_as_promised(example, run_bash(str(example), tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_every_example_is_expected_to_end_somehow() -> None:
    assert {path.stem for path in EXAMPLES} == set(LAST_LINES)
