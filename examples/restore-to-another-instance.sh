#!/usr/bin/env bash
# Bring the data of a snapshot to an instance, on a new disk: what is left to do when the instance
# that the snapshot is of has been released. (Nothing restores the released one.)
#
#   examples/restore-to-another-instance.sh SNAPSHOT_ID INSTANCE_ID
#
# Prints the new disk's id; inside the instance it still has to be mounted. CLI=aliyun runs it on the
# real service, or on snapcli through `snapcli shim`.
set -euo pipefail
shopt -s inherit_errexit

cli=${CLI:-snapcli}
region=${REGION_ID:-cn-hangzhou}
snapshot=${1:?which snapshot? Usage: restore-to-another-instance.sh SNAPSHOT_ID INSTANCE_ID}
instance=${2:?which instance? Usage: restore-to-another-instance.sh SNAPSHOT_ID INSTANCE_ID}

kind=$($cli ecs DescribeSnapshots --RegionId "$region" --SnapshotIds "[\"$snapshot\"]" \
  --cli-query 'Snapshots.Snapshot[0].SourceDiskType' | tr -d '"')
if [ "$kind" != data ]; then
  echo "$snapshot is of a $kind disk; make an image of it: CreateImage --SnapshotId" >&2
  exit 1
fi
zone=$($cli ecs DescribeInstances --RegionId "$region" --InstanceIds "[\"$instance\"]" \
  --cli-query 'Instances.Instance[0].ZoneId' | tr -d '"')
disk=$($cli ecs CreateDisk --RegionId "$region" --ZoneId "$zone" --SnapshotId "$snapshot" \
  --DiskCategory cloud_essd --DiskName "from-$snapshot" --cli-query DiskId | tr -d '"')
$cli ecs DescribeDisks --RegionId "$region" --DiskIds "[\"$disk\"]" \
  --waiter expr='Disks.Disk[0].Status' to=Available timeout=600 interval=2 >/dev/null
$cli ecs AttachDisk --InstanceId "$instance" --DiskId "$disk" >/dev/null
$cli ecs DescribeDisks --RegionId "$region" --DiskIds "[\"$disk\"]" \
  --waiter expr='Disks.Disk[0].Status' to=In_use timeout=600 interval=2 >/dev/null
echo "$disk"
