"""Profiles of the real command, as far as they are harmless: names, regions, languages.

Reads its `config.json` and a file of the same layout in a workspace. No secret is decoded, kept
or written.
"""

import os
from collections.abc import Callable

import msgspec

from snapcli.workspace import files
from snapcli.workspace.errors import WorkspaceError
from snapcli.workspace.lock import acquire

PROFILES_NAME = "profiles.json"


class Profile(msgspec.Struct, kw_only=True):
    """What is known of a profile; its credentials are not."""

    name: str = ""
    mode: str = "AK"
    region_id: str = ""
    output_format: str = "json"
    language: str = "en"


class Profiles(msgspec.Struct, kw_only=True):
    """The profiles of one file, and which is used when none is named."""

    current: str = ""
    profiles: list[Profile] | None = None

    def named(self, name: str) -> Profile | None:
        """Return the profile of that name, None when there is none."""
        return next((each for each in self.profiles or () if each.name == name), None)


def read(path: str) -> Profiles | None:
    """Return what a file says of profiles, None when there is no such file.

    Raises WorkspaceError for one that cannot be read or understood.
    """
    try:
        return msgspec.json.decode(files.read_bytes(path), type=Profiles)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be read: {error.strerror}.", path) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WorkspaceError(
            f"{path} is not a configuration of profiles: {error}.", path, "Mend or remove it."
        ) from None


def change(folder: str, edit: Callable[[Profiles], None]) -> Profiles:
    """Replace the profiles of the workspace `folder` by what `edit` makes of them, and return them.

    Raises WorkspaceError when the file cannot be read or written.
    """
    path = os.path.join(folder, PROFILES_NAME)
    with acquire(folder, exclusive=True):
        found = read(path) or Profiles()
        edit(found)
        text = msgspec.json.format(msgspec.json.encode(found), indent=4) + b"\n"
        try:
            files.replace_synced(path, path + ".new", text)
        except OSError as error:
            raise files.storage_error(error, path, "Nothing was changed.") from None
    return found
