#!/usr/bin/env bash
# Snapshot a disk and return when the snapshot can be used, or fail when that takes too long.
#
#   [TIMEOUT=600] examples/snapshot-and-wait.sh DISK_ID [NAME]
#
# Prints the snapshot's id. CLI=aliyun runs it on the real service, or on snapcli through
# `snapcli shim`.
set -euo pipefail
shopt -s inherit_errexit

cli=${CLI:-snapcli}
disk=${1:?which disk? Usage: snapshot-and-wait.sh DISK_ID [NAME]}

snapshot=$($cli ecs CreateSnapshot --DiskId "$disk" --SnapshotName "${2:-by-hand}" \
  --cli-query SnapshotId | tr -d '"')
if ! $cli ecs DescribeSnapshots --RegionId "${REGION_ID:-cn-hangzhou}" --SnapshotIds "[\"$snapshot\"]" \
  --waiter expr='Snapshots.Snapshot[0].Status' to=accomplished "timeout=${TIMEOUT:-600}" interval=2 \
  >/dev/null; then
  echo "$snapshot is not finished; it goes on in the background" >&2
  exit 1
fi
echo "$snapshot"
