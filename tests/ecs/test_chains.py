"""The chain of a disk: the guide's example, sizes, handing over on deletion (rules IN, SZ-1)."""

import json
import os
import random

import pytest
from hand_edits import make_automatic
from refusals import refused
from support import BLOCK_BYTES, GIB, REGION, Cloud, block


@pytest.fixture
def instance_id(cloud: Cloud) -> str:
    return cloud.instance()


@pytest.fixture
def disk_id(cloud: Cloud, instance_id: str) -> str:
    return cloud.data_disk(instance_id)


def noise(blocks: int) -> bytes:
    """Return blocks that can't be compressed, so that stored bytes can be foretold."""
    return random.randbytes(blocks * BLOCK_BYTES)


def stored_bytes(cloud: Cloud, disk_id: str) -> int:
    """What the chain's packs take on the machine."""
    folder = cloud.root / "chains" / REGION / disk_id
    return sum(os.stat(pack).st_blocks * 512 for pack in folder.glob("*.pack"))


def node_sizes(cloud: Cloud, disk_id: str) -> list[int]:
    """How many data blocks are counted on each node, oldest first."""
    shown = cloud.ok("chain", "show", disk_id, "--output", "json").json
    return [node["DataBlocks"] for node in shown["Nodes"]]


def cells(cloud: Cloud, disk_id: str) -> list[list[str]]:
    """Which blocks each node holds, by their letters."""
    shown = cloud.ok("chain", "show", disk_id, "--output", "json").json
    return [[cell["Text"] for cell in node["Cells"]] for node in shown["Nodes"]]


@pytest.mark.rule("IN-2")
def test_the_guides_example_of_blocks_a_b_c_d_holds_exactly(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("A") + block("B") + block("C") + block("D"))
    cloud.snapshot(disk_id, SnapshotName="S1")
    cloud.write(disk_id, 1, block("b") + block("c"))
    second = cloud.snapshot(disk_id, SnapshotName="S2")
    cloud.write(disk_id, 1, block("2"))
    third = cloud.snapshot(disk_id, SnapshotName="S3")
    assert cells(cloud, disk_id) == [["A", "B", "C", "D"], ["B1", "C1"], ["B2"]]
    assert cloud.chain_size(disk_id) == 7 * BLOCK_BYTES
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.write(disk_id, 0, bytes(8 * BLOCK_BYTES))
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=third)
    assert cloud.read(disk_id, 0, 4) == block("A") + block("2") + block("c") + block("D")

    cloud.ecs("DeleteSnapshot", SnapshotId=second)
    assert cells(cloud, disk_id) == [["A", "B", "C", "D"], ["B2", "C1"]]
    assert cloud.chain_size(disk_id) == 6 * BLOCK_BYTES
    cloud.write(disk_id, 0, bytes(8 * BLOCK_BYTES))
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=third)
    assert cloud.read(disk_id, 0, 4) == block("A") + block("2") + block("c") + block("D")
    cloud.check()


@pytest.mark.rule("IN-1", "OV-4")
def test_a_200_gib_disk_occupies_the_blocks_that_hold_data_and_nothing_else(
    cloud: Cloud,
) -> None:
    disk_id = cloud.data_disk(cloud.instance(data_gib=200))
    last = 200 * GIB // BLOCK_BYTES - 1
    for at in (0, 1, 17, 1_600_000, 3_000_000, last):
        cloud.write(disk_id, at, b"\x01")
    with cloud.image(disk_id).open("r+b") as image:  # one byte on each side of a block's edge
        image.seek(2_000_000 * BLOCK_BYTES - 1)
        image.write(b"xy")
    made = cloud.snapshot(disk_id)
    assert cloud.chain_size(disk_id) == 8 * BLOCK_BYTES
    [snapshot] = cloud.snapshots(SnapshotIds=json.dumps([made]))
    assert snapshot["FullSnapshotSizeInBytes"] == 8 * BLOCK_BYTES
    assert snapshot["SourceDiskSize"] == "200"
    cloud.check()


