"""How a chain will grow and shrink when its disk changes evenly: its snapshots and their blocks.

Pure arithmetic on what the records say; reads no map and no clock. The disk keeps its size, and
writes go round it: no block is written a second time before all others were. That makes every
number exact for a disk that changes so; one that rewrites the same blocks stores less.
"""

import heapq
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from fractions import Fraction

import msgspec

_DAY = timedelta(days=1)


class Node(msgspec.Struct, kw_only=True):
    """A snapshot of the forecast: those that are there now, and those that runs will make."""

    content_at: datetime  # when the disk was as it holds it
    kind: str
    blocks: int  # stored on it
    view_blocks: int  # of the whole disk
    release_at: datetime | None
    automatic: bool = False
    held: bool = False  # an image keeps it from making room
    locked_until: datetime | None = None  # as a lock does, until then
    failed: bool = False
    before: "Node | None" = None
    after: "Node | None" = None
    gone: bool = False


class Step(msgspec.Struct, frozen=True):
    """What a chain stores from an instant on: snapshots, and blocks by kind."""

    at: datetime
    snapshots: int
    blocks: dict[str, int]


class ChainForecast:
    """A chain as time goes on. What is asked of it must be asked in the order of time.

    `changed` says how many blocks of the disk are written between two instants, `disk_blocks`
    how many it has. `steps` are what it stored from when on.
    """

    def __init__(
        self,
        now: datetime,
        nodes: Iterable[Node],
        disk_blocks: int,
        changed: Callable[[datetime, datetime], int],
    ) -> None:
        self._disk_blocks = disk_blocks
        self._changed = changed
        self._newest: Node | None = None
        self._stored: dict[str, int] = {}
        self._releases: list[tuple[datetime, int, Node]] = []
        self._automatic: list[Node] = []  # oldest first; those that are gone stay until passed
        self._passed = 0
        self._count = self._count_automatic = 0
        self._number = 0
        self.made = self.released = 0
        for node in nodes:
            self._add(node)
        self.steps: list[Step] = [self._step(now)]

    def pass_until(self, instant: datetime) -> None:
        """Let the snapshots go whose retention ends up to `instant`."""
        while self._releases and self._releases[0][0] <= instant:
            at, _, node = heapq.heappop(self._releases)
            if not node.gone:
                self._remove(node)
                self.steps.append(self._step(at))

    def capture(
        self, at: datetime, content_at: datetime, retention: timedelta | None, most: int
    ) -> int | None:
        """Make an automatic snapshot at `at` of the disk as it is at `content_at`.

        Where there are `most` already, the oldest that may go makes room. Returns the blocks it
        stores; None when nothing may go, so that it is not made.
        """
        self.pass_until(at)
        while self._count_automatic >= most:
            if not self._make_room(at):
                return None
        blocks = self._disk_blocks
        if self._newest is not None:
            blocks = min(blocks, self._changed(self._newest.content_at, content_at))
        self._add(
            Node(
                content_at=content_at,
                kind="standard",
                blocks=blocks,
                view_blocks=self._disk_blocks,
                release_at=at + retention if retention else None,
                automatic=True,
            )
        )
        self.made += 1
        self.steps.append(self._step(at))
        return blocks

    def _make_room(self, at: datetime) -> bool:
        while self._passed < len(self._automatic) and self._automatic[self._passed].gone:
            self._passed += 1
        for node in self._automatic[self._passed :]:
            is_locked = node.locked_until is not None and at < node.locked_until
            if not (node.gone or node.held or is_locked):
                self._remove(node)
                return True
        return False

    def _add(self, node: Node) -> None:
        self._count += 1
        self._stored[node.kind] = self._stored.get(node.kind, 0) + node.blocks
        if node.automatic:
            self._count_automatic += 1
            self._automatic.append(node)
        if node.release_at is not None:
            self._number += 1
            heapq.heappush(self._releases, (node.release_at, self._number, node))
        if not node.failed:
            node.before = self._newest
            if self._newest is not None:
                self._newest.after = node
            self._newest = node

    def _remove(self, node: Node) -> None:
        """Take a node out; what the next still needs of it is stored there (IN-6)."""
        node.gone = True
        self.released += 1
        self._count -= 1
        self._count_automatic -= node.automatic
        self._stored[node.kind] -= node.blocks
        before, after = node.before, node.after
        if node.failed:
            return
        if before is not None:
            before.after = after
        if after is None:
            self._newest = before
            return
        after.before = before
        # Without blocks written twice the two have none in common; a disk has no more than all.
        merged = after.view_blocks if before is None else node.blocks + after.blocks
        merged = min(merged, after.view_blocks)
        self._stored[after.kind] += merged - after.blocks
        after.blocks = merged

    def _step(self, at: datetime) -> Step:
        return Step(at, self._count, dict(self._stored))


class EvenChange:
    """So many blocks a day, spread evenly over its hours, counted from an instant on."""

    def __init__(self, since: datetime, blocks_a_day: Fraction) -> None:
        self._since = since
        self.blocks_a_day = blocks_a_day

    def __call__(self, start: datetime, end: datetime) -> int:
        """Return the blocks written from `start` to `end`."""
        return max(self._until(end) - self._until(start), 0)

    def _until(self, instant: datetime) -> int:
        microseconds = (instant - self._since) // timedelta(microseconds=1)
        return int(self.blocks_a_day * microseconds / (_DAY // timedelta(microseconds=1)) // 1)
