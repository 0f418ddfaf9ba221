"""DescribeAutoSnapshotPolicyEx and DescribeAutoSnapshotPolicyAssociations."""

from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.paging import DEFAULT_PAGE_SIZE, PagedRequest, page
from snapcli.api.types import MaxResults, PageNumber, PageSize
from snapcli.ecs.call import Call
from snapcli.ecs.records import PolicyRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.tags import check_filter, has_tags
from snapcli.ecs.wire import Tag, TagSet, seconds_time, tag_set


class DescribeAutoSnapshotPolicyExRequest(Request):
    """Which policies to list; all filters must match."""

    region_id: Annotated[str, "The region to look in."] = ""
    auto_snapshot_policy_id: Annotated[str, "Only this policy."] = ""
    auto_snapshot_policy_name: Annotated[str, "Only with exactly this name."] = ""
    resource_group_id: Annotated[str, "Only of this resource group."] = ""
    tag: Annotated[list[Tag], "Only with these tags; a key alone matches any value."] = []
    page_number: Annotated[PageNumber, "The page to show, from 1."] = 1
    page_size: Annotated[PageSize, "How many a page, at most 100."] = DEFAULT_PAGE_SIZE


class CopyEncryptionItem(Item):
    """How the copies of a policy's snapshots are encrypted: not at all."""

    encrypted: bool = False
    kms_key_id: str = msgspec.field(name="KMSKeyId", default="")


class PolicyItem(Item):
    """A policy in a response; DiskNums is to how many disks it is applied."""

    unanswered = ("AssociationType", "TargetTags")
    auto_snapshot_policy_id: str
    auto_snapshot_policy_name: str
    copied_snapshots_retention_days: int
    copy_encryption_configuration: CopyEncryptionItem
    creation_time: str
    disk_nums: int
    enable_cross_region_copy: bool
    region_id: str
    repeat_weekdays: str
    resource_group_id: str
    retention_days: int
    status: str
    tags: TagSet
    target_copy_regions: str
    time_points: str
    type: str
    volume_nums: int


class PolicySet(Item):
    """The policies of a response."""

    auto_snapshot_policy: list[PolicyItem]


class DescribeAutoSnapshotPolicyExResponse(Response):
    """A page of policies, newest first."""

    auto_snapshot_policies: PolicySet
    page_number: int
    page_size: int
    total_count: int


@operation("DescribeAutoSnapshotPolicyEx", lock=False, changes=False)
def describe_auto_snapshot_policy_ex(
    call: Call, request: DescribeAutoSnapshotPolicyExRequest
) -> DescribeAutoSnapshotPolicyExResponse:
    """List a region's policies with the number of their disks (PO-11)."""
    require_region(request.region_id, "InvalidRegionId.NotFound", 400)
    check_filter(request.tag)
    inventory = call.inventory(request.region_id)
    found = [policy for policy in inventory.policies.values() if _matches(request, policy)]
    found.sort(key=lambda policy: policy.created_at, reverse=True)
    cut = page(found, PagedRequest(page_number=request.page_number, page_size=request.page_size))
    counts: dict[str, int] = {}
    for disk in inventory.disks.values():
        counts[disk.policy_id] = counts.get(disk.policy_id, 0) + 1
    return DescribeAutoSnapshotPolicyExResponse(
        auto_snapshot_policies=PolicySet(
            auto_snapshot_policy=[
                _item(policy, counts.get(policy.policy_id, 0)) for policy in cut.items
            ]
        ),
        page_number=cut.page_number,
        page_size=cut.page_size,
        total_count=cut.total_count,
    )


def _matches(request: DescribeAutoSnapshotPolicyExRequest, policy: PolicyRecord) -> bool:
    return (
        request.auto_snapshot_policy_id in ("", policy.policy_id)
        and request.auto_snapshot_policy_name in ("", policy.name)
        and request.resource_group_id in ("", policy.resource_group_id)
        and has_tags(policy.tags, request.tag)
    )


