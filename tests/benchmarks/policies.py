"""Measure how fast time goes by: 10 disks with an hourly policy kept 30 days, one year and three.

    python tests/benchmarks/policies.py [--disks 10] [--days 365] [--json FILE]

The disks hold a little data and are not written to while the time goes by. What is timed is one
`snapcli clock advance` of the snapcli beside this Python, as a process of its own. Exit status 1:
fewer than 2,000 runs a second, or memory that grows with the years.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench_process import Failed, clean_environment, run

from snapcli.api import dispatch
from snapcli.api.dispatch import Caller
from snapcli.workspace import settings_edit
from snapcli.workspace.location import create

LEAST_RUNS_A_SECOND = 2000
MOST_GROWTH = 1.2  # of the peak memory, from one span to three
BLOCK_BYTES = 65536
REGION = "cn-hangzhou"
IMAGE = "centos_7_9_x64_20G_alibase_20220101.vhd"
DISKS_EACH = 10  # of an instance


def build(root: Path, disks: int) -> None:
    """Make a workspace whose clock stands still, with so many disks that have an hourly policy."""
    create(str(root))
    settings_edit.set_many(str(root), {"speed": "instant"})

    def call(action: str, **parameters: str) -> object:
        return dispatch.invoke(action, parameters, Caller(workspace=str(root), region=REGION))

    call("FreezeClock", At="2022-03-11T02:33:00Z")
    call("OpenSnapshotService")
    for first in range(0, disks, DISKS_EACH):
        asked = {}
        for number in range(1, min(DISKS_EACH, disks - first) + 1):
            asked[f"DataDisk.{number}.Size"] = "20"
            asked[f"DataDisk.{number}.Category"] = "cloud_essd"
        call("RunInstances", ImageId=IMAGE, InstanceType="ecs.g7.large", **asked)
    found = call("DescribeDisks", DiskType="data", MaxResults="500").disks.disk  # type: ignore[attr-defined]
    ids = [disk.disk_id for disk in found]
    for disk_id in ids:
        with (root / "disks" / REGION / f"{disk_id}.raw").open("r+b") as image:
            image.write(os.urandom(16 * BLOCK_BYTES))
    made = call(
        "CreateAutoSnapshotPolicy",
        regionId=REGION,
        timePoints=json.dumps([str(hour) for hour in range(24)]),
        repeatWeekdays=json.dumps([str(day) for day in range(1, 8)]),
        retentionDays="30",
    )
    call(
        "ApplyAutoSnapshotPolicy",
        regionId=REGION,
        autoSnapshotPolicyId=made.auto_snapshot_policy_id,  # type: ignore[attr-defined]
        diskIds=json.dumps(ids),
    )


def _build_apart(root: Path, disks: int) -> None:
    """Build in a child: this process must stay small, see bench_process."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            build(root, disks)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if status:
        raise Failed("the workspace could not be built")


def measure(work: Path, disks: int, days: int) -> dict[str, object]:
    """Let so many days go by and return how long it took, how many runs that were, and memory."""
    root = work / f"days-{days}"
    _build_apart(root, disks)
    program = str(Path(sys.executable).with_name("snapcli"))
    words = [program, "--workspace", str(root), "--output", "json", "clock", "advance", f"{days}d"]
    done = run(words, clean_environment(work), work)
    happened = json.loads(done.output)["Happened"]
    runs = happened["SnapshotsCreated"]
    assert runs == disks * days * 24, happened
    return {
        "days": days,
        "runs": runs,
        "released": happened["SnapshotsReleased"],
        "seconds": done.seconds,
        "runs_a_second": runs / done.seconds,
        "peak_mb": done.peak_bytes / 1e6,
    }


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print the table; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--disks", type=int, default=10, help="disks with the policy")
    parser.add_argument("--days", type=int, default=365, help="days of the first span")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--workdir", type=Path, help="where the work files go")
    chosen = parser.parse_args(words)
    work = Path(tempfile.mkdtemp(prefix="snapcli-policies-", dir=chosen.workdir)).resolve()
    try:
        rows = [measure(work, chosen.disks, chosen.days * times) for times in (1, 3)]
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("| days | runs | released | s | runs a second | peak memory |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['days']} | {row['runs']} | {row['released']} | {row['seconds']:.1f} "
            f"| {row['runs_a_second']:.0f} | {row['peak_mb']:.0f} MB |"
        )
    if chosen.json:
        chosen.json.write_text(json.dumps({"rows": rows}, indent=1), encoding="utf-8")
    slowest = min(float(str(row["runs_a_second"])) for row in rows)
    growth = float(str(rows[1]["peak_mb"])) / float(str(rows[0]["peak_mb"]))
    print(f"at least {LEAST_RUNS_A_SECOND} runs a second: {slowest:.0f}")
    print(f"memory of the longer span at most {MOST_GROWTH} of the shorter's: {growth:.2f}")
    return 0 if slowest >= LEAST_RUNS_A_SECOND and growth <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
