"""Several accounts in one workspace: each sees its own things only, and time passes for all."""

import pytest
from support import REGION, Cloud, block

pytestmark = pytest.mark.rule("FQ-2")


def names(cloud: Cloud) -> dict[str, bool]:
    listed = cloud.ok("account", "list", "--output", "json").json["Accounts"]
    return {account["Name"]: account["Current"] for account in listed}


def test_a_workspace_begins_with_one_account_and_any_profile_means_it(cloud: Cloud) -> None:
    assert names(cloud) == {"default": True}
    cloud.ok("ecs", "DescribeDisks", "--profile", "production")
    assert not (cloud.root / "state" / "accounts.json").exists()


def test_an_account_sees_nothing_of_another(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    snapshot_id = cloud.snapshot(disk_id)
    cloud.ok("account", "add", "partner")
    cloud.ok("account", "use", "partner")
    assert names(cloud) == {"default": False, "partner": True}
    assert cloud.disks() == [] and cloud.snapshots() == []
    for refused in (
        cloud.refused("DeleteSnapshot", SnapshotId=snapshot_id),
        cloud.refused("ResetDisk", DiskId=disk_id, SnapshotId=snapshot_id),
    ):
        assert refused.error_code.endswith(".NotFound")
    cloud.ok("account", "use", "default")
    assert [each["SnapshotId"] for each in cloud.snapshots()] == [snapshot_id]


def test_each_account_activates_the_snapshot_service_for_itself(cloud: Cloud) -> None:
    cloud.ok("account", "add", "partner")
    cloud.ok("account", "use", "partner")
    disk_id = cloud.data_disk(cloud.instance())
    refused = cloud.refused("CreateSnapshot", DiskId=disk_id)
    assert refused.error_code == "InvalidAccountStatus.SnapshotServiceUnavailable"
    assert "open-snapshot-service --profile" in refused.err  # works whoever is the current one
    cloud.ecs("OpenSnapshotService")
    cloud.write(disk_id, 0, block("A"))
    cloud.snapshot(disk_id)
    assert cloud.ok("check", "--read-data", "--output", "json").json["Snapshots"] == 1


def test_a_profile_names_the_account_of_one_command(cloud: Cloud) -> None:
    cloud.ok("account", "add", "partner", "--account-id", "2234567890123456")
    cloud.instance()
    for profile in ("partner", "2234567890123456"):
        for words in (("ecs", "DescribeDisks"), ("describe-disks", "--output", "json")):
            assert cloud.ok(*words, "--profile", profile).json["Disks"]["Disk"] == []
    assert len(cloud.ok("ecs", "DescribeDisks", "-p", "default").json["Disks"]["Disk"]) == 2
    unknown = cloud.run("ecs", "DescribeDisks", "--profile", "partnr")
    assert (unknown.code, unknown.error_code) == (1, "InvalidAccount.NotFound")
    assert "'partnr'" in unknown.err and "partner" in unknown.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "default"), "InvalidParameter.Conflict"),
        (("add", "Not A Name"), "InvalidParameter"),
        (("add", "partner", "--account-id", "12"), "InvalidParameter"),
        (("add", "partner", "--account-id", "1234567890123456"), "InvalidParameter.Conflict"),
        (("use", "nobody"), "InvalidAccount.NotFound"),
    ],
)
def test_what_is_no_account_is_refused(cloud: Cloud, words: tuple[str, ...], code: str) -> None:
    refused = cloud.run("account", *words)
    assert (refused.code, refused.error_code) == (1, code), refused.err
    assert names(cloud) == {"default": True}


def test_time_passes_for_every_account_whoever_looks(cloud: Cloud) -> None:
    cloud.ok("account", "add", "partner")
    cloud.ok("account", "use", "partner")
    cloud.ecs("OpenSnapshotService")
    disk_id = cloud.data_disk(cloud.instance())
    cloud.snapshot(disk_id, RetentionDays=1)
    cloud.ok("account", "use", "default")
    cloud.ok("clock", "advance", "2d")
    cloud.ecs("DescribeSnapshots", RegionId=REGION)
    assert not list(cloud.root.glob("accounts/*/chains/*/*/chain.json"))


def test_the_check_looks_into_every_account(cloud: Cloud) -> None:
    cloud.ok("account", "add", "partner")
    cloud.ok("account", "use", "partner")
    disk_id = cloud.data_disk(cloud.instance())
    cloud.ok("account", "use", "default")
    [file] = cloud.root.glob(f"accounts/*/disks/*/{disk_id}.raw")
    file.unlink()
    found = cloud.run("check", "--output", "json")
    assert [problem["Disks"] for problem in found.json["Problems"]] == [[disk_id]]
