"""The catalogue: which action is declared in which module, under which command, in a few words.

Data only, so that starting a command imports the one module it needs and nothing else.
"""

from importlib import import_module
from typing import NamedTuple

from snapcli.api.errors import UnknownName
from snapcli.api.operation import Operation

SERVICE = "snapcli.ecs.service"
PRODUCTS = ("ecs", "ram")
_PACKAGE = "snapcli.ecs."


class Entry(NamedTuple):
    """A catalogue line: where an operation is declared and what it is for."""

    action: str
    module: str
    summary: str
    command: str  # how the friendly form spells it: "create-snapshot", or "disk path"
    local: bool  # snapcli's own; the real API does not have it
    product: str = "ecs"


def _kebab(action: str) -> str:
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in action).lstrip("-")


_API = (
    ("DescribeRegions", "regions", "List the regions."),
    ("DescribeZones", "regions", "List the zones of a region."),
    ("RunInstances", "instance_launch", "Create instances with their disks and start them."),
    ("DescribeInstances", "instances", "List instances."),
    ("ModifyInstanceAttribute", "instances", "Change an instance's name or other attributes."),
    ("StartInstance", "instance_power", "Start a stopped instance."),
    ("StartInstances", "instance_power", "Start several stopped instances."),
    ("StopInstance", "instance_power", "Stop a running instance."),
    ("StopInstances", "instance_power", "Stop several running instances."),
    ("RebootInstance", "instance_power", "Restart a running instance."),
    ("RebootInstances", "instance_power", "Restart several running instances."),
    ("DeleteInstance", "instance_release", "Release an instance."),
    ("DeleteInstances", "instance_release", "Release several instances."),
    ("CreateDisk", "disk_creation", "Create a disk, empty or from a snapshot."),
    ("DescribeDisks", "disks", "List disks."),
    ("ModifyDiskAttribute", "disks", "Change a disk's name or other attributes."),
    ("AttachDisk", "disk_attachment", "Attach a disk to an instance."),
    ("DetachDisk", "disk_attachment", "Detach a disk from its instance."),
    ("DeleteDisk", "disk_attachment", "Release a disk."),
    ("ResizeDisk", "disk_content", "Make a disk larger."),
    ("ReInitDisk", "disk_content", "Return a disk to what it was when created."),
    ("ReplaceSystemDisk", "disk_content", "Give an instance another operating system."),
    ("ResetDisk", "rollback", "Roll a disk back to a snapshot."),
    ("AttachInstanceRamRole", "instance_roles", "Give instances a RAM role."),
    ("DetachInstanceRamRole", "instance_roles", "Take the RAM role off instances."),
    ("DescribeInstanceRamRole", "instance_roles", "List which instances have which role."),
    ("OpenSnapshotService", "account", "Activate the snapshot service."),
    ("CreateSnapshot", "snapshot_creation", "Create a snapshot of a disk."),
    ("CopySnapshot", "snapshot_copies", "Copy a snapshot to another region."),
    ("DescribeSnapshots", "snapshots", "List snapshots."),
    ("DeleteSnapshot", "snapshot_changes", "Delete a snapshot."),
    ("ModifySnapshotAttribute", "snapshot_changes", "Change a snapshot's name, text or retention."),
    ("ModifySnapshotCategory", "snapshot_categories", "Archive a snapshot, for good."),
    ("LockSnapshot", "snapshot_locks", "Keep a snapshot from being deleted by anyone."),
    ("UnlockSnapshot", "snapshot_locks", "Take a lock off in its cool-off period."),
    ("DescribeLockedSnapshots", "snapshot_locks", "List the locks on snapshots."),
    ("CreateImage", "image_creation", "Create an image from snapshots or from an instance."),
    ("DescribeImages", "images", "List images."),
    ("DescribeImageFromFamily", "images", "Show the newest usable image of a family."),
    ("ModifyImageAttribute", "image_changes", "Change an image's name, family or status."),
    ("DeleteImage", "image_changes", "Delete a custom image."),
    ("CreateAutoSnapshotPolicy", "policies", "Create a policy of automatic snapshots."),
    ("ModifyAutoSnapshotPolicyEx", "policies", "Change an automatic snapshot policy."),
    ("DeleteAutoSnapshotPolicy", "policies", "Delete an automatic snapshot policy."),
    ("ApplyAutoSnapshotPolicy", "policy_application", "Apply a policy to disks."),
    ("CancelAutoSnapshotPolicy", "policy_application", "Take the policy off disks."),
    ("DescribeAutoSnapshotPolicyEx", "policy_listing", "List automatic snapshot policies."),
    (
        "DescribeAutoSnapshotPolicyAssociations",
        "policy_listing",
        "List the disks of a policy, or the policy of a disk.",
    ),
    (
        "CreateSnapshotGroup",
        "group_creation",
        "Create snapshots of several disks at one instant.",
    ),
    ("DescribeSnapshotGroups", "groups", "List snapshot-consistent groups."),
    ("ModifySnapshotGroup", "groups", "Change a group's name or description."),
    ("DeleteSnapshotGroup", "groups", "Delete a group with its snapshots."),
    ("ResetDisks", "group_rollback", "Roll several disks back to the snapshots of a group."),
    ("CopyImage", "image_copies", "Copy an image to another region."),
    ("CancelCopyImage", "image_copies", "End an unfinished copy of an image."),
    ("ExportImage", "image_export", "Write an image's disks to a bucket as raw or qcow2."),
    ("ImportImage", "image_import", "Make an image of raw or qcow2 files in a bucket."),
    ("DescribeTasks", "tasks", "List exports and imports of images."),
    ("DescribeTaskAttribute", "tasks", "Tell how far an export or import has come."),
    ("CancelTask", "tasks", "End an export or import that is at work."),
    ("ModifyImageSharePermission", "image_sharing", "Share an image with other accounts."),
    ("DescribeImageSharePermission", "image_sharing", "List whom an image is shared with."),
    ("DescribeSnapshotLinks", "chains", "List snapshot chains with their sizes."),
    ("DescribeSnapshotsUsage", "chains", "Count a region's snapshots and their size."),
    ("DescribeSnapshotMonitorData", "snapshot_sizes", "Tell a region's snapshot size over time."),
    ("DescribeSnapshotPackage", "snapshot_packages", "List prepaid storage packages: none here."),
    ("RunCommand", "assistant_runs", "Run a script on instances."),
    ("CreateCommand", "assistant_commands", "Keep a script to be invoked later."),
    ("InvokeCommand", "assistant_runs", "Run a kept script on instances."),
    ("StopInvocation", "assistant_runs", "Stop a script that is running."),
    ("DescribeCommands", "assistant_commands", "List the scripts that are kept."),
    ("DescribeInvocations", "assistant_results", "List what was run where."),
    ("DescribeInvocationResults", "assistant_results", "Tell what scripts printed and returned."),
    ("SendFile", "assistant_files", "Write a file into instances."),
    ("DescribeSendFileResults", "assistant_files", "List the files that were sent."),
    ("InstallCloudAssistant", "assistant_clients", "Put Cloud Assistant on instances."),
    ("DescribeCloudAssistantStatus", "assistant_clients", "Tell where Cloud Assistant runs."),
    ("TagResources", "tag_changes", "Set tags on resources."),
    ("UntagResources", "tag_changes", "Remove tags from resources."),
    ("ListTagResources", "tag_lists", "List the tags of resources."),
    ("AddTags", "tag_changes", "Set tags on a resource (older)."),
    ("RemoveTags", "tag_changes", "Remove tags from a resource (older)."),
    ("DescribeTags", "tag_lists", "List the tags in use (older)."),
    ("DescribeResourceByTags", "tag_lists", "List resources by their tags (older)."),
)

