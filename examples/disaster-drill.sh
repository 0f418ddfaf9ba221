#!/usr/bin/env bash
# A drill: data is snapshotted, the disk is destroyed with its instance, the data is restored on
# another machine and compared byte for byte. Exits with 1 if anything is lost.
#
#   examples/disaster-drill.sh [FILE]
#
# FILE is the data, by default this script. Uses the workspace in SNAPCLI_WORKSPACE; without one, a
# new one that is removed at the end. CLI=aliyun takes the service's commands through `snapcli shim`.
set -euo pipefail
shopt -s inherit_errexit

cli=${CLI:-snapcli}
region=cn-hangzhou
data=${1:-${BASH_SOURCE[0]}}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export SNAPCLI_WORKSPACE=${SNAPCLI_WORKSPACE:-$scratch/workspace}

image=ubuntu_18_04_x64_20G_alibase_20220101.vhd

launch() { # NAME ZONE [OPTION...]: start an instance, print its id
  local name=$1 zone=$2
  shift 2
  $cli ecs RunInstances --RegionId $region --ImageId $image --InstanceType ecs.g6.large \
    --InstanceName "$name" --ZoneId "$zone" "$@" \
    --cli-query 'InstanceIdSets.InstanceIdSet[0]' | tr -d '"'
}

data_disk() { # INSTANCE: print the id of its data disk
  $cli ecs DescribeDisks --RegionId $region --InstanceId "$1" --DiskType data \
    --cli-query 'Disks.Disk[0].DiskId' | tr -d '"'
}

finished() { # SNAPSHOT: wait until it is created
  $cli ecs DescribeSnapshots --RegionId $region --SnapshotIds "[\"$1\"]" \
    --waiter expr='Snapshots.Snapshot[0].Status' to=accomplished timeout=600 interval=2 >/dev/null
}

echo "== Production, with the data on its data disk"
$cli ecs OpenSnapshotService --RegionId $region >/dev/null
production=$(launch production cn-hangzhou-h --DataDisk.1.Size 20 --DataDisk.1.Category cloud_essd)
disk=$(data_disk "$production")
snapcli disk write "$disk" <"$data" >/dev/null

echo "== The nightly snapshot"
snapshot=$($cli ecs CreateSnapshot --DiskId "$disk" --SnapshotName nightly \
  --cli-query SnapshotId | tr -d '"')
finished "$snapshot"

echo "== The disaster: the instance and its disks are released"
$cli ecs DeleteInstance --InstanceId "$production" --Force true </dev/null >/dev/null
if snapcli disk path "$disk" 2>/dev/null; then
  echo "the disk is still there" >&2
  exit 1
fi

echo "== Recovery in another zone: a new instance, a disk from the snapshot"
standby=$(launch standby cn-hangzhou-i)
restored=$($cli ecs CreateDisk --RegionId $region --ZoneId cn-hangzhou-i --SnapshotId "$snapshot" \
  --DiskCategory cloud_essd --cli-query DiskId | tr -d '"')
$cli ecs AttachDisk --InstanceId "$standby" --DiskId "$restored" >/dev/null

echo "== Comparison"
snapcli disk read "$restored" --length "$(wc -c <"$data" | tr -d ' ')" | cmp - "$data"
echo "Every byte of $data is there again."
