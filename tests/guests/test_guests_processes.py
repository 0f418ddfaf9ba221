"""A guest's processes are found however they fork, run within their time, and end with it."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from snapcli.guests import folder, processes, scripts
from snapcli.guests.errors import GuestError


@pytest.fixture
def root(tmp_path: Path) -> Iterator[str]:
    made = str(tmp_path / "guest")
    folder.make(made)
    yield made
    processes.end_all(made, 0)


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def shell(root: str, text: str, seconds: float = 20, most_bytes: int = 1000) -> scripts.Outcome:
    return scripts.run(
        root,
        ["/bin/sh", "-c", text],
        job=f"job-{time.monotonic_ns()}",
        timeout_seconds=seconds,
        most_bytes=most_bytes,
    )


def test_a_command_runs_in_the_guests_folder_with_its_own_environment(root: str) -> None:
    done = shell(
        root, 'pwd; echo "$HOME $TMPDIR"; echo to-stderr >&2; read x || echo no input; exit 3'
    )
    assert done.exit_code == 3
    assert done.output.decode().split("\n") == [
        root,
        f"{root}/root {root}/tmp",
        "to-stderr",
        "no input",
        "",
    ]


def test_the_beginning_of_a_flood_is_kept_and_the_rest_counted(root: str) -> None:
    done = shell(root, "head -c 300000 /dev/zero | tr '\\0' x", most_bytes=1000)
    assert (done.exit_code, done.output, done.dropped_bytes) == (0, b"x" * 1000, 299_000)


@pytest.mark.parametrize(
    "text",
    [
        "sleep 60",
        "trap '' TERM; while :; do sleep 1; done",
        "setsid sleep 60 & sleep 60",
        "(sleep 60 &) ; (setsid sh -c 'sleep 60 & sleep 60' &) ; yes",
    ],
    ids=["hangs", "ignores TERM", "leaves the session", "forks twice and floods"],
)
def test_what_outlives_its_time_is_ended_with_its_children(root: str, text: str) -> None:
    done = shell(root, text, seconds=0.3)
    assert done.exit_code is None
    assert done.seconds < 5
    assert processes.find(root) == []


def test_what_a_command_leaves_in_the_background_goes_on(root: str) -> None:
    done = shell(root, "sleep 60 & echo started")
    assert (done.exit_code, done.output) == (0, b"started\n")
    until(lambda: [p.command for p in processes.find(root)] == ["sleep 60"])
    assert processes.end_all(root) == 1


def test_a_signal_is_told_as_shells_tell_it(root: str) -> None:
    assert shell(root, "kill -9 $$").exit_code == 137


def test_what_cannot_be_started_is_told_by_name(root: str) -> None:
    with pytest.raises(GuestError, match="no-such-program"):
        scripts.run(root, ["no-such-program"], job="x", timeout_seconds=1)


def test_processes_are_those_of_this_guest_alone(root: str, tmp_path: Path) -> None:
    other = str(tmp_path / "guest2")
    folder.make(other)
    try:
        mine = processes.start(root, ["sleep", "60"])
        theirs = processes.start(other, ["sleep", "61"])
        assert [p.pid for p in processes.find(root)] == [mine.pid]
        processes.end_all(root)
        assert theirs.poll() is None
    finally:
        processes.end_all(other, 0)
        theirs.wait()
        mine.wait()


def test_a_process_that_is_held_writes_nothing_until_it_is_let_go(root: str) -> None:
    target = Path(root, "count")
    loop = "while :; do echo x >> count; done"
    text = f"(setsid sh -c '{loop}' &); {loop}"
    child = processes.start(root, ["/bin/sh", "-c", text])
    until(target.exists)
    processes.hold(root)
    before = target.stat().st_size
    time.sleep(0.1)
    assert target.stat().st_size == before
    assert {p.state for p in processes.find(root)} == {"T"}
    processes.let_go(root)
    until(lambda: target.stat().st_size > before)
    processes.hold(root)  # also a held one is ended
    assert processes.end_all(root, 0.2) >= 2
    child.wait()
    assert processes.find(root) == []


def test_a_process_is_told_apart_from_a_later_one_with_its_number() -> None:
    started = processes.started_of(os.getpid())
    assert processes.is_alive(os.getpid(), started)
    assert not processes.is_alive(os.getpid(), started + 1)
    assert processes.started_of(2**22 + 1) == 0
