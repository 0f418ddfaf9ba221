"""Where a workspace is found, and what may become one."""

import os
from pathlib import Path

import platformdirs
import pytest

from snapcli.workspace.errors import WorkspaceError
from snapcli.workspace.location import create, find, is_workspace
from snapcli.workspace.settings import Settings, load
from snapcli.workspace.store import Workspace


def test_the_option_wins_over_the_environment_over_here_over_above(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    (tmp_path / ".snapcli").mkdir()
    (inner / ".snapcli").mkdir(parents=True)
    environ = {"SNAPCLI_WORKSPACE": "from-env"}
    cwd = str(inner)
    assert find("opt", environ, cwd).path == str(inner / "opt")
    assert find("opt", environ, cwd).source == "option"
    assert find(None, environ, cwd).path == str(inner / "from-env")
    assert find(None, environ, cwd).source == "environment"
    assert find(None, {"SNAPCLI_WORKSPACE": ""}, cwd).path == str(inner / ".snapcli")
    assert find(None, {}, cwd).source == "here"
    (inner / ".snapcli").rmdir()
    above = find(None, {}, cwd)
    assert (above.path, above.source) == (str(tmp_path / ".snapcli"), "above")


def test_without_any_the_user_data_folder_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for environ in ({"XDG_DATA_HOME": "/some/data"}, {}, {"XDG_DATA_HOME": " "}):
        monkeypatch.delenv("XDG_DATA_HOME", raising=False)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        found = find(None, os.environ, "/")
        assert found.source == "user"
        assert found.path == platformdirs.user_data_dir("snapcli", appauthor=False)


def test_a_home_sign_stands_for_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert find("~/w", {}, "/").path == "/home/me/w"


def test_an_empty_option_is_refused() -> None:
    with pytest.raises(WorkspaceError, match="--workspace is empty"):
        find("", {}, "/")


def test_a_new_workspace_is_private_commented_and_holds_the_defaults(tmp_path: Path) -> None:
    root = str(tmp_path / "deep" / "w")
    assert create(root)
    assert not create(root)
    assert os.stat(root).st_mode & 0o777 == 0o700
    text = Path(root, "workspace.toml").read_text()
    assert text.startswith("# ")
    assert load(root) == Settings()


def test_a_new_workspace_may_start_with_other_settings(tmp_path: Path) -> None:
    root = str(tmp_path / "w")
    create(root, {"speed": "instant", "region": "cn-beijing"})
    assert (load(root).speed, load(root).region) == ("instant", "cn-beijing")
    with pytest.raises(WorkspaceError, match="speed"):
        create(str(tmp_path / "other"), {"speed": "fast"})
    assert not is_workspace(str(tmp_path / "other"))


def test_an_empty_folder_becomes_a_workspace_and_a_used_one_does_not(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert create(str(tmp_path / "empty"))
    used = tmp_path / "used"
    used.mkdir()
    (used / "thesis.txt").write_text("precious")
    with pytest.raises(WorkspaceError, match=r"not empty \(it holds thesis\.txt\)") as caught:
        Workspace.open(str(used))
    assert caught.value.path == str(used)
    assert os.listdir(used) == ["thesis.txt"]
    with pytest.raises(WorkspaceError, match="is a file, not a folder"):
        create(str(used / "thesis.txt"))
