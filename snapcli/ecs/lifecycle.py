"""What the passing of time does: applied in order, each event exactly once, as a step of its own.

The operations that describe things never change anything; this runs before them when an event is
due. Each event is one transaction's change together with the note of how far time was settled.
"""

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta

from snapcli.ecs.call import Call
from snapcli.ecs.nodes import is_sound, remove_node
from snapcli.ecs.records import Chain, SnapshotRecord
from snapcli.ecs.snapshot_state import released_at
from snapcli.ecs.snapshot_use import is_held_by_image

_LOOK_AGAIN = timedelta(hours=1)

Event = tuple[datetime, str, str]  # when, what, of which resource


def settle(call: Call) -> None:
    """Apply everything due up to the transaction's time, in order of the instants it fell due.

    Afterwards the account's `next_due_at` is the next event's instant, or None.
    """
    until = call.now
    due = list(_events(call))
    heapq.heapify(due)
    while due and due[0][0] <= until:
        instant, what, resource_id = heapq.heappop(due)
        call.now = instant
        _APPLY[what](call, resource_id)
    call.now = until
    later = [due[0][0]] if due else []
    if call.unsound_chains:
        later.append(until + _LOOK_AGAIN)
    call.account.next_due_at = min(later, default=None)
    call.account.settled_at = until


def _events(call: Call) -> Iterator[Event]:
    """Yield every event that lies ahead."""
    for region_id in call.regions_in_use():
        for chain in call.chains(region_id):
            yield from _chain_events(chain)
        for instance in call.inventory(region_id).instances.values():
            if instance.auto_release_at is not None:
                yield (instance.auto_release_at, "instance release", instance.instance_id)


def _chain_events(chain: Chain) -> Iterator[Event]:
    for node in chain.nodes:
        release = released_at(node)
        if release is not None:
            yield (release, "retention end", node.snapshot_id)


def _end_retention(call: Call, snapshot_id: str) -> None:
    """Release a snapshot whose retention is over (CR-4).

    A chain with a damaged map is left as it is and looked at again later: no other command may
    be stopped by it. `check` tells of it.
    """
    found: tuple[Chain, SnapshotRecord] | None = call.find_snapshot(snapshot_id)
    if found is None:  # it may have gone with its disk a moment before
        return
    if is_held_by_image(call, *found):
        return  # DeleteImage has time look at it again (PO-7)
    if is_sound(call, found[0]):
        remove_node(call, *found)


def _release_instance(call: Call, instance_id: str) -> None:
    """Release an instance whose automatic release time has come, with its disks."""
    from snapcli.ecs.instance_release import release

    release(call, call.instance(instance_id))


_APPLY = {"retention end": _end_retention, "instance release": _release_instance}
