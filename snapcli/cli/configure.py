"""`aliyun configure list|get|set|switch|delete`: profiles as names and regions.

What is set is kept in the workspace; the real command's own configuration is read and never
written. No secret is needed, kept or shown.
"""

import re
from collections.abc import Callable, Mapping

import msgspec

from snapcli.cli import exit_codes
from snapcli.cli.grammar import Line
from snapcli.cli.local.common import workspace_path
from snapcli.cli.profiles import CONFIGURE, unknown
from snapcli.cli.session import Session
from snapcli.cli.streams import Streams
from snapcli.cli.usage import UsageError, closest
from snapcli.workspace import profiles
from snapcli.workspace.profiles import Profile, Profiles

_SECRETS = ("access-key-id", "access-key-secret", "sts-token", "private-key")
_NOT_KEPT = "Credentials are not needed here and were not kept."
_DEFAULT = "default"
_NO_MODE = "none"


def run(line: Line, streams: Streams) -> int:
    """Carry out `configure …` and return the exit code.

    Raises UsageError for an unknown word, profile or value, and the workspace's errors.
    """
    from snapcli.cli.ecs_form import session_of

    if "help" in line.flags:
        streams.write(
            "Usage:\n  aliyun configure [list | get KEY... | set --region REGION ... | "
            "switch --profile NAME | delete --profile NAME]\n"
        )
        return exit_codes.SUCCESS
    word = line.words[1] if len(line.words) > 1 else ""
    command = _RUN.get(word)
    if command is None:
        raise UsageError(
            f"'{word}' is not a valid command of configure. See `aliyun configure --help`.",
            near=closest(word, [name for name in _RUN if name]),
        )
    command(line, session_of(line, streams))
    return exit_codes.SUCCESS


def _ask(line: Line, session: Session) -> None:
    """Do without the questions that the real command asks."""
    session.streams.remark(
        "Nothing has to be configured: no credentials are needed. `aliyun configure set --region "
        "REGION` chooses a region."
    )
    _list(line, session)


def _list(_: Line, session: Session) -> None:
    current = _current(session).name
    rows = [
        (each.name + (" *" if each.name == current else ""), _credential(each), each)
        for each in session.profiles().all
    ]
    taken = {each.name for each in session.profiles().all}
    region = session.workspace_region()
    rows += [
        (name + (" *" if name == current else ""), _NO_MODE, Profile(region_id=region))
        for name in session.accounts()
        if name not in taken
    ]
    lines = [
        ("Profile", "Credential ", "Valid", "Region", "Language"),
        ("---------", "------------------", "-------", "----------------", "--------"),
        *((name, cred, "Valid", each.region_id, each.language) for name, cred, each in rows),
    ]
    # Go's tabwriter: cells of at least 8 columns, a blank after the widest, none at the end.
    widths = [max(8, *(len(line[at]) + (3 if at else 1) for line in lines)) for at in range(5)]
    for line in lines:
        cells = [line[0], *(f"| {text}" for text in line[1:])]
        padded = [cell.ljust(width) for cell, width in zip(cells[:-1], widths, strict=False)]
        session.streams.write("".join(padded) + cells[-1] + "\n")


def _credential(profile: Profile) -> str:
    return profile.mode if profile.mode == _NO_MODE else f"{profile.mode}:***"


def _current(session: Session) -> Profile:
    """Return the profile that is meant where none is named, or the one that is.

    Raises UsageError (exit code 3) for a name that is neither a profile's nor an account's.
    """
    known = session.profiles()
    name = session.effective_profile() or known.current
    accounts = {} if name and known.named(name) else session.accounts()
    if not name:
        name = next((each for each, current in accounts.items() if current), _DEFAULT)
    found = known.named(name)
    if found is None and name not in accounts:
        raise unknown(name, [*known.names(), *accounts])
    return found or Profile(name=name, mode=_NO_MODE, region_id=session.workspace_region())


def _get(line: Line, session: Session) -> None:
    from snapcli.cli.json_text import json_text

    profile = _current(session)
    keys = line.words[2:]
    if not keys:
        session.streams.write_bytes(json_text(profile))
        return
    texts = {
        "profile": profile.name,
        "mode": profile.mode,
        "region": profile.region_id or session.workspace_region(),
        "language": profile.language,
    } | dict.fromkeys(_SECRETS, "")
    for key in keys:
        if key in texts:
            session.streams.write(f"{key}={texts[key]}\n")
        if key not in texts or key in _SECRETS:
            session.streams.remark(f"{key} is not kept here.")


def _set(line: Line, session: Session) -> None:
    name = line.flag("profile") or session.profiles().current or _DEFAULT
    region, language = line.flag("region"), line.flag("language")
    if region and not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", region):
        raise UsageError(f"invalid region {region}", exit_codes.MISSING, tip=CONFIGURE)
    if language and language not in ("en", "zh"):
        raise UsageError(
            f"invalid language {language}: it must be en or zh", exit_codes.MISSING, tip=CONFIGURE
        )
    known = session.profiles().named(name) or Profile(name=name)

    def edit(found: Profiles) -> None:
        profile = found.named(name)
        if profile is None:
            profile = msgspec.structs.replace(known)
            found.profiles = [*(found.profiles or ()), profile]
        profile.region_id = region or profile.region_id
        profile.language = language or profile.language
        profile.mode = line.flag("mode") or profile.mode
        found.current = name

    profiles.change(workspace_path(session), edit)
    if any(line.flag(each) for each in _SECRETS):
        session.streams.remark(_NOT_KEPT)


def _switch(line: Line, session: Session) -> None:
    name = _named(line)
    session.profile = name
    chosen = _current(session)

    def edit(found: Profiles) -> None:
        if found.named(name) is None:
            found.profiles = [*(found.profiles or ()), chosen]
        found.current = name

    profiles.change(workspace_path(session), edit)
    session.streams.write(f"The default profile is `{name}` now.\n")


def _delete(line: Line, session: Session) -> None:
    name = _named(line)

    def edit(found: Profiles) -> None:
        if found.named(name) is None:
            raise UsageError(
                f"the profile {name} was not set in this workspace, and nothing else is changed "
                "here",
                exit_codes.MISSING,
                near=closest(name, [each.name for each in found.profiles or ()]),
            )
        found.profiles = [each for each in found.profiles or () if each.name != name]
        if found.current == name:
            found.current = found.profiles[0].name if found.profiles else ""

    profiles.change(workspace_path(session), edit)


def _named(line: Line) -> str:
    name = line.flag("profile")
    if not name:
        raise UsageError("the --profile <profileName> is required", exit_codes.MISSING)
    return name


_RUN: Mapping[str, Callable[[Line, Session], None]] = {
    "": _ask,
    "list": _list,
    "get": _get,
    "set": _set,
    "switch": _switch,
    "delete": _delete,
}
