"""What is inside an instance, in lines and small tables. Draws nothing."""

from typing import Any

from snapcli.cli.session import Session
from snapcli.cli.views.listing import Listing


def put(answer: Any, _: Session) -> str:
    """Return where a file was put."""
    return f"{answer['LengthBytes']} bytes written to {answer['Path']}\n"


def nothing(_answer: object, _: Session) -> str:
    """Return nothing: that it was done is all there is to say."""
    return ""


def mounted(answer: Any, _: Session) -> str:
    """Return what is mounted where."""
    return f"{answer['DiskId']} on {answer['Path']} type {answer['FileSystem']}\n"


def mounts(answer: Any, _: Session) -> Listing:
    """Return the mounts of an instance."""
    return Listing(
        what="mounts",
        columns=("Disk ID", "Path", "File System"),
        rows=[(m["DiskId"], m["Path"], m["FileSystem"]) for m in answer["Mounts"]],
    )


def processes(answer: Any, _: Session) -> Listing:
    """Return the processes of an instance."""
    return Listing(
        what="processes",
        columns=("PID", "State", "Command"),
        rows=[(str(p["Pid"]), p["State"], p["Command"]) for p in answer["Processes"]],
    )


def captured(answer: Any, session: Session) -> str:
    """Return the group that was made; of a run that failed its log and exit code."""
    if answer["ExitCode"] == 0:
        return f"{answer['SnapshotGroupId']}\n"
    log = "" if session.streams.is_terminal("stderr") else answer["Log"]
    return f"{log}No group was made: the plug-in ended with {answer['ExitCode']}.\n"


def stopped(answer: Any, _: Session) -> str:
    """Return how many processes were ended."""
    return f"{answer['Count']} processes ended\n"


def attributes(answer: Any, _: Session) -> str:
    """Return what is inside an instance."""
    return (
        f"operating system   {answer['OsName'] or '-'}\n"
        f"cloud assistant    {answer['Assistant']}\n"
        f"file system        {answer['FileSystem'] or 'as mounted'}\n"
    )
