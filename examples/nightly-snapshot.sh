#!/usr/bin/env bash
# Snapshot a disk, wait until the snapshot can be used, and rotate: by age, which the service sees to
# even if this never runs again, and by count.
#
#   [KEEP=7] [DAYS=30] examples/nightly-snapshot.sh DISK_ID
#
# Prints the new snapshot's id, and what was deleted on standard error. Only what this script made is
# ever deleted, and nothing before the new snapshot is finished. CLI=aliyun runs it on the real
# service, or on snapcli through `snapcli shim`.
set -euo pipefail
shopt -s inherit_errexit

cli=${CLI:-snapcli}
region=${REGION_ID:-cn-hangzhou}
keep=${KEEP:-7}
days=${DAYS:-30}
disk=${1:?which disk? Usage: nightly-snapshot.sh DISK_ID}
mark=(--Tag.1.Key made-by --Tag.1.Value nightly-snapshot)

snapshot=$($cli ecs CreateSnapshot --DiskId "$disk" --SnapshotName "nightly-$(date +%Y-%m-%d)" \
  --RetentionDays "$days" "${mark[@]}" --cli-query SnapshotId | tr -d '"')
$cli ecs DescribeSnapshots --RegionId "$region" --SnapshotIds "[\"$snapshot\"]" \
  --waiter expr='Snapshots.Snapshot[0].Status' to=accomplished timeout=600 interval=2 >/dev/null
echo "$snapshot"

# Newest first, as the service lists them.
kept=0
$cli ecs DescribeSnapshots --RegionId "$region" --DiskId "$disk" --Status accomplished \
  --PageSize 100 "${mark[@]}" --output cols=SnapshotId rows='Snapshots.Snapshot[]' |
  sed -n 's/^\(s-[^ ]*\).*/\1/p' |
  while read -r old; do
    kept=$((kept + 1))
    if [ "$kept" -gt "$keep" ]; then
      $cli ecs DeleteSnapshot --SnapshotId "$old" </dev/null >/dev/null
      echo "deleted $old" >&2
    fi
  done
