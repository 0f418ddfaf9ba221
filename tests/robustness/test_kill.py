"""Kill -9 at any instant of any changing command: the next one sees before or after, no third."""

import os
import random
from collections import Counter
from pathlib import Path

import pytest
from robustness_process import Command
from robustness_scene import Scene
from robustness_service import REGION, Service

NEXT = (("DescribeDisks", {"RegionId": REGION}), ("ShowClock", {}), ("CheckWorkspace", {}))


class Window:
    """Where in a command's time kills tell most; learnt from the kills there were."""

    def __init__(self, seconds: float) -> None:
        self.end = seconds  # by then it has ended
        self.turn = seconds * 0.6  # about there the change is decided

    def choose(self, source: random.Random) -> float:
        """An instant anywhere in the command, or one near to where it is decided."""
        if source.random() < 0.5:
            return source.uniform(0.0, self.end)
        return self.turn * source.uniform(0.8, 1.25)

    def learn(self, seconds: float, *, changed: bool, ended: bool) -> None:
        """Move the turn towards what this kill showed."""
        if ended:
            self.end = max(0.01, min(self.end, seconds))
        self.turn = min(self.turn, seconds) if changed else max(self.turn, seconds)
        self.turn = min(self.turn, self.end)


class Killer:
    """Kills commands on copies of one scene and holds what is left against the pictures."""

    def __init__(self, folder: Path, mib: int) -> None:
        self.folder = folder
        folder.mkdir()
        self.scene = Scene(folder, mib)
        self.before = self.scene.picture(self.scene.copy(folder / "before"))
        self.after: dict[str, dict[str, object]] = {}
        self.windows: dict[str, Window] = {}
        self.seen: Counter[str] = Counter()

    def measure(self, name: str) -> None:
        """See how long the command takes when nobody disturbs it, and the picture after it."""
        if name not in self.after:
            root = self.scene.copy(self.folder / "after")
            self.windows[name] = Window(Command(root, *self.scene.commands[name]).measure())
            self.after[name] = self.scene.picture(root)
            assert self.after[name] != self.before, name
            assert Service(root, new=False).problems() == [], name

    def kill(self, name: str, source: random.Random, following: int) -> None:
        """Kill the command somewhere in its time and look at what is left."""
        self.measure(name)
        window, after = self.windows[name], self.after[name]
        root = self.folder / "killed"
        command = Command(self.scene.copy(root), *self.scene.commands[name])
        seconds = window.choose(source)
        status, errors = command.end(seconds)
        assert status in (0, -9), (name, errors)
        if (root / "journal.json").exists():
            self.seen["decided"] += 1
        elif (root / "pending.json").exists() or (root / "staged").exists():
            self.seen["undecided"] += 1
        action, parameters = NEXT[following % len(NEXT)]
        service = Service(root, new=False)
        service(action, **parameters)
        picture = self.scene.picture(root)
        where = f"{name} killed after {seconds:.4f} s, then {action}"
        changed = picture != self.before
        if changed:
            for part, shown in picture.items():
                assert shown == after[part], f"{where}: {part} is neither before nor after"
        window.learn(seconds, changed=changed, ended=status == 0)
        self.seen["after" if changed else "before"] += 1
        assert service.problems() == [], where


def _run(folder: Path, kills: int, mib: int) -> Counter[str]:
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")  # shown when the test fails
    killer = Killer(folder, mib)
    source = random.Random(seed)
    names = list(killer.scene.commands)
    source.shuffle(names)
    for number in range(kills):
        killer.kill(names[number % len(names)], source, number)
    return killer.seen


@pytest.mark.rule("RB-9")
def test_a_killed_command_leaves_the_state_before_it_or_after_it(memory_folder: Path) -> None:
    seen = _run(memory_folder / "kill", 8, mib=4)
    assert seen["before"] + seen["after"] == 8


@pytest.mark.slow
@pytest.mark.rule("RB-9")
def test_two_hundred_killed_commands_leave_the_state_before_or_after_them(
    memory_folder: Path,
) -> None:
    seen = _run(memory_folder / "kill", 200, mib=16)
    assert seen["before"] + seen["after"] == 200
    # Else the kills came too early or too late to prove anything.
    assert min(seen[kind] for kind in ("before", "after", "decided", "undecided")) >= 3, seen
