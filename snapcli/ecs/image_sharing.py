"""ModifyImageSharePermission and DescribeImageSharePermission: images for other accounts (FQ-2).

An image is all that can be shared; snapshots and disks stay with their account.
"""

from typing import Annotated

from snapcli.api.errors import ApiError, DryRunOperation, missing_parameter
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.paging import DEFAULT_PAGE_SIZE, PagedRequest, page
from snapcli.api.types import PageNumber, PageSize
from snapcli.ecs.accounts import account_ids
from snapcli.ecs.call import Call
from snapcli.ecs.image_rules import require_own_image
from snapcli.ecs.records import ImageRecord
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.wire import seconds_time


class ModifyImageSharePermissionRequest(Request):
    """Which image to share with whom, or to share no longer."""

    ignored = ("LaunchPermission",)
    image_id: Annotated[str, "The image, one's own."]
    region_id: Annotated[str, "Its region."] = ""
    add_account: Annotated[list[str], "Ids of accounts that may use it from now on."] = []
    remove_account: Annotated[list[str], "Ids of accounts that may use it no longer."] = []
    is_public: Annotated[bool, "Every account may use it, or no longer."] | None = None
    dry_run: Annotated[bool, "Check everything, change nothing."] = False


class ModifyImageSharePermissionResponse(Response):
    """Nothing but the RequestId."""


@operation("ModifyImageSharePermission", lock=True, changes=True)
def modify_image_share_permission(
    call: Call, request: ModifyImageSharePermissionRequest
) -> ModifyImageSharePermissionResponse:
    """Let other accounts of the workspace use an image, or no longer; never an encrypted one."""
    require_region(request.region_id)
    image = require_own_image(call, request.image_id, request.region_id)
    if not (request.add_account or request.remove_account or request.is_public is not None):
        raise missing_parameter("AddAccount.1, RemoveAccount.1 or IsPublic")
    if image.encrypted and (request.add_account or request.is_public):
        raise ApiError(
            "OperationDeined.EncryptedSnapshot",
            403,
            f"The image {image.image_id} holds encrypted snapshots and can't be shared. Make one "
            "from unencrypted snapshots.",
        )
    for account_id in request.add_account:
        _check_account(call, account_id)
    sharing = dict(image.shared_with)
    for account_id in request.add_account:
        sharing.setdefault(account_id, call.now)
    for account_id in request.remove_account:
        sharing.pop(account_id, None)
    _check_quota(call, image, len(sharing))
    if request.dry_run:
        raise DryRunOperation
    image.shared_with = sharing
    if request.is_public is not None:
        image.public = request.is_public
    return ModifyImageSharePermissionResponse()


def _check_account(call: Call, account_id: str) -> None:
    if account_id == call.account_id:
        raise ApiError(
            "InvalidAccount.Forbbiden",
            404,
            f"{account_id} is the account that owns the image; name another one.",
        )
    if account_id not in account_ids(call.tx):
        raise ApiError(
            "InvalidAccount.NotFound",
            404,
            f"There is no account {account_id!r} in this workspace. `snapcli account list` shows "
            "the ids; `snapcli account add` makes one.",
        )


def _check_quota(call: Call, image: ImageRecord, count: int) -> None:
    most = call.settings.quotas.accounts_per_shared_image
    if count > most:
        raise ApiError(
            "QuotaExceed.ShareImageUser",
            403,
            f"The image {image.image_id} would be shared with {count} accounts; {most} are "
            "allowed. Take the image from one with RemoveAccount.1 first.",
        )


class DescribeImageSharePermissionRequest(Request):
    """Whose use of an image to list."""

    image_id: Annotated[str, "The image, one's own."]
    region_id: Annotated[str, "Its region."] = ""
    page_number: Annotated[PageNumber, "The page to show, from 1."] = 1
    page_size: Annotated[PageSize, "How many a page, at most 100."] = DEFAULT_PAGE_SIZE


class AccountItem(Item):
    """An account that an image is shared with."""

    aliyun_id: str
    shared_time: str


class _AccountSet(Item):
    account: list[AccountItem]


class _GroupItem(Item):
    group: str


class _GroupSet(Item):
    share_group: list[_GroupItem]


class DescribeImageSharePermissionResponse(Response):
    """The accounts that an image is shared with, in the order of sharing; `all` when public."""

    accounts: _AccountSet
    image_id: str
    page_number: int
    page_size: int
    region_id: str
    share_groups: _GroupSet
    total_count: int


@operation("DescribeImageSharePermission", lock=False, changes=False)
def describe_image_share_permission(
    call: Call, request: DescribeImageSharePermissionRequest
) -> DescribeImageSharePermissionResponse:
    """List the accounts that may use an image of one's own."""
    require_region(request.region_id)
    image = require_own_image(call, request.image_id, request.region_id)
    asked = PagedRequest(page_number=request.page_number, page_size=request.page_size)
    cut = page(list(image.shared_with.items()), asked)
    return DescribeImageSharePermissionResponse(
        accounts=_AccountSet(
            account=[
                AccountItem(aliyun_id=account_id, shared_time=seconds_time(since))
                for account_id, since in cut.items
            ]
        ),
        image_id=image.image_id,
        page_number=cut.page_number,
        page_size=cut.page_size,
        region_id=image.region_id,
        share_groups=_GroupSet(share_group=[_GroupItem(group="all")] if image.public else []),
        total_count=cut.total_count,
    )
