"""The chain of a disk: the guide's example, sizes, handing over on deletion (rules IN)."""

import pytest
from support import BLOCK_BYTES, Cloud, block


@pytest.mark.rule("IN-2")
def test_the_guides_example_of_blocks_a_b_c_d_holds_exactly(cloud: Cloud) -> None:
    instance_id = cloud.instance()
    disk_id = cloud.data_disk(instance_id)
    cloud.write(disk_id, 0, block("A") + block("B") + block("C") + block("D"))
    cloud.snapshot(disk_id, SnapshotName="S1")
    cloud.write(disk_id, 1, block("b") + block("c"))
    second = cloud.snapshot(disk_id, SnapshotName="S2")
    cloud.write(disk_id, 1, block("2"))
    third = cloud.snapshot(disk_id, SnapshotName="S3")

    def cells() -> list[list[str]]:
        shown = cloud.ok("chain", "show", disk_id, "--output", "json").json
        return [[cell["Text"] for cell in node["Cells"]] for node in shown["Nodes"]]

    assert cells() == [["A", "B", "C", "D"], ["B1", "C1"], ["B2"]]
    assert cloud.chain_size(disk_id) == 7 * BLOCK_BYTES
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.write(disk_id, 0, bytes(8 * BLOCK_BYTES))
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=third)
    assert cloud.read(disk_id, 0, 4) == block("A") + block("2") + block("c") + block("D")

    cloud.ecs("DeleteSnapshot", SnapshotId=second)
    assert cells() == [["A", "B", "C", "D"], ["B2", "C1"]]
    assert cloud.chain_size(disk_id) == 6 * BLOCK_BYTES
    cloud.write(disk_id, 0, bytes(8 * BLOCK_BYTES))
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=third)
    assert cloud.read(disk_id, 0, 4) == block("A") + block("2") + block("c") + block("D")
    cloud.check()
