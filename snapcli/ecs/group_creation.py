"""CreateSnapshotGroup: snapshots of several disks as they were at one instant (rules GR)."""

import os
from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import ClientToken, InstantAccessDays, limits, several
from snapcli.ecs.account import require_snapshot_service
from snapcli.ecs.call import Call
from snapcli.ecs.disk_use import require_disk_file
from snapcli.ecs.guest_holds import held
from snapcli.ecs.nodes import add_node, capture_files
from snapcli.ecs.records import Chain, DiskRecord, GroupRecord, SnapshotRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.snapshot_creation import (
    ESSD,
    check_capturable,
    check_instant_access,
    check_none_in_creation,
    check_quota,
    new_node,
)
from snapcli.ecs.tags import tags_to_set
from snapcli.ecs.wire import Tag
from snapcli.volumes.layers import Captured

MOST_DISKS = 16
MOST_GIB = 32 * 1024
DEFAULT_INSTANT_DAYS = 1
_TRIES = 5

GroupName = Annotated[
    str,
    limits(
        "InvalidParameter.Name",
        400,
        "2 to 128 characters: a letter, then letters, digits, '.', '_', '-' or ':', not beginning "
        "with 'http://' or 'https://'",
        min_length=2,
        max_length=128,
        pattern=r"^(?!https?://)[^\W\d_][\w.:-]*\Z",
    ),
]
GroupDescription = Annotated[
    str,
    limits(
        "InvalidParameter.Description",
        400,
        "2 to 256 characters, not beginning with 'http://' or 'https://'",
        min_length=2,
        max_length=256,
        pattern=r"(?s)^(?!https?://).*",
    ),
]

Member = tuple[DiskRecord, Chain, SnapshotRecord]


class CreateSnapshotGroupRequest(Request):
    """Which disks to capture together, and how the group is called."""

    ignored = ("StorageLocationArn",)
    region_id: Annotated[str, "The region of the disks."] = ""
    instance_id: Annotated[list[str], several(), "All ESSDs attached to this instance."] = []
    disk_id: Annotated[list[str], "These disks, up to 16, of one or several instances."] = []
    exclude_disk_id: Annotated[list[str], "All of the instance's but these; not with DiskId."] = []
    name: Annotated[GroupName, "A name for people."] = ""
    description: Annotated[GroupDescription, "A description for people."] = ""
    instant_access: Annotated[bool, "Make the snapshots usable while still in creation."] = False
    instant_access_retention_days: Annotated[
        InstantAccessDays, "Switch instant access off after so many days; 1 by default."
    ] = 0
    resource_group_id: Annotated[str, "The resource group."] = ""
    tag: Annotated[list[Tag], "Tags to set on the group and its snapshots, up to 20."] = []
    client_token: Annotated[ClientToken, "Repeat the call safely: a text of your choice."] = ""


class CreateSnapshotGroupResponse(Response):
    """The new group."""

    snapshot_group_id: str


@operation("CreateSnapshotGroup", lock=True, changes=True)
def create_snapshot_group(
    call: Call, request: CreateSnapshotGroupRequest
) -> CreateSnapshotGroupResponse:
    """Capture all disks at one instant, or none of them (GR-3, GR-4)."""
    require_region(request.region_id)
    require_snapshot_service(call)
    disks = _chosen(call, request)
    tags = tags_to_set(call, request.tag)
    group = create_group(call, disks, request.name, request.description, tags, request)
    group.resource_group_id = request.resource_group_id
    return CreateSnapshotGroupResponse(snapshot_group_id=group.group_id)


