#!/usr/bin/env bash
# Snapshot every disk of an instance, run a command that changes it, and put the disks back as they
# were when the command fails.
#
#   examples/upgrade-with-rollback.sh INSTANCE_ID COMMAND [ARGUMENT...]
#
# The exit code is the command's. CLI=aliyun runs it on the real service, or on snapcli through
# `snapcli shim`.
set -euo pipefail
shopt -s inherit_errexit

cli=${CLI:-snapcli}
region=${REGION_ID:-cn-hangzhou}
instance=${1:?which instance? Usage: upgrade-with-rollback.sh INSTANCE_ID COMMAND...}
shift
[ $# -gt 0 ] || { echo 'no command to run' >&2; exit 2; }

wait_for() { # ACTION LIST STATUS OPTION...: call until the first item of the list has the status
  local action=$1 list=$2 status=$3
  shift 3
  $cli ecs "$action" --RegionId "$region" "$@" \
    --waiter expr="$list[0].Status" to="$status" timeout=600 interval=2 >/dev/null
}
set_power() { # ACTION STATUS: stop or start the instance
  $cli ecs "$1" --InstanceId "$instance" >/dev/null
  wait_for DescribeInstances Instances.Instance "$2" --InstanceIds "[\"$instance\"]"
}

disks=() snapshots=()
while read -r disk; do disks+=("$disk"); done < <(
  $cli ecs DescribeDisks --RegionId "$region" --InstanceId "$instance" --PageSize 100 \
    --output cols=DiskId rows='Disks.Disk[]' | sed -n 's/^\(d-[^ ]*\).*/\1/p'
)
[ ${#disks[@]} -gt 0 ] || { echo "$instance has no disks here" >&2; exit 1; }

for disk in "${disks[@]}"; do
  snapshots+=("$($cli ecs CreateSnapshot --DiskId "$disk" --SnapshotName before-upgrade \
    --RetentionDays 7 --cli-query SnapshotId | tr -d '"')")
done
for snapshot in "${snapshots[@]}"; do
  wait_for DescribeSnapshots Snapshots.Snapshot accomplished --SnapshotIds "[\"$snapshot\"]"
done
echo "${#disks[@]} disks are safe: ${snapshots[*]}" >&2

code=0
"$@" || code=$?
if [ $code -eq 0 ]; then
  echo 'The upgrade is done; the snapshots stay for 7 days.' >&2
  exit 0
fi

echo "The upgrade failed with $code; rolling back." >&2
set_power StopInstance Stopped
for at in "${!disks[@]}"; do
  $cli ecs ResetDisk --DiskId "${disks[at]}" --SnapshotId "${snapshots[at]}" </dev/null >/dev/null
done
set_power StartInstance Running
echo "All disks of $instance are as they were." >&2
exit $code
