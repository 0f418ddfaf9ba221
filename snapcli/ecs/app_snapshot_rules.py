"""What must hold for an application-consistent snapshot, each with the plug-in's exit code.

Pure checks of records and requests; nothing is captured here (rules AP-1 to AP-4).
"""

import re

import msgspec

from snapcli.api.errors import ApiError
from snapcli.ecs.app_snapshot_line import Parameters
from snapcli.ecs.call import Call
from snapcli.ecs.group_creation import CreateSnapshotGroupRequest, GroupDescription, GroupName
from snapcli.ecs.guest_attributes import has_assistant, is_windows, os_name_of
from snapcli.ecs.guest_holds import guest_folder
from snapcli.ecs.phases import instance_status
from snapcli.ecs.ram_roles import ram_of, role_allows
from snapcli.ecs.records import DiskRecord, InstanceRecord
from snapcli.ecs.snapshot_creation import ESSD

REGIONS = ("cn-hongkong", "ap-southeast-1", "cn-hangzhou", "cn-shanghai", "cn-beijing")
FILE_SYSTEMS = ("ext3", "ext4", "xfs", "ntfs")
CONDITION, BAD_PARAMETERS, NO_DISK_OR_RIGHT, NO_GROUP, TAGS = 1, 2, 3, 4, 8
NO_ROLE, QUOTA, EARLIER = 13, 14, 16
_NEEDED = ("DescribeDisks", "DescribeSnapshots", "DescribeSnapshotGroups", "CreateSnapshotGroup")
_WINDOWS = ("Windows Server 2019", "Windows Server 2016", "Windows Server 2012 R2")


class Unmet(Exception):
    """Something does not hold; `code` is the plug-in's exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def is_supported_system(os_name: str) -> bool:
    """Say whether the plug-in runs on an operating system, named in English (AP-2)."""
    if os_name.startswith(_WINDOWS):
        return True
    found = re.match(r"(CentOS|Ubuntu|Alibaba Cloud Linux)\D*(\d+)(?:\.(\d+))?", os_name)
    if found is None:
        return False
    version = (int(found[2]), int(found[3] or 0))
    if found[1] == "Alibaba Cloud Linux":
        return version == (2, 1903)
    return version >= {"CentOS": (7, 6), "Ubuntu": (18, 4)}[found[1]]


def check_instance(call: Call, instance: InstanceRecord, parameters: Parameters) -> None:
    """Raise Unmet unless the instance can be captured consistently (AP-1 to AP-3)."""
    if instance.region_id not in REGIONS:
        raise Unmet(
            CONDITION,
            f"Application-consistent snapshots are not offered in {instance.region_id}; they are "
            f"in {', '.join(REGIONS)}.",
        )
    power = instance_status(instance, call.now)
    if power != "Running":
        raise Unmet(CONDITION, f"The instance is {power}; it must be Running.")
    if not has_assistant(call, instance):
        raise Unmet(CONDITION, "The Cloud Assistant client is not on the instance.")
    name = os_name_of(instance)
    if not is_supported_system(name):
        raise Unmet(
            CONDITION,
            f"The operating system {name!r} is not supported; it must be {', '.join(_WINDOWS)}, "
            "CentOS 7.6 or later, Ubuntu 18.04 or later, or Alibaba Cloud Linux 2.1903.",
        )
    if is_windows(instance) != parameters.windows:
        raise Unmet(CONDITION, f"This plug-in is not the one for {name}.")
    for file_system in _file_systems(call, instance):
        if file_system not in FILE_SYSTEMS:
            raise Unmet(
                CONDITION,
                f"The file system {file_system} is not supported; it must be one of "
                f"{', '.join(FILE_SYSTEMS)}.",
            )


def _file_systems(call: Call, instance: InstanceRecord) -> list[str]:
    if instance.file_system:
        return [instance.file_system]
    from snapcli.guests.mounts import mounted

    return [each.type for each in mounted(guest_folder(call, instance.instance_id))]


def check_role(call: Call, instance: InstanceRecord, wanted: str) -> None:
    """Raise Unmet unless the role attached to the instance may capture (AP-4)."""
    attached = instance.ram_role_name
    if not attached:
        raise Unmet(
            NO_ROLE,
            "No RAM role is attached to the instance. AttachInstanceRamRole attaches one.",
        )
    if attached != wanted:
        raise Unmet(
            CONDITION, f"The RAM role {attached} is attached to the instance, not {wanted}."
        )
    for action in _NEEDED:
        if not may(call, instance, action):
            raise Unmet(NO_DISK_OR_RIGHT, f"The RAM role {attached} does not allow ecs:{action}.")


def may(call: Call, instance: InstanceRecord, action: str) -> bool:
    """Say whether the instance's role allows an action on its resources."""
    role = ram_of(call).roles.get(instance.ram_role_name)
    resource = f"acs:ecs:{instance.region_id}:{call.account_id}:instance/{instance.instance_id}"
    return role is not None and role_allows(call, role, f"ecs:{action}", resource)


def check_words(parameters: Parameters) -> None:
    """Raise Unmet for a name or description that no group may have."""
    for text, type_, what in (
        (parameters.name, GroupName, "name"),
        (parameters.description or "ok", GroupDescription, "description"),
    ):
        try:
            msgspec.convert(text, type_)
        except msgspec.ValidationError:
            raise Unmet(CONDITION, f"The {what} {text!r} is not valid for a group.") from None


def disks_to_capture(
    call: Call, instance: InstanceRecord, parameters: Parameters
) -> list[DiskRecord]:
    """Return the instance's ESSDs but the excluded ones. Raises Unmet."""
    attached = call.disks_of(instance)
    known = {disk.disk_id for disk in attached}
    strange = [each for each in parameters.exclude_disk_ids if each not in known]
    if strange:
        raise Unmet(CONDITION, f"ExcludeDiskId: {strange[0]} is not attached to the instance.")
    left = [disk for disk in attached if disk.disk_id not in parameters.exclude_disk_ids]
    disks = [disk for disk in left if disk.category == ESSD]  # as of a group of an instance (GR-1)
    if not disks:
        raise Unmet(
            NO_DISK_OR_RIGHT,
            f"No {ESSD} disk of the instance is left to capture; it has "
            + (", ".join(f"{disk.disk_id} ({disk.category})" for disk in attached) or "none")
            + ".",
        )
    return disks


def group_request(parameters: Parameters) -> CreateSnapshotGroupRequest:
    """Return what the group is to be like, for `create_group`."""
    return CreateSnapshotGroupRequest(
        instant_access=parameters.instant_access,
        instant_access_retention_days=(
            parameters.instant_access_retention_days if parameters.instant_access else 0
        ),
    )


def code_of(error: ApiError) -> int:
    """Return the exit code for a refusal to create the group."""
    if error.code.startswith("QuotaExceed"):
        return QUOTA
    if error.code == "IncorrectDiskStatus.CreatingSnapshot":
        return EARLIER
    return NO_GROUP
