"""A line at a terminal of what to do next after a change. Data; decides nothing."""

from collections.abc import Mapping

import msgspec

from snapcli.cli.streams import Streams

# Filled in from the parameters and the response; a hint that lacks a value is not shown.
_NEXT: Mapping[str, str] = {
    "OpenSnapshotService": "Next: snapcli create-snapshot --disk-id ID",
    "RunInstances": "Next: snapcli describe-disks lists the disks and their ids",
    "CreateDisk": "Next: snapcli attach-disk --disk-id {DiskId} --instance-id ID",
    "ImportDisk": "Next: snapcli attach-disk --disk-id {DiskId} --instance-id ID",
    "AttachDisk": "Next: snapcli disk path {DiskId} prints where its bytes are",
    "CreateSnapshot": "Next: snapcli chain show {DiskId}",
    "CreateImage": "Next: snapcli run-instances --image-id {ImageId} --instance-type ecs.g7.large",
    "CopyImage": "Next: snapcli describe-images --region {DestinationRegionId}",
    "ExportImage": "Next: snapcli describe-task-attribute --task-id {TaskId}",
    "ImportImage": "Next: snapcli describe-task-attribute --task-id {TaskId}",
    "CopySnapshot": "Next: snapcli describe-snapshots --region {DestinationRegionId}",
    "CreateAutoSnapshotPolicy": (
        "Next: snapcli apply-auto-snapshot-policy --auto-snapshot-policy-id "
        "{AutoSnapshotPolicyId} --disk-ids ID"
    ),
    "ApplyAutoSnapshotPolicy": "Next: snapcli clock advance 1d --events shows what a day brings",
    "DeleteSnapshot": "Next: snapcli describe-snapshot-links shows what is still kept",
    "StopInstance": "Next: snapcli reset-disk --disk-id ID --snapshot-id ID rolls a disk back",
    "ResetDisk": "Next: snapcli start-instance --instance-id ID",
    "ResizeDisk": "Next: snapcli describe-disks --disk-ids {DiskId}",
}


def after(action: str, given: Mapping[str, str], response: object, streams: Streams) -> None:
    """Print the hint that belongs after `action`, for a person at a terminal only."""
    text = _NEXT.get(action)
    if text is None or not streams.is_terminal("stderr"):
        return
    answered = msgspec.to_builtins(response)
    values = dict(given) | (answered if isinstance(answered, dict) else {})
    try:
        streams.hint(text.format_map(values))
    except KeyError:
        return
