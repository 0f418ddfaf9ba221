"""The watchdog of a freeze: a process of its own that thaws when nobody else does.

Run as `python -m snapcli.guests.watchdog RECORD SECONDS`. It says `r` when it watches, and goes on
`d` from its standard input; when the time is over, or its standard input ends because the command
was killed, it thaws what the record names.
"""

import os
import select
import sys

from snapcli.guests.freezing import thaw_recorded


def watch(record: str, seconds: float) -> None:
    """Wait for the end of the freeze, or end it."""
    os.write(1, b"r")
    ready, _, _ = select.select([0], [], [], seconds)
    if ready and os.read(0, 1) == b"d":
        return
    thaw_recorded(record)


if __name__ == "__main__":
    watch(sys.argv[1], float(sys.argv[2]))
