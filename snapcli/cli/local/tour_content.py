"""What the tour puts on its data disk: real files, in an ext4 file system or in a tar archive.

Fills, changes and reads the disk by its image's path or by `snapcli disk`; takes no snapshot.
"""

import hashlib
import io
import os
import shutil
import tarfile
from typing import Protocol

import msgspec

from snapcli.cli.local.tour_stage import Stage, TourFailure, search_path
from snapcli.cli.views.listing import bytes_text

_FILES = "files"
_ORDERS = "orders.csv"
# Enough to be worth a snapshot, little enough to be copied in an instant.
_MOST_FILES = 250
_MOST_BYTES = 12 << 20
_CHUNK_BYTES = 1 << 20
_TAR = f"tar -cf - {_FILES}/*.py {_FILES}/{_ORDERS}"
_PROGRAMS = ("mkfs.ext4", "debugfs", "e2fsck")


class Disk(msgspec.Struct, frozen=True):
    """The data disk: its id and where its bytes are."""

    disk_id: str
    path: str


class Reading(msgspec.Struct, frozen=True):
    """Whether the content of a disk could be read, and what was said about it."""

    good: bool
    text: str


class Content(Protocol):
    """A way of keeping files on a disk."""

    def fill(self, stage: Stage, disk: Disk) -> dict[str, str]:
        """Put the files on the disk and return facts about them."""

    def change(self, stage: Stage, disk: Disk) -> None:
        """Bring the changed file to the disk."""

    def read(self, stage: Stage, disk: Disk) -> Reading:
        """Look at what is on the disk."""

    def orders(self, stage: Stage, disk: Disk) -> bytes:
        """Read the changed file back from the disk. Raises TourFailure."""


class FileSystem:
    """An ext4 file system, made and changed without being root by the tools of e2fsprogs."""

    def fill(self, stage: Stage, disk: Disk) -> dict[str, str]:
        code, text = stage.program(
            *("mkfs.ext4", "-q", "-d", _FILES, disk.path),
            typed=f'mkfs.ext4 -q -d {_FILES} "$disk"',
        )
        if code != 0:
            raise TourFailure(f"mkfs.ext4 returned {code}: {text.strip()}")
        return {"file system": _in_use(stage, disk)}

    def change(self, stage: Stage, disk: Disk) -> None:
        for request in (f"rm {_ORDERS}", f"write {_FILES}/{_ORDERS} {_ORDERS}"):
            self._debugfs(stage, disk, "-w", request)

    def read(self, stage: Stage, disk: Disk) -> Reading:
        code, text = stage.program("e2fsck", "-f", "-n", disk.path, typed='e2fsck -f -n "$disk"')
        return Reading(code == 0, _without_version(text.replace(disk.path, "disk")))

    def orders(self, stage: Stage, disk: Disk) -> bytes:
        copy = os.path.join(stage.folder, "orders-from-disk.csv")
        self._debugfs(stage, disk, "", f"dump {_ORDERS} {os.path.basename(copy)}")
        return _content(copy)

    def _debugfs(self, stage: Stage, disk: Disk, mode: str, request: str) -> None:
        flags = [mode] if mode else []
        typed = " ".join(["debugfs", *flags, "-R", f"'{request}'", '"$disk"'])
        code, text = stage.program("debugfs", *flags, "-R", request, disk.path, typed=typed)
        if code != 0:
            raise TourFailure(f"debugfs returned {code}: {text.strip()}")


class Archive:
    """A tar archive written on the bare disk as on a tape, for machines without mkfs.ext4."""

    def __init__(self) -> None:
        self._length_bytes = 0

    def fill(self, stage: Stage, disk: Disk) -> dict[str, str]:
        self._write(stage, disk)
        return {"archive": bytes_text(self._length_bytes)}

    def change(self, stage: Stage, disk: Disk) -> None:
        self._write(stage, disk)

    def read(self, stage: Stage, disk: Disk) -> Reading:
        try:
            names = self._open(stage, disk, "tar -tf -").getnames()
        except tarfile.TarError as error:
            return Reading(False, f"tar: {error}\n")
        return Reading(True, f"tar: {len(names)} files\n")

    def orders(self, stage: Stage, disk: Disk) -> bytes:
        try:
            archive = self._open(stage, disk, f"tar -xOf - {_FILES}/{_ORDERS}")
            found = archive.extractfile(f"{_FILES}/{_ORDERS}")
        except (tarfile.TarError, KeyError) as error:
            raise TourFailure(f"The archive on the disk can't be read: {error}") from None
        assert found is not None
        return found.read()

    def _write(self, stage: Stage, disk: Disk) -> None:
        archive = io.BytesIO()
        folder = os.path.join(stage.folder, _FILES)
        with tarfile.open(fileobj=archive, mode="w") as tar:
            # The file that grows is the last one, so that no other one moves.
            names = sorted(name for name in os.listdir(folder) if name != _ORDERS)
            for name in [*names, _ORDERS]:
                tar.add(os.path.join(folder, name), f"{_FILES}/{name}")
        self._length_bytes = len(archive.getvalue())
        stage.snapcli("disk", "write", disk.disk_id, stdin=archive.getvalue(), source=_TAR)

    def _open(self, stage: Stage, disk: Disk, sink: str) -> tarfile.TarFile:
        words = ("disk", "read", disk.disk_id, "--length", str(self._length_bytes))
        data = stage.bytes_of(*words, sink=sink)
        return tarfile.open(fileobj=io.BytesIO(data), mode="r:")


