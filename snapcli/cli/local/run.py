"""`snapcli run`: stay in the foreground and let things happen at their instants.

Looks at the workspace every second at least, since another command may change what is due; holds
no lock while it waits. What it prints comes from the journal, so it tells of everything once,
whichever command applied it.
"""

import gc
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import click
import msgspec

from snapcli.cli import exit_codes, failures
from snapcli.cli.help_layout import helped_command
from snapcli.cli.local.common import wants_json, workspace_path
from snapcli.cli.session import Session
from snapcli.cli.usage import UsageError
from snapcli.cli.views.clock import Event, event_text

_EXAMPLES = """\
  # Policies run at their hours until Ctrl-C
  snapcli run
  # The same for a program: an object a line
  snapcli run --json
"""
_LOOK_SECONDS = 1.0
_RETRY_SECONDS = 10.0


class _Stop(BaseException):
    """SIGINT or SIGTERM came."""


class _Settled(msgspec.Struct, rename="pascal"):
    now: str
    mode: str
    next_due_at: str
    due_in_seconds: float
    number: int
    omitted: int
    events: list[Event]
    runs_on_at: str = ""


class _Stopping:
    """Turns signals into _Stop, except while something is printed: then right after it."""

    def __init__(self) -> None:
        self._deferred = False
        self._came = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "_Stopping":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True
        if not self._deferred:
            raise _Stop

    def whole(self, work: Callable[[], None]) -> None:
        """Do `work` to its end, then stop if a signal came meanwhile."""
        self._deferred = True
        try:
            work()
        finally:
            self._deferred = False
        if self._came:
            raise _Stop


class _Watch:
    """What was printed already, and what is said only when it changes."""

    def __init__(self, session: Session, as_json: bool) -> None:
        self._session = session
        self._as_json = as_json
        self._number = -1
        self._said = ""

    def look(self) -> _Settled:
        """Apply what is due and return what is new since the last look."""
        known = {"After": str(self._number)} if self._number >= 0 else {}
        answer = self._session.invoke("SettleTime", known)
        return msgspec.convert(msgspec.to_builtins(answer), _Settled)

    def tell(self, settled: _Settled) -> None:
        """Print the events, each as one line, and to a person what comes next."""
        streams = self._session.streams
        self._number = settled.number
        if settled.omitted:
            streams.remark(f"{settled.omitted} events before these are no longer kept.")
        for event in settled.events:
            if self._as_json:
                streams.write_bytes(msgspec.json.encode(event) + b"\n")
            else:
                streams.write(event_text(event) + "\n")
        streams.flush()
        following = "The clock is frozen; it waits for: snapcli clock resume"
        if settled.runs_on_at:
            following = (
                f"The time stands still until the system's time is {settled.runs_on_at}; "
                "`snapcli clock resume` lets it run on at once."
            )
        elif settled.mode != "frozen":
            due = settled.next_due_at
            following = f"Next: {due}" if due else "Nothing is due; it waits for a change."
        if following != self._said and not self._session.quiet:
            self._said = following
            streams.remark(following)


@click.pass_obj
def _run(session: Session, /, as_json: bool) -> None:
    as_json = wants_json(session) or as_json
    session.streams.as_json = as_json
    path = workspace_path(session)
    gc.enable()  # this process goes on for long
    watch = _Watch(session, as_json)
    with _Stopping() as stopping:
        try:
            first = watch.look()
            if first.mode == "frozen":
                raise UsageError(
                    f"The workspace's clock is frozen at {first.now}, so no hour will come. Let "
                    "it run with: snapcli clock resume",
                    exit_codes.REFUSED,
                )
            session.streams.remark(f"Time runs for {path}. Ctrl-C stops it.")
            _go_on(session, watch, stopping, first)
        except (_Stop, KeyboardInterrupt):
            return


def _go_on(session: Session, watch: _Watch, stopping: _Stopping, settled: _Settled) -> None:
    """Print, wait and look again, for ever."""
    while True:
        stopping.whole(lambda found=settled: watch.tell(found))  # type: ignore[misc]
        due = settled.due_in_seconds
        frozen = settled.mode == "frozen"
        time.sleep(_LOOK_SECONDS if due < 0 or frozen else min(due, _LOOK_SECONDS))
        settled = _look_until_it_works(session, watch)


def _look_until_it_works(session: Session, watch: _Watch) -> _Settled:
    """Look; say what is wrong with the machine or the workspace once in a while, and try again."""
    while True:
        try:
            return watch.look()
        except Exception as error:
            code = failures.exit_code(error)
            if code != exit_codes.WORKSPACE and not isinstance(error, OSError):
                raise
            failures.report(error, session.streams, exact=False)
            time.sleep(_RETRY_SECONDS)


command = helped_command(
    "run",
    _run,
    "Stay, and let policies run at their hours, on the real clock.",
    _EXAMPLES,
    [
        click.Option(
            ["--json", "as_json"], is_flag=True, help="An object a line for each event."
        ),
    ],
)  # fmt: skip
