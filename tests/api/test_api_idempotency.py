"""ClientToken: repeating a call is safe, across processes, for a day."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from support import LINUX_IMAGE, REGION, Cloud

from snapcli.api.errors import ApiError
from snapcli.api.idempotency import REMEMBERED, RememberedCall, forget_old, recall

NOW = datetime(2022, 3, 11, tzinfo=UTC)


def remembered(action: str = "CreateDisk") -> dict[str, RememberedCall]:
    call = RememberedCall(
        action=action, parameters={"Size": "20"}, answer=msgspec.Raw(b"{}"), answered_at=NOW
    )
    return {"t": call}


def test_a_token_is_recalled_for_24_hours_and_then_new_again() -> None:
    calls = remembered()
    just_before = NOW + REMEMBERED - timedelta(microseconds=1)
    assert recall(calls, "t", "CreateDisk", {"Size": "20"}, just_before) is not None
    assert recall(calls, "t", "CreateDisk", {"Size": "20"}, NOW + timedelta(hours=24)) is None
    forget_old(calls, just_before)
    assert "t" in calls
    forget_old(calls, NOW + timedelta(hours=24))
    assert calls == {}


@pytest.mark.parametrize(
    ("action", "status"), [("CreateDisk", 400), ("CreateSnapshot", 403), ("RunInstances", 403)]
)
def test_other_parameters_with_the_same_token_are_refused_as_published(
    action: str, status: int
) -> None:
    with pytest.raises(ApiError) as caught:
        recall(remembered(action), "t", action, {"Size": "30"}, NOW)
    assert (caught.value.code, caught.value.status) == ("IdempotentParameterMismatch", status)


def test_the_same_call_again_gives_the_same_resource_and_makes_no_second(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    first = cloud.snapshot(disk_id, ClientToken="Once")
    assert cloud.snapshot(disk_id, ClientToken="Once") == first
    assert len(cloud.snapshots()) == 1
    assert cloud.snapshot(disk_id, ClientToken="once") != first  # letter case counts


@pytest.mark.parametrize(
    ("action", "parameters", "other"),
    [
        ("CreateDisk", {"ZoneId": "cn-hangzhou-h", "Size": 20}, {"Size": 21}),
        (
            "RunInstances",
            {"ImageId": LINUX_IMAGE, "InstanceType": "ecs.g7.large"},
            {"InstanceType": "ecs.g7.xlarge"},
        ),
    ],
)
def test_operations_that_create_remember_their_token(
    cloud: Cloud, action: str, parameters: dict[str, str | int], other: dict[str, str | int]
) -> None:
    given = {"RegionId": REGION, "ClientToken": "t-1", **parameters}
    first, second = cloud.ecs(action, **given), cloud.ecs(action, **given)
    assert first.pop("RequestId") != second.pop("RequestId")
    assert first == second
    refused = cloud.refused(action, **(given | other))
    assert refused.error_code == "IdempotentParameterMismatch"


def test_changes_with_a_token_are_made_once(cloud: Cloud) -> None:
    instance_id = cloud.instance(data_gib=20)
    disk_id = cloud.data_disk(instance_id)
    for _ in range(2):  # a second resize to the same size would be refused
        cloud.ecs("ResizeDisk", DiskId=disk_id, NewSize=30, ClientToken="grow")
    cloud.ecs("StopInstance", InstanceId=instance_id)
    replaced = {
        cloud.ecs(
            "ReplaceSystemDisk", InstanceId=instance_id, ImageId=LINUX_IMAGE, ClientToken="new"
        )["DiskId"]
        for _ in range(2)
    }
    assert len(replaced) == 1
    for _ in range(2):
        cloud.ecs("DeleteInstances", RegionId=REGION, InstanceId__1=instance_id, ClientToken="end")


def test_a_refused_call_leaves_its_token_free(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    # The two together are refused, whatever the disk.
    together = {"Category": "flash", "InstantAccess": True}
    cloud.refused("CreateSnapshot", DiskId=disk_id, ClientToken="t", **together)
    assert cloud.snapshot(disk_id, ClientToken="t")


def test_a_day_later_the_token_makes_a_new_resource(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    first = cloud.snapshot(disk_id, ClientToken="t")
    cloud.ok("clock", "advance", "23h59m")
    assert cloud.snapshot(disk_id, ClientToken="t") == first
    cloud.ok("clock", "advance", "1m")
    assert cloud.snapshot(disk_id, ClientToken="t") != first
    cloud.ok("clock", "advance", "2d")
    cloud.snapshot(disk_id, ClientToken="u")
    account = msgspec.json.decode((cloud.root / "state" / "account.json").read_bytes())
    assert list(account["calls"]) == ["u"]  # nothing is remembered for ever


def test_a_token_holds_across_processes_that_race(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    command = [sys.executable, "-m", "snapcli", "ecs", "CreateSnapshot", "--DiskId", disk_id]
    racing = [
        subprocess.Popen(
            [*command, "--ClientToken", "race"],
            env={**os.environ, "SNAPCLI_WORKSPACE": str(cloud.root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    answers = {msgspec.json.decode(each.communicate()[0])["SnapshotId"] for each in racing}
    assert len(answers) == 1
    assert [each["SnapshotId"] for each in cloud.snapshots()] == list(answers)
