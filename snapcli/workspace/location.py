"""Where the workspace is, and making one. Opens no document."""

import os
import sys
from collections.abc import Mapping
from typing import Literal

import msgspec

from snapcli.workspace import files
from snapcli.workspace.errors import WorkspaceError
from snapcli.workspace.lock import LOCK_NAME, acquire
from snapcli.workspace.settings import SETTINGS_NAME

ENVIRONMENT_NAME = "SNAPCLI_WORKSPACE"
FOLDER_NAME = ".snapcli"
Source = Literal["option", "environment", "here", "above", "user"]

_NEW_SETTINGS = SETTINGS_NAME + ".new"


class Location(msgspec.Struct, frozen=True):
    """An absolute folder and what it was chosen by. The folder need not exist yet."""

    path: str
    source: Source


def find(option: str | None, environ: Mapping[str, str], cwd: str) -> Location:
    """Return the folder of the workspace: the option, the environment, here, above, the user's.

    Raises WorkspaceError when the option is empty. An empty variable counts as unset.
    """
    if option is not None:
        if not option:
            raise WorkspaceError("--workspace is empty.", None, "Give it the name of a folder.")
        return Location(_absolute(option, cwd), "option")
    from_environment = environ.get(ENVIRONMENT_NAME, "")
    if from_environment:
        return Location(_absolute(from_environment, cwd), "environment")
    folder = os.path.abspath(cwd)
    source: Source = "here"
    while True:
        candidate = os.path.join(folder, FOLDER_NAME)
        if os.path.isdir(candidate):
            return Location(candidate, source)
        parent = os.path.dirname(folder)
        if parent == folder:
            return Location(_user_folder(environ), "user")
        folder, source = parent, "above"


def is_workspace(path: str) -> bool:
    """Tell whether a folder is a workspace: whether it has a workspace.toml."""
    return os.path.exists(os.path.join(path, SETTINGS_NAME))


def create(path: str, settings: Mapping[str, str] | None = None) -> bool:
    """Make the workspace folder `path` (mode 0700) unless it is one; tell whether it was made.

    `settings` are dotted keys and values as in `snapcli config set`, kept if it is made now. Two
    processes may do this at once. Raises WorkspaceError when the folder holds something else or
    cannot be made.
    """
    path = os.path.abspath(path)
    try:
        if is_workspace(path):
            return False
        _refuse_foreign(path)
        files.make_folders(path)
        with acquire(path, exclusive=True):
            if is_workspace(path):
                return False
            text = _first_text(path, settings or {})
            files.replace_synced(
                os.path.join(path, SETTINGS_NAME),
                os.path.join(path, _NEW_SETTINGS),
                text.encode(),
            )
            return True
    except FileExistsError:
        # Another process made a folder of the path in the same instant.
        return create(path, settings)
    except OSError as error:
        raise files.storage_error(error, path, "No workspace was made.") from None


def _refuse_foreign(path: str) -> None:
    """What another process, or one that was killed, is making here does not count as foreign."""
    try:
        names = os.listdir(path)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise WorkspaceError(
            f"{path} is a file, not a folder.", path, "Choose another folder."
        ) from None
    foreign = sorted(set(names) - {LOCK_NAME, _NEW_SETTINGS})
    # Another process may have ended making it between the look and the listing.
    if foreign and not is_workspace(path):
        raise WorkspaceError(
            f"{path} is not a workspace and not empty (it holds {foreign[0]}).",
            path,
            "Choose an empty or new folder.",
        )


def _first_text(path: str, settings: Mapping[str, str]) -> str:
    from snapcli.workspace.settings_template import TEMPLATE

    if not settings:
        return TEMPLATE
    from snapcli.workspace.settings_edit import changed_text

    return changed_text(TEMPLATE, os.path.join(path, SETTINGS_NAME), settings)


def _absolute(folder: str, cwd: str) -> str:
    return os.path.abspath(os.path.join(cwd, os.path.expanduser(folder)))


def _user_folder(environ: Mapping[str, str]) -> str:
    if sys.platform == "linux" and "ANDROID_DATA" not in environ:
        # What platformdirs answers, without the 18 ms of importing it; a test compares the two.
        data = environ.get("XDG_DATA_HOME", "").strip()
        return os.path.join(data or os.path.expanduser("~/.local/share"), "snapcli")
    from platformdirs import user_data_dir

    return user_data_dir("snapcli", appauthor=False)
