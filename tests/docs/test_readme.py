"""README.md: every command in it runs as written, and what it says is so."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from newcomer_shell import run_bash
from readme_text import README, ROOT, command_blocks, fresh_machine_command, stable

from snapcli.cli import exit_codes

_MARK = "\x1e"


def _is_here(need: str) -> bool:
    if need == "root":
        return os.geteuid() == 0 and _can_loop()
    return shutil.which(need, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is not None


def _can_loop() -> bool:
    found = subprocess.run(["losetup", "--find"], capture_output=True, check=False)
    return found.returncode == 0


def test_every_command_runs_in_order_and_prints_what_is_shown(tmp_path: Path) -> None:
    blocks = [
        block
        for block in command_blocks()
        if not block.note.startswith("fresh machine")
        and all(map(_is_here, block.note.removeprefix("needs:").split()))
    ]
    assert len(blocks) > 15
    done = run_bash("".join(f"printf '{_MARK}'\n{block.commands}" for block in blocks), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.split(_MARK)[1:]
    shown = 0
    for block, text in zip(blocks, printed, strict=True):
        if block.shown is not None:
            shown += 1
            assert stable(text).endswith(stable(block.shown)), block.commands
    assert shown >= 5
    # The first session's disk is what it was at the snapshot.
    assert any(text.endswith("all is well\n") for text in printed)


@pytest.mark.rule("IN-2")
def test_the_guides_example_is_shown_as_the_guide_has_it() -> None:
    drawings = [block.shown for block in command_blocks() if "chain show" in block.commands]
    cells = [
        [
            re.findall(r"\b[A-D][12]?\b", line)
            for line in (drawing or "").splitlines()
            if "  S" in line
        ]
        for drawing in drawings
    ]
    named = [[[cell for cell in row if cell != "S"] for row in rows[1:]] for rows in cells]
    assert named[0] == [["A", "B", "C", "D"], ["B1", "C1"], ["B2"]]
    assert named[1] == [["A", "B", "C", "D"], ["B2", "C1"]]


def test_the_table_of_exit_codes_is_the_programs() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", README.read_text(encoding="utf-8"), re.M)
    assert [(int(code), text) for code, text in rows] == list(exit_codes.TABLE)


def test_every_file_that_is_named_is_there() -> None:
    text = README.read_text(encoding="utf-8")
    named = re.findall(r"\b((?:snapcli|tests|examples|\.ci)/[\w./-]*)", text)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_two_commands_are_single_lines_that_begin_with_a_fresh_venv() -> None:
    for what, ends_with in (("run", "snapcli tour"), ("test", "pytest -n auto")):
        line = fresh_machine_command(what)
        assert line.startswith("python3 -m venv .venv && ")
        assert line.endswith(ends_with)


def test_the_full_check_runs_the_very_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    [extraction] = re.findall(r"^test_command=\$\((.*)\)$", script, re.M)
    found = subprocess.run(
        ["bash", "-c", extraction], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == fresh_machine_command("test")
    assert 'bash -euc "$test_command"' in script


def test_there_is_a_place_for_the_measured_numbers() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.index("<!-- benchmarks -->") < text.index("<!-- /benchmarks -->")
