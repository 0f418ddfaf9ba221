#!/usr/bin/env bash
# What a policy would keep and cost: a year of it in seconds, with a disk that changes every month.
#
#   [AT=2] [KEEP_DAYS=30] [MIB_A_MONTH=16] examples/year-of-policies.sh
#
# AT is the hour. Uses the workspace in SNAPCLI_WORKSPACE, whose time it moves on by a year; without
# one, a new one that is removed at the end. CLI=aliyun takes the service's commands through
# `snapcli shim`.
set -euo pipefail
shopt -s inherit_errexit

cli=${CLI:-snapcli}
region=cn-hangzhou
at=${AT:-2}
keep=${KEEP_DAYS:-30}
mib=${MIB_A_MONTH:-16}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export SNAPCLI_WORKSPACE=${SNAPCLI_WORKSPACE:-$scratch/workspace}

snapcli clock freeze >/dev/null
$cli ecs OpenSnapshotService --RegionId $region >/dev/null
instance=$($cli ecs RunInstances --RegionId $region --InstanceType ecs.g6.large \
  --ImageId ubuntu_18_04_x64_20G_alibase_20220101.vhd --InstanceName database \
  --DataDisk.1.Size 20 --DataDisk.1.Category cloud_essd \
  --cli-query 'InstanceIdSets.InstanceIdSet[0]' | tr -d '"')
disk=$($cli ecs DescribeDisks --RegionId $region --InstanceId "$instance" --DiskType data \
  --cli-query 'Disks.Disk[0].DiskId' | tr -d '"')
policy=$($cli ecs CreateAutoSnapshotPolicy --regionId $region --autoSnapshotPolicyName daily \
  --timePoints "[\"$at\"]" --repeatWeekdays '["1","2","3","4","5","6","7"]' --retentionDays "$keep" \
  --cli-query AutoSnapshotPolicyId | tr -d '"')
$cli ecs ApplyAutoSnapshotPolicy --regionId $region --autoSnapshotPolicyId "$policy" \
  --diskIds "[\"$disk\"]" >/dev/null

for month in {1..12}; do
  head -c $((mib << 20)) /dev/urandom | snapcli disk write "$disk" --offset $(((month % 3) * (mib << 20))) >/dev/null
  snapcli clock advance 30d >/dev/null
done
snapcli clock advance 5d >/dev/null

echo "== What is kept after a year"
$cli ecs DescribeSnapshotLinks --RegionId $region --DiskIds "[\"$disk\"]" \
  --output cols=SourceDiskId,TotalCount,TotalSize rows='SnapshotLinks.SnapshotLink[]'
echo "== What the last whole month costs"
snapcli billing
