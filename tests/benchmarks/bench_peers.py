"""The peers: what other tools need to store the image's two states and to give the first back.

Each tool is used as its users would for a disk image that changes in place; its options are
stated here once and printed with the figures.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench_image import warm
from bench_process import Failed, Run, give_memory, sync_tree

Runner = Callable[[Sequence[str], dict[str, str]], Run]


class Took(NamedTuple):
    """Seconds until the tool ended, and until what it wrote was on the disk."""

    ended: float
    durable: float


def _command(line: str, *more: str) -> list[str]:
    """Return the words of a command line and those that may hold blanks."""
    return [*line.split(), *more]


class Peer:
    """One tool with a store of its own; `prepare` begins it anew."""

    name = ""
    package = ""
    program = ""
    options = ""
    memory_bytes = 0  # what a step fills at most, given before it; the session says

    def __init__(self, folder: Path, image: Path, runner: Runner) -> None:
        self.folder = folder / self.name
        self.store = self.folder / "store"
        self.image = image
        self._runner = runner

    def environment(self) -> dict[str, str]:
        """What the tool needs beside the clean environment."""
        return {}

    def version(self) -> str:
        """Return the tool's name and version."""
        raise NotImplementedError

    def begin_store(self) -> None:
        """Make an empty store; not timed."""
        raise NotImplementedError

    def first_commands(self) -> list[list[str]]:
        """What stores the image's first state."""
        raise NotImplementedError

    def second_commands(self) -> list[list[str]]:
        """What stores the image's second state beside it."""
        raise NotImplementedError

    def restore_commands(self, target: Path) -> list[list[str]]:
        """What gives the first state back under the folder `target`."""
        raise NotImplementedError

    def restored(self, target: Path) -> Path:
        """Where the restored image is."""
        return target / str(self.image).lstrip("/")

    def prepare(self) -> None:
        """Remove the store and begin a new one."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.store.mkdir(parents=True)
        self.begin_store()

    def first(self) -> Took:
        """Store the first state."""
        return self._timed(self.first_commands(), self.store, self.image)

    def second(self) -> Took:
        """Store the second state."""
        return self._timed(self.second_commands(), self.store, self.image, self.store)

    def restore(self) -> tuple[Took, Path]:
        """Give the first state back into a new folder; remove that folder afterwards."""
        target = self.folder / "restored"
        target.mkdir()
        took = self._timed(self.restore_commands(target), target, self.store)
        return took, self.restored(target)

    def forget_restored(self) -> None:
        """Remove what `restore` has made."""
        shutil.rmtree(self.folder / "restored")

    def stored_folder(self) -> Path:
        """The folder whose size is what the store occupies."""
        return self.store

    def run(self, *words: str) -> Run:
        """Run one command in the peer's environment."""
        return self._runner(words, self.environment())

    def _timed(self, commands: list[list[str]], written: Path, *read: Path) -> Took:
        give_memory(self.memory_bytes)
        warm(*read)
        ended = sum(self.run(*words).seconds for words in commands)
        return Took(ended, ended + sync_tree(written))


class Borg(Peer):
    """Borg with chunks of one fixed size, which is what its manual advises for disk images."""

    name = "borg"
    package = "borgbackup"
    program = "borg"
    options = "create --chunker-params fixed,65536 --compression zstd,1 --sparse, no encryption"

    def environment(self) -> dict[str, str]:
        return {
            "BORG_BASE_DIR": str(self.folder / "base"),
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
        }

    def version(self) -> str:
        return self.run("borg", "--version").output.decode().strip()

    def begin_store(self) -> None:
        self.run("borg", "init", "-e", "none", str(self.store))

    def _create(self, name: str) -> list[list[str]]:
        line = "borg create --chunker-params fixed,65536 --compression zstd,1 --sparse"
        return [_command(line, f"{self.store}::{name}", str(self.image))]

    def first_commands(self) -> list[list[str]]:
        return self._create("one")

    def second_commands(self) -> list[list[str]]:
        return self._create("two")

    def restore_commands(self, target: Path) -> list[list[str]]:
        # Borg extracts into the folder it runs in.
        line = 'cd "$1" && exec borg extract --sparse "$2"'
        return [["sh", "-c", line, "sh", str(target), f"{self.store}::one"]]


