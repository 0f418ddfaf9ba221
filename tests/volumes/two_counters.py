"""A program that counts in two places of disk images, always in the first one first.

Run as a process of its own: two_counters.py MODE FIRST-FILE OFFSET SECOND-FILE OFFSET. It counts
in bursts with pauses between them, until its standard input ends. MODE is `mapped` (stores
through a mapping), `flushed` (the same, now and then written out by itself) or `written` (a
write each).
"""

import ctypes
import mmap
import os
import random
import select
import struct
import sys
import time
from collections.abc import Callable


def place(mode: str, name: str, offset: int) -> Callable[[int], object]:
    """A way to put a number at a place."""
    fd = os.open(name, os.O_RDWR)
    if mode == "written":
        return lambda number: os.pwrite(fd, struct.pack("<Q", number), offset)
    page = offset - offset % mmap.PAGESIZE
    memory = mmap.mmap(fd, mmap.PAGESIZE, offset=page)

    # One store of the processor; struct would put the bytes one by one.
    whole = ctypes.c_uint64.from_buffer(memory, offset - page)

    def store(number: int) -> None:
        whole.value = number
        if mode == "flushed" and number % 97 == 0:
            memory.flush()

    return store


def main(mode: str, first: str, at: str, second: str, then: str) -> None:
    one, two = place(mode, first, int(at)), place(mode, second, int(then))
    number = 0
    print("begun", flush=True)
    while not select.select([sys.stdin], [], [], random.choice((0, 0.05, 0.4)))[0]:
        end = time.monotonic() + random.choice((0.001, 0.02, 0.2))
        while time.monotonic() < end:
            number += 1
            one(number)
            two(number)


if __name__ == "__main__":
    main(*sys.argv[1:])
