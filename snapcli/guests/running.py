"""A command of a guest in the foreground: its outputs passed on as they come, until it ends."""

import os
import selectors
from collections.abc import Callable, Mapping, Sequence
from time import monotonic

from snapcli.guests import processes

_STEP_SECONDS = 0.05
_CHUNK_BYTES = 1 << 16
_PATIENCE_SECONDS = 0.5
Write = Callable[[bytes], object]


class Running:
    """A command that was started; `pass_on` waits for it."""

    def __init__(
        self,
        root: str,
        command: Sequence[str],
        *,
        job: str,
        folder: str,
        extra: Mapping[str, str],
        stdin: int | None,
    ) -> None:
        """Start the command; `stdin` is a descriptor to read from. Raises GuestError."""
        self._job = job
        self._outputs: list[int] = []
        writing: list[int] = []
        try:
            for _ in range(2):
                read_end, write_end = os.pipe()
                os.set_blocking(read_end, False)
                self._outputs.append(read_end)
                writing.append(write_end)
            self._child = processes.start(
                root,
                command,
                folder=folder,
                output=writing[0],
                error=writing[1],
                stdin=stdin,
                extra={**extra, processes.JOB: job},
            )
        except BaseException:
            self._close()
            raise
        finally:
            for descriptor in writing:
                os.close(descriptor)
        self.pid = self._child.pid

    def pass_on(
        self, write_output: Write | None, write_error: Write | None, timeout_seconds: float | None
    ) -> int | None:
        """Pass on what it prints and return its exit code; None when its time was over first.

        A command ended by a signal has 128 and the signal's number. When this is interrupted the
        command is ended with all that it started.
        """
        until = None if timeout_seconds is None else monotonic() + timeout_seconds
        writes = dict(zip(self._outputs, (write_output, write_error), strict=True))
        ended = False
        try:
            with selectors.DefaultSelector() as selector:
                for descriptor in self._outputs:
                    selector.register(descriptor, selectors.EVENT_READ)
                while self._child.poll() is None:
                    if until is not None and monotonic() >= until:
                        break
                    for key, _ in selector.select(_STEP_SECONDS):
                        if not _move(key.fd, writes[key.fd]):
                            selector.unregister(key.fd)
                    if not selector.get_map():
                        self._wait_a_step()
            code: int | None = self._child.poll()
            ended = code is not None
            for descriptor in self._outputs:
                while _move(descriptor, writes[descriptor]):
                    pass
        finally:
            self._close()
            if not ended:
                processes.end_job(self._job, _PATIENCE_SECONDS)
                self._child.wait()
        return 128 - code if code is not None and code < 0 else code

    def _wait_a_step(self) -> None:
        import subprocess

        try:
            self._child.wait(_STEP_SECONDS)
        except subprocess.TimeoutExpired:
            return

    def _close(self) -> None:
        for descriptor in self._outputs:
            os.close(descriptor)
        self._outputs = []


def _move(descriptor: int, write: Write | None) -> bool:
    """Pass on what waits; False when there is nothing, now or ever."""
    try:
        chunk = os.read(descriptor, _CHUNK_BYTES)
    except BlockingIOError:
        return False
    if chunk and write is not None:
        write(chunk)
    return bool(chunk)
