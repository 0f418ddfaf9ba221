"""A progress bar on a terminal's standard error for work that takes longer than a second.

Drawn by hand, since it moves while bytes are read and must cost nothing; erased at the end.
"""

from time import monotonic

from snapcli.cli.streams import Streams

_QUIET_SECONDS = 1.0
_REDRAW_SECONDS = 0.1
_BAR_WIDTH = 24
_ERASE = "\r\x1b[K"


class ProgressBar:
    """Called with what is done, done bytes and total bytes; silent for the first second."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._what = ""
        self._began = 0.0
        self._drawn_at = 0.0
        self._shown = False
        self._counted = ""
        self._counted_since = 0.0

    def __call__(self, what: str, done_bytes: int, total_bytes: int) -> None:
        now = monotonic()
        if what != self._what:
            self.erase()
            self._what, self._began, self._drawn_at = what, now, 0.0
        if done_bytes >= total_bytes:
            self.erase()
            return
        if now - self._began < _QUIET_SECONDS or now - self._drawn_at < _REDRAW_SECONDS:
            return
        self._drawn_at = now
        self._shown = True
        self._put(_ERASE + self._line(done_bytes, total_bytes, now - self._began))

    def count(self, what: str, done: int, total: int) -> None:
        """Show how far something has come that is not measured in bytes."""
        now = monotonic()
        if what != self._counted:
            self._counted, self._counted_since = what, now
        if done >= total:
            self.erase()
        elif now - self._counted_since >= _QUIET_SECONDS:
            self._shown = True
            self._put(_ERASE + f"{what} {_bar(done / total)}"[: self._streams.width - 1])

    def erase(self) -> None:
        """Take the bar off the terminal."""
        if self._shown:
            self._shown = False
            self._put(_ERASE)

    def _line(self, done_bytes: int, total_bytes: int, seconds: float) -> str:
        speed = done_bytes / seconds / (1 << 20)
        text = f"{self._what} {_bar(done_bytes / total_bytes)}  {speed:,.0f} MiB/s"
        return text[: self._streams.width - 1]

    def _put(self, text: str) -> None:
        stream = self._streams.stream("stderr")
        if stream is not None:
            stream.write(text)
            stream.flush()


def _bar(share: float) -> str:
    filled = int(share * _BAR_WIDTH)
    return f"[{'#' * filled}{'-' * (_BAR_WIDTH - filled)}] {share:4.0%}"
