"""`snapcli tour`: what it shows is what it runs, and it leaves nothing behind."""

import hashlib
import io
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import snapcli.cli.main as entry
from snapcli.cli.local import tour_content
from snapcli.cli.streams import Streams

_COLUMNS = 80


class Tour:
    """A tour that was run: its exit code, what it printed, and the command lines that ran."""

    def __init__(self, code: int, out: str, err: str, ran: list[list[str]]) -> None:
        self.code = code
        self.out = out
        self.err = err
        self.ran = ran

    def typed(self) -> list[list[str]]:
        """Return the `snapcli` lines that are shown after a $, as a shell understands them."""
        text = self.out.replace(" \\\n", " ")
        lines = re.findall(r"^\$ (?:disk=\$\()?(?:[^\n]*\| )?snapcli (.*)$", text, re.M)
        return [shlex.split(line.split(" | ")[0].removesuffix(")")) for line in lines]


Take = Callable[..., Tour]


@pytest.fixture
def take(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Take]:
    """Run the tour in this process; its temporary folder must be gone afterwards."""
    scratch = tmp_path / "t"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    ran: list[list[str]] = []
    main = entry.main

    def recorded(argv: Sequence[str], streams: Streams | None = None) -> int:
        ran.append(list(argv))
        return main(argv, streams)

    monkeypatch.setattr(entry, "main", recorded)

    def take(*options: str, terminal: bool = False) -> Tour:
        out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        err = io.StringIO()
        streams = Streams(
            stdin=io.TextIOWrapper(io.BytesIO()),
            stdout=out,
            stderr=err,
            environ={"TERM": "xterm", "NO_COLOR": "1"},
            terminals={"stdin": terminal, "stdout": terminal, "stderr": terminal},
            width=_COLUMNS,
        )
        code = main(["tour", *options], streams)
        out.flush()
        buffer = out.buffer
        assert isinstance(buffer, io.BytesIO)
        return Tour(code, buffer.getvalue().decode("utf-8"), err.getvalue(), ran)

    yield take
    assert list(scratch.iterdir()) == []


def _without_file_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    which = shutil.which

    def elsewhere(name: str, *args: object, **keywords: object) -> str | None:
        return None if name == "mkfs.ext4" else which(name)

    monkeypatch.setattr(shutil, "which", elsewhere)


def test_every_line_it_shows_fits_and_is_a_line_that_runs_and_the_disk_comes_back(
    take: Take,
) -> None:
    tour = take(terminal=True)
    assert tour.code == 0, tour.err
    shown = tour.typed()
    assert len(shown) >= 12
    # What is not shown only reads, for the numbers that are said.
    assert [line for line in tour.ran if line[-2:] != ["--output", "json"]] == shown
    verbs = {line[0] for line in shown}
    assert verbs >= {"run-instances", "create-snapshot", "chain", "disk", "reset-disk", "check"}
    [before, after] = re.findall(r"^  (?:before|after) +([0-9a-f]{64})$", tour.out, re.M)
    assert before == after
    assert "can't be read any more" in tour.out
    assert "What to try next" in tour.out
    # Where the temporary folder is, is not ours to shorten.
    lines = [line for line in tour.out.splitlines() if "snapcli-tour-" not in line]
    assert [line for line in lines if len(line.expandtabs()) > _COLUMNS] == []


def test_without_mkfs_the_files_are_written_raw(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_file_systems(monkeypatch)
    tour = take()
    assert tour.code == 0, tour.err
    assert "$ mkfs" not in tour.out
    assert "| snapcli disk write" in tour.out
    assert tour.out.count("tar: ") == 2  # once it does not read, once it does
    assert "Every byte of the disk is what it was" in tour.out


def test_a_disk_that_is_not_what_it_was_makes_it_fail_loudly(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_file_systems(monkeypatch)
    digests = iter(["0" * 64, "1" * 64])
    monkeypatch.setattr(tour_content, "sha256", lambda path: next(digests))
    tour = take()
    assert tour.code == 1
    assert "ERROR: The disk's SHA-256 is 111" in tour.err
    assert "Every byte" not in tour.out


def test_a_command_that_fails_ends_it_with_that_commands_code(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapcli.cli.local import tour

    monkeypatch.setattr(tour, "_IMAGE", "no-such-image")
    taken = take()
    assert taken.code == 1
    assert "no-such-image" in taken.out  # what the command said about it
    assert "`snapcli run-instances" in taken.err
    assert "Traceback" not in taken.err


def test_keep_leaves_a_workspace_to_look_around_in_and_the_persons_own_alone(
    take: Take, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _without_file_systems(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SNAPCLI_WORKSPACE", str(tmp_path / "own"))
    monkeypatch.setenv("SNAPCLI_REGION", "cn-beijing")
    tour = take("--keep", "demo")
    assert tour.code == 0, tour.err
    assert Path.cwd() == tmp_path
    assert f"cd {tmp_path}/demo" in tour.out
    assert (tmp_path / "demo" / ".snapcli" / "workspace.toml").exists()
    assert (tmp_path / "demo" / ".snapcli" / "disks" / "cn-hangzhou").is_dir()
    assert not (tmp_path / "own").exists()
    assert os.environ["SNAPCLI_REGION"] == "cn-beijing"


def test_a_folder_in_use_and_a_workspace_of_ones_own_are_refused(
    take: Take, tmp_path: Path
) -> None:
    refused = take("--keep", str(tmp_path))
    assert refused.code == 1
    assert f"{tmp_path} is not empty" in refused.err
    refused = take("--workspace", str(tmp_path / "own"))
    assert refused.code == 1
    assert "--keep" in refused.err


def test_the_digest_is_that_of_the_whole_file_holes_included(tmp_path: Path) -> None:
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.seek(3 << 20)
        file.write(b"data" * 1000)
        file.truncate((7 << 20) + 5)
    assert tour_content.sha256(str(image)) == hashlib.sha256(image.read_bytes()).hexdigest()
