"""qcow2: what is written other programs read, what is read may come from anyone."""

import os
import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from snapcli.volumes.capture import capture
from snapcli.volumes.layers import Layer
from snapcli.volumes.qcow2 import (
    UnreadableImage,
    extract_qcow2,
    qcow2_length_bytes,
    write_qcow2,
)
from snapcli.volumes.restore import write_new

QEMU_IMG = shutil.which("qemu-img")
needs_qemu_img = pytest.mark.skipif(QEMU_IMG is None, reason="qemu-img is not installed")
MIB = 1 << 20
LENGTH = 1100 * MIB  # more than two tables


def qemu_img(*words: object) -> str:
    assert QEMU_IMG is not None
    done = subprocess.run([QEMU_IMG, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def raw_image(path: Path, length_bytes: int = LENGTH) -> Path:
    """Make a sparse image with data at the ends, across table borders, and here and there."""
    chance = random.Random(5)
    with path.open("wb") as image:
        image.truncate(length_bytes)
        offsets = (0, 512 * MIB - 65536 * 3, MIB + 1000, 700 * MIB, length_bytes - 5000)
        for offset in offsets:
            if offset < length_bytes:
                image.seek(offset)
                image.write(chance.randbytes(min(400_000, length_bytes - offset)))
        image.seek(2 * MIB)
        image.write(b"much of the same " * 50_000)  # which can be compressed
    return path


def captured(tmp_path: Path, image: Path) -> tuple[Path, list[Layer], dict[int, str]]:
    folder = tmp_path / "chain"
    folder.mkdir()
    found = capture(image, folder, [], "s-1", 1, sync=False)
    return folder, [Layer(snapshot_id="s-1", map_file=found.map_file)], {1: found.pack_file}


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, Path]:
    """A raw image, and a qcow2 file of its snapshot."""
    raw = raw_image(tmp_path / "disk.raw")
    folder, layers, packs = captured(tmp_path, raw)
    target = tmp_path / "disk.qcow2"
    write_qcow2(target, folder, layers, packs, LENGTH)
    return raw, target


def same(one: Path, other: Path) -> bool:
    """Compare two files; where both have a hole nothing needs to be read."""
    with one.open("rb") as a, other.open("rb") as b:
        at, end = 0, os.fstat(a.fileno()).st_size
        if end != os.fstat(b.fileno()).st_size:
            return False
        while at < end:
            at = min(_data_from(a.fileno(), at, end), _data_from(b.fileno(), at, end))
            if os.pread(a.fileno(), MIB, at) != os.pread(b.fileno(), MIB, at):
                return False
            at += MIB
        return True


def _data_from(fd: int, at: int, end: int) -> int:
    """Return where the next data begin at or after `at`, `end` when there are none."""
    try:
        return os.lseek(fd, at, os.SEEK_DATA)
    except OSError:
        return end


@needs_qemu_img
def test_qemu_img_finds_the_same_bytes_and_no_fault(written: tuple[Path, Path]) -> None:
    raw, target = written
    assert "No errors were found" in qemu_img("check", target)
    assert "identical" in qemu_img("compare", "-f", "raw", "-F", "qcow2", raw, target)


def test_what_is_written_is_read_back_and_stays_sparse(
    written: tuple[Path, Path], tmp_path: Path
) -> None:
    raw, target = written
    assert qcow2_length_bytes(target) == LENGTH
    assert target.stat().st_size < 5 * MIB
    back = tmp_path / "back.raw"
    extract_qcow2(target, back, LENGTH)
    assert same(raw, back)
    assert back.stat().st_blocks * 512 < 5 * MIB


def test_an_empty_disk_is_a_small_file(tmp_path: Path) -> None:
    target = tmp_path / "empty.qcow2"
    write_qcow2(target, tmp_path, [], {}, 3 * LENGTH)
    assert target.stat().st_size < MIB
    extract_qcow2(target, tmp_path / "back", 3 * LENGTH)
    assert (tmp_path / "back").stat().st_blocks == 0
    if QEMU_IMG is not None:
        assert "No errors" in qemu_img("check", target)


@needs_qemu_img
@pytest.mark.parametrize(
    "options",
    [
        ("-o", "compat=0.10"),
        ("-o", "cluster_size=512"),
        ("-o", "cluster_size=2M"),
        ("-c",),
        ("-c", "-o", "compression_type=zstd"),
        ("-c", "-o", "cluster_size=4096"),
        ("-o", "lazy_refcounts=on"),
    ],
    ids=" ".join,
)
def test_what_qemu_img_writes_is_read(tmp_path: Path, options: tuple[str, ...]) -> None:
    raw = raw_image(tmp_path / "disk.raw", 40 * MIB + 1536)
    source = tmp_path / "disk.qcow2"
    qemu_img("convert", "-f", "raw", "-O", "qcow2", *options, raw, source)
    back = tmp_path / "back.raw"
    extract_qcow2(source, back, raw.stat().st_size)
    assert same(raw, back)


@needs_qemu_img
def test_a_longer_target_ends_in_zeros(tmp_path: Path) -> None:
    raw = raw_image(tmp_path / "disk.raw", 3 * MIB + 512)
    source = tmp_path / "disk.qcow2"
    qemu_img("convert", "-f", "raw", "-O", "qcow2", raw, source)
    back = tmp_path / "back.raw"
    extract_qcow2(source, back, 8 * MIB)
    content = back.read_bytes()
    assert content[: raw.stat().st_size] == raw.read_bytes()
    assert not any(content[raw.stat().st_size :])


def spoiled(source: Path, target: Path, *changes: tuple[int, bytes]) -> Path:
    content = bytearray(source.read_bytes())
    for offset, new in changes:
        content[offset : offset + len(new)] = new
    target.write_bytes(content)
    return target


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([(0, b"QFJ")], "no qcow2 header"),
        ([(4, struct.pack(">I", 1))], "version is 1"),
        ([(8, struct.pack(">Q", 65536))], "backing file"),
        ([(20, struct.pack(">I", 40))], "out of range"),
        ([(32, struct.pack(">I", 1))], "encrypted"),
        ([(24, struct.pack(">Q", 1 << 60))], "does not fit"),
        ([(36, struct.pack(">I", 1))], "does not fit"),
        ([(40, struct.pack(">Q", 1 << 50))], "outside the file"),
        ([(72, struct.pack(">Q", 2))], "corrupt"),
        ([(72, struct.pack(">Q", 4))], "another file"),
        ([(72, struct.pack(">Q", 16))], "subclusters"),
        ([(72, struct.pack(">Q", 1 << 40))], "not known"),
        ([(65536, struct.pack(">Q", 1 << 45))], "outside the file"),
        ([(65536, struct.pack(">Q", 65536 + 512))], "overlap"),
    ],
)
def test_a_hostile_file_is_refused_and_leaves_nothing(
    written: tuple[Path, Path], tmp_path: Path, changes: list[tuple[int, bytes]], why: str
) -> None:
    bad = spoiled(written[1], tmp_path / "bad.qcow2", *changes)
    with pytest.raises(UnreadableImage, match=why):
        extract_qcow2(bad, tmp_path / "back.raw", LENGTH)
    assert not (tmp_path / "back.raw").exists()


