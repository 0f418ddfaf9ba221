"""The test image: a sparse raw ext4 file system with real files, and a second state of it.

The same seed and the same machine give the same image. Nothing here is timed.
"""

import os
import random
import shutil
import stat
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MIB = 1 << 20
CHANGED_PART = 0.02
LARGEST_REGION_BYTES = 20 * MIB
_SEED = 20220311
_SOURCES = ("/usr", "/opt", "/etc")
_LARGEST_FILE_BYTES = 64 * MIB
_UUID = "6f1d2c3b-4a59-4687-9a0b-c1d2e3f40516"

# Changed bytes are the image's own under a substitution: as compressible as real files, yet in
# no block of the first state, so that no side can find them there.
_SUBSTITUTION = bytes((value * 167 + 89) & 255 for value in range(256))


class Change(NamedTuple):
    """A stretch of the second state: `length` bytes at `offset`, made from those at `source`."""

    offset: int
    length: int
    source: int


def build(image: Path, image_bytes: int, data_bytes: int) -> None:
    """Make a sparse ext4 image of this length with about `data_bytes` of this machine's files.

    In a process of its own: its many names would stay in this one's memory, which is the floor
    of every peak that is measured.
    """
    words = [sys.executable, __file__, str(image), str(image_bytes), str(data_bytes)]
    subprocess.run(words, check=True)


def _build(image: Path, image_bytes: int, data_bytes: int) -> None:
    stage = image.with_name("stage")
    stage.mkdir()
    try:
        _copy_files(stage, data_bytes)
        with image.open("xb") as file:
            file.truncate(image_bytes)
        features = f"hash_seed={_UUID},root_owner=0:0"
        subprocess.run(
            ["mkfs.ext4", "-q", "-F", "-U", _UUID, "-E", features, "-d", stage, image],
            check=True,
        )
    finally:
        shutil.rmtree(stage)


def _copy_files(stage: Path, data_bytes: int) -> None:
    """Copy a sample of this machine's files, of all kinds and from all folders alike."""
    left = data_bytes
    for number, path in enumerate(sorted(_real_files(), key=_lot)):
        length = path.stat().st_size
        if left <= 0:
            return
        if length <= left:
            folder = stage / f"{number // 500:03}"
            folder.mkdir(exist_ok=True)
            shutil.copyfile(path, folder / f"{number}-{path.name}"[:200])
            left -= length


def _lot(path: Path) -> tuple[int, str]:
    """Draw a lot that is the same every time."""
    return zlib.crc32(os.fsencode(path)), str(path)


def _real_files() -> Iterator[Path]:
    """Yield files that can be read and are not empty, hard links once."""
    seen = set()
    for source in _SOURCES:
        for folder, _, names in os.walk(source):
            for name in names:
                path = Path(folder, name)
                state = path.lstat()
                usable = stat.S_ISREG(state.st_mode) and 0 < state.st_size <= _LARGEST_FILE_BYTES
                if usable and state.st_ino not in seen and os.access(path, os.R_OK):
                    seen.add(state.st_ino)
                    yield path


def extents(descriptor: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of a file's data, holes left out."""
    end = os.fstat(descriptor).st_size
    position = 0
    while position < end:
        try:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError:
            return
        position = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, position


def read_extents(path: Path) -> float:
    """Read a file's data once by 1 MiB preads in this process; the seconds that took."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        started = time.perf_counter()
        for start, end in extents(descriptor):
            for offset in range(start, end, MIB):
                os.pread(descriptor, min(MIB, end - offset), offset)
        return time.perf_counter() - started
    finally:
        os.close(descriptor)


# The same loop as a program of its own: what a command has to take at least, start included.
READER = """
import os, sys
file = os.open(sys.argv[1], os.O_RDONLY)
end = os.fstat(file).st_size
position = 0
while position < end:
    try:
        start = os.lseek(file, position, os.SEEK_DATA)
    except OSError:
        break
    position = os.lseek(file, start, os.SEEK_HOLE)
    for offset in range(start, position, 1 << 20):
        os.pread(file, min(1 << 20, position - offset), offset)
"""


def warm(*paths: Path) -> None:
    """Have files, and all files of folders, in the page cache, and nothing left to write."""
    for path in paths:
        for file in [path] if path.is_file() else path.rglob("*"):
            if file.is_file():
                read_extents(file)
    os.sync()


def plan_changes(image: Path) -> list[Change]:
    """Choose what the second state changes: 2 % of the data, one region and scattered writes.

    The region takes three quarters of it, at most 20 MiB; the rest is in writes of 4 to 64 KiB.
    """
    chance = random.Random(_SEED)
    with image.open("rb") as file:
        data = list(extents(file.fileno()))
    total = sum(end - start for start, end in data)
    left = int(total * CHANGED_PART)
    region = min(LARGEST_REGION_BYTES, left * 3 // 4) // 4096 * 4096
    largest = max(data, key=lambda extent: extent[1] - extent[0])
    changes = [_in_extent(chance, largest, region, data)]
    left -= changes[0].length
    weights = [end - start for start, end in data]
    while left > 0:
        length = chance.choice((4, 8, 16, 32, 64)) * 1024
        extent = chance.choices(data, weights)[0]
        changes.append(_in_extent(chance, extent, length, data))
        left -= changes[-1].length
    return changes


def _in_extent(
    chance: random.Random, extent: tuple[int, int], length: int, data: list[tuple[int, int]]
) -> Change:
    start, end = extent
    length = min(length, end - start)
    offset = start + chance.randrange((end - start - length) // 4096 + 1) * 4096
    room = [each for each in data if each[1] - each[0] >= length]
    first, last = chance.choice(room)
    return Change(offset, length, first + chance.randrange((last - first - length) // 4096 + 1))


def apply_changes(target: Path, original: Path, changes: list[Change]) -> None:
    """Turn a copy of the original, in place, into the second state."""
    with original.open("rb") as source, target.open("r+b") as file:
        for change in changes:
            content = os.pread(source.fileno(), change.length, change.source)
            os.pwrite(file.fileno(), content.translate(_SUBSTITUTION), change.offset)


def undo_changes(target: Path, original: Path, changes: list[Change]) -> None:
    """Turn the second state, in place, back into the original."""
    with original.open("rb") as source, target.open("r+b") as file:
        for change in changes:
            content = os.pread(source.fileno(), change.length, change.offset)
            os.pwrite(file.fileno(), content, change.offset)


def touch_block(target: Path) -> None:
    """Write a block's own bytes over it: nothing changes, but the file's dates prove nothing."""
    with target.open("r+b") as file:
        os.pwrite(file.fileno(), os.pread(file.fileno(), 4096, 0), 0)


def copy_sparse(source: Path, target: Path) -> None:
    """Copy a sparse file with its holes."""
    subprocess.run(["cp", "--sparse=always", source, target], check=True)


def same_bytes(one: Path, other: Path) -> bool:
    """Whether two images hold the same bytes, as far as the shorter one goes."""
    length = min(one.stat().st_size, other.stat().st_size)
    return subprocess.run(["cmp", "-s", "-n", str(length), one, other], check=False).returncode == 0


if __name__ == "__main__":
    _build(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
