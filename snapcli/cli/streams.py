"""Standard input, output and error as one object that tests can replace.

Results go to `write`, everything else to `complain`. Knows which stream is a terminal, whether
colours may be used and how wide the terminal is. Prints nothing by itself.
"""

import os
import sys
from collections.abc import Mapping
from typing import Literal, TextIO

Name = Literal["stdin", "stdout", "stderr"]

_RED = "\x1b[1;31m"
_YELLOW = "\x1b[1;33m"
_PLAIN = "\x1b[0m"


class OutputError(Exception):
    """The result could not be written to standard output."""


class Streams:
    """The three standard streams; `terminals` and `width` override what the system says."""

    def __init__(
        self,
        *,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
        terminals: Mapping[Name, bool] | None = None,
        width: int | None = None,
    ) -> None:
        self._streams: dict[Name, TextIO | None] = {
            "stdin": stdin or sys.stdin,
            "stdout": stdout or sys.stdout,
            "stderr": stderr or sys.stderr,
        }
        self.environ = os.environ if environ is None else environ
        self.no_color = False
        self.program = "snapcli"  # what the command was called as, for the lines it suggests
        self.as_json = False  # a program reads along: standard error holds one object or nothing
        self.quiet = False  # results are not wanted
        self._terminals = dict(terminals or {})
        self._width = width

    def is_terminal(self, name: Name) -> bool:
        """Tell whether the stream is a terminal; a closed one is not."""
        if name not in self._terminals:
            stream = self._streams[name]
            try:
                self._terminals[name] = stream is not None and stream.isatty()
            except ValueError:
                self._terminals[name] = False
        return self._terminals[name]

    @property
    def interactive(self) -> bool:
        """Tell whether a person can be asked: both standard input and error are terminals."""
        return self.is_terminal("stdin") and self.is_terminal("stderr")

    def colour(self, name: Name) -> bool:
        """Tell whether colours may go to the stream (NO_COLOR, TERM=dumb, --no-color heeded)."""
        return (
            not self.no_color
            and not self.environ.get("NO_COLOR")
            and self.environ.get("TERM") != "dumb"
            and self.is_terminal(name)
        )

    @property
    def width(self) -> int:
        """Return the terminal's width in columns; 80 when it cannot be known."""
        if self._width is None:
            columns = self.environ.get("COLUMNS", "")
            if columns.isdigit() and int(columns) > 0:
                self._width = int(columns)
            else:
                try:
                    stream = self._streams["stdout"]
                    self._width = os.get_terminal_size(stream.fileno()).columns if stream else 80
                except (OSError, ValueError):
                    self._width = 80
        return self._width or 80

    def stream(self, name: Name) -> TextIO | None:
        """Return the stream itself, for what draws by itself; None when it is closed."""
        return self._streams[name]

    def write(self, text: str) -> None:
        """Write a result to standard output, as UTF-8 whatever the locale. Raises OutputError."""
        self.write_bytes(text.encode("utf-8", "surrogateescape"))

    def write_bytes(self, data: bytes) -> None:
        """Write a result's bytes to standard output. Raises OutputError, BrokenPipeError."""
        stream = self._streams["stdout"]
        if stream is None or self.quiet:
            return
        try:
            stream.flush()
            stream.buffer.write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"The result cannot be written: {error.strerror}.") from None

    def write_error_bytes(self, data: bytes) -> None:
        """Write what a program inside an instance says on its standard error."""
        stream = self._streams["stderr"]
        if stream is not None:
            try:
                stream.write(data.decode(errors="replace"))
                stream.flush()
            except (OSError, ValueError):
                return

    def read_bytes(self, length_bytes: int) -> bytes:
        """Read at most `length_bytes` from standard input; nothing when it is closed."""
        stream = self._streams["stdin"]
        return b"" if stream is None else stream.buffer.read(length_bytes)

    def complain(self, text: str) -> None:
        """Write a line of anything but the result to standard error."""
        stream = self._streams["stderr"]
        if stream is not None:
            try:
                stream.write(text + "\n")
                stream.flush()
            except (OSError, ValueError):
                # Nobody is left to be told, and the result matters more.
                return

    def remark(self, text: str) -> None:
        """Write a line that a person is to read beside the result, unless a program reads it."""
        if not self.as_json:
            self.complain(text)

    def error(self, text: str) -> None:
        """Write an error to standard error, red where colours may be used."""
        self.complain(_RED + text + _PLAIN if self.colour("stderr") else text)

    def suggest(self, text: str) -> None:
        """Write a suggestion to standard error, yellow where colours may be used."""
        self.remark(_YELLOW + text + _PLAIN if self.colour("stderr") else text)

    def hint(self, text: str) -> None:
        """Write a hint of what to do next, for a person at a terminal only."""
        if self.is_terminal("stderr") and self.is_terminal("stdout"):
            self.suggest(text)

    def ask(self, question: str) -> bool:
        """Ask a yes-or-no question on standard error; everything but y or yes is no."""
        error, answers = self._streams["stderr"], self._streams["stdin"]
        if error is None or answers is None:
            return False
        error.write(question + " [y/N] ")
        error.flush()
        return answers.readline().strip().lower() in ("y", "yes")

    def flush(self) -> None:
        """Hand everything written to the system. Raises OutputError, BrokenPipeError."""
        stream = self._streams["stdout"]
        if stream is None:
            return
        try:
            stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"The result cannot be written: {error.strerror}.") from None

    def abandon(self) -> None:
        """Give up standard output, so that the interpreter does not fail on it when it ends."""
        stream = self._streams["stdout"]
        try:
            if stream is not None:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
        except (OSError, ValueError):
            return
