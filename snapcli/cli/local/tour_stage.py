"""Where the tour plays: shows what it says and types, and really runs what it shows.

Every `snapcli` line goes through the program's own entry point. Knows no step of the tour.
"""

import contextlib
import io
import os
import shlex
import subprocess
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from snapcli.cli import exit_codes
from snapcli.cli.streams import Streams
from snapcli.cli.views.drawing import console_for

_PIPE_WIDTH = 80
_WIDEST = 110
# Lines of prose and of long commands end here at the latest.
_LONGEST_SENTENCE = 92
# No other program has as much to do in the tour.
_LONGEST_SECONDS = 60
# Set for the person's own workspace, they would lead the tour's commands out of the tour's.
_KEPT_OUT = ("SNAPCLI_WORKSPACE", "SNAPCLI_REGION", "ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_")
# Where mkfs is, though a person's PATH often lacks it.
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


class TourFailure(Exception):
    """Something in the tour is not as it must be; `exit_code` is what the tour returns."""

    def __init__(self, message: str, exit_code: int = exit_codes.REFUSED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def search_path() -> str:
    """Return where programs are looked for: PATH, then the folders of system programs."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *_SYSTEM_FOLDERS])


@contextlib.contextmanager
def working_in(folder: str) -> Iterator[None]:
    """Work in `folder`, with nothing set that leads to another workspace or region."""
    hidden = {name: value for name, value in os.environ.items() if name.startswith(_KEPT_OUT)}
    try:
        before = os.getcwd()
    except OSError:
        before = os.path.sep  # The folder is gone; there is no way back to it.
    for name in hidden:
        del os.environ[name]
    os.chdir(folder)
    try:
        yield
    finally:
        os.environ.update(hidden)
        with contextlib.suppress(OSError):
            os.chdir(before)


class Stage:
    """The page that the tour is shown on, and the folder that its commands work in."""

    def __init__(self, streams: Streams, folder: str) -> None:
        self.folder = folder
        self._streams = streams
        terminal = streams.is_terminal("stdout")
        # Prose is laid out for the terminal it is read on; in a pipe as for an ordinary one.
        self._width = min(streams.width, _WIDEST) if terminal else _PIPE_WIDTH
        self._console: Console = console_for(streams, self._width)
        self._environ = {
            name: value for name, value in streams.environ.items() if not name.startswith(_KEPT_OUT)
        }
        self._steps = 0
        self._after_gap = True

    # What is shown

    def title(self, text: str) -> None:
        """Begin the next step."""
        self._steps += 1
        self._gap()
        heading = Text(f"{self._steps}  {text}", style="bold")
        self._show(Rule(heading, align="left", style="dim"))

    def say(self, text: str) -> None:
        """Show a paragraph of explanation."""
        width = min(self._width, _LONGEST_SENTENCE)
        self._show(Text(textwrap.fill(" ".join(text.split()), width)))

    def facts(self, facts: Mapping[str, str]) -> None:
        """Show values beside what they are, below each other."""
        table = Table.grid(padding=(0, 2, 0, 0))
        for name, value in facts.items():
            table.add_row(name, Text(value, style="bold"))
        self._gap()
        self._show(Padding(table, (0, 0, 0, 2)))
        self._gap()

    def good(self, text: str) -> None:
        """Show that something is as it must be."""
        self._show(Text(text, style="bold green"))

    def bad(self, text: str) -> None:
        """Show that something is broken, as was to be expected."""
        self._show(Text(text, style="bold red"))

    def note(self, line: str) -> None:
        """Show a line that is typed to the shell, where the tour itself has seen to it."""
        self._typed(line)

    def output(self, text: str) -> None:
        """Show what a command printed, as it is."""
        if text:
            self._streams.write(text)
            self._after_gap = text.endswith("\n\n")
        # Every step is seen when it happens.
        self._streams.flush()

    def _gap(self) -> None:
        """Leave a line empty, unless the last one is."""
        if not self._after_gap:
            self.output("\n")
            self._after_gap = True

    def _typed(self, *pieces: str) -> None:
        """Show a command line as a person types it, folded between its pieces."""
        room = min(self._width, _LONGEST_SENTENCE) - 4
        lines = ["$"]
        for piece in pieces:
            if len(lines[-1]) + len(piece) > room and lines[-1] != "$":
                lines[-1] += " \\"
                lines.append("   ")
            lines[-1] += " " + piece
        self._show(Text("\n".join(lines), style="bold cyan"), as_is=True)

    def _show(self, piece: Text | Rule | Padding, *, as_is: bool = False) -> None:
        with self._console.capture() as captured:
            self._console.print(piece, soft_wrap=as_is)
        # Padding is for tables on paper; nothing here ends in blanks.
        lines = (line.rstrip(" ") for line in captured.get().splitlines())
        self.output("".join(f"{line}\n" for line in lines))

    # What is run

    def snapcli(self, *words: str, stdin: bytes = b"", source: str = "", into: str = "") -> str:
        """Show a `snapcli` line, run it, show and return what it prints.

        `source` is the command that the bytes of `stdin` are from; `into` is the shell variable
        that takes what is printed, which is not shown then. Raises TourFailure when the line fails.
        """
        pieces = _pieces(words)
        if source:
            pieces[0] = f"{source} | {pieces[0]}"
        if into:
            pieces[0], pieces[-1] = f"{into}=$({pieces[0]}", pieces[-1] + ")"
        self._typed(*pieces)
        out, err = self._run(words, stdin)
        self._remark(err)
        text = out.decode(errors="replace")
        if not into:
            self.output(text)
        return text

    def bytes_of(self, *words: str, sink: str) -> bytes:
        """Show a `snapcli` line that is piped into `sink`, run it and return the bytes.

        Raises TourFailure when it fails.
        """
        self._typed(*_pieces(words), f"| {sink}")
        return self._run(words, b"")[0]

    def answer(self, *words: str) -> bytes:
        """Return the JSON of a `snapcli` line without showing either. Raises TourFailure."""
        return self._run([*words, "--output", "json"], b"")[0]

    def _run(self, words: Sequence[str], stdin: bytes) -> tuple[bytes, str]:
        from snapcli.cli.main import main

        out, err = io.BytesIO(), io.StringIO()
        inner = Streams(
            stdin=io.TextIOWrapper(io.BytesIO(stdin)),
            stdout=io.TextIOWrapper(out, encoding="utf-8"),
            stderr=err,
            environ=self._environ,
            # Pictures fit the terminal; nobody is asked or hinted at anything.
            terminals={
                "stdin": False,
                "stdout": self._streams.is_terminal("stdout"),
                "stderr": False,
            },
            width=self._width,
        )
        code = main(words, inner)
        if code == exit_codes.INTERRUPTED:
            raise KeyboardInterrupt
        if code != exit_codes.SUCCESS:
            self._remark(err.getvalue())
            raise TourFailure(f"`{' '.join(_pieces(words))}` returned {code}.", code)
        return out.getvalue(), err.getvalue()

    def _remark(self, text: str) -> None:
        """Show what a command said beside its result, folded where it is too long."""
        for line in text.splitlines():
            long = len(line) > self._width
            self.output((textwrap.fill(line, self._width) if long else line) + "\n")

    def program(self, *words: str, typed: str = "") -> tuple[int, str]:
        """Run another program in the tour's folder; return its exit status and all it printed.

        Shows the line `typed`, when there is one. Raises TourFailure when it cannot be run.
        """
        if typed:
            self._typed(typed)
        try:
            ended = subprocess.run(
                words,
                cwd=self.folder,
                env={**self._environ, "PATH": search_path(), "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_LONGEST_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TourFailure(f"{words[0]} does not work here: {error}") from None
        return ended.returncode, ended.stdout.decode(errors="replace")


def _pieces(words: Sequence[str]) -> list[str]:
    """Return a `snapcli` line in pieces: an option stays with its value."""
    pieces = ["snapcli"]
    for word in words:
        quoted = shlex.quote(word)
        if pieces[-1].startswith("--") and " " not in pieces[-1] and not word.startswith("--"):
            pieces[-1] += f" {quoted}"
        else:
            pieces.append(quoted)
    return pieces
