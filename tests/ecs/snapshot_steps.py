"""Steps that tests of snapshots share: slow creation, one snapshot's state, a disk's digest."""

import hashlib
import json
import os
from typing import Any

from support import BLOCK_BYTES, Cloud


def slow(cloud: Cloud, mib_per_second: float = 1, minimum_seconds: float = 0) -> None:
    """Make creation take a second a MiB."""
    cloud.ok("config", "set", "speeds.slow.snapshot_mib_per_second", str(mib_per_second))
    cloud.ok("config", "set", "speeds.slow.snapshot_minimum_seconds", str(minimum_seconds))
    cloud.ok("config", "set", "speed", "slow")


def found(cloud: Cloud, snapshot_id: str) -> dict[str, Any]:
    """Describe one snapshot."""
    [snapshot] = cloud.snapshots(SnapshotIds=json.dumps([snapshot_id]))
    return snapshot


def table(cloud: Cloud, *command: str) -> list[dict[str, str]]:
    """Run a command and read the table it draws: a dict a row, column -> text."""
    head, _, *lines = cloud.ok(*command, "--output", "table").out.splitlines()
    names = [name for name in head.split("   ") if name.strip()]
    starts = [head.index(name.strip()) for name in names]
    ends = [*starts[1:], None]
    return [
        {
            name.strip(): line[start:end].strip()
            for name, start, end in zip(names, starts, ends, strict=True)
        }
        for line in lines
        if line
    ]


def digest(cloud: Cloud, disk_id: str) -> str:
    """SHA-256 of what is not a hole of a disk's image, and of where it is."""
    summed = hashlib.sha256()
    with cloud.image(disk_id).open("rb") as image:
        end = image.seek(0, os.SEEK_END)
        at = 0
        while at < end:
            try:
                at = os.lseek(image.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            after = os.lseek(image.fileno(), at, os.SEEK_HOLE)
            for start in range(at, after, BLOCK_BYTES):
                piece = os.pread(image.fileno(), min(BLOCK_BYTES, after - start), start)
                if piece.strip(b"\0"):
                    summed.update(b"%d " % start + piece)
            at = after
    return f"{end} {summed.hexdigest()}"
