"""The benchmark harness runs: a tiny image, every row, no judgement on times."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bench_rows import TARGETS

_HARNESS = Path(__file__).with_name("run.py")
_NEEDED = ("mkfs.ext4", "qemu-img")
# All but the one that installs a peer from the network.
_ROWS = [target.key for target in TARGETS if target.key != "aws"]


@pytest.mark.slow
@pytest.mark.skipif(
    any(shutil.which(program) is None for program in _NEEDED), reason=f"needs {_NEEDED}"
)
def test_every_row_but_the_one_that_needs_the_network_is_measured(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- benchmarks -->\nold\n<!-- /benchmarks -->\nafter\n")
    work = tmp_path / "work"
    work.mkdir()
    words = [sys.executable, str(_HARNESS), "--quick", "--runs", "1", "--peer", "qemu-img"]
    words += ["--image-mib", "64", "--data-mib", "24", "--workdir", str(work)]
    words += ["--snapcli", str(Path(sys.executable).with_name("snapcli"))]
    words += ["--json", str(figures), "--readme", str(readme)]
    for row in _ROWS:
        words += ["--only", row]

    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)

    # 1 says that a target was missed, which an image of this size proves nothing about.
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(figures.read_text(encoding="utf-8"))["rows"]
    assert [row["key"] for row in found] == _ROWS
    assert all(row["ours"] > 0 and row["ratio"] > 0 for row in found)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert list(work.iterdir()) == []


def test_a_command_starts_without_typing_extensions_which_stays_importable() -> None:
    script = (
        "import sys\n"
        "from snapcli.cli import main\n"
        "sys.argv = ['snapcli', 'ecs', 'NoSuchApi']\n"
        "try:\n"
        "    main.run()\n"
        "except SystemExit:\n"
        "    pass\n"
        "print('msgspec' in sys.modules, 'typing_extensions' in sys.modules)\n"
        "import typing_extensions\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "True False\n"), done.stderr
