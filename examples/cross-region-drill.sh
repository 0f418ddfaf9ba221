#!/usr/bin/env bash
# A drill: a whole region is lost. The copy of a snapshot in another region becomes the data disk of a
# new instance there, and is compared byte for byte. Exits with 1 if anything is lost.
#
#   examples/cross-region-drill.sh [FILE]
#
# FILE is the data, by default this script. Uses the workspace in SNAPCLI_WORKSPACE; without one, a
# new one that is removed at the end. CLI=aliyun takes the service's commands through `snapcli shim`.
set -euo pipefail
shopt -s inherit_errexit

cli=${CLI:-snapcli}
home=cn-hangzhou
away=cn-beijing
data=${1:-${BASH_SOURCE[0]}}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export SNAPCLI_WORKSPACE=${SNAPCLI_WORKSPACE:-$scratch/workspace}

launch() { # REGION NAME [OPTION...]: start an instance, print its id
  local region=$1 name=$2
  shift 2
  $cli ecs RunInstances --RegionId "$region" --ImageId ubuntu_18_04_x64_20G_alibase_20220101.vhd \
    --InstanceType ecs.g6.large --InstanceName "$name" "$@" \
    --cli-query 'InstanceIdSets.InstanceIdSet[0]' | tr -d '"'
}
finished() { # REGION SNAPSHOT: wait until it is created
  $cli ecs DescribeSnapshots --RegionId "$1" --SnapshotIds "[\"$2\"]" \
    --waiter expr='Snapshots.Snapshot[0].Status' to=accomplished timeout=600 interval=2 >/dev/null
}

echo "== Production in $home, with the data on its data disk"
$cli ecs OpenSnapshotService --RegionId $home >/dev/null
production=$(launch $home production --DataDisk.1.Size 20 --DataDisk.1.Category cloud_essd)
disk=$($cli ecs DescribeDisks --RegionId $home --InstanceId "$production" --DiskType data \
  --cli-query 'Disks.Disk[0].DiskId' | tr -d '"')
snapcli disk write "$disk" <"$data" >/dev/null

echo "== A snapshot, and its copy in $away"
snapshot=$($cli ecs CreateSnapshot --DiskId "$disk" --cli-query SnapshotId | tr -d '"')
finished $home "$snapshot"
copy=$($cli ecs CopySnapshot --RegionId $home --SnapshotId "$snapshot" --DestinationRegionId $away \
  --DestinationSnapshotName from-$home --cli-query SnapshotId | tr -d '"')
finished $away "$copy"

echo "== The disaster: nothing of $home is left"
$cli ecs DeleteInstance --InstanceId "$production" --Force true </dev/null >/dev/null
$cli ecs DeleteSnapshot --SnapshotId "$snapshot" </dev/null >/dev/null

echo "== Recovery in $away"
standby=$(launch $away standby)
zone=$($cli ecs DescribeInstances --RegionId $away --InstanceIds "[\"$standby\"]" \
  --cli-query 'Instances.Instance[0].ZoneId' | tr -d '"')
restored=$($cli ecs CreateDisk --RegionId $away --ZoneId "$zone" --SnapshotId "$copy" \
  --DiskCategory cloud_essd --cli-query DiskId | tr -d '"')
$cli ecs AttachDisk --InstanceId "$standby" --DiskId "$restored" >/dev/null

echo "== Comparison"
snapcli disk read "$restored" --length "$(wc -c <"$data" | tr -d ' ')" | cmp - "$data"
echo "Every byte of $data is there again, in $away."
