"""Fixtures of the robustness tests."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is room for it, else an ordinary one.

    For tests that end processes, not machines: a kill never loses what was written, so waiting
    for a disk proves nothing.
    """
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < 1 << 30:
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix=f"snapcli-{os.getpid()}-", dir=MEMORY))
    yield folder
    shutil.rmtree(folder)
