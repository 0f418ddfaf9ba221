"""Activating the snapshot service, and what is refused until then (rule AC-1)."""

from pathlib import Path

import pytest
from refusals import picture, refused
from support import REGION, Cloud, block

CODE = "InvalidAccountStatus.SnapshotServiceUnavailable"


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    """A workspace in which the snapshot service is off."""
    return Cloud(tmp_path / "workspace", activated=False)


@pytest.mark.rule("AC-1")
def test_until_it_is_activated_nothing_of_the_snapshot_service_works(cloud: Cloud) -> None:
    instance_id = cloud.instance()
    disk_id = cloud.data_disk(instance_id)
    cloud.write(disk_id, 0, block("A"))
    assert "init" in refused(cloud, CODE, "CreateSnapshot", DiskId=disk_id).err
    cloud.ecs("StopInstance", InstanceId=instance_id)
    refused(cloud, CODE, "ResetDisk", DiskId=disk_id, SnapshotId="s-any")
    new = {"RegionId": REGION, "ZoneId": "cn-hangzhou-h", "DiskCategory": "cloud_essd"}
    refused(cloud, CODE, "CreateDisk", SnapshotId="s-any", **new)
    cloud.ecs("OpenSnapshotService")
    made = cloud.snapshot(disk_id)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=made)


@pytest.mark.rule("AC-1")
def test_activating_shows_the_notice_on_billing_first(cloud: Cloud) -> None:
    result = cloud.ok("open-snapshot-service")
    assert "billed" in result.err
    cloud.snapshot(cloud.data_disk(cloud.instance()))


@pytest.mark.rule("AC-1")
def test_it_is_done_once_an_account_whatever_the_region(cloud: Cloud) -> None:
    cloud.ecs("OpenSnapshotService", RegionId="cn-beijing")
    account = (cloud.root / "state" / "account.json").read_bytes()
    before = picture(cloud)
    cloud.ok("clock", "advance", "1d")
    cloud.ecs("OpenSnapshotService", RegionId=REGION)
    assert (cloud.root / "state" / "account.json").read_bytes() == account
    assert picture(cloud) == before
    cloud.snapshot(cloud.data_disk(cloud.instance()))


def test_an_unknown_region_is_refused(cloud: Cloud) -> None:
    refused(cloud, "InvalidRegionId.NotFound", "OpenSnapshotService", RegionId="cn-nowhere")