@pytest.mark.rule("IN-3")
def test_chain_and_disk_share_one_id_and_the_sl_form_is_accepted(
    cloud: Cloud, disk_id: str
) -> None:
    made = cloud.snapshot(disk_id)
    assert cloud.snapshots()[0]["SnapshotLinkId"] == disk_id
    link_id = "sl-" + disk_id.removeprefix("d-")
    other = "sl-bp1nosuchdisk0000000"
    for asked, count in ((disk_id, 1), (link_id, 1), (other, 0)):
        answer = cloud.ecs(
            "DescribeSnapshotLinks", RegionId=REGION, SnapshotLinkIds=json.dumps([asked])
        )
        links = answer["SnapshotLinks"]["SnapshotLink"]
        assert [link["SnapshotLinkId"] for link in links] == [disk_id] * count
        for text in (asked, json.dumps([asked])):
            found = cloud.snapshots(SnapshotLinkId=text)
            assert [each["SnapshotId"] for each in found] == [made] * count
    shown = cloud.ok("chain", "show", link_id, "--output", "json").json
    assert shown["DiskId"] == disk_id


@pytest.mark.rule("IN-3")
def test_a_disk_has_one_chain_also_after_it_was_detached_and_rolled_back(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    first = cloud.snapshot(disk_id)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=first)
    cloud.ecs("DetachDisk", InstanceId=instance_id, DiskId=disk_id)
    cloud.snapshot(disk_id)
    links = cloud.ecs("DescribeSnapshotLinks", RegionId=REGION)["SnapshotLinks"]["SnapshotLink"]
    assert [(link["SnapshotLinkId"], link["TotalCount"]) for link in links] == [(disk_id, 2)]


@pytest.mark.rule("IN-4", "OV-4")
def test_each_block_is_counted_once_on_the_earliest_snapshot_that_holds_it(
    cloud: Cloud, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("A") * 6)
    cloud.snapshot(disk_id)
    cloud.write(disk_id, 2, block("B") * 2)
    cloud.snapshot(disk_id)
    cloud.write(disk_id, 2, block("B") * 2)  # the same bytes again are no change
    cloud.snapshot(disk_id)
    cloud.write(disk_id, 8, block("C"))
    cloud.snapshot(disk_id)
    assert node_sizes(cloud, disk_id) == [6, 2, 0, 1]
    assert cloud.chain_size(disk_id) == 9 * BLOCK_BYTES


@pytest.mark.rule("IN-4")
def test_a_block_that_was_changed_and_changed_back_is_kept_once_when_the_change_is_deleted(
    cloud: Cloud, disk_id: str
) -> None:
    made = []
    for letter in "ABA":
        cloud.write(disk_id, 0, block(letter))
        made.append(cloud.snapshot(disk_id))
    assert node_sizes(cloud, disk_id) == [1, 1, 1]
    cloud.ecs("DeleteSnapshot", SnapshotId=made[1])
    assert node_sizes(cloud, disk_id) == [1, 0]
    assert cloud.chain_size(disk_id) == BLOCK_BYTES
    cloud.check()


@pytest.mark.rule("IN-4", "IN-6")
@pytest.mark.parametrize(
    ("index", "sizes"),
    [(0, [6, 3]), (1, [8, 3]), (2, [8, 3])],
)
def test_deleting_a_node_keeps_what_others_need_and_counts_it_on_the_next(
    cloud: Cloud, instance_id: str, disk_id: str, index: int, sizes: list[int]
) -> None:
    # S1: 0-7; S2 changes 0-2 and empties 6, 7; S3 changes 0-2 once more.
    pictures, made = [], []
    for change in ((0, noise(8)), (0, noise(3)), (0, noise(3))):
        cloud.write(disk_id, *change)
        if len(made) == 1:
            cloud.write(disk_id, 6, bytes(2 * BLOCK_BYTES))
        pictures.append(cloud.read(disk_id, 0, 8))
        made.append(cloud.snapshot(disk_id))
    cloud.ecs("DeleteSnapshot", SnapshotId=made[index])
    assert node_sizes(cloud, disk_id) == sizes
    assert cloud.chain_size(disk_id) == sum(sizes) * BLOCK_BYTES
    cloud.check()
    cloud.ecs("StopInstance", InstanceId=instance_id)
    for snapshot_id, picture in zip(made, pictures, strict=True):
        if snapshot_id != made[index]:
            cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=snapshot_id)
            assert cloud.read(disk_id, 0, 8) == picture


@pytest.mark.rule("IN-5")
def test_a_chain_holds_manual_and_automatic_snapshots_side_by_side(
    cloud: Cloud, disk_id: str
) -> None:
    cloud.ok("config", "set", "quotas.manual_snapshots_per_disk", "2")
    for _ in range(2):
        cloud.snapshot(disk_id)
    refused(cloud, "QuotaExceed.Snapshot", "CreateSnapshot", DiskId=disk_id)
    make_automatic(cloud, disk_id)
    cloud.snapshot(disk_id)
    refused(cloud, "QuotaExceed.Snapshot", "CreateSnapshot", DiskId=disk_id)
    kinds = [each["SnapshotType"] for each in cloud.snapshots()]
    assert kinds == ["user", "user", "auto"]


