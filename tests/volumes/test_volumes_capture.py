"""A capture stores what changed, of one instant, and leaves nothing behind when it fails."""

import contextlib
import errno
import mmap
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from volumes_model import B, Chain, pattern

from snapcli.volumes import capture as module
from snapcli.volumes import fence, stamps
from snapcli.volumes.capture import capture
from snapcli.volumes.errors import DamagedMap, ImageBusy, VolumeError, WrongLength
from snapcli.volumes.fence import TRIES, Fence
from snapcli.volumes.layout import NO_STAMP
from snapcli.volumes.maps import MapReader
from snapcli.volumes.packs import PackWriter
from snapcli.volumes.scan import SpanReader
from snapcli.volumes.syscalls import writes_are_dated


@pytest.fixture
def no_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "open_unnamed", lambda folder: None)


def counted_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first block of every span that is read from now on."""
    reads: list[int] = []
    real = SpanReader.read

    def read(self: SpanReader, first: int, count: int) -> list[memoryview]:
        reads.append(first)
        return real(self, first, count)

    monkeypatch.setattr(SpanReader, "read", read)
    return reads


@pytest.mark.rule("OV-1", "IN-1")
def test_the_first_snapshot_holds_every_block_with_data_and_no_empty_one(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 100 * B)
    chain.write(3 * B + 17, b"x")
    chain.write(50 * B, pattern(1, 2 * B))
    chain.write(70 * B, bytes(4 * B))  # written zeros are empty too
    result = chain.snapshot()
    assert (result.data_blocks, result.empty_blocks, result.view_blocks) == (3, 0, 3)
    assert result.stored_bytes == (chain.folder / result.pack_file).stat().st_size
    chain.check()


@pytest.mark.rule("OV-1")
def test_a_later_snapshot_holds_only_what_changed(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 20 * B)
    chain.change(dict.fromkeys(range(20), 1))
    chain.snapshot()
    chain.change({4: 2, 5: 0})
    result = chain.snapshot()
    assert (result.data_blocks, result.empty_blocks, result.view_blocks) == (1, 1, 19)
    result = chain.snapshot()
    assert (result.data_blocks, result.empty_blocks, result.view_blocks) == (0, 0, 19)
    chain.check()


@pytest.mark.rule("IN-2")
def test_the_guides_example_a_b_c_d(tmp_path: Path) -> None:
    a, b, c, d, b1, c1, b2 = (pattern(seed, B) for seed in range(1, 8))
    chain = Chain(tmp_path, 4 * B)
    chain.write(0, a + b + c + d)
    assert chain.snapshot().data_blocks == 4
    chain.write(B, b1 + c1)
    assert chain.snapshot().data_blocks == 2
    chain.write(B, b2)
    assert chain.snapshot().data_blocks == 1
    chain.write(0, os.urandom(4 * B))
    chain.roll_back(2)
    assert chain.content() == a + b2 + c1 + d
    chain.delete(1)
    assert chain.counts == [(4, 0), (2, 0)]  # C1 is counted on S3 now, B1 is gone
    chain.write(0, os.urandom(4 * B))
    chain.roll_back(1)
    assert chain.content() == a + b2 + c1 + d
    chain.roll_back(0)
    assert chain.content() == a + b + c + d
    chain.check()


@pytest.mark.rule("IN-7")
def test_a_block_zeroed_or_punched_or_cut_off_costs_nothing_later(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 4 * B)
    chain.change(dict.fromkeys(range(4), 1))
    chain.snapshot()
    chain.write_block(0, 2)
    chain.write(B, bytes(B))
    chain.resize(3 * B)
    result = chain.snapshot()
    assert (result.data_blocks, result.empty_blocks) == (1, 2)
    chain.check()


def test_the_last_block_of_an_odd_length_is_filled_with_zeros(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 2 * B + 5)
    chain.write(2 * B, b"tail!")
    assert chain.snapshot().data_blocks == 1
    chain.resize(2 * B + 400)
    assert chain.snapshot().data_blocks == 0
    chain.check()


@contextlib.contextmanager
def opened(image: Path) -> Iterator[Callable[[int, bytes], None]]:
    """Hold an image open for writing, as a mounted disk is, and give a way to write into it."""
    with open(image, "r+b", buffering=0) as file:
        yield lambda offset, content: os.pwrite(file.fileno(), content, offset) and None


@pytest.mark.rule("OV-2", "CR-3")
@pytest.mark.usefixtures("no_clone")
def test_a_write_during_the_capture_makes_it_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain(tmp_path, 400 * B)
    chain.change(dict.fromkeys(range(400), 1))
    reads = 0
    real = SpanReader.read

    with opened(chain.image) as write:

        def read(self: SpanReader, first: int, count: int) -> list[memoryview]:
            nonlocal reads
            reads += 1
            if reads == 5:  # early blocks were read, late ones were not: both change at once
                write(0, pattern(2, B))
                write(399 * B, pattern(2, B))
            return real(self, first, count)

        monkeypatch.setattr(SpanReader, "read", read)
        chain.snapshot()
    assert reads > 13
    assert chain.read(0, 0, B) == chain.read(0, 399 * B, B) == pattern(2, B)
    chain.check()


@pytest.mark.rule("OV-2", "CR-3")
@pytest.mark.usefixtures("no_clone")
def test_who_opens_an_image_for_writing_waits_only_until_the_capture_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain(tmp_path, 400 * B)
    chain.change(dict.fromkeys(range(400), 1))
    real = SpanReader.read
    waited: list[float] = []

    def write() -> None:
        began = time.monotonic()
        chain.change({0: 2, 399: 2})
        waited.append(time.monotonic() - began)

    writer = threading.Thread(target=write)
    reads = 0

    def read(self: SpanReader, first: int, count: int) -> list[memoryview]:
        nonlocal reads
        reads += 1
        if reads == 5:
            writer.start()
            while not fences[0].is_broken():
                time.sleep(0.001)
        return real(self, first, count)

    monkeypatch.setattr(SpanReader, "read", read)
    fences: list[Fence] = []
    lease = Fence.lease
    monkeypatch.setattr(Fence, "lease", lambda self: (fences.append(self), lease(self))[1])
    chain.snapshot()
    writer.join()
    assert reads > 13
    assert waited[0] < 10  # the kernel would let it wait for 45 s
    ends = {chain.read(0, 0, B), chain.read(0, 399 * B, B)}
    assert ends == {pattern(2, B)} or ends == {pattern(1, B)}


@pytest.mark.rule("OV-2")
@pytest.mark.usefixtures("no_clone")
def test_an_image_that_never_stays_still_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain(tmp_path, 40 * B)
    chain.change({1: 1, 30: 1})
    real = SpanReader.read

    with opened(chain.image) as write:

        def read(self: SpanReader, first: int, count: int) -> list[memoryview]:
            write(B, os.urandom(16))
            return real(self, first, count)

        monkeypatch.setattr(SpanReader, "read", read)
        with pytest.raises(ImageBusy, match=rf"disk\.raw.* {TRIES} attempts") as caught:
            chain.snapshot()
    assert "fsfreeze" in caught.value.hint
    assert list(chain.folder.iterdir()) == []


@pytest.mark.rule("OV-2")
def test_a_date_that_is_too_young_is_waited_out_before_it_proves_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File dates tick every few milliseconds: a second write may leave them as they are."""
    chain = Chain(tmp_path, 4 * B)
    chain.change({0: 1})
    if chain.image.stat().st_ctime_ns % 1_000_000_000 == 0:
        pytest.skip("this file system's dates are whole seconds")
    ages_ns = iter([0, 8_000_000, 21_000_000])
    waits: list[float] = []
    monkeypatch.setattr(
        fence,
        "file_system_now_ns",
        lambda *_: chain.image.stat().st_ctime_ns + next(ages_ns),
    )
    monkeypatch.setattr(fence, "sleep", waits.append)
    monkeypatch.setattr(stamps, "clock_gettime_ns", lambda _: chain.image.stat().st_ctime_ns)
    monkeypatch.setattr(stamps, "writes_are_dated", lambda _: True)
    monkeypatch.setattr(fence, "writes_are_dated", lambda _: True)
    chain.snapshot()
    assert len(waits) == 2
    assert MapReader(str(chain.folder), chain.layers[0]).stamp != NO_STAMP


