"""CopySnapshot: what a copy is, what it holds, how long it takes, how it ends (rules CP)."""

import json
import random

import pytest
from copy_steps import AWAY, away, copy, disk_from, link_id, links, one, slow_copies
from refusals import picture, refused
from snapshot_steps import found
from support import BLOCK_BYTES, REGION, Cloud, block

from snapcli.api.dispatch import Caller
from snapcli.ecs.call import Call
from snapcli.ecs.service import open_workspace
from snapcli.ecs.snapshot_copies import copy_node


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return cloud.instance()


@pytest.fixture
def disk_id(cloud: Cloud, instance_id: str) -> str:
    disk_id = cloud.data_disk(instance_id)
    cloud.write(disk_id, 0, block("A") + block("B") + block("C"))
    return disk_id


@pytest.mark.rule("CP-1")
def test_a_copy_is_a_new_snapshot_that_records_its_source(cloud: Cloud, disk_id: str) -> None:
    source = cloud.snapshot(disk_id, SnapshotName="nightly")
    copied = copy(cloud, source, DestinationSnapshotName="off-site", RetentionDays=30)
    assert copied != source and copied.startswith("s-2ze")
    [snapshot] = away(cloud)
    expected = {
        "SnapshotId": copied,
        "SnapshotName": "off-site",
        "RegionId": AWAY,
        "SourceRegionId": REGION,
        "SourceSnapshotId": source,
        "SourceDiskId": disk_id,
        "SourceDiskSize": "20",
        "SourceDiskType": "data",
        "SnapshotLinkId": link_id(disk_id),
        "SnapshotType": "user",
        "RetentionDays": 30,
        "Status": "accomplished",
        "Usage": "none",
        "FullSnapshotSizeInBytes": 3 * BLOCK_BYTES,
    }
    assert {name: snapshot[name] for name in expected} == expected
    assert snapshot["SnapshotSN"] != found(cloud, source)["SnapshotSN"]
    assert [s["SnapshotId"] for s in cloud.snapshots()] == [source]
    cloud.check()


@pytest.mark.rule("CP-1")
def test_only_copies_say_where_they_come_from(cloud: Cloud, disk_id: str) -> None:
    cloud.snapshot(disk_id)
    [snapshot] = cloud.snapshots()
    assert not {"SourceRegionId", "SourceSnapshotId"} & snapshot.keys()


@pytest.mark.rule("CP-2")
def test_a_copy_makes_disks_with_its_very_bytes_in_any_zone_of_its_region(
    cloud: Cloud, disk_id: str
) -> None:
    copied = copy(cloud, cloud.snapshot(disk_id))
    content = cloud.read(disk_id)
    cloud.write(disk_id, 0, block("Z") * 3)
    for zone in ("cn-beijing-a", "cn-beijing-l"):
        made = disk_from(cloud, copied, zone)
        assert cloud.read(made) == content
    assert one(cloud, copied)["Usage"] == "disk"
    refused(cloud, "InvalidSnapshotId.NotFound", "CreateDisk", RegionId=REGION,
            ZoneId="cn-hangzhou-h", SnapshotId=copied)  # fmt: skip
    cloud.check()


