"""Work of an operation outside its transaction: what waits or runs long must hold no lock.

An operation that leaves such work sets `call.afterwards`; the service does it when the
transaction is over. It opens transactions of its own by the Steps it is given.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from snapcli.api.dispatch import Caller
from snapcli.ecs.call import Call

if TYPE_CHECKING:
    from snapcli.workspace.store import Workspace


class Steps:
    """Opens transactions one after another for one account."""

    def __init__(self, workspace: "Workspace", caller: Caller, account_id: str) -> None:
        self.workspace = workspace
        self.caller = caller
        self.account_id = account_id

    @contextmanager
    def begin(self, *, writes: bool) -> Iterator[Call]:
        """Give a call in a transaction of its own, with what had fallen due done before.

        It commits when the block is left normally.
        """
        from snapcli.ecs import service

        with service.transaction(self.workspace, self.caller, self.account_id, writes) as call:
            yield call
