"""`--waiter expr=… to=…`: call again until the answer says what is waited for.

Waits in the workspace's own time. Holds no rule of the service.
"""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec

from snapcli.cli import exit_codes
from snapcli.cli.fields import read_fields
from snapcli.cli.session import Session
from snapcli.cli.usage import UsageError

_KEYS = ("expr", "to", "timeout", "interval")
_FROZEN = (
    "The workspace's clock is frozen, so that nothing changes by waiting. Let it run (snapcli "
    "clock resume), or let waiting move it (snapcli config set waiter advance)."
)
_BEHIND = (
    "The workspace's time stands still until the system's time is {}, so that nothing changes by "
    "waiting. Let it run on (snapcli clock resume), or let waiting move it (snapcli config set "
    "waiter advance)."
)


class Waiter(msgspec.Struct, frozen=True):
    """What is waited for, and for how long; both times in seconds."""

    expression: str
    to: str
    timeout_seconds: int
    interval_seconds: int


def waiter(words: Sequence[str]) -> Waiter:
    """Read the words of `--waiter`. Raises UsageError (exit code 1) for what is not right."""
    fields = read_fields(words, _KEYS)
    for key in ("expr", "to"):
        if key not in fields or (key == "expr" and not fields[key]):
            raise UsageError(
                f"bad flag format --waiter with field {key}= required", exit_codes.REFUSED
            )
    _compiled(fields["expr"])
    return Waiter(
        expression=fields["expr"],
        to=fields["to"],
        timeout_seconds=_seconds(fields, "timeout", 180, 1, 600),
        interval_seconds=_seconds(fields, "interval", 5, 2, 10),
    )


def _seconds(fields: dict[str, str], key: str, default: int, least: int, most: int) -> int:
    text = fields.get(key)
    if text is None:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise UsageError(f"--waiter {key}={text} must be integer", exit_codes.REFUSED)
    if not least <= int(text) <= most:
        raise UsageError(
            f"--waiter {key}={text} must between {least}-{most} (seconds)", exit_codes.REFUSED
        )
    return int(text)


def wait(wanted: Waiter, call: Callable[[], object], session: Session) -> object:
    """Call until the answer holds what is waited for, and return that answer.

    Raises UsageError: exit code 1 when what the expression finds is no text, 6 when time has run
    out or stands still; and what `call` raises.
    """
    clock = _Clock(session)
    line = _StatusLine(session)
    try:
        while True:
            answer = call()
            value = _found(wanted, answer)
            if value == wanted.to:
                return answer
            why = clock.stands_still(wanted.timeout_seconds)
            if why or clock.passed_seconds() >= wanted.timeout_seconds:
                raise UsageError(
                    f"wait '{wanted.expression}' to '{wanted.to}' "
                    f"timeout({wanted.timeout_seconds}seconds), last='{value}'",
                    exit_codes.TIMED_OUT,
                    tip=why,
                )
            line.show(f"Waiting: {wanted.expression} is {value}, not yet {wanted.to}")
            clock.let_pass(wanted.interval_seconds)
    finally:
        line.erase()


def _compiled(expression: str) -> None:
    from jmespath import compile as compiled
    from jmespath.exceptions import JMESPathError

    from snapcli.cli.query import reason

    try:
        compiled(expression)
    except JMESPathError as error:
        raise UsageError(
            f"jmespath: '{expression}' failed {reason(error)}", exit_codes.REFUSED
        ) from None


def _found(wanted: Waiter, answer: object) -> str:
    from jmespath.exceptions import JMESPathError

    from snapcli.cli.output import go_text
    from snapcli.cli.query import reason, search

    try:
        value = search(wanted.expression, msgspec.to_builtins(answer))
    except JMESPathError as error:
        raise UsageError(
            f"jmespath: '{wanted.expression}' failed {reason(error)}", exit_codes.REFUSED
        ) from None
    if not isinstance(value, str):
        raise UsageError(f"object {go_text(value)} isn't string", exit_codes.REFUSED)
    return value


class _Time(msgspec.Struct, rename="pascal"):
    now: str
    mode: str
    behind_seconds: float = 0
    runs_on_at: str = ""


class _Clock:
    """The workspace's time, and how it is made to pass: slept through, or moved."""

    def __init__(self, session: Session) -> None:
        from snapcli.cli.local.common import workspace_path
        from snapcli.workspace import settings

        self._session = session
        self._moves = settings.load(workspace_path(session)).waiter == "advance"
        self._began = self._read()
        self._now = self._began
        self._let_pass_seconds = 0

    def stands_still(self, timeout_seconds: int) -> str:
        """Say why waiting changes nothing within the timeout; empty where it may."""
        if self._moves:
            return ""
        if self._now.mode == "frozen":
            return _FROZEN
        left_seconds = timeout_seconds - self.passed_seconds()
        if self._now.behind_seconds > left_seconds:
            return _BEHIND.format(self._now.runs_on_at)
        return ""

    def passed_seconds(self) -> float:
        """Return how long has been waited, as the workspace sees it."""
        from snapcli.cli.views.listing import parse_time

        began, now = parse_time(self._began.now), parse_time(self._now.now)
        passed = now - began if began and now else timedelta(0)
        return max(passed.total_seconds(), self._let_pass_seconds)

    def let_pass(self, seconds: int) -> None:
        """Let `seconds` go by."""
        if self._moves:
            self._session.invoke("AdvanceClock", {"By": f"{seconds}s"})
        else:
            time.sleep(seconds)
        self._let_pass_seconds += seconds
        self._now = self._read()

    def _read(self) -> _Time:
        answer = msgspec.to_builtins(self._session.invoke("ShowClock", {}))
        return msgspec.convert(answer, _Time)


class _StatusLine:
    """What is waited for, on a terminal's standard error; erased at the end."""

    def __init__(self, session: Session) -> None:
        streams = session.streams
        self._shows = streams.is_terminal("stderr") and not (session.quiet or streams.as_json)
        self._streams = streams
        self._shown = False

    def show(self, text: str) -> None:
        """Show a line in place of the one before."""
        if self._shows:
            self._put("\r\x1b[K" + text[: self._streams.width - 1])
            self._shown = True

    def erase(self) -> None:
        """Take the line off the terminal."""
        if self._shown:
            self._put("\r\x1b[K")

    def _put(self, text: str) -> None:
        stream = self._streams.stream("stderr")
        if stream is not None:
            stream.write(text)
            stream.flush()
