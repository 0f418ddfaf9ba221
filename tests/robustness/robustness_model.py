"""A naive model of disks and snapshots, full copies in memory, and the machine that plays both.

Every step is an operation on a real workspace and the same thing done to the copies. The model
knows nothing of packs, maps or deltas.
"""

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from robustness_service import BLOCK_BYTES, GIB, REGION, ZERO_BLOCK, Service, data_blocks

from snapcli.volumes.syscalls import punch_hole

MOST_DISKS = 5
SIZES_GIB = (1, 2, 5)
# Ends of the disk at each of its sizes, and both sides of the 4 GiB that a view is built by.
PLACES = (0, 1, 2, 3, 100, 8191, 16382, 16383, 16384, 32767, 65535, 65536, 81919)

Content = dict[int, bytes]  # block number -> bytes; what is left out is zeros


def pattern(seed: int) -> bytes:
    """One block that is different for each seed: text that compresses, or noise that does not."""
    if seed % 2:
        return bytes([seed]) * BLOCK_BYTES
    import random

    return random.Random(seed).randbytes(BLOCK_BYTES)


SEEDS = {seed: pattern(seed) for seed in range(1, 7)}


class Copy:
    """A snapshot: a full copy."""

    def __init__(self, snapshot_id: str, disk: "Disk", *, retained: bool) -> None:
        self.snapshot_id = snapshot_id
        self.content = dict(disk.content)
        self.size_gib = disk.size_gib
        self.retained = retained  # a retention ends it


class Disk:
    """A disk with all its snapshots; `released` ones keep theirs."""

    def __init__(self, disk_id: str, size_gib: int, source: Copy | None = None) -> None:
        self.disk_id = disk_id
        self.size_gib = size_gib
        self.source = source
        self.content: Content = dict(source.content) if source else {}
        self.attached = True
        self.released = False
        self.copies: list[Copy] = []

    def counted_blocks(self) -> int:
        """The blocks of its chain."""
        return counted_blocks(self.copies)


def counted_blocks(copies: list[Copy]) -> int:
    """The blocks of a chain, each counted on the earliest snapshot that holds it (IN-4)."""
    counted, before = 0, Content()
    for copy in copies:
        counted += sum(before.get(block) != held for block, held in copy.content.items())
        before = copy.content
    return counted


