"""What policies will do as things stand: their next runs, and why one would make no snapshot.

Looks only. What really happens is decided at the hour itself, by policy_runs.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from snapcli.api.errors import ApiError
from snapcli.ecs.account import is_barred
from snapcli.ecs.call import Call
from snapcli.ecs.policy_rules import IN_CREATION, NO_ROOM, SERVICE_OFF, reason_of_disk
from snapcli.ecs.records import Chain, DiskRecord, PolicyRecord
from snapcli.ecs.schedule import runs_after
from snapcli.ecs.snapshot_state import is_locked
from snapcli.ecs.snapshot_use import is_held_by_image


class Outlook:
    """What would become of runs on one disk, with what it and its chain are now."""

    def __init__(self, call: Call, disk: DiskRecord) -> None:
        self._call = call
        self._disk = disk
        chain = call.chain(disk.region_id, disk.disk_id)
        self._busy_until = busy_until(chain) if chain else None
        self._is_full = chain is not None and _is_full(call, chain)

    def reason_to_skip(self, at: datetime) -> str:
        """Return why a run at `at` would make no snapshot, "" when it would make one."""
        return self.reason_but_room(at) or (NO_ROOM if self._is_full else "")

    def reason_but_room(self, at: datetime) -> str:
        """Return the same without a look at how many snapshots there are."""
        account = self._call.account
        if account.snapshot_service_at is None or is_barred(account.overdue_at, at):
            return SERVICE_OFF
        reason = reason_of_disk(self._disk, at)
        if reason:
            return reason
        if self._busy_until is not None and at < self._busy_until:
            return IN_CREATION
        return ""


def busy_until(chain: Chain) -> datetime | None:
    """Return when the last snapshot of a chain is, or was, out of creation."""
    ready = [node.ready_at for node in chain.nodes if node.failed_at is None]
    return max(ready, default=None)


def _is_full(call: Call, chain: Chain) -> bool:
    """Say whether the limit is reached and nothing of it may make room (IN-5)."""
    automatic = [node for node in chain.nodes if node.kind == "auto"]
    if len(automatic) < call.settings.quotas.automatic_snapshots_per_disk:
        return False
    return all(
        is_locked(node, call.now) or is_held_by_image(call, chain, node) for node in automatic
    )


def time_zone(call: Call) -> str:
    """Return the zone whose hours policies count from now on."""
    return call.settings.time_zone


def next_runs(
    call: Call, hours: Iterable[int], weekdays: Iterable[int], after: datetime
) -> Iterator[datetime]:
    """Yield the instants later than `after` at which hours of these days come, without end."""
    return runs_after([*hours], [*weekdays], time_zone(call), after)


def find_policy(call: Call, policy_id: str) -> PolicyRecord:
    """Return a policy by id from any region, or raise ApiError ParameterInvalid."""
    for region_id in call.regions_in_use():
        policy = call.inventory(region_id).policies.get(policy_id)
        if policy is not None:
            return policy
    raise ApiError(
        "ParameterInvalid",
        404,
        f"There is no automatic snapshot policy {policy_id!r}. DescribeAutoSnapshotPolicyEx lists "
        "those of a region.",
    )


def policy_of(call: Call, disk: DiskRecord) -> PolicyRecord | None:
    """Return the policy that is applied to a disk, or None."""
    return call.inventory(disk.region_id).policies.get(disk.policy_id)
