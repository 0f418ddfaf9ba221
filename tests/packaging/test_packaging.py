"""What is shipped, and the two commands for a fresh machine, in new virtual environments.

Needs a package index; without one these tests are skipped, since nothing could be installed.
"""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from readme_text import ROOT, fresh_machine_command

_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis", "build", "dist"
)
_NO_INDEX = ("NewConnectionError", "name resolution", "No matching distribution", "timed out")

pytestmark = pytest.mark.slow


def _ran(command: list[str], folder: Path) -> str:
    """Run a command in a folder, with nothing set, and return what it printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            "HOME": str(folder),
            "PATH": f"{Path(sys.executable).resolve().parent}:/usr/sbin:/usr/bin:/sbin:/bin",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0 and any(sign in done.stdout for sign in _NO_INDEX):
        pytest.skip("there is no package index to install from")
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The project as it is cloned: nothing installed, nothing built."""
    return Path(shutil.copytree(ROOT, tmp_path / "clone", ignore=_LEFT_OUT))


def test_the_run_command_goes_from_nothing_to_a_disk_rolled_back(clone: Path) -> None:
    shown = _ran(["bash", "-euc", fresh_machine_command("run")], clone)
    assert "Every byte of the disk is what it was" in shown


def test_the_test_command_installs_what_the_tests_need(clone: Path) -> None:
    install, _, run = fresh_machine_command("test").rpartition(" && ")
    assert run == ".venv/bin/pytest -n auto"
    _ran(["bash", "-euc", install], clone)
    collected = _ran(["bash", "-euc", f"{run} --collect-only"], clone)
    assert "tests/packaging" not in collected  # slow: these very tests are not in the default suite
    assert "tests/volumes/test_volumes_format.py" in collected
    _ran(["bash", "-euc", f"{run} tests/volumes/test_volumes_format.py"], clone)


def test_sdist_and_wheel_carry_what_is_written_down_and_the_wheel_works_alone(
    clone: Path, tmp_path: Path
) -> None:
    _ran([sys.executable, "-m", "venv", "build-venv"], tmp_path)
    python = str(tmp_path / "build-venv" / "bin" / "python")
    _ran([python, "-m", "pip", "install", "-q", "setuptools>=68", "wheel"], tmp_path)
    hooks = "import setuptools.build_meta as b; b.build_sdist('dist'); b.build_wheel('dist')"
    _ran([python, "-c", hooks], clone)
    [sdist] = (clone / "dist").glob("*.tar.gz")
    [wheel] = (clone / "dist").glob("*.whl")
    written = {
        str(path.relative_to(clone))
        for path in (clone / "snapcli").rglob("*")
        if path.name in ("FORMAT.md", "py.typed")
    }
    assert len(written) >= 3
    with tarfile.open(sdist) as archive:
        assert written <= {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    with zipfile.ZipFile(wheel) as unzipped:
        names = unzipped.namelist()
    assert written <= set(names)
    assert [name for name in names if not name.startswith(("snapcli/", "snapcli-"))] == []

    _ran([sys.executable, "-m", "venv", "venv"], tmp_path)
    tools = tmp_path / "venv" / "bin"
    _ran([str(tools / "pip"), "install", "-q", str(wheel)], tmp_path)
    assert "pytest" not in _ran([str(tools / "pip"), "list"], tmp_path)
    assert "create-snapshot" in _ran([str(tools / "snapcli"), "--help"], tmp_path)
    assert _ran([str(tools / "snapcli"), "--version"], tmp_path).startswith("snapcli ")
    assert "What to try next" in _ran([str(tools / "snapcli"), "tour"], tmp_path)
