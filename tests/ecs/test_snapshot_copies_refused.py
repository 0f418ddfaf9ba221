"""CopySnapshot: what can't be copied, and with which code it is said (rule CP-5)."""

import json
from typing import Any

import pytest
from copy_steps import AWAY, away, copy, slow_copies
from refusals import refused
from support import REGION, Cloud, Result, block

from snapcli.api.dispatch import Caller
from snapcli.ecs.call import Call
from snapcli.ecs.service import open_workspace
from snapcli.ecs.snapshot_copies import copy_node
from snapcli.volumes.errors import VolumeError

pytestmark = pytest.mark.rule("CP-5")


@pytest.fixture
def disk_id(cloud: Cloud) -> str:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, block("A"))
    return disk_id


def not_copied(cloud: Cloud, code: str, snapshot_id: str, **parameters: Any) -> Result:
    parameters = {"DestinationRegionId": AWAY, **parameters}
    return refused(cloud, code, "CopySnapshot", SnapshotId=snapshot_id, **parameters)


def edit(cloud: Cloud, disk_id: str, **node: object) -> None:
    """Change a disk's oldest snapshot in its document, where no command can."""
    document = cloud.root / "chains" / REGION / disk_id / "chain.json"
    chain = json.loads(document.read_text())
    chain["nodes"][0] |= node
    document.write_text(json.dumps(chain))


def test_not_to_the_same_region(cloud: Cloud, disk_id: str) -> None:
    not_copied(
        cloud,
        "InvalidOperation.NotSupportCopyInSameRegion",
        cloud.snapshot(disk_id),
        DestinationRegionId=REGION,
    )


def test_not_while_another_copy_of_the_snapshot_is_unfinished(cloud: Cloud, disk_id: str) -> None:
    source = cloud.snapshot(disk_id)
    slow_copies(cloud)
    running = copy(cloud, source)
    result = not_copied(cloud, "InvalidOperation.UnfinishedCrossRegionCopy", source)
    assert running in result.err
    cloud.ok("clock", "advance", "1m")
    copy(cloud, source)


def test_not_while_another_snapshot_of_the_disk_is_being_copied_there(
    cloud: Cloud, disk_id: str
) -> None:
    source, other = cloud.snapshot(disk_id), cloud.snapshot(disk_id)
    slow_copies(cloud)
    running = copy(cloud, source)
    result = not_copied(cloud, "InvalidOperation.DiskHasUnfinishedSnapshotCopy", other)
    assert running in result.err and source in result.err
    copy(cloud, other, to="cn-shanghai")  # to a region of its own it can
    cloud.ecs("DeleteSnapshot", SnapshotId=running)
    copy(cloud, other)


def test_copies_of_different_disks_do_not_hinder_each_other(cloud: Cloud, disk_id: str) -> None:
    other = cloud.data_disk(cloud.instance())
    sources = [cloud.snapshot(disk_id), cloud.snapshot(other)]
    slow_copies(cloud)
    for source in sources:
        copy(cloud, source)
    assert [s["Status"] for s in away(cloud)] == ["progressing"] * 2


def test_an_encrypted_snapshot_is_not_copied(cloud: Cloud) -> None:
    source = cloud.snapshot(cloud.data_disk(cloud.instance(DataDisk__1__Encrypted=True)))
    for encrypted in ({}, {"Encrypted": True}, {"Encrypted": False}):
        not_copied(cloud, "InvalidSnapshotId.EncryptedNotSupport", source, **encrypted)


def test_a_copy_is_not_encrypted_on_the_way(cloud: Cloud, disk_id: str) -> None:
    source = cloud.snapshot(disk_id)
    not_copied(cloud, "InvalidSnapshotCategory.NotSupportEncryptedCopy", source, Encrypted=True)
    not_copied(cloud, "InvalidEncrypted.NotMatchKmsKeyId", source, KMSKeyId="key-1")


@pytest.mark.parametrize(
    ("category", "code"),
    [
        ("flash", "InvalidSnapshotCategory.NotSupportCrossRegionCopy"),
        ("archive", "InvalidSnapshotCategory.NotSupportCopy"),
    ],
)
def test_a_local_or_archived_snapshot_is_not_copied(
    cloud: Cloud, disk_id: str, category: str, code: str
) -> None:
    source = cloud.snapshot(disk_id)
    edit(cloud, disk_id, category=category)
    not_copied(cloud, code, source)