def create_group(
    call: Call,
    disks: list[DiskRecord],
    name: str,
    description: str,
    tags: dict[str, str],
    request: CreateSnapshotGroupRequest,
    hold: bool = True,
) -> GroupRecord:
    """Make a group of the disks' snapshots, all of one instant; or raise ApiError, with none made.

    `request` says whether they have instant access, and for how long. With `hold` the insides of
    the instances are held meanwhile; without, the caller has frozen what is to be.
    """
    _check_size(disks)
    for disk in disks:
        _check_member(call, disk, instant_access=request.instant_access)
    instances = {disk.instance_id for disk in disks}
    region_id = disks[0].region_id
    group = GroupRecord(
        group_id=call.new_id("ssg", region_id),
        region_id=region_id,
        created_at=call.now,
        name=name,
        description=description,
        instance_id=disks[0].instance_id if len(instances) == 1 else "",
        disk_ids=[disk.disk_id for disk in disks],
        tags=tags,
    )
    members: list[Member] = []
    for disk in disks:
        chain = call.new_chain(disk)
        members.append((disk, chain, _new_member(call, disk, chain, group, request)))
    if hold:
        with held(call, sorted(instances)):
            captured = _capture_together(call, members)
    else:
        captured = _capture_together(call, members)
    for (disk, chain, node), files in zip(members, captured, strict=True):
        add_node(call, disk, chain, node, files)
    call.inventory(region_id).groups[group.group_id] = group
    return group


def _chosen(call: Call, request: CreateSnapshotGroupRequest) -> list[DiskRecord]:
    """Return the disks that the request means, each once (GR-1)."""
    if request.disk_id and request.exclude_disk_id:
        raise ApiError(
            "InvalidParam.ExcludeDiskIdsAndDiskIds.Conflict",
            400,
            "DiskId.N and ExcludeDiskId.N were both given; give one of them.",
        )
    if not request.instance_id and not request.disk_id:
        raise ApiError(
            "MissingParamter.InstanceId", 400, "Neither InstanceId nor DiskId.N was given."
        )
    attached = {
        instance_id: _attached(call, request, instance_id) for instance_id in request.instance_id
    }
    if request.disk_id:
        known = {disk.disk_id for disks in attached.values() for disk in disks}
        return [_named(call, request, disk_id, known) for disk_id in dict.fromkeys(request.disk_id)]
    for disk_id in request.exclude_disk_id:
        call.disk(disk_id)
    return [
        disk
        for instance_id, disks in attached.items()
        for disk in _left(instance_id, disks, request.exclude_disk_id)
    ]


def _attached(
    call: Call, request: CreateSnapshotGroupRequest, instance_id: str
) -> list[DiskRecord]:
    """Return the disks of an instance of the request's region."""
    instance = call.instance(instance_id)
    if instance.region_id != request.region_id:
        raise ApiError(
            "InvalidInstanceId.NotFound",
            404,
            f"The instance {instance.instance_id} is in {instance.region_id}, not in "
            f"{request.region_id}.",
        )
    return call.disks_of(instance)


def _left(instance_id: str, attached: list[DiskRecord], excluded: list[str]) -> list[DiskRecord]:
    """Return an instance's ESSDs but those excluded; each instance named must have one."""
    left = [disk for disk in attached if disk.disk_id not in excluded]
    disks = [disk for disk in left if disk.category == ESSD]
    if not disks:
        raise ApiError(
            "InvalidInstance.NoDisk",
            403,
            f"The instance {instance_id} has no {ESSD} disk that could join the group; "
            f"its disks: {', '.join(f'{d.disk_id} ({d.category})' for d in attached) or 'none'}.",
        )
    return disks


def _named(
    call: Call, request: CreateSnapshotGroupRequest, disk_id: str, attached: set[str]
) -> DiskRecord:
    disk = call.disk(disk_id)
    if disk.region_id != request.region_id:
        raise ApiError(
            "InvalidDiskId.NotFound",
            404,
            f"The disk {disk_id} is in {disk.region_id}, not in {request.region_id}.",
        )
    if request.instance_id and disk_id not in attached:
        raise ApiError(
            "InvalidDiskId.NotFound",
            404,
            f"The disk {disk_id} is not attached to {', '.join(request.instance_id)}. Leave "
            "InstanceId out for disks of other instances.",
        )
    return disk


