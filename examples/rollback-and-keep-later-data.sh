#!/usr/bin/env bash
# The guide's recipe (section 4.6) for a disk that must go back to T1 although what was written
# until T2 is wanted too: snapshot B at T2, roll back to snapshot A, make a disk from B, attach it,
# copy over what is missing.
#
#   examples/rollback-and-keep-later-data.sh
#
# Uses the workspace in SNAPCLI_WORKSPACE; without one, a new one that is removed at the end. CLI=aliyun
# takes the service's commands through `snapcli shim`.
set -euo pipefail
shopt -s inherit_errexit

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export SNAPCLI_WORKSPACE=${SNAPCLI_WORKSPACE:-$scratch/workspace}

cli=${CLI:-snapcli}
region=cn-hangzhou
zone=cn-hangzhou-h
record=512 # bytes; record 0 is the configuration, 1 and 2 are orders

put() { # RECORD TEXT: write a record of the original disk
  printf '%-*s' $record "$2" | snapcli disk write "$disk" --offset $(($1 * record)) >/dev/null
}
get() { # DISK RECORD: print a record
  snapcli disk read "$1" --offset $(($2 * record)) --length $record | tr -d '\0' | sed 's/ *$//'
}
snapshot() { # NAME: snapshot the original disk, wait for it, print its id
  local id
  id=$($cli ecs CreateSnapshot --DiskId "$disk" --SnapshotName "$1" --cli-query SnapshotId | tr -d '"')
  $cli ecs DescribeSnapshots --RegionId $region --SnapshotIds "[\"$id\"]" \
    --waiter expr='Snapshots.Snapshot[0].Status' to=accomplished interval=2 >/dev/null
  echo "$id"
}

$cli ecs OpenSnapshotService --RegionId $region >/dev/null
instance=$($cli ecs RunInstances --RegionId $region --InstanceType ecs.g6.large --ZoneId $zone \
  --ImageId centos_7_9_x64_20G_alibase_20220101.vhd --DataDisk.1.Size 20 \
  --DataDisk.1.Category cloud_essd --cli-query 'InstanceIdSets.InstanceIdSet[0]' | tr -d '"')
disk=$($cli ecs DescribeDisks --RegionId $region --InstanceId "$instance" --DiskType data \
  --cli-query 'Disks.Disk[0].DiskId' | tr -d '"')

echo '== T1: all is well; snapshot A'
put 0 'configuration: good'
put 1 'order 1'
a=$(snapshot snapshot-A)

echo '== T2: the configuration is broken, and an order has come in; snapshot B'
put 0 'configuration: broken'
put 2 'order 2'
b=$(snapshot snapshot-B)

echo '== Back to A'
$cli ecs StopInstance --InstanceId "$instance" >/dev/null
$cli ecs ResetDisk --DiskId "$disk" --SnapshotId "$a" </dev/null >/dev/null

echo '== A disk from B, attached to the same instance'
later=$($cli ecs CreateDisk --RegionId $region --ZoneId $zone --SnapshotId "$b" \
  --DiskCategory cloud_essd --cli-query DiskId | tr -d '"')
$cli ecs AttachDisk --InstanceId "$instance" --DiskId "$later" >/dev/null
$cli ecs StartInstance --InstanceId "$instance" >/dev/null

echo '== What came after T1 is copied over'
put 2 "$(get "$later" 2)"

for at in 0 1 2; do get "$disk" $at; echo; done