@pytest.mark.rule("OV-2")
@pytest.mark.slow
def test_a_writer_that_never_stops_never_gets_mixed_into_one_snapshot(tmp_path: Path) -> None:
    """The writer puts one number into all blocks in turn: a snapshot may hold two at most."""
    chain = Chain(tmp_path, 64 * B)
    stop = threading.Event()

    def write() -> None:
        turn = 0
        with open(chain.image, "r+b", buffering=0) as file:
            while not stop.is_set():
                turn += 1
                for block in range(64):
                    file.seek(block * B)
                    file.write(turn.to_bytes(8, "big"))
                if turn % 3 == 0:
                    time.sleep(0.06)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        taken = 0
        for _ in range(30):
            try:
                chain.snapshot()
            except ImageBusy:
                continue
            taken += 1
            content = chain.read(len(chain.layers) - 1, 0, 64 * B)
            turns = [int.from_bytes(content[at : at + 8], "big") for at in range(0, 64 * B, B)]
            assert turns == sorted(turns, reverse=True)
            assert turns[0] - turns[-1] <= 1
    finally:
        stop.set()
        thread.join()
    assert taken


def test_an_untouched_image_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain(tmp_path, 30 * B)
    chain.change(dict.fromkeys(range(30), 1))
    chain.snapshot()
    with open(chain.image, "rb") as file:
        if not writes_are_dated(file.fileno()):
            pytest.skip("this file system does not date every write")
    reads = counted_reads(monkeypatch)
    result = chain.snapshot()
    assert reads == []
    assert (result.data_blocks, result.empty_blocks, result.view_blocks) == (0, 0, 30)
    chain.write_block(3, 2)
    assert chain.snapshot().data_blocks == 1
    assert reads
    chain.check()


