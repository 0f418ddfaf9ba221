"""What the passing of time does: applied in order, each event exactly once, as a step of its own.

The operations that describe things never change anything; this runs before them when an event is
due. Each step is one transaction's change together with the note of how far time was settled; a
long time is settled in several steps, each whole, so that a kill loses nothing and doubles nothing.
"""

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from snapcli.ecs import events
from snapcli.ecs.call import Call
from snapcli.ecs.events import Log
from snapcli.ecs.policy_runs import Runner
from snapcli.ecs.records import Chain, DiskRecord, InstanceRecord, PolicyRecord, SnapshotRecord
from snapcli.ecs.schedule import runs_after
from snapcli.ecs.snapshot_state import released_at

MOST_EVENTS = 4000  # in one step; an instant is never divided

_LOOK_AGAIN = timedelta(hours=1)

# In this order when they fall on one instant.
_RETENTION_END, _INSTANCE_RELEASE, _POLICY_RUN, _COPY = range(4)

_Node = tuple[Chain, SnapshotRecord]
_Runs = tuple[PolicyRecord, Iterator[datetime]]
# When, which kind, its order among that kind (no two are the same), and of what.
Event = tuple[datetime, int, tuple[str, int], _Node | InstanceRecord | _Runs]


def settle(call: Call, log: Log | None = None, most_events: int = 0) -> bool:
    """Apply what is due up to the transaction's time, in order of the instants it fell due.

    Stops after about `most_events` events (0: MOST_EVENTS); returns whether something is left to
    be settled by the next transaction. Afterwards the account's `settled_at` is how far it came,
    its `next_due_at` the next event's instant or None.
    """
    log = Log() if log is None else log
    log.begin()
    step = _Step(call, log)
    try:
        is_left = step.run(most_events or MOST_EVENTS)
    finally:
        call.now = step.until
    log.keep(call.tx)
    return is_left


class _Step:
    """One transaction's part of settling an account."""

    def __init__(self, call: Call, log: Log) -> None:
        self.until = call.now
        self._call = call
        self._log = log
        self._runner = Runner(call, log)
        self._due: list[Event] = []
        self._later: list[datetime] = []  # the least instant beyond `until`, if any
        self._applied: dict[str, list[DiskRecord]] = {}  # disks by policy
        self._gather()

    # What lies ahead

    def _gather(self) -> None:
        call = self._call
        for region_id in call.regions_in_use():
            for chain in call.chains(region_id):
                self._runner.know(chain)
                for node in chain.nodes:
                    self._expect_release(chain, node)
                    self._expect_copy(chain, node)
            for instance in call.inventory(region_id).instances.values():
                if instance.auto_release_at is not None:
                    order = (instance.instance_id, 0)
                    self._expect(instance.auto_release_at, _INSTANCE_RELEASE, order, instance)
        self._gather_policies()

    def _gather_policies(self) -> None:
        """Expect the runs of the policies that have disks, from what is settled on."""
        call, account = self._call, self._call.account
        self._note_applications()
        number = 0
        for region_id in call.regions_in_use():
            for policy in call.inventory(region_id).policies.values():
                if policy.policy_id in self._applied:
                    number += 1
                    since = max(account.settled_at or policy.created_at, policy.created_at)
                    instants = runs_after(policy.hours, policy.weekdays, self._zone(), since)
                    self._expect_run(number, policy, instants)

    def _zone(self) -> str:
        """Return the time zone that counts up to now.

        The settings may name another one since: it counts from now on, so that no hour is run
        in both or in neither.
        """
        account = self._call.account
        account.time_zone = account.time_zone or self._call.settings.time_zone
        return account.time_zone

    def _note_applications(self) -> None:
        self._applied.clear()
        for region_id in self._call.regions_in_use():
            for disk in self._call.inventory(region_id).disks.values():
                if disk.policy_id:
                    self._applied.setdefault(disk.policy_id, []).append(disk)

    def _expect(
        self,
        instant: datetime,
        kind: int,
        order: tuple[str, int],
        of: _Node | InstanceRecord | _Runs,
    ) -> None:
        if instant <= self.until:
            heapq.heappush(self._due, (instant, kind, order, of))
        elif not self._later or instant < self._later[0]:
            self._later[:] = [instant]

    def _expect_release(self, chain: Chain, node: SnapshotRecord) -> None:
        release = released_at(node)
        if release is not None:
            order = (self._call.chain_home(chain), node.number)
            self._expect(release, _RETENTION_END, order, (chain, node))

    def _expect_copy(self, chain: Chain, node: SnapshotRecord) -> None:
        if node.copy_region_id:
            order = (self._call.chain_home(chain), node.number)
            self._expect(node.ready_at, _COPY, order, (chain, node))

    def _expect_run(self, number: int, policy: PolicyRecord, instants: Iterator[datetime]) -> None:
        instant = next(instants, None)
        if instant is not None:
            self._expect(instant, _POLICY_RUN, ("", number), (policy, instants))

    # What happens

    def run(self, most_events: int) -> bool:
        """Apply events until none is due or enough were, and note how far that came."""
        account = self._call.account
        reached = account.settled_at
        while self._due and (self._runner.cost < most_events or self._due[0][0] == reached):
            instant, kind, order, of = heapq.heappop(self._due)
            # One that was put off earlier happens now, not before what has happened since.
            reached = instant if reached is None else max(reached, instant)
            self._call.now = reached
            self._apply(kind, order, of)
        if self._due:
            account.settled_at = reached
            account.next_due_at = self._due[0][0]
            return True
        account.settled_at = self.until
        self._change_zone()
        if self._call.unsound_chains:
            self._later.append(self.until + _LOOK_AGAIN)
        account.next_due_at = min(self._later, default=None)
        return False

    def _change_zone(self) -> None:
        """Count the policies' hours in the zone that the settings name from now on."""
        account, zone = self._call.account, self._call.settings.time_zone
        if account.time_zone in ("", zone):
            return
        account.time_zone = zone
        for region_id in self._call.regions_in_use():
            for policy in self._call.inventory(region_id).policies.values():
                if policy.policy_id in self._applied:
                    runs = runs_after(policy.hours, policy.weekdays, zone, self.until)
                    self._later += [instant for instant in (next(runs, None),) if instant]

    def _apply(self, kind: int, order: tuple[str, int], of: Any) -> None:
        """Let one event happen."""
        if kind == _RETENTION_END:
            self._runner.end_retention(*of)
        elif kind == _INSTANCE_RELEASE:
            self._release_instance(of)
        elif kind == _POLICY_RUN:
            self._run_policy(order[1], *of)
        else:
            found = self._runner.copy(*of)
            if isinstance(found, tuple):
                self._expect_release(*found)
            elif found > self._call.now:
                self._expect(found, _COPY, order, of)

    def _run_policy(self, number: int, policy: PolicyRecord, instants: Iterator[datetime]) -> None:
        for disk in self._applied.get(policy.policy_id, ()):
            node = self._runner.run(policy, disk)
            if node is not None:
                chain = self._call.new_chain(disk)
                self._expect_release(chain, node)
                self._expect_copy(chain, node)
        self._expect_run(number, policy, instants)

    def _release_instance(self, instance: InstanceRecord) -> None:
        """Release an instance whose automatic release time has come, with its disks."""
        from snapcli.ecs.instance_release import release

        release(self._call, instance, by_force=True)
        self._note_applications()
        self._log.add(
            self._call,
            events.INSTANCE_RELEASED,
            instance.region_id,
            instance_id=instance.instance_id,
        )
