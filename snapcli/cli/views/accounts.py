"""The workspace's accounts as a table, and in a sentence whether one has to pay. Draws nothing."""

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import Calendar, Listing


class _Account(msgspec.Struct, rename="pascal"):
    name: str
    account_id: str
    current: bool
    snapshot_service: bool
    overdue_since: str


class _Accounts(msgspec.Struct, rename="pascal"):
    accounts: list[_Account]


class _Overdue(msgspec.Struct, rename="pascal"):
    overdue_at: str
    service_ends_at: str
    snapshot_service: bool


def view(answer: object, session: Session) -> Listing:
    """Return the accounts of a ListAccounts answer."""
    calendar = Calendar(session)
    return Listing(
        what="accounts",
        columns=("Account", "Account ID", "Current", "Snapshot Service", "Overdue Since"),
        rows=[
            (
                account.name,
                account.account_id,
                "Yes" if account.current else "",
                "On" if account.snapshot_service else "Off",
                calendar.wire(account.overdue_since),
            )
            for account in msgspec.convert(answer, _Accounts).accounts
        ],
    )


def overdue(answer: object, session: Session) -> str:
    """Return what a MarkOverdue or PayBills answer says, in a line."""
    found = msgspec.convert(answer, _Overdue)
    calendar = Calendar(session)
    if found.overdue_at:
        ends = "ends" if found.snapshot_service else "ended"
        return (
            f"A bill is unpaid since {calendar.wire(found.overdue_at)}; the snapshot service "
            f"{ends} {calendar.wire(found.service_ends_at)}\n"
        )
    state = "on" if found.snapshot_service else "not activated"
    return f"No bill is unpaid; the snapshot service is {state}\n"
