"""Every script in examples/ runs as it is and does what it says."""

import json
from pathlib import Path

import pytest
from newcomer_shell import run_bash
from readme_text import ROOT

EXAMPLES = ROOT / "examples"
# How the last lines that each one prints must end.
ENDINGS = {
    "first-session": ["accomplished"],
    "disaster-drill": ["there again."],
    "rollback-and-keep-later-data": ["configuration: good", "order 1", "order 2"],
}


def _run(name: str, folder: Path, **environ: str) -> None:
    done = run_bash(str(EXAMPLES / f"{name}.sh"), folder, **environ)
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = ENDINGS[name]
    lines = [line for line in done.stdout.splitlines() if line][-len(wanted) :]
    assert all(line.endswith(end) for line, end in zip(lines, wanted, strict=True)), done.stdout


def _run_in_a_workspace(name: str, folder: Path) -> None:
    workspace = str(folder / "workspace")
    ready = run_bash("snapcli config set speed instant", folder, SNAPCLI_WORKSPACE=workspace)
    assert ready.returncode == 0, ready.stderr
    _run(name, folder, SNAPCLI_WORKSPACE=workspace)
    checked = run_bash(f"snapcli --workspace '{workspace}' check --read-data -o json", folder)
    assert json.loads(checked.stdout)["Problems"] == []


@pytest.mark.rule("CR-13")
def test_the_guides_own_lines_make_a_snapshot(tmp_path: Path) -> None:
    _run_in_a_workspace("first-session", tmp_path)


@pytest.mark.rule("OV-3")
def test_a_destroyed_disk_is_made_again_from_its_snapshot_in_another_zone(tmp_path: Path) -> None:
    _run_in_a_workspace("disaster-drill", tmp_path)


@pytest.mark.rule("RB-8")
def test_the_guides_recipe_rolls_back_and_keeps_later_data(tmp_path: Path) -> None:
    _run_in_a_workspace("rollback-and-keep-later-data", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDINGS)
def test_an_example_waits_at_the_default_speed_and_leaves_nothing(
    name: str, tmp_path: Path
) -> None:
    _run(name, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_every_example_is_run() -> None:
    assert {path.stem for path in EXAMPLES.iterdir()} == set(ENDINGS)
