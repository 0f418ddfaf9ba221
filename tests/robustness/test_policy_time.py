"""Kill -9 and races while policies' time passes: no hour is lost, none is doubled."""

import json
import os
import random
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from robustness_process import Command
from robustness_service import BLOCK_BYTES, REGION, Service

START = datetime(2022, 3, 11, 2, 33, tzinfo=UTC)
DISKS = 3
KEPT_DAYS = 2
# Small steps of settling, so that many ends of one fall into a short time.
SMALL_STEPS = "import snapcli.ecs.lifecycle; snapcli.ecs.lifecycle.MOST_EVENTS = 60"


def instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def build(root: Path) -> list[str]:
    """A workspace with three disks that an hourly policy captures; their ids."""
    service = Service(root)
    _, disks = service.instance(DISKS)
    for number, disk_id in enumerate(disks):
        service.write(disk_id, number * BLOCK_BYTES, bytes([number + 1]) * BLOCK_BYTES)
    made = service(
        "CreateAutoSnapshotPolicy",
        regionId=REGION,
        timePoints=json.dumps([str(hour) for hour in range(24)]),
        repeatWeekdays='["1","2","3","4","5","6","7"]',
        retentionDays=KEPT_DAYS,
    )
    service(
        "ApplyAutoSnapshotPolicy",
        regionId=REGION,
        autoSnapshotPolicyId=made["AutoSnapshotPolicyId"],
        diskIds=json.dumps(disks),
    )
    return disks


def check(root: Path, disks: list[str], until: datetime) -> None:
    """Every hour up to `until` ran once on each disk: each run took the chain's next number."""
    service = Service(root, new=False)
    service("DescribeSnapshots", RegionId=REGION)
    hours = int((until - START.replace(minute=0)) / timedelta(hours=1))
    first = START.replace(minute=0)
    for disk_id in disks:
        chain = json.loads((root / "chains" / REGION / disk_id / "chain.json").read_text())
        kept: list[dict[str, Any]] = chain["nodes"]
        ran = {number: instant(first + timedelta(hours=number)) for number in range(1, hours + 1)}
        gone = until - timedelta(days=KEPT_DAYS)
        assert {node["number"]: node["created_at"] for node in kept} == {
            number: at for number, at in ran.items() if at > instant(gone)
        }
        assert chain["next_number"] == hours + 1
        assert sum(node.get("data_blocks", 0) for node in kept) == 1
    assert service.problems() == []


def _killed(root: Path, kills: int) -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")  # shown when the test fails
    source = random.Random(seed)
    disks = build(root)
    to = START
    # How long a command takes when nobody disturbs it.
    other = root.with_name("other")
    subprocess.run(["cp", "-a", "--sparse=always", root, other], check=True)
    words = ("clock", "set", instant(START + timedelta(days=4)))
    whole = Command(other, *words, before=SMALL_STEPS).measure()
    ended, latest = 0, whole
    for number in range(kills):
        if number % 4 == 0:
            to += timedelta(days=4)
        if number % 4 < 3:
            words = ("clock", "set", instant(to))
        else:  # the same time, settled by whoever comes
            words = ("ecs", "DescribeSnapshots", "--RegionId", REGION)
        command = Command(root, *words, before=SMALL_STEPS)
        status, errors = command.end(source.uniform(0, latest))
        assert status in (0, -9), errors
        ended += status == 0
        # The machine may get faster, and a command may find all done: half of them are to be hit.
        latest = max(latest * 0.8, whole / 50) if status == 0 else min(latest * 1.25, whole)
        if number % 4 == 3:
            Service(root, new=False)("SetClock", At=instant(to))
            check(root, disks, to)
    Service(root, new=False)("SetClock", At=instant(to))
    check(root, disks, to)
    assert ended < kills * 3 / 4 or kills < 20  # else the kills came too late


@pytest.mark.rule("PO-12")
def test_a_kill_while_time_passes_loses_no_hour_and_doubles_none(memory_folder: Path) -> None:
    _killed(memory_folder / "workspace", 2)


@pytest.mark.slow
@pytest.mark.rule("PO-12")
def test_two_hundred_kills_while_time_passes_lose_no_hour_and_double_none(
    memory_folder: Path,
) -> None:
    _killed(memory_folder / "workspace", 200)


def _raced(root: Path, commands: int, rounds: int, kill: bool) -> None:
    disks = build(root)
    to = START
    for turn in range(rounds):
        to += timedelta(days=5)
        words = [
            ("clock", "set", instant(to))
            if number % 2 == 0
            else ("ecs", "DescribeSnapshots", "--RegionId", REGION, "--MaxResults", "100")
            for number in range(commands)
        ]
        racing = [Command(root, *each, before=SMALL_STEPS) for each in words]
        for each in racing:
            each.go()
        if kill:
            racing[turn % commands].process.kill()
        for number, each in enumerate(racing):
            status, errors = each.wait()
            allowed = (0, -9) if kill and number == turn % commands else (0,)
            assert status in allowed, errors
        Service(root, new=False)("SetClock", At=instant(to))
        check(root, disks, to)


@pytest.mark.rule("PO-12")
def test_commands_at_once_let_each_hour_run_once(memory_folder: Path) -> None:
    _raced(memory_folder / "workspace", 3, 1, kill=False)


@pytest.mark.slow
@pytest.mark.rule("PO-12")
def test_eight_commands_at_once_some_killed_let_each_hour_run_once(memory_folder: Path) -> None:
    _raced(memory_folder / "workspace", 8, 12, kill=True)