def test_changes_of_every_kind_are_seen_after_a_capture(tmp_path: Path) -> None:
    """Whatever way a byte changes, with its dates set back too: the next capture has it."""
    chain = Chain(tmp_path, 8 * B)
    chain.change(dict.fromkeys(range(8), 1))

    def mapped() -> None:
        with open(chain.image, "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            memory[5] ^= 255

    def set_back() -> None:
        state = chain.image.stat()
        chain.write(9, os.urandom(4))
        os.utime(chain.image, ns=(state.st_atime_ns, state.st_mtime_ns))

    def replaced() -> None:
        other = chain.image.with_suffix(".new")
        other.write_bytes(os.urandom(chain.image.stat().st_size))
        os.utime(other, ns=(chain.image.stat().st_atime_ns, chain.image.stat().st_mtime_ns))
        other.rename(chain.image)

    ways: list[Callable[[], object]] = [
        mapped,
        set_back,
        replaced,
        lambda: chain.resize(7 * B),
        lambda: chain.write(0, bytes(B)),
    ]
    for way in ways:
        chain.snapshot()
        way()
        result = chain.snapshot()
        assert result.data_blocks + result.empty_blocks > 0, way
    chain.check()


def test_an_image_that_is_mapped_for_writing_gets_no_stamp(tmp_path: Path) -> None:
    """A page that is writable already can change and leave no date."""
    chain = Chain(tmp_path, 4 * B)
    chain.change({0: 1})
    with open(chain.image, "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[3 * B] = 1
        file.close()
        time.sleep(0.05)
        result = chain.snapshot()
        assert MapReader(str(chain.folder), chain.layers[0]).stamp == NO_STAMP
        memory[3 * B] = 2
        assert chain.snapshot().data_blocks == 1
    assert result.data_blocks == 2
    chain.check()


@pytest.mark.parametrize("where", ["append", "finish"])
def test_a_full_disk_is_said_and_neither_file_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    chain = Chain(tmp_path, 40 * B)
    chain.change(dict.fromkeys(range(40), 1))

    def fail(self: PackWriter, *_arguments: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(PackWriter, where, fail)
    with pytest.raises(VolumeError, match=r"No space left") as caught:
        chain.snapshot()
    assert "free space" in caught.value.hint
    assert list(chain.folder.iterdir()) == []


def test_a_capture_over_existing_files_is_refused_and_they_stay(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 4 * B)
    chain.change({0: 1})
    chain.snapshot()
    before = {path.name: path.read_bytes() for path in chain.folder.iterdir()}
    with pytest.raises(VolumeError, match=r"s-1\.pack"):
        capture(chain.image, chain.folder, [], "s-1", 9)
    (chain.folder / "s-1.pack").rename(chain.folder / "kept")
    with pytest.raises(VolumeError, match=r"s-1\.map"):
        capture(chain.image, chain.folder, [], "s-1", 9)
    (chain.folder / "kept").rename(chain.folder / "s-1.pack")
    assert {path.name: path.read_bytes() for path in chain.folder.iterdir()} == before


def test_a_missing_map_below_stops_a_capture(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 4 * B)
    chain.change({0: 1})
    chain.snapshot()
    (chain.folder / "s-1.map").unlink()
    with pytest.raises(DamagedMap, match=r"s-1\.map"):
        chain.snapshot()
    assert [path.name for path in chain.folder.iterdir()] == ["s-1.pack"]


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 100 * B)
    chain.change(dict.fromkeys(range(0, 100, 2), 1))
    seen: list[tuple[int, int]] = []
    capture(chain.image, chain.folder, [], "s-1", 1, lambda done, total: seen.append((done, total)))
    assert len(seen) > 3
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1] > 0


def test_an_image_that_lost_its_length_after_it_was_looked_at_is_refused(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 4 * B)
    chain.change({0: 1})
    for length in (3 * B, 5 * B):
        with pytest.raises(WrongLength, match=rf"{4 * B}.*{length}|{length}.*{4 * B}"):
            capture(chain.image, chain.folder, [], "s-1", 1, length_bytes=length)
    assert list(chain.folder.iterdir()) == []
