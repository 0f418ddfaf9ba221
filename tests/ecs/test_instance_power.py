"""Starting, stopping and restarting instances, and what that does to snapshots in creation."""

from typing import Any

import pytest
from support import REGION, Cloud, block


def status(cloud: Cloud, instance_id: str) -> str:
    listed = cloud.ecs("DescribeInstances", RegionId=REGION, InstanceIds=f'["{instance_id}"]')
    return str(listed["Instances"]["Instance"][0]["Status"])


def test_an_instance_stops_starts_and_restarts(cloud: Cloud) -> None:
    instance_id = cloud.instance(data_gib=None)
    for action, then in (
        ("RebootInstance", "Running"),
        ("StopInstance", "Stopped"),
        ("StartInstance", "Running"),
    ):
        assert set(cloud.ecs(action, InstanceId=instance_id)) == {"RequestId"}
        assert status(cloud, instance_id) == then


@pytest.mark.parametrize(
    ("action", "steps", "wait"),
    [
        ("StopInstance", ["Stopping", "Stopped"], "20s"),
        ("StartInstance", ["Starting", "Running"], "20s"),
        ("RebootInstance", ["Stopping", "Starting", "Running"], "10s"),
    ],
)
def test_it_passes_through_the_states_between_at_realistic_speed(
    cloud: Cloud, action: str, steps: list[str], wait: str
) -> None:
    instance_id = cloud.instance(data_gib=None)
    if action == "StartInstance":
        cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ok("config", "set", "speed", "realistic")
    cloud.ecs(action, InstanceId=instance_id)
    seen = [status(cloud, instance_id)]
    refused = cloud.refused("StopInstance", InstanceId=instance_id)
    assert refused.error_code == "IncorrectInstanceStatus"
    for _ in steps[1:]:
        cloud.ok("clock", "advance", wait)
        seen.append(status(cloud, instance_id))
    assert seen == steps


@pytest.mark.parametrize(
    ("action", "running"),
    [
        ("StartInstance", True),
        ("StopInstance", False),
        ("RebootInstance", False),
    ],
)
def test_the_wrong_state_is_refused_and_named(cloud: Cloud, action: str, running: bool) -> None:
    instance_id = cloud.instance(data_gib=None)
    if not running:
        cloud.ecs("StopInstance", InstanceId=instance_id)
    for refused in (
        cloud.refused(action, InstanceId=instance_id),
        cloud.refused(action + "s", RegionId=REGION, InstanceId__1=instance_id),
    ):
        assert refused.error_code == "IncorrectInstanceStatus"
        assert ("is Running" if running else "is Stopped") in refused.err
    assert cloud.refused(action, InstanceId="i-x").error_code == "InvalidInstanceId.NotFound"


def test_several_change_together_and_each_outcome_is_told(cloud: Cloud) -> None:
    ids = [cloud.instance(data_gib=None) for _ in range(2)]
    both = {"RegionId": REGION, "InstanceId__1": ids[0], "InstanceId__2": ids[1]}
    for action, previous, current in (
        ("StopInstances", "Running", "Stopped"),
        ("StartInstances", "Stopped", "Running"),
        ("RebootInstances", "Running", "Running"),
    ):
        outcomes = cloud.ecs(action, **both)["InstanceResponses"]["InstanceResponse"]
        assert outcomes == [
            {
                "Code": "200",
                "CurrentStatus": current,
                "InstanceId": instance_id,
                "Message": "success",
                "PreviousStatus": previous,
            }
            for instance_id in ids
        ]


def test_several_change_all_or_none(cloud: Cloud) -> None:
    first, second = (cloud.instance(data_gib=None) for _ in range(2))
    cloud.ecs("StopInstance", InstanceId=second)
    both = {"RegionId": REGION, "InstanceId__1": first, "InstanceId__2": second}
    assert cloud.refused("StopInstances", **both).error_code == "IncorrectInstanceStatus"
    both["InstanceId__2"] = "i-none"
    assert cloud.refused("StopInstances", **both).error_code == "InvalidInstanceId.NotFound"
    assert status(cloud, first) == "Running"
    other = both | {"InstanceId__2": second, "RegionId": "cn-beijing"}
    assert cloud.refused("StopInstances", **other).error_code == "InvalidInstanceId.NotFound"