_LOCAL = (
    (
        "DeleteSnapshots",
        "snapshot_deletions",
        "delete-snapshots",
        "Delete several snapshots, by id or by rules.",
    ),
    ("ShowChain", "chain_view", "chain show", "Draw a disk's chain: nodes, blocks, sizes."),
    ("ShowDiskPath", "disk_files", "disk path", "Print where a disk's bytes are."),
    ("ImportDisk", "disk_files", "disk import", "Make a disk from a raw image file."),
    ("ReadDisk", "disk_files", "disk read", "Write a stretch of a disk to standard output."),
    ("WriteDisk", "disk_files", "disk write", "Write standard input into a disk."),
    ("ShowGuestPath", "guest_files", "guest path", "Print where an instance's inside is."),
    ("PutGuestFile", "guest_files", "guest put", "Put a file into an instance."),
    ("GetGuestFile", "guest_files", "guest get", "Get a file out of an instance."),
    ("MountGuestDisk", "guest_mounts", "guest mount", "Mount a disk inside its instance."),
    ("UnmountGuestDisk", "guest_mounts", "guest umount", "Unmount a disk inside an instance."),
    ("ListGuestMounts", "guest_mounts", "guest mounts", "List what is mounted in an instance."),
    ("RunInGuest", "guest_runs", "guest run", "Run a command inside an instance."),
    ("ListGuestProcesses", "guest_runs", "guest ps", "List what runs inside an instance."),
    ("StopGuestProcesses", "guest_runs", "guest stop", "End processes inside an instance."),
    ("ModifyGuest", "guest_attributes", "guest set", "Say what is inside an instance."),
    (
        "CreateAppSnapshot",
        "app_snapshots",
        "create-app-snapshot",
        "Capture an instance with its applications at rest.",
    ),
    ("ShowClock", "clock", "clock show", "Show the workspace's time."),
    ("FreezeClock", "clock", "clock freeze", "Stop the workspace's time, now or at an instant."),
    ("AdvanceClock", "clock", "clock advance", "Move the workspace's time forward."),
    ("SetClock", "clock", "clock set", "Set the workspace's time."),
    (
        "ResumeClock",
        "clock",
        "clock resume",
        "Let a frozen clock run on; `clock reset` returns to the system's time.",
    ),
    ("ResetClock", "clock", "clock reset", "Let the clock follow the system's time again."),
    ("ConfigureClock", "clock", "clock configure", "Change the settings of the clock."),
    (
        "ShowTimeline",
        "timeline",
        "timeline",
        "List what has happened and what is due next.",
    ),
    ("PreviewPolicy", "policy_preview", "policy preview", "Tell the next runs of a policy."),
    (
        "ForecastPolicy",
        "policy_forecast",
        "policy forecast",
        "Estimate snapshots, their size and fee in so many days.",
    ),
    ("SettleTime", "settling", "settle", "Apply what is due, once, and say what happened."),
    ("ListAccounts", "accounts", "account list", "List the workspace's accounts."),
    ("AddAccount", "accounts", "account add", "Add an account with nothing in it."),
    ("UseAccount", "accounts", "account use", "Choose whose commands these are."),
    ("MarkOverdue", "account", "account overdue", "Let a bill be unpaid from now on."),
    ("PayBills", "account", "account pay", "Pay, which turns the service on again."),
    ("ShowAdvice", "advice", "advise", "Say which snapshots could go, and what that saves."),
    ("ShowSizeHistory", "snapshot_sizes", "console size", "Chart a region's snapshot size."),
    ("ShowBill", "billing", "billing", "Show what a month's snapshots cost."),
    ("CheckWorkspace", "check", "check", "Verify documents, maps and stored blocks."),
)

