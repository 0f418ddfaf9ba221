"""All or nothing: a change that fails or dies at any step is made wholly or not at all."""

import subprocess
import sys
from pathlib import Path

import faults
import pytest
import workspace_helpers as helpers

from snapcli.workspace import location, settings_edit
from snapcli.workspace.errors import WorkspaceError

HERE = Path(__file__).parent


def deaths(tmp_path: Path, change: str, depth: int) -> int:
    done = subprocess.run(
        [sys.executable, str(HERE / "faults.py"), str(tmp_path), change, str(depth)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize(("change", "least"), [("all", 30), ("one", 5), ("new", 9)])
def test_a_command_killed_at_any_step_leaves_the_state_before_or_after(
    tmp_path: Path, change: str, least: int
) -> None:
    assert deaths(tmp_path, change, 1) >= least


@pytest.mark.slow
def test_a_recovery_killed_at_any_step_is_repeated_by_the_next(tmp_path: Path) -> None:
    assert deaths(tmp_path, "all", 2) >= 30


@pytest.mark.parametrize("change", helpers.CHANGES)
def test_a_step_that_finds_the_disk_full_is_undone_or_finished_as_the_error_says(
    tmp_path: Path, change: str
) -> None:
    number, outcomes = 0, set()
    while True:
        root = str(tmp_path / str(number))
        helpers.set_scene(root)
        before = helpers.picture(root)
        with faults.fault_at(number, faults.no_space) as seen:
            try:
                helpers.run(root, change)
                said = "after"
            except WorkspaceError as error:
                nothing = "Nothing was changed." in error.hint
                said = "before" if nothing else "after"
                assert (
                    nothing
                    or "the next command finishes it" in error.hint
                    or ("may not outlive a power cut" in error.hint)
                )
                assert error.path
                assert "No space left" in error.message
        helpers.look(root)
        after = helpers.picture(root)
        assert ("before" if after == before else "after") == said, number
        assert not {"journal.json", "pending.json", "staged"} & set(after)
        outcomes.add(said)
        if len(seen) <= number:
            break
        number += 1
    assert outcomes == {"before", "after"}
    assert number >= 5


def test_a_first_use_that_fails_at_any_step_is_repeated_by_the_next(tmp_path: Path) -> None:
    number = 0
    while True:
        root = str(tmp_path / str(number) / "deep" / "w")
        with faults.fault_at(number, faults.no_space) as seen:
            try:
                location.create(root)
            except WorkspaceError as error:
                assert "No workspace was made" in error.hint or "cannot be made" in error.message
        helpers.look(root)
        assert set(helpers.picture(root)) == {"lock", "workspace.toml", "state"}
        if len(seen) <= number:
            break
        number += 1
    assert number >= 6


def test_a_setting_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    number = 0
    root = str(tmp_path / "w")
    location.create(root)
    while True:
        old = settings_edit.get(root, "quotas.disks_per_instance")
        with faults.fault_at(number, faults.no_space) as seen:
            try:
                settings_edit.set_value(root, "quotas.disks_per_instance", str(100 + number))
                failed = False
            except WorkspaceError:
                failed = True
        new = settings_edit.get(root, "quotas.disks_per_instance")
        assert new in (old, 100 + number)
        assert failed or new == 100 + number
        assert set(helpers.picture(root)) == {"lock", "workspace.toml"}
        if len(seen) <= number:
            break
        number += 1
    assert number >= 4
