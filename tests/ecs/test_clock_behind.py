"""Clocks that lead before what has happened: settings, an editor, the system's clock set back."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from computer import NOON, Computer, at_computer
from support import REGION, Cloud, block


@pytest.fixture
def computer() -> Iterator[Computer]:
    made = Computer()
    with at_computer(made):
        yield made


@pytest.fixture
def running(memory_path: Path, computer: Computer) -> Cloud:
    """A workspace whose clock follows the system's, with nothing in it."""
    cloud = Cloud(memory_path / "running", activated=False)
    cloud.ok("clock", "reset")
    cloud.ok("ecs", "OpenSnapshotService")
    return cloud


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(cloud: Cloud) -> dict[str, object]:
    return dict(cloud.ok("clock", "show", "--output", "json").json)


def refused(cloud: Cloud, *words: str) -> str:
    before = (cloud.root / "workspace.toml").read_bytes()
    result = cloud.run(*words)
    assert (result.code, result.error_code) == (1, "InvalidParameter"), (words, result.err)
    assert (cloud.root / "workspace.toml").read_bytes() == before
    return result.err.split("RequestId")[0]


def disk(cloud: Cloud) -> str:
    return cloud.data_disk(cloud.instance())


def test_a_setting_does_not_lead_before_what_was_recorded(
    running: Cloud, computer: Computer
) -> None:
    """`config set` is refused in the words of `clock set`, and no list crashes after it."""
    disk_id = disk(running)
    running.ok("clock", "advance", "1d")
    running.snapshot(disk_id)
    set_ = refused(running, "clock", "set", text(NOON))
    assert "holds something that happened at 2026-07-02T12:00:00Z" in set_
    assert "snapcli clock reset" in set_
    assert refused(running, "config", "set", "clock.offset_seconds", "0") == set_
    running.ok("config", "set", "clock.at", text(NOON))  # of no account while it runs
    assert refused(running, "config", "set", "clock.mode", "frozen") == set_
    running.ok("clock", "freeze")
    assert refused(running, "config", "set", "clock.at", text(NOON)) == set_
    assert refused(running, "config", "set", "clock.mode", "system").startswith("ERROR: The time")
    [snapshot] = running.snapshots()
    assert (snapshot["Status"], snapshot["Progress"]) == ("accomplished", "100%")
    running.check()


def test_a_setting_that_leads_forward_lets_what_falls_due_happen(
    running: Cloud, computer: Computer
) -> None:
    running.snapshot(disk(running), RetentionDays=1)
    running.ok("config", "set", "clock.offset_seconds", "86400")
    account = json.loads((running.root / "state" / "account.json").read_text())
    assert account["settled_at"] == "2026-07-02T12:00:00Z"
    assert running.snapshots() == []
    assert "2026-07-02T12:00:00Z" in refused(
        running, "config", "set", "clock.offset_seconds", "86399"
    )


def test_a_setting_goes_back_where_nothing_has_happened(running: Cloud) -> None:
    running.ok("clock", "advance", "3d")
    assert running.ok("config", "set", "clock.offset_seconds", "60").out == (
        "clock.offset_seconds = 60\n"
    )
    assert shown(running)["Now"] == text(NOON + timedelta(minutes=1))
    running.ok("config", "set", "clock.offset_seconds", "0")
    assert shown(running)["Now"] == text(NOON)


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("clock.mode", "slow", 2),
        ("clock.mode", "frozen", 2),  # without an instant in clock.at
        ("clock.at", "-", 2),
        ("clock.offset_seconds", "much", 2),
        ("clock.speed", "1", 2),
    ],
)
def test_a_setting_of_the_clock_that_is_not_right_is_a_mistyped_command(
    running: Cloud, key: str, value: str, code: int
) -> None:
    before = (running.root / "workspace.toml").read_bytes()
    result = running.run("config", "set", key, value)
    assert (result.code, result.error_code, result.bytes) == (code, "", b"")
    assert key in result.err
    assert (running.root / "workspace.toml").read_bytes() == before


def test_a_setting_does_not_lead_out_of_the_calendar(running: Cloud) -> None:
    said = refused(running, "config", "set", "clock.offset_seconds", "--", "-2000000000")
    assert "1971 to 8999" in said


def test_a_clock_that_gives_no_time_can_be_put_right(running: Cloud) -> None:
    running.edit_clock(mode="slow")
    assert running.run("clock", "show").code == 4
    running.ok("config", "set", "clock.mode", "system")
    assert shown(running)["Now"] == text(NOON)


