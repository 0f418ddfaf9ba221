"""Any clocks, any history: no command fails, no time runs backwards, what is finished stays so.

The machine's clock jumps, the machine starts anew, settings are changed by commands and editors.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from computer import NOON, Computer, at_computer
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import REGION, Cloud, Result, block

# Instants of documents that lie ahead when they are written, or say only that something is on.
_AHEAD = ("next_due_at", "snapshot_service_at", "ready_at", "until", "auto_release_at")

SECONDS = st.sampled_from([0, 1, 3, 60, 3600, 90_000, 2_700_000])
JUMPS = st.sampled_from([-2_700_000, -90_000, -3600, -60, -20, -3, -1, 0, 1, 60, 90_000])
OFFSETS = st.sampled_from([-2_700_000, -90_000, -3600, -20, -0.5, 0, 0.25, 20, 3600, 90_000])
INSTANTS = JUMPS.map(lambda seconds: f"{NOON + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}")

CLOCKS = st.one_of(
    st.tuples(st.just("run"), SECONDS, JUMPS),
    st.tuples(st.just("start anew"), JUMPS),
    st.tuples(st.just("edit"), st.just("system"), OFFSETS, st.just("")),
    st.tuples(st.just("edit"), st.just("frozen"), st.just(0), INSTANTS),
    st.tuples(st.just("config"), st.just("offset_seconds"), OFFSETS.map(str)),
    st.tuples(st.just("config"), st.just("at"), INSTANTS),
    st.tuples(st.just("config"), st.just("mode"), st.sampled_from(["system", "frozen"])),
    st.tuples(st.just("clock"), st.sampled_from(["freeze", "resume", "reset"])),
    st.tuples(st.just("clock"), st.sampled_from(["set", "freeze"]), INSTANTS),
    st.tuples(st.just("clock"), st.just("advance"), st.sampled_from(["1s", "1h", "3d"])),
)
CHANGES = st.tuples(
    st.just("do"), st.sampled_from(["snapshot", "short", "delete", "modify", "disk", "reboot"])
)
HISTORIES = st.lists(st.one_of(CLOCKS, CHANGES), min_size=1, max_size=10)


@pytest.fixture(scope="module")
def scene() -> Iterator[Path]:
    """A workspace on the machine's time with an instance, and a daily policy on its disk."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="snapcli-any-", dir=memory) as folder:
        with at_computer(Computer()):
            cloud = Cloud(Path(folder, "scene"), activated=False)
            cloud.ok("clock", "reset")
            cloud.ok("ecs", "OpenSnapshotService")
            cloud.ok("config", "set", "speed", "quick")
            disk_id = cloud.data_disk(cloud.instance())
            made = cloud.ok(
                "create-auto-snapshot-policy", "--name", "daily", "--at", "1", "--on", "mon-sun",
                "--output", "json",
            )  # fmt: skip
            policy_id = made.json["AutoSnapshotPolicyId"]
            cloud.ok(
                "apply-auto-snapshot-policy", "--auto-snapshot-policy-id", policy_id,
                "--disk-ids", disk_id,
            )  # fmt: skip
        yield cloud.root


