"""Failing or dying at the n-th step that touches the disk. `python faults.py` is the dying part.

The steps are the calls of `os` that change something. A process that dies is a fork of a process
without threads, so that many deaths cost little.
"""

import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STEPS = ("open", "write", "fsync", "replace", "unlink", "mkdir", "rmdir")


@contextmanager
def fault_at(number: int, action: Callable[[str, Callable[[], object]], None]) -> Iterator[list]:
    """Call `action(step name, the step itself)` before the n-th step (0 is the first)."""
    seen: list[str] = []
    originals = {name: getattr(os, name) for name in STEPS}

    def wrapped(name: str) -> Callable[..., object]:
        def step(*arguments: object, **named: object) -> object:
            # Opening to read changes nothing, except of a folder: that is where a sync begins.
            reads = name == "open" and not int(arguments[1]) & (os.O_WRONLY | os.O_CREAT)
            if not reads:
                seen.append(name)
                if len(seen) - 1 == number:
                    action(name, lambda: originals["write"](arguments[0], arguments[1][:7]))
            return originals[name](*arguments, **named)

        return step

    for name in STEPS:
        setattr(os, name, wrapped(name))
    try:
        yield seen
    finally:
        for name, original in originals.items():
            setattr(os, name, original)


def no_space(name: str, step: Callable[[], object]) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def die(name: str, step: Callable[[], object]) -> None:
    os._exit(9)


def die_halfway(name: str, step: Callable[[], object]) -> None:
    """A write that is cut short."""
    if name == "write":
        step()
    os._exit(9)


def dies(number: int, action: Callable[..., None], work: Callable[[], None]) -> bool:
    """Run `work` in a fork that dies at step `number`; tell whether it got that far."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with fault_at(number, action):
                work()
            status = 0
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9), f"step {number}: the work failed with {status}"
    return status == 9


def main(folder: str, change: str, depth: str) -> None:
    """Die at every step of a change; with depth 2 also at every step of the recovery."""
    import workspace_helpers as helpers

    root = os.path.join(folder, "w")
    kept, ended, seen = os.path.join(folder, "kept"), os.path.join(folder, "ended"), set()
    helpers.set_scene(kept)
    shutil.copytree(kept, ended)
    helpers.run(ended, change)
    pictures = [helpers.picture(kept), helpers.picture(ended)]
    number = deaths = 0
    died = True
    while died:
        shutil.copytree(kept, root)
        action = die if number % 2 else die_halfway
        died = dies(number, action, lambda: helpers.run(root, change))
        half = os.path.join(folder, "half")
        shutil.copytree(root, half)
        inner, again = 0, True
        while again:
            again = depth == "2" and dies(inner, die_halfway, lambda: helpers.look(root))
            helpers.look(root)
            outcome = helpers.picture(root)
            assert outcome in pictures, (number, inner, outcome.keys() ^ pictures[1].keys())
            seen.add(pictures.index(outcome))
            if not died:
                assert outcome == pictures[1]
            if outcome == pictures[1]:
                assert helpers.marked(root) > helpers.marked(kept), "the mark is behind"
            shutil.rmtree(root)
            shutil.copytree(half, root)
            inner += 1
        shutil.rmtree(root)
        shutil.rmtree(half)
        deaths += died
        number += 1
    assert seen == {0, 1}, seen
    print(deaths)


if __name__ == "__main__":
    main(*sys.argv[1:])
