"""Which snapshots rules choose for deletion, and why: a function of them, the rules and now.

Pure: the same choice is shown to a person and carried out. Whether a chosen one may go is decided
elsewhere (DL-2, DL-3).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from snapcli.ecs.filters import is_like
from snapcli.ecs.tags import has_tags
from snapcli.ecs.wire import Tag


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. All that is given must hold; what is empty does not narrow.

    `keep_last` counts per chain, among the snapshots that the other rules but age leave.
    """

    disk_ids: frozenset[str] | None = None
    name: str = ""
    tags: Sequence[Tag] = ()
    kind: str = ""  # auto or user
    older_than: timedelta | None = None
    older_than_text: str = ""
    keep_last: int = 0

    @property
    def narrow(self) -> bool:
        """Say whether anything is asked for that can leave a snapshot out."""
        return bool(
            self.disk_ids is not None
            or self.name.strip("*")
            or self.tags
            or self.kind
            or self.older_than
            or self.keep_last
        )


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot as the rules look at it."""

    snapshot_id: str
    chain: str
    disk_id: str
    created_at: datetime
    number: int
    name: str
    kind: str
    status: str
    tags: Mapping[str, str]


class Choice(msgspec.Struct, frozen=True):
    """A snapshot that the rules looked at: whether it is to go, and why, or why it stays."""

    snapshot_id: str
    chosen: bool
    reason: str


def choose(candidates: Iterable[Candidate], rules: Rules, now: datetime) -> list[Choice]:
    """Return what the rules say of each snapshot they are about, chain by chain, oldest first.

    A snapshot in creation stays: only its id cancels it. A failed one holds nothing, so it takes
    no place among the last that are kept. "Older than" is later than its age by any moment.
    """
    about = sorted(
        (each for each in candidates if _is_about(each, rules)),
        key=lambda each: (each.chain, each.created_at, each.number),
    )
    ranks: dict[str, int] = {}
    counted: dict[str, int] = {}
    for each in reversed(about):
        if each.status == "accomplished":
            counted[each.chain] = ranks[each.snapshot_id] = counted.get(each.chain, 0) + 1
    choices = []
    for each in about:
        kept = _why_kept(each, ranks.get(each.snapshot_id), rules, now)
        reason = kept or _why_chosen(each, rules, now)
        choices.append(Choice(each.snapshot_id, not kept, reason))
    return choices


def _is_about(each: Candidate, rules: Rules) -> bool:
    return (
        (rules.disk_ids is None or each.disk_id in rules.disk_ids)
        and (not rules.name or is_like(each.name, rules.name))
        and (not rules.kind or each.kind == rules.kind)
        and has_tags(each.tags, rules.tags)
    )


def _why_kept(each: Candidate, rank: int | None, rules: Rules, now: datetime) -> str:
    if each.status == "progressing":
        return "it is in creation"
    if rules.keep_last and rank is not None and rank <= rules.keep_last:
        return f"it is number {rank} of the newest {rules.keep_last} of its disk"
    if rules.older_than is not None and now - each.created_at <= rules.older_than:
        return f"it is {_age(each, now)} old, not older than {rules.older_than_text}"
    return ""


def _why_chosen(each: Candidate, rules: Rules, now: datetime) -> str:
    reasons = []
    if rules.disk_ids is not None:
        reasons.append(f"it is of disk {each.disk_id}")
    if rules.name.strip("*"):
        reasons.append(f"its name is like {rules.name}")
    if rules.tags:
        carried = ", ".join(f"{tag.key}={each.tags[tag.key]}" for tag in rules.tags)
        reasons.append(f"it carries {carried}")
    if rules.kind:
        reasons.append("it is automatic" if rules.kind == "auto" else "it is manual")
    if rules.older_than is not None:
        reasons.append(f"it is {_age(each, now)} old, older than {rules.older_than_text}")
    if rules.keep_last and each.status == "failed":
        reasons.append("it failed and holds nothing")
    elif rules.keep_last:
        reasons.append(f"it is not among the newest {rules.keep_last} of its disk")
    return "; ".join(reasons)


def _age(each: Candidate, now: datetime) -> str:
    age = now - each.created_at
    for word, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1))):
        count = age // length
        if count:
            return f"{count} {word}" if count == 1 else f"{count} {word}s"
    return "less than an hour"
