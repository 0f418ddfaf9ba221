"""ResetDisk: a disk is byte for byte what it was, or nothing is changed (rules RB)."""

import json
import random
from pathlib import Path

import pytest
from refusals import picture, refused
from snapshot_steps import digest
from support import BLOCK_BYTES, GIB, REGION, Cloud, block


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return cloud.instance()


@pytest.fixture
def disk_id(cloud: Cloud, instance_id: str) -> str:
    return cloud.data_disk(instance_id)


def stop(cloud: Cloud, instance_id: str) -> None:
    cloud.ecs("StopInstance", InstanceId=instance_id)


@pytest.mark.rule("RB-2", "RB-5")
def test_the_disk_is_byte_for_byte_what_it_was_and_no_other_disk_changes(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    [system] = [disk["DiskId"] for disk in cloud.disks(DiskType="system")]
    last = 20 * GIB // BLOCK_BYTES - 1
    for at in (0, 3, 500, 80_000, last):
        cloud.write(disk_id, at, random.randbytes(BLOCK_BYTES))
    before = digest(cloud, disk_id)
    made = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, bytes(BLOCK_BYTES))
    cloud.write(disk_id, 3, b"changed")
    cloud.write(disk_id, 90_000, block("N"))
    cloud.write(disk_id, last, b"\xff")
    cloud.write(system, 5, block("S"))
    others = digest(cloud, system)
    stop(cloud, instance_id)
    answer = cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=made)
    assert set(answer) == {"RequestId"}
    assert digest(cloud, disk_id) == before
    assert digest(cloud, system) == others
    cloud.check()


@pytest.mark.rule("RB-2")
def test_forward_and_back_again_between_any_two_snapshots(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    states = {}
    for round_ in range(5):
        cloud.write(disk_id, round_, random.randbytes(2 * BLOCK_BYTES))
        cloud.write(disk_id, 7 - round_, bytes(BLOCK_BYTES))
        states[cloud.snapshot(disk_id)] = digest(cloud, disk_id)
    stop(cloud, instance_id)
    order = list(states)
    for index in (0, 4, 2, 1, 3, 0, 3):
        cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=order[index])
        assert digest(cloud, disk_id) == states[order[index]]
    assert len(cloud.snapshots()) == 5
    cloud.check()


