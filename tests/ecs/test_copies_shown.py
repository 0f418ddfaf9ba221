"""Copies as they are listed, filtered and drawn: by disk, by chain, by region (CP-1, IN-3)."""

import json

import pytest
from copy_steps import AWAY, away, copy, link_id, links, slow_copies
from support import BLOCK_BYTES, REGION, Cloud, block


@pytest.fixture
def disk_id(cloud: Cloud) -> str:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, block("A") + block("B"))
    return disk_id


def ids(snapshots: list[dict[str, object]]) -> list[object]:
    return [snapshot["SnapshotId"] for snapshot in snapshots]


@pytest.mark.rule("CP-1", "IN-3")
def test_copies_are_found_by_their_disk_and_by_their_chain(cloud: Cloud, disk_id: str) -> None:
    source = cloud.snapshot(disk_id)
    other = copy(cloud, cloud.snapshot(cloud.data_disk(cloud.instance())))
    copied = copy(cloud, source)
    link = link_id(disk_id)
    assert set(ids(away(cloud))) == {copied, other}
    for filters in (
        {"DiskId": disk_id},
        {"SnapshotLinkId": link},
        {"SnapshotLinkId": json.dumps([link])},
        {"SnapshotLinkId": link, "DiskId": disk_id},
    ):
        assert ids(away(cloud, **filters)) == [copied], filters
    assert away(cloud, SnapshotLinkId=disk_id) == []  # that chain is not here
    assert away(cloud, SnapshotLinkId=link, DiskId="d-bp1other") == []
    for filters in ({"SnapshotLinkIds": json.dumps([link])}, {"DiskIds": json.dumps([disk_id])}):
        [shown] = links(cloud, **filters)
        assert (shown["SnapshotLinkId"], shown["SourceDiskId"]) == (link, disk_id)
    assert links(cloud, SnapshotLinkIds=json.dumps([disk_id])) == []


@pytest.mark.rule("IN-3")
def test_where_both_chains_are_each_id_means_its_own(cloud: Cloud, disk_id: str) -> None:
    source = cloud.snapshot(disk_id)
    link = link_id(disk_id)
    assert ids(away(cloud, REGION, SnapshotLinkId=link)) == [source]
    back = copy(cloud, copy(cloud, source), to=REGION, RegionId=AWAY)
    assert ids(away(cloud, REGION, SnapshotLinkId=link)) == [back]
    assert ids(away(cloud, REGION, SnapshotLinkId=disk_id)) == [source]
    assert set(ids(away(cloud, REGION, DiskId=disk_id))) == {source, back}
    for asked in (link, disk_id):
        [shown] = links(cloud, REGION, SnapshotLinkIds=json.dumps([asked]))
        assert shown["SnapshotLinkId"] == asked


def test_chain_show_draws_the_copies_of_the_region_asked_for(cloud: Cloud, disk_id: str) -> None:
    source = cloud.snapshot(disk_id)
    cloud.write(disk_id, 1, block("b"))
    made = [copy(cloud, source), copy(cloud, cloud.snapshot(disk_id))]
    link = link_id(disk_id)
    shown = cloud.ok("chain", "show", link, "--region", AWAY, "--output", "json").json
    assert (shown["ChainId"], shown["RegionId"], shown["DiskId"]) == (link, AWAY, disk_id)
    assert ids(shown["Nodes"]) == made
    assert [node["DataBlocks"] for node in shown["Nodes"]] == [2, 1]
    own = cloud.ok("chain", "show", link, "--output", "json").json
    assert (own["ChainId"], own["RegionId"]) == (disk_id, REGION)
    for snapshot in cloud.snapshots():
        cloud.ecs("DeleteSnapshot", SnapshotId=snapshot["SnapshotId"])
    left = cloud.ok("chain", "show", link).out
    assert left.startswith(f"Copies in {AWAY} of disk {disk_id}: 2 snapshots, 192 KiB of blocks")
    missing = cloud.run("chain", "show", disk_id)
    assert missing.code == 1 and "has no snapshots yet" in missing.err


def test_the_snapshots_tab_of_the_destination_says_that_it_is_a_copy(
    cloud: Cloud, disk_id: str
) -> None:
    source = cloud.snapshot(disk_id)
    slow_copies(cloud, minimum_seconds=40)
    copy(cloud, source, DestinationSnapshotName="off-site")
    cloud.ok("clock", "advance", "10s")
    table = cloud.ok("describe-snapshots", "--region", AWAY, "--output", "table").out
    assert all(word in table for word in ("off-site", "Copied Snapshot", disk_id, "25%"))
    assert "Copied Snapshot" not in cloud.ok("describe-snapshots", "--output", "table").out
    chains = cloud.ok("describe-snapshot-links", "--region", AWAY, "--output", "table").out
    assert link_id(disk_id) in chains and f"{2 * BLOCK_BYTES // 1024} KiB" in chains


def test_a_copy_can_be_renamed_and_kept_longer_like_any_snapshot(
    cloud: Cloud, disk_id: str
) -> None:
    copied = copy(cloud, cloud.snapshot(disk_id), RetentionDays=1)
    cloud.ecs("ModifySnapshotAttribute", SnapshotId=copied, SnapshotName="kept", RetentionDays=9)
    cloud.ok("clock", "advance", "2d")
    assert [each["SnapshotName"] for each in away(cloud)] == ["kept"]