def _item(policy: PolicyRecord, disks: int) -> PolicyItem:
    return PolicyItem(
        auto_snapshot_policy_id=policy.policy_id,
        auto_snapshot_policy_name=policy.name,
        copied_snapshots_retention_days=policy.copy_retention_days or -1,
        copy_encryption_configuration=CopyEncryptionItem(),
        creation_time=seconds_time(policy.created_at),
        disk_nums=disks,
        enable_cross_region_copy=bool(policy.copy_region_id),
        region_id=policy.region_id,
        repeat_weekdays=_texts(policy.weekdays),
        resource_group_id=policy.resource_group_id,
        retention_days=policy.retention_days or -1,
        status="Normal",
        tags=tag_set(policy.tags),
        target_copy_regions=f'["{policy.copy_region_id}"]' if policy.copy_region_id else "",
        time_points=_texts(policy.hours),
        type="Custom",
        volume_nums=disks,
    )


def _texts(numbers: list[int]) -> str:
    """Return numbers as the API lists them: a JSON list of texts, `["0","13"]`."""
    return "[" + ",".join(f'"{number}"' for number in numbers) + "]"


class DescribeAutoSnapshotPolicyAssociationsRequest(Request):
    """Whose associations to list: a policy's or a disk's."""

    region_id: Annotated[str, "The region to look in."] = ""
    auto_snapshot_policy_id: Annotated[str, "The disks of this policy."] = ""
    disk_id: Annotated[str, "The policy of this disk."] = ""
    next_token: Annotated[str, "Where to go on: the NextToken of the answer before."] | None = None
    max_results: Annotated[MaxResults, "How many an answer, 10 to 100."] | None = None


class AssociationItem(Item):
    """A disk and the policy that is applied to it."""

    auto_snapshot_policy_id: str
    disk_id: str


class AssociationSet(Item):
    """The associations of a response."""

    auto_snapshot_policy_association: list[AssociationItem]


class DescribeAutoSnapshotPolicyAssociationsResponse(Response):
    """A part of the associations."""

    auto_snapshot_policy_associations: AssociationSet
    next_token: str


@operation("DescribeAutoSnapshotPolicyAssociations", lock=False, changes=False)
def describe_auto_snapshot_policy_associations(
    call: Call, request: DescribeAutoSnapshotPolicyAssociationsRequest
) -> DescribeAutoSnapshotPolicyAssociationsResponse:
    """List the disks of a policy, or the policy of a disk."""
    require_region(request.region_id)
    if request.auto_snapshot_policy_id and request.disk_id:
        raise ApiError(
            "ParameterConflict.AutoSnapshotPolicyIdAndDiskId",
            403,
            "AutoSnapshotPolicyId and DiskId were both given; give one of them.",
        )
    if not request.auto_snapshot_policy_id and not request.disk_id:
        raise ApiError(
            "MissingParameter.AutoSnapshotPolicyIdOrDiskId",
            403,
            "Neither AutoSnapshotPolicyId nor DiskId was given.",
        )
    inventory = call.inventory(request.region_id)
    if request.disk_id:
        disk = inventory.disks.get(request.disk_id)
        if disk is None:
            raise ApiError(
                "InvalidDiskId.NotFound",
                404,
                f"There is no disk {request.disk_id!r} in {request.region_id}.",
            )
        disks = [disk] if disk.policy_id else []
    else:
        if request.auto_snapshot_policy_id not in inventory.policies:
            raise ApiError(
                "InvalidAutoSnapshotPolicyId.NotFound",
                404,
                f"There is no automatic snapshot policy {request.auto_snapshot_policy_id!r} in "
                f"{request.region_id}. DescribeAutoSnapshotPolicyEx lists them.",
            )
        wanted = request.auto_snapshot_policy_id
        disks = [disk for disk in inventory.disks.values() if disk.policy_id == wanted]
    asked = PagedRequest(next_token=request.next_token or "", max_results=request.max_results or 10)
    cut = page(disks, asked)
    return DescribeAutoSnapshotPolicyAssociationsResponse(
        auto_snapshot_policy_associations=AssociationSet(
            auto_snapshot_policy_association=[
                AssociationItem(auto_snapshot_policy_id=disk.policy_id, disk_id=disk.disk_id)
                for disk in cut.items
            ]
        ),
        next_token=cut.next_token,
    )
