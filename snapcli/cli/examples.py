"""An example for each action, as data: what it shows, and its wire parameters.

Both forms are spelled from the same parameters, so that no example can be wrong in one of them.
"""

from collections.abc import Mapping

from snapcli.cli.guest_examples import GUEST_EXAMPLES

_DISK = "d-bp1fw3k1example001"
_SNAPSHOT = "s-bp1fw3k1example001"
_INSTANCE = "i-bp1fw3k1example001"
_GROUP = "ssg-bp1fw3k1example001"
_ROLE = "AppSnapshotRoleName"
_OWN_POLICY = {"PolicyType": "Custom", "PolicyName": "AppSnapshotPolicy"}
_TASK = "tsk-bp1fw3k1example001"
_CUSTOM = "m-bp1fw3k1example001"
_POLICY = "sp-bp1fw3k1example001"
_IMAGE = "ubuntu_18_04_x64_20G_alibase_20220101.vhd"

Example = tuple[str, Mapping[str, str]]

EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    **GUEST_EXAMPLES,
    "DescribeRegions": (("All regions, their names in English", {"AcceptLanguage": "en-US"}),),
    "DescribeZones": (("The zones of a region", {"RegionId": "cn-hangzhou"}),),
    "RunInstances": (
        (
            "An instance with a system disk and one ESSD data disk",
            {
                "RegionId": "cn-hangzhou",
                "ImageId": _IMAGE,
                "InstanceType": "ecs.g6.large",
                "InstanceName": "web-1",
                "SystemDisk.Size": "40",
                "DataDisk.1.Size": "20",
                "DataDisk.1.Category": "cloud_essd",
            },
        ),
    ),
    "DescribeInstances": (("Running instances", {"Status": "Running"}),),
    "ModifyInstanceAttribute": (
        ("Give an instance another name", {"InstanceId": _INSTANCE, "InstanceName": "web-2"}),
    ),
    "StartInstance": (("Start an instance", {"InstanceId": _INSTANCE}),),
    "StartInstances": (("Start instances", {"InstanceId.1": _INSTANCE}),),
    "StopInstance": (("Stop an instance", {"InstanceId": _INSTANCE}),),
    "StopInstances": (("Stop instances", {"InstanceId.1": _INSTANCE}),),
    "RebootInstance": (("Restart an instance", {"InstanceId": _INSTANCE}),),
    "RebootInstances": (("Restart instances", {"InstanceId.1": _INSTANCE}),),
    "DeleteInstance": (
        ("Release an instance, running or not", {"InstanceId": _INSTANCE, "Force": "true"}),
    ),
    "DeleteInstances": (("Release instances", {"InstanceId.1": _INSTANCE}),),
    "CreateDisk": (
        (
            "An empty ESSD",
            {"ZoneId": "cn-hangzhou-h", "DiskCategory": "cloud_essd", "Size": "20"},
        ),
        ("A disk from a snapshot", {"ZoneId": "cn-hangzhou-h", "SnapshotId": _SNAPSHOT}),
    ),
    "DescribeDisks": (
        ("An instance's disks", {"InstanceId": _INSTANCE}),
        ("Disks by id", {"DiskIds": f'["{_DISK}"]'}),
    ),
    "ModifyDiskAttribute": (("Name a disk", {"DiskId": _DISK, "DiskName": "data"}),),
    "AttachDisk": (("Attach a disk", {"InstanceId": _INSTANCE, "DiskId": _DISK}),),
    "DetachDisk": (("Detach a disk", {"InstanceId": _INSTANCE, "DiskId": _DISK}),),
    "DeleteDisk": (("Release a disk", {"DiskId": _DISK}),),
    "ResizeDisk": (("Make a disk 40 GiB large", {"DiskId": _DISK, "NewSize": "40"}),),
    "ReInitDisk": (("Empty a data disk", {"DiskId": _DISK}),),
    "ReplaceSystemDisk": (
        ("Another operating system", {"InstanceId": _INSTANCE, "ImageId": _IMAGE}),
    ),
    "ResetDisk": (
        (
            "Roll a disk back, its instance being stopped",
            {"DiskId": _DISK, "SnapshotId": _SNAPSHOT},
        ),
    ),
    "OpenSnapshotService": (("Activate the snapshot service", {}),),
    "CreateSnapshot": (
        (
            "A snapshot with a name and a tag",
            {
                "DiskId": _DISK,
                "SnapshotName": "before-upgrade",
                "Tag.1.Key": "env",
                "Tag.1.Value": "prod",
            },
        ),
        ("One that is released after a week", {"DiskId": _DISK, "RetentionDays": "7"}),
        (
            "One that can be used at once, for a day (ESSD)",
            {"DiskId": _DISK, "InstantAccess": "true", "InstantAccessRetentionDays": "1"},
        ),
        ("A local snapshot (ESSD)", {"DiskId": _DISK, "Category": "flash"}),
    ),
    "CopySnapshot": (
        (
            "A copy in another region",
            {
                "SnapshotId": _SNAPSHOT,
                "DestinationRegionId": "cn-beijing",
                "DestinationSnapshotName": "copy-of-release-7",
            },
        ),
        (
            "One that is released after 30 days",
            {
                "SnapshotId": _SNAPSHOT,
                "DestinationRegionId": "cn-beijing",
                "RetentionDays": "30",
            },
        ),
    ),
    "DescribeSnapshots": (
        ("A disk's snapshots", {"RegionId": "cn-hangzhou", "DiskId": _DISK}),
        ("Snapshots by tag", {"Tag.1.Key": "env", "Tag.1.Value": "prod"}),
    ),
    "DeleteSnapshot": (
        ("Delete a snapshot", {"SnapshotId": _SNAPSHOT}),
        ("Even though disks were made from it", {"SnapshotId": _SNAPSHOT, "Force": "true"}),
    ),
    "DeleteSnapshots": (
        (
            "Delete two snapshots, each with its own outcome",
            {"SnapshotId.1": _SNAPSHOT, "SnapshotId.2": "s-bp1fw3k1example002"},
        ),
        (
            "Show which daily ones of a disk are beyond the newest seven, deleting nothing",
            {"DiskId.1": _DISK, "Name": "daily-*", "KeepLast": "7", "DryRun": "true"},
        ),
        (
            "Delete what carries a tag and is older than 30 days",
            {"Tag.1.Key": "env", "Tag.1.Value": "test", "OlderThan": "30d"},
        ),
    ),
    "ModifySnapshotAttribute": (
        ("Name a snapshot", {"SnapshotId": _SNAPSHOT, "SnapshotName": "release-7"}),
    ),
    "ModifySnapshotCategory": (
        (
            "Archive a snapshot and delete it a year after its creation",
            {"SnapshotId": _SNAPSHOT, "Category": "archive", "RetentionDays": "365"},
        ),
    ),
    "LockSnapshot": (
        (
            "Nobody can delete it for 30 days; the first 24 hours are for second thoughts",
            {
                "SnapshotId": _SNAPSHOT,
                "LockMode": "compliance",
                "LockDuration": "30",
                "CoolOffPeriod": "24",
            },
        ),
    ),
    "UnlockSnapshot": (("Take a lock off", {"SnapshotId": _SNAPSHOT}),),
    "DescribeLockedSnapshots": (
        ("Snapshots that are locked for good", {"LockStatus": "compliance"}),
    ),
    "CreateImage": (
        (
            "An image from a system disk's snapshot",
            {"SnapshotId": _SNAPSHOT, "ImageName": "web-1", "ImageFamily": "web"},
        ),
        (
            "With a data disk's snapshot and an empty disk",
            {
                "ImageName": "web-2",
                "DiskDeviceMapping.1.SnapshotId": _SNAPSHOT,
                "DiskDeviceMapping.2.SnapshotId": "s-bp1fw3k1example002",
                "DiskDeviceMapping.3.Size": "20",
            },
        ),
        ("From an instance and all its disks", {"InstanceId": _INSTANCE, "ImageName": "web-3"}),
    ),
    "DescribeImages": (
        ("One's own images", {"ImageOwnerAlias": "self"}),
        ("By name, in creation or finished", {"ImageName": "web*", "Status": "Creating,Available"}),
    ),
    "DescribeImageFromFamily": (("The newest image of a family", {"ImageFamily": "web"}),),
    "ModifyImageAttribute": (
        ("Take an image out of use", {"ImageId": _CUSTOM, "Status": "Deprecated"}),
    ),
    "DeleteImage": (
        ("Delete an image", {"ImageId": _CUSTOM}),
        ("Although instances were made from it", {"ImageId": _CUSTOM, "Force": "true"}),
    ),
    "CreateAutoSnapshotPolicy": (
        (
            "At midnight and one o'clock in the afternoon, every day, kept 30 days",
            {
                "regionId": "cn-hangzhou",
                "timePoints": '["0","13"]',
                "repeatWeekdays": '["1","2","3","4","5","6","7"]',
                "retentionDays": "30",
                "autoSnapshotPolicyName": "daily",
            },
        ),
        (
            "The same as people write it",
            {
                "regionId": "cn-hangzhou",
                "Name": "daily",
                "At": "00:00,13:00",
                "On": "mon-sun",
                "Keep": "30d",
            },
        ),
    ),
    "ModifyAutoSnapshotPolicyEx": (
        (
            "Keep later snapshots a year",
            {
                "regionId": "cn-hangzhou",
                "autoSnapshotPolicyId": _POLICY,
                "retentionDays": "365",
            },
        ),
    ),
    "DeleteAutoSnapshotPolicy": (
        ("Delete a policy", {"regionId": "cn-hangzhou", "autoSnapshotPolicyId": _POLICY}),
    ),
    "ApplyAutoSnapshotPolicy": (
        (
            "Apply a policy to a disk",
            {
                "regionId": "cn-hangzhou",
                "autoSnapshotPolicyId": _POLICY,
                "diskIds": f'["{_DISK}"]',
            },
        ),
    ),
    "CancelAutoSnapshotPolicy": (
        (
            "Take the policy off a disk",
            {"regionId": "cn-hangzhou", "diskIds": f'["{_DISK}"]'},
        ),
    ),
    "DescribeAutoSnapshotPolicyEx": (("The policies of a region", {"RegionId": "cn-hangzhou"}),),
    "DescribeAutoSnapshotPolicyAssociations": (
        (
            "The disks of a policy",
            {"RegionId": "cn-hangzhou", "AutoSnapshotPolicyId": _POLICY},
        ),
    ),
    "CreateSnapshotGroup": (
        ("All ESSDs of an instance at one instant", {"InstanceId": _INSTANCE, "Name": "nightly"}),
        ("Disks of several instances", {"DiskId.1": _DISK, "DiskId.2": "d-bp1fw3k1example002"}),
    ),
    "DescribeSnapshotGroups": (("The groups of an instance", {"InstanceId": _INSTANCE}),),
    "ModifySnapshotGroup": (
        ("Give a group another name", {"SnapshotGroupId": _GROUP, "Name": "weekly"}),
    ),
    "DeleteSnapshotGroup": (("Delete a group with its snapshots", {"SnapshotGroupId": _GROUP}),),
    "ResetDisks": (
        ("Roll a disk of a group back", {"Disk.1.DiskId": _DISK, "Disk.1.SnapshotId": _SNAPSHOT}),
    ),
    "CopyImage": (
        (
            "An image in another region",
            {
                "ImageId": _CUSTOM,
                "DestinationRegionId": "cn-beijing",
                "DestinationImageName": "web-1",
            },
        ),
    ),
    "CancelCopyImage": (
        ("End an unfinished copy", {"RegionId": "cn-beijing", "ImageId": _CUSTOM}),
    ),
    "ExportImage": (
        (
            "As qcow2 files in the workspace's folder buckets/exports",
            {"ImageId": _CUSTOM, "OSSBucket": "exports", "ImageFormat": "qcow2"},
        ),
    ),
    "ImportImage": (
        (
            "A system disk from buckets/exports",
            {
                "ImageName": "web-1",
                "DiskDeviceMapping.1.OSSBucket": "exports",
                "DiskDeviceMapping.1.OSSObject": "web-1.qcow2",
            },
        ),
    ),
    "DescribeTasks": (("Exports and imports at work", {"TaskStatus": "Processing"}),),
    "DescribeTaskAttribute": (("How far one has come", {"TaskId": _TASK}),),
    "CancelTask": (("End one", {"TaskId": _TASK}),),
    "ModifyImageSharePermission": (
        ("Let another account use it", {"ImageId": _CUSTOM, "AddAccount.1": "2234567890123456"}),
        ("And no longer", {"ImageId": _CUSTOM, "RemoveAccount.1": "2234567890123456"}),
    ),
    "DescribeImageSharePermission": (("Whom an image is shared with", {"ImageId": _CUSTOM}),),
    "DescribeSnapshotLinks": (("A disk's chain and its size", {"DiskIds": f'["{_DISK}"]'}),),
    "DescribeSnapshotsUsage": (("Count and size in a region", {"RegionId": "cn-hangzhou"}),),
    "DescribeSnapshotMonitorData": (
        (
            "An hour in steps of ten minutes",
            {
                "RegionId": "cn-hangzhou",
                "StartTime": "2022-03-11T01:00:00Z",
                "EndTime": "2022-03-11T02:00:00Z",
                "Period": "600",
            },
        ),
    ),
    "DescribeSnapshotPackage": (("Packages of a region", {"RegionId": "cn-hangzhou"}),),
    "TagResources": (
        (
            "A tag on two snapshots",
            {
                "ResourceId.1": _SNAPSHOT,
                "ResourceId.2": "s-bp1fw3k1example002",
                "ResourceType": "snapshot",
                "Tag.1.Key": "env",
                "Tag.1.Value": "prod",
            },
        ),
    ),
    "UntagResources": (
        (
            "Take a tag off a disk",
            {"ResourceId.1": _DISK, "ResourceType": "disk", "TagKey.1": "env"},
        ),
        ("All its tags", {"ResourceId.1": _DISK, "ResourceType": "disk", "All": "true"}),
    ),
    "ListTagResources": (
        ("A snapshot's tags", {"ResourceType": "snapshot", "ResourceId.1": _SNAPSHOT}),
        (
            "Disks whose tag env begins with prod",
            {
                "ResourceType": "disk",
                "TagFilter.1.TagKey": "env",
                "TagFilter.1.TagValues.1": "prod*",
            },
        ),
    ),
    "AddTags": (
        (
            "A tag on an instance",
            {"ResourceId": _INSTANCE, "ResourceType": "instance", "Tag.1.Key": "team"},
        ),
    ),
    "RemoveTags": (
        (
            "Take it off again",
            {"ResourceId": _INSTANCE, "ResourceType": "instance", "Tag.1.Key": "team"},
        ),
    ),
    "DescribeTags": (("The tags on disks", {"ResourceType": "disk"}),),
    "DescribeResourceByTags": (
        ("What carries a tag", {"Tag.1.Key": "env", "Tag.1.Value": "prod"}),
    ),
    "ShowChain": (
        ("Draw a disk's chain", {"DiskId": _DISK}),
        (
            "The copies of its snapshots in another region",
            {"DiskId": "sl-bp1fw3k1example001", "RegionId": "cn-beijing"},
        ),
    ),
    "ShowDiskPath": (("Where a disk's bytes are", {"DiskId": _DISK}),),
    "ImportDisk": (("Make a disk from an image file", {"File": "disk.raw"}),),
    "ReadDisk": (
        ("The first 512 bytes of a disk", {"DiskId": _DISK, "Offset": "0", "Length": "512"}),
    ),
    "WriteDisk": (("Standard input to a place on a disk", {"DiskId": _DISK, "Offset": "4096"}),),
    "ShowClock": (("The workspace's time", {}),),
    "FreezeClock": (("Stop the time where it is", {}),),
    "AdvanceClock": (("Go three days and two hours ahead", {"By": "3d2h"}),),
    "SetClock": (("Go to an instant", {"At": "2022-03-11T10:33:00Z"}),),
    "ResumeClock": (("Let the time run on", {}),),
    "ResetClock": (("Back to the system's time", {}),),
    "ConfigureClock": (("What `config set clock.offset_seconds` does", {"OffsetSeconds": "90"}),),
    "ShowTimeline": (
        ("A week back and a week ahead", {}),
        ("The runs of a day to come", {"Ahead": "true", "Days": "1", "Kind.1": "policy-run"}),
        ("What became of a disk's snapshots", {"Past": "true", "DiskId": _DISK}),
    ),
    "PreviewPolicy": (
        ("The next ten runs of a policy", {"AutoSnapshotPolicyId": _POLICY}),
        ("Hours that no policy has yet", {"At": "00:00,13:00", "On": "mon-fri", "Count": "5"}),
    ),
    "ForecastPolicy": (
        ("A year, at the change that snapshots have measured", {}),
        ("A year of a disk of which 2 % change a day", {"Change": "2%/day", "DiskId.1": _DISK}),
        (
            "As if a policy were applied to a disk",
            {"PolicyId": _POLICY, "DiskId.1": _DISK, "Change": "1GiB/week", "Days": "90"},
        ),
    ),
    "SettleTime": (("What cron does every five minutes", {}),),
    "ListAccounts": (("The accounts of the workspace", {}),),
    "AddAccount": (("An account to share images with", {"Name": "partner"}),),
    "UseAccount": (("Act for the first account again", {"Name": "default"}),),
    "AttachInstanceRamRole": (
        ("Give an instance a role", {"InstanceIds": f'["{_INSTANCE}"]', "RamRoleName": _ROLE}),
    ),
    "DetachInstanceRamRole": (
        ("Take the role off an instance", {"InstanceIds": f'["{_INSTANCE}"]'}),
    ),
    "DescribeInstanceRamRole": (("The instances with a role", {"RamRoleName": _ROLE}),),
    "CreateRole": (
        (
            "A role that instances can have",
            {
                "RoleName": _ROLE,
                "AssumeRolePolicyDocument": '{"Version":"1","Statement":[{"Effect":"Allow",'
                '"Action":"sts:AssumeRole","Principal":{"Service":["ecs.aliyuncs.com"]}}]}',
            },
        ),
    ),
    "GetRole": (("A role with its trust policy", {"RoleName": _ROLE}),),
    "ListRoles": (("The account's roles", {}),),
    "DeleteRole": (("Delete a role", {"RoleName": _ROLE}),),
    "CreatePolicy": (
        (
            "A policy that lets snapshots be made",
            {
                "PolicyName": "AppSnapshotPolicy",
                "PolicyDocument": '{"Version":"1","Statement":[{"Effect":"Allow",'
                '"Action":["ecs:CreateSnapshot*","ecs:DescribeSnapshot*"],"Resource":"*"}]}',
            },
        ),
    ),
    "GetPolicy": (("A policy with its document", _OWN_POLICY),),
    "DeletePolicy": (("Delete a policy", {"PolicyName": "AppSnapshotPolicy"}),),
    "AttachPolicyToRole": (
        ("Let the policy say what the role may do", {**_OWN_POLICY, "RoleName": _ROLE}),
    ),
    "DetachPolicyFromRole": (("Take the policy off the role", {**_OWN_POLICY, "RoleName": _ROLE}),),
    "ListPoliciesForRole": (("The policies of a role", {"RoleName": _ROLE}),),
    "MarkOverdue": (("Try a script on an account whose service goes off", {}),),
    "PayBills": (("Turn the snapshot service on again", {}),),
    "ShowAdvice": (
        ("What the guide would change, and what it saves", {}),
        ("The same when data disks are of no core application", {"Role": "non-core"}),
    ),
    "ShowSizeHistory": (
        ("The last 15 days", {}),
        ("The last three", {"Days": "3"}),
        ("From one instant to another", {"From": "2022-03-10T00:00Z", "To": "2022-03-11T00:00Z"}),
    ),
    "ShowBill": (
        ("The present month, each disk", {}),
        ("A month by kind of fee", {"Month": "2022-03", "By": "kind"}),
        ("Costs by the values of one tag", {"By": "tag", "TagKey": "env"}),
        ("Each hour of the present month", {"Hours": "true"}),
    ),
    "CheckWorkspace": (("Verify every stored block too", {"ReadData": "true"}),),
}