# Other spellings that the API's pages have had.
_ALSO = {"DescribeAutoSnapshotPolicyEX": "DescribeAutoSnapshotPolicyEx"}

_RAM = (
    ("CreateRole", "ram_roles", "Create a role."),
    ("GetRole", "ram_roles", "Show a role with its trust policy."),
    ("ListRoles", "ram_roles", "List the account's roles."),
    ("DeleteRole", "ram_roles", "Delete a role."),
    ("CreatePolicy", "ram_policies", "Create a permission policy."),
    ("GetPolicy", "ram_policies", "Show a policy with its document."),
    ("DeletePolicy", "ram_policies", "Delete a policy."),
    ("AttachPolicyToRole", "ram_policies", "Let a policy say what a role may do."),
    ("DetachPolicyFromRole", "ram_policies", "Take a policy off a role."),
    ("ListPoliciesForRole", "ram_policies", "List the policies attached to a role."),
)

ENTRIES: dict[str, Entry] = (
    {
        action: Entry(action, module, summary, _kebab(action), False)
        for action, module, summary in _API
    }
    | {
        action: Entry(action, module, summary, f"ram {_kebab(action)}", False, "ram")
        for action, module, summary in _RAM
    }
    | {
        action: Entry(action, module, summary, command, True)
        for action, module, command, summary in _LOCAL
    }
)


def actions(product: str) -> dict[str, Entry]:
    """Return the catalogue's lines of a product; local operations count as those of ecs."""
    return {action: entry for action, entry in ENTRIES.items() if entry.product == product}


def proper(action: str) -> str:
    """Return the action's name as the catalogue has it; one that it does not know as it is."""
    return _ALSO.get(action, action)


def load(action: str) -> Operation:
    """Import the module that declares `action` and return the operation.

    Raises UnknownName for an action that is not in the catalogue.
    """
    action = proper(action)
    entry = ENTRIES.get(action)
    if entry is None:
        raise UnknownName(f"'{action}' is not a valid api.")
    module = import_module(_PACKAGE + entry.module)
    for value in vars(module).values():
        declared = getattr(value, "operation", None)
        if isinstance(declared, Operation) and declared.action == action:
            return declared
    raise RuntimeError(f"{module.__name__} does not declare {action}")
