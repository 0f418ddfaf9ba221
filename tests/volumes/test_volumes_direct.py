"""Writing past the page cache: the same bytes as any other way, and a way back where it fails."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from snapcli.volumes import direct
from snapcli.volumes.direct import MOST_BYTES, DirectWriter
from snapcli.volumes.layout import PACK_HEADER
from snapcli.volumes.packs import PackWriter

PAGE = 4096


def _new(path: Path, length: int) -> Path:
    with path.open("wb") as file:
        file.truncate(length)
    return path


def test_pieces_are_written_one_after_the_other_where_they_belong(tmp_path: Path) -> None:
    path = _new(tmp_path / "file", 8 * PAGE)
    writer = DirectWriter(str(path))
    if not writer.write(0, [b"c" * PAGE]):
        pytest.skip("no O_DIRECT here")
    assert writer.write(2 * PAGE, [b"a" * 5000, b"b" * (2 * PAGE - 5000)])
    writer.close()
    expected = b"c" * PAGE + bytes(PAGE) + b"a" * 5000 + b"b" * (2 * PAGE - 5000) + bytes(4 * PAGE)
    assert path.read_bytes() == expected


def test_where_the_system_can_not_the_caller_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _new(tmp_path / "file", PAGE)
    monkeypatch.setattr(direct, "_DIRECT", 0)
    writer = DirectWriter(str(path))
    assert not writer.write(0, [b"a" * PAGE])
    writer.close()


def _refuse(number: int) -> Callable[..., int]:
    def pwrite(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return pwrite


def test_a_device_with_large_sectors_is_no_error_but_a_full_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = DirectWriter(str(_new(tmp_path / "file", PAGE)))
    if not writer.write(0, [b"a" * PAGE]):
        pytest.skip("no O_DIRECT here")
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", _refuse(errno.EINVAL))
        assert not writer.write(0, [b"a" * PAGE])
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(os, "pwrite", _refuse(errno.ENOSPC))
        writer.write(0, [b"a" * PAGE])
    writer.close()


@pytest.mark.parametrize("possible", [True, False], ids=["direct", "cached"])
def test_a_pack_has_all_that_was_appended_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, possible: bool
) -> None:
    if not possible:
        monkeypatch.setattr(direct, "_DIRECT", 0)
    pieces = [os.urandom(length) for length in (1, 70_000, MOST_BYTES, 5, 3 * MOST_BYTES, 777)]
    pack = PackWriter(str(tmp_path), "s-1.pack", 1)
    pack.append([b"forgotten" * 300_000])
    pack.restart()
    starts = [pack.append([piece, piece]) for piece in pieces]
    pack.finish(sync=True)
    content = (tmp_path / "s-1.pack").read_bytes()
    assert content[PACK_HEADER.size :] == b"".join(piece * 2 for piece in pieces)
    for start, piece in zip(starts, pieces, strict=True):
        assert content[start : start + len(piece)] == piece


def test_an_abandoned_pack_leaves_nothing_open_and_no_file(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    pack = PackWriter(str(tmp_path), "s-1.pack", 1)
    pack.append([bytes(2 * MOST_BYTES)])
    pack.abandon()
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) == before
