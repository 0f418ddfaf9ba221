"""One run of a policy on one disk: skipped, failed, or an automatic snapshot (PO-3…5, PO-7, IN-5).

A run that comes late, since the machine slept or the clock was moved, captures the disk's bytes as
they are now; the snapshot bears the instant that it was due at.
"""

import itertools
from datetime import datetime

from snapcli.api import ids
from snapcli.api.errors import ApiError
from snapcli.ecs import events
from snapcli.ecs.account import service_is_on
from snapcli.ecs.call import Call
from snapcli.ecs.events import Log
from snapcli.ecs.nodes import capture_node, holds_own_blocks, is_sound, position, remove_node
from snapcli.ecs.policy_rules import IN_CREATION, NO_ROOM, SERVICE_OFF, reason_of_disk
from snapcli.ecs.records import Chain, DiskRecord, PolicyRecord, SnapshotRecord
from snapcli.ecs.region_data import REGIONS
from snapcli.ecs.schedule import local_date
from snapcli.ecs.snapshot_copies import check_copyable, copy_node
from snapcli.ecs.snapshot_state import is_locked
from snapcli.ecs.snapshot_use import is_held_by_image
from snapcli.volumes.errors import VolumeError

_FILE_COST = 40  # of an event that makes files, beside one that makes none
_NO_ROOM = ("ENOSPC", "EDQUOT", "EROFS", "ENOMEM", "EMFILE", "EIO")


class ChainState:
    """What is worked out of a chain once in a transaction and kept up to date in it.

    `unchanged` says that the disk is known to be as the newest snapshot holds it.
    """

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.automatic = sum(node.kind == "auto" for node in chain.nodes)
        self.busy_until = _busy_until(chain)
        self.unchanged = False


def _busy_until(chain: Chain) -> datetime | None:
    ready = [node.ready_at for node in chain.nodes if node.failed_at is None]
    return max(ready, default=None)


