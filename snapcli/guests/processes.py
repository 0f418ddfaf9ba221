"""The processes of a guest: starting, finding, ending, holding and letting go.

Every process of a guest carries the guest's folder in its environment, and so do its children,
however they fork: that is how they are found, with no list to keep. Linux only, by /proc.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import monotonic, sleep

import msgspec

from snapcli.guests.errors import GuestError, NotPossibleHere

MARK = "SNAPCLI_GUEST"
JOB = "SNAPCLI_GUEST_JOB"
_STEP_SECONDS = 0.005


class Process(msgspec.Struct, frozen=True):
    """A running process: its id, its parent's, its state letter, when it began, its command.

    `started` are clock ticks since the machine's start; with the id they name one process for ever.
    """

    pid: int
    parent: int
    state: str
    started: int
    command: str


def environment(root: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a guest's process: folders of its own, this machine's PATH."""
    own = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "HOME": os.path.join(root, "root"),
        "TMPDIR": os.path.join(root, "tmp"),
        "USER": "root",
        "LOGNAME": "root",
        "SHELL": "/bin/sh",
        "GUEST_ROOT": root,
    }
    return own | dict(extra or {}) | {MARK: root}


def start(
    root: str,
    command: Sequence[str],
    *,
    folder: str | None = None,
    output: int = subprocess.DEVNULL,
    error: int | None = None,
    stdin: int | None = None,
    extra: Mapping[str, str] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a command as a process of the guest, in a session of its own, and do not wait.

    Standard input is empty unless `stdin` is a descriptor; both outputs go to the descriptor
    `output`, errors to `error` when that is given. `folder` is where it runs, a path of this
    machine; the guest's root by default. Raises GuestError when it can't be started.
    """
    try:
        return subprocess.Popen(
            list(command),
            cwd=folder or root,
            env=environment(root, extra),
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=output,
            stderr=output if error is None else error,
            start_new_session=True,
            close_fds=True,
        )
    except OSError as error:
        raise GuestError(f"{command[0]!r} can't be started: {error.strerror}.") from None


_left: list["subprocess.Popen[bytes]"] = []


def leave_running(child: "subprocess.Popen[bytes]") -> None:
    """Let a process that was started go on for itself, after this one too."""
    _left[:] = [each for each in _left if each.poll() is None]
    _left.append(child)


def find(root: str) -> list[Process]:
    """Return the guest's processes that run or are held, in the order they began.

    Those whose environment says so, and all their descendants. Raises NotPossibleHere without
    /proc.
    """
    return _with_descendants(f"{MARK}={root}")


def find_job(job: str) -> list[Process]:
    """Return the processes of one job that run or are held: those it started, however they fork."""
    return _with_descendants(f"{JOB}={job}")


def _with_descendants(mark: str) -> list[Process]:
    everything = {process.pid: process for process in _all()}
    mine = {pid for pid in everything if _bears(pid, mark)}
    grown = True
    while grown:
        more = {p.pid for p in everything.values() if p.parent in mine} - mine
        mine |= more
        grown = bool(more)
    found = [everything[pid] for pid in mine if everything[pid].state not in "ZX"]
    return sorted(found, key=lambda process: (process.started, process.pid))


def _all() -> Iterator[Process]:
    try:
        names = os.listdir("/proc")
    except OSError:
        raise NotPossibleHere(
            "A guest's processes are found by /proc, which is not here."
        ) from None
    for name in names:
        if name.isdigit():
            process = _read(int(name))
            if process is not None:
                yield process


def _read(pid: int) -> Process | None:
    """Read a process; None when it has gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            head, _, tail = file.read().rpartition(b")")
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().rstrip(b"\0").split(b"\0")
    except OSError:
        return None
    fields = tail.split()
    command = b" ".join(words).decode(errors="replace")
    return Process(
        pid=pid,
        parent=int(fields[1]),
        state=fields[0].decode(),
        started=int(fields[19]),
        command=command or head.partition(b"(")[2].decode(errors="replace"),
    )


def _bears(pid: int, mark: str) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return os.fsencode(mark) in file.read().split(b"\0")
    except OSError:
        return False  # another user's, or gone


def is_alive(pid: int, started: int) -> bool:
    """Say whether the very process that began at `started` still is there."""
    process = _read(pid)
    return process is not None and process.started == started and process.state not in "ZX"


def started_of(pid: int) -> int:
    """Return when a process began, in clock ticks since the machine's start; 0 when it is gone."""
    process = _read(pid)
    return process.started if process else 0


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        except PermissionError:
            raise NotPossibleHere(f"The process {pid} belongs to another user.") from None


def end_all(root: str, patience_seconds: float = 2.0) -> int:
    """End every process of the guest and return how many there were.

    Each is asked first (TERM) and killed when it has not gone in time; those that appear meanwhile
    are killed too. Nothing of the guest runs afterwards.
    """
    return _end(lambda: find(root), patience_seconds)


def end_job(job: str, patience_seconds: float = 0.0) -> int:
    """End every process of one job in the same way and return how many there were."""
    return _end(lambda: find_job(job), patience_seconds)


def end_some(pids: Iterable[int], patience_seconds: float = 2.0) -> int:
    """End processes by their ids in the same way and return how many there were."""
    wanted = set(pids)
    return _end(
        lambda: [p for p in _all() if p.pid in wanted and p.state not in "ZX"], patience_seconds
    )


def _end(look: Callable[[], list[Process]], patience_seconds: float) -> int:
    processes = look()
    _signal((p.pid for p in processes), signal.SIGTERM)
    _signal((p.pid for p in processes), signal.SIGCONT)  # a held one must be able to go
    count = len(processes)
    until = monotonic() + patience_seconds
    while processes and monotonic() < until:
        sleep(_STEP_SECONDS)
        _reap(processes)
        processes = look()
    while processes:
        _signal((p.pid for p in processes), signal.SIGKILL)
        sleep(_STEP_SECONDS)
        _reap(processes)
        processes = look()
    return count


def _reap(processes: Iterable[Process]) -> None:
    """Collect those that are children of this very process."""
    for process in processes:
        if process.parent == os.getpid():
            try:
                os.waitpid(process.pid, os.WNOHANG)
            except ChildProcessError:
                continue


def hold(root: str, timeout_seconds: float = 30) -> None:
    """Stop every process of the guest where it stands, also those it starts meanwhile.

    Raises GuestError when one still runs after that time: it waits for something in the kernel.
    """
    until = monotonic() + timeout_seconds
    while True:
        running = [p for p in find(root) if p.state not in "Tt"]
        if not running:
            return
        if monotonic() > until:
            raise GuestError(f"The process {running[0].pid} can't be held: {running[0].command}")
        _signal((p.pid for p in running), signal.SIGSTOP)
        sleep(_STEP_SECONDS)


def let_go(root: str) -> None:
    """Let every process of the guest that is held go on."""
    _signal((p.pid for p in find(root) if p.state in "Tt"), signal.SIGCONT)


def spawn(module: str, *arguments: str) -> int:
    """Start a Python module as a process that outlives this one, and return its id.

    It is no process of a guest, even when this one is; it has no input and says nothing.
    """
    environ = {k: v for k, v in os.environ.items() if k not in (MARK, JOB)}
    nothing = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)]
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", module, *arguments],
        environ,
        file_actions=nothing,
        setsid=True,
    )
