"""The console's Automatic Snapshot Policies tab. Draws nothing."""

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import Listing, Tags, more_text, tags_text

COLUMNS = ("Name", "Auto Snapshot Policy ID", "Tag", "Details", "Applied Disks")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Policy(msgspec.Struct, rename="pascal"):
    """What the tab shows of a policy."""

    auto_snapshot_policy_id: str
    auto_snapshot_policy_name: str = ""
    tags: Tags = Tags()
    time_points: str = "[]"
    repeat_weekdays: str = "[]"
    retention_days: int = -1
    enable_cross_region_copy: bool = False
    target_copy_regions: str = ""
    copied_snapshots_retention_days: int = -1
    disk_nums: int = 0


class _Set(msgspec.Struct, rename="pascal"):
    auto_snapshot_policy: list[Policy]


class _Answer(msgspec.Struct, rename="pascal"):
    auto_snapshot_policies: _Set


def view(answer: object, _: Session) -> Listing:
    """Return the tab of a DescribeAutoSnapshotPolicyEx answer."""
    found = msgspec.convert(answer, _Answer).auto_snapshot_policies.auto_snapshot_policy
    return Listing(
        what="automatic snapshot policies",
        columns=COLUMNS,
        rows=[
            (
                policy.auto_snapshot_policy_name,
                policy.auto_snapshot_policy_id,
                tags_text(policy.tags),
                _details(policy),
                str(policy.disk_nums),
            )
            for policy in found
        ],
        more=more_text(answer, len(found)),
    )


def _details(policy: Policy) -> str:
    days = [_DAYS[day - 1] for day in _numbers(policy.repeat_weekdays)]
    hours = [f"{hour:02d}:00" for hour in _numbers(policy.time_points)]
    lines = [
        "Executed At: " + ("Every hour" if len(hours) == 24 else ", ".join(hours)),
        "Execution Frequency: " + ("Every day" if len(days) == 7 else ", ".join(days)),
        f"Keep Snapshots: {_kept(policy.retention_days)}",
    ]
    if policy.enable_cross_region_copy:
        target = ", ".join(msgspec.json.decode(policy.target_copy_regions, type=list[str]))
        kept = _kept(policy.copied_snapshots_retention_days)
        lines.append(f"Copied To: {target}, Keep Copies: {kept}")
    return "\n".join(lines)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in msgspec.json.decode(text, type=list[str])]


def _kept(days: int) -> str:
    return f"{days}Days" if days > 0 else "Always Keep"


class _Association(msgspec.Struct, rename="pascal"):
    auto_snapshot_policy_id: str
    disk_id: str


class _Associations(msgspec.Struct, rename="pascal"):
    auto_snapshot_policy_association: list[_Association]


class _Associated(msgspec.Struct, rename="pascal"):
    auto_snapshot_policy_associations: _Associations


def associations(answer: object, _: Session) -> Listing:
    """Return the disks with a policy of a DescribeAutoSnapshotPolicyAssociations answer."""
    found = msgspec.convert(answer, _Associated).auto_snapshot_policy_associations
    return Listing(
        what="disks with the policy applied",
        columns=("Disk ID", "Auto Snapshot Policy ID"),
        rows=[
            (each.disk_id, each.auto_snapshot_policy_id)
            for each in found.auto_snapshot_policy_association
        ],
    )
