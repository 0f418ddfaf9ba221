"""The workspace.toml of a new workspace. A test holds it to the defaults of `Settings`."""

TEMPLATE = """\
# Settings of a snapcli workspace. Edit them here, or with: snapcli config set KEY VALUE
# Comments and layout stay as they are. A setting that is left out has the value shown here.
format = 1

# The region of a command that names none.
region = "cn-hangzhou"

# The zone in which the hours of automatic snapshot policies are meant.
time_zone = "Asia/Shanghai"

# The id of the account "default": 16 digits.
account_id = "1234567890123456"

# How `--waiter` lets the time between two looks go by: "sleep" really waits, "advance" moves the
# workspace's clock instead. With "sleep" a frozen clock is not waited for.
waiter = "sleep"

# How long things seem to take: one of the [speeds] below, or one that you add.
speed = "quick"

# Throughput of a snapshot (0: no limit) and the least time it is `progressing`; how long a local
# snapshot is, whatever its size; how long an instance takes to start or stop, and a disk to be made
# or attached; throughput of a copy to another region, which is `progressing` no less than a
# snapshot.
[speeds.instant]
snapshot_mib_per_second = 0
snapshot_minimum_seconds = 0
local_snapshot_seconds = 0
instance_seconds = 0
disk_seconds = 0
copy_mib_per_second = 0

[speeds.quick]
snapshot_mib_per_second = 1024
snapshot_minimum_seconds = 2
local_snapshot_seconds = 1
instance_seconds = 0
disk_seconds = 0
copy_mib_per_second = 256

[speeds.realistic]
snapshot_mib_per_second = 100
snapshot_minimum_seconds = 30
local_snapshot_seconds = 5
instance_seconds = 20
disk_seconds = 5
copy_mib_per_second = 20

# The time in here. "system": the system's time plus offset_seconds. "frozen": it stands at the
# instant `at`, for example "2024-01-31T08:00:00Z". `snapcli clock` changes these.
[clock]
mode = "system"
offset_seconds = 0
at = ""

[quotas]
manual_snapshots_per_disk = 256
automatic_snapshots_per_disk = 1000
disks_per_instance = 17
tags_per_resource = 20
instant_access_snapshots_per_disk = 10
local_snapshots_per_disk = 10
images_per_region = 100
accounts_per_shared_image = 50
policies_per_region = 100

# What is billed, in USD; a GiB is 1,073,741,824 bytes. The price of a month is spread over its
# hours. Of standard storage the first GiB of a region are free. Instant access costs beside the
# storage: by size and time, and for each switching-on.
[prices]
standard_usd_per_gib_month = 0.02
standard_free_gib = 5
local_usd_per_gib_month = 0.224
archive_usd_per_gib_month = 0.02
instant_access_usd_per_gib_month = 0.224
instant_access_usd_per_use = 0.1415

# What the commands of Cloud Assistant (RunCommand, InvokeCommand, SendFile) may do on this machine:
# "allow" runs any script, with the rights of whoever runs snapcli; "plugin" only the snapshot
# plug-in with its scripts; "deny" nothing.
[guest]
commands = "allow"
"""
