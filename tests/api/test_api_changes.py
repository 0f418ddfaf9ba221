"""Every operation declares whether it changes something, apart from the lock that it takes."""

import re

import pytest

from snapcli.api import catalogue

# What an operation that only tells is called; all others change something.
_TELLS = re.compile(r"(Describe|List|Show|Get|Read|Check|Preview|Forecast)[A-Z]")
# They change something under the shared lock: bytes, processes, or what another operation records.
_SHARES = {
    "WriteDisk",
    "PutGuestFile",
    "RunInGuest",
    "StopGuestProcesses",
    "CreateAppSnapshot",
    "SettleTime",
}


@pytest.mark.parametrize("action", catalogue.ENTRIES)
def test_an_operation_that_only_tells_changes_nothing_and_every_other_does(action: str) -> None:
    assert catalogue.load(action).changes is (_TELLS.match(action) is None)


@pytest.mark.parametrize("action", catalogue.ENTRIES)
def test_the_exclusive_lock_is_for_changes_but_those_that_share(action: str) -> None:
    declared = catalogue.load(action)
    assert declared.lock is (declared.changes and action not in _SHARES)
