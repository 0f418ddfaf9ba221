"""Ctrl-C and SIGTERM in the middle of long work: the state before, nothing left, a clear end."""

import signal
from pathlib import Path

import pytest
from robustness_process import Command
from robustness_scene import Scene
from robustness_service import REGION, Service


class Stage:
    """A scene with enough bytes in it that its commands take a while."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scene = Scene(folder, mib=24)
        self.before = self.scene.picture(self.scene.root)

    def end(self, name: str, number: int) -> tuple[int, str]:
        """Send the signal in the middle of a command; its exit status and errors.

        One that comes too late, when the work is done, is sent again earlier.
        """
        words = self.scene.commands[name]
        root = self.scene.copy(self.folder / "after")
        seconds = Command(root, *words).measure() / 2
        after = self.scene.picture(root)
        while True:
            root = self.scene.copy(self.folder / "ended")
            status, errors = Command(root, *words).end(seconds, number)
            left = {path.name for path in root.iterdir()}
            service = Service(root, new=False)
            service("DescribeDisks", RegionId=REGION)
            picture = self.scene.picture(root)
            assert service.problems() == []
            if picture == self.before:
                break
            assert picture == after
            seconds *= 0.7
        # After Ctrl-C it tidies up by itself.
        assert number != signal.SIGINT or not {"journal.json", "pending.json", "staged"} & left
        return status, errors


@pytest.mark.rule("RB-9")
def test_ctrl_c_in_long_work_leaves_the_state_before_and_says_so(memory_folder: Path) -> None:
    stage = Stage(memory_folder)
    said = "Interrupted. The next command tidies up whatever was begun.\n"
    for name in ("CreateSnapshot", "CreateDisk", "disk import"):
        assert stage.end(name, signal.SIGINT) == (130, said), name


@pytest.mark.rule("RB-9")
def test_a_command_that_is_told_to_end_leaves_the_state_before(memory_folder: Path) -> None:
    stage = Stage(memory_folder)
    for number in (signal.SIGTERM, signal.SIGHUP):
        assert stage.end("CreateSnapshot", number) == (-number, "")