def test_a_snapshot_that_is_not_accomplished_is_not_copied(cloud: Cloud, disk_id: str) -> None:
    slow_copies(cloud)
    instant = cloud.snapshot(disk_id, InstantAccess=True)
    assert "progressing" in not_copied(cloud, "InvalidSnapshotId.NotReady", instant).err
    cloud.ok("clock", "advance", "1m")
    copy(cloud, instant)
    cloud.ok("clock", "advance", "1m")
    edit(cloud, disk_id, failed_at="2022-03-11T02:33:01Z")
    assert "failed" in not_copied(cloud, "InvalidSnapshotId.NotReady", instant).err


def test_unknown_snapshots_and_regions_are_told(cloud: Cloud, disk_id: str) -> None:
    source = cloud.snapshot(disk_id)
    not_copied(cloud, "InvalidSnapshotId.NotFound", "s-bp1nosuchsnapshot000")
    not_copied(cloud, "InvalidRegionId.NotExists", source, DestinationRegionId="cn-atlantis")
    not_copied(cloud, "InvalidRegionId.NotExists", source, RegionId="cn-atlantis")
    elsewhere = not_copied(cloud, "InvalidSnapshotId.NotFound", source, RegionId="cn-shanghai")
    assert f"RegionId {REGION}" in elsewhere.err


def test_the_quota_of_manual_snapshots_counts_copies_in_their_chain(
    cloud: Cloud, disk_id: str
) -> None:
    cloud.ok("config", "set", "quotas.manual_snapshots_per_disk", "2")
    sources = [cloud.snapshot(disk_id) for _ in range(2)]
    made = [copy(cloud, source) for source in sources]
    not_copied(cloud, "QuotaExceed.SnapshotQuota", sources[0])
    cloud.ecs("DeleteSnapshot", SnapshotId=made[0])
    copy(cloud, sources[0])


def test_the_snapshot_service_must_be_activated(cloud: Cloud, disk_id: str) -> None:
    source = cloud.snapshot(disk_id)
    document = cloud.root / "state" / "account.json"
    account = json.loads(document.read_text())
    del account["snapshot_service_at"]
    document.write_text(json.dumps(account))
    not_copied(cloud, "InvalidAccountStatus.SnapshotServiceUnavailable", source)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"DestinationSnapshotName": "auto-nightly"}, "InvalidSnapshotName.Malformed"),
        ({"DestinationSnapshotName": "1st"}, "InvalidSnapshotName.Malformed"),
        ({"DestinationSnapshotDescription": "https://x"}, "InvalidDescription.Malformed"),
        ({"RetentionDays": 0}, "InvalidRetentionDays.Malformed"),
        ({"RetentionDays": 65537}, "InvalidRetentionDays.Malformed"),
    ],
)
def test_names_texts_and_days_that_are_not_right(
    cloud: Cloud, disk_id: str, parameters: dict[str, Any], code: str
) -> None:
    not_copied(cloud, code, cloud.snapshot(disk_id), **parameters)


def test_damage_in_the_source_is_told_and_nothing_is_copied(cloud: Cloud, disk_id: str) -> None:
    source = cloud.snapshot(disk_id)
    pack = cloud.root / "chains" / REGION / disk_id / f"{source}.pack"
    content = bytearray(pack.read_bytes())
    content[-5] ^= 1
    pack.write_bytes(content)
    result = cloud.run(
        "ecs", "CopySnapshot", f"--SnapshotId={source}", f"--DestinationRegionId={AWAY}"
    )
    assert result.code == 4 and source in result.err and "block 0" in result.err
    assert "Traceback" not in result.err
    assert away(cloud) == [] and not (cloud.root / "chains" / AWAY).exists()


def test_a_caller_that_goes_on_after_damage_leaves_nothing_of_the_copy(
    cloud: Cloud, disk_id: str
) -> None:
    """As time does when a policy copies: one damaged snapshot stops no other work."""
    source = cloud.snapshot(disk_id)
    pack = cloud.root / "chains" / REGION / disk_id / f"{source}.pack"
    pack.write_bytes(pack.read_bytes()[:-5])
    caller = Caller(workspace=str(cloud.root))
    with open_workspace(caller).write() as tx:
        call = Call(tx, caller)
        with pytest.raises(VolumeError, match=source):
            copy_node(call, *call.snapshot(source), AWAY)
        call.account.overdue_at = call.now  # so that there is something to commit
    assert away(cloud) == [] and not list((cloud.root / "chains" / AWAY).glob("*"))
