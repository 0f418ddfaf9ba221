"""SettleTime: apply what is due, once, and say what happened; for cron, and for `snapcli run`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec

from snapcli.api.operation import Request, Response, operation
from snapcli.ecs.accounts import account_ids, due_accounts
from snapcli.ecs.call import Call, home_of
from snapcli.ecs.events import EventCounts, EventItem, Log, event_item, journal_of
from snapcli.ecs.records import Account, Events
from snapcli.ecs.wire import seconds_time
from snapcli.workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from snapcli.workspace.transaction import Transaction


class SettleTimeRequest(Request):
    """Which events to tell."""

    after: (
        Annotated[int, "Tell instead the events after this one, whichever command applied them."]
        | None
    ) = None


class SettleTimeResponse(Response):
    """What happened, how often and each event in order; and when the next thing is due.

    `Number` is how many events there have ever been in the workspace, `Omitted` how many of those
    asked for by `After` are no longer kept. `DueInSeconds` is below zero when nothing is due.
    `RunsOnAt` is there when the time stands still until the system's clock shows that.
    """

    now: str
    mode: str
    next_due_at: str
    due_in_seconds: float
    number: int
    omitted: int
    happened: EventCounts
    events: list[EventItem]
    runs_on_at: str | msgspec.UnsetType = msgspec.UNSET


@operation("SettleTime", lock=False, changes=True, settles=False)
def settle_time(call: Call, request: SettleTimeRequest) -> SettleTimeResponse:
    """Apply what has fallen due in all accounts; where nothing has, the lock is only shared."""
    log = Log(wanted=request.after is None)
    response = SettleTimeResponse(
        now="",
        mode=call.settings.clock.mode,
        next_due_at="",
        due_in_seconds=-1.0,
        number=0,
        omitted=0,
        happened=log.counts,  # filled while time is settled, after this
        events=log.events,
    )
    if due_accounts(call.tx):
        log.on_settled = lambda tx: _tell(tx, request, response)
        call.to_settle = log
    else:
        _tell(call.tx, request, response)
    return response


def _tell(tx: "Transaction", request: SettleTimeRequest, response: SettleTimeResponse) -> None:
    """Fill in what is known when nothing is left to be settled."""
    response.now = seconds_time(tx.now)
    behind = tx.reading.behind
    if behind:
        response.runs_on_at = seconds_time(tx.reading.runs_on_at)
    instants = [instant for each in account_ids(tx) if (instant := _next_due_at(tx, each))]
    if instants:
        response.next_due_at = seconds_time(min(instants))
        response.due_in_seconds = max((min(instants) - tx.now + behind).total_seconds(), 0.0)
    try:
        journal = journal_of(tx)
    except WorkspaceError:  # the next event begins it anew
        journal = Events()
    response.number = journal.number
    if request.after is not None:
        # One that was begun anew meanwhile is told whole.
        known = request.after if request.after <= journal.number else 0
        count = journal.number - known
        kept = journal.events[max(len(journal.events) - count, 0) :]
        response.events = [event_item(event) for event in kept]
        response.omitted = count - len(kept)


def _next_due_at(tx: "Transaction", account_id: str) -> datetime | None:
    file = home_of(account_id, tx.settings) + "state/account.json"
    return tx.load(file, Account).next_due_at if tx.exists(file) else None
