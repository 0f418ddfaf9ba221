"""Running a command in a guest to its end: within a time, with bounded output.

What a command leaves running in the background goes on, unless its time was over: then all that
it started is ended, whatever it forked into.
"""

import os
import selectors
import subprocess
from collections.abc import Mapping, Sequence
from time import monotonic

import msgspec

from snapcli.guests import processes

_STEP_SECONDS = 0.05
_CHUNK_BYTES = 1 << 16


class Outcome(msgspec.Struct, frozen=True):
    """How a command ended: its exit code (None: its time was over), its output, how long it took.

    `output` is the beginning of both its outputs as they came, `dropped_bytes` what came after.
    A command ended by a signal has 128 and the signal's number, as shells tell it.
    """

    exit_code: int | None
    output: bytes
    dropped_bytes: int
    seconds: float


def run(
    root: str,
    command: Sequence[str],
    *,
    job: str,
    timeout_seconds: float,
    folder: str | None = None,
    extra: Mapping[str, str] | None = None,
    most_bytes: int = 24 * 1024,
) -> Outcome:
    """Run a command in the guest and wait until it ends or `timeout_seconds` are over.

    `job` is a name that no other run has; `folder` a path of this machine. Raises GuestError when
    it can't be started.
    """
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    began = monotonic()
    try:
        try:
            child = processes.start(
                root,
                command,
                folder=folder,
                output=writing,
                extra={**(extra or {}), processes.JOB: job},
            )
        finally:
            os.close(writing)
        taken = _Output(reading, most_bytes)
        code = _wait(child, taken, began + timeout_seconds)
        if code is None:
            processes.end_job(job)
            child.wait()
        taken.read_all()
    finally:
        os.close(reading)
    if code is not None and code < 0:
        code = 128 - code
    return Outcome(
        exit_code=code,
        output=bytes(taken.kept),
        dropped_bytes=taken.dropped_bytes,
        seconds=monotonic() - began,
    )


def _wait(child: "subprocess.Popen[bytes]", taken: "_Output", until: float) -> int | None:
    """Take output until the command itself has ended; None when its time is over first."""
    with selectors.DefaultSelector() as selector:
        selector.register(taken.descriptor, selectors.EVENT_READ)
        while True:
            code = child.poll()
            if code is not None:
                return code
            left = until - monotonic()
            if left <= 0:
                return None
            if taken.ended:
                try:
                    child.wait(min(left, _STEP_SECONDS))
                except subprocess.TimeoutExpired:
                    continue
            elif selector.select(min(left, _STEP_SECONDS)):
                taken.read_some()


class _Output:
    """What comes through a pipe, its beginning kept and the rest counted."""

    def __init__(self, descriptor: int, most_bytes: int) -> None:
        self.descriptor = descriptor
        self.kept = bytearray()
        self.dropped_bytes = 0
        self.ended = False
        self._most = most_bytes

    def read_some(self) -> bool:
        """Take what waits; False when there is nothing, now or ever."""
        try:
            chunk = os.read(self.descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            self.ended = True
            return False
        room = self._most - len(self.kept)
        self.kept += chunk[:room]
        self.dropped_bytes += max(len(chunk) - room, 0)
        return True

    def read_all(self) -> None:
        """Take everything that waits; what a background process writes later is lost to us."""
        for _ in range(64):  # one that floods must not keep us for ever
            if not self.read_some():
                return
