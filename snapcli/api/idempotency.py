"""ClientToken: the same token with the same parameters gives the first answer again.

Pure functions over remembered calls; where these are kept is the service's business.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError

# How long a token is remembered is not published; a day is a workable choice.
REMEMBERED = timedelta(hours=24)

# The mismatch is published with 403 for these, with 400 in the table common to all.
_FORBIDDEN = frozenset(
    {"CreateSnapshot", "CreateSnapshotGroup", "InvokeCommand", "RunCommand", "RunInstances"}
)


# An instant as documents hold it: never one without a time zone.
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class RememberedCall(msgspec.Struct, kw_only=True):
    """A call made with a ClientToken: what was asked, what was answered, when."""

    action: str
    parameters: dict[str, str]
    answer: msgspec.Raw
    answered_at: Instant


def recall(
    calls: Mapping[str, RememberedCall],
    token: str,
    action: str,
    parameters: dict[str, str],
    now: datetime,
) -> msgspec.Raw | None:
    """Return the first answer given for `token`, or None when the token is new or forgotten.

    Raises ApiError IdempotentParameterMismatch when the token came with other parameters.
    """
    call = calls.get(token)
    if call is None or now - call.answered_at >= REMEMBERED:
        return None
    if call.action != action or call.parameters != parameters:
        raise ApiError(
            "IdempotentParameterMismatch",
            403 if action in _FORBIDDEN else 400,
            f"ClientToken {token!r} was used for {call.action} with other parameters. Send the "
            "same parameters again, or use a new token.",
        )
    return call.answer


def forget_old(calls: dict[str, RememberedCall], now: datetime) -> None:
    """Drop the calls that are no longer remembered at `now`."""
    for token in [t for t, call in calls.items() if now - call.answered_at >= REMEMBERED]:
        del calls[token]