class CloudMachine(RuleBasedStateMachine):
    """Random operations on the service and on the model, compared all along."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="snapcli-model-"))
        self.service = Service(self.folder / "workspace")
        self.disks: list[Disk] = []
        self.deleted: set[str] = set()

    @initialize()
    def begin(self) -> None:
        """One stopped instance with a data disk: a stopped one's disks can be rolled back."""
        self.instance_id, [disk_id] = self.service.instance(1)
        self.service("StopInstance", InstanceId=self.instance_id)
        self.disks = [Disk(disk_id, 1)]

    # Choosing

    def live(self, number: int) -> Disk:
        disks = [disk for disk in self.disks if not disk.released]
        return disks[number % len(disks)]

    def attached(self, number: int) -> Disk:
        """A disk that is attached; the one chosen is attached when it was not."""
        disk = self.live(number)
        if not disk.attached:
            self.service("AttachDisk", DiskId=disk.disk_id, InstanceId=self.instance_id)
            disk.attached = True
        return disk

    def snapshots(self) -> list[tuple[Disk, Copy]]:
        return [(disk, copy) for disk in self.disks for copy in disk.copies]

    # What programs do

    @rule(
        number=st.integers(0, 4),
        place=st.sampled_from(PLACES),
        seed=st.sampled_from(sorted(SEEDS)),
        part=st.sampled_from([(0, BLOCK_BYTES)] * 3 + [(0, 1), (1000, 40000), (65535, 1)]),
    )
    def write(self, number: int, place: int, seed: int, part: tuple[int, int]) -> None:
        start, length = part
        content = SEEDS[seed][start : start + length]
        self.change(self.live(number), place, start, content)

    @rule(number=st.integers(0, 4), place=st.sampled_from(PLACES))
    def write_zeros(self, number: int, place: int) -> None:
        self.change(self.live(number), place, 0, ZERO_BLOCK)

    @rule(number=st.integers(0, 4), place=st.sampled_from(PLACES), count=st.integers(1, 3))
    def punch(self, number: int, place: int, count: int) -> None:
        disk = self.live(number)
        length = max(0, min(count * BLOCK_BYTES, disk.size_gib * GIB - place * BLOCK_BYTES))
        with self.service.image(disk.disk_id).open("r+b") as image:
            assert punch_hole(image.fileno(), place * BLOCK_BYTES, length)
        for block in range(place, place + length // BLOCK_BYTES):
            disk.content.pop(block, None)

    def change(self, disk: Disk, place: int, start: int, content: bytes) -> None:
        if (place + 1) * BLOCK_BYTES > disk.size_gib * GIB:
            return
        self.service.write(disk.disk_id, place * BLOCK_BYTES + start, content)
        before = disk.content.get(place, ZERO_BLOCK)
        after = before[:start] + content + before[start + len(content) :]
        if after == ZERO_BLOCK:
            disk.content.pop(place, None)
        else:
            disk.content[place] = after

    # What the service does

    @rule(number=st.integers(0, 4), retained=st.sampled_from([False] * 4 + [True]))
    def snapshot(self, number: int, retained: bool) -> None:
        disk = self.attached(number)
        asked = {"RetentionDays": 1} if retained else {}
        made = self.service("CreateSnapshot", DiskId=disk.disk_id, **asked)
        disk.copies.append(Copy(made["SnapshotId"], disk, retained=retained))
        self.compare_sizes()

    @precondition(lambda self: self.snapshots())
    @rule(number=st.integers(0, 99))
    def delete_snapshot(self, number: int) -> None:
        found = self.snapshots()
        disk, copy = found[number % len(found)]
        users = [other for other in self.disks if other.source is copy and not other.released]
        if users:
            code = self.service.refusal("DeleteSnapshot", SnapshotId=copy.snapshot_id)
            assert code == "SnapshotCreatedDisk"
        self.service("DeleteSnapshot", SnapshotId=copy.snapshot_id, Force=bool(users))
        disk.copies.remove(copy)
        self.deleted.add(copy.snapshot_id)
        self.compare_sizes()

    @rule(number=st.integers(0, 4), to=st.integers(0, 99), first=st.booleans())
    def roll_back(self, number: int, to: int, first: bool) -> None:
        disk = self.attached(number)
        if not disk.copies:
            return
        copy = disk.copies[to % len(disk.copies)]
        answer = self.service(
            "ResetDisk", DiskId=disk.disk_id, SnapshotId=copy.snapshot_id, SnapshotFirst=first
        )
        if first:
            disk.copies.append(Copy(answer["SnapshotId"], disk, retained=False))
        disk.content, disk.size_gib = dict(copy.content), copy.size_gib
        self.compare_disk(disk)
        self.compare_sizes()

    @precondition(lambda self: self.snapshots())
    @rule(number=st.integers(0, 99), size_gib=st.sampled_from((0, *SIZES_GIB)))
    def create_disk(self, number: int, size_gib: int) -> None:
        if sum(not disk.released for disk in self.disks) >= MOST_DISKS:
            return
        found = self.snapshots()
        _, copy = found[number % len(found)]
        self.disks.append(self.disk_from(copy, size_gib))

    def disk_from(self, copy: Copy, size_gib: int = 0) -> Disk:
        asked = {"Size": size_gib} if size_gib else {}
        made = self.service(
            "CreateDisk",
            RegionId=REGION,
            InstanceId=self.instance_id,
            SnapshotId=copy.snapshot_id,
            DiskCategory="cloud_essd",
            PerformanceLevel="PL0",
            **asked,
        )
        disk = Disk(made["DiskId"], max(size_gib, copy.size_gib), copy)
        self.compare_disk(disk)
        return disk

    @rule(number=st.integers(0, 4), size_gib=st.sampled_from(SIZES_GIB))
    def resize(self, number: int, size_gib: int) -> None:
        disk = self.live(number)
        if size_gib <= disk.size_gib:
            code = self.service.refusal("ResizeDisk", DiskId=disk.disk_id, NewSize=size_gib)
            assert code == "InvalidDiskSize.TooSmall"
            return
        self.service("ResizeDisk", DiskId=disk.disk_id, NewSize=size_gib)
        disk.size_gib = size_gib
        self.compare_disk(disk)

    @rule(number=st.integers(0, 4))
    def re_initialise(self, number: int) -> None:
        disk = self.attached(number)
        source = disk.source
        if source is not None and source.snapshot_id in self.deleted:
            assert self.service.refusal("ReInitDisk", DiskId=disk.disk_id) == "OperationDenied"
            return
        self.service("ReInitDisk", DiskId=disk.disk_id)
        disk.content = dict(source.content) if source else {}
        self.compare_disk(disk)

    @rule(number=st.integers(0, 4))
    def detach(self, number: int) -> None:
        disk = self.live(number)
        if disk.attached:
            self.service("DetachDisk", DiskId=disk.disk_id, InstanceId=self.instance_id)
            disk.attached = False
            self.compare_disk(disk)

    @precondition(lambda self: sum(not disk.released for disk in self.disks) > 1)
    @rule(number=st.integers(0, 4))
    def release(self, number: int) -> None:
        disk = self.live(number)
        self.detach(number)
        self.service("DeleteDisk", DiskId=disk.disk_id)
        disk.released = True
        assert not self.service.image(disk.disk_id).exists()
        self.compare_sizes()

    @rule()
    def let_retentions_end(self) -> None:
        self.service("AdvanceClock", By="2d")
        for disk in self.disks:
            self.deleted |= {copy.snapshot_id for copy in disk.copies if copy.retained}
            disk.copies = [copy for copy in disk.copies if not copy.retained]
        self.compare_sizes()

    # Comparing

    def compare_disk(self, disk: Disk) -> None:
        image = self.service.image(disk.disk_id)
        assert image.stat().st_size == disk.size_gib * GIB
        assert dict(data_blocks(image)) == disk.content

    def compare_sizes(self) -> None:
        links = self.service("DescribeSnapshotLinks", RegionId=REGION, PageSize=100)
        found = {
            link["SnapshotLinkId"]: (link["TotalCount"], link["TotalSize"])
            for link in links["SnapshotLinks"]["SnapshotLink"]
        }
        expected = {
            disk.disk_id: (len(disk.copies), disk.counted_blocks() * BLOCK_BYTES)
            for disk in self.disks
            if disk.copies
        }
        assert found == expected
        usage = self.service("DescribeSnapshotsUsage", RegionId=REGION)
        assert usage["SnapshotCount"] == sum(count for count, _ in expected.values())
        assert usage["SnapshotSize"] == sum(size for _, size in expected.values())

    def compare_space(self, disk: Disk) -> None:
        """What was freed is free: packs take no more than their blocks need (IN-6)."""
        folder = self.service.root / "chains" / REGION / disk.disk_id
        packs = list(folder.glob("*.pack"))
        taken = sum(os.stat(pack).st_blocks * 512 for pack in packs)
        # A stored block may share its first and last 4 KiB with a freed neighbour.
        assert taken <= disk.counted_blocks() * (BLOCK_BYTES + 8192) + 4096 * len(packs)
        if not disk.copies:
            assert not folder.exists()

    def teardown(self) -> None:
        try:
            for disk in self.disks:
                if not disk.released:
                    self.compare_disk(disk)
                self.compare_space(disk)
            for _, copy in self.snapshots():
                if sum(not disk.released for disk in self.disks) < 16:
                    self.disks.append(self.disk_from(copy))
            if self.disks:
                self.compare_sizes()
            assert self.service.problems() == []
            left = sorted(entry.name for entry in os.scandir(self.service.root))
            assert set(left) <= {"chains", "disks", "lock", "state", "workspace.toml"}
        finally:
            shutil.rmtree(self.folder)