@pytest.mark.rule("IN-6")
def test_space_returns_to_the_machine_when_a_node_is_deleted(cloud: Cloud, disk_id: str) -> None:
    cloud.write(disk_id, 0, noise(64))
    first = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, noise(48))
    second = cloud.snapshot(disk_id)
    assert stored_bytes(cloud, disk_id) >= 112 * BLOCK_BYTES
    cloud.ecs("DeleteSnapshot", SnapshotId=first)
    # 64 blocks are needed; each file may hold a begun file-system block more.
    assert 64 * BLOCK_BYTES <= stored_bytes(cloud, disk_id) <= 64 * BLOCK_BYTES + 4 * 4096
    cloud.check()
    cloud.ecs("DeleteSnapshot", SnapshotId=second)
    assert not list((cloud.root / "chains").glob("*/*"))
    cloud.check()


@pytest.mark.rule("IN-6")
def test_where_the_file_system_cannot_make_holes_the_space_returns_all_the_same(
    cloud: Cloud, instance_id: str, disk_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapcli.volumes import freeing

    monkeypatch.setattr(freeing, "punch_hole", lambda fd, offset, length: False)
    cloud.write(disk_id, 0, noise(64))
    first = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, noise(48))
    before = cloud.read(disk_id, 0, 64)
    second = cloud.snapshot(disk_id)
    cloud.ecs("DeleteSnapshot", SnapshotId=first)
    assert stored_bytes(cloud, disk_id) <= 64 * BLOCK_BYTES + 4 * 4096
    cloud.check()
    # The chain goes on: captures, another deletion, a rollback.
    cloud.write(disk_id, 10, noise(3))
    third = cloud.snapshot(disk_id)
    cloud.write(disk_id, 10, noise(3))
    cloud.snapshot(disk_id)
    cloud.ecs("DeleteSnapshot", SnapshotId=third)
    assert stored_bytes(cloud, disk_id) <= 67 * BLOCK_BYTES + 5 * 4096
    cloud.check()
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=second)
    assert cloud.read(disk_id, 0, 64) == before


@pytest.mark.rule("IN-6")
def test_a_full_file_system_without_holes_does_not_hinder_deletion(
    cloud: Cloud, disk_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapcli.volumes import deletion, freeing
    from snapcli.volumes.errors import VolumeError

    def no_space(*arguments: object) -> None:
        raise VolumeError("no space left", "x.pack")

    monkeypatch.setattr(freeing, "punch_hole", lambda fd, offset, length: False)
    cloud.write(disk_id, 0, noise(8))
    first = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, noise(4))
    cloud.snapshot(disk_id)
    with monkeypatch.context() as patched:
        patched.setattr(deletion, "compact", no_space)
        cloud.ecs("DeleteSnapshot", SnapshotId=first)
    assert cloud.chain_size(disk_id) == 8 * BLOCK_BYTES
    cloud.check()


@pytest.mark.rule("IN-6")
def test_a_chain_forgets_the_packs_that_are_gone(cloud: Cloud, disk_id: str) -> None:
    made = []
    for _ in range(4):
        cloud.write(disk_id, 0, noise(2))
        made.append(cloud.snapshot(disk_id))
    for snapshot_id in made[:3]:
        cloud.ecs("DeleteSnapshot", SnapshotId=snapshot_id)
    folder = cloud.root / "chains" / REGION / disk_id
    packs = json.loads((folder / "chain.json").read_text())["packs"]
    assert packs == {"4": f"{made[3]}.pack"}
    assert {path.name for path in folder.glob("*.pack")} == {f"{made[3]}.pack"}
    cloud.check()


@pytest.mark.rule("IN-7")
def test_zero_filled_blocks_are_empty_and_cost_nothing(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.write(disk_id, 0, bytes(4 * BLOCK_BYTES))
    first = cloud.snapshot(disk_id)
    assert cloud.chain_size(disk_id) == 0
    cloud.write(disk_id, 0, block("A") * 4)
    cloud.snapshot(disk_id)
    cloud.write(disk_id, 1, bytes(2 * BLOCK_BYTES))
    third = cloud.snapshot(disk_id)
    assert node_sizes(cloud, disk_id) == [0, 4, 0]
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=first)
    assert cloud.read(disk_id, 0, 4) == bytes(4 * BLOCK_BYTES)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=third)
    assert cloud.read(disk_id, 0, 4) == block("A") + bytes(2 * BLOCK_BYTES) + block("A")


