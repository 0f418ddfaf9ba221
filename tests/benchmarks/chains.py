"""Measure what a long chain costs beside a short one: 1,256 nodes ÷ 12, the same bytes changed.

    python tests/benchmarks/chains.py [--long 1256] [--short 12] [--runs 7] [--json FILE]

Both chains are built in this process without syncing; what is timed are whole processes of the
snapcli beside this Python, as they are, alternating between the two. Exit status 1: an operation
took more than 1.5 times as long.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from bench_process import clean_environment, run

from snapcli.api import dispatch
from snapcli.api.dispatch import Caller
from snapcli.workspace import settings_edit
from snapcli.workspace.location import create

MOST_RATIO = 1.5
BLOCK_BYTES = 65536
BASE_BLOCKS = 1024  # on the disk before the first snapshot
CHANGED_BLOCKS = 64  # between a snapshot and the next: 4 MiB
REGION = "cn-hangzhou"
IMAGE = "centos_7_9_x64_20G_alibase_20220101.vhd"


class LongChain:
    """A workspace with one disk whose chain has `count` nodes."""

    def __init__(self, root: Path, count: int) -> None:
        self.root = root
        self.turn = 0
        create(str(root))
        settings_edit.set_many(
            str(root), {"speed": "instant", "quotas.manual_snapshots_per_disk": 100_000}
        )
        self.call("OpenSnapshotService")
        made = self.call(
            "RunInstances",
            **{
                "ImageId": IMAGE,
                "InstanceType": "ecs.g7.large",
                "DataDisk.1.Size": "20",
                "DataDisk.1.Category": "cloud_essd",
            },
        )
        [self.instance_id] = made.instance_id_sets.instance_id_set
        self.call("StopInstance", InstanceId=self.instance_id)
        disks = self.call("DescribeDisks", DiskType="data").disks.disk
        self.disk_id = disks[0].disk_id
        self.image = root / "disks" / REGION / f"{self.disk_id}.raw"
        with self.image.open("r+b") as image:
            image.write(os.urandom(BASE_BLOCKS * BLOCK_BYTES))
        self.snapshots = [self._snapshot(changed=index > 0) for index in range(count)]

    def call(self, action: str, **parameters: str) -> object:
        """Carry out an operation in this process."""
        caller = Caller(workspace=str(self.root), region=REGION)
        return dispatch.invoke(action, parameters, caller)

    def change(self) -> None:
        """Write other bytes to as many blocks as ever, at the next place."""
        self.turn += 1
        place = self.turn * CHANGED_BLOCKS % BASE_BLOCKS
        with self.image.open("r+b") as image:
            image.seek(place * BLOCK_BYTES)
            image.write(os.urandom(CHANGED_BLOCKS * BLOCK_BYTES))
            image.flush()
            os.fdatasync(image.fileno())

    def _snapshot(self, *, changed: bool) -> str:
        if changed:
            self.change()
        return str(self.call("CreateSnapshot", DiskId=self.disk_id).snapshot_id)


Words = list[str]


def _create(chain: LongChain) -> Words:
    chain.change()
    return ["CreateSnapshot", "--DiskId", chain.disk_id]


def _describe(chain: LongChain) -> Words:
    return ["DescribeSnapshots", "--DiskId", chain.disk_id, "--PageSize", "10"]


def _delete(chain: LongChain) -> Words:
    middle = chain.snapshots.pop(len(chain.snapshots) // 2)
    return ["DeleteSnapshot", "--SnapshotId", middle]


def _roll_back(chain: LongChain) -> Words:
    newest = chain.call("DescribeSnapshots", DiskId=chain.disk_id).snapshots.snapshot[0]
    chain.call("ResetDisk", DiskId=chain.disk_id, SnapshotId=newest.snapshot_id)
    chain.change()
    return ["ResetDisk", "--DiskId", chain.disk_id, "--SnapshotId", newest.snapshot_id]


OPERATIONS: dict[str, Callable[[LongChain], Words]] = {
    "create": _create,
    "describe one page": _describe,
    "delete in the middle": _delete,
    "roll back": _roll_back,
}


def measure(work: Path, long: int, short: int, runs: int) -> list[dict[str, object]]:
    """Build both chains and time each operation on each; seconds and their ratio."""
    syncing = os.fsync
    os.fsync = lambda descriptor: None  # type: ignore[assignment]
    try:
        chains = {count: LongChain(work / f"chain-{count}", count) for count in (short, long)}
    finally:
        os.fsync = syncing
    os.sync()
    program = str(Path(sys.executable).with_name("snapcli"))
    environment = clean_environment(work)
    rows: list[dict[str, object]] = []
    for name, prepare in OPERATIONS.items():
        seconds: dict[int, list[float]] = {short: [], long: []}
        for turn in range(runs + 1):
            for count, chain in chains.items():
                words = [program, "--workspace", str(chain.root), "ecs", *prepare(chain)]
                took = run(words, environment, work).seconds
                if turn:  # the first warms files up
                    seconds[count].append(took)
        ratios = [a / b for a, b in zip(seconds[long], seconds[short], strict=True)]
        rows.append(
            {
                "operation": name,
                "long_ms": median(seconds[long]) * 1000,
                "short_ms": median(seconds[short]) * 1000,
                "ratio": median(ratios),
                "spread": [min(ratios), max(ratios)],
            }
        )
    return rows


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print the table; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--long", type=int, default=1256, help="nodes of the long chain")
    parser.add_argument("--short", type=int, default=12, help="nodes of the short chain")
    parser.add_argument("--runs", type=int, default=7, help="runs of each operation")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--workdir", type=Path, help="where the work files go")
    chosen = parser.parse_args(words)
    work = Path(tempfile.mkdtemp(prefix="snapcli-chains-", dir=chosen.workdir)).resolve()
    try:
        rows = measure(work, chosen.long, chosen.short, chosen.runs)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"| chain of {chosen.long} nodes ÷ {chosen.short} | ms | ms | ratio | at most |")
    print("|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['operation']} | {row['long_ms']:.0f} | {row['short_ms']:.0f} "
            f"| {row['ratio']:.2f} | {MOST_RATIO} |"
        )
    if chosen.json:
        chosen.json.write_text(json.dumps({"rows": rows}, indent=1), encoding="utf-8")
    return 0 if all(float(str(row["ratio"])) <= MOST_RATIO for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
