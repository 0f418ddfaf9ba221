#!/usr/bin/env bash
# An application-consistent snapshot of a MariaDB server that is written to all the while, and the
# proof that it is one: rolled back, the server starts without crash recovery, and the last row is
# one from before its tables were locked.
#
#   examples/app-consistent-mariadb.sh [--without-scripts]
#
# Without scripts the snapshot is only file-system-consistent, and the server has to recover. Needs
# root (to mount the disk), mariadbd, mkfs.ext4. Uses the workspace in SNAPCLI_WORKSPACE; without
# one, a new one that is removed at the end.
set -euo pipefail

scratch=$(mktemp -d)
export SNAPCLI_WORKSPACE=${SNAPCLI_WORKSPACE:-$scratch/workspace}
instance=
finish() {
  [ -z "$instance" ] || snapcli delete-instance --instance-id "$instance" --force --quiet || true
  rm -rf "$scratch"
}
trap finish EXIT

snapcli ecs OpenSnapshotService > /dev/null
instance=$(snapcli run-instances --image-id centos_7_9_x64_20G_alibase_20220101.vhd \
  --instance-type ecs.g7.large --data-disk Size=20,Category=cloud_essd | grep -o 'i-[a-z0-9]*')
disk=$(snapcli describe-disks --instance-id "$instance" --disk-type data \
  --output cols=DiskId rows='Disks.Disk[]' | grep '^d-')

echo "== A role that may capture"
trust='{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
  "Principal":{"Service":["ecs.aliyuncs.com"]}}]}'
policy='{"Version":"1","Statement":[{"Effect":"Allow","Resource":["*"],"Action":[
  "ecs:DescribeSnapshot*","ecs:CreateSnapshot*","ecs:TagResources","ecs:DescribeDisks"]}]}'
snapcli ram CreateRole --RoleName AppSnapshotRoleName --AssumeRolePolicyDocument "$trust" > /dev/null
snapcli ram CreatePolicy --PolicyName AppSnapshotPolicy --PolicyDocument "$policy" > /dev/null
snapcli ram AttachPolicyToRole --PolicyType Custom --PolicyName AppSnapshotPolicy \
  --RoleName AppSnapshotRoleName > /dev/null
snapcli attach-instance-ram-role --ram-role-name AppSnapshotRoleName \
  --instance-ids "$instance" > /dev/null

echo "== A server with its data on the data disk"
root=$(snapcli guest path "$instance")
snapcli guest run "$instance" -- mkfs.ext4 -q dev/vdb 256M
snapcli guest mount "$instance" "$disk" /data
snapcli guest run "$instance" -- mariadb-install-db --no-defaults --user=root \
  --datadir="$root/data/mysql" --skip-test-db > /dev/null
# Its socket has a short path, as sockets must.
socket=$scratch/s
serve() {
  snapcli guest run -d "$instance" -- mariadbd --no-defaults --user=root --skip-networking \
    --datadir="$root/data/mysql" --socket="$socket" --log-error="$root/var/log/mariadb.log" \
    --innodb-max-dirty-pages-pct=0 --innodb-max-dirty-pages-pct-lwm=0 > /dev/null
  for _ in {1..300}; do
    mariadb-admin --no-defaults -u root -S "$socket" ping > /dev/null 2>&1 && return
    sleep 0.1
  done
  cat "$root/var/log/mariadb.log" >&2
  return 1
}
ask() { mariadb --no-defaults -u root -S "$socket" -N -B -e "$1"; }
serve
ask "create database works; create table works.PointInTime (id int primary key, t datetime(6));
delimiter \$\$
create procedure works.TestPIT() begin declare i int default 1; while i < 100000 do
  insert into works.PointInTime values (i, now(6)); do sleep(0.005); set i = i + 1; end while; end\$\$
delimiter ;"

echo "== Scripts that lock and unlock it"
cat > "$scratch/pre.sh" << SCRIPT
#!/bin/bash
ask() { mariadb --no-defaults -u root -S "$socket" -N -B -e "\$1"; }
date '+%F %T.%6N' > "$root/began"
ask "flush tables with read lock; select now(6) into outfile '$root/locked'; do sleep(600)" &
while ! [ -s "$root/locked" ]; do sleep 0.02; done
# What is still in memory only has to be on the disk, so that nothing is left to recover.
for _ in {1..500}; do
  left=\$(ask "select sum(variable_value) from information_schema.global_status where
    variable_name in ('innodb_buffer_pool_pages_dirty', 'innodb_history_list_length')")
  age=\$(ask "select variable_value from information_schema.global_status where
    variable_name = 'innodb_checkpoint_age'")
  [ "\$left" = 0 ] && [ "\$age" -lt 100 ] && exit 0
  sleep 0.05
done
echo "still dirty: \$left pages, checkpoint age \$age"
exit 1
SCRIPT
cat > "$scratch/post.sh" << SCRIPT
#!/bin/bash
ask() { mariadb --no-defaults -u root -S "$socket" -N -B -e "\$1"; }
for id in \$(ask "select id from information_schema.processlist where info = 'do sleep(600)'"); do
  ask "kill \$id"
done
SCRIPT

echo "== A client inserts rows; in the middle of it a snapshot"
ask "call works.TestPIT()" > /dev/null 2>&1 &
sleep 1
scripts=(--pre-script "$scratch/pre.sh" --post-script "$scratch/post.sh")
[ "${1:-}" != --without-scripts ] || scripts=()
group=$(snapcli create-app-snapshot --instance-id "$instance" --name mariadb "${scripts[@]}")
snapshot=$(snapcli describe-snapshots --disk-id "$disk" --output cols=SnapshotId \
  rows='Snapshots.Snapshot[]' | grep '^s-')
snapcli describe-snapshots --disk-id "$disk" | grep -o '"[A-Za-z]*Consistent"' | tr -d '"'
sleep 1
echo "rows in the end: $(ask 'select count(*) from works.PointInTime')"

echo "== Back to the snapshot"
snapcli describe-snapshots --disk-id "$disk" --quiet \
  --waiter expr='Snapshots.Snapshot[0].Status' to=accomplished
snapcli stop-instance --instance-id "$instance" --quiet
snapcli ecs ResetDisks --Disk.1.DiskId "$disk" --Disk.1.SnapshotId "$snapshot" --yes > /dev/null
snapcli start-instance --instance-id "$instance" --quiet
snapcli guest mount "$instance" "$disk" /data > /dev/null
rm "$root/var/log/mariadb.log"
serve
if grep -q 'crash recovery' "$root/var/log/mariadb.log"; then
  echo "recovery: the server had to recover"
else
  echo "recovery: none was needed"
fi
echo "rows at the snapshot: $(ask 'select count(*) from works.PointInTime')"
last=$(ask 'select max(t) from works.PointInTime')
echo "last row: $last"
if [ -s "$root/locked" ]; then
  echo "prescript began: $(cat "$root/began")"
  echo "locked: $(cat "$root/locked")"
  [[ "$last" < "$(cat "$root/locked")" ]] && echo "Group $group: the last row precedes the lock."
fi