def choose() -> Content:
    """Return an ext4 file system where its tools are, else a tar archive."""
    path = search_path()
    return FileSystem() if all(shutil.which(name, path=path) for name in _PROGRAMS) else Archive()


def gather(folder: str) -> dict[str, str]:
    """Copy real files of this machine, Python's own, into the tour's folder; return facts."""
    target = os.path.join(folder, _FILES)
    os.mkdir(target)
    sources = _sources(os.path.dirname(os.__file__)) or _sources(os.path.dirname(__file__))
    total_bytes = 0
    for source in sources[:_MOST_FILES]:
        size_bytes = os.path.getsize(source)
        if total_bytes + size_bytes > _MOST_BYTES:
            break
        shutil.copyfile(source, os.path.join(target, os.path.basename(source)))
        total_bytes += size_bytes
    add_orders(folder, 1, 1000)
    total_bytes += os.path.getsize(os.path.join(target, _ORDERS))
    return {"files": f"{len(os.listdir(target))}, {bytes_text(total_bytes)}"}


def _sources(folder: str) -> list[str]:
    """Return the Python files of a folder, in order."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".py"))
    except OSError:
        return []  # Python's own files may lie in an archive.
    return [os.path.join(folder, name) for name in names]


def add_orders(folder: str, first: int, last: int) -> None:
    """Write orders `first` to `last` at the end of the file that the tour changes."""
    with open(os.path.join(folder, _FILES, _ORDERS), "a", encoding="ascii") as orders:
        orders.writelines(
            f"{at},customer-{at * 7919 % 997},{at * 31 % 5000}.00\n"
            for at in range(first, last + 1)
        )


def kept_orders(folder: str) -> bytes:
    """Return the changed file as it stands in the tour's folder."""
    return _content(os.path.join(folder, _FILES, _ORDERS))


def sha256(path: str) -> str:
    """Return the SHA-256 of a whole file, as `sha256sum` prints it, without reading its holes."""
    found = hashlib.sha256()
    zeros = bytes(_CHUNK_BYTES)
    with open(path, "rb", buffering=0) as file:
        length_bytes = os.fstat(file.fileno()).st_size
        at = 0
        while at < length_bytes:
            begin, end = _next_data(file.fileno(), at, length_bytes)
            for _ in range(at, begin, _CHUNK_BYTES):
                found.update(zeros[: begin - at])
                at = min(at + _CHUNK_BYTES, begin)
            file.seek(begin)
            while at < end:
                chunk = file.read(min(_CHUNK_BYTES, end - at))
                if not chunk:
                    raise TourFailure(f"{path} became shorter while it was read.")
                found.update(chunk)
                at += len(chunk)
    return found.hexdigest()


def _next_data(file: int, at: int, length_bytes: int) -> tuple[int, int]:
    """Return where the next stretch that is no hole begins and ends."""
    if not hasattr(os, "SEEK_DATA"):
        return at, length_bytes
    try:
        begin = os.lseek(file, at, os.SEEK_DATA)
    except OSError:
        return length_bytes, length_bytes  # There are only holes up to the end.
    return begin, min(os.lseek(file, begin, os.SEEK_HOLE), length_bytes)


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _in_use(stage: Stage, disk: Disk) -> str:
    """Return what the file system itself says is in use, its own tables included."""
    _, text = stage.program("debugfs", "-R", "show_super_stats -h", disk.path)
    values = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    try:
        blocks = int(values["Block count"]) - int(values["Free blocks"])
        in_use = bytes_text(blocks * int(values["Block size"]))
        return f"{in_use} in use, its journal and tables included"
    except (KeyError, ValueError):
        return "ext4"


def _without_version(text: str) -> str:
    """Drop the line with which the tools of e2fsprogs introduce themselves."""
    lines = [line for line in text.splitlines() if line.strip() and not _is_version(line)]
    return "\n".join(lines[:6]) + "\n"


def _is_version(line: str) -> bool:
    words = line.split()
    return len(words) > 1 and words[0] in _PROGRAMS and words[1][0].isdigit()
