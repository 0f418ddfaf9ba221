"""The limits of a disk's chain: 256 manual and 1,000 automatic snapshots (CR-8, IN-5)."""

import pytest
from refusals import refused
from support import BLOCK_BYTES, REGION, Cloud, block

from snapcli.api.dispatch import Caller, invoke
from snapcli.ecs.call import Call
from snapcli.ecs.nodes import capture_node
from snapcli.ecs.service import open_workspace
from snapcli.ecs.snapshot_creation import new_node


@pytest.mark.rule("CR-8", "IN-5")
def test_the_257th_manual_snapshot_is_refused(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    caller = Caller(workspace=str(cloud.root))
    for _ in range(256):
        invoke("CreateSnapshot", {"DiskId": disk_id}, caller)
    refused(cloud, "QuotaExceed.Snapshot", "CreateSnapshot", DiskId=disk_id)
    [link] = cloud.ecs("DescribeSnapshotLinks", RegionId=REGION)["SnapshotLinks"]["SnapshotLink"]
    assert link["TotalCount"] == 256


def automatic(cloud: Cloud, disk_id: str, count: int) -> None:
    """Capture as a policy does, `count` times."""
    caller = Caller(workspace=str(cloud.root))
    with open_workspace(caller).write() as tx:
        call = Call(tx, caller)
        disk = call.disk(disk_id)
        chain = call.new_chain(disk)
        for _ in range(count):
            node = new_node(call, disk, chain)
            node.kind, node.name = "auto", "auto2.0_20220311_sp-x"
            capture_node(call, disk, chain, node)


@pytest.mark.slow
@pytest.mark.rule("CR-8", "IN-5")
def test_a_chain_of_1256_nodes_is_full_and_whole(cloud: Cloud) -> None:
    instance_id = cloud.instance()
    disk_id = cloud.data_disk(instance_id)
    caller = Caller(workspace=str(cloud.root))
    cloud.write(disk_id, 0, block("A") * 4)
    for index in range(256):
        cloud.write(disk_id, index % 4, bytes([index % 255 + 1]) * BLOCK_BYTES)
        invoke("CreateSnapshot", {"DiskId": disk_id}, caller)
        if index % 32 == 0:
            before = cloud.read(disk_id, 0, 4)
            middle = cloud.snapshots()[0]["SnapshotId"]
        if index % 16 == 15:
            automatic(cloud, disk_id, 63 if index > 127 else 62)
    result = refused(cloud, "QuotaExceed.Snapshot", "CreateSnapshot", DiskId=disk_id)
    assert "256 are allowed (quotas.manual_snapshots_per_disk)" in result.err
    [link] = cloud.ecs("DescribeSnapshotLinks", RegionId=REGION)["SnapshotLinks"]["SnapshotLink"]
    assert (link["TotalCount"], link["TotalSize"]) == (1256, 259 * BLOCK_BYTES)
    cloud.check()
    cloud.ecs("StopInstance", InstanceId=instance_id)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=middle)
    assert cloud.read(disk_id, 0, 4) == before
    cloud.ecs("DeleteSnapshot", SnapshotId=middle)
    cloud.snapshot(disk_id)
    refused(cloud, "QuotaExceed.Snapshot", "CreateSnapshot", DiskId=disk_id)
