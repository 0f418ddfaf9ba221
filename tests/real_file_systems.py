"""Real file systems on loop devices, for tests that must hold on each kind. Needs root."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

MAKERS = {
    "ext4": ["mkfs.ext4", "-q", "-F"],
    # Dates in whole seconds: inodes too small for the rest.
    "ext4-128": ["mkfs.ext4", "-q", "-F", "-I", "128"],
    "xfs": ["mkfs.xfs", "-q", "-m", "reflink=1"],
    "xfs-plain": ["mkfs.xfs", "-q", "-m", "reflink=0"],
    "btrfs": ["mkfs.btrfs", "-q"],
}
CLONING = ("xfs", "btrfs")


@contextlib.contextmanager
def mounted(kind: str, folder: Path, size_mib: int = 400) -> Iterator[Path]:
    """Give a new, mounted file system of a kind; the test is skipped where it can't be made."""
    make = MAKERS[kind]
    if os.geteuid() != 0 or shutil.which(make[0]) is None:
        pytest.skip(f"needs root and {make[0]}")
    device, mount = folder / f"{kind}.img", folder / f"mnt-{kind}"
    mount.mkdir()
    with open(device, "wb") as file:
        file.truncate(size_mib << 20)
    subprocess.run([*make, str(device)], check=True, capture_output=True)
    if subprocess.run(["mount", "-o", "loop", device, mount], capture_output=True).returncode:
        pytest.skip("can't mount here")
    try:
        yield mount
    finally:
        subprocess.run(["umount", mount], check=True)
