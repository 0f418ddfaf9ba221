"""The friendly command, and faults at each step of an application-consistent snapshot (AP-12)."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from assistant_steps import role
from guest_steps import clear, inside
from support import REGION, Cloud, Result

from snapcli.guests import freezing, processes
from snapcli.guests.errors import GuestError


@pytest.fixture
def instance(cloud: Cloud) -> Iterator[str]:
    instance_id = cloud.instance()
    role(cloud, instance_id)
    yield instance_id
    clear(cloud)


@pytest.fixture
def scripts(tmp_path: Path) -> list[str]:
    """Options that give scripts which note that they ran."""
    words: list[str] = []
    for name in ("pre", "post"):
        path = tmp_path / f"{name}.sh"
        path.write_text(f"echo {name}; touch $GUEST_ROOT/{name}\n")
        words += [f"--{name}-script", str(path)]
    return words


def create(cloud: Cloud, instance_id: str, *words: str, terminal: bool = False) -> Result:
    return cloud.run(
        "create-app-snapshot", "--instance-id", instance_id, "--name", "app1", *words,
        terminal=terminal,
    )  # fmt: skip


def groups(cloud: Cloud) -> list[Any]:
    found = cloud.ecs("DescribeSnapshotGroups", RegionId=REGION)
    return list(found["SnapshotGroups"]["SnapshotGroup"])


@pytest.mark.rule("AP-5", "AP-9")
def test_one_friendly_command_does_the_same_and_shows_its_steps(
    cloud: Cloud, instance: str, scripts: list[str]
) -> None:
    plain = create(cloud, instance)
    assert (plain.code, plain.err) == (0, "")
    assert plain.out == groups(cloud)[0]["SnapshotGroupId"] + "\n"
    assert cloud.snapshots()[0]["Tags"]["Tag"] == [{"TagKey": "FsConsistent", "TagValue": "True"}]
    live = create(cloud, instance, *scripts, terminal=True)
    assert live.code == 0
    steps = ["Start to Execute PreScript", "pre", "Freeze Succ", "Thaw Succ", "post", "Tag snap"]
    assert sorted(map(live.err.index, steps)) == list(map(live.err.index, steps))
    root = Path(inside(cloud, instance))
    assert (root / "tmp/prescript.sh").stat().st_mode & 0o7777 == 0o700
    assert len(cloud.snapshots(Tag__1__Key="APPConsistent")) == 1
    answer = create(cloud, instance, "--output", "json")  # with the scripts that are there now
    assert answer.json["ExitCode"] == 0 and "AppConsistent" in answer.json["Log"]
    alone = create(cloud, instance, *scripts[:2])
    assert (alone.code, alone.error_code) == (1, "InvalidParameter")
    cloud.ok("config", "set", "guest.commands", "deny")
    assert create(cloud, instance).error_code == "Operation.Forbidden"


def failing(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.rule("AP-11", "AP-12")
@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("snapcli.guests.processes.hold", 11),
        ("snapcli.guests.freezing.Freeze.end", 12),
        ("slow capture", 6),
        ("snapcli.ecs.app_snapshots.create_group", 255),
        ("snapcli.ecs.group_creation.capture_files", 255),
        ("snapcli.ecs.group_creation.add_node", 255),
        ("snapcli.ecs.app_snapshots._Work._check_group", 255),
        ("snapcli.ecs.app_snapshots._Work._say_end", 0),
    ],
)
def test_a_fault_at_any_step_leaves_no_member_and_nothing_frozen(
    cloud: Cloud,
    instance: str,
    scripts: list[str],
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    code: int,
) -> None:
    cloud.ok("guest", "run", instance, "-d", "--", "sleep", "60")
    options = ["--output", "json", *scripts]
    with monkeypatch.context() as patch:
        if place == "slow capture":
            from snapcli.ecs import group_creation

            whole = group_creation.capture_files

            def slow(*words: Any, **named: Any) -> Any:
                time.sleep(1.2)
                return whole(*words, **named)

            patch.setattr("snapcli.ecs.group_creation.capture_files", slow)
            options += ["--timeout", "1"]
        elif place.endswith("Freeze.end"):
            end = freezing.Freeze.end

            def end_badly(freeze: freezing.Freeze) -> None:
                end(freeze)
                raise freezing.ThawFailed("it can't be thawed")

            patch.setattr(place, end_badly)
        elif place.endswith("hold"):
            patch.setattr(place, failing(GuestError("it can't be held")))
        elif not place.endswith("_say_end"):
            patch.setattr(place, failing(RuntimeError("a fault")))
        done = create(cloud, instance, *options)
    assert done.json["ExitCode"] == code, done.json["Log"]
    assert done.code == (1 if code else 0)
    assert len(groups(cloud)) == len(cloud.snapshots()) == (0 if code else 1)
    root = inside(cloud, instance)
    assert os.path.exists(f"{root}/post")
    until(lambda: [p.state for p in processes.find(root)] == ["S"])
    assert not (cloud.root / "guests/.frozen").exists()
    cloud.check()


@pytest.mark.rule("AP-11")
@pytest.mark.parametrize(("detached", "code"), [(True, 15), (False, 5)])
def test_a_snapshot_that_failed_ends_with_15_and_all_of_them_with_5(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, detached: bool, code: int
) -> None:
    """The instance is stopped while its snapshots are still in creation: they fail (CR-11)."""
    from snapcli.ecs import app_snapshots

    instance_id = cloud.instance(SystemDisk__Category="cloud_essd")
    role(cloud, instance_id)
    cloud.ok("config", "set", "speed", "realistic")
    whole = app_snapshots.take

    def meddled(*words: Any) -> None:
        whole(*words)
        if detached:  # its snapshot goes on being created
            disk_id = cloud.data_disk(instance_id)
            cloud.ecs("DetachDisk", InstanceId=instance_id, DiskId=disk_id)
        cloud.ecs("StopInstance", InstanceId=instance_id)

    monkeypatch.setattr(app_snapshots, "take", meddled)
    done = create(cloud, instance_id, "--output", "json")
    assert done.json["ExitCode"] == code, done.json["Log"]
    assert cloud.snapshots() == [] and groups(cloud) == []


@pytest.mark.rule("AP-12")
@pytest.mark.parametrize("when", ["prescript", "frozen"])
def test_a_command_killed_in_the_middle_leaves_nothing_frozen_and_runs_the_postscript(
    cloud: Cloud, instance: str, tmp_path: Path, when: str
) -> None:
    cloud.ok("guest", "run", instance, "-d", "--", "sleep", "60")
    root = Path(inside(cloud, instance))
    wait = "sleep 60" if when == "prescript" else "true"
    (tmp_path / "pre.sh").write_text(f"touch $GUEST_ROOT/pre; {wait}")
    (tmp_path / "post.sh").write_text("touch $GUEST_ROOT/post")
    program = (
        "import sys, time, snapcli.ecs.app_snapshots as a; from snapcli.cli.main import main\n"
        f"a.create_group = lambda *_, **__: (open({str(root / 'frozen')!r}, 'w'), time.sleep(60))\n"
        "main(sys.argv[1:])\n"
    )
    child = subprocess.Popen(
        [
            sys.executable, "-c", program, "--workspace", str(cloud.root),
            "create-app-snapshot", "--instance-id", instance, "--name", "app1",
            "--pre-script", str(tmp_path / "pre.sh"), "--post-script", str(tmp_path / "post.sh"),
        ]
    )  # fmt: skip
    mark = root / ("pre" if when == "prescript" else "frozen")
    until(mark.exists)
    if when == "frozen":
        assert [p.state for p in processes.find(str(root))] == ["T"]
    child.send_signal(signal.SIGKILL)
    child.wait()
    until((root / "post").exists)
    until(lambda: [p.state for p in processes.find(str(root))] == ["S"])
    assert cloud.snapshots() == [] and not (cloud.root / "guests/.frozen").exists()
    cloud.check()


@pytest.mark.rule("AP-12")
def test_where_even_the_watchdog_was_killed_the_next_command_thaws(
    cloud: Cloud, instance: str
) -> None:
    cloud.ok("guest", "run", instance, "-d", "--", "sleep", "60")
    root = inside(cloud, instance)
    program = (
        "import os, sys; from snapcli.guests.freezing import Freeze\n"
        "f = Freeze(sys.argv[1], sys.argv[2], 60); f.begin()\n"
        "os.kill(f._watchdog.pid, 9); os.kill(os.getpid(), 9)\n"
    )
    record = str(cloud.root / "guests/.frozen" / f"{instance}.json")
    subprocess.run([sys.executable, "-c", program, root, record], check=False)
    assert [p.state for p in processes.find(root)] == ["T"]
    cloud.ecs("DescribeRegions")
    until(lambda: [p.state for p in processes.find(root)] == ["S"])  # it runs for a moment first
    assert not (cloud.root / "guests/.frozen").exists()


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
