"""The console's pictures of responses: which view draws which action.

A view turns a response into a Listing (or plain text) and draws nothing; Rich is imported by
`drawing` alone, when something is drawn.
"""

from collections.abc import Callable, Mapping
from importlib import import_module

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import Listing

# An action's module here, and the function in it where that is not `view`.
_VIEWS: Mapping[str, tuple[str, str]] = {
    "DescribeSnapshots": ("snapshots", "view"),
    "DescribeLockedSnapshots": ("snapshot_locks", "view"),
    "LockSnapshot": ("snapshot_locks", "one"),
    "DescribeSnapshotLinks": ("chains", "view"),
    "DescribeSnapshotsUsage": ("chains", "usage"),
    "DescribeAutoSnapshotPolicyEx": ("policies", "view"),
    "DescribeAutoSnapshotPolicyAssociations": ("policies", "associations"),
    "DescribeSnapshotGroups": ("groups", "view"),
    "ResetDisks": ("groups", "rollback"),
    "DeleteSnapshotGroup": ("groups", "deletion"),
    "DescribeDisks": ("disks", "view"),
    "DescribeInstances": ("instances", "view"),
    "DescribeImages": ("images", "view"),
    "DescribeTasks": ("images", "tasks"),
    "DescribeRegions": ("regions", "view"),
    "DescribeZones": ("regions", "zones"),
    "ListTagResources": ("tags", "view"),
    "DescribeTags": ("tags", "counted"),
    "DescribeResourceByTags": ("tags", "resources"),
    "ShowChain": ("chain_view", "view"),
    "ShowDiskPath": ("local_results", "path"),
    "ImportDisk": ("local_results", "disk_id"),
    "DeleteSnapshots": ("deletions", "view"),
    "WriteDisk": ("local_results", "written"),
    "DescribeInvocationResults": ("assistant", "results"),
    "DescribeInvocations": ("assistant", "invocations"),
    "DescribeCommands": ("assistant", "commands"),
    "DescribeSendFileResults": ("assistant", "files"),
    "DescribeCloudAssistantStatus": ("assistant", "clients"),
    "ShowGuestPath": ("local_results", "path"),
    "PutGuestFile": ("guests", "put"),
    "MountGuestDisk": ("guests", "mounted"),
    "UnmountGuestDisk": ("guests", "nothing"),
    "ListGuestMounts": ("guests", "mounts"),
    "ListGuestProcesses": ("guests", "processes"),
    "StopGuestProcesses": ("guests", "stopped"),
    "ModifyGuest": ("guests", "attributes"),
    "CreateAppSnapshot": ("guests", "captured"),
    "ShowClock": ("clock", "view"),
    "FreezeClock": ("clock", "view"),
    "AdvanceClock": ("clock", "view"),
    "SetClock": ("clock", "view"),
    "ResumeClock": ("clock", "resumed_view"),
    "ResetClock": ("clock", "view"),
    "ConfigureClock": ("clock", "view"),
    "ShowTimeline": ("timeline", "view"),
    "PreviewPolicy": ("policy_preview", "view"),
    "ForecastPolicy": ("policy_forecast", "view"),
    "SettleTime": ("settling", "view"),
    "ListAccounts": ("accounts", "view"),
    "MarkOverdue": ("accounts", "overdue"),
    "PayBills": ("accounts", "overdue"),
    "ShowSizeHistory": ("size_history", "view"),
    "ShowAdvice": ("advice", "view"),
    "ShowBill": ("billing", "view"),
    "CheckWorkspace": ("check", "view"),
}
_ANY_VIEW = ("generic", "view")


def picture(action: str, response: object, session: Session) -> Listing | str:
    """Return the picture of a response: a table as data, or text."""
    module, function = _VIEWS.get(action, _ANY_VIEW)
    view: Callable[[object, Session], Listing | str] = getattr(
        import_module(f"snapcli.cli.views.{module}"), function
    )
    return view(msgspec.to_builtins(response), session)


def table(action: str, response: object, session: Session) -> Listing:
    """Return a response as a table, for programs; where the picture is text, its data."""
    found = picture(action, response, session)
    if isinstance(found, Listing):
        return found
    answer = msgspec.to_builtins(response)
    if action == "ShowChain":
        from snapcli.cli.views import chain_view

        return chain_view.table(answer)
    from snapcli.cli.views import generic

    lists = [value for value in answer.values() if isinstance(value, list) and value]
    if len(lists) == 1 and all(isinstance(each, dict) for each in lists[0]):
        return generic.found(lists[0])
    return generic.view(answer, session)


def draw(action: str, response: object, session: Session) -> None:
    """Print the picture of a response on standard output, and on an empty list a remark."""
    found = picture(action, response, session)
    streams = session.streams
    if isinstance(found, str):
        streams.write(found)
        return
    if not found.rows and streams.is_terminal("stderr"):
        streams.remark(f"No {found.what} found.")
        return
    from snapcli.cli.views.drawing import draw_listing

    draw_listing(found, streams)
    if found.more and streams.is_terminal("stderr"):
        streams.remark(found.more)
