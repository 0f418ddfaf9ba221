"""The snapshot plug-in's steps inside a guest: prescript, freeze, capture, thaw, postscript.

What a capture is, is the caller's; here is its order, its time, and that thaw and postscript
follow whatever failed (AP-12). Writes the log that the plug-in prints (AP-14).
"""

import contextlib
import datetime
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from time import monotonic_ns

import msgspec

from snapcli.guests import folder, processes, scripts
from snapcli.guests.errors import GuestError
from snapcli.guests.freezing import Freeze, FreezeTimedOut, ThawFailed

PRE_SCRIPT, POST_SCRIPT = "/tmp/prescript.sh", "/tmp/postscript.sh"
SCRIPT_MODE = 0o700
_MOST_SCRIPT_BYTES = 8 * 1024  # so that the log's end fits into an answer
PRE_FAILED, POST_FAILED, FREEZE_FAILED, THAW_FAILED, TIMED_OUT = 9, 10, 11, 12, 6


class StepFailed(Exception):
    """A step failed: `code` is the plug-in's exit code, the text says what was found."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Log:
    """What the plug-in prints, each line with its instant to the nanosecond."""

    def __init__(self, began: datetime.datetime, tell: Callable[[str], None] | None = None) -> None:
        """Begin at the instant `began`, in the time zone to write; `tell` hears each line."""
        self._began = began
        self._began_ns = monotonic_ns()
        self._tell = tell
        self._lines: list[str] = []
        self.costs: dict[str, int] = {}

    def say(self, message: str, level: str = "info", head: str = "") -> None:
        """Add a line."""
        passed = monotonic_ns() - self._began_ns
        whole = self._began.microsecond * 1000 + passed
        seconds, nanoseconds = divmod(whole, 1_000_000_000)
        second = self._began.replace(microsecond=0) + datetime.timedelta(seconds=seconds)
        when = f"{second:%Y-%m-%d %H:%M:%S}.{nanoseconds:09d}"
        text = message.replace('"', "'")
        self._lines.append(f'[level="{level}"][time="{when}"]{head}[message="{text}"]')
        if self._tell is not None:
            self._tell(f"{when[11:23]}  {message}")

    def output(self, text: str) -> None:
        """Add what a script printed."""
        self._lines.append(f'[output="\n{text}"]')
        if self._tell is not None and text.strip():
            self._tell(text.rstrip())

    def measure(self, what: str, began_ns: int) -> None:
        """Note how long a step took that began at `began_ns` of the monotonic clock."""
        self.costs[what] = monotonic_ns() - began_ns

    @contextlib.contextmanager
    def measured(self, what: str) -> Iterator[None]:
        """Note how long the block takes."""
        began = monotonic_ns()
        try:
            yield
        finally:
            self.measure(what, began)

    def cost(self, what: str) -> str:
        """Return how long a step took, as 1.031426913s or 20.807753ms."""
        nanoseconds = self.costs.get(what, 0)
        if nanoseconds >= 1_000_000_000:
            return f"{nanoseconds / 1e9:.9f}".rstrip("0").rstrip(".") + "s"
        return f"{nanoseconds / 1e6:.6f}".rstrip("0").rstrip(".") + "ms"

    def text(self) -> bytes:
        """Return the log so far."""
        return ("[\n" + "\n".join(self._lines) + "\n]\n").encode()


class Plan(msgspec.Struct, kw_only=True):
    """What to do in which guest. Without scripts none runs; with `freeze` it is frozen."""

    root: str
    record: str
    job: str
    freeze: bool
    file_systems: bool
    timeout_seconds: int
    script_timeout_seconds: int
    pre_script: str = ""
    post_script: str = ""


def why_invalid(root: str, path: str, wanted: str) -> str:
    """Say why a script is not valid, "" when it is (AP-6)."""
    if not path:
        return "no path was given"
    if "/" + path.lstrip("/") != wanted:
        return f"it must be {wanted}"
    place = folder.resolve(root, path, follow_last=False)
    try:
        state = os.lstat(place)
    except OSError:
        return "there is no such file"
    if not stat.S_ISREG(state.st_mode):
        return "it is no regular file"
    if state.st_uid != os.geteuid():
        return "it belongs to another user than root"
    if stat.S_IMODE(state.st_mode) != SCRIPT_MODE:
        return f"its mode is {stat.S_IMODE(state.st_mode):04o}; it must be exactly 0700"
    return ""


class Guarded:
    """The time between the prescript and the postscript, with a guardian process.

    When this process is killed meanwhile, the guardian runs the postscript.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._guardian: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start the guardian. Raises StepFailed."""
        environment = {k: v for k, v in os.environ.items() if k != processes.MARK}
        words = [sys.executable, "-m", "snapcli.guests.guardian", self._plan.root]
        words += [self._plan.post_script, str(self._plan.script_timeout_seconds), self._plan.job]
        self._guardian = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        assert self._guardian.stdout is not None
        if self._guardian.stdout.read(1) != b"r":
            raise StepFailed(PRE_FAILED, "The guardian of the post-thaw script did not start.")

    def end(self) -> None:
        """Let the guardian go: the postscript has run."""
        guardian = self._guardian
        if guardian is None:
            return
        assert guardian.stdin is not None and guardian.stdout is not None
        try:
            guardian.stdin.write(b"d")
            guardian.stdin.close()
        except BrokenPipeError:
            pass  # it was killed
        guardian.stdout.close()
        guardian.wait()


def run_script(plan: Plan, path: str, job: str) -> scripts.Outcome:
    """Run a script of the guest to its end or for as long as it may. Raises GuestError."""
    with open(path, "rb") as file:
        direct = file.read(2) == b"#!"
    return scripts.run(
        plan.root,
        [path] if direct else [_shell(), path],
        job=job,
        timeout_seconds=plan.script_timeout_seconds,
        folder=plan.root,
        most_bytes=_MOST_SCRIPT_BYTES,
    )


def _shell() -> str:
    import shutil

    return shutil.which("bash") or "/bin/sh"


def _step(plan: Plan, log: Log, what: str, path: str, job: str, code: int) -> None:
    """Run a script and log it. Raises StepFailed with `code` when it fails."""
    log.say(f"Start to Execute {what} {folder.shown(plan.root, path)}")
    began = monotonic_ns()
    try:
        done = run_script(plan, path, job)
    except (GuestError, OSError) as error:
        raise StepFailed(code, f"{what} can't be executed: {error}") from None
    finally:
        log.measure(what, began)
    text = done.output.decode(errors="replace")
    if done.dropped_bytes:
        text += f"\n... {done.dropped_bytes} more bytes"
    log.output(text)
    if done.exit_code is None:
        raise StepFailed(
            code, f"{what} ran longer than {plan.script_timeout_seconds} s and was ended."
        )
    if done.exit_code:
        raise StepFailed(code, f"{what} failed: its exit code is {done.exit_code}.")
    log.say(f"Execute {what} Successfully")


def take(plan: Plan, log: Log, capture: Callable[["Frozen"], None]) -> None:
    """Do all steps in order; `capture` enters the Frozen it is given and captures inside.

    Raises StepFailed for the first that failed; thaw and postscript are done all the same.
    """
    if not plan.pre_script:
        capture(Frozen(plan, log))
        return
    guarded = Guarded(plan)
    guarded.begin()
    try:
        failed: BaseException | None = None
        try:
            _step(plan, log, "PreScript", plan.pre_script, f"{plan.job}.pre", PRE_FAILED)
            capture(Frozen(plan, log))
        except BaseException as error:
            failed = error
            if isinstance(error, StepFailed):
                log.say(str(error), "error")
            raise
        finally:
            try:
                post = f"{plan.job}.post"
                _step(plan, log, "PostScript", plan.post_script, post, POST_FAILED)
            except StepFailed as error:
                log.say(str(error), "error")
                if failed is None:
                    raise
    finally:
        guarded.end()


class Frozen:
    """The guest frozen for as long as the block lasts, where the plan says so."""

    def __init__(self, plan: Plan, log: Log) -> None:
        self._plan = plan
        self._log = log
        self._freeze: Freeze | None = None

    def __enter__(self) -> "Frozen":
        """Freeze. Raises StepFailed, with nothing frozen."""
        plan = self._plan
        if not plan.freeze:
            return self
        began = monotonic_ns()
        freeze = Freeze(plan.root, plan.record, plan.timeout_seconds)
        try:
            freeze.begin(file_systems=plan.file_systems)
        except FreezeTimedOut as error:
            raise StepFailed(TIMED_OUT, str(error)) from None
        except (GuestError, OSError) as error:
            raise StepFailed(FREEZE_FAILED, f"The guest can't be frozen: {error}") from None
        self._freeze = freeze
        self._log.measure("Freeze", began)
        points = ", ".join(folder.shown(plan.root, point) for point in freeze.points)
        self._log.say(f"Freeze Successfully: {points or 'the processes; no disk is mounted'}")
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Thaw. Raises StepFailed unless something failed inside the block already."""
        if self._freeze is None:
            return
        began = monotonic_ns()
        try:
            self._freeze.end()
        except (FreezeTimedOut, ThawFailed) as lost:
            self._log.say(str(lost), "error")
            if error is None:
                code = THAW_FAILED if isinstance(lost, ThawFailed) else TIMED_OUT
                raise StepFailed(code, str(lost)) from None
            return
        self._log.measure("Thaw", began)
        self._log.say("Thaw Successfully")
