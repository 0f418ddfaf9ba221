"""Colours, errors and failures: what goes where, and with which exit code."""

import errno
from types import SimpleNamespace

import pytest
from cli_running import Run

from snapcli.api.errors import ApiError
from snapcli.cli.progress import ProgressBar
from snapcli.cli.streams import Streams
from snapcli.workspace.errors import WorkspaceError

ESCAPE = "\x1b"


@pytest.mark.parametrize(
    ("terminals", "environ", "flags", "coloured"),
    [
        (("stderr",), {}, (), True),
        ((), {}, (), False),
        (("stdin", "stdout"), {}, (), False),
        (("stderr",), {"NO_COLOR": "x"}, (), False),
        (("stderr",), {"NO_COLOR": ""}, (), True),
        (("stderr",), {"TERM": "dumb"}, (), False),
        (("stderr",), {}, ("--no-color",), False),
    ],
)
@pytest.mark.parametrize("line", [("ecs", "DescribeSnapshots"), ("describe-snapshots",)])
def test_errors_are_coloured_at_a_terminal_unless_told_otherwise(
    run: Run,
    service: SimpleNamespace,
    line: tuple[str, ...],
    terminals: tuple[str, ...],
    environ: dict[str, str],
    flags: tuple[str, ...],
    coloured: bool,
) -> None:
    service.error = ApiError("Code", 400, "Words.")
    done = run(*line, *flags, terminals=terminals, environ=environ)
    assert (ESCAPE in done.err) is coloured
    assert "Words." in done.err


class VolumeError(Exception):
    """A stand-in for what the volumes room raises."""

    __module__ = "snapcli.volumes.errors"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (WorkspaceError("w.toml is damaged.", "w.toml", "Mend it."), 4, "w.toml is damaged."),
        (VolumeError("Block 7 of s-1 is damaged."), 4, "Block 7 of s-1 is damaged."),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (OSError(errno.EACCES, "Permission denied", "/x"), 1, "/x: Permission denied"),
        (ValueError("odd\nthing"), 1, "internal error: ValueError: odd thing"),
    ],
)
@pytest.mark.parametrize("line", [("ecs", "DescribeSnapshots"), ("describe-snapshots",)])
def test_no_traceback_reaches_a_person(
    run: Run,
    service: SimpleNamespace,
    line: tuple[str, ...],
    error: BaseException,
    code: int,
    words: str,
) -> None:
    service.error = error
    done = run(*line)
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert "Traceback" not in done.err


def test_the_traceback_of_the_unexpected_is_shown_when_asked_for(
    run: Run, service: SimpleNamespace
) -> None:
    service.error = ValueError("odd")
    assert "SNAPCLI_DEBUG=1" in run("ecs", "DescribeSnapshots").err
    done = run("ecs", "DescribeSnapshots", environ={"SNAPCLI_DEBUG": "1"})
    assert "Traceback" in done.err


def test_damage_found_by_check_has_its_own_exit_code() -> None:
    from snapcli.cli.ecs_form import damage_code

    assert damage_code("CheckWorkspace", SimpleNamespace(problems=["x"])) == 5
    assert damage_code("CheckWorkspace", SimpleNamespace(problems=[])) == 0
    assert damage_code("CreateSnapshot", SimpleNamespace(problems=["x"])) == 0


def test_closed_streams_are_no_terminals_and_answer_no() -> None:
    streams = Streams(environ={}, terminals={"stdin": False})
    streams._streams = {"stdin": None, "stdout": None, "stderr": None}
    assert streams.ask("Go on?") is False
    assert streams.read_bytes(5) == b""
    streams.write("lost")
    streams.complain("lost")
    streams.flush()


def test_progress_is_shown_only_for_work_longer_than_a_second_and_erased(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import io

    from snapcli.cli import progress

    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    err = io.StringIO()
    bar = ProgressBar(Streams(stderr=err, environ={}, width=80))
    for now[0] in (0.0, 0.5, 0.9):
        bar("Capturing d-1", 10, 100)
    assert err.getvalue() == ""
    now[0] = 2.0
    bar("Capturing d-1", 50, 100)
    assert "Capturing d-1 [############------------]  50%" in err.getvalue()
    bar("Capturing d-1", 100, 100)
    assert err.getvalue().endswith("\r\x1b[K")


def test_progress_of_time_is_shown_beside_that_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from snapcli.cli import progress

    now = [10.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    err = io.StringIO()
    bar = ProgressBar(Streams(stderr=err, environ={}, width=80))
    bar.count("Letting time pass", 1, 10)
    bar("Capturing d-1", 100, 100)  # in between; it does not make the other begin anew
    assert err.getvalue() == ""
    now[0] = 11.5
    bar.count("Letting time pass", 5, 10)
    assert err.getvalue().endswith("Letting time pass [############------------]  50%")
    bar.count("Letting time pass", 10, 10)
    assert err.getvalue().endswith("\r\x1b[K")
