"""CreateSnapshot: who may be captured, what the snapshot holds, how long it takes (rules CR)."""

import os
import random
from typing import Any

import pytest
from hand_edits import make_automatic
from refusals import refused
from snapshot_steps import found, slow
from support import BLOCK_BYTES, REGION, Cloud, block

MANUAL_QUOTA = ("config", "set", "quotas.manual_snapshots_per_disk")


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return cloud.instance()


@pytest.fixture
def disk_id(cloud: Cloud, instance_id: str) -> str:
    return cloud.data_disk(instance_id)


@pytest.mark.rule("OV-1", "CR-3")
def test_the_first_holds_all_non_empty_blocks_and_later_ones_what_changed(
    cloud: Cloud, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("A") + block("B") + bytes(2 * BLOCK_BYTES) + block("E"))
    cloud.snapshot(disk_id)
    assert cloud.chain_size(disk_id) == 3 * BLOCK_BYTES
    cloud.write(disk_id, 1, block("b"))
    cloud.write(disk_id, 9, b"x")
    cloud.snapshot(disk_id)
    cloud.write(disk_id, 2, block("not in it"[0]))
    assert cloud.chain_size(disk_id) == 5 * BLOCK_BYTES
    cloud.snapshot(disk_id)
    cloud.snapshot(disk_id)
    assert cloud.chain_size(disk_id) == 6 * BLOCK_BYTES
    cloud.check()


@pytest.mark.rule("OV-2")
def test_a_write_during_the_capture_is_never_half_in_the_snapshot(
    cloud: Cloud, instance_id: str, disk_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapcli.volumes import capture

    cloud.write(disk_id, 0, block("1") * 4)
    image = cloud.image(disk_id)  # asked for before: no command runs while another captures
    read = capture._Attempts._read
    reads = []

    def read_while_written(attempts: capture._Attempts, *words: Any) -> int:
        outcome = read(attempts, *words)
        if not reads:
            os.pwrite(file.fileno(), block("2") * 4, 0)
        reads.append(1)
        return outcome

    monkeypatch.setattr(capture._Attempts, "_read", read_while_written)
    with open(image, "r+b") as file:  # as a mounted disk is: who opens it only now has to wait
        snapshot_id = cloud.snapshot(disk_id)
    assert len(reads) > 1
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.write(disk_id, 0, bytes(4 * BLOCK_BYTES))
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=snapshot_id)
    assert cloud.read(disk_id, 0, 4) == block("2") * 4


