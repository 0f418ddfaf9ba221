"""The examples of what is done inside instances, as data; see `examples`."""

from collections.abc import Mapping

_DISK = "d-bp1fw3k1example001"
_INSTANCE = "i-bp1fw3k1example001"
_COMMAND = "c-bp1fw3k1example001"
_INVOCATION = "t-bp1fw3k1example001"

GUEST_EXAMPLES: Mapping[str, tuple[tuple[str, Mapping[str, str]], ...]] = {
    "CreateAppSnapshot": (
        (
            "With scripts that lock and unlock a database",
            {
                "InstanceId": _INSTANCE,
                "Name": "before-release",
                "PreScript": "lock.sh",
                "PostScript": "unlock.sh",
            },
        ),
    ),
    "RunCommand": (
        (
            "Run a script on an instance",
            {
                "RegionId": "cn-hangzhou",
                "Type": "RunShellScript",
                "CommandContent": "df -h",
                "InstanceId.1": _INSTANCE,
            },
        ),
    ),
    "CreateCommand": (
        (
            "Keep a script",
            {"Name": "space", "Type": "RunShellScript", "CommandContent": "df -h {{path}}"}
            | {"EnableParameter": "true"},
        ),
    ),
    "InvokeCommand": (
        (
            "Run it",
            {"CommandId": _COMMAND, "InstanceId.1": _INSTANCE, "Parameters": '{"path":"/data"}'},
        ),
    ),
    "StopInvocation": (("Stop it", {"InvokeId": _INVOCATION}),),
    "DescribeCommands": (("The scripts that are kept", {"Type": "RunShellScript"}),),
    "DescribeInvocations": (("What was run on an instance", {"InstanceId": _INSTANCE}),),
    "DescribeInvocationResults": (
        (
            "What a script printed, as text",
            {"InvokeId": _INVOCATION, "ContentEncoding": "PlainText"},
        ),
    ),
    "SendFile": (
        (
            "Send a script, for root alone",
            {
                "Name": "prescript.sh",
                "TargetDir": "/tmp",
                "Content": "exit 0",
                "FileMode": "0700",
                "InstanceId.1": _INSTANCE,
            },
        ),
    ),
    "DescribeSendFileResults": (("What was sent", {"Name": "prescript.sh"}),),
    "InstallCloudAssistant": (("Install it", {"InstanceId.1": _INSTANCE}),),
    "DescribeCloudAssistantStatus": (("Is it there?", {"InstanceId.1": _INSTANCE}),),
    "ShowGuestPath": (
        ("Where the inside of an instance is", {"InstanceId": _INSTANCE}),
        ("Where a file of it is", {"InstanceId": _INSTANCE, "Path": "/etc/my.cnf"}),
    ),
    "PutGuestFile": (
        (
            "Put a script into an instance, for root alone",
            {
                "InstanceId": _INSTANCE,
                "File": "prescript.sh",
                "Path": "/tmp/prescript.sh",
                "Mode": "0700",
            },
        ),
    ),
    "GetGuestFile": (
        (
            "Print a file of an instance",
            {"InstanceId": _INSTANCE, "Path": "/var/log/guest-run.log"},
        ),
    ),
    "MountGuestDisk": (
        ("Mount a disk", {"InstanceId": _INSTANCE, "DiskId": _DISK, "Path": "/data"}),
    ),
    "UnmountGuestDisk": (("Unmount it", {"InstanceId": _INSTANCE, "Path": "/data"}),),
    "ListGuestMounts": (("What is mounted where", {"InstanceId": _INSTANCE}),),
    "RunInGuest": (
        (
            "Make a file system on the first data disk",
            {"InstanceId": _INSTANCE, "Command": '["mkfs.ext4","-q","dev/vdb"]'},
        ),
    ),
    "ListGuestProcesses": (("What runs inside", {"InstanceId": _INSTANCE}),),
    "StopGuestProcesses": (("End all that runs inside", {"InstanceId": _INSTANCE}),),
    "ModifyGuest": (
        (
            "An instance without the Cloud Assistant client",
            {"InstanceId": _INSTANCE, "Assistant": "missing"},
        ),
    ),
}
