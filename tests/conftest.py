"""Fixtures of the whole suite: a workspace of one's own, activated and with a frozen clock."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support import Cloud

# How long a machine takes says nothing about the program.
settings.register_profile("snapcli", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("snapcli")

_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 1 << 30


@pytest.fixture
def memory_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is room for it, since rules need no sync to a disk.

    What depends on a disk's file system (the stores, crashes, full disks) is tested on one.
    """
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        state = os.statvfs(_MEMORY)
        if state.f_bavail * state.f_frsize > _ENOUGH_BYTES:
            folder = Path(tempfile.mkdtemp(prefix="snapcli-test-", dir=_MEMORY))
            yield folder
            shutil.rmtree(folder)
            return
    yield tmp_path


@pytest.fixture
def cloud(memory_path: Path) -> Cloud:
    """A new workspace at instant speed, its clock frozen, the snapshot service on."""
    return Cloud(memory_path / "workspace")
