"""Automatic snapshot policies: finding one, reading its hours and days, putting it on disks.

What the policy operations and the creation of disks and instances share (rules PO-1, PO-2, PO-10).
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from snapcli.api.errors import ApiError
from snapcli.ecs.account import require_snapshot_service
from snapcli.ecs.call import Call
from snapcli.ecs.disk_categories import CATEGORIES
from snapcli.ecs.phases import disk_status
from snapcli.ecs.records import DiskRecord, PolicyRecord

DEFAULT_RETENTION_DAYS = 30
MOST_RETENTION_DAYS = 65536
# Why a run makes no snapshot.
SERVICE_OFF = "the snapshot service is off"
IN_CREATION = "a snapshot of it is in creation"
NO_ROOM = "the limit is reached and no automatic snapshot may be deleted"
_DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_WORDS = {"daily": "mon-sun", "weekdays": "mon-fri", "weekend": "sat-sun"}


def invalid(message: str) -> ApiError:
    """Return the refusal of a value that a policy cannot have."""
    return ApiError("ParameterInvalid", 403, message)


def require_policy(call: Call, region_id: str, policy_id: str) -> PolicyRecord:
    """Return a policy of the region, or raise ApiError ParameterInvalid."""
    policy = call.inventory(region_id).policies.get(policy_id)
    if policy is None:
        raise ApiError(
            "ParameterInvalid",
            404,
            f"There is no automatic snapshot policy {policy_id!r} in {region_id}. "
            "DescribeAutoSnapshotPolicyEx lists them.",
        )
    return policy


def disks_with(call: Call, policy: PolicyRecord) -> list[DiskRecord]:
    """Return the disks that a policy is applied to."""
    disks = call.inventory(policy.region_id).disks.values()
    return [disk for disk in disks if disk.policy_id == policy.policy_id]


def policy_for_new_disk(call: Call, region_id: str, policy_id: str, category: str) -> None:
    """Raise ApiError unless a disk that is about to be made can have the policy (PO-10)."""
    if not policy_id:
        return
    require_snapshot_service(call)
    require_policy(call, region_id, policy_id)
    if CATEGORIES[category].local:
        raise ApiError(
            "DiskCategory.OperationNotSupported",
            400,
            f"A {category} disk is a local disk; automatic snapshot policies are for cloud disks.",
        )


def apply_to_new_disk(call: Call, disk: DiskRecord, policy_id: str) -> None:
    """Put the policy, which was checked before, on a disk that is being made (PO-10)."""
    if policy_id:
        apply(call, require_policy(call, disk.region_id, policy_id), [disk])


def apply(call: Call, policy: PolicyRecord, disks: Iterable[DiskRecord]) -> None:
    """Put the policy on the disks; it replaces the one that a disk has (PO-2)."""
    for disk in disks:
        disk.policy_id = policy.policy_id
    note_schedule(call, policy)


def reason_of_disk(disk: DiskRecord, now: datetime) -> str:
    """Return why a disk gets no automatic snapshot at `now`, "" when nothing of it says so (PO-3).

    The service, its chain and its snapshots in creation may say so all the same.
    """
    if CATEGORIES[disk.category].local:
        return f"it is a local disk ({disk.category})"
    if not disk.enable_auto_snapshot:
        return "EnableAutoSnapshot is false"
    status = disk_status(disk, now)
    return "" if status == "In_use" else f"it is {status}"


def note_schedule(call: Call, policy: PolicyRecord) -> None:
    """Have time look at the policy's next run, counted from now on.

    All that was due before this operation has happened, so that hours which are past now are
    never taken for hours that were missed.
    """
    account = call.account
    account.settled_at = call.now
    account.time_zone = call.settings.time_zone
    if not disks_with(call, policy):
        return
    from snapcli.ecs.schedule import next_run

    instant = next_run(policy.hours, policy.weekdays, account.time_zone, call.now)
    if instant is not None:
        call.due(instant)


# Values as the API sends them


def hours_of(texts: Sequence[str]) -> list[int]:
    """Return the hours that timePoints names, in order; raises ApiError ParameterInvalid."""
    return _numbers(texts, 0, 23, "timePoints")


def weekdays_of(texts: Sequence[str]) -> list[int]:
    """Return the days that repeatWeekdays names, in order; raises ApiError ParameterInvalid."""
    return _numbers(texts, 1, 7, "repeatWeekdays")


def _numbers(texts: Sequence[str], least: int, most: int, name: str) -> list[int]:
    found = set()
    for text in texts:
        plain = text.strip()
        if not re.fullmatch(r"[0-9]{1,2}", plain) or not least <= int(plain) <= most:
            raise invalid(
                f"{name} holds {text!r}; each of its values must be a whole number from {least} "
                f'to {most}, as in ["{least}","{most}"].'
            )
        found.add(int(plain))
    if not found:
        raise invalid(f"{name} is empty; it must name at least one of {least} to {most}.")
    return sorted(found)


def retention_of(days: int, name: str, code: str = "ParameterInvalid", status: int = 403) -> int:
    """Return a retention in days as it is stored, 0 for always; raises ApiError `code`."""
    if days == -1:
        return 0
    if not 1 <= days <= MOST_RETENTION_DAYS:
        raise ApiError(
            code,
            status,
            f"{name} {days} is not acceptable. It must be 1 to {MOST_RETENTION_DAYS} days, or -1 "
            "for always.",
        )
    return days


# Values as people write them


def hours_of_text(text: str) -> list[int]:
    """Return the hours of `00:00,13:00`, `0-6`, `13` or `hourly`; raises ApiError."""
    if text.strip().lower() == "hourly":
        return list(range(24))
    found: set[int] = set()
    for part in _parts(text):
        ends = [_hour(end, text) for end in part.split("-")]
        if len(ends) > 2:
            raise _bad_hours(text)
        found.update(_span(ends[0], ends[-1], 0, 23))
    if not found:
        raise _bad_hours(text)
    return sorted(found)


def _hour(word: str, text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,2})(?::00)?", word.strip())
    if match is None or int(match[1]) > 23:
        raise _bad_hours(text)
    return int(match[1])


def _bad_hours(text: str) -> ApiError:
    return invalid(
        f"At {text!r} is not acceptable: policies run on the hour. Write it like 00:00,13:00 or "
        "8-18 or hourly."
    )


def weekdays_of_text(text: str) -> list[int]:
    """Return the days of `mon-fri`, `sat,sun`, `1-7`, `daily` or `weekend`; raises ApiError."""
    lowered = text.strip().lower()
    found: set[int] = set()
    for part in _parts(_DAY_WORDS.get(lowered, lowered)):
        ends = [_weekday(end, text) for end in part.split("-")]
        if len(ends) > 2:
            raise _bad_days(text)
        found.update(_span(ends[0], ends[-1], 1, 7))
    if not found:
        raise _bad_days(text)
    return sorted(found)


def _weekday(word: str, text: str) -> int:
    plain = word.strip()
    if re.fullmatch("[1-7]", plain):
        return int(plain)
    if len(plain) >= 3 and plain[:3] in _DAY_NAMES:
        return _DAY_NAMES.index(plain[:3]) + 1
    raise _bad_days(text)


def _bad_days(text: str) -> ApiError:
    return invalid(
        f"On {text!r} is not acceptable. Write days like mon-sun, mon,wed,fri, weekend or 1-5 "
        "(1 is Monday)."
    )


def _span(first: int, last: int, least: int, most: int) -> list[int]:
    """Return the numbers from first to last, over the end when last is before first."""
    if first <= last:
        return list(range(first, last + 1))
    return [*range(first, most + 1), *range(least, last + 1)]


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def retention_of_text(text: str) -> int:
    """Return the days of `30d`, `4w`, `30` or `always` (0); raises ApiError."""
    lowered = text.strip().lower()
    if lowered == "always":
        return 0
    match = re.fullmatch(r"([0-9]{1,6})\s*([dw]?)", lowered)
    days = int(match[1]) * (7 if match[2] == "w" else 1) if match else 0
    if not 1 <= days <= MOST_RETENTION_DAYS:
        raise invalid(
            f"Keep {text!r} is not acceptable. Write it like 30d or 4w, 1 to "
            f"{MOST_RETENTION_DAYS} days, or always."
        )
    return days
