"""The guide's table of recommendations (§4.8) as data, and which snapshots it would let go.

Pure functions of records and now. What a disk is for is decided elsewhere, and so is what holds
a snapshot back.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, tzinfo

import msgspec

from snapcli.ecs.records import SnapshotRecord

CORE, NON_CORE, SYSTEM, TEMPORARY = "core", "non-core", "system", "temporary"
ROLES = (CORE, NON_CORE, SYSTEM, TEMPORARY)

_SYSTEM_KEPT = 2
_NON_CORE_DAYS = 28  # "several days or weeks"
_IN_USE = timedelta(days=1)  # so long a temporary snapshot is taken to be still needed


class Recommendation(msgspec.Struct, frozen=True):
    """A line of the table: what for, how often to capture, how long to keep."""

    scenario: str
    frequency: str
    retention: str
    fewest_days: int = 0  # between two captures; 0: whenever needed


TABLE = {
    CORE: Recommendation(
        "core application", "once every day or every other day", "several months or longer", 1
    ),
    NON_CORE: Recommendation(
        "non-core application", "once every week or every other week", "several days or weeks", 7
    ),
    SYSTEM: Recommendation("system disk", "whenever needed", "one or two snapshots"),
    TEMPORARY: Recommendation(
        "upgrade, change of files, migration or test",
        "whenever needed",
        "deleted at once after use",
    ),
}


def surplus(
    role: str, nodes: Sequence[SnapshotRecord], now: datetime, zone: tzinfo
) -> list[SnapshotRecord]:
    """Return which of a disk's snapshots, oldest first, the table would let go.

    The newest stays, but of temporary ones. Core: the newest of each day stays, whatever its age.
    Non-core: the newest of each week stays, for four weeks. System disk: the newest two stay.
    Temporary: none that is older than a day.
    """
    return _SURPLUS[role](nodes, now, zone)


def _core(nodes: Sequence[SnapshotRecord], now: datetime, zone: tzinfo) -> list[SnapshotRecord]:
    del now
    return _all_but_newest_of(nodes, lambda node: node.created_at.astimezone(zone).date())


def _non_core(nodes: Sequence[SnapshotRecord], now: datetime, zone: tzinfo) -> list[SnapshotRecord]:
    oldest = now - timedelta(days=_NON_CORE_DAYS)
    more = _all_but_newest_of(
        nodes, lambda node: node.created_at.astimezone(zone).isocalendar()[:2]
    )
    gone = {node.snapshot_id for node in more}
    return [node for node in nodes[:-1] if node.snapshot_id in gone or node.created_at < oldest]


def _system(nodes: Sequence[SnapshotRecord], now: datetime, zone: tzinfo) -> list[SnapshotRecord]:
    del now, zone
    return list(nodes[:-_SYSTEM_KEPT])


def _temporary(
    nodes: Sequence[SnapshotRecord], now: datetime, zone: tzinfo
) -> list[SnapshotRecord]:
    del zone
    return [node for node in nodes if node.created_at <= now - _IN_USE]


def _all_but_newest_of(
    nodes: Sequence[SnapshotRecord], period: Callable[[SnapshotRecord], object]
) -> list[SnapshotRecord]:
    newest = {period(node): node.snapshot_id for node in nodes}
    return [node for node in nodes if newest[period(node)] != node.snapshot_id]


_SURPLUS = {CORE: _core, NON_CORE: _non_core, SYSTEM: _system, TEMPORARY: _temporary}
