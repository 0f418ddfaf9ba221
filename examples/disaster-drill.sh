#!/usr/bin/env bash
# A drill: data is snapshotted, the disk is destroyed with its instance, the data is restored on
# another machine and compared byte for byte. Exits with 1 if anything is lost.
#
#   examples/disaster-drill.sh [FILE]
#
# FILE is the data, by default this script. Uses the workspace in SNAPCLI_WORKSPACE; without one, a
# new one that is removed at the end.
set -euo pipefail
shopt -s inherit_errexit

data=${1:-${BASH_SOURCE[0]}}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export SNAPCLI_WORKSPACE=${SNAPCLI_WORKSPACE:-$scratch/workspace}

image=ubuntu_18_04_x64_20G_alibase_20220101.vhd

launch() { # NAME ZONE [OPTION...]: start an instance, print its id
  local name=$1 zone=$2
  shift 2
  snapcli run-instances --image-id $image --instance-type ecs.g6.large \
    --instance-name "$name" --zone-id "$zone" "$@" | grep -o 'i-[a-z0-9]*'
}

data_disk() { # INSTANCE: print the id of its data disk
  snapcli describe-disks --instance-id "$1" --disk-type data \
    --output cols=DiskId rows='Disks.Disk[]' | grep '^d-'
}

finished() { # SNAPSHOT: wait until it is created
  for _ in {1..60}; do
    snapcli describe-snapshots --snapshot-ids "$1" --output cols=Status rows='Snapshots.Snapshot[]' |
      grep -q accomplished && return
    sleep 1
  done
  return 1
}

echo "== Production, with the data on its data disk"
snapcli open-snapshot-service >/dev/null
production=$(launch production cn-hangzhou-h --data-disk Size=20,Category=cloud_essd)
disk=$(data_disk "$production")
snapcli disk write "$disk" <"$data"

echo "== The nightly snapshot"
snapshot=$(snapcli create-snapshot --disk-id "$disk" --snapshot-name nightly | grep -o 's-[a-z0-9]*')
finished "$snapshot"

echo "== The disaster: the instance and its disks are released"
snapcli delete-instance --instance-id "$production" --force >/dev/null
if snapcli disk path "$disk" 2>/dev/null; then
  echo "the disk is still there" >&2
  exit 1
fi

echo "== Recovery in another zone: a new instance, a disk from the snapshot"
standby=$(launch standby cn-hangzhou-i)
restored=$(snapcli create-disk --zone-id cn-hangzhou-i --snapshot-id "$snapshot" \
  --disk-category cloud_essd | grep -o 'd-[a-z0-9]*')
snapcli attach-disk --instance-id "$standby" --disk-id "$restored" >/dev/null

echo "== Comparison"
snapcli disk read "$restored" --length "$(stat -c %s "$data")" | cmp - "$data"
echo "Every byte of $data is there again."
