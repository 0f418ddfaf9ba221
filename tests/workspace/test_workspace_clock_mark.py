"""The mark of the newest recorded instant: the workspace's time is never before it."""

import datetime
import json
import os
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest
import workspace_helpers as helpers
from computer import NOON, Computer, at_computer
from workspace_helpers import A, Counter

from snapcli.workspace import clock_mark
from snapcli.workspace.clock_mark import (
    ClockMark,
    caught_up,
    read_clock,
    read_mark,
    reading_of,
)
from snapcli.workspace.settings import ClockSettings
from snapcli.workspace.store import Workspace

MINUTE = timedelta(minutes=1)
MARK = Path("state", "clock.json")


@pytest.fixture
def machine() -> Iterator[Computer]:
    made = Computer()
    with at_computer(made):
        yield made


@pytest.fixture
def root(tmp_path: Path, machine: Computer) -> str:
    path = str(tmp_path / "w")
    record(path)
    return path


def record(root: str) -> None:
    with Workspace.open(root).write() as tx:
        tx.load(A, Counter, Counter).count += 1


def now(root: str) -> datetime.datetime:
    with Workspace.open(root).read() as tx:
        return tx.now


def behind(root: str) -> timedelta:
    with Workspace.open(root).read() as tx:
        return tx.reading.behind


def edit(root: str, line: str) -> None:
    Path(root, "workspace.toml").write_text(f"[clock]\n{line}\n")


def test_a_systems_clock_that_is_set_back_lets_time_run_on(root: str, machine: Computer) -> None:
    machine.run(4, shown=-600)
    assert now(root) == NOON + timedelta(seconds=4)
    record(root)
    machine.run(5)
    assert now(root) == NOON + timedelta(seconds=9)
    machine.run(1, shown=601)  # it is put right again
    assert now(root) == NOON + timedelta(seconds=6)  # nothing recorded lies after that
    assert behind(root) == timedelta(0)


@pytest.mark.parametrize("known", [True, False])
def test_after_another_start_time_stands_until_the_system_catches_up(
    root: str, machine: Computer, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    machine.start_anew()
    machine.uptime_seconds = 2000  # longer than it ran before
    if not known:
        monkeypatch.setattr(clock_mark, "this_machine", lambda: None)
    machine.run(30, shown=-60)
    assert (now(root), behind(root)) == (NOON, MINUTE)
    record(root)
    machine.run(40)
    assert (now(root), behind(root)) == (NOON, timedelta(seconds=20))
    machine.run(21)
    assert (now(root), behind(root)) == (NOON + timedelta(seconds=1), timedelta(0))


def test_an_uptime_that_went_back_is_another_start(root: str, machine: Computer) -> None:
    machine.run(-500, shown=-60)
    assert (now(root), behind(root)) == (NOON, MINUTE)


def test_an_edit_of_the_settings_does_not_lead_before_what_was_recorded(
    root: str, machine: Computer
) -> None:
    edit(root, "offset_seconds = -3600")
    assert (now(root), behind(root)) == (NOON, timedelta(hours=1))
    edit(root, 'mode = "frozen"\nat = "2020-01-01T00:00:00Z"')
    assert (now(root), behind(root)) == (NOON, timedelta(0))
    edit(root, 'mode = "frozen"\nat = "2027-01-01T00:00:00Z"')
    assert now(root) == datetime.datetime(2027, 1, 1, tzinfo=UTC)


def test_a_mark_is_written_by_a_change_of_a_document_and_by_nothing_else(
    root: str, machine: Computer
) -> None:
    file = Path(root, MARK)
    first = os.stat(file).st_ino, file.read_bytes()
    machine.run(60)
    assert now(root) == NOON + MINUTE
    with Workspace.open(root).write() as tx:
        tx.load(A, Counter)
        tx.change_settings({"clock.offset_seconds": 5})
    assert (os.stat(file).st_ino, file.read_bytes()) == first
    with Workspace.open(root).write() as tx:
        tx.delete(A)
    assert json.loads(file.read_text())["at"] == "2026-07-01T12:01:05Z"


def test_a_frozen_clock_writes_its_mark_once_and_says_nothing_of_the_system(
    root: str, machine: Computer
) -> None:
    edit(root, 'mode = "frozen"\nat = "2030-01-01T00:00:00Z"')
    record(root)
    file = Path(root, MARK)
    first = os.stat(file).st_ino, file.read_bytes()
    assert json.loads(file.read_text()) == {
        "format": 1, "at": "2030-01-01T00:00:00Z", "system_at": None, "boot_id": "",
        "uptime_seconds": 0.0,
    }  # fmt: skip
    machine.run(60)
    record(root)
    assert (os.stat(file).st_ino, file.read_bytes()) == first


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff",
        b'{"format":1}',
        b'{"format":9,"at":"2026-07-01T12:00:00Z"}',
        b'{"format":1,"at":"2026-07-01T12:00:00"}',
        b'{"format":1,"at":"2026-07-01T12:00:00Z","system_at":"2026-07-01T12:00:00"}',
    ],
)
def test_an_unreadable_mark_counts_as_none_and_is_made_anew(
    root: str, machine: Computer, damage: bytes
) -> None:
    Path(root, MARK).write_bytes(damage)
    mark, problem = read_mark(root)
    assert mark is None and str(Path(root, MARK)) in problem
    machine.run(0, shown=-60)
    assert now(root) == NOON - MINUTE
    record(root)
    found, problem = read_mark(root)
    assert found is not None and (found.at, problem) == (NOON - MINUTE, "")