class Runner:
    """Runs policies and takes snapshots out again, within one transaction of one account."""

    def __init__(self, call: Call, log: Log) -> None:
        self._call = call
        self._log = log
        self._states: dict[str, ChainState] = {}
        self._taken: dict[str, set[str]] = {}  # snapshot ids by region
        self.cost = 0  # of what was done: about so many events

    def know(self, chain: Chain) -> None:
        """Take in a chain, before anything is run."""
        self._states[self._call.chain_home(chain)] = ChainState(chain)
        taken = self._taken.setdefault(chain.region_id, set())
        taken.update(node.snapshot_id for node in chain.nodes)

    def state(self, chain: Chain) -> ChainState:
        """Return what is known of a chain."""
        home = self._call.chain_home(chain)
        if home not in self._states:
            self.know(chain)
        return self._states[home]

    def run(self, policy: PolicyRecord, disk: DiskRecord) -> SnapshotRecord | None:
        """Capture the disk for the policy at the call's time; None when nothing was captured."""
        self.cost += 1
        reason = self._reason_to_skip(disk)
        if reason:
            self._tell(events.SKIPPED, policy, disk, reason=reason)
            return None
        call = self._call
        chain = call.new_chain(disk)
        state = self.state(chain)
        if state.busy_until is not None and call.now < state.busy_until:
            self._tell(events.SKIPPED, policy, disk, reason=IN_CREATION)
            return None
        if not self._make_room(state):
            self._tell(events.FAILED, policy, disk, reason=NO_ROOM)
            return None
        node = self._new_node(policy, disk, chain)
        failure = self._capture(disk, state, node)
        state.automatic += 1
        if failure:
            self._tell(events.FAILED, policy, disk, node, failure)
            return node
        if state.busy_until is None or node.ready_at > state.busy_until:
            state.busy_until = node.ready_at
        if holds_own_blocks(node):
            self.cost += _FILE_COST
        self._tell(events.CREATED, policy, disk, node)
        return node

    def _reason_to_skip(self, disk: DiskRecord) -> str:
        if not service_is_on(self._call):  # at that hour: a bill's grace may have ended between
            return SERVICE_OFF
        return reason_of_disk(disk, self._call.now)

    def _new_node(self, policy: PolicyRecord, disk: DiskRecord, chain: Chain) -> SnapshotRecord:
        call = self._call
        taken = self._taken.setdefault(disk.region_id, set())
        snapshot_id = ids.resource_id("s", REGIONS[disk.region_id].code, taken.__contains__)
        taken.add(snapshot_id)
        return SnapshotRecord(
            snapshot_id=snapshot_id,
            created_at=call.now,
            ready_at=call.now,
            number=chain.next_number,
            size_gib=disk.size_gib,
            disk_type=disk.type,
            zone_id=disk.zone_id,
            serial_number=ids.serial_number(),
            kind="auto",
            name=self._name(policy),
            retention_days=policy.retention_days,
            resource_group_id=policy.resource_group_id or disk.resource_group_id,
            copy_region_id=policy.copy_region_id,
            copy_retention_days=policy.copy_retention_days,
            tags=dict(policy.tags),
        )

    def _name(self, policy: PolicyRecord) -> str:
        """Return `auto2.0_yyyyMMdd_<policy id>`; the day is one of the account's zone (PO-5)."""
        day = local_date(self._call.now, self._call.account.time_zone)
        return f"auto2.0_{day:%Y%m%d}_{policy.policy_id}"

    def _capture(self, disk: DiskRecord, state: ChainState, node: SnapshotRecord) -> str:
        """Capture the disk as `node`; returns why that failed, "" when it did not.

        A disk that is damaged, or written to without a pause, makes this one snapshot fail and
        no other. Where there is no room on the machine the whole step is put off: raises
        VolumeError.
        """
        try:
            capture_node(self._call, disk, state.chain, node, unchanged=state.unchanged)
        except (ApiError, VolumeError) as error:
            if _is_machines_fault(error):
                raise
            node.failed_at = node.ready_at = node.created_at
            node.copy_region_id = ""
            state.chain.nodes.append(node)
            state.chain.next_number = node.number + 1
            return str(error)
        state.unchanged = True
        return ""

    def _make_room(self, state: ChainState) -> bool:
        """Let the oldest automatic snapshot that may go make room at the limit (IN-5, PO-7)."""
        most = self._call.settings.quotas.automatic_snapshots_per_disk
        while state.automatic >= most:
            node = next((n for n in state.chain.nodes if self._may_go(state, n)), None)
            if node is None:
                return False
            self._remove(state, node, "the limit needs room")
        return True

    def _may_go(self, state: ChainState, node: SnapshotRecord) -> bool:
        return node.kind == "auto" and self._is_removable(state, node)

    def _is_removable(self, state: ChainState, node: SnapshotRecord) -> bool:
        """Say whether the service may delete the snapshot now: no image needs it, no lock holds it.

        DeleteImage has time look again at what only an image kept. A snapshot with blocks in a
        chain with a damaged map is left as it is and looked at again later: no other command may
        be stopped by it. `check` tells of it.
        """
        call = self._call
        if is_held_by_image(call, state.chain, node) or is_locked(node, call.now):
            return False
        return not holds_own_blocks(node) or is_sound(call, state.chain)

    def copy(self, chain: Chain, node: SnapshotRecord) -> tuple[Chain, SnapshotRecord] | datetime:
        """Copy an accomplished snapshot to the region that its policy named (PO-9).

        Returns the copy with its chain; or, while another copy of that disk is unfinished, when
        to try again; or the call's time when there is nothing to be copied.
        """
        call, region_id = self._call, node.copy_region_id
        if position(chain, node) is None or not region_id or node.failed_at is not None:
            return call.now
        copies = call.chain_of_copies(region_id, chain.disk_id)
        if copies is not None:
            busy_until = self.state(copies).busy_until
            if busy_until is not None and call.now < busy_until:
                return busy_until
        node.copy_region_id = ""
        try:
            check_copyable(call, chain, node, region_id)
            found = copy_node(
                call,
                chain,
                node,
                region_id,
                name=node.name,
                kind="auto",
                retention_days=node.copy_retention_days,
            )
        except (ApiError, VolumeError) as error:
            if _is_machines_fault(error):
                raise
            self._tell_copy(events.COPY_FAILED, chain.region_id, chain, node, str(error))
            return call.now
        state = self.state(found[0])
        if state.busy_until is None or found[1].ready_at > state.busy_until:
            state.busy_until = found[1].ready_at
        self.cost += _FILE_COST if holds_own_blocks(found[1]) else 1
        reason = f"of {node.snapshot_id} in {chain.region_id}"
        self._tell_copy(events.COPIED, region_id, chain, found[1], reason)
        return found

    def _tell_copy(
        self, event: str, region_id: str, chain: Chain, node: SnapshotRecord, reason: str
    ) -> None:
        self._log.add(
            self._call,
            event,
            region_id,
            snapshot_id=node.snapshot_id,
            disk_id=chain.disk_id,
            reason=reason,
        )

    def end_retention(self, chain: Chain, node: SnapshotRecord) -> None:
        """Release a snapshot whose retention is over, unless it has to stay (CR-4, PO-7)."""
        state = self.state(chain)
        if position(chain, node) is None:
            return  # it went with its disk, or made room, a moment before
        if not self._is_removable(state, node):
            return
        self._remove(state, node, "its retention ended")

    def _remove(self, state: ChainState, node: SnapshotRecord, reason: str) -> None:
        chain = state.chain
        at = position(chain, node)
        assert at is not None
        later = itertools.islice(chain.nodes, at + 1, None)
        if holds_own_blocks(node) and all(n.failed_at is not None for n in later):
            state.unchanged = False  # what is the newest then may be another state of the disk
        remove_node(self._call, chain, node)
        self.cost += _FILE_COST if holds_own_blocks(node) else 1  # not, when it passed its map on
        state.automatic -= node.kind == "auto"
        if node.ready_at == state.busy_until:
            state.busy_until = _busy_until(chain)
        self._log.add(
            self._call,
            events.RELEASED,
            chain.region_id,
            snapshot_id=node.snapshot_id,
            disk_id=chain.disk_id,
            reason=reason,
        )

    def _tell(
        self,
        event: str,
        policy: PolicyRecord,
        disk: DiskRecord,
        node: SnapshotRecord | None = None,
        reason: str = "",
    ) -> None:
        self._log.add(
            self._call,
            event,
            disk.region_id,
            snapshot_id=node.snapshot_id if node else "",
            disk_id=disk.disk_id,
            policy_id=policy.policy_id,
            reason=reason,
        )


def _is_machines_fault(error: Exception) -> bool:
    import errno

    cause = error.__cause__
    return isinstance(cause, OSError) and errno.errorcode.get(cause.errno or 0) in _NO_ROOM
