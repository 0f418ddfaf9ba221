"""`snapcli status`: where the workspace is, its clock, and what it holds in the region."""

import os

import click
import msgspec

from snapcli.cli.help_layout import helped_command
from snapcli.cli.local.common import wants_json, workspace_path
from snapcli.cli.session import Session

_COUNTED = {
    "Instances": "DescribeInstances",
    "Disks": "DescribeDisks",
    "Chains": "DescribeSnapshotLinks",
}
_SOURCES = {
    "option": "--workspace",
    "environment": "SNAPCLI_WORKSPACE",
    "here": "the folder here",
    "above": "a folder above",
    "user": "your data folder",
}


class _Counted(msgspec.Struct, rename="pascal"):
    total_count: int


class _Usage(msgspec.Struct, rename="pascal"):
    snapshot_count: int
    snapshot_size: int


class _Account(msgspec.Struct, rename="pascal"):
    name: str
    current: bool
    snapshot_service: bool
    overdue_since: str


class _Accounts(msgspec.Struct, rename="pascal"):
    accounts: list[_Account]


@click.pass_obj
def _status(session: Session, /) -> None:
    from snapcli.cli.json_text import json_text
    from snapcli.cli.views.clock import clock_text
    from snapcli.cli.views.listing import bytes_text
    from snapcli.workspace import location, settings

    as_json = wants_json(session)
    found = location.find(session.workspace, session.streams.environ, os.getcwd())
    path = workspace_path(session)
    chosen = settings.load(path)
    said, source = session.region_and_source()
    region = said or chosen.region
    given = {"RegionId": region}
    clock = msgspec.to_builtins(session.invoke("ShowClock", {}))
    now = clock if as_json else clock_text(clock)
    status: dict[str, object] = {
        "Workspace": path,
        "ChosenBy": _SOURCES[found.source],
        "Region": region,
        "RegionFrom": source,
        "Speed": chosen.speed,
        "Clock": now,
    }
    status |= _account(session)
    for name, action in _COUNTED.items():
        answer = msgspec.to_builtins(session.invoke(action, given))
        status[name] = msgspec.convert(answer, _Counted).total_count
    answer = msgspec.to_builtins(session.invoke("DescribeSnapshotsUsage", given))
    usage = msgspec.convert(answer, _Usage)
    status["Snapshots"] = usage.snapshot_count
    if as_json:
        status["SnapshotSize"] = usage.snapshot_size
        session.streams.write_bytes(json_text(status))
        return
    status["SnapshotSize"] = bytes_text(usage.snapshot_size)
    width = max(map(len, status)) + 2
    session.streams.write("".join(f"{name + ':':<{width}}{v}\n" for name, v in status.items()))


def _account(session: Session) -> dict[str, object]:
    """Return the account that commands act for, and whether its snapshot service is on."""
    answer = msgspec.to_builtins(session.invoke("ListAccounts", {}))
    mine = next(each for each in msgspec.convert(answer, _Accounts).accounts if each.current)
    service = "on" if mine.snapshot_service else "off"
    if mine.overdue_since:
        service += f", a bill is unpaid since {mine.overdue_since}"
    return {"Account": mine.name, "SnapshotService": service}


command = helped_command(
    "status",
    _status,
    "Show the workspace, its clock and what it holds.",
    "  snapcli status\n  snapcli status --region cn-beijing --output json\n",
    [],
)
