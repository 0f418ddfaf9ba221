"""The commands that are no operation, the groups and what else stands at the top: data only.

So that completion knows them without Click; the operations are in the catalogue.
"""

from collections.abc import Mapping

# Commands of snapcli's own that are no operation: where `command` is, and what it is for.
LOCAL: Mapping[str, tuple[str, str]] = {
    "init": ("snapcli.cli.local.init", "Make a workspace and activate the snapshot service."),
    "config": ("snapcli.cli.local.config", "Show and change the workspace's settings."),
    "run": (
        "snapcli.cli.local.run",
        "Stay, and let policies run at their hours, on the real clock.",
    ),
    "status": ("snapcli.cli.local.status", "Show the workspace, its clock and what it holds."),
    "operations": (
        "snapcli.cli.local.operations",
        "Describe every operation: parameters, answers, errors.",
    ),
    "shim": (
        "snapcli.cli.local.shim",
        "Put a command `aliyun` into a folder, for existing scripts.",
    ),
    "completion": (
        "snapcli.cli.local.completion",
        "Print what makes a shell complete commands, options and ids.",
    ),
    "tour": ("snapcli.cli.local.tour", "See a disk rolled back, in a workspace of its own."),
}
# The tabs of the console: the operation that each one shows, its title, and what it is for.
CONSOLE: Mapping[str, tuple[str, str, str]] = {
    "snapshots": ("DescribeSnapshots", "Snapshots", "Draw the snapshots."),
    "chains": ("DescribeSnapshotLinks", "Snapshot Chains", "Draw the snapshot chains."),
    "chain": ("ShowChain", "Snapshot Chain Details", "Draw a disk's chain: nodes, blocks, sizes."),
    "groups": (
        "DescribeSnapshotGroups",
        "Snapshot-consistent Groups",
        "Draw the snapshot-consistent groups.",
    ),
    "policies": (
        "DescribeAutoSnapshotPolicyEx",
        "Automatic Snapshot Policies",
        "Draw the automatic snapshot policies.",
    ),
    "size": ("ShowSizeHistory", "Snapshot Size", "Chart a region's snapshot size."),
}
GROUPS: Mapping[str, str] = {
    "chain": "Look at the snapshot chain of a disk.",
    "account": "List, add and choose the workspace's accounts; be overdue, and pay.",
    "clock": "Show and move the workspace's time.",
    "console": "Draw what the console shows: its tabs, live or as a picture.",
    "disk": "Work with a disk's bytes.",
    "guest": "Work inside an instance: files, processes, mounted disks.",
    "policy": "See the runs of policies ahead, and what they will keep and cost.",
    "ram": "Roles and policies: snapcli ram <ApiName> --Parameter value ...",
}
OTHERS: Mapping[str, str] = {
    "ecs": "The form of the real command: snapcli ecs <ApiName> --Parameter value ...",
    "help": "Help on a command or a topic: snapcli help topics.",
}
