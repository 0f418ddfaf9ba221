"""Real file systems that are read-only or full: what can be done is done, the rest is explained."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import workspace_helpers as helpers

from snapcli.workspace import files, settings_edit
from snapcli.workspace.errors import WorkspaceError
from snapcli.workspace.store import Workspace


def mount(*words: str) -> None:
    try:
        done = subprocess.run(["mount", *words], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {done.stderr.decode().strip()}")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, 256 KiB large."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    folder = tmp_path / "mounted"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=256k", "none", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    ballast = folder / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
    except OSError:
        return ballast


def refused(act: Callable[[], object], words: str) -> WorkspaceError:
    with pytest.raises(WorkspaceError, match=words) as caught:
        act()
    return caught.value


@pytest.mark.parametrize("lock_file", [True, False])
def test_a_read_only_workspace_is_read_and_not_written(small: Path, lock_file: bool) -> None:
    root = str(small / "w")
    workspace = helpers.set_scene(root)
    if not lock_file:
        os.unlink(os.path.join(root, "lock"))
    (small / "w" / "state" / "settings.json").unlink()
    mount("-o", "remount,ro", str(small))
    with workspace.read() as tx:
        assert tx.load(helpers.A, helpers.Counter).count == 1
    error = refused(lambda: helpers.run(root, "one"), "read-only, so nothing in it can be changed")
    assert error.path == root
    refused(lambda: settings_edit.set_value(root, "speed", "instant"), r"Read-only|cannot be made")
    refused(lambda: Workspace.open(str(small / "other")), "Read-only file system.*No workspace")


def test_what_a_crash_left_on_a_read_only_workspace(small: Path) -> None:
    root = str(small / "w")
    workspace = helpers.set_scene(root)
    (small / "w" / "staged").mkdir()
    (small / "w" / "pending.json").write_text('{"created": []}')
    mount("-o", "remount,ro", str(small))
    with workspace.read() as tx:  # undecided: as if it had never been
        assert tx.load(helpers.A, helpers.Counter).count == 1
    mount("-o", "remount,rw", str(small))
    (small / "w" / "journal.json").write_text("{}")
    mount("-o", "remount,ro", str(small))
    refused(lambda: helpers.look(root), "unfinished change and is read-only")


def test_a_full_disk_changes_nothing_and_says_so(small: Path) -> None:
    root = str(small / "w")
    workspace = helpers.set_scene(root)
    before = helpers.picture(root)
    ballast = fill(small)

    def grow() -> None:
        with workspace.write() as tx:
            tx.load(helpers.A, helpers.Counter).notes = {str(n): "x" * 99 for n in range(99)}
            tx.load(helpers.B, helpers.Counter).count = 5

    error = refused(grow, "No space left on device.*Nothing was changed.*Free some space")
    assert error.path is not None
    assert error.path.startswith(root)
    assert helpers.picture(root) == before
    refused(lambda: settings_edit.set_value(root, "speed", "instant"), "Nothing was changed")
    refused(lambda: Workspace.open(str(small / "other")), "No workspace was made")
    ballast.unlink()
    grow()


def test_an_operation_that_fills_the_disk_is_undone_and_explained(small: Path) -> None:
    root = str(small / "w")
    workspace = helpers.set_scene(root)
    before = helpers.picture(root)

    def capture() -> None:
        with workspace.write() as tx:
            tx.creates(helpers.NEW_PACK)
            with open(tx.path(helpers.NEW_PACK), "wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)

    refused(capture, "No space left on device.*Nothing was changed")
    assert helpers.picture(root) == before


def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may do everything")
    root = tmp_path / "w"
    workspace = helpers.set_scene(str(root))
    root.chmod(0o500)
    try:
        with workspace.read() as tx:
            assert tx.load(helpers.A, helpers.Counter).count == 1
        refused(lambda: helpers.run(str(root), "one"), "read-only")
    finally:
        root.chmod(0o700)


def test_an_error_that_is_not_the_disks_is_passed_on_as_it_is(tmp_path: Path) -> None:
    workspace = helpers.set_scene(str(tmp_path / "w"))
    with pytest.raises(FileNotFoundError), workspace.write():
        open(tmp_path / "nowhere" / "x")  # noqa: SIM115


def test_a_file_is_written_anew_so_that_another_name_of_the_old_one_keeps_it(
    tmp_path: Path,
) -> None:
    """A hard-linked copy of a workspace has what a kill left, too."""
    path, other = tmp_path / "staged", tmp_path / "copy"
    files.write_synced(str(path), b"before")
    os.link(path, other)
    files.write_synced(str(path), b"after")
    assert (path.read_bytes(), other.read_bytes()) == (b"after", b"before")