def test_the_clocks_settings_are_set_by_an_operation_too(running: Cloud) -> None:
    answer = running.ok(
        "clock", "configure", "--mode", "frozen", "--at", "2026-08-01T00:00:00Z", "-o", "json"
    ).json
    assert (answer["Now"], answer["Mode"]) == ("2026-08-01T00:00:00Z", "frozen")
    assert "holds something" not in refused(running, "clock", "configure", "--mode", "slow")
    nothing = running.run("clock", "configure")
    assert (nothing.code, nothing.error_code) == (1, "MissingParameter")


def test_lists_and_new_snapshots_go_on_when_the_systems_clock_is_set_back(
    running: Cloud, computer: Computer
) -> None:
    running.ok("config", "set", "speed", "quick")
    disk_id = disk(running)
    for letter in "AB":
        running.write(disk_id, 0, block(letter))
        running.snapshot(disk_id)
        computer.run(4)
    computer.run(0, shown=-600)
    assert [each["Progress"] for each in running.snapshots()] == ["100%", "100%"]
    running.check()
    running.snapshot(disk_id)
    assert running.snapshots()[0]["Status"] == "progressing"
    computer.run(4)
    assert running.snapshots()[0]["Status"] == "accomplished"
    assert running.snapshots()[0]["CreationTime"] == text(NOON + timedelta(seconds=8))
    line = running.ok("clock", "show").out
    assert line == "2026-07-01T12:00:12Z  running, 10m ahead of the system's time\n"


def test_every_list_is_drawn_whatever_the_instants_and_the_clock(
    running: Cloud, computer: Computer
) -> None:
    """A workspace from before there was a mark: its clock may be before all that it holds."""
    disk_id = disk(running)
    system_id = running.disks(DiskType="system")[0]["DiskId"]
    snapshot_id = running.snapshot(system_id)
    running.snapshot(disk_id)
    image_id = running.ecs("CreateImage", RegionId=REGION, SnapshotId=snapshot_id)["ImageId"]
    running.ecs("ExportImage", RegionId=REGION, ImageId=image_id, OSSBucket="backups")
    computer.run(60)
    running.snapshot(disk_id)
    (running.root / "state" / "clock.json").unlink()
    computer.run(0, shown=-7200)
    newest, _, oldest = running.snapshots()
    assert (newest["Progress"], oldest["Status"]) == ("0%", "progressing")
    images = running.ecs("DescribeImages", RegionId=REGION, ImageOwnerAlias="self",
                         Status="Creating")  # fmt: skip
    assert images["Images"]["Image"][0]["Progress"] == "0%"
    [task] = running.ecs("DescribeTasks", RegionId=REGION)["TaskSet"]["Task"]
    task = running.ecs("DescribeTaskAttribute", RegionId=REGION, TaskId=task["TaskId"])
    assert task["TaskProcess"] == "0%"
    for words in (
        ("describe-disks",), ("describe-instances",), ("describe-snapshot-links",), ("advise",),
        ("timeline",), ("billing",), ("console", "size"), ("chain", "show", disk_id), ("status",),
        ("policy", "forecast", "--change", "1%/day"), ("settle",), ("describe-snapshots-usage",),
    ):  # fmt: skip
        running.ok(*words)
    running.check()
    busy = running.refused("CreateSnapshot", DiskId=disk_id)
    assert busy.error_code == "IncorrectDiskStatus.CreatingSnapshot"


def test_snapshots_dated_in_another_order_than_they_were_made_tell_no_change(
    running: Cloud,
) -> None:
    disk_id = disk(running)
    for letter in "AB":
        running.write(disk_id, 0, block(letter))
        running.snapshot(disk_id)
    chain = running.root / "chains" / REGION / disk_id / "chain.json"
    later = '"created_at": "2026-07-01T13:00:00Z"'
    chain.write_text(chain.read_text().replace(f'"created_at": "{text(NOON)}"', later, 1))
    policy = ("create-auto-snapshot-policy", "--name", "daily", "--at", "11", "--on", "mon-fri")
    policy_id = running.ok(*policy, "--output", "json").json["AutoSnapshotPolicyId"]
    running.ok(
        "apply-auto-snapshot-policy", "--auto-snapshot-policy-id", policy_id, "--disk-ids", disk_id
    )
    said = refused(running, "policy", "forecast")
    assert "no two snapshots of different times" in said


