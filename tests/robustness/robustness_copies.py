"""The machine of disks and snapshots with copies in other regions: full copies in memory too."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from robustness_model import CloudMachine, Copy, Disk, counted_blocks
from robustness_service import BLOCK_BYTES, GIB, REGION, data_blocks

REGIONS = ("cn-beijing", "cn-shanghai")

# Whose snapshot, in which region, and what the model has of it.
Source = tuple[Disk, str, Copy]


class CopiesMachine(CloudMachine):
    """Snapshots, and copies of them, are copied and deleted in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.away: dict[tuple[str, Disk], list[Copy]] = {}  # in the order of copying

    def sources(self) -> list[Source]:
        """Everything that can be copied: snapshots at home, and copies."""
        here = [(disk, REGION, copy) for disk, copy in self.snapshots()]
        return here + self.copies()

    def copies(self) -> list[Source]:
        return [
            (disk, region, copy) for (region, disk), found in self.away.items() for copy in found
        ]

    @precondition(lambda self: self.sources())
    @rule(
        number=st.integers(0, 99),
        to=st.sampled_from(REGIONS),
        retained=st.sampled_from([False] * 4 + [True]),
    )
    def copy(self, number: int, to: str, retained: bool) -> None:
        found = self.sources()
        disk, region, source = found[number % len(found)]
        asked = {"RegionId": region, "SnapshotId": source.snapshot_id, "DestinationRegionId": to}
        if region == to:
            code = self.service.refusal("CopySnapshot", **asked)
            assert code == "InvalidOperation.NotSupportCopyInSameRegion"
            return
        if retained:
            asked["RetentionDays"] = "1"
        made = self.service("CopySnapshot", **asked)
        copied = Copy(made["SnapshotId"], disk, retained=retained)
        copied.content, copied.size_gib = dict(source.content), source.size_gib
        self.away.setdefault((to, disk), []).append(copied)
        self.compare_copies()

    @precondition(lambda self: self.copies())
    @rule(number=st.integers(0, 99))
    def delete_copy(self, number: int) -> None:
        found = self.copies()
        disk, region, copy = found[number % len(found)]
        self.service("DeleteSnapshot", SnapshotId=copy.snapshot_id)
        self.away[region, disk].remove(copy)
        self.compare_copies()

    @precondition(lambda self: self.copies())
    @rule(number=st.integers(0, 99))
    def disk_from_a_copy(self, number: int) -> None:
        found = self.copies()
        _, region, copy = found[number % len(found)]
        self.compare_copy(region, copy)

    @rule()
    def let_retentions_end(self) -> None:
        for found in self.away.values():
            found[:] = [copy for copy in found if not copy.retained]
        super().let_retentions_end()
        self.compare_copies()

    def compare_copy(self, region: str, copy: Copy) -> None:
        """Make a disk from a copy, compare it byte for byte, and release it."""
        made = self.service(
            "CreateDisk",
            RegionId=region,
            ZoneId=f"{region}-b",
            SnapshotId=copy.snapshot_id,
            DiskCategory="cloud_essd",
            PerformanceLevel="PL0",
        )
        image = self.service.root / "disks" / region / f"{made['DiskId']}.raw"
        assert image.stat().st_size == copy.size_gib * GIB
        assert dict(data_blocks(image)) == copy.content
        self.service("DeleteDisk", DiskId=made["DiskId"])

    def compare_copies(self) -> None:
        """Number and size of every chain of copies: each differs from the copy before it."""
        for region in REGIONS:
            links = self.service("DescribeSnapshotLinks", RegionId=region, PageSize=100)
            found = {
                link["SourceDiskId"]: (link["TotalCount"], link["TotalSize"])
                for link in links["SnapshotLinks"]["SnapshotLink"]
            }
            assert found == {
                disk.disk_id: (len(copies), counted_blocks(copies) * BLOCK_BYTES)
                for (where, disk), copies in self.away.items()
                if where == region and copies
            }

    def teardown(self) -> None:
        for _, region, copy in self.copies():
            self.compare_copy(region, copy)
        super().teardown()
