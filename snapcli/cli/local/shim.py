"""`snapcli shim DIR`: put a command `aliyun` into a folder, for scripts to find it there.

Writes one small program and changes nobody's start files.
"""

import os
import shlex
import stat
import sys

import click

import snapcli
from snapcli.cli import exit_codes
from snapcli.cli.help_layout import HelpedArgument, helped_command
from snapcli.cli.local.common import lacking, wants_json, workspace_path
from snapcli.cli.session import Session
from snapcli.cli.usage import UsageError

_EXAMPLES = """\
  # For the scripts that this shell runs: they find `aliyun` in ./bin first
  eval "$(snapcli shim bin)"
  aliyun ecs DescribeSnapshots --RegionId cn-hangzhou
"""
_MARK = "# aliyun, answered by snapcli. Made by `snapcli shim`; it may be removed at any time."
_LONGEST_FIRST_LINE = 127  # what every system takes


@click.pass_obj
def _shim(session: Session, /, directory: str | None) -> None:
    from snapcli.cli.json_text import json_text

    if directory is None:
        raise lacking("snapcli shim", "DIR")
    folder = os.path.abspath(os.path.expanduser(directory))
    as_json = wants_json(session)
    path = os.path.join(folder, "aliyun")
    _refuse_foreign(path)
    workspace = workspace_path(session)
    _write(path, _program(workspace))
    streams = session.streams
    if as_json:
        streams.write_bytes(json_text({"Shim": path, "Workspace": workspace}))
        return
    streams.remark(
        f"{path} answers from {workspace}, or where SNAPCLI_WORKSPACE leads. To put it first on "
        "the PATH of this shell:"
    )
    streams.write(f'export PATH={shlex.quote(folder)}:"$PATH"\n')


def _refuse_foreign(path: str) -> None:
    try:
        with open(path, "rb") as file:
            ours = _MARK.encode() in file.read(4096)
    except FileNotFoundError:
        return
    if not ours:
        raise UsageError(
            f"{path} is another program, and stays as it is. Choose another folder.",
            exit_codes.REFUSED,
        )


def _program(workspace: str) -> str:
    # -P: nothing that lies beside the program is imported.
    first = f"#!{sys.executable} -P\n"
    if len(first) > _LONGEST_FIRST_LINE or " " in sys.executable:
        # To sh a command, to Python a text.
        first = f"#!/bin/sh\n'''exec' \"{sys.executable}\" -P \"$0\" \"$@\"\n' '''\n"
    package = os.path.dirname(os.path.dirname(os.path.abspath(snapcli.__file__)))
    return (
        f"{first}{_MARK}\n"
        "import sys\n\n"
        f"sys.path.append({package!r})\n"
        "from snapcli.cli.main import run_in_place\n\n"
        f"run_in_place({workspace!r})\n"
    )


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    everyone = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
    os.chmod(temporary, os.stat(temporary).st_mode | everyone)
    os.replace(temporary, path)


command = helped_command(
    "shim",
    _shim,
    "Put a command `aliyun` into a folder, for existing scripts.",
    _EXAMPLES,
    [HelpedArgument("directory", "DIR", "Where it is put; made if it is not there.")],
)
