"""The front of the service: opens the workspace, lets due time pass, runs one operation.

One transaction an operation. Holds what is the same for all: region default, ClientToken, DryRun.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from snapcli.api.dispatch import Caller
from snapcli.api.errors import DryRunOperation
from snapcli.api.idempotency import RememberedCall, forget_old, recall
from snapcli.api.operation import Operation, Response
from snapcli.ecs import recovery
from snapcli.ecs.accounts import acting_account, due_accounts
from snapcli.ecs.call import FROZEN_FOLDER, Call
from snapcli.workspace import location
from snapcli.workspace.store import Workspace

if TYPE_CHECKING:
    from snapcli.ecs.events import Log

_SECOND = timedelta(seconds=1)


def perform(
    operation: Operation, request: Any, given: Mapping[str, str], caller: Caller
) -> Response:
    """Run `operation` on the caller's workspace and return its response.

    Raises ApiError when a rule refuses it, and the workspace's errors.
    """
    workspace = open_workspace(caller)
    _thaw_left(workspace.path)
    while True:
        with workspace.write() if operation.lock else workspace.read() as tx:
            if not (operation.settles and caller.settles and due_accounts(tx)):
                call = Call(tx, caller, acting_account(tx, caller.profile))
                response = _run(operation, request, given, call)
                break
        _settle(workspace, caller)
    if call.to_settle is not None:
        _settle(workspace, caller, call.to_settle)
    if call.afterwards is not None:
        from snapcli.ecs.steps import Steps

        response = call.afterwards(Steps(workspace, caller, call.account_id))
    return response


def _thaw_left(path: str) -> None:
    """Thaw what a killed command left frozen; one look at a folder that is seldom there."""
    import os

    folder = os.path.join(path, FROZEN_FOLDER)
    if os.path.isdir(folder):
        from snapcli.guests.freezing import thaw_left

        thaw_left(folder)


@contextmanager
def transaction(
    workspace: Workspace, caller: Caller, account_id: str, writes: bool
) -> Iterator[Call]:
    """Give a call for an account in a transaction, with what had fallen due done before."""
    while True:
        with workspace.write() if writes else workspace.read() as tx:
            if not due_accounts(tx):
                call = Call(tx, caller, account_id)
                yield call
                finish(call)
                return
        _settle(workspace, caller)


def open_workspace(caller: Caller) -> Workspace:
    """Open the workspace that the caller named, or the one found from here."""
    import os

    found = location.find(caller.workspace, os.environ, os.getcwd())
    return Workspace.open(found.path, recovery.FINISHERS, caller.on_wait)


def _settle(workspace: Workspace, caller: Caller, log: "Log | None" = None) -> None:
    """Apply what has fallen due, in transactions of its own, each whole.

    A long time takes several; between them other commands may take their turn, and settle too.
    """
    from snapcli.ecs import lifecycle

    is_left = True
    begun_at = None
    while is_left:
        is_left = False
        with workspace.write() as tx:
            for account_id in due_accounts(tx):  # another command may have done it meanwhile
                call = Call(tx, caller, account_id)
                is_left |= lifecycle.settle(call, log)
                finish(call)
                settled_at = call.account.settled_at
                if caller.counting is not None and settled_at is not None:
                    begun_at = begun_at or settled_at
                    done, total = settled_at - begun_at, tx.now - begun_at
                    caller.counting("Letting time pass", done // _SECOND, total // _SECOND)
            if log is not None and log.on_settled is not None and not is_left:
                log.on_settled(tx)


def _run(operation: Operation, request: Any, given: Mapping[str, str], call: Call) -> Response:
    response = _answer(operation, request, given, call)
    finish(call)
    return response


def finish(call: Call) -> None:
    """Do what comes last in a transaction that changed chains."""
    if call.chains_to_free:
        from snapcli.ecs.nodes import free_unnamed

        free_unnamed(call)
    if call.regions_to_fold:
        from snapcli.ecs.usage import fold_months

        fold_months(call)


def _answer(operation: Operation, request: Any, given: Mapping[str, str], call: Call) -> Response:
    if getattr(request, "region_id", None) == "":
        request.region_id = call.caller.region or call.settings.region
    if not operation.changes and getattr(request, "dry_run", False):
        # Of a Describe, a dry run covers only what has been checked by now.
        raise DryRunOperation
    token = getattr(request, "client_token", "")
    if not token:
        response: Response = operation.run(call, request)
        return response
    parameters = {name: value for name, value in given.items() if name != "ClientToken"}
    calls = call.account.calls
    answer = recall(calls, token, operation.action, parameters, call.now)
    if answer is not None:
        return msgspec.json.decode(answer, type=operation.response)
    response = operation.run(call, request)
    forget_old(calls, call.now)
    calls[token] = RememberedCall(
        action=operation.action,
        parameters=parameters,
        answer=msgspec.Raw(msgspec.json.encode(response)),
        answered_at=call.now,
    )
    return response
