"""Kill -9 at any instant of any changing command: the next one sees before or after, nothing else."""

import os
import random
from collections import Counter
from pathlib import Path

import pytest
from robustness_process import Command
from robustness_scene import Scene
from robustness_service import REGION, Service

NEXT = (("DescribeDisks", {"RegionId": REGION}), ("ShowClock", {}), ("CheckWorkspace", {}))


class Killer:
    """Kills commands on copies of one scene and holds what is left against the pictures."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.scene = Scene(folder)
        self.before = self.scene.picture(self.scene.copy(folder / "before"))
        self.after: dict[str, tuple[float, dict[str, object]]] = {}
        self.seen: Counter[str] = Counter()

    def measure(self, name: str) -> tuple[float, dict[str, object]]:
        """How long the command takes when nobody disturbs it, and the picture after it."""
        if name not in self.after:
            root = self.scene.copy(self.folder / "after")
            seconds = Command(root, *self.scene.commands[name]).measure()
            self.after[name] = seconds, self.scene.picture(root)
            assert self.after[name][1] != self.before, name
            assert Service(root, new=False).problems() == [], name
        return self.after[name]

    def kill(self, name: str, share: float, following: int) -> None:
        """Kill the command when `share` of its time is over and look at what is left."""
        seconds, after = self.measure(name)
        root = self.folder / "killed"
        command = Command(self.scene.copy(root), *self.scene.commands[name])
        status, errors = command.end(share * seconds)
        assert status in (0, -9), (name, errors)
        if any((root / left).exists() for left in ("journal.json", "pending.json", "staged")):
            self.seen["decided" if (root / "journal.json").exists() else "undecided"] += 1
        action, parameters = NEXT[following % len(NEXT)]
        service = Service(root, new=False)
        service(action, **parameters)
        picture = self.scene.picture(root)
        where = f"{name} killed after {share:.0%} of {seconds:.3f} s, then {action}"
        if picture != self.before:
            for part, shown in picture.items():
                assert shown == after[part], f"{where}: {part} is neither before nor after"
        self.seen["before" if picture == self.before else "after"] += 1
        assert service.problems() == [], where


def _run(folder: Path, kills: int, seed: int) -> Counter[str]:
    killer = Killer(folder)
    source = random.Random(seed)
    names = list(killer.scene.commands)
    source.shuffle(names)
    for number in range(kills):
        killer.kill(names[number % len(names)], source.uniform(0.0, 1.1), number)
    return killer.seen


@pytest.mark.rule("RB-9")
def test_a_killed_command_leaves_the_state_before_it_or_after_it(memory_folder: Path) -> None:
    seen = _run(memory_folder / "kill", 8, int.from_bytes(os.urandom(4)))
    assert seen["before"] + seen["after"] == 8


@pytest.mark.slow
@pytest.mark.rule("RB-9")
def test_two_hundred_killed_commands_leave_the_state_before_or_after_them(memory_folder: Path) -> None:
    seen = _run(memory_folder / "kill", 200, int.from_bytes(os.urandom(4)))
    assert seen["before"] + seen["after"] == 200
    # Else the kills came too early or too late to prove anything.
    assert min(seen[kind] for kind in ("before", "after", "decided", "undecided")) >= 5, seen
