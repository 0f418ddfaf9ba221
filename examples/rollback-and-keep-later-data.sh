#!/usr/bin/env bash
# The guide's recipe (section 4.6) for a disk that must go back to T1 although what was written
# until T2 is wanted too: snapshot B at T2, roll back to snapshot A, make a disk from B, attach it,
# copy over what is missing.
#
#   examples/rollback-and-keep-later-data.sh
#
# Uses the workspace in SNAPCLI_WORKSPACE; without one, a new one that is removed at the end.
set -euo pipefail
shopt -s inherit_errexit

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export SNAPCLI_WORKSPACE=${SNAPCLI_WORKSPACE:-$scratch/workspace}

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
  id=$(snapcli create-snapshot --disk-id "$disk" --snapshot-name "$1" | grep -o 's-[a-z0-9]*')
  for _ in {1..60}; do
    snapcli describe-snapshots --snapshot-ids "$id" --output cols=Status rows='Snapshots.Snapshot[]' |
      grep -q accomplished && echo "$id" && return
    sleep 1
  done
  return 1
}

snapcli open-snapshot-service >/dev/null
instance=$(snapcli run-instances --image-id centos_7_9_x64_20G_alibase_20220101.vhd \
  --instance-type ecs.g6.large --zone-id $zone --data-disk Size=20,Category=cloud_essd |
  grep -o 'i-[a-z0-9]*')
disk=$(snapcli describe-disks --instance-id "$instance" --disk-type data \
  --output cols=DiskId rows='Disks.Disk[]' | grep '^d-')

echo '== T1: all is well; snapshot A'
put 0 'configuration: good'
put 1 'order 1'
a=$(snapshot snapshot-A)

echo '== T2: the configuration is broken, and an order has come in; snapshot B'
put 0 'configuration: broken'
put 2 'order 2'
b=$(snapshot snapshot-B)

echo '== Back to A'
snapcli stop-instance --instance-id "$instance" >/dev/null
snapcli reset-disk --disk-id "$disk" --snapshot-id "$a" --yes >/dev/null

echo '== A disk from B, attached to the same instance'
later=$(snapcli create-disk --zone-id $zone --snapshot-id "$b" --disk-category cloud_essd |
  grep -o 'd-[a-z0-9]*')
snapcli attach-disk --instance-id "$instance" --disk-id "$later" >/dev/null
snapcli start-instance --instance-id "$instance" >/dev/null

echo '== What came after T1 is copied over'
put 2 "$(get "$later" 2)"

for at in 0 1 2; do get "$disk" $at; echo; done
