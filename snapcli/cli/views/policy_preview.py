"""The next runs of a policy, in the account's zone and in UTC. Draws nothing."""

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import Listing


class _Disk(msgspec.Struct, rename="pascal"):
    disk_id: str
    reason: str


class _Run(msgspec.Struct, rename="pascal"):
    time: str
    local_time: str
    weekday: str
    disks: list[_Disk]


class _Preview(msgspec.Struct, rename="pascal"):
    auto_snapshot_policy_id: str
    time_zone: str
    runs: list[_Run]


def view(answer: object, _: Session) -> Listing:
    """Return a PreviewPolicy answer as a table."""
    preview = msgspec.convert(answer, _Preview)
    zone = preview.time_zone
    unapplied = preview.auto_snapshot_policy_id and not any(run.disks for run in preview.runs)
    return Listing(
        what="runs",
        columns=("#", f"Time ({zone})", "Day", "Time (UTC)", "Disks"),
        rows=[
            (
                str(number),
                run.local_time.replace("T", " "),
                run.weekday,
                run.time,
                "\n".join(map(_disk_text, run.disks)) or "-",
            )
            for number, run in enumerate(preview.runs, 1)
        ],
        more="The policy is applied to no disk, so no snapshots are made." if unapplied else "",
    )


def _disk_text(disk: _Disk) -> str:
    return f"{disk.disk_id} is skipped: {disk.reason}" if disk.reason else disk.disk_id