class Restic(Peer):
    """Restic as it comes: it has neither fixed chunks nor a choice of zstd levels here."""

    name = "restic"
    package = "restic"
    program = "restic"
    options = "backup, its defaults, local repository"

    def environment(self) -> dict[str, str]:
        return {
            "RESTIC_PASSWORD": "benchmark",
            "RESTIC_REPOSITORY": str(self.store),
            "RESTIC_CACHE_DIR": str(self.folder / "cache"),
        }

    def version(self) -> str:
        return " ".join(self.run("restic", "version").output.decode().split()[:2])

    def begin_store(self) -> None:
        self.run("restic", "init", "-q")

    def first_commands(self) -> list[list[str]]:
        return [_command("restic backup -q --tag one", str(self.image))]

    def second_commands(self) -> list[list[str]]:
        return [_command("restic backup -q --tag two", str(self.image))]

    def restore_commands(self, target: Path) -> list[list[str]]:
        sparse = ["--sparse"] if self._can_be_sparse() else []
        return [_command("restic restore latest -q --tag one --target", str(target), *sparse)]

    def _can_be_sparse(self) -> bool:
        return b"--sparse" in self.run("restic", "restore", "--help").output


class Qemu(Peer):
    """Compressed qcow2: a full image, and an overlay on it with what the second state changes.

    qemu-img makes the overlay in two steps: rebase finds what differs, convert compresses it.
    """

    name = "qemu-img"
    package = "qemu-utils"
    program = "qemu-img"
    options = "convert -c -m 16 -W -O qcow2 -o compression_type=zstd; rebase + convert -B"

    def version(self) -> str:
        return self.run("qemu-img", "--version").output.decode().split("(")[0].strip()

    def begin_store(self) -> None:
        return

    def _compress(self, *words: str) -> list[str]:
        line = "qemu-img convert -c -m 16 -W -O qcow2 -o compression_type=zstd"
        return _command(line, *words)

    def first_commands(self) -> list[list[str]]:
        return [self._compress("-f", "raw", str(self.image), str(self.store / "one.qcow2"))]

    def second_commands(self) -> list[list[str]]:
        base, whole = str(self.store / "one.qcow2"), str(self.folder / "overlay.qcow2")
        return [
            _command("qemu-img create -q -f qcow2 -F raw -b", str(self.image), whole),
            # Nothing of this step is to last, so it need not be flushed.
            _command("qemu-img rebase -t unsafe -f qcow2 -F qcow2 -b", base, whole),
            self._compress("-B", base, "-F", "qcow2", whole, str(self.store / "two.qcow2")),
        ]

    def restore_commands(self, target: Path) -> list[list[str]]:
        one = str(self.store / "one.qcow2")
        line = "qemu-img convert -m 16 -W -f qcow2 -O raw"
        return [_command(line, one, str(self.restored(target)))]

    def restored(self, target: Path) -> Path:
        return target / "restored.raw"


PEERS: tuple[type[Peer], ...] = (Borg, Restic, Qemu)


def install_missing() -> list[str]:
    """Install the peers that are missing from Debian's packages, as root; what went wrong."""
    missing = [peer for peer in PEERS if shutil.which(peer.program) is None]
    if not missing:
        return []
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return [f"{peer.name} is left out: install {peer.package}" for peer in missing]
    words = ["apt-get", "install", "-q", "-y", *(peer.package for peer in missing)]
    done = subprocess.run(words, stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        subprocess.run(["apt-get", "update", "-q"], stdout=subprocess.DEVNULL, check=False)
        subprocess.run(words, stdout=subprocess.DEVNULL, check=False)
    return [
        f"{peer.name} is left out: {peer.package} could not be installed"
        for peer in missing
        if shutil.which(peer.program) is None
    ]


def chosen(names: Sequence[str], folder: Path, image: Path, runner: Runner) -> list[Peer]:
    """Return the peers of these names (all when none is named) that are installed."""
    found = [
        peer(folder, image, runner)
        for peer in PEERS
        if shutil.which(peer.program) and (not names or peer.name in names)
    ]
    if not found:
        raise Failed("there is no peer to compare with; install borgbackup, restic or qemu-utils")
    return found