@pytest.mark.rule("OV-2")
def test_a_disk_that_is_written_to_all_the_while_is_refused(
    cloud: Cloud, disk_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapcli.volumes import capture

    cloud.write(disk_id, 0, block("1"))
    image = cloud.image(disk_id)
    monkeypatch.setattr(capture, "clone", lambda source_fd, target_fd: False)
    read = capture._Attempts._read

    def read_while_written(attempts: capture._Attempts, *words: Any) -> int:
        outcome = read(attempts, *words)
        os.pwrite(file.fileno(), random.randbytes(64), 0)
        return outcome

    monkeypatch.setattr(capture._Attempts, "_read", read_while_written)
    with open(image, "r+b") as file:
        result = cloud.refused("CreateSnapshot", DiskId=disk_id)
    assert result.error_code == "CreateSnapshot.Failed"
    assert disk_id in result.err
    assert cloud.snapshots() == []
    assert not list((cloud.root / "chains").glob("*/*"))
    cloud.check()


@pytest.mark.rule("CR-1")
@pytest.mark.parametrize("power", ["Running", "Stopped"])
def test_a_disk_in_use_is_captured_with_its_instance_running_or_stopped(
    cloud: Cloud, instance_id: str, disk_id: str, power: str
) -> None:
    if power == "Stopped":
        cloud.ecs("StopInstance", InstanceId=instance_id)
    assert found(cloud, cloud.snapshot(disk_id))["Status"] == "accomplished"


@pytest.mark.rule("CR-1")
def test_a_disk_that_was_never_attached_is_refused(cloud: Cloud, instance_id: str) -> None:
    made = cloud.ecs("CreateDisk", RegionId=REGION, ZoneId="cn-hangzhou-h", Size=20)["DiskId"]
    refused(cloud, "IncorrectDiskStatus.NeverAttached", "CreateSnapshot", DiskId=made)


@pytest.mark.rule("CR-1")
def test_a_detached_disk_is_captured_because_it_was_attached_before(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("A"))
    cloud.ecs("DetachDisk", InstanceId=instance_id, DiskId=disk_id)
    assert cloud.disk(disk_id)["Status"] == "Available"
    assert found(cloud, cloud.snapshot(disk_id))["Status"] == "accomplished"


@pytest.mark.rule("CR-1")
@pytest.mark.parametrize("action", ["StopInstance", "RebootInstance"])
def test_a_disk_whose_instance_is_between_running_and_stopped_is_refused(
    cloud: Cloud, instance_id: str, disk_id: str, action: str
) -> None:
    cloud.ok("config", "set", "speeds.instant.instance_seconds", "20")
    cloud.ecs(action, InstanceId=instance_id)
    refused(cloud, "IncorrectInstanceStatus", "CreateSnapshot", DiskId=disk_id)
    cloud.ok("clock", "advance", "30s")
    cloud.snapshot(disk_id)


@pytest.mark.rule("CR-1")
def test_a_disk_that_is_just_being_attached_or_detached_is_refused(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.ok("config", "set", "speeds.instant.disk_seconds", "5")
    cloud.ecs("DetachDisk", InstanceId=instance_id, DiskId=disk_id)
    refused(cloud, "IncorrectDiskStatus", "CreateSnapshot", DiskId=disk_id)
    cloud.ok("clock", "advance", "5s")
    cloud.ecs("AttachDisk", InstanceId=instance_id, DiskId=disk_id)
    refused(cloud, "IncorrectDiskStatus", "CreateSnapshot", DiskId=disk_id)


def test_an_unknown_disk_is_refused_by_its_name(cloud: Cloud) -> None:
    result = refused(cloud, "InvalidDiskId.NotFound", "CreateSnapshot", DiskId="d-nosuchdisk")
    assert "d-nosuchdisk" in result.err


@pytest.mark.rule("CR-2")
def test_creation_takes_longer_for_more_bytes_and_runs_from_0_to_100_percent(
    cloud: Cloud, disk_id: str
) -> None:
    slow(cloud)
    cloud.write(disk_id, 0, random.randbytes(160 * BLOCK_BYTES))  # 10 MiB
    full = cloud.snapshot(disk_id)
    state = found(cloud, full)
    assert (state["Status"], state["Progress"]) == ("progressing", "0%")
    assert (state["RemainTime"], state["Available"]) == (10, False)
    cloud.ok("clock", "advance", "5s")
    assert (found(cloud, full)["Progress"], found(cloud, full)["RemainTime"]) == ("50%", 5)
    cloud.ok("clock", "advance", "4s")
    assert found(cloud, full)["Progress"] == "90%"
    cloud.ok("clock", "advance", "1s")
    state = found(cloud, full)
    assert (state["Status"], state["Progress"]) == ("accomplished", "100%")
    assert (state["RemainTime"], state["Available"]) == (0, True)
    cloud.write(disk_id, 0, random.randbytes(32 * BLOCK_BYTES))
    assert found(cloud, cloud.snapshot(disk_id))["RemainTime"] == 2


@pytest.mark.rule("CR-3")
def test_bytes_written_after_the_call_are_not_in_the_snapshot_although_it_is_in_creation(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    slow(cloud)
    cloud.write(disk_id, 0, block("A") * 16)
    snapshot_id = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, block("Z"))
    cloud.write(disk_id, 20, block("Z"))
    cloud.ok("clock", "advance", "1s")
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=snapshot_id)
    assert cloud.read(disk_id, 0, 24) == block("A") * 16 + bytes(8 * BLOCK_BYTES)


@pytest.mark.rule("CR-4")
def test_a_manual_snapshot_lives_until_deleted_or_until_its_retention_is_up(
    cloud: Cloud, disk_id: str
) -> None:
    kept = cloud.snapshot(disk_id)
    week = cloud.snapshot(disk_id, RetentionDays=7)
    assert found(cloud, week)["RetentionDays"] == 7
    assert "RetentionDays" not in found(cloud, kept)
    cloud.ok("clock", "advance", "6d23h59m59s")
    assert len(cloud.snapshots()) == 2
    cloud.ok("clock", "advance", "1s")
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [kept]
    cloud.ok("clock", "advance", "20000d")
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [kept]
    cloud.check()


@pytest.mark.rule("CR-4")
@pytest.mark.parametrize("days", [0, 65537, -1, "x"])
def test_a_retention_outside_1_to_65536_days_is_refused(
    cloud: Cloud, disk_id: str, days: object
) -> None:
    code = "InvalidRetentionDays.Malformed"
    refused(cloud, code, "CreateSnapshot", DiskId=disk_id, RetentionDays=days)


@pytest.mark.rule("CR-4")
@pytest.mark.parametrize("days", [1, 65536])
def test_the_longest_and_the_shortest_retention_are_kept(
    cloud: Cloud, disk_id: str, days: int
) -> None:
    made = cloud.snapshot(disk_id, RetentionDays=days)
    assert found(cloud, made)["RetentionDays"] == days


@pytest.mark.rule("CR-5")
@pytest.mark.parametrize(
    "name", ["ab", "Z9", "快照一号", "a.b_c-d:e", "x" * 128, "éa", "an-auto-name", "httpx"]
)
def test_a_name_of_letters_digits_and_a_few_signs_is_kept(
    cloud: Cloud, disk_id: str, name: str
) -> None:
    assert found(cloud, cloud.snapshot(disk_id, SnapshotName=name))["SnapshotName"] == name


@pytest.mark.rule("CR-5")
@pytest.mark.parametrize(
    "name",
    [
        "a", "x" * 129, "1abc", "_ab", "-ab", "auto", "auto2.0_x", "AUTO-x", "Autox", "a b",
        "a/b", "ab\n", "http://x", "https://x", "快 照", "a+b",
    ],
)  # fmt: skip
def test_any_other_name_is_refused(cloud: Cloud, disk_id: str, name: str) -> None:
    code = "InvalidSnapshotName.Malformed"
    refused(cloud, code, "CreateSnapshot", DiskId=disk_id, SnapshotName=name)


@pytest.mark.rule("CR-5")
@pytest.mark.parametrize("text", ["x", "x" * 257, "http://a", "https://a"])
def test_a_description_too_short_too_long_or_a_url_is_refused(
    cloud: Cloud, disk_id: str, text: str
) -> None:
    code = "InvalidDescription.Malformed"
    refused(cloud, code, "CreateSnapshot", DiskId=disk_id, Description=text)


@pytest.mark.rule("CR-5")
@pytest.mark.parametrize("text", ["xy", "y" * 256, "see http://a", "两行\n文字"])
def test_any_other_description_is_kept(cloud: Cloud, disk_id: str, text: str) -> None:
    assert found(cloud, cloud.snapshot(disk_id, Description=text))["Description"] == text


@pytest.mark.rule("CR-6")
def test_one_snapshot_of_a_disk_is_in_creation_at_a_time(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    slow(cloud, minimum_seconds=10)
    first = cloud.snapshot(disk_id)
    code = "IncorrectDiskStatus.CreatingSnapshot"
    assert first in refused(cloud, code, "CreateSnapshot", DiskId=disk_id).err
    # Another disk has a chain of its own.
    [system] = cloud.disks(InstanceId=instance_id, DiskType="system")
    cloud.snapshot(system["DiskId"])
    cloud.ok("clock", "advance", "10s")
    cloud.snapshot(disk_id)


@pytest.mark.rule("CR-6", "IA-1")
def test_one_in_creation_with_instant_access_does_not_stand_in_the_way(
    cloud: Cloud, disk_id: str
) -> None:
    slow(cloud, minimum_seconds=10)
    cloud.snapshot(disk_id, InstantAccess=True)
    cloud.snapshot(disk_id, InstantAccess=True)
    cloud.snapshot(disk_id)
    code = "IncorrectDiskStatus.CreatingSnapshot"
    refused(cloud, code, "CreateSnapshot", DiskId=disk_id)
    assert [each["Status"] for each in cloud.snapshots()] == ["progressing"] * 3


@pytest.mark.rule("CR-7")
def test_no_manual_snapshot_begins_while_an_automatic_one_is_in_creation(
    cloud: Cloud, disk_id: str
) -> None:
    slow(cloud, minimum_seconds=10)
    made = cloud.snapshot(disk_id)
    # No policy makes one yet, so the record is turned into an automatic one by hand; instant
    # access, which only manual ones can have, must make no difference.
    make_automatic(cloud, disk_id, instant_access=True)
    assert found(cloud, made)["SnapshotType"] == "auto"
    code = "IncorrectDiskStatus.CreatingSnapshot"
    assert "automatic" in refused(cloud, code, "CreateSnapshot", DiskId=disk_id).err
    cloud.ok("clock", "advance", "10s")
    cloud.snapshot(disk_id)


@pytest.mark.rule("CR-8", "IN-5")
def test_at_the_quota_one_more_manual_snapshot_is_refused_and_nothing_changes(
    cloud: Cloud, disk_id: str
) -> None:
    cloud.ok(*MANUAL_QUOTA, "3")
    made = [cloud.snapshot(disk_id) for _ in range(3)]
    result = refused(cloud, "QuotaExceed.Snapshot", "CreateSnapshot", DiskId=disk_id)
    assert "3 are allowed" in result.err
    cloud.ecs("DeleteSnapshot", SnapshotId=made[1])
    cloud.snapshot(disk_id)


@pytest.mark.rule("CR-8", "IN-5")
def test_automatic_snapshots_do_not_count_as_manual_ones(cloud: Cloud, disk_id: str) -> None:
    cloud.ok(*MANUAL_QUOTA, "2")
    cloud.snapshot(disk_id)
    cloud.snapshot(disk_id)
    make_automatic(cloud, disk_id)
    cloud.snapshot(disk_id)
    refused(cloud, "QuotaExceed.Snapshot", "CreateSnapshot", DiskId=disk_id)


@pytest.mark.rule("CR-9")
@pytest.mark.parametrize("category", ["local_ssd_pro", "ephemeral_ssd"])
def test_a_local_disk_is_refused(cloud: Cloud, category: str) -> None:
    instance_id = cloud.instance(
        data_gib=None, DataDisk__1__Category=category, DataDisk__1__Size=20
    )
    code = "DiskCategory.OperationNotSupported"
    refused(cloud, code, "CreateSnapshot", DiskId=cloud.data_disk(instance_id))


def _tags(count: int) -> dict[str, object]:
    return {
        f"Tag__{number}__{part}": f"{part}{number}"
        for number in range(1, count + 1)
        for part in ("Key", "Value")
    }


@pytest.mark.rule("CR-10")
@pytest.mark.parametrize("count", [0, 1, 20])
def test_up_to_20_tags_are_set_at_creation(cloud: Cloud, disk_id: str, count: int) -> None:
    made = cloud.snapshot(disk_id, **_tags(count))
    tags = found(cloud, made)["Tags"]["Tag"]
    assert {tag["TagKey"]: tag["TagValue"] for tag in tags} == {
        f"Key{number}": f"Value{number}" for number in range(1, count + 1)
    }


@pytest.mark.rule("CR-10")
@pytest.mark.parametrize(
    ("tags", "code"),
    [
        (_tags(21), "QuotaExceed.Tags"),
        ({"Tag__1__Key": "env", "Tag__2__Key": "env"}, "Duplicate.TagKey"),
        ({"Tag__1__Key": "env", "Tag__2__Key": "ENV"}, "Duplicate.TagKey"),
        ({"Tag__1__Key": "acs:x"}, "InvalidTagKey.Malformed"),
        ({"Tag__1__Key": "x", "Tag__1__Value": "http://x"}, "InvalidTagValue.Malformed"),
    ],
)
def test_more_than_20_tags_and_equal_keys_are_refused(
    cloud: Cloud, disk_id: str, tags: dict[str, object], code: str
) -> None:
    refused(cloud, code, "CreateSnapshot", DiskId=disk_id, **tags)


@pytest.mark.rule("CR-13")
def test_the_guides_own_lines_make_and_show_a_snapshot(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    lines = [
        f"ecs DescribeInstances --RegionId {REGION} --output cols=InstanceId, InstanceName "
        "rows=Instances.Instance[]",
        f"ecs DescribeDisks --RegionId {REGION} --InstanceId {instance_id} --output cols=DiskId "
        "rows=Disks.Disk[]",
    ]
    assert instance_id in cloud.line(lines[0]).out
    assert disk_id in cloud.line(lines[1]).out
    made = cloud.line(f"ecs CreateSnapshot --DiskId {disk_id}")
    assert (made.code, made.err) == (0, "")
    assert set(made.json) == {"RequestId", "SnapshotId"}
    assert made.json["SnapshotId"].startswith("s-bp1")
    shown = cloud.line(
        f"ecs DescribeSnapshots --RegionId {REGION} --InstanceId {instance_id} "
        "--output cols=SnapshotId,Status rows=Snapshots.Snapshot[]"
    )
    [row] = [line for line in shown.out.splitlines() if made.json["SnapshotId"] in line]
    assert "accomplished" in row
