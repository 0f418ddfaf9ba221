#!/usr/bin/env bash
# The guide's own lines for a snapshot (section 4.2), as they are typed for the real service.
#
#   examples/first-session.sh
#
# Uses the workspace in SNAPCLI_WORKSPACE; without one, a new one that is removed at the end. CLI=aliyun
# takes the commands through `snapcli shim`.
set -euo pipefail
shopt -s inherit_errexit

# Remove this line, and the rest speaks to the real service.
aliyun() { command "${CLI:-snapcli}" "$@"; }

region=cn-hangzhou
if [ -z "${SNAPCLI_WORKSPACE:-}" ]; then
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  export SNAPCLI_WORKSPACE=$scratch/workspace
fi

echo '== What is needed first: an activated service, an instance with a data disk'
aliyun ecs OpenSnapshotService --RegionId $region
instance=$(aliyun ecs RunInstances --RegionId $region \
  --ImageId centos_7_9_x64_20G_alibase_20220101.vhd --InstanceType ecs.g6.large \
  --InstanceName web-1 --DataDisk.1.Size 20 --DataDisk.1.Category cloud_essd |
  grep -o 'i-[a-z0-9]*')

echo '== The instance and its disks'
aliyun ecs DescribeInstances --RegionId $region --output cols=InstanceId, InstanceName rows=Instances.Instance[]
aliyun ecs DescribeDisks --RegionId $region --InstanceId "$instance" --output cols=DiskId rows=Disks.Disk[]
disk=$(aliyun ecs DescribeDisks --RegionId $region --InstanceId "$instance" --DiskType data \
  --output cols=DiskId rows=Disks.Disk[] | grep '^d-')

echo '== A snapshot'
snapshot=$(aliyun ecs CreateSnapshot --DiskId "$disk" | grep SnapshotId | grep -o 's-[a-z0-9]*')

echo '== Until it is created'
status() {
  aliyun ecs DescribeSnapshots --RegionId $region --InstanceId "$instance" \
    --output cols=SnapshotId,Status rows=Snapshots.Snapshot[]
}
for _ in {1..60}; do
  if status | grep "$snapshot" | grep -q accomplished; then break; fi
  sleep 1
done
status
