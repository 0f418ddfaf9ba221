"""The guide's check with a real database (AP-15): SQLite on a disk of an instance.

The database lies on the disk's bytes themselves and keeps its journal in memory, so a disk that is
captured in the middle of a write would hold a torn one.
"""

import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from assistant_steps import role
from guest_steps import clear, inside
from support import REGION, Cloud

_WRITER = """
import sqlite3, time
base = sqlite3.connect("dev/vdb", timeout=60, isolation_level=None)
base.execute("pragma journal_mode=memory")
n = 0
while True:
    n += 1
    base.execute("begin immediate")
    base.execute("insert into rows values (?, ?, ?)", (n, time.time(), "x" * 3000))
    base.execute("update last set n = ?", (n,))
    base.execute("commit")
    time.sleep(0.002)
"""
_LOCKER = """
import os, sqlite3, time
base = sqlite3.connect("dev/vdb", timeout=60, isolation_level=None)
base.execute("begin immediate")
open("locked.new", "w").write(repr(time.time()))
os.rename("locked.new", "locked")
time.sleep(600)
"""
_PRE = """#!/bin/sh
cd $GUEST_ROOT
date +%s.%N > began
{python} locker.py > /dev/null 2>&1 & echo $! > locker.pid
while ! [ -e locked ]; do sleep 0.01; done
"""
_POST = "kill $(cat $GUEST_ROOT/locker.pid)\n"


@pytest.fixture
def instance(cloud: Cloud, tmp_path: Path) -> Iterator[str]:
    """An instance with an empty database on its data disk."""
    instance_id = cloud.instance()
    role(cloud, instance_id)
    base = sqlite3.connect(tmp_path / "base")
    base.execute("create table rows (n integer primary key, at real, filler text)")
    base.execute("create table last (n integer)")
    base.execute("insert into last values (0)")
    base.commit()
    base.close()
    disk_id = cloud.data_disk(instance_id)
    cloud.ok("disk", "write", disk_id, stdin=(tmp_path / "base").read_bytes())
    for name, text in (("writer.py", _WRITER), ("locker.py", _LOCKER)):
        cloud.ok("guest", "put", instance_id, "-", name, stdin=text.encode())
    for name, text in (("prescript", _PRE.format(python=sys.executable)), ("postscript", _POST)):
        path = f"/tmp/{name}.sh"
        cloud.ok("guest", "put", instance_id, "-", path, "--mode", "0700", stdin=text.encode())
    yield instance_id
    clear(cloud)


def rows(cloud: Cloud, disk_id: str) -> tuple[int, float, str]:
    """Return how many rows the database on a disk has, when the last was written, its health."""
    with sqlite3.connect(f"file:{cloud.image(disk_id)}?mode=ro", uri=True) as base:
        [health] = base.execute("pragma integrity_check").fetchone()
        count, at = base.execute("select count(*), max(at) from rows").fetchone()
        assert base.execute("select n from last").fetchone() == (count,)
    base.close()
    return count, at, health


@pytest.mark.rule("AP-13", "AP-15")
@pytest.mark.parametrize("tag", ["AppConsistent", "FsConsistent"])
def test_the_last_row_of_a_database_rolled_back_precedes_the_prescript(
    cloud: Cloud, instance: str, tag: str
) -> None:
    disk_id = cloud.data_disk(instance)
    root = Path(inside(cloud, instance))
    if tag == "FsConsistent":
        (root / "tmp/postscript.sh").unlink()
    cloud.ok("guest", "run", instance, "-d", "--", sys.executable, "writer.py")
    until = time.monotonic() + 20
    while rows_now(cloud, disk_id) < 20:
        assert time.monotonic() < until
        time.sleep(0.02)
    done = cloud.ok(
        "create-app-snapshot", "--instance-id", instance, "--name", "app1", "--output", "json"
    ).json
    assert done["ExitCode"] == 0, done["Log"]
    [snapshot] = cloud.snapshots()
    assert snapshot["Tags"]["Tag"] == [{"TagKey": tag, "TagValue": "True"}]
    captured = rows_now(cloud, disk_id)
    while rows_now(cloud, disk_id) < captured + 20:  # the application goes on
        assert time.monotonic() < until
        time.sleep(0.02)
    written = rows_now(cloud, disk_id)
    locked = float((root / "locked").read_text()) if tag == "AppConsistent" else 0.0
    before = rows_before(cloud, disk_id, locked)
    cloud.ecs("StopInstance", InstanceId=instance)
    cloud.ecs(
        "ResetDisks", RegionId=REGION, Disk__1__DiskId=disk_id,
        Disk__1__SnapshotId=snapshot["SnapshotId"],
    )  # fmt: skip
    cloud.ecs("StartInstance", InstanceId=instance)
    if tag == "FsConsistent":
        assert not (root / "began").exists()
        return
    count, at, health = rows(cloud, disk_id)
    assert health == "ok" and 20 <= count < written
    # The script takes its time to lock: every row before the lock is there, and none after it.
    began = float((root / "began").read_text())
    assert at < locked and began < locked < began + 10
    assert count == before
    cloud.check()


def rows_before(cloud: Cloud, disk_id: str, instant: float) -> int:
    """Return how many rows were written before an instant."""
    base = sqlite3.connect(f"file:{cloud.image(disk_id)}?mode=ro", uri=True, timeout=30)
    try:
        found = base.execute("select count(*) from rows where at < ?", (instant,))
        return int(found.fetchone()[0])
    finally:
        base.close()


def rows_now(cloud: Cloud, disk_id: str) -> int:
    """Return how many rows there are while they are being written."""
    base = sqlite3.connect(f"file:{cloud.image(disk_id)}?mode=ro", uri=True, timeout=30)
    try:
        return int(base.execute("select n from last").fetchone()[0])
    finally:
        base.close()
