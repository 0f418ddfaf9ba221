"""Running one command as a whole process: its wall time, its peak memory, what it printed.

Must stay small in memory: a forked child starts with what this process occupies, and the kernel
counts that in the child's peak.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Failed(Exception):
    """A command of a benchmark ended with an error; the figures would mean nothing."""


class Run(NamedTuple):
    """What one process took and gave."""

    seconds: float
    peak_bytes: int
    output: bytes


def clean_environment(home: Path) -> dict[str, str]:
    """Return an environment that no setting of the caller's shell slows down or leads astray.

    PYTHONDONTWRITEBYTECODE above all: without compiled files Python starts five times slower.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TMPDIR": str(home),
    }


def run(words: Sequence[str], environment: Mapping[str, str], folder: Path) -> Run:
    """Run a command to its end, its output read from a pipe. Raises Failed.

    Timed is all from the fork to the end that wait4 tells of.
    """
    program = shutil.which(words[0], path=environment["PATH"])
    if program is None:
        raise Failed(f"there is no program {words[0]!r}")
    with (folder / "stderr").open("w+b") as errors:
        reader, writer = os.pipe()
        started = time.perf_counter()
        pid = os.fork()
        if pid == 0:
            _become(program, words, environment, folder, writer, errors.fileno())
        os.close(writer)
        output = _read_all(reader)
        _, status, usage = os.wait4(pid, 0)
        seconds = time.perf_counter() - started
        code = os.waitstatus_to_exitcode(status)
        if code != 0:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()
            raise Failed(f"{' '.join(words)} ended with {code}: {said}")
    # Linux counts ru_maxrss in KiB.
    return Run(seconds, usage.ru_maxrss * 1024, output)


def _become(
    program: str,
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    output: int,
    errors: int,
) -> None:
    """Turn this forked child into the program; never returns."""
    try:
        os.chdir(folder)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(errors, 2)
        os.execve(program, list(words), dict(environment))
    finally:
        os._exit(127)


def _read_all(reader: int) -> bytes:
    parts = []
    while part := os.read(reader, 1 << 16):
        parts.append(part)
    os.close(reader)
    return b"".join(parts)


_TOUCH = """
import mmap, sys
memory = mmap.mmap(-1, int(sys.argv[1]))
for offset in range(0, len(memory), 4096):
    memory[offset] = 1
"""


def give_memory(length_bytes: int) -> None:
    """Use so much memory and free it, in a process of its own.

    A virtual machine's host takes free memory away and gives it back page by page on first use,
    which may take several times as long as the work that needed it. So both sides begin with as
    much as they will fill at hand.
    """
    if length_bytes:
        subprocess.run([sys.executable, "-c", _TOUCH, str(length_bytes)], check=True)


def sync_tree(path: Path) -> float:
    """Put a file, or all files of a folder, on the disk; the seconds that took."""
    started = time.perf_counter()
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return time.perf_counter() - started


def occupied_bytes(path: Path) -> int:
    """Return what a file, or all files of a folder, occupy on the disk."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_blocks * 512 for each in files)