class Life:
    """A workspace and what is known of it by looking at it after each command."""

    def __init__(self, root: Path, computer: Computer) -> None:
        self.cloud = Cloud.__new__(Cloud)
        self.cloud.root = root
        self.computer = computer
        self.reached = ""  # the time when something was last recorded
        self.finished: set[str] = set()  # which snapshots were by then
        self.letter = 0

    def step(self, kind: str, *given: Any) -> None:
        """Take a step, and look whether all is as it must be."""
        moves = ""  # where an explicit move may have led back to
        if kind == "run":
            self.computer.run(given[0], shown=given[1])
        elif kind == "start anew":
            self.computer.start_anew()
            self.computer.now += timedelta(seconds=given[0])
        elif kind == "edit":
            mode, offset_seconds, at = given
            self.cloud.edit_clock(mode=mode, offset_seconds=offset_seconds, at=at)
        elif kind == "do":
            changed = self.change(given[0])
            if changed is not None and self.answered(changed):
                self.record()
        else:
            words = (kind, *given)
            if kind == "config":
                words = ("config", "set", f"clock.{given[0]}", "--", given[1])
            before, latest = self.now(), self.latest()
            if self.answered(self.cloud.run(*words)):
                moves = self.now()
                assert moves >= min(before, latest), "back before what was recorded"
        if moves and moves < self.reached:
            self.reached = moves
        self.look()

    def answered(self, result: Result) -> bool:
        """Tell whether a command was carried out; else it must have been refused with a reason."""
        assert result.code in (0, 1, 2), result.err
        assert "internal error" not in result.err and "Traceback" not in result.err, result.err
        refusal = result.error_code or "needs clock.at" in result.err
        assert bool(refusal) == (result.code != 0), result.err
        return result.code == 0

    def change(self, what: str) -> Result | None:
        """Change something; None where there is nothing to change."""
        cloud = self.cloud
        snapshots = cloud.snapshots()
        disk_id = cloud.disks(DiskType="data")[-1]["DiskId"]
        if what in ("snapshot", "short"):
            self.letter += 1
            cloud.write(disk_id, 0, block(chr(ord("A") + self.letter)))
            more = ["--RetentionDays", "1"] if what == "short" else []
            return cloud.run("ecs", "CreateSnapshot", "--DiskId", disk_id, *more)
        if what == "disk":
            return cloud.run("ecs", "CreateDisk", "--RegionId", REGION, "--ZoneId", f"{REGION}-h",
                             "--Size", "20")  # fmt: skip
        if what == "reboot":
            instance_id = cloud.disk(disk_id)["InstanceId"]
            return cloud.run("ecs", "RebootInstance", "--InstanceId", instance_id)
        if not snapshots:
            return None
        action = {"delete": "DeleteSnapshot", "modify": "ModifySnapshotAttribute"}[what]
        more = ["--Description", f"text {self.letter}"] if what == "modify" else []
        return cloud.run("ecs", action, "--SnapshotId", snapshots[-1]["SnapshotId"], *more)

    def now(self) -> str:
        """The time that the workspace shows."""
        return str(self.cloud.ok("clock", "show", "--output", "json").json["Now"])

    def record(self) -> None:
        """Remember how far time and snapshots had come when something was recorded."""
        self.reached = self.now()
        done = [each for each in self.cloud.snapshots() if each["Status"] == "accomplished"]
        self.finished = {each["SnapshotId"] for each in done}

    def look(self) -> None:
        """Look at everything that may never be wrong."""
        assert self.now() >= self.reached, "time ran back before what was recorded"
        listed = self.cloud.snapshots()  # applies what has fallen due
        for each in listed:
            if each["SnapshotId"] in self.finished:
                assert (each["Status"], each["Progress"]) == ("accomplished", "100%")
        assert self.now() >= self.latest(), "a record lies after now"
        files = self.files()
        for words in (("describe-snapshots",), ("describe-disks",), ("clock", "show"), ("status",)):
            self.cloud.ok(*words)
        assert self.files() == files, "describing changed something"

    def files(self) -> dict[str, tuple[int, bytes]]:
        """The documents and the settings: which files they are and what they hold."""
        root = self.cloud.root
        found = [root / "workspace.toml", *(root / "state").rglob("*.json"),
                 *(root / "chains").rglob("*.json")]  # fmt: skip
        return {
            str(path): (path.stat().st_ino, path.read_bytes())
            for path in found
            if path.name != "settings.json"
        }

    def latest(self) -> str:
        """The newest instant that any document says has been, in whole seconds."""
        instants = [""]
        for path in self.cloud.root.rglob("*.json"):
            if path.name not in ("settings.json", "clock.json"):
                instants += _instants(json.loads(path.read_text()))
        return max(instants)


def _instants(value: object, name: str = "") -> list[str]:
    if isinstance(value, dict):
        return [each for key, inner in value.items() for each in _instants(inner, key)]
    if isinstance(value, list):
        return [each for inner in value for each in _instants(inner)]
    if name in _AHEAD or not isinstance(value, str):
        return []
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z", value)
    return [found[1] + "Z"] if found else []


def _copy(source: str, target: str) -> None:
    """Copy a file; of a disk, on which nothing is written yet, only its length."""
    if source.endswith(".raw"):
        Path(target).touch()
        os.truncate(target, os.stat(source).st_size)
    else:
        shutil.copy2(source, target)


def lived(scene: Path, history: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory(prefix="snapcli-any-", dir=scene.parent) as folder:
        computer = Computer()
        shutil.copytree(scene, Path(folder, "w"), copy_function=_copy)
        with at_computer(computer):
            life = Life(Path(folder, "w"), computer)
            life.record()
            for step in history:
                life.step(*step)
            life.cloud.check()


@given(history=HISTORIES)
@settings(max_examples=40)
@example(history=[("do", "snapshot"), ("run", 60, -3600), ("do", "modify"), ("clock", "reset")])
@example(
    history=[
        ("clock", "advance", "3d"), ("do", "snapshot"), ("config", "offset_seconds", "0"),
        ("edit", "system", 0, ""), ("start anew", -60), ("do", "modify"), ("clock", "resume"),
        ("run", 3, 3), ("clock", "reset"), ("run", 3600, 3600), ("do", "snapshot"),
    ]
)  # fmt: skip
def test_no_command_fails_and_no_time_runs_backwards(
    scene: Path, history: list[tuple[Any, ...]]
) -> None:
    lived(scene, history)


@pytest.mark.slow
@given(history=st.lists(st.one_of(CLOCKS, CHANGES), min_size=5, max_size=30))
@settings(max_examples=300)
def test_in_long_histories_too(scene: Path, history: list[tuple[Any, ...]]) -> None:
    lived(scene, history)
