"""Many processes at once on one workspace: nothing is lost, and no answer is torn."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from robustness_process import snapcli
from robustness_service import BLOCK_BYTES, REGION, Service


def _create_snapshots(root: Path, disk_id: str, count: int) -> list[str]:
    """One process after the other, as a script would."""
    made = []
    for _ in range(count):
        done = snapcli(root, "ecs", "CreateSnapshot", "--DiskId", disk_id)
        assert done.returncode == 0, done.stderr.decode()
        made.append(str(json.loads(done.stdout)["SnapshotId"]))
    return made


def _race(root: Path, disks: int, count: int) -> None:
    service = Service(root)
    _, ids = service.instance(disks)
    for number, disk_id in enumerate(ids):
        service.write(disk_id, number * BLOCK_BYTES, bytes([number + 1]) * BLOCK_BYTES)
    with ThreadPoolExecutor(disks) as pool:
        made = list(pool.map(lambda disk_id: _create_snapshots(root, disk_id, count), ids))
    expected = {snapshot_id for each in made for snapshot_id in each}
    assert len(expected) == disks * count
    for disk_id, of_disk in zip(ids, made, strict=True):
        answer = service("DescribeSnapshots", RegionId=REGION, DiskId=disk_id, MaxResults=100)
        found = answer["Snapshots"]["Snapshot"]
        assert {snapshot["SnapshotId"] for snapshot in found} == set(of_disk)
        assert {snapshot["Status"] for snapshot in found} == {"accomplished"}
    usage = service("DescribeSnapshotsUsage", RegionId=REGION)
    assert (usage["SnapshotCount"], usage["SnapshotSize"]) == (len(expected), disks * BLOCK_BYTES)
    assert service.problems() == []


def test_processes_that_snapshot_different_disks_at_once_lose_none(memory_folder: Path) -> None:
    _race(memory_folder / "workspace", disks=4, count=3)


@pytest.mark.slow
def test_sixteen_processes_make_three_hundred_and_twenty_snapshots(memory_folder: Path) -> None:
    _race(memory_folder / "workspace", disks=16, count=20)


BLOCKS = 64


class Mixed:
    """Readers and writers on one disk whose every state is blocks of one letter."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.service = service = Service(root)
        instance_id, [self.disk_id] = service.instance(1)
        service("StopInstance", InstanceId=instance_id)
        self.kept: list[str] = []
        for letter in b"AB":
            service.write(self.disk_id, 0, bytes([letter]) * BLOCKS * BLOCK_BYTES)
            self.kept.append(service("CreateSnapshot", DiskId=self.disk_id)["SnapshotId"])

    def run(self, *words: str) -> CompletedProcess[bytes]:
        done = snapcli(self.root, *words)
        assert b"Traceback" not in done.stderr
        return done

    def json(self, *words: str) -> dict[str, object]:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr.decode()
        answer = json.loads(done.stdout)
        assert isinstance(answer, dict)
        return answer

    def roll_back(self, source: random.Random) -> None:
        to = ("--DiskId", self.disk_id, "--SnapshotId", source.choice(self.kept))
        self.json("ecs", "ResetDisk", *to)

    def snapshot_and_delete(self, source: random.Random) -> None:
        made = self.json("ecs", "CreateSnapshot", "--DiskId", self.disk_id)
        self.json("ecs", "DeleteSnapshot", "--SnapshotId", str(made["SnapshotId"]))

    def read(self, source: random.Random) -> None:
        """One state of the disk, whole: never some blocks before and some after a rollback."""
        length = BLOCKS * BLOCK_BYTES
        done = self.run("disk", "read", self.disk_id, "--length", str(length))
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout in (b"A" * length, b"B" * length)

    def describe(self, source: random.Random) -> None:
        """The document and the maps fit each other in every answer."""
        shown = self.json("chain", "show", self.disk_id, "--output", "json")
        nodes = shown["Nodes"]
        assert isinstance(nodes, list) and len(nodes) == shown["TotalCount"]
        for node in nodes:
            assert sum(run["Count"] for run in node["Runs"]) == (
                node["DataBlocks"] + node["EmptyBlocks"]
            )
        assert set(self.kept) <= {node["SnapshotId"] for node in nodes}


def _mix(root: Path, workers: int, steps: int) -> None:
    mixed = Mixed(root)
    roles = (mixed.roll_back, mixed.read, mixed.snapshot_and_delete, mixed.describe)

    def work(number: int) -> None:
        source = random.Random(number)
        for _ in range(steps):
            roles[number % len(roles)](source)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    answer = mixed.service("DescribeSnapshots", RegionId=REGION, DiskId=mixed.disk_id)
    assert [found["SnapshotId"] for found in answer["Snapshots"]["Snapshot"]] == mixed.kept[::-1]
    assert mixed.service.problems() == []
    left = {entry.name for entry in root.iterdir()}
    assert left <= {"chains", "disks", "lock", "state", "workspace.toml"}


@pytest.mark.rule("RB-9", "OV-2")
def test_readers_never_see_a_half_done_change(memory_folder: Path) -> None:
    _mix(memory_folder / "workspace", workers=4, steps=3)


@pytest.mark.slow
@pytest.mark.rule("RB-9", "OV-2")
def test_many_readers_and_writers_of_one_disk_never_see_a_half_done_change(
    memory_folder: Path,
) -> None:
    _mix(memory_folder / "workspace", workers=12, steps=15)


def test_processes_that_make_the_workspace_at_once_all_find_it(memory_folder: Path) -> None:
    root = memory_folder / "workspace"
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: snapcli(root, "ecs", "OpenSnapshotService"), range(6)))
    assert [each.returncode for each in done] == [0] * 6, [each.stderr for each in done]