@pytest.mark.rule("IN-7")
def test_deleting_a_file_inside_a_file_system_does_not_shrink_later_snapshots(
    cloud: Cloud, disk_id: str
) -> None:
    # Without trim a file system only changes its own table (block 0); the file's blocks stay.
    cloud.write(disk_id, 0, block("T") + noise(8))
    cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, block("t"))
    made = cloud.snapshot(disk_id)
    [snapshot] = cloud.snapshots(SnapshotIds=json.dumps([made]))
    assert snapshot["FullSnapshotSizeInBytes"] == 9 * BLOCK_BYTES
    assert node_sizes(cloud, disk_id) == [9, 1]


@pytest.mark.rule("SZ-1")
def test_the_chain_view_and_the_region_view_add_up(cloud: Cloud, instance_id: str) -> None:
    data = cloud.data_disk(instance_id)
    [system] = [disk["DiskId"] for disk in cloud.disks(DiskType="system")]
    for _ in range(3):
        cloud.write(data, 0, noise(2))
        cloud.snapshot(data)
    cloud.snapshot(system)
    answer = cloud.ecs("DescribeSnapshotLinks", RegionId=REGION)
    links = {link["SourceDiskId"]: link for link in answer["SnapshotLinks"]["SnapshotLink"]}
    assert answer["TotalCount"] == 2
    assert (links[data]["TotalCount"], links[data]["TotalSize"]) == (3, 6 * BLOCK_BYTES)
    assert links[system]["TotalCount"] == 1
    assert (links[data]["SourceDiskType"], links[data]["SourceDiskSize"]) == ("data", 20)
    assert links[data]["InstanceId"] == instance_id
    usage = cloud.ecs("DescribeSnapshotsUsage", RegionId=REGION)
    assert usage["SnapshotCount"] == 4
    assert usage["SnapshotSize"] == sum(link["TotalSize"] for link in links.values())
    elsewhere = cloud.ecs("DescribeSnapshotsUsage", RegionId="cn-beijing")
    assert (elsewhere["SnapshotCount"], elsewhere["SnapshotSize"]) == (0, 0)


@pytest.mark.rule("SZ-1")
def test_the_chain_of_a_released_disk_is_still_listed_with_what_it_was_of(
    cloud: Cloud, instance_id: str, disk_id: str
) -> None:
    cloud.ecs("ModifyDiskAttribute", DiskId=disk_id, DiskName="ledger")
    cloud.write(disk_id, 0, block("A"))
    cloud.snapshot(disk_id)
    cloud.ecs("DeleteInstance", InstanceId=instance_id, Force=True)
    [link] = cloud.ecs("DescribeSnapshotLinks", RegionId=REGION)["SnapshotLinks"]["SnapshotLink"]
    assert (link["SourceDiskName"], link["SourceDiskSize"]) == ("ledger", 20)
    assert (link["InstanceId"], link["InstanceName"]) == ("", "")
    assert link["TotalSize"] == BLOCK_BYTES


def test_chains_are_filtered_by_disk_and_instance(cloud: Cloud, instance_id: str) -> None:
    mine = cloud.data_disk(instance_id)
    theirs = cloud.data_disk(cloud.instance())
    cloud.snapshot(mine)
    cloud.snapshot(theirs)

    def listed(**filters: object) -> list[str]:
        answer = cloud.ecs("DescribeSnapshotLinks", RegionId=REGION, **filters)
        return [link["SourceDiskId"] for link in answer["SnapshotLinks"]["SnapshotLink"]]

    assert listed(InstanceId=instance_id) == [mine]
    assert listed(DiskIds=json.dumps([theirs])) == [theirs]
    assert listed(DiskIds="[]") == []
    code = "InvalidInstanceId.NotFound"
    refused(cloud, code, "DescribeSnapshotLinks", RegionId=REGION, InstanceId="i-nosuch")


def test_a_disk_without_snapshots_has_no_chain_to_show(cloud: Cloud, disk_id: str) -> None:
    result = cloud.run("chain", "show", disk_id)
    assert result.code == 1 and disk_id in result.err
