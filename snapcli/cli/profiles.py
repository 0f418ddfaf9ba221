"""Which profile a command means, and the region that goes with it.

A profile is one of the real command's configuration (`~/.aliyun/config.json`) or one that was
set in the workspace; there are no credentials in either as seen from here. Changes nothing.
"""

import os
from collections.abc import Mapping, Sequence

import msgspec

from snapcli.cli import exit_codes
from snapcli.cli.usage import UsageError, closest
from snapcli.workspace import location, profiles
from snapcli.workspace.errors import WorkspaceError
from snapcli.workspace.profiles import Profile, Profiles

IGNORE = "ALIBABA_CLOUD_IGNORE_PROFILE"
DEFAULT_REGION = "cn-hangzhou"
CONFIGURE = "Configuration failed, use `aliyun configure` to configure it"


class Known(msgspec.Struct):
    """The profiles of a workspace before those of the user, and the one that is current."""

    all: list[Profile]
    current: str

    def names(self) -> list[str]:
        """Return their names."""
        return [each.name for each in self.all]

    def named(self, name: str) -> Profile | None:
        """Return the profile of that name, None when there is none."""
        return next((each for each in self.all if each.name == name), None)


def unknown(name: str, names: Sequence[str]) -> UsageError:
    """Return the refusal of a profile that is none of `names`."""
    return UsageError(
        f"unknown profile {name}, run configure to check",
        exit_codes.MISSING,
        near=closest(name, names),
        tip=CONFIGURE,
    )


def known(workspace: str | None, config_path: str | None, environ: Mapping[str, str]) -> Known:
    """Return the profiles there are: those of `config_path` alone where it is given.

    Raises UsageError (exit code 3) for a file that cannot be read or understood.
    """
    if environ.get(IGNORE, "").upper() == "TRUE":
        return Known([Profile(name="default", region_id=DEFAULT_REGION)], "default")
    found = [_read(path) for path in _paths(workspace, config_path, environ)]
    every: dict[str, Profile] = {}
    for each in found:
        for profile in each.profiles or ():
            every.setdefault(profile.name, profile)
    current = next((each.current for each in found if each.current), "")
    return Known(list(every.values()), current)


def _paths(
    workspace: str | None, config_path: str | None, environ: Mapping[str, str]
) -> tuple[str, ...]:
    if config_path:
        return (os.path.expanduser(config_path),)
    home = environ.get("HOME") or os.path.expanduser("~")
    folder = location.find(workspace, environ, os.getcwd()).path
    return (
        os.path.join(folder, profiles.PROFILES_NAME),
        os.path.join(home, ".aliyun", "config.json"),
    )


def _read(path: str) -> Profiles:
    try:
        return profiles.read(path) or Profiles()
    except WorkspaceError as error:
        raise UsageError(str(error), exit_codes.MISSING, tip=CONFIGURE) from None
