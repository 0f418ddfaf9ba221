"""What the local commands share: the workspace they work on, and whether JSON was asked for."""

import os

from snapcli.cli.session import Session
from snapcli.cli.usage import UsageError, missing


def workspace_path(session: Session) -> str:
    """Return the folder of the workspace this run works on, made now if it is not there yet.

    Raises WorkspaceError.
    """
    from snapcli.workspace import location

    found = location.find(session.workspace, session.streams.environ, os.getcwd())
    location.create(found.path)
    return found.path


def wants_json(session: Session) -> bool:
    """Tell whether `--output json` was said.

    Raises UsageError for a format that is not one, and for csv: what is printed is no table.
    """
    from snapcli.cli import present

    choice = present.chosen(session.output)
    if choice == "csv":
        raise UsageError("This command prints no table; --output takes json here.")
    return choice == "json"


def lacking(command: str, *names: str) -> UsageError:
    """Return the refusal of a command that lacks the positionals `names`."""
    return missing(names, f"{command} --help")
