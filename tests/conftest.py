"""Fixtures of the whole suite: a workspace of one's own, activated and with a frozen clock."""

from pathlib import Path

import pytest
from support import Cloud


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    """A new workspace at instant speed, its clock frozen, the snapshot service on."""
    return Cloud(tmp_path / "workspace")