def test_several_without_an_instance_miss_their_parameter(cloud: Cloud) -> None:
    refused = cloud.refused("StopInstances", RegionId=REGION)
    assert refused.error_code == "MissingParameter"
    assert "InstanceId.1" in refused.err
    many: dict[str, Any] = {f"InstanceId__{n}": f"i-{n}" for n in range(1, 102)}
    refused = cloud.refused("StopInstances", RegionId=REGION, **many)
    assert "up to 100" in refused.err


def test_the_stopped_mode_is_kept_until_the_next_start(cloud: Cloud) -> None:
    instance_id = cloud.instance(data_gib=None)
    cloud.ecs("StopInstance", InstanceId=instance_id, StoppedMode="StopCharging")

    def mode() -> str:
        listed = cloud.ecs("DescribeInstances", RegionId=REGION)
        return str(listed["Instances"]["Instance"][0]["StoppedMode"])

    assert mode() == "StopCharging"
    cloud.ecs("StartInstance", InstanceId=instance_id)
    assert mode() == "Not-applicable"


@pytest.mark.rule("CR-11")
@pytest.mark.parametrize("action", ["StopInstance", "RebootInstance", "StartInstance"])
@pytest.mark.parametrize("several", [False, True])
def test_a_snapshot_in_creation_fails_when_its_instance_changes_power(
    cloud: Cloud, action: str, several: bool
) -> None:
    instance_id = cloud.instance()
    disk_id = cloud.data_disk(instance_id)
    cloud.write(disk_id, 0, block("A"))
    kept = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, block("B"))
    if action == "StartInstance":
        cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ok("config", "set", "speed", "quick")
    failed = cloud.snapshot(disk_id)
    size = cloud.chain_size(disk_id)
    if several:
        cloud.ecs(action + "s", RegionId=REGION, InstanceId__1=instance_id)
    else:
        cloud.ecs(action, InstanceId=instance_id)
    states = {each["SnapshotId"]: each["Status"] for each in cloud.snapshots()}
    assert states == {kept: "accomplished", failed: "failed"}
    assert cloud.chain_size(disk_id) == size - 65536  # it occupies no space
    cloud.ok("clock", "advance", "1h")
    assert {each["Status"] for each in cloud.snapshots(Status="failed")} == {"failed"}
    cloud.check()
    cloud.ecs("DeleteSnapshot", SnapshotId=failed)
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [kept]
    cloud.check()


@pytest.mark.rule("CR-11")
def test_a_failed_snapshot_makes_no_disk_and_rolls_nothing_back(cloud: Cloud) -> None:
    cloud.ok("config", "set", "speed", "quick")
    instance_id = cloud.instance()
    disk_id = cloud.data_disk(instance_id)
    cloud.write(disk_id, 0, block("A"))
    failed = cloud.snapshot(disk_id)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    new = {"RegionId": REGION, "ZoneId": "cn-hangzhou-b", "DiskCategory": "cloud_essd"}
    assert cloud.refused("CreateDisk", SnapshotId=failed, **new).error_code == "OperationDenied"
    refused = cloud.refused("ResetDisk", DiskId=disk_id, SnapshotId=failed)
    assert refused.error_code == "OperationDenied"
    assert cloud.read(disk_id, 0, 1) == block("A")


def test_an_instance_without_its_system_disk_does_not_start(cloud: Cloud) -> None:
    instance_id = cloud.instance(data_gib=None)
    [system] = cloud.disks(InstanceId=instance_id)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ecs("DetachDisk", DiskId=system["DiskId"], InstanceId=instance_id)
    refused = cloud.refused("StartInstance", InstanceId=instance_id)
    assert refused.error_code == "InvalidInstance.NotFoundSystemDisk"
