"""A machine whose clock, start and uptime a test chooses, in the place of the real one's."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from snapcli.workspace import clock, clock_mark
from snapcli.workspace.clock_mark import Machine

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Computer:
    """What the machine's clock shows, which start of it this is, and how long ago that was."""

    def __init__(self) -> None:
        self.now = NOON
        self.boot = 1
        self.uptime_seconds = 1000.0

    def run(self, seconds: float, *, shown: float | None = None) -> None:
        """Let seconds pass; its clock may be made to show another count of them."""
        self.uptime_seconds += seconds
        self.now += timedelta(seconds=seconds if shown is None else shown)

    def start_anew(self) -> None:
        """Switch it off and on."""
        self.boot += 1
        self.uptime_seconds = 5.0

    def machine(self) -> Machine:
        """What the program learns of it beside the time."""
        return Machine(f"boot-{self.boot}", self.uptime_seconds)


@contextmanager
def at_computer(computer: Computer) -> Iterator[None]:
    """Let commands of this process run at that machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "system_now", lambda: computer.now)
        patch.setattr(clock_mark, "this_machine", computer.machine)
        yield
