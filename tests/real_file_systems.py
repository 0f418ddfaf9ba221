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
# No store through a mapping is known to be dated there.
UNDATED = ("tmpfs", "overlay")


@contextlib.contextmanager
def mounted(kind: str, folder: Path, size_mib: int = 400) -> Iterator[Path]:
    """Give a new, mounted file system of a kind; the test is skipped where it can't be made."""
    if kind in UNDATED:
        with _without_device(kind, folder) as mount:
            yield mount
        return
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


@contextlib.contextmanager
def _without_device(kind: str, folder: Path) -> Iterator[Path]:
    mount = folder / f"mnt-{kind}"
    parts = {name: folder / f"{kind}-{name}" for name in ("lowerdir", "upperdir", "workdir")}
    for path in (mount, *parts.values()):
        path.mkdir()
    options = ",".join(f"{name}={path}" for name, path in parts.items())
    words = ["-o", options] if kind == "overlay" else []
    if subprocess.run(["mount", "-t", kind, *words, kind, mount], capture_output=True).returncode:
        pytest.skip("can't mount here")
    try:
        yield mount
    finally:
        subprocess.run(["umount", mount], check=True)
