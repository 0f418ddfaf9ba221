"""The account: activating the snapshot service (AC-1) and asking whether it is on."""

from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.ecs.call import Call
from snapcli.ecs.region_rules import require_region


class OpenSnapshotServiceRequest(Request):
    """Where the service is activated; it is then on in every region."""

    region_id: Annotated[str, "Any region of the account."] = ""


class OpenSnapshotServiceResponse(Response):
    """Nothing but the RequestId."""


@operation("OpenSnapshotService", writes=True)
def open_snapshot_service(
    call: Call, request: OpenSnapshotServiceRequest
) -> OpenSnapshotServiceResponse:
    """Activate the snapshot service, once an account; a repeat succeeds and changes nothing."""
    require_region(request.region_id)
    account = call.account
    if account.snapshot_service_at is None:
        account.snapshot_service_at = call.now
    return OpenSnapshotServiceResponse()


def require_snapshot_service(call: Call) -> None:
    """Raise ApiError unless the snapshot service was activated (AC-1)."""
    if call.account.snapshot_service_at is None:
        raise ApiError(
            "InvalidAccountStatus.SnapshotServiceUnavailable",
            403,
            "The snapshot service is not activated in this workspace. Activate it with "
            "`snapcli init` or `snapcli open-snapshot-service`; snapshots are billed by size and "
            "time from then on.",
        )
