"""Runs bash scripts as a newcomer would: a new home, nothing set, snapcli on the PATH."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SYSTEM = "/usr/local/sbin:/usr/sbin:/sbin"


def run_bash(script: str, folder: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run a script under `bash -eu` in `folder`; standard error is kept apart."""
    if not Path("/bin/bash").exists():
        pytest.skip("bash is not here")
    home = folder / "home"
    home.mkdir(exist_ok=True)
    tools = Path(sys.executable).parent
    return subprocess.run(
        ["/bin/bash", "-eu", "-c", script],
        cwd=folder,
        env={
            "HOME": str(home),
            "PATH": f"{tools}:{os.environ.get('PATH', os.defpath)}:{_SYSTEM}",
            "TMPDIR": str(folder),
            "LANG": "C.UTF-8",
            **environ,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