def _check_size(disks: list[DiskRecord]) -> None:
    """Raise ApiError for too many disks or too large ones.

    They may be of several zones: the guide asks for one region, later API pages for one zone, and
    the guide decides (GR-2).
    """
    if len(disks) > MOST_DISKS:
        raise ApiError(
            "NumberExceed.TooManyDisks",
            403,
            f"The group would have {len(disks)} disks; {MOST_DISKS} are allowed. Leave some out "
            "with ExcludeDiskId.N.",
        )
    total_gib = sum(disk.size_gib for disk in disks)
    if total_gib > MOST_GIB:
        raise ApiError(
            "CapacityExceed.TooManyDisks",
            403,
            f"The disks have {total_gib} GiB together; {MOST_GIB} GiB are allowed in a group.",
        )


def _check_member(call: Call, disk: DiskRecord, *, instant_access: bool) -> None:
    """Raise ApiError unless the disk can be captured as a member (GR-1)."""
    if disk.category != ESSD:
        raise ApiError(
            "DiskCategory.OperationNotSupported",
            400,
            f"The disk {disk.disk_id} is a {disk.category} disk; a group is of {ESSD} disks.",
        )
    if not disk.instance_id:
        raise ApiError(
            "IncorrectDiskStatus",
            403,
            f"The disk {disk.disk_id} is Available; a group is of disks that are In_use. Attach "
            "it with AttachDisk first.",
        )
    check_capturable(call, disk)
    chain = call.chain(disk.region_id, disk.disk_id)
    if chain is not None:
        check_none_in_creation(call, disk, chain)
        check_quota(call, disk, chain)
        if instant_access:
            check_instant_access(call, disk, chain)


def _new_member(
    call: Call,
    disk: DiskRecord,
    chain: Chain,
    group: GroupRecord,
    request: CreateSnapshotGroupRequest,
) -> SnapshotRecord:
    node = new_node(call, disk, chain)
    node.group_id = group.group_id
    node.name = group.name
    node.description = group.description
    node.resource_group_id = request.resource_group_id or disk.resource_group_id
    node.tags = dict(group.tags)
    if request.instant_access:
        node.instant_access = True
        node.instant_access_days = request.instant_access_retention_days or DEFAULT_INSTANT_DAYS
    return node


def _capture_together(call: Call, members: list[Member]) -> list[Captured | None]:
    """Capture the bytes of all members as they stood at one instant (GR-3).

    Raises ApiError CreateSnapshot.Failed when a disk was written to in every attempt.
    """
    from snapcli.ecs.faults import refuse_busy_image
    from snapcli.volumes.together import together

    for disk, _, _ in members:
        require_disk_file(call, disk)
    names = ", ".join(disk.disk_id for disk, _, _ in members)
    images = [call.image_path(disk) for disk, _, _ in members]
    for _ in range(_TRIES):
        captured: list[Captured | None] = []
        with refuse_busy_image(names), together(images, os.path.dirname(images[0])) as held_images:
            for (disk, chain, node), source in zip(members, held_images.sources, strict=True):
                captured.append(
                    capture_files(call, disk, chain, node, source, still=held_images.still)
                )
                if not held_images.is_one_instant():
                    break  # nobody who wants to write is kept waiting for the rest
            else:
                return captured
        _forget(call, members, captured)
    raise ApiError(
        "CreateSnapshot.Failed",
        403,
        f"The disks {names} were written to all the while they were read, so no single instant "
        "could be captured. Pause what writes to them, or keep the workspace on a file system "
        "that clones files (XFS, btrfs).",
    )


def _forget(call: Call, members: list[Member], captured: list[Captured | None]) -> None:
    """Remove the files of an attempt that was of no single instant."""
    for (_, chain, _), files in zip(members, captured, strict=False):
        if files is None:
            continue
        for name in (files.pack_file, files.map_file):
            os.unlink(os.path.join(call.chain_folder(chain), name))
