"""Changing workspace.toml with its comments and layout kept: the only user of tomlkit.

Takes the workspace's lock, so it must not be called inside a transaction.
"""

import os
from collections.abc import Callable, Mapping, MutableMapping

import tomlkit
import tomlkit.exceptions

from snapcli.workspace import commit, files, settings_check
from snapcli.workspace.errors import SettingError, WorkspaceError
from snapcli.workspace.lock import acquire
from snapcli.workspace.settings import SETTINGS_NAME, Settings, read_text
from snapcli.workspace.settings_check import Scalar

OnWait = Callable[[], None]


def get(path: str, dotted_key: str) -> Scalar:
    """Return the value in force of one key of the workspace `path`.

    Raises WorkspaceError, and SettingError for an unknown key.
    """
    toml_path = os.path.join(path, SETTINGS_NAME)
    settings = settings_check.decode(read_text(toml_path), toml_path)
    try:
        settings_check.find_key(toml_path, dotted_key)
    except WorkspaceError as error:
        raise SettingError(error.message, error.path, error.hint) from None
    parts = dotted_key.split(".")
    if parts[0] == "speeds" and parts[1] not in settings.speeds:
        raise SettingError(
            f"{toml_path}: there is no speed {parts[1]}.",
            toml_path,
            f"There are {', '.join(settings.speeds)}.",
        )
    return _value(settings, dotted_key)


def set_value(path: str, dotted_key: str, text: str, on_wait: OnWait | None = None) -> Scalar:
    """Set one key to a value as typed in a shell and return it as kept. Raises WorkspaceError."""
    set_many(path, {dotted_key: text}, on_wait)
    return get(path, dotted_key)


def check_value(path: str, dotted_key: str, text: str) -> None:
    """Raise SettingError where `set_value` would; changes nothing. Raises WorkspaceError."""
    toml_path = os.path.join(path, SETTINGS_NAME)
    changed_text(read_text(toml_path), toml_path, {dotted_key: text})


def set_many(path: str, values: Mapping[str, Scalar], on_wait: OnWait | None = None) -> None:
    """Set several keys at once, all or none; the whole is checked before the file is replaced.

    Raises WorkspaceError for unknown keys, values that are not right, or a file that cannot be
    written.
    """
    _change(path, lambda text, toml_path: changed_text(text, toml_path, values), on_wait)


def list_values(path: str) -> list[tuple[str, Scalar, str]]:
    """Return every key with its value in force and where that is from: "file" or "default"."""
    toml_path = os.path.join(path, SETTINGS_NAME)
    text = read_text(toml_path)
    settings = settings_check.decode(text, toml_path)
    document = tomlkit.parse(text).unwrap()
    return [
        (key.name, _value(settings, key.name), "file" if _has(document, key.name) else "default")
        for key in settings_check.known_keys(tuple(settings.speeds))
    ]


def changed_text(text: str, toml_path: str, values: Mapping[str, Scalar]) -> str:
    """Return the text of workspace.toml with values set, checked as a whole.

    Raises WorkspaceError, and SettingError when it is the new values that are not right;
    `toml_path` is only for its messages.
    """
    try:
        return _with_values(text, toml_path, values)
    except WorkspaceError as error:
        settings_check.decode(text, toml_path)  # was it the file as it stood?
        raise SettingError(error.message, error.path, error.hint) from None


def _with_values(text: str, toml_path: str, values: Mapping[str, Scalar]) -> str:
    try:
        document = tomlkit.parse(text)
    except tomlkit.exceptions.ParseError as error:
        raise WorkspaceError(
            f"{toml_path} is not valid TOML: {error}.", toml_path, "Correct it in an editor."
        ) from None
    for dotted, value in values.items():
        _put(
            document,
            dotted,
            settings_check.check(toml_path, dotted, value, from_text=isinstance(value, str)),
        )
    changed = tomlkit.dumps(document)
    settings_check.decode(changed, toml_path)
    return changed


def _change(path: str, edit: Callable[[str, str], str], on_wait: OnWait | None) -> None:
    # A link stays a link: what it points to is replaced.
    toml_path = os.path.realpath(os.path.join(path, SETTINGS_NAME))
    read_text(toml_path)  # a missing workspace is named before a lock file is made for it
    with acquire(path, exclusive=True, on_wait=on_wait):
        # Else the end of a killed `clock advance`, say, would undo this edit.
        commit.finish_document(path, SETTINGS_NAME)
        text = read_text(toml_path)
        changed = edit(text, toml_path)
        if changed == text:
            return
        try:
            mode = os.stat(toml_path).st_mode & 0o777
            files.replace_written(toml_path, toml_path + ".new", changed.encode(), mode)
        except OSError as error:
            raise files.storage_error(error, toml_path, commit.NOTHING_CHANGED) from None
        try:
            files.sync_folder(os.path.dirname(toml_path))
        except OSError as error:
            raise files.storage_error(error, toml_path, commit.CHANGED) from None


def _put(document: MutableMapping[str, object], dotted: str, value: Scalar) -> None:
    *tables, last = dotted.split(".")
    for position, name in enumerate(tables):
        if name not in document:
            # A table that only holds tables gets no heading of its own.
            document[name] = tomlkit.table(is_super_table=position < len(tables) - 1)
        inner = document[name]
        assert isinstance(inner, MutableMapping)
        document = inner
    document[last] = value


def _value(settings: Settings, dotted: str) -> Scalar:
    value: object = settings
    for name in dotted.split("."):
        value = value[name] if isinstance(value, dict) else getattr(value, name)
    assert isinstance(value, str | int | float)
    return settings_check.plain(value)


def _has(document: Mapping[str, object], dotted: str) -> bool:
    value: object = document
    for name in dotted.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return False
        value = value[name]
    return True