def test_a_file_that_names_one_cluster_for_all_is_refused(
    written: tuple[Path, Path], tmp_path: Path
) -> None:
    data = struct.pack(">Q", 131072 | 1 << 63) * 8192
    [l2] = struct.unpack(">Q", written[1].read_bytes()[65536:65544])
    bad = spoiled(written[1], tmp_path / "bad.qcow2", (l2 & ~(1 << 63), data))
    with pytest.raises(UnreadableImage, match="overlap"):
        extract_qcow2(bad, tmp_path / "back.raw", LENGTH)


@pytest.mark.parametrize("length", [0, 3, 71, 104, 65536, 65540, 140_000])
def test_a_file_cut_short_anywhere_is_refused(
    written: tuple[Path, Path], tmp_path: Path, length: int
) -> None:
    bad = tmp_path / "bad.qcow2"
    bad.write_bytes(written[1].read_bytes()[:length])
    with pytest.raises(UnreadableImage):
        extract_qcow2(bad, tmp_path / "back.raw", LENGTH)


def test_damage_anywhere_is_read_or_refused_but_never_crashes(
    written: tuple[Path, Path], tmp_path: Path
) -> None:
    chance = random.Random(11)
    for number in range(60):
        changes = [(chance.randrange(140_000), chance.randbytes(8)) for _ in range(3)]
        bad = spoiled(written[1], tmp_path / f"bad{number}.qcow2", *changes)
        back = tmp_path / "back.raw"
        try:
            extract_qcow2(bad, back, LENGTH)
            back.unlink()
        except UnreadableImage:
            assert not back.exists()
        bad.unlink()


def test_a_view_is_written_raw_and_qcow2_alike(tmp_path: Path) -> None:
    raw = raw_image(tmp_path / "disk.raw")
    folder, layers, packs = captured(tmp_path, raw)
    write_new(tmp_path / "one.raw", folder, layers, packs, LENGTH, sync=False)
    write_qcow2(tmp_path / "two.qcow2", folder, layers, packs, LENGTH)
    extract_qcow2(tmp_path / "two.qcow2", tmp_path / "two.raw", LENGTH)
    assert same(tmp_path / "one.raw", tmp_path / "two.raw")
    assert os.listdir(folder) != []