def test_no_move_starts_before_the_time_that_is_shown(running: Cloud, computer: Computer) -> None:
    disk(running)
    running.edit_clock(offset_seconds=-86400)
    assert shown(running)["BehindSeconds"] == 86400.0
    moved = running.ok("clock", "advance", "1h", "--output", "json").json
    assert (moved["MovedFrom"], moved["Now"]) == (text(NOON), text(NOON + timedelta(hours=1)))
    assert "BehindSeconds" not in moved
    computer.run(60)
    assert shown(running)["Now"] == text(NOON + timedelta(hours=1, minutes=1))
    running.edit_clock(mode="frozen", at="2020-01-01T00:00:00Z")
    moved = running.ok("clock", "advance", "2h", "--output", "json").json
    assert (moved["Now"], moved["Mode"]) == (text(NOON + timedelta(hours=2)), "frozen")


def test_a_clock_that_lies_behind_is_let_run_on_by_resuming(
    running: Cloud, computer: Computer
) -> None:
    disk(running)
    running.edit_clock(offset_seconds=-60)
    computer.run(10)
    assert shown(running)["Now"] == text(NOON)
    said = running.ok("clock", "resume").out
    assert "10s behind the system's time" in said and "snapcli clock reset" in said
    computer.run(10)
    assert shown(running)["Now"] == text(NOON + timedelta(seconds=10))


def test_a_reset_stands_still_until_the_systems_time_has_caught_up(
    running: Cloud, computer: Computer
) -> None:
    running.ok("clock", "advance", "1d")
    disk_id = disk(running)
    computer.run(60)
    reset = running.ok("clock", "reset", "--output", "json").json
    tomorrow = text(NOON + timedelta(days=1))
    assert (reset["Now"], reset["Mode"], reset["RunsOnAt"]) == (tomorrow, "system", tomorrow)
    assert reset["BehindSeconds"] == reset["OffsetSeconds"] == 86340.0
    said = running.ok("clock", "show").out
    assert said == (
        f"{tomorrow}  standing still\n"
        "The workspace's time is 23h59m ahead of the system's. It stands still until the system's "
        f"time is {tomorrow}, in 23h59m; `snapcli clock resume` lets it run on at once.\n"
    )
    assert f"standing still until the system's time is {tomorrow}, in 23h59m\n" in (
        running.ok("status").out
    )
    assert running.ok("status", "--output", "json").json["Clock"]["BehindSeconds"] == 86340.0
    running.snapshot(disk_id)
    assert running.snapshots()[0]["CreationTime"] == tomorrow
    computer.run(86340 + 5)
    at = shown(running)
    assert (at["Now"], at["OffsetSeconds"]) == (text(computer.now), 0.0)
    assert "BehindSeconds" not in at and computer.now == NOON + timedelta(days=1, seconds=5)


def test_a_reset_goes_back_as_far_as_nothing_has_happened(
    running: Cloud, computer: Computer
) -> None:
    running.ok("clock", "advance", "1d")
    assert running.ok("clock", "reset").out.endswith("running, the system's time\n")
    running.ok("clock", "advance", "1h")
    disk(running)
    running.ok("clock", "advance", "30d")
    reset = running.ok("clock", "reset", "--output", "json").json
    assert (reset["Now"], reset["BehindSeconds"]) == (text(NOON + timedelta(hours=1)), 3600.0)


def test_a_reset_ends_the_counting_on_from_before_the_systems_clock_was_set_back(
    running: Cloud, computer: Computer
) -> None:
    disk(running)
    computer.run(10, shown=-600)
    assert shown(running)["OffsetSeconds"] == 610.0
    assert running.ok("clock", "reset", "--output", "json").json["BehindSeconds"] == 600.0
    computer.run(590)
    assert shown(running)["Now"] == text(NOON)
    computer.run(15)
    assert (shown(running)["Now"], shown(running)["OffsetSeconds"]) == (
        text(NOON + timedelta(seconds=5)),
        0.0,
    )


def test_a_reset_forward_ends_it_too(running: Cloud, computer: Computer) -> None:
    running.ok("clock", "freeze")
    computer.run(86400)
    running.ok("clock", "resume")  # a day behind the system's time
    disk(running)
    computer.run(10, shown=-600)
    assert running.ok("clock", "reset", "--output", "json").json["Now"] == text(computer.now)
    computer.run(5)
    assert (shown(running)["Now"], shown(running)["OffsetSeconds"]) == (text(computer.now), 0.0)


