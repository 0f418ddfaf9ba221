"""The real command line in a process of its own that can be ended at any instant.

The process first loads the program, says that it is ready and waits for a line: so the instants
chosen are spread over the command itself and not over the start of the interpreter.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_PROGRAM = """
import sys
import snapcli.cli.ecs_form, snapcli.cli.friendly, snapcli.ecs.service, snapcli.ecs.rollback
import snapcli.volumes.capture, snapcli.volumes.restore, snapcli.volumes.deletion
import snapcli.ecs.snapshot_creation, snapcli.ecs.disk_files, snapcli.ecs.instance_launch
from snapcli.cli.main import run
# before
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
run()
"""


class Command:
    """One command line, begun by `go`; `words` are what follows `snapcli`.

    `before` is a line of the program to be run before it says that it is ready.
    """

    def __init__(self, root: Path, *words: str, before: str = "") -> None:
        self.words = words
        program = _PROGRAM.replace("# before", before)
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, "--workspace", str(root), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "SNAPCLI_DEBUG": ""},
        )
        assert self.process.stdout is not None and self.process.stdin is not None
        assert self.process.stdout.readline() == b"ready\n"

    def go(self) -> float:
        """Begin the command and return the instant (time.monotonic)."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return time.monotonic()

    def end(self, after_seconds: float, number: int = signal.SIGKILL) -> tuple[int, str]:
        """Begin, send a signal so many seconds later, and return exit status and errors."""
        begun = self.go()
        time.sleep(max(0.0, begun + after_seconds - time.monotonic()))
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """Return exit status (negative: ended by that signal) and what went to standard error."""
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors.decode()

    def measure(self) -> float:
        """Run to the end, which must be success, and return the seconds it took."""
        begun = self.go()
        status, errors = self.wait()
        assert status == 0, (self.words, errors)
        return time.monotonic() - begun


def snapcli(root: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command line as a person does, in a new process, to its end."""
    program = "from snapcli.cli.main import run; run()"
    return subprocess.run(
        [sys.executable, "-c", program, "--workspace", str(root), *words],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
