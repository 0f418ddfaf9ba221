"""An unpaid bill: a day later the snapshot service is off, and paying turns it on (rule SZ-3)."""

import policy_scene
import pytest
from refusals import picture, refused
from support import REGION, Cloud, block

CODE = "InvalidAccountStatus.NotEnoughBalance"

pytestmark = pytest.mark.rule("SZ-3")


def test_for_24_hours_nothing_changes_then_creation_is_refused(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, block("A"))
    cloud.ok("account", "overdue")
    cloud.ok("clock", "advance", "23h59m59s")
    snapshot_id = cloud.snapshot(disk_id)
    cloud.ok("clock", "advance", "1s")
    assert "account pay" in refused(cloud, CODE, "CreateSnapshot", DiskId=disk_id).err
    copying = {"SnapshotId": snapshot_id, "DestinationRegionId": "cn-beijing"}
    refused(cloud, CODE, "CopySnapshot", RegionId=REGION, **copying)
    new = {"RegionId": REGION, "ZoneId": "cn-hangzhou-b", "DiskCategory": "cloud_essd"}
    refused(cloud, CODE, "CreateDisk", SnapshotId=snapshot_id, **new)


def test_nothing_is_lost_meanwhile_and_paying_turns_it_on(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, block("A"))
    snapshot_id = cloud.snapshot(disk_id)
    cloud.ok("account", "overdue")
    before = picture(cloud)
    cloud.ok("clock", "advance", "400d")
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [snapshot_id]
    assert picture(cloud) == before
    cloud.ok("account", "pay")
    cloud.snapshot(disk_id)
    cloud.check()


def test_policies_run_through_the_grace_rest_after_it_and_run_again_once_it_is_paid(
    cloud: Cloud,
) -> None:
    """All in one advance of the clock, so that each hour is judged by its own time."""
    policy_scene.covered(cloud, timePoints='["0","12"]')  # 16:00 and 04:00 in UTC
    cloud.ok("account", "overdue")
    done = policy_scene.kinds(policy_scene.advance(cloud, "3d"))
    assert [at for at, what in done if what == "SnapshotCreated"] == [
        "2022-03-11T04:00:00Z",
        "2022-03-11T16:00:00Z",
    ]
    assert len(done) > 2 and {what for _, what in done[2:]} == {"SnapshotSkipped"}
    cloud.ok("account", "pay")
    done = policy_scene.kinds(policy_scene.advance(cloud, "1d"))
    assert [what for _, what in done] == ["SnapshotCreated"] * 2


def test_a_policy_cannot_be_made_or_applied_meanwhile(cloud: Cloud) -> None:
    disk_id, policy_id = policy_scene.covered(cloud)
    cloud.ok("account", "overdue")
    cloud.ok("clock", "advance", "2d")
    new = {"timePoints": '["0"]', "repeatWeekdays": '["1"]', "retentionDays": 1}
    refused(cloud, CODE, "CreateAutoSnapshotPolicy", regionId=REGION, **new)
    applying = {"autoSnapshotPolicyId": policy_id, "diskIds": f'["{disk_id}"]'}
    refused(cloud, CODE, "ApplyAutoSnapshotPolicy", regionId=REGION, **applying)


def test_what_is_overdue_can_be_seen_and_deleted(cloud: Cloud) -> None:
    snapshot_id = cloud.snapshot(cloud.data_disk(cloud.instance()))
    cloud.ok("account", "overdue")
    cloud.ok("clock", "advance", "2d")
    assert len(cloud.snapshots()) == 1
    cloud.ecs("DeleteSnapshot", SnapshotId=snapshot_id)
    assert cloud.snapshots() == []


def test_a_second_unpaid_bill_does_not_begin_the_grace_anew(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.ok("account", "overdue")
    cloud.ok("clock", "advance", "23h")
    again = cloud.ok("account", "overdue", "--output", "json").json
    assert (again["OverdueAt"], again["ServiceEndsAt"]) == (
        "2022-03-11T02:33:00Z",
        "2022-03-12T02:33:00Z",
    )
    cloud.ok("clock", "advance", "1h")
    refused(cloud, CODE, "CreateSnapshot", DiskId=disk_id)


def test_the_status_and_the_list_of_accounts_say_so(cloud: Cloud) -> None:
    cloud.ok("account", "add", "partner")
    cloud.ok("account", "overdue")
    cloud.ok("clock", "advance", "1d")
    status = cloud.ok("status", "--output", "json").json
    assert status["SnapshotService"] == "off, a bill is unpaid since 2022-03-11T02:33:00Z"
    listed = {
        each["Name"]: each for each in cloud.ok("account", "list", "-o", "json").json["Accounts"]
    }
    assert listed["default"]["OverdueSince"] == "2022-03-11T02:33:00Z"
    assert not listed["default"]["SnapshotService"]
    assert listed["partner"]["OverdueSince"] == ""
    assert "Off" in cloud.ok("account", "list").out
    assert "ended March 12, 2022, 10:33" in cloud.ok("account", "overdue").out
    assert "service is on" in cloud.ok("account", "pay").out
    assert cloud.ok("status", "--output", "json").json["SnapshotService"] == "on"


def test_the_time_cannot_go_back_before_the_bill_was_unpaid(cloud: Cloud) -> None:
    cloud.ok("clock", "advance", "1h")
    cloud.ok("account", "overdue")
    assert cloud.run("clock", "set", "2022-03-11T02:33:00Z").code == 1


def test_one_account_pays_for_itself_only(cloud: Cloud) -> None:
    cloud.ok("account", "add", "partner")
    cloud.ok("ecs", "OpenSnapshotService", "--profile", "partner")
    cloud.ok("account", "overdue", "--profile", "partner")
    cloud.ok("clock", "advance", "2d")
    cloud.snapshot(cloud.data_disk(cloud.instance()))
    cloud.ok("account", "use", "partner")
    refused(cloud, CODE, "CreateSnapshot", DiskId=cloud.data_disk(cloud.instance()))