def test_a_setting_that_moves_no_time_is_set_while_the_time_stands_still(running: Cloud) -> None:
    disk(running)
    running.edit_clock(offset_seconds=-60)
    running.ok("config", "set", "clock.at", text(NOON))
    running.ok("config", "set", "clock.offset_seconds", "--", "-60")
    assert shown(running)["BehindSeconds"] == 60.0
    refused(running, "config", "set", "clock.offset_seconds", "--", "-61")


def test_a_reset_of_a_clock_behind_the_systems_lets_what_falls_due_happen(
    running: Cloud, computer: Computer
) -> None:
    running.snapshot(disk(running), RetentionDays=1)
    running.ok("clock", "freeze")
    computer.run(2 * 86400)
    reset = running.ok("clock", "reset", "--output", "json").json
    assert (reset["Now"], reset["Happened"]["SnapshotsReleased"]) == (text(computer.now), 1)


def test_waiting_ends_at_once_where_the_time_stands_longer_than_the_wait(
    running: Cloud, monkeypatch: pytest.MonkeyPatch, computer: Computer
) -> None:
    running.ok("config", "set", "speed", "quick")
    disk_id = disk(running)
    snapshot_id = running.snapshot(disk_id)
    waiting = (
        "ecs", "DescribeSnapshots", f"--RegionId={REGION}", f'--SnapshotIds=["{snapshot_id}"]',
        "--waiter", "expr=Snapshots.Snapshot[0].Status", "to=accomplished", "timeout=60",
    )  # fmt: skip
    monkeypatch.setattr("time.sleep", computer.run)
    running.edit_clock(offset_seconds=-3600)
    result = running.run(*waiting)
    assert (
        result.code == 6 and "clock resume" in result.err and "2026-07-01T13:00:00Z" in result.err
    )
    assert computer.now == NOON  # no second was waited
    running.edit_clock(offset_seconds=-30)
    assert running.run(*waiting).code == 0
    assert computer.now >= NOON + timedelta(seconds=32)


def test_what_is_due_next_counts_how_long_the_time_stands(running: Cloud) -> None:
    running.snapshot(disk(running), RetentionDays=1)
    running.edit_clock(offset_seconds=-3600)
    settled = running.ok("settle", "--output", "json").json
    assert settled["DueInSeconds"] == 86400.0 + 3600.0
    assert settled["RunsOnAt"] == text(NOON + timedelta(hours=1))


def test_describing_writes_no_mark(running: Cloud, computer: Computer) -> None:
    disk(running)
    file = running.root / "state" / "clock.json"
    before = os.stat(file).st_ino
    computer.run(60, shown=-60)
    for words in (("describe-snapshots",), ("clock", "show"), ("status",), ("check",), ("settle",)):
        running.ok(*words)
    assert os.stat(file).st_ino == before


def test_check_tells_of_a_damaged_mark_and_the_next_change_makes_it_anew(cloud: Cloud) -> None:
    file = cloud.root / "state" / "clock.json"
    good = file.read_bytes()
    file.write_text("{")
    result = cloud.run("check", "--output", "json")
    [problem] = result.json["Problems"]
    assert result.code == 5
    assert problem["File"] == str(file) and "damaged" in problem["Message"]
    disk(cloud)
    assert file.read_bytes() == good
    cloud.check()


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed")
def test_a_process_with_another_clock_finds_what_was_finished_finished(tmp_path: Path) -> None:
    """The same with real processes, a real set-back clock and the machine's real uptime."""
    cloud = Cloud(tmp_path / "real", speed="quick")
    cloud.ok("clock", "reset")
    disk_id = disk(cloud)
    cloud.snapshot(disk_id)
    time.sleep(2.5)
    command = [sys.executable, "-m", "snapcli", "--workspace", str(cloud.root)]

    def earlier(*words: str) -> str:
        done = subprocess.run(
            ["faketime", "-f", "-600", *command, *words], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    listed = json.loads(earlier("ecs", "DescribeSnapshots", "--RegionId", REGION))
    assert listed["Snapshots"]["Snapshot"][0]["Status"] == "accomplished"
    assert "Nothing is wrong" in earlier("check")
    earlier("ecs", "CreateSnapshot", "--DiskId", disk_id)
    newest, oldest = cloud.snapshots()
    assert newest["CreationTime"] >= oldest["CreationTime"]
