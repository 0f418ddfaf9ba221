"""The plug-in's command line as Cloud Assistant is given it, taken apart (AP-9, AP-10).

Pure text: what the parameters do is `app_snapshots`'s business.
"""

import re
import shlex

import msgspec

LINUX_PLUGIN, WINDOWS_PLUGIN = "app-snapshot-plugin", "app-snapshot-plugin-win"
_MANAGER = "acs-plugin-manager"
_PAIR = re.compile(r"(?:^|,)\s*-([A-Za-z]\w*)=")


class BadLine(Exception):
    """The line or its parameters are not what the plug-in takes; exit code 2."""


class Parameters(msgspec.Struct, kw_only=True):
    """What the plug-in is told, with the defaults of its table (AP-10)."""

    windows: bool
    name: str
    ram_role_name: str
    description: str = ""
    exclude_disk_ids: list[str] = []
    instant_access: bool = False
    instant_access_retention_days: int = 1
    pre_script_path: str = ""
    post_script_path: str = ""
    enable_fs_freeze: bool = True
    timeout_seconds: int = 30
    script_timeout_seconds: int = 1800
    enable_writers: bool = True


def is_plugin_line(content: str) -> bool:
    """Say whether a script is nothing but one call of the snapshot plug-in."""
    words = _words(content)
    return words[:1] == [_MANAGER] and ("--plugin" in words or "-P" in words)


def _words(content: str) -> list[str]:
    """Return the words of the only line that does anything; none when there are several."""
    lines = [
        line.strip()
        for line in content.splitlines()
        if line.strip() and not line.lstrip().startswith(("#", "@echo", "REM ", "rem "))
    ]
    if len(lines) != 1:
        return []
    try:
        return shlex.split(lines[0])
    except ValueError:
        return lines[0].split()


def read_line(content: str) -> Parameters:
    """Take the plug-in's line apart. Raises BadLine naming what is not right."""
    words = _words(content)
    plugin, text = "", None
    rest = words[1:]
    while rest:
        word = rest.pop(0)
        if word in ("--plugin", "-P") and rest:
            plugin = rest.pop(0)
        elif word.startswith("--params="):
            text = ",".join([word.removeprefix("--params="), *_pairs_that_follow(rest)])
        elif word == "--params" and rest:
            text = ",".join([rest.pop(0), *_pairs_that_follow(rest)])
        elif word not in ("--exec", "-e"):
            raise BadLine(f"{word} is no option of {_MANAGER}")
    if plugin not in (LINUX_PLUGIN, WINDOWS_PLUGIN):
        raise BadLine(f"there is no plug-in {plugin!r}; it is {LINUX_PLUGIN} or {WINDOWS_PLUGIN}")
    return _parameters(plugin == WINDOWS_PLUGIN, _pairs(text or ""))


def _pairs_that_follow(rest: list[str]) -> list[str]:
    """Take parameters that stand behind a blank, as where a line of a page was broken."""
    found = []
    while rest and _PAIR.match(rest[0].lstrip(",")):
        found.append(rest.pop(0).strip(","))
    return found


def _pairs(text: str) -> dict[str, str]:
    places = list(_PAIR.finditer(text))
    if text and (not places or places[0].start() != 0):
        raise BadLine(f"the parameters {text!r} are not written as -Name=value,-Name=value")
    found: dict[str, str] = {}
    for place, following in zip(places, [*places[1:], None], strict=True):
        end = following.start() if following else len(text)
        name = place[1]
        if name in found:
            raise BadLine(f"{name} was given twice")
        found[name] = text[place.end() : end].strip().strip("\"'").strip()
    return found


# Parameter -> the field it fills; some are for one system only.
_FIELDS = {
    "Name": "name",
    "RamRoleName": "ram_role_name",
    "Description": "description",
    "ExcludeDiskId": "exclude_disk_ids",
    "InstantAccess": "instant_access",
    "InstantAccessRetentionDays": "instant_access_retention_days",
    "PreScriptPath": "pre_script_path",
    "PostScriptPath": "post_script_path",
    "EnableFsFreeze": "enable_fs_freeze",
    "TimeoutInSeconds": "timeout_seconds",
    "ScriptTimeoutInSecs": "script_timeout_seconds",
    "EnableWriters": "enable_writers",
}
_LINUX_ONLY = (
    "PreScriptPath",
    "PostScriptPath",
    "EnableFsFreeze",
    "TimeoutInSeconds",
    "ScriptTimeoutInSecs",
)
_NUMBERS = {
    "InstantAccessRetentionDays": 65536,
    "TimeoutInSeconds": 86400,
    "ScriptTimeoutInSecs": 86400,
}
_SWITCHES = ("InstantAccess", "EnableFsFreeze", "EnableWriters")


def _parameters(windows: bool, given: dict[str, str]) -> Parameters:
    values: dict[str, object] = {"windows": windows}
    strange = ("EnableWriters",) if not windows else _LINUX_ONLY
    for name, text in given.items():
        if name not in _FIELDS or name in strange:
            raise BadLine(f"{name} is no parameter of the plug-in")
        if not text and name not in ("Name", "RamRoleName"):
            continue
        values[_FIELDS[name]] = _value(name, text)
    for name in ("Name", "RamRoleName"):
        if not given.get(name):
            raise BadLine(f"{name} is required")
    return msgspec.convert(values, Parameters)


def _value(name: str, text: str) -> object:
    if name == "ExcludeDiskId":
        return [part.strip() for part in re.split(r"[,;\s]+", text) if part.strip()]
    if name in _SWITCHES:
        if text.lower() not in ("true", "false"):
            raise BadLine(f"{name} is {text!r}; it must be true or false")
        return text.lower() == "true"
    if name in _NUMBERS:
        if not text.isdecimal() or not 1 <= int(text) <= _NUMBERS[name]:
            raise BadLine(f"{name} is {text!r}; it must be a number from 1 to {_NUMBERS[name]}")
        return int(text)
    return text
