"""The guide's check with a real MariaDB server (AP-15), by the example script as it is."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from newcomer_shell import run_bash
from readme_text import ROOT

_PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


def _is_possible() -> bool:
    found = all(shutil.which(each, path=_PATH) for each in ("mariadbd", "mkfs.ext4", "losetup"))
    if os.geteuid() != 0 or not found:
        return False
    return subprocess.run(["losetup", "--find"], capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not _is_possible(), reason="needs root, loop devices and mariadbd"),
]


def run(folder: Path, *words: str) -> dict[str, str]:
    """Run the example; return what it says, by the words before the colon."""
    line = " ".join((f"exec '{ROOT}/examples/app-consistent-mariadb.sh'", *words))
    done = run_bash(line, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    told = dict(line.partition(": ")[::2] for line in done.stdout.splitlines())
    assert 10 < int(told["rows at the snapshot"]) < int(told["rows in the end"])
    return told


@pytest.mark.rule("AP-13", "AP-15")
def test_rolled_back_the_server_recovers_nothing_and_ends_before_the_lock(tmp_path: Path) -> None:
    told = run(tmp_path)
    assert "AppConsistent" in told
    assert told["recovery"] == "none was needed"
    # Rows go on being written until the script that just began has the lock, and none after.
    assert told["last row"] < told["locked"]
    assert told["prescript began"] < told["locked"]


@pytest.mark.rule("AP-5")
def test_without_scripts_the_server_has_to_recover(tmp_path: Path) -> None:
    told = run(tmp_path, "--without-scripts")
    assert "FsConsistent" in told and "AppConsistent" not in told
    assert told["recovery"] == "the server had to recover"
