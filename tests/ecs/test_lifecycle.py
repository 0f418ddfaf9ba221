"""What the passing of time does: retention and automatic release, in order, exactly once."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from support import REGION, Cloud, block


def account(cloud: Cloud) -> dict[str, Any]:
    return dict(json.loads((cloud.root / "state" / "account.json").read_text()))


def names(cloud: Cloud) -> set[str]:
    return {each["SnapshotName"] for each in cloud.snapshots()}


@pytest.mark.rule("CR-4")
def test_a_snapshot_with_retention_goes_when_its_time_is_up_and_one_without_never(
    cloud: Cloud,
) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    for name, retention in (("kept", {}), ("two", {"RetentionDays": 2})):
        cloud.write(disk_id, 0, block(name[0]))
        cloud.snapshot(disk_id, SnapshotName=name, **retention)
    cloud.ok("clock", "advance", "1d23h59m59s")
    assert names(cloud) == {"kept", "two"}
    cloud.ok("clock", "advance", "1s")
    assert names(cloud) == {"kept"}
    cloud.ok("clock", "advance", "9000w")
    assert names(cloud) == {"kept"}
    cloud.check()


@pytest.mark.rule("CR-4")
def test_retention_ends_in_order_and_each_end_hands_its_blocks_on(cloud: Cloud) -> None:
    """One advance over many ends leaves what one step at a time leaves."""
    instance_id = cloud.instance()
    disk_id = cloud.data_disk(instance_id)
    days = [3, 1, 5, 2, 4]
    for number, retention in enumerate(days):
        cloud.write(disk_id, number % 3, block("ABCDE"[number]))
        cloud.snapshot(disk_id, SnapshotName=f"n{number}", RetentionDays=retention)
    cloud.write(disk_id, 0, block("Z"))
    last = cloud.snapshot(disk_id, SnapshotName="last")
    want = cloud.read(disk_id)
    left = set(names(cloud))
    for day in range(1, 4):
        cloud.ok("clock", "advance", "1d")
        left -= {f"n{days.index(day)}"}
        assert names(cloud) == left
        cloud.check()
    cloud.ok("clock", "advance", "30d")
    assert names(cloud) == {"last"}
    assert cloud.chain_size(disk_id) == 3 * 65536
    cloud.check()
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.write(disk_id, 0, bytes(16 * 65536))
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=last)
    assert cloud.read(disk_id) == want


def test_a_describe_after_the_instant_finds_it_done_without_any_other_command(
    cloud: Cloud,
) -> None:
    """The clock set by hand in the file: the next command settles, whichever it is."""
    disk_id = cloud.data_disk(cloud.instance())
    cloud.snapshot(disk_id, RetentionDays=1)
    cloud.edit_clock(at="2022-03-13T00:00:00Z")
    assert cloud.snapshots() == []
    assert account(cloud)["settled_at"] == "2022-03-13T00:00:00Z"
    assert "next_due_at" not in account(cloud)


def test_the_next_instant_is_noted_and_nothing_is_written_before_it(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.snapshot(disk_id, RetentionDays=5)
    cloud.snapshot(disk_id, RetentionDays=2)
    assert account(cloud)["next_due_at"] == "2022-03-13T02:33:00Z"
    before = os.stat(cloud.root / "state" / "account.json").st_mtime_ns
    cloud.ok("clock", "advance", "1d")
    cloud.snapshots()
    assert os.stat(cloud.root / "state" / "account.json").st_mtime_ns == before
    cloud.ok("clock", "advance", "1d")
    assert account(cloud)["next_due_at"] == "2022-03-16T02:33:00Z"


def test_a_longer_retention_moves_the_end(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    snapshot_id = cloud.snapshot(disk_id, RetentionDays=1)
    cloud.ecs("ModifySnapshotAttribute", SnapshotId=snapshot_id, RetentionDays=3)
    cloud.ok("clock", "advance", "2d")
    assert len(cloud.snapshots()) == 1
    cloud.ok("clock", "advance", "1d")
    assert cloud.snapshots() == []


def test_one_chains_end_leaves_the_others_alone(cloud: Cloud) -> None:
    first, second = (cloud.data_disk(cloud.instance()) for _ in range(2))
    cloud.snapshot(first, RetentionDays=1)
    stays = cloud.snapshot(second)
    cloud.ok("clock", "advance", "1d")
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [stays]
    assert not (cloud.root / "chains" / REGION / first).exists()
    cloud.check()


def test_commands_at_once_settle_what_is_due_exactly_once(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    for number in range(3):
        cloud.write(disk_id, 0, block("ABC"[number]))
        cloud.snapshot(disk_id, RetentionDays=number + 1, SnapshotName=f"n{number}")
    cloud.edit_clock(at="2022-03-13T12:00:00Z")
    command = [sys.executable, "-m", "snapcli", "ecs", "DescribeSnapshots", "--RegionId", REGION]
    racing = [
        subprocess.Popen(
            command,
            env={**os.environ, "SNAPCLI_WORKSPACE": str(cloud.root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for each in racing:
        out, err = each.communicate()
        assert each.returncode == 0 and err == b"", err
        found = json.loads(out)["Snapshots"]["Snapshot"]
        assert [snapshot["SnapshotName"] for snapshot in found] == ["n2"]
    assert account(cloud)["settled_at"] == "2022-03-13T12:00:00Z"
    cloud.check()


def test_events_of_one_advance_happen_in_the_order_of_their_instants(cloud: Cloud) -> None:
    """A snapshot's retention ends before, another's after, the release of their instance."""
    instance_id = cloud.instance(AutoReleaseTime="2022-03-13T00:00:00Z")
    disk_id = cloud.data_disk(instance_id)
    cloud.snapshot(disk_id, SnapshotName="short", RetentionDays=1)
    cloud.snapshot(disk_id, SnapshotName="long", RetentionDays=10)
    cloud.ok("clock", "advance", "5d")
    assert cloud.disks() == []
    assert names(cloud) == {"long"}
    cloud.ok("clock", "advance", "6d")
    assert cloud.snapshots() == []
    assert "next_due_at" not in account(cloud)
    cloud.check()


def test_a_clock_moved_by_its_own_command_settles_within_it(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.snapshot(disk_id, RetentionDays=1)
    cloud.ok("clock", "freeze", "2022-03-12T02:33:00Z")
    assert account(cloud)["settled_at"] == "2022-03-12T02:33:00Z"
    assert not (cloud.root / "chains" / REGION / disk_id).exists()


def test_a_damaged_chain_stops_no_other_command_when_a_retention_of_it_ends(cloud: Cloud) -> None:
    instance_id = cloud.instance(DataDisk__2__Size=20, DataDisk__2__Category="cloud_essd")
    damaged, healthy = sorted(
        disk["DiskId"] for disk in cloud.disks(InstanceId=instance_id, DiskType="data")
    )
    for disk_id in (damaged, healthy):
        cloud.write(disk_id, 0, block("x"))
        cloud.snapshot(disk_id, RetentionDays=1)
        cloud.snapshot(disk_id)
    [map_file, *_] = (cloud.root / "chains" / REGION / damaged).glob("*.map")
    content = map_file.read_bytes()
    map_file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    cloud.ok("clock", "advance", "2d")
    assert len(cloud.snapshots(DiskId=damaged)) == 2
    assert len(cloud.snapshots(DiskId=healthy)) == 1
    map_file.write_bytes(content)
    cloud.ok("clock", "advance", "2h")
    assert len(cloud.snapshots(DiskId=damaged)) == 1
    cloud.check()
