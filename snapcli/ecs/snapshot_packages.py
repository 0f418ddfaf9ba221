"""DescribeSnapshotPackage: prepaid storage packages, of which no account here has any."""

from typing import Annotated

from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.types import PageNumber, PageSize
from snapcli.ecs.call import Call
from snapcli.ecs.region_rules import require_region


class DescribeSnapshotPackageRequest(Request):
    """Which page of which region."""

    region_id: Annotated[str, "The region to look in."] = ""
    page_number: Annotated[PageNumber, "The page to show, from 1."] = 1
    page_size: Annotated[PageSize, "How many a page, at most 100."] = 10


class SnapshotPackageItem(Item):
    """A package of prepaid storage."""

    display_name: str
    start_time: str
    end_time: str
    init_capacity: int


class SnapshotPackageSet(Item):
    """The packages of a response."""

    snapshot_package: list[SnapshotPackageItem]


class DescribeSnapshotPackageResponse(Response):
    """A page of packages."""

    snapshot_packages: SnapshotPackageSet
    total_count: int
    page_number: int
    page_size: int


@operation("DescribeSnapshotPackage", lock=False, changes=False)
def describe_snapshot_package(
    call: Call, request: DescribeSnapshotPackageRequest
) -> DescribeSnapshotPackageResponse:
    """List the account's prepaid packages: none, since storage is billed as it is used here."""
    require_region(request.region_id)
    return DescribeSnapshotPackageResponse(
        snapshot_packages=SnapshotPackageSet(snapshot_package=[]),
        total_count=0,
        page_number=request.page_number,
        page_size=min(request.page_size, 100),
    )
