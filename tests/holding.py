"""Programs that use a file while a test looks on: each in a process of its own, ended after it."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="who uses a file tells /proc")
needs_loop = pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists("/dev/loop-control") or not shutil.which("mkfs.ext4"),
    reason="needs root, loop devices and mkfs.ext4",
)

WRITER = "import os, sys; os.open(sys.argv[1], os.O_RDWR)"
READER = "import os, sys; os.open(sys.argv[1], os.O_RDONLY)"
# Mapped with no descriptor left: Python's own mmap keeps one.
MAPPER = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long]
fd = os.open(sys.argv[1], os.O_RDWR)
assert libc.mmap(None, 4096, 3, 1, fd, 0) not in (None, ctypes.c_void_p(-1).value)
os.close(fd)
"""


@contextlib.contextmanager
def held_by(program: str, path: str | Path) -> Iterator[int]:
    """Run a few lines of Python with the file as argument, and wait; gives the process's id."""
    text = program + "\nprint('ready', flush=True)\nsys.stdin.read()\n"
    with subprocess.Popen(
        [sys.executable, "-c", text, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None and child.stdin is not None
        assert child.stdout.readline() == b"ready\n"
        try:
            yield child.pid
        finally:
            child.stdin.close()
            child.wait()


@contextlib.contextmanager
def written(path: str | Path) -> Iterator[int]:
    """Have another program keep the file open for writing."""
    with held_by(WRITER, path) as pid:
        yield pid


@contextlib.contextmanager
def mounted(image: str | Path, point: Path, options: str = "loop") -> Iterator[Path]:
    """Mount an image's file system outside of any instance."""
    point.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", options, image, point], check=True)
    try:
        yield point
    finally:
        subprocess.run(["umount", point], check=True)


@contextlib.contextmanager
def loop_device(image: str | Path, *options: str) -> Iterator[str]:
    """Put a loop device on a file; gives its name."""
    made = subprocess.run(
        ["losetup", "-f", "--show", *options, image], check=True, capture_output=True, text=True
    )
    device = made.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "-d", device], check=True)
