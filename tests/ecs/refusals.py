"""What a refusal must be: a code, exit status 1, and a workspace in which nothing changed."""

import hashlib
import os
from typing import Any

from support import Cloud, Result

_SMALL_BYTES = 1 << 20


def picture(cloud: Cloud) -> dict[str, object]:
    """Return every file of the workspace with its content, or size and dates of a large one.

    Two things belong to no state: the settings' cache, and the lock file.
    """
    found: dict[str, object] = {}
    for top in ("state", "chains", "disks", "keys"):
        for folder, _, names in os.walk(cloud.root / top):
            for name in names:
                path = os.path.join(folder, name)
                if name.startswith("settings.json"):
                    continue
                state = os.stat(path)
                if state.st_size <= _SMALL_BYTES:
                    with open(path, "rb") as file:
                        found[path] = hashlib.sha256(file.read()).hexdigest()
                else:
                    found[path] = (state.st_size, state.st_blocks, state.st_mtime_ns)
            found[folder] = len(names)
    for left in ("journal.json", "pending.json", "staged"):
        found[left] = (cloud.root / left).exists()
    return found


def refused(cloud: Cloud, code: str, action: str, **parameters: Any) -> Result:
    """Call an operation that must be refused with this code and change nothing."""
    before = picture(cloud)
    result = cloud.refused(action, **parameters)
    assert result.error_code == code, result.err
    assert picture(cloud) == before
    return result
