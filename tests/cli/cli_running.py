"""What a command line left behind, for the tests to look at."""

from collections.abc import Callable


class Outcome:
    """What a command left: its exit code and both streams."""

    def __init__(self, code: int, out: bytes, err: str) -> None:
        self.code = code
        self.raw = out
        self.out = out.decode()
        self.err = err


Run = Callable[..., Outcome]