@pytest.mark.rule("CP-2")
def test_a_copy_cannot_roll_back_the_disk_of_its_source(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    copied = copy(cloud, cloud.snapshot(disk_id))
    cloud.ecs("StopInstance", InstanceId=instance_id)
    result = refused(
        cloud, "InvalidParameter.Mismatch", "ResetDisk", DiskId=disk_id, SnapshotId=copied
    )
    assert "is a copy" in result.err and AWAY in result.err and "CreateDisk" in result.err


@pytest.mark.rule("CP-2")
def test_a_copy_brought_back_to_the_disks_own_region_does_not_roll_it_back_either(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    there = copy(cloud, cloud.snapshot(disk_id))
    back = copy(cloud, there, to=REGION, RegionId=AWAY)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    refused(cloud, "InvalidParameter.Mismatch", "ResetDisk", DiskId=disk_id, SnapshotId=back)
    assert {link["SnapshotLinkId"] for link in links(cloud, REGION)} == {disk_id, link_id(disk_id)}
    cloud.check()


@pytest.mark.rule("CP-3")
def test_the_first_copy_is_full_and_later_ones_are_incremental(cloud: Cloud, disk_id: str) -> None:
    first = cloud.snapshot(disk_id)
    cloud.write(disk_id, 1, block("b"))
    cloud.write(disk_id, 2, bytes(BLOCK_BYTES))
    second = cloud.snapshot(disk_id)
    sizes = []
    for source in (first, second, second):
        copy(cloud, source)
        sizes.append(links(cloud)[0]["TotalSize"] // BLOCK_BYTES)
    assert sizes == [3, 4, 4]
    usage = cloud.ecs("DescribeSnapshotsUsage", RegionId=AWAY)
    assert (usage["SnapshotCount"], usage["SnapshotSize"]) == (3, 4 * BLOCK_BYTES)
    cloud.check()


@pytest.mark.rule("CP-3")
def test_snapshots_are_copied_in_any_order_and_each_copy_is_exact(
    cloud: Cloud, disk_id: str
) -> None:
    sources, contents = [], []
    for letters in ("ABC", "AbC", "xyz"):
        cloud.write(disk_id, 0, b"".join(map(block, letters)))
        sources.append(cloud.snapshot(disk_id))
        contents.append(cloud.read(disk_id))
    for index in (2, 0, 1):
        assert cloud.read(disk_from(cloud, copy(cloud, sources[index]))) == contents[index]
    # x y z, then A B C anew, then b: each differs from the copy before it, not from its source.
    assert links(cloud)[0]["TotalSize"] == 7 * BLOCK_BYTES
    cloud.check()


@pytest.mark.rule("CP-3")
def test_each_region_begins_with_a_full_copy_and_has_a_chain_of_its_own(
    cloud: Cloud, disk_id: str
) -> None:
    source = cloud.snapshot(disk_id)
    for region in (AWAY, "ap-southeast-1"):
        copy(cloud, source, to=region)
        [link] = links(cloud, region)
        assert (link["SnapshotLinkId"], link["TotalSize"]) == (link_id(disk_id), 3 * BLOCK_BYTES)


@pytest.mark.rule("CP-3")
def test_what_is_transferred_is_what_is_stored_and_takes_its_time(
    cloud: Cloud, disk_id: str
) -> None:
    cloud.write(disk_id, 0, random.Random(1).randbytes(16 * BLOCK_BYTES))  # 1 MiB, incompressible
    source = cloud.snapshot(disk_id)
    slow_copies(cloud, minimum_seconds=2, mib_per_second=0.1)
    copied = copy(cloud, source)
    assert (one(cloud, copied)["Status"], one(cloud, copied)["RemainTime"]) == ("progressing", 13)
    cloud.ok("clock", "advance", "6s")
    half = one(cloud, copied)
    assert (half["Progress"], half["RemainTime"], half["Available"]) == ("49%", 7, False)
    cloud.ok("clock", "advance", "7s")
    done = one(cloud, copied)
    assert (done["Progress"], done["RemainTime"], done["Available"]) == ("100%", 0, True)
    again = copy(cloud, source)  # nothing differs: the least time alone
    assert one(cloud, again)["RemainTime"] == 2


@pytest.mark.rule("CP-4")
def test_tags_are_those_of_the_call_and_never_those_of_the_source(
    cloud: Cloud, disk_id: str
) -> None:
    source = cloud.snapshot(disk_id, Tag__1__Key="env", Tag__1__Value="prod")
    bare = copy(cloud, source)
    tagged = copy(cloud, source, Tag__1__Key="kept", Tag__1__Value="off-site")
    assert one(cloud, bare)["Tags"]["Tag"] == []
    tags = one(cloud, tagged)["Tags"]["Tag"]
    assert [(tag["TagKey"], tag["TagValue"]) for tag in tags] == [("kept", "off-site")]
    assert [s["SnapshotId"] for s in away(cloud, Tag__1__Key="kept")] == [tagged]


@pytest.mark.rule("CP-4")
def test_without_a_description_it_names_the_source_and_its_region(
    cloud: Cloud, disk_id: str
) -> None:
    source = cloud.snapshot(disk_id, Description="of the database")
    described = one(cloud, copy(cloud, source))["Description"]
    assert described == f"Copied from a snapshot {source} in the China (Hangzhou) region."
    given = copy(cloud, source, DestinationSnapshotDescription="the second site")
    assert one(cloud, given)["Description"] == "the second site"


@pytest.mark.rule("CP-6")
def test_deleting_an_unfinished_copy_cancels_it_and_nothing_of_it_stays(
    cloud: Cloud, disk_id: str
) -> None:
    source = cloud.snapshot(disk_id)
    before = picture(cloud)
    slow_copies(cloud)
    copied = copy(cloud, source)
    assert one(cloud, copied)["Status"] == "progressing"
    cloud.ecs("DeleteSnapshot", SnapshotId=copied)
    assert away(cloud) == [] and links(cloud) == []
    assert not list((cloud.root / "chains" / AWAY).glob("*"))
    after = picture(cloud)
    assert {file: after.get(file) for file in before} == before
    second = copy(cloud, source)  # and another can begin at once
    assert one(cloud, second)["Status"] == "progressing"
    cloud.check()


@pytest.mark.rule("CP-6")
def test_cancelling_a_later_copy_leaves_the_earlier_ones_as_they_were(
    cloud: Cloud, disk_id: str
) -> None:
    first = copy(cloud, cloud.snapshot(disk_id))
    content = cloud.read(disk_id)
    cloud.write(disk_id, 0, block("a"))
    source = cloud.snapshot(disk_id)
    slow_copies(cloud)
    cloud.ecs("DeleteSnapshot", SnapshotId=copy(cloud, source))
    assert links(cloud)[0]["TotalSize"] == 3 * BLOCK_BYTES
    assert cloud.read(disk_from(cloud, first)) == content
    cloud.check()


def test_a_source_is_not_deleted_while_it_is_being_copied(cloud: Cloud, disk_id: str) -> None:
    source, other = cloud.snapshot(disk_id), cloud.snapshot(disk_id)
    slow_copies(cloud)
    copied = copy(cloud, source)
    for force in (False, True):
        result = refused(
            cloud,
            "InvalidOperation.RelatedSnapshotNotFinished",
            "DeleteSnapshot",
            SnapshotId=source,
            Force=force,
        )
        assert copied in result.err and AWAY in result.err
    cloud.ecs("DeleteSnapshot", SnapshotId=other)
    cloud.ok("clock", "advance", "1m")
    cloud.ecs("DeleteSnapshot", SnapshotId=source)
    assert one(cloud, copied)["Status"] == "accomplished"
    cloud.check()


def test_a_copys_retention_is_its_own(cloud: Cloud, disk_id: str) -> None:
    source = cloud.snapshot(disk_id, RetentionDays=1)
    kept, passing = copy(cloud, source), copy(cloud, source, RetentionDays=2)
    content = cloud.read(disk_id)
    cloud.ok("clock", "advance", "1d")
    assert cloud.snapshots() == [] and len(away(cloud)) == 2
    cloud.ok("clock", "advance", "1d")
    assert [s["SnapshotId"] for s in away(cloud)] == [kept]
    assert passing not in str(list((cloud.root / "chains" / AWAY).rglob("*")))
    cloud.ok("clock", "advance", "1000d")
    assert cloud.read(disk_from(cloud, kept)) == content
    cloud.check()


def test_copies_outlive_the_disk_and_all_its_snapshots(cloud: Cloud, disk_id: str) -> None:
    source = cloud.snapshot(disk_id)
    content = cloud.read(disk_id)
    instance_id = cloud.disk(disk_id)["InstanceId"]
    cloud.ecs("DetachDisk", InstanceId=instance_id, DiskId=disk_id)
    cloud.ecs("DeleteDisk", DiskId=disk_id)
    copied = copy(cloud, source)  # of a released disk
    cloud.ecs("DeleteSnapshot", SnapshotId=source)
    assert one(cloud, copied)["SourceDiskId"] == disk_id
    [link] = links(cloud)
    assert (link["SourceDiskId"], link["SourceDiskSize"], link["InstanceId"]) == (disk_id, 20, "")
    third = copy(cloud, copied, to="cn-shanghai", RegionId=AWAY)
    [there] = away(cloud, "cn-shanghai")
    assert (there["SourceRegionId"], there["SourceSnapshotId"]) == (AWAY, copied)
    assert there["SnapshotLinkId"] == link_id(disk_id)
    assert cloud.read(disk_from(cloud, third, "cn-shanghai-b")) == content
    cloud.check()


def test_the_same_client_token_copies_once(cloud: Cloud, disk_id: str) -> None:
    source = cloud.snapshot(disk_id)
    assert copy(cloud, source, ClientToken="t") == copy(cloud, source, ClientToken="t")
    assert len(away(cloud)) == 1
    refused(cloud, "IdempotentParameterMismatch", "CopySnapshot", SnapshotId=source,
            DestinationRegionId="cn-shanghai", ClientToken="t")  # fmt: skip


def test_the_document_of_copies_lies_where_the_format_says(cloud: Cloud, disk_id: str) -> None:
    source = cloud.snapshot(disk_id)
    copy(cloud, source)
    file = cloud.root / "chains" / AWAY / link_id(disk_id) / "chain.json"
    chain = json.loads(file.read_text())
    assert (chain["disk_id"], chain["chain_id"]) == (disk_id, link_id(disk_id))
    [node] = chain["nodes"]
    assert (node["source_region_id"], node["source_snapshot_id"]) == (REGION, source)
    assert {path.name for path in file.parent.iterdir()} == {
        "chain.json", node["map_file"], *chain["packs"].values()
    }  # fmt: skip


def test_another_accounts_snapshot_is_read_where_it_is_and_copied_to_ones_own(
    cloud: Cloud, disk_id: str
) -> None:
    """What images shared between accounts stand on: no command copies such a snapshot itself."""
    source = cloud.snapshot(disk_id)
    content = cloud.read(disk_id)
    cloud.ok("account", "add", "partner", "--account-id", "2234567890123456")
    caller = Caller(workspace=str(cloud.root))
    with open_workspace(caller).write() as tx:
        call = Call(tx, caller, "2234567890123456")
        owner = call.for_account(tx.settings.account_id)
        copied = copy_node(call, *owner.snapshot(source), AWAY, source_call=owner)[1].snapshot_id
    assert away(cloud) == []
    cloud.ok("account", "use", "partner")
    assert one(cloud, copied)["SourceSnapshotId"] == source
    cloud.ecs("OpenSnapshotService")
    made = disk_from(cloud, copied)
    assert cloud.read(made) == content
    cloud.check()
