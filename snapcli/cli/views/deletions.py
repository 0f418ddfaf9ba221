"""`delete-snapshots`: what was chosen and why, and what became of it. Draws text only."""

import msgspec

from snapcli.cli.session import Session

_NAMED = "named"


class Outcome(msgspec.Struct, rename="pascal"):
    """What is shown of one snapshot."""

    snapshot_id: str
    chosen: bool
    reason: str
    deleted: bool
    code: str = ""
    message: str = ""
    snapshot_name: str = ""
    creation_time: str = ""


class Deletions(msgspec.Struct, rename="pascal"):
    """A DeleteSnapshots answer."""

    outcomes: list[Outcome]
    dry_run: bool = False

    @property
    def by_rules(self) -> bool:
        """Say whether rules chose, and not ids alone."""
        return any(each.reason != _NAMED for each in self.outcomes)


def view(answer: object, _: Session) -> str:
    """Return a line for each snapshot, and below them how many there are of each outcome."""
    found = msgspec.convert(answer, Deletions)
    lines = [line(each, dry_run=found.dry_run) for each in found.outcomes]
    if found.by_rules or found.dry_run or not lines:
        lines.append(count(found))
    return "\n".join(lines) + "\n"


def line(each: Outcome, *, dry_run: bool) -> str:
    """Return what became of a snapshot, or in a dry run would become of it, and why."""
    if each.reason == _NAMED:
        who, why = each.snapshot_id, ""
    else:
        known = [text for text in (each.snapshot_name, each.creation_time) if text]
        who = each.snapshot_id + (f" ({', '.join(known)})" if known else "")
        why = f": {each.reason}"
    if each.code:
        what = "would not be deleted" if dry_run else "not deleted"
        return f"{who}: {what}, {each.code}: {each.message}"
    if not each.chosen:
        return f"{who}: kept{why}"
    return f"{who}: {'would be deleted' if dry_run else 'deleted'}{why}"


def count(found: Deletions) -> str:
    """Return how many snapshots go, can't go and stay."""
    refused = sum(bool(each.code) for each in found.outcomes)
    kept = sum(not each.chosen and not each.code for each in found.outcomes)
    going = len(found.outcomes) - refused - kept
    words = "would be deleted" if found.dry_run else "deleted"
    return f"{going} {words}, {refused} refused, {kept} kept."