def test_a_mark_is_no_document_of_the_callers(root: str, machine: Computer) -> None:
    assert list(Workspace.open(root).documents()) == [A]


def test_setting_the_clock_back_lowers_the_mark_with_the_settings_or_not_at_all(
    root: str, machine: Computer
) -> None:
    earlier = ClockSettings(offset_seconds=-60)
    with pytest.raises(KeyError), Workspace.open(root).write() as tx:
        tx.change_settings({"clock.offset_seconds": -60})
        tx.moves_time(earlier, NOON - MINUTE, NOON)
        raise KeyError
    assert now(root) == NOON
    with Workspace.open(root).write() as tx:
        tx.change_settings({"clock.offset_seconds": -60})
        tx.moves_time(earlier, NOON - MINUTE, NOON)
    assert now(root) == NOON - MINUTE
    assert behind(root) == timedelta(0)


def test_moving_the_clock_forward_marks_how_far_what_was_changed_reached(
    root: str, machine: Computer
) -> None:
    with Workspace.open(root).write() as tx:
        tx.change_settings({"clock.offset_seconds": 60})
        tx.moves_time(ClockSettings(offset_seconds=60), NOON + MINUTE, NOON)
        tx.load(A, Counter).count += 1
    edit(root, "offset_seconds = 0")
    assert (now(root), behind(root)) == (NOON + MINUTE, MINUTE)


def test_a_clock_that_lies_behind_is_moved_from_where_the_time_stands(machine: Computer) -> None:
    for settings in (
        ClockSettings(offset_seconds=-60),
        ClockSettings(mode="frozen", at="2026-07-01T11:00:00Z"),
    ):
        reading = reading_of(settings, NOON, NOON, NOON)
        moved = caught_up(settings, reading)
        assert moved.mode == settings.mode
        assert reading_of(moved, NOON, NOON, None).now == NOON
    ahead = ClockSettings(offset_seconds=60)
    assert caught_up(ahead, reading_of(ahead, NOON, NOON, NOON)) is ahead


def test_a_count_that_leads_out_of_the_calendar_is_not_taken(machine: Computer) -> None:
    last = datetime.datetime.max.replace(tzinfo=UTC)
    mark = ClockMark(at=NOON, system_at=last, boot_id="boot-1", uptime_seconds=0)
    assert read_clock(ClockSettings(), mark).taken == NOON


def test_this_machine_says_which_start_it_is_and_how_long_it_lasts() -> None:
    if not os.path.exists("/proc/uptime"):
        pytest.skip("there is no /proc")
    machine = clock_mark.this_machine()
    assert machine is not None and machine.uptime_seconds > 0 and len(machine.boot_id) == 36


def test_without_proc_nothing_is_known_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clock_mark, "_UPTIME_PATH", str(tmp_path / "none"))
    assert clock_mark.this_machine() is None
    (tmp_path / "none").write_text("\n")
    assert clock_mark.this_machine() is None
    helpers.run(helpers.set_scene(str(tmp_path / "w")).path, "one")
    mark, _ = read_mark(str(tmp_path / "w"))
    assert mark is not None and mark.boot_id == ""
