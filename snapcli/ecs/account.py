"""The account: activating the snapshot service (AC-1), unpaid bills, and if it is on (SZ-3)."""

from datetime import datetime, timedelta
from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.ecs.call import Call
from snapcli.ecs.region_rules import require_region
from snapcli.ecs.wire import seconds_time

GRACE = timedelta(hours=24)  # from an unpaid bill until the service is off (SZ-3)


class OpenSnapshotServiceRequest(Request):
    """Where the service is activated; it is then on in every region."""

    region_id: Annotated[str, "Any region of the account."] = ""


class OpenSnapshotServiceResponse(Response):
    """Nothing but the RequestId."""


@operation("OpenSnapshotService", lock=True, changes=True)
def open_snapshot_service(
    call: Call, request: OpenSnapshotServiceRequest
) -> OpenSnapshotServiceResponse:
    """Activate the snapshot service, once an account; a repeat succeeds and changes nothing."""
    require_region(request.region_id)
    account = call.account
    if account.snapshot_service_at is None:
        account.snapshot_service_at = call.now
    return OpenSnapshotServiceResponse()


class MarkOverdueRequest(Request):
    """Nothing to say: it is the account that the command acts for."""


class OverdueResponse(Response):
    """Since when a bill is unpaid ("" when none is), and when the service is off for that."""

    overdue_at: str
    service_ends_at: str
    snapshot_service: bool


@operation("MarkOverdue", lock=True, changes=True)
def mark_overdue(call: Call, request: MarkOverdueRequest) -> OverdueResponse:
    """Let the account be overdue from now on, as if a bill had not been paid (SZ-3).

    An account that is overdue already stays so since then.
    """
    if call.account.overdue_at is None:
        call.account.overdue_at = call.now
    return _overdue(call)


class PayBillsRequest(Request):
    """Nothing to say: it is the account that the command acts for."""


@operation("PayBills", lock=True, changes=True)
def pay_bills(call: Call, request: PayBillsRequest) -> OverdueResponse:
    """Pay what is overdue, which turns the snapshot service on again where it was off (SZ-3)."""
    call.account.overdue_at = None
    return _overdue(call)


def _overdue(call: Call) -> OverdueResponse:
    overdue_at = call.account.overdue_at
    return OverdueResponse(
        overdue_at=seconds_time(overdue_at),
        service_ends_at=seconds_time(overdue_at and overdue_at + GRACE),
        snapshot_service=service_is_on(call),
    )


def is_barred(overdue_at: datetime | None, now: datetime) -> bool:
    """Say whether the service is off since a bill was unpaid for longer than the grace (SZ-3)."""
    return overdue_at is not None and now >= overdue_at + GRACE


def service_is_on(call: Call) -> bool:
    """Say whether snapshots can be created now; where not, automatic policies rest (SZ-3)."""
    account = call.account
    return account.snapshot_service_at is not None and not is_barred(account.overdue_at, call.now)


def require_snapshot_service(call: Call) -> None:
    """Raise ApiError unless the snapshot service was activated (AC-1) and is paid for (SZ-3)."""
    account = call.account
    profile = f" --profile {call.account_id}" if call.home else ""
    if account.snapshot_service_at is None:
        raise ApiError(
            "InvalidAccountStatus.SnapshotServiceUnavailable",
            403,
            f"The snapshot service is not activated for the account {call.account_id}. Activate "
            f"it with `snapcli open-snapshot-service{profile}`, or `snapcli init{profile}`; "
            "snapshots are billed by size and time from then on.",
        )
    if is_barred(account.overdue_at, call.now):
        raise ApiError(
            "InvalidAccountStatus.NotEnoughBalance",
            403,
            f"A bill of the account {call.account_id} is unpaid since "
            f"{seconds_time(account.overdue_at)}; "
            f"{GRACE // timedelta(hours=1)} hours later the snapshot service went off. What is "
            f"stored is kept. Turn it on again with: snapcli account pay{profile}",
        )
