#!/usr/bin/env bash
# The test of a backup script that a CI job runs: ten nights in a workspace of its own, then a restore.
#
#   examples/test-backup-script.sh [SCRIPT]
#
# SCRIPT is called with a disk's id, by default nightly-snapshot.sh beside this file. It may say
# `aliyun`: a shim of it is first on the PATH. Exits with 1 if the script does not do what it is for.
set -euo pipefail
shopt -s inherit_errexit

script=${1:-$(dirname "${BASH_SOURCE[0]}")/nightly-snapshot.sh}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export SNAPCLI_WORKSPACE=$scratch/workspace KEEP=7
fail() { echo "FAILED: $*" >&2; exit 1; }

eval "$(snapcli shim "$scratch/bin" 2>/dev/null)"
snapcli config set speed instant >/dev/null
snapcli clock freeze >/dev/null
aliyun ecs OpenSnapshotService --RegionId cn-hangzhou >/dev/null
instance=$(aliyun ecs RunInstances --RegionId cn-hangzhou --InstanceType ecs.g6.large \
  --ImageId ubuntu_18_04_x64_20G_alibase_20220101.vhd --DataDisk.1.Size 20 \
  --DataDisk.1.Category cloud_essd --cli-query 'InstanceIdSets.InstanceIdSet[0]' | tr -d '"')
disk=$(aliyun ecs DescribeDisks --RegionId cn-hangzhou --InstanceId "$instance" --DiskType data \
  --cli-query 'Disks.Disk[0].DiskId' | tr -d '"')

for night in {1..10}; do
  echo "night $night" | snapcli disk write "$disk" >/dev/null
  CLI=aliyun bash "$script" "$disk" >"$scratch/said" 2>/dev/null || fail "night $night"
  snapcli clock advance 1d >/dev/null
done

count=$(aliyun ecs DescribeSnapshots --RegionId cn-hangzhou --DiskId "$disk" --cli-query TotalCount)
[ "$count" = $KEEP ] || fail "$count snapshots are kept, not $KEEP"

echo ruined | snapcli disk write "$disk" >/dev/null
newest=$(aliyun ecs DescribeSnapshots --RegionId cn-hangzhou --DiskId "$disk" \
  --cli-query 'Snapshots.Snapshot[0].SnapshotId' | tr -d '"')
aliyun ecs StopInstance --InstanceId "$instance" >/dev/null
aliyun ecs ResetDisk --DiskId "$disk" --SnapshotId "$newest" </dev/null >/dev/null
[ "$(snapcli disk read "$disk" --length 8)" = 'night 10' ] || fail 'the last night is not restored'

snapcli clock advance 40d >/dev/null
count=$(aliyun ecs DescribeSnapshots --RegionId cn-hangzhou --DiskId "$disk" --cli-query TotalCount)
[ "$count" = 0 ] || fail "$count snapshots are left after their days"
echo 'The backup script rotates and restores.'
