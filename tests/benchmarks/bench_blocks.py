"""The rows of block work: snapshots, a new disk, a rollback, and what is stored.

Every run begins with empty stores on both sides and goes through the same states of the image.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from bench_image import (
    READER,
    Change,
    apply_changes,
    copy_sparse,
    read_extents,
    same_bytes,
    touch_block,
    undo_changes,
    warm,
)
from bench_ours import REGION, Snapcli
from bench_peers import Peer, Took
from bench_process import Failed, give_memory, occupied_bytes
from bench_rows import OURS, READING_HERE, UNSYNCED, Samples


class Session:
    """Our workspace and the peers' stores, gone through together as often as is wanted."""

    def __init__(
        self,
        ours: Snapcli,
        peers: Sequence[Peer],
        original: Path,
        changes: list[Change],
        samples: Samples,
        say: Callable[[str], None],
    ) -> None:
        self._ours = ours
        self._peers = peers
        self._original = original
        self._changes = changes
        self._samples = samples
        self._say = say
        self._memory_bytes = occupied_bytes(original) * 5 // 4
        for peer in peers:
            peer.memory_bytes = self._memory_bytes
        self._disk_id = ""
        self._disk = Path()

    def measure(self, runs: int) -> None:
        """Go through all states `runs` times; in the first, compare every result's bytes."""
        if self._peers:
            copy_sparse(self._original, self._peers[0].image)
        for number in range(runs):
            self._say(f"run {number + 1} of {runs}")
            self._run_once(compare=number == 0, ours_first=number % 2 == 0)
            self._samples.add("memory", OURS, self._ours.peak_bytes)

    def _run_once(self, *, compare: bool, ours_first: bool) -> None:
        self._begin()
        first = self._first(ours_first)
        self._change()
        self._second(ours_first)
        self._third()
        self._new_disk(first, compare, ours_first)
        self._roll_back(first, compare)
        if self._peers:
            undo_changes(self._peers[0].image, self._original, self._changes)

    def _begin(self) -> None:
        self._ours.begin()
        self._disk_id, self._disk = self._ours.import_disk(self._original)
        for peer in self._peers:
            peer.prepare()

    def _both(self, ours_first: bool, ours: Callable[[], None], theirs: Callable[[], None]) -> None:
        """Run both sides, the one that is first changing from run to run."""
        for side in (ours, theirs) if ours_first else (theirs, ours):
            side()

    def _snapshot(self, key: str) -> str:
        """Take one snapshot, counted under `key`; its id."""
        give_memory(self._memory_bytes)
        warm(self._disk)
        seconds, made = self._ours.measure_ecs("CreateSnapshot", DiskId=self._disk_id)
        self._samples.add(key, OURS, seconds)
        return str(made["SnapshotId"])

    def _add(self, key: str, peer: Peer, took: Took) -> None:
        self._samples.add(key, peer.name, took.durable)
        self._samples.add(key, peer.name + UNSYNCED, took.ended)

    def _first(self, ours_first: bool) -> str:
        made: list[str] = []

        def theirs() -> None:
            for peer in self._peers:
                before = occupied_bytes(peer.stored_folder())
                self._add("full", peer, peer.first())
                stored = occupied_bytes(peer.stored_folder()) - before
                self._samples.add("stored-full", peer.name, stored)

        self._both(ours_first, lambda: made.append(self._snapshot("full")), theirs)
        self._samples.add("stored-full", OURS, self._ours.stored_bytes(self._disk_id))
        return made[0]

    def _change(self) -> None:
        apply_changes(self._disk, self._original, self._changes)
        if self._peers:
            apply_changes(self._peers[0].image, self._original, self._changes)

    def _second(self, ours_first: bool) -> None:
        def theirs() -> None:
            for peer in self._peers:
                before = occupied_bytes(peer.stored_folder())
                self._add("second", peer, peer.second())
                stored = occupied_bytes(peer.stored_folder()) - before
                self._samples.add("stored-second", peer.name, stored)

        before = self._ours.stored_bytes(self._disk_id)
        self._both(ours_first, lambda: void(self._snapshot("second")), theirs)
        stored = self._ours.stored_bytes(self._disk_id) - before
        self._samples.add("stored-second", OURS, stored)

    def _third(self) -> None:
        """Nothing changed; and again after a write of the same bytes: then every block is read."""
        self._read_and_snapshot("third")
        touch_block(self._disk)
        self._read_and_snapshot("third-read")

    def _read_and_snapshot(self, key: str) -> None:
        warm(self._disk)
        self._samples.add(key, READING_HERE, read_extents(self._disk))
        reading = self._ours.python(READER, str(self._disk))
        self._samples.add(key, "reading, a process", reading.seconds)
        self._snapshot(key)

    def _new_disk(self, snapshot_id: str, compare: bool, ours_first: bool) -> None:
        def ours() -> None:
            give_memory(self._memory_bytes)
            warm(self._ours.chain_folder(self._disk_id))
            seconds, made = self._ours.measure_ecs(
                "CreateDisk",
                RegionId=REGION,
                ZoneId=f"{REGION}-h",
                SnapshotId=snapshot_id,
                DiskCategory="cloud_essd",
                PerformanceLevel="PL0",
            )
            self._samples.add("new-disk", OURS, seconds)
            if compare:
                self._compare(self._ours.disk_path(made["DiskId"]), "the new disk")
            self._ours.ecs("DeleteDisk", DiskId=made["DiskId"])

        def theirs() -> None:
            for peer in self._peers:
                took, image = peer.restore()
                self._add("new-disk", peer, took)
                self._add("rollback", peer, took)
                if compare:
                    self._compare(image, f"what {peer.name} restored")
                peer.forget_restored()

        self._both(ours_first, ours, theirs)

    def _roll_back(self, snapshot_id: str, compare: bool) -> None:
        warm(self._disk, self._ours.chain_folder(self._disk_id))
        seconds, _ = self._ours.measure_ecs(
            "ResetDisk", DiskId=self._disk_id, SnapshotId=snapshot_id
        )
        self._samples.add("rollback", OURS, seconds)
        if compare:
            self._compare(self._disk, "the disk that was rolled back")

    def _compare(self, image: Path, what: str) -> None:
        if not same_bytes(image, self._original):
            raise Failed(f"{what} ({image}) does not have the bytes of the first state")


def void(_: object) -> None:
    """Take a value that is not needed."""