@pytest.mark.rule("RB-2")
def test_at_a_terminal_nothing_is_lost_unless_the_person_says_yes(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    made = cloud.snapshot(disk_id, SnapshotName="clean")
    cloud.write(disk_id, 0, block("N"))
    stop(cloud, instance_id)
    before = picture(cloud)
    line = ("reset-disk", "--disk-id", disk_id, "--snapshot-id", made)
    result = cloud.run(*line, stdin=b"n\n", terminal=True)
    assert result.code == 1
    assert "clean" in result.err and "lost" in result.err
    assert picture(cloud) == before
    assert cloud.run(*line, stdin=b"y\n", terminal=True).code == 0
    assert cloud.read(disk_id, 0, 1) == bytes(BLOCK_BYTES)


@pytest.mark.rule("RB-1")
def test_a_snapshot_of_another_disk_or_of_none_is_refused(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    [system] = [disk["DiskId"] for disk in cloud.disks(DiskType="system")]
    other = cloud.snapshot(system)
    stop(cloud, instance_id)
    refused(cloud, "InvalidParameter.Mismatch", "ResetDisk", DiskId=disk_id, SnapshotId=other)
    code = "InvalidSnapshotId.NotFound"
    refused(cloud, code, "ResetDisk", DiskId=disk_id, SnapshotId="s-nosuch")
    refused(cloud, "InvalidDiskId.NotFound", "ResetDisk", DiskId="d-nosuch", SnapshotId=other)


@pytest.mark.rule("RB-1")
def test_neither_to_an_unfinished_snapshot_nor_while_another_is_in_creation(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    stop(cloud, instance_id)
    finished = cloud.snapshot(disk_id)
    cloud.ok("config", "set", "speed", "quick")
    cloud.write(disk_id, 0, block("A"))
    unfinished = cloud.snapshot(disk_id)
    request = {"DiskId": disk_id}
    refused(cloud, "InvalidSnapshotId.NotReady", "ResetDisk", SnapshotId=unfinished, **request)
    code = "IncorrectDiskStatus.HasUnfinishedSnapshot"
    refused(cloud, code, "ResetDisk", SnapshotId=finished, **request)
    cloud.ok("clock", "advance", "1m")
    cloud.ecs("ResetDisk", SnapshotId=finished, **request)
    cloud.ecs("ResetDisk", SnapshotId=unfinished, **request)
    assert cloud.read(disk_id, 0, 1) == block("A")


@pytest.mark.rule("RB-1", "IA-1")
def test_with_instant_access_a_snapshot_in_creation_rolls_back_its_disk(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    stop(cloud, instance_id)
    cloud.ok("config", "set", "speed", "quick")
    cloud.write(disk_id, 0, block("A"))
    made = cloud.snapshot(disk_id, InstantAccess=True)
    cloud.write(disk_id, 0, block("B"))
    # Starting the instance would make another disk's snapshot fail, but not this one (CR-11).
    [system] = cloud.disks(InstanceId=instance_id, DiskType="system")
    cloud.snapshot(system["DiskId"])
    code = "IncorrectDiskStatus.HasUnfinishedSnapshot"
    request = {"DiskId": disk_id, "SnapshotId": made}
    result = cloud.run(
        "reset-disk", "--disk-id", disk_id, "--snapshot-id", made, "--start-instance"
    )
    assert (result.code, code in result.err) == (1, True)
    assert cloud.read(disk_id, 0, 1) == block("B")
    cloud.ecs("ResetDisk", **request)
    assert cloud.read(disk_id, 0, 1) == block("A")


@pytest.mark.rule("RB-3")
def test_the_instance_must_be_stopped(cloud: Cloud, instance_id: str, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    request = {"DiskId": disk_id, "SnapshotId": made}
    refused(cloud, "IncorrectInstanceStatus", "ResetDisk", **request)
    cloud.ok("config", "set", "speeds.instant.instance_seconds", "20")
    stop(cloud, instance_id)
    assert "Stopping" in refused(cloud, "IncorrectInstanceStatus", "ResetDisk", **request).err
    cloud.ok("clock", "advance", "20s")
    cloud.ecs("ResetDisk", **request)


@pytest.mark.rule("RB-3")
def test_a_detached_disk_is_refused(cloud: Cloud, instance_id: str, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    stop(cloud, instance_id)
    cloud.ecs("DetachDisk", InstanceId=instance_id, DiskId=disk_id)
    refused(cloud, "IncorrectDiskStatus", "ResetDisk", DiskId=disk_id, SnapshotId=made)


@pytest.mark.rule("RB-4")
def test_snapshots_of_a_replaced_system_disk_do_not_roll_back_the_new_one(cloud: Cloud) -> None:
    instance_id = cloud.instance(data_gib=None)
    [old] = [disk["DiskId"] for disk in cloud.disks()]
    made = cloud.snapshot(old)
    stop(cloud, instance_id)
    new = cloud.ecs(
        "ReplaceSystemDisk",
        InstanceId=instance_id,
        ImageId="ubuntu_18_04_x64_20G_alibase_20220101.vhd",
    )["DiskId"]
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [made]
    refused(cloud, "InvalidParameter.Mismatch", "ResetDisk", DiskId=new, SnapshotId=made)
    refused(cloud, "InvalidDiskId.NotFound", "ResetDisk", DiskId=old, SnapshotId=made)


@pytest.mark.rule("RB-5")
def test_a_resized_disk_gets_its_size_back_and_grows_again_with_zeros(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    stop(cloud, instance_id)
    far = 30 * GIB // BLOCK_BYTES
    cloud.write(disk_id, 0, block("A"))
    small = cloud.snapshot(disk_id)
    cloud.ecs("ResizeDisk", DiskId=disk_id, NewSize=40)
    cloud.write(disk_id, far, block("F"))
    large = cloud.snapshot(disk_id)

    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=small)
    assert cloud.disk(disk_id)["Size"] == 20
    assert cloud.image(disk_id).stat().st_size == 20 * GIB
    assert cloud.chain_size(disk_id) == 2 * BLOCK_BYTES
    shrunk = cloud.snapshot(disk_id)
    cloud.ecs("ResizeDisk", DiskId=disk_id, NewSize=40)
    assert cloud.read(disk_id, far, 1) == bytes(BLOCK_BYTES)
    regrown = cloud.snapshot(disk_id)
    cloud.check()

    contents = {small: (20, b""), large: (40, block("F")), shrunk: (20, b""), regrown: (40, b"")}
    for made in (large, regrown, large, shrunk, small, regrown):
        size_gib, content = contents[made]
        cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=made)
        assert cloud.disk(disk_id)["Size"] == size_gib
        assert cloud.read(disk_id, far, 1).rstrip(b"\0") == content
        assert cloud.read(disk_id, 0, 1) == block("A")
    # What remains right when nodes between them go.
    cloud.ecs("DeleteSnapshot", SnapshotId=shrunk)
    cloud.ecs("DeleteSnapshot", SnapshotId=small)
    cloud.check()
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=regrown)
    assert cloud.read(disk_id, far, 1) == bytes(BLOCK_BYTES)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=large)
    assert cloud.read(disk_id, far, 1) == block("F")


@pytest.mark.rule("RB-6")
def test_the_instance_is_started_afterwards_and_the_present_state_kept_before_when_asked_for(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.ok("config", "set", "speed", "quick")
    cloud.write(disk_id, 0, block("A"))
    made = cloud.snapshot(disk_id)
    cloud.ok("clock", "advance", "1m")
    cloud.write(disk_id, 0, block("B"))
    stop(cloud, instance_id)
    line = ("reset-disk", "--disk-id", disk_id, "--snapshot-id")
    answer = cloud.ok(*line, made, "--snapshot-first", "--start-instance").json
    assert cloud.read(disk_id, 0, 1) == block("A")
    kept = answer["SnapshotId"]
    [snapshot] = cloud.snapshots(SnapshotIds=json.dumps([kept]))
    assert (snapshot["Status"], snapshot["SnapshotType"]) == ("accomplished", "user")
    [instance] = cloud.ecs("DescribeInstances", RegionId=REGION)["Instances"]["Instance"]
    assert instance["Status"] == "Running"
    stop(cloud, instance_id)
    assert "SnapshotId" not in cloud.ok(*line, kept).json
    assert cloud.read(disk_id, 0, 1) == block("B")
    [instance] = cloud.ecs("DescribeInstances", RegionId=REGION)["Instances"]["Instance"]
    assert instance["Status"] == "Stopped"


@pytest.mark.rule("RB-6", "CR-8")
def test_at_the_quota_no_present_state_can_be_kept_so_nothing_is_rolled_back(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.ok("config", "set", "quotas.manual_snapshots_per_disk", "1")
    made = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, block("B"))
    stop(cloud, instance_id)
    before = picture(cloud)
    line = ("reset-disk", "--disk-id", disk_id, "--snapshot-id", made, "--snapshot-first")
    for more in ((), ("--dry-run",)):
        result = cloud.run(*line, *more)
        assert (result.code, "QuotaExceed.Snapshot" in result.err) == (1, True)
    assert picture(cloud) == before


def test_a_dry_run_checks_everything_and_changes_nothing(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    made = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, block("B"))
    request = {"DiskId": disk_id, "SnapshotId": made, "DryRun": True}
    refused(cloud, "IncorrectInstanceStatus", "ResetDisk", **request)
    stop(cloud, instance_id)
    refused(cloud, "DryRunOperation", "ResetDisk", **request)


@pytest.mark.rule("RB-7")
def test_the_instances_own_attributes_stay_and_the_result_reminds_of_the_guest(
    cloud: Cloud,
) -> None:
    instance_id = cloud.instance(data_gib=None, KeyPairName="first", HostName="web-1")
    [system] = [disk["DiskId"] for disk in cloud.disks()]
    made = cloud.snapshot(system)
    stop(cloud, instance_id)
    cloud.ecs("ModifyInstanceAttribute", InstanceId=instance_id, InstanceName="renamed")
    [before] = cloud.ecs("DescribeInstances", RegionId=REGION)["Instances"]["Instance"]
    result = cloud.ok("reset-disk", "--disk-id", system, "--snapshot-id", made)
    for words in ("host name", "network", "clock source", "key pair", "password"):
        assert words in " ".join(result.err.split())
    [after] = cloud.ecs("DescribeInstances", RegionId=REGION)["Instances"]["Instance"]
    assert after == before
    assert (after["KeyPairName"], after["InstanceName"]) == ("first", "renamed")


@pytest.mark.rule("RB-8")
def test_the_guides_recipe_gets_back_what_was_written_after_the_snapshot(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("1") + block("2"))
    at_t1 = cloud.snapshot(disk_id, SnapshotName="at-T1")
    cloud.write(disk_id, 1, block("X") + block("3"))  # damage, and data worth keeping
    zone = cloud.disk(disk_id)["ZoneId"]

    def made(line: str, field: str) -> str:
        result = cloud.line(line)
        assert result.code == 0, result.err
        return str(result.json[field])

    at_t2 = made(f"ecs CreateSnapshot --DiskId {disk_id} --SnapshotName at-T2", "SnapshotId")
    made(f"ecs StopInstance --InstanceId {instance_id}", "RequestId")
    made(f"ecs ResetDisk --DiskId {disk_id} --SnapshotId {at_t1}", "RequestId")
    new = made(
        f"ecs CreateDisk --RegionId {REGION} --ZoneId {zone} --SnapshotId {at_t2} "
        "--DiskCategory cloud_essd",
        "DiskId",
    )
    made(f"ecs AttachDisk --InstanceId {instance_id} --DiskId {new}", "RequestId")
    useful = cloud.ok(
        "disk", "read", new, "--offset", str(2 * BLOCK_BYTES), "--length", str(BLOCK_BYTES)
    ).bytes
    cloud.ok("disk", "write", disk_id, "--offset", str(2 * BLOCK_BYTES), stdin=useful)
    made(f"ecs DetachDisk --InstanceId {instance_id} --DiskId {new}", "RequestId")
    made(f"ecs DeleteDisk --DiskId {new}", "RequestId")
    made(f"ecs StartInstance --InstanceId {instance_id}", "RequestId")
    assert cloud.read(disk_id, 0, 3) == block("1") + block("2") + block("3")
    cloud.check()


@pytest.mark.rule("RB-2", "RB-9")
def test_a_write_after_the_comparison_is_not_left_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the rollback is decided it is refused, after that it is rolled back too."""
    from snapcli.ecs import recovery
    from snapcli.volumes import restore

    cloud = Cloud(tmp_path / "workspace")  # on a disk: in memory no date proves anything
    instance_id = cloud.instance()
    disk_id = cloud.data_disk(instance_id)
    cloud.write(disk_id, 0, block("A") + block("B"))
    made = cloud.snapshot(disk_id)
    kept = digest(cloud, disk_id)
    cloud.write(disk_id, 1, block("C"))
    stop(cloud, instance_id)
    image = cloud.image(disk_id)

    def write(at: int) -> None:
        with image.open("r+b") as file:
            file.seek(at * BLOCK_BYTES)
            file.write(block("X"))

    def meddle(module: object, name: str, at: int) -> None:
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *words: (write(at), real(*words))[1])

    meddle(restore, "verify_plan", 0)
    result = cloud.run("ecs", "ResetDisk", "--DiskId", disk_id, "--SnapshotId", made)
    assert result.code == 4 and "was written to while it was compared" in result.err
    assert cloud.read(disk_id, 0, 2) == block("X") + block("C")
    monkeypatch.undo()
    meddle(recovery, "keep_plan", 2)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=made)
    assert digest(cloud, disk_id) == kept
    cloud.check()
