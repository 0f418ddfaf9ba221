"""What is mounted where, as the kernel tells this process. Linux only; elsewhere nothing is.

Must not change anything: mounting is the guests' business.
"""

import re

import msgspec

_ESCAPE = re.compile(r"\\([0-7]{3})")


class Mounted(msgspec.Struct, frozen=True):
    """A mounted file system: its folder, what it is on, its type, and its device's numbers."""

    point: str
    source: str
    type: str
    device: tuple[int, int]


def mount_table() -> list[Mounted]:
    """Return all that is mounted, in the order it was; nothing where that can't be told."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            return [_parsed(line) for line in file]
    except OSError:
        return []


def _parsed(line: str) -> Mounted:
    before, _, after = line.partition(" - ")
    fields = before.split()
    type_, source, *_ = [*after.split(), "", ""]
    major, _, minor = fields[2].partition(":")
    return Mounted(_plain(fields[4]), _plain(source), type_, (int(major), int(minor)))


def _plain(text: str) -> str:
    """The kernel writes blanks, backslashes and line feeds as three octal digits."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), text)
