"""The accounts of a workspace: each has resources, chains and bills of its own.

The first is named `default` and has the settings' account_id; its files lie in the workspace's
own folders, those of the others under `accounts/<account id>`. An image can be shared between
them, nothing else (FQ-2).
"""

from typing import TYPE_CHECKING, Annotated

from snapcli.api import ids
from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.ecs.account import service_is_on
from snapcli.ecs.call import ACCOUNTS_FILE, FIRST_ACCOUNT, Call, home_of
from snapcli.ecs.records import Account, Accounts
from snapcli.ecs.wire import seconds_time

if TYPE_CHECKING:
    from snapcli.workspace.store import Transaction


def _names(tx: "Transaction") -> dict[str, str]:
    """Return the account ids by name, the first account first."""
    first = {FIRST_ACCOUNT: tx.settings.account_id}
    if not tx.exists(ACCOUNTS_FILE):
        return first
    return first | tx.load(ACCOUNTS_FILE, Accounts).others


def account_ids(tx: "Transaction") -> list[str]:
    """Return the ids of all accounts of the workspace."""
    return list(_names(tx).values())


def acting_account(tx: "Transaction", profile: str | None) -> str:
    """Return the id of the account that a command acts for.

    It is the one named by `profile`, else the one that `account use` chose. Raises ApiError
    InvalidAccountId.NotFound.
    """
    names = _names(tx)
    if len(names) == 1:
        # Scripts name profiles of their own; where there is one account, all mean it.
        return names[FIRST_ACCOUNT]
    if profile is None:
        profile = tx.load(ACCOUNTS_FILE, Accounts).current
    return _require(names, profile)


def _require(names: dict[str, str], name: str) -> str:
    """Return the id of the account of that name or id, or raise ApiError."""
    if name in names.values():
        return name
    if name not in names:
        raise ApiError(
            "InvalidAccount.NotFound",
            404,
            f"There is no account {name!r} in this workspace; there are {', '.join(names)}. Add "
            f"one with: snapcli account add {name}",
        )
    return names[name]


def due_accounts(tx: "Transaction") -> list[str]:
    """Return the accounts in which something may have fallen due; one look at a document each."""
    due = []
    for account_id in account_ids(tx):
        file = home_of(account_id, tx.settings) + "state/account.json"
        if tx.exists(file):
            account = tx.load(file, Account)
            if account.next_due_at is not None and account.next_due_at <= tx.now:
                due.append(account_id)
            elif account.time_zone not in ("", tx.settings.time_zone):
                due.append(account_id)  # policies run at other instants from now on
    return due


class ListAccountsRequest(Request):
    """Nothing is asked for."""


class AccountItem(Item):
    """An account of the workspace."""

    name: str
    account_id: str
    current: bool
    snapshot_service: bool  # whether it is on: activated, and paid for
    overdue_since: str


class ListAccountsResponse(Response):
    """The accounts, the first one first."""

    accounts: list[AccountItem]


@operation("ListAccounts", lock=False, changes=False)
def list_accounts(call: Call, request: ListAccountsRequest) -> ListAccountsResponse:
    """List the accounts of the workspace; the current one is whose commands these are."""
    return ListAccountsResponse(
        accounts=[_item(call, name, each) for name, each in _names(call.tx).items()]
    )


def _item(call: Call, name: str, account_id: str) -> AccountItem:
    owner = call.for_account(account_id)
    return AccountItem(
        name=name,
        account_id=account_id,
        current=account_id == call.account_id,
        snapshot_service=service_is_on(owner),
        overdue_since=seconds_time(owner.account.overdue_at),
    )


class AddAccountRequest(Request):
    """How the new account is called."""

    name: Annotated[str, "Its name: small letters, digits and hyphens."]
    account_id: Annotated[str, "Its id, 16 digits; made up when left out."] = ""


class AddAccountResponse(Response):
    """The new account."""

    name: str
    account_id: str


@operation("AddAccount", lock=True, changes=True)
def add_account(call: Call, request: AddAccountRequest) -> AddAccountResponse:
    """Add an account with nothing in it; its snapshot service is not activated (AC-1)."""
    import re

    name, names = request.name, _names(call.tx)
    if not re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", name) or len(name) > 64:
        raise ApiError(
            "InvalidParameter",
            400,
            f"The account name {name!r} is not acceptable: it must have up to 64 small letters, "
            "digits and hyphens.",
        )
    if name in names:
        raise ApiError(
            "InvalidParameter.Conflict",
            400,
            f"There is an account {name!r} with the id {names[name]} already.",
        )
    account_id = request.account_id or _new_account_id(set(names.values()))
    if not re.fullmatch(r"[0-9]{16}", account_id):
        raise ApiError(
            "InvalidParameter",
            400,
            f"The account id {account_id!r} is not acceptable: it must have 16 digits.",
        )
    if account_id in names.values():
        raise ApiError(
            "InvalidParameter.Conflict", 400, f"There is an account with the id {account_id}."
        )
    call.tx.load(ACCOUNTS_FILE, Accounts, Accounts).others[name] = account_id
    return AddAccountResponse(name=name, account_id=account_id)


def _new_account_id(taken: set[str]) -> str:
    while True:
        account_id = str(10**15 + int.from_bytes(ids.random_bytes(8), "big") % (9 * 10**15))
        if account_id not in taken:
            return account_id


class UseAccountRequest(Request):
    """Which account to act for."""

    name: Annotated[str, "An account's name, or its id."]


class UseAccountResponse(Response):
    """The account that commands act for from now on."""

    name: str
    account_id: str


@operation("UseAccount", lock=True, changes=True)
def use_account(call: Call, request: UseAccountRequest) -> UseAccountResponse:
    """Make an account the one that commands act for unless they say --profile."""
    names = _names(call.tx)
    account_id = _require(names, request.name)
    name = next(name for name, each in names.items() if each == account_id)
    call.tx.load(ACCOUNTS_FILE, Accounts, Accounts).current = name
    return UseAccountResponse(name=name, account_id=account_id)
