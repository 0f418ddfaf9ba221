"""What the tests of the command line share: running a line, and a service that only listens."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import cli_fake_service as fake_service
import pytest
from cli_running import Outcome, Run

from snapcli.api import catalogue, dispatch
from snapcli.api.operation import Operation, Response
from snapcli.cli import friendly
from snapcli.cli.main import main
from snapcli.cli.streams import Streams


@pytest.fixture
def run() -> Run:
    """Run a command line in this process; `terminals` names the streams that are terminals."""

    def run(
        *argv: str,
        stdin: str = "",
        terminals: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        width: int = 300,
    ) -> Outcome:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        streams = Streams(
            stdin=io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"),
            stdout=out,
            stderr=err,
            environ={"TERM": "xterm"} | dict(environ or {}),
            terminals={name: name in terminals for name in ("stdin", "stdout", "stderr")},
            width=width,
        )
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(argv, streams)
        out.flush()
        err.flush()
        return Outcome(code, out.buffer.getvalue(), err.buffer.getvalue().decode())

    return run


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Put the tests' own operations behind the command line.

    `calls` collects (action, wire parameters, caller); `answer` is what comes back and `error`
    what is raised instead.
    """
    state = SimpleNamespace(calls=[], answer=None, error=None)
    operations: dict[str, Operation] = fake_service.operations()
    entries = {
        action: catalogue.Entry(
            action, "fake", f"About {action}.", fake_service.COMMANDS[action], "Clock" in action
        )
        for action in operations
    }

    def invoke(action: str, given: Mapping[str, str], caller: dispatch.Caller) -> Response:
        state.calls.append((action, dict(given), caller))
        if state.error is not None:
            raise state.error
        return state.answer or operations[action].response()

    monkeypatch.setattr(catalogue, "ENTRIES", entries)
    monkeypatch.setattr(catalogue, "load", operations.__getitem__)
    monkeypatch.setattr(dispatch, "invoke", invoke)
    monkeypatch.setattr(
        friendly, "_BY_COMMAND", {entry.command: entry for entry in entries.values()}
    )
    return state
