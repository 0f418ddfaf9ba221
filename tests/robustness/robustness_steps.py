"""Ending, interrupting or failing a command at its n-th change to the disk, for every n.

`python robustness_steps.py FOLDER KIND STRIDE [COMMAND...]` is the part that forks: it must be a
process without threads. It prints how many steps were tried; any assertion ends it.
"""

import errno
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from robustness_scene import Scene
from robustness_service import REGION, Service

from snapcli.cli.main import main
from snapcli.cli.streams import Streams

STEPS = (
    *("open", "write", "pwrite", "pwritev", "fsync", "ftruncate"),
    *("replace", "unlink", "mkdir", "rmdir"),
)
# A cache that cannot be written, or an unlink that needs no space, lets a command succeed.
ALLOWED = {"die": {9}, "interrupt": {130}, "no space": {0, 4}, "bad disk": {0, 4}}


def _die(name: str) -> None:
    os._exit(9)


def _interrupt(name: str) -> None:
    raise KeyboardInterrupt


def _no_space(name: str) -> None:
    if name not in ("unlink", "rmdir"):  # these never need any
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _io_error(name: str) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


ACTIONS = {
    "die": _die,
    "interrupt": _interrupt,
    "no space": _no_space,
    "bad disk": _io_error,
}


@contextmanager
def fault_at(number: int, action: Callable[[str], None]) -> Iterator[list[str]]:
    """Call `action` before the n-th step (0 is the first); gives the steps as they are seen."""
    seen: list[str] = []
    originals = {name: getattr(os, name) for name in STEPS}

    def wrapped(name: str) -> Callable[..., object]:
        def step(*arguments: object, **named: object) -> object:
            writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
            reads = name == "open" and not int(str(arguments[1])) & writing
            if not reads:
                seen.append(name)
                if len(seen) - 1 == number:
                    action(name)
            return originals[name](*arguments, **named)

        return step

    for name in STEPS:
        setattr(os, name, wrapped(name))
    try:
        yield seen
    finally:
        for name, original in originals.items():
            setattr(os, name, original)


def run(root: Path, words: tuple[str, ...]) -> tuple[int, str]:
    """Run a command line in this process; its exit code and its errors."""
    errors = io.StringIO()
    streams = Streams(
        stdin=io.TextIOWrapper(io.BytesIO()),
        stdout=io.TextIOWrapper(io.BytesIO(), encoding="utf-8"),
        stderr=errors,
        environ={**os.environ, "SNAPCLI_DEBUG": ""},
        terminals={"stdin": False, "stdout": False, "stderr": False},
    )
    code = main(["--workspace", str(root), *words], streams)
    return code, errors.getvalue()


def run_in_fork(
    root: Path, words: tuple[str, ...], number: int, action: Callable[[str], None]
) -> tuple[int, str, bool]:
    """Run with a fault at step `number`: exit code, errors, whether it got to that step."""
    report = root.with_suffix(".report")
    child = os.fork()
    if child == 0:
        code = 99
        try:
            with fault_at(number, action) as seen:
                code, errors = run(root, words)
            report.write_text(f"{int(len(seen) > number)}{errors}")
        finally:
            os._exit(code)
    report.unlink(missing_ok=True)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    text = report.read_text() if report.exists() else "1"
    return code, text[1:], text[0] == "1"


def look_at(scene: Scene, root: Path, after: dict[str, object], before: dict[str, object]) -> str:
    """Run the next command, and say which of the two states it finds; there is no third."""
    service = Service(root, new=False)
    service("DescribeDisks", RegionId=REGION)
    picture = scene.picture(root)
    if picture != before:
        for part, shown in picture.items():
            assert shown == after[part], (part, shown, before[part], after[part])
    assert service.problems() == []
    return "before" if picture == before else "after"


def every_step(folder: Path, kind: str, stride: int, names: list[str]) -> int:
    """Try the fault at every `stride`-th step of each command; how many were tried."""
    scene = Scene(folder, mib=1)
    before = scene.picture(scene.copy(folder / "before"))
    tried = 0
    for position, name in enumerate(names or scene.commands):
        words = scene.commands[name]
        root = scene.copy(folder / "after")
        code, errors = run(root, words)
        assert code == 0, (name, errors)
        after = scene.picture(root)
        number, reached, states = position % stride, True, set()
        while reached:
            root = scene.copy(folder / "tried")
            code, errors, reached = run_in_fork(root, words, number, ACTIONS[kind])
            where = f"{name}, {kind} at step {number}: exit code {code}, {errors!r}"
            try:
                assert code in (ALLOWED[kind] if reached else {0})
                assert "Traceback" not in errors and "internal error" not in errors
                state = look_at(scene, root, after, before)
                # What was said is what happened.
                assert state == "after" or code != 0
                assert state == "before" or "othing was changed" not in errors
                states.add(state)
            except Exception as error:
                raise AssertionError(where) from error
            number += stride
            tried += 1
        assert states == {"before", "after"} or stride > 1, (name, states)
    shutil.rmtree(folder)
    return tried


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir()
    print(every_step(place, sys.argv[2], int(sys.argv[3]), sys.argv[4:]))
