"""`snapcli run` and `settle`: time that passes by itself, in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import REGION, Cloud

EVERY_DAY = '["1","2","3","4","5","6","7"]'
HOURLY = json.dumps([str(hour) for hour in range(24)])
_ENOUGH_SECONDS = 30.0  # for a machine that is busy; the tests say how long it may really take


class Running:
    """A `snapcli run`, and the lines that it has printed with the second of each."""

    def __init__(self, root: Path, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "snapcli", "--workspace", str(root), "run", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={k: v for k, v in os.environ.items() if "SNAPCLI" not in k},
        )
        self.lines: list[tuple[float, str]] = []
        self.said: list[str] = []
        self._came = threading.Condition()
        self._threads = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in (
                (self.process.stdout, self.lines),
                (self.process.stderr, self.said),
            )
        ]
        for thread in self._threads:
            thread.start()

    def _read(self, stream: Iterator[str], lines: list[object]) -> None:
        for line in stream:
            with self._came:
                lines.append((time.monotonic(), line) if lines is self.lines else line)
                self._came.notify_all()

    def wait(self, count: int) -> list[dict[str, str]]:
        """Return the first `count` events of a run with `--json`, once they are there."""
        self.wait_lines(count)
        return [json.loads(line) for _, line in self.lines[:count]]

    def wait_lines(self, count: int) -> None:
        """Wait until so many lines are on standard output; what is said may be read before."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.lines) >= count, _ENOUGH_SECONDS), self.said

    def wait_said(self, text: str) -> None:
        """Wait until standard error has said `text`."""
        with self._came:
            told = lambda: any(text in line for line in self.said)  # noqa: E731
            assert self._came.wait_for(told, _ENOUGH_SECONDS), self.said

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code, once all that was printed is read."""
        self.process.send_signal(number)
        code = self.process.wait(_ENOUGH_SECONDS)
        self.close()
        return code

    def close(self) -> None:
        """Wait for its end and for all that it printed."""
        self.process.wait(_ENOUGH_SECONDS)
        for thread in self._threads:
            thread.join(_ENOUGH_SECONDS)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture
def running() -> Iterator[list[Running]]:
    started: list[Running] = []
    yield started
    for each in started:
        each.process.kill()
        each.close()


def covered(cloud: Cloud) -> str:
    """Return a disk with an hourly policy, on a clock that runs."""
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, b"some bytes")
    cloud.ok("clock", "resume")
    apply_hourly(cloud, disk_id)
    return disk_id


def apply_hourly(cloud: Cloud, disk_id: str) -> None:
    policy_id = cloud.ecs(
        "CreateAutoSnapshotPolicy",
        regionId=REGION,
        timePoints=HOURLY,
        repeatWeekdays=EVERY_DAY,
        retentionDays=30,
    )["AutoSnapshotPolicyId"]
    cloud.ecs(
        "ApplyAutoSnapshotPolicy",
        regionId=REGION,
        autoSnapshotPolicyId=policy_id,
        diskIds=json.dumps([disk_id]),
    )


@pytest.mark.rule("PO-12")
def test_a_policy_fires_at_its_hour_on_the_running_clock_once(
    cloud: Cloud, running: list[Running]
) -> None:
    disk_id = covered(cloud)
    run = Running(cloud.root)
    running.append(run)
    run.wait_said("Next: 2022-03-11T03:00:00Z")
    begun = time.monotonic()
    cloud.ok("clock", "set", "2022-03-11T04:59:58Z")  # which lets two hours come at once
    set_at = time.monotonic()
    run.wait_said("Next: 2022-03-11T06:00:00Z")
    run.wait_lines(3)
    # Two seconds after the clock was set, which was somewhere between these two.
    fired_at = run.lines[2][0]
    assert begun + 1.9 < fired_at < set_at + 10, (begun, set_at, fired_at)
    time.sleep(1.2)
    assert run.stop() == 0
    told = [line.split()[0] for _, line in run.lines]
    assert told == [f"2022-03-11T0{hour}:00:00Z" for hour in (3, 4, 5)]
    assert all("SnapshotCreated" in line and disk_id in line for _, line in run.lines)
    found = [each["CreationTime"] for each in cloud.snapshots(DiskId=disk_id)]
    assert sorted(found) == told
    cloud.check()


@pytest.mark.slow
def test_a_policy_that_is_added_meanwhile_is_seen(cloud: Cloud, running: list[Running]) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.ok("clock", "resume")
    run = Running(cloud.root)
    running.append(run)
    run.wait_said("Nothing is due")
    cloud.ok("clock", "set", "2022-03-11T04:59:57Z")
    apply_hourly(cloud, disk_id)
    run.wait_said("Next: 2022-03-11T05:00:00Z")
    run.wait_said("Next: 2022-03-11T06:00:00Z")
    assert run.stop(signal.SIGINT) == 0
    [(_, line)] = run.lines
    assert line.startswith("2022-03-11T05:00:00Z  SnapshotCreated ")
    assert disk_id in line
    assert not any("Traceback" in text for text in run.said)


def test_it_stops_at_once_and_holds_no_lock_while_it_waits(
    cloud: Cloud, running: list[Running]
) -> None:
    import fcntl

    covered(cloud)
    run = Running(cloud.root)
    running.append(run)
    run.wait_said("Next: ")
    with (cloud.root / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another command, for long
        time.sleep(1.5)  # it waits for the lock by now
        begun = time.monotonic()
        assert run.stop() == 0
        assert time.monotonic() - begun < 10
    assert run.lines == []


@pytest.mark.slow
def test_a_command_that_holds_the_lock_delays_it_and_nothing_is_lost(
    cloud: Cloud, running: list[Running]
) -> None:
    import fcntl

    disk_id = covered(cloud)
    cloud.ok("clock", "set", "2022-03-11T02:59:57Z")
    run = Running(cloud.root, "--json")
    running.append(run)
    with (cloud.root / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        time.sleep(4)  # past the hour
        assert run.lines == []
    [event] = run.wait(1)
    assert (event["Time"], event["DiskId"]) == ("2022-03-11T03:00:00Z", disk_id)
    assert (event["Event"], event["RegionId"]) == ("SnapshotCreated", REGION)
    assert run.said == []  # a program reads along
    assert run.stop() == 0


def test_a_frozen_clock_is_refused(cloud: Cloud) -> None:
    refused = cloud.run("run")
    assert refused.code == 1
    assert "frozen at 2022-03-11T02:33:00Z" in refused.err
    assert "snapcli clock resume" in refused.err


def test_a_clock_that_is_frozen_meanwhile_is_waited_for(
    cloud: Cloud, running: list[Running]
) -> None:
    covered(cloud)
    run = Running(cloud.root)
    running.append(run)
    run.wait_said("Next: ")
    cloud.ok("clock", "freeze")
    run.wait_said("frozen")
    assert run.stop() == 0


def test_a_clock_that_stands_behind_what_has_happened_is_waited_for(
    cloud: Cloud, running: list[Running]
) -> None:
    covered(cloud)
    cloud.ok("clock", "reset")
    cloud.ok("clock", "advance", "1d")
    apply_hourly(cloud, cloud.data_disk(cloud.instance()))
    cloud.ok("clock", "reset")
    run = Running(cloud.root)
    running.append(run)
    run.wait_said("stands still until the system's time is ")
    cloud.ok("clock", "resume")
    run.wait_said("Next: ")
    assert run.stop() == 0


@pytest.mark.rule("PO-12")
def test_settle_applies_what_is_due_once_and_says_what_happened(cloud: Cloud) -> None:
    disk_id = covered(cloud)
    # The clock runs past three hours without any command: what a machine that slept finds.
    settings = cloud.root / "workspace.toml"
    cloud.ok("clock", "freeze", "2022-03-11T02:40:00Z")
    settings.write_text(settings.read_text().replace("2022-03-11T02:40", "2022-03-11T05:10"))
    settled = cloud.ok("settle", "--output", "json").json
    assert [event["Time"] for event in settled["Events"]] == [
        f"2022-03-11T0{hour}:00:00Z" for hour in (3, 4, 5)
    ]
    assert settled["Happened"]["SnapshotsCreated"] == 3
    assert settled["NextDueAt"] == "2022-03-11T06:00:00Z"
    assert settled["DueInSeconds"] == 50 * 60
    assert settled["Number"] == 3
    assert len(cloud.snapshots(DiskId=disk_id)) == 3
    again = cloud.ok("settle")
    assert again.out == (
        "Nothing was due.\nIt is 2022-03-11T05:10:00Z. Next: 2022-03-11T06:00:00Z\n"
    )
    after = cloud.ok("settle", "--after", "1", "--output", "json").json
    assert [event["Time"] for event in after["Events"]] == [
        "2022-03-11T04:00:00Z",
        "2022-03-11T05:00:00Z",
    ]


@pytest.mark.slow
@pytest.mark.rule("PO-12")
def test_a_signal_in_the_midst_of_much_work_loses_and_doubles_nothing(
    cloud: Cloud, running: list[Running]
) -> None:
    covered(cloud)
    cloud.ok("clock", "freeze", "2022-03-11T02:40:00Z")
    settings = cloud.root / "workspace.toml"
    settings.write_text(settings.read_text().replace("2022-03-11T02:40", "2028-03-11T02:40"))
    run = Running(cloud.root)
    running.append(run)
    account = cloud.root / "state" / "account.json"
    before = account.read_bytes()
    end = time.monotonic() + _ENOUGH_SECONDS
    while account.read_bytes() == before:  # until the first of many steps is done
        assert time.monotonic() < end
        time.sleep(0.01)
    assert run.stop() == 0
    assert json.loads(account.read_text())["settled_at"] < "2028-03-11"
    cloud.check()
    cloud.ok("settle", "--quiet")
    journal = json.loads((cloud.root / "state" / "events.json").read_text())
    hours = 24 * (6 * 365 + 2)
    assert journal["number"] == hours + hours - 30 * 24  # made, and released again
    times = [event["at"] for event in journal["events"] if event["event"] == "SnapshotCreated"]
    assert len(times) == len(set(times)) == 500
    assert len(cloud.snapshots()) == 100  # a page of the 720 that there are
    cloud.check()
