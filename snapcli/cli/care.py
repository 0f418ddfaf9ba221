"""What a person is asked before bytes are lost, and reminded of afterwards.

At a terminal only; in scripts nothing is asked and the API's own rules decide. Changes nothing.
"""

from collections.abc import Mapping

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.streams import Streams

# RB-7
_AFTER_ROLLBACK = (
    "The disk's bytes are those of the snapshot again. What is configured inside the guest (host "
    "name, network, clock source, mounted disks) went back with them: check it and set it anew. "
    "The instance's key pair and password stay bound as they are now."
)


# What of DeleteSnapshots is no rule.
_NO_RULES = ("SnapshotId", "RegionId", "Force", "DryRun")
_UNCHANGED = "Nothing was changed. (--yes goes on without asking.)"


def confirmed(action: str, given: Mapping[str, str], session: Session) -> Mapping[str, str] | None:
    """Return the parameters to go on with, or None when a person does not want to.

    What rules choose for deletion is shown first, in scripts too, and only that is deleted.
    """
    by_rules = any(name.split(".")[0] not in _NO_RULES for name in given)
    if action == "DeleteSnapshots" and by_rules and given.get("DryRun", "").lower() != "true":
        return _chosen(given, session)
    if session.streams.interactive and not may_go_on(action, given, session):
        return None
    return given


def _chosen(given: Mapping[str, str], session: Session) -> Mapping[str, str] | None:
    """Show what the rules choose and why, and ask; the answer names the snapshots to delete."""
    from snapcli.cli.views.deletions import Deletions, count, line

    dry = {**given, "DryRun": "true"}
    found = msgspec.convert(msgspec.to_builtins(session.invoke("DeleteSnapshots", dry)), Deletions)
    going = [each for each in found.outcomes if each.chosen and not each.code]
    named = [each.snapshot_id for each in found.outcomes if each.chosen or each.code]
    if not named:
        # What becomes due for deletion from here on was not shown, so it stays; and the answer
        # says all that there is to say.
        return dry
    asks = bool(going) and session.streams.interactive and not session.yes
    if asks or not session.quiet:
        for each in found.outcomes:
            if each.chosen:
                session.streams.remark(line(each, dry_run=True))
        session.streams.remark(count(found))
    if asks:
        forced = given.get("Force", "").lower() == "true"
        loss = (
            "Disks that were made from them can't be re-initialised afterwards. " if forced else ""
        )
        if not session.streams.ask(f"{loss}Delete {len(going)} of them?"):
            session.streams.remark(_UNCHANGED)
            return None
    rules = {name: text for name, text in given.items() if not name.startswith("SnapshotId")}
    return rules | {f"SnapshotId.{at}": each for at, each in enumerate(named, 1)}


def may_go_on(action: str, given: Mapping[str, str], session: Session) -> bool:
    """Say what the command would lose and ask whether to go on (RB-2).

    True without asking when nothing would be lost, when --yes was given, or for a dry run.
    """
    if session.yes or given.get("DryRun", "").lower() == "true":
        return True
    loss = _loss(action, given, session)
    if loss is None or session.streams.ask(f"{loss}\nGo on?"):
        return True
    session.streams.remark(_UNCHANGED)
    return False


def _loss(action: str, given: Mapping[str, str], session: Session) -> str | None:
    if action == "ResetDisk":
        snapshot_id = given.get("SnapshotId", "")
        return (
            f"Disk {given.get('DiskId', '')} goes back to snapshot {snapshot_id}"
            f"{_taken(snapshot_id, session)}. Everything written to the disk since then is lost."
        )
    if action == "ResetDisks":
        pairs = ", ".join(
            f"{given[name]} to {given.get(name.replace('DiskId', 'SnapshotId'), '')}"
            for name in given
            if name.startswith("Disk.") and name.endswith(".DiskId")
        )
        return f"These disks go back: {pairs}. Everything written to them since then is lost."
    if action == "ReInitDisk":
        return (
            f"Disk {given.get('DiskId', '')} goes back to what it was when it was created. "
            "Everything written to it since then is lost."
        )
    if action == "DeleteImage" and given.get("Force", "").lower() == "true":
        return (
            f"Image {given.get('ImageId', '')} is deleted even where instances were made from it. "
            "Their system disks can't be re-initialised afterwards."
        )
    if action in ("DeleteSnapshot", "DeleteSnapshots") and given.get("Force", "").lower() == "true":
        named = ", ".join(given[name] for name in given if name.startswith("SnapshotId"))
        return (
            f"What is deleted: {named}, although disks were made from it. Those disks can't be "
            "re-initialised afterwards."
        )
    return _for_good(action, given)


def _for_good(action: str, given: Mapping[str, str]) -> str | None:
    """Return what cannot be undone although no bytes are lost by it."""
    snapshot_id = given.get("SnapshotId", "")
    if action == "ModifySnapshotCategory":
        return (
            f"Snapshot {snapshot_id} goes to the archive for good. It makes no disks, images or "
            "copies then and rolls no disk back."
        )
    if action == "LockSnapshot" and given.get("CoolOffPeriod", "").strip() == "0":
        return (
            f"Nobody can delete snapshot {snapshot_id} for {given.get('LockDuration', '')} days, "
            "and without a cool-off period nobody can take the lock off again."
        )
    return None


class _Taken(msgspec.Struct, rename="pascal"):
    creation_time: str = ""
    snapshot_name: str = ""


class _Set(msgspec.Struct, rename="pascal"):
    snapshot: list[_Taken] = []


class _Answer(msgspec.Struct, rename="pascal"):
    snapshots: _Set


def _taken(snapshot_id: str, session: Session) -> str:
    """Return when the snapshot was taken, in brackets; nothing when that cannot be found out."""
    ids = msgspec.json.encode([snapshot_id]).decode()
    try:
        response = session.invoke("DescribeSnapshots", {"SnapshotIds": ids})
        found = msgspec.convert(msgspec.to_builtins(response), _Answer).snapshots.snapshot
    except Exception:  # The command itself says what is wrong; here it only adds a detail.
        return ""
    if not found:
        return ""
    name = f"{found[0].snapshot_name}, " if found[0].snapshot_name else ""
    return f" ({name}taken {found[0].creation_time})"


def remind(action: str, streams: Streams) -> None:
    """Print what is left for a person to do after the command (RB-7)."""
    if action in ("ResetDisk", "ResetDisks"):
        streams.remark(_AFTER_ROLLBACK)
