"""Disk images: sparse files of full length, read and written within their bounds."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from volumes_model import B, pattern

from snapcli.volumes import images
from snapcli.volumes.errors import NotADisk, VolumeError, WrongLength

GIB = 1 << 30


def test_a_new_image_has_its_full_length_and_occupies_nothing(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    images.create_image(path, 40 * GIB)
    assert images.image_length_bytes(path) == 40 * GIB
    assert images.occupied_bytes(path) == 0
    with pytest.raises(VolumeError, match=r"disk\.raw"):
        images.create_image(path, GIB)
    assert images.image_length_bytes(path) == 40 * GIB


def test_bytes_written_are_read_back_and_the_rest_is_zeros(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    images.create_image(path, 10 * B)
    assert images.write_image(path, 1000, [b"a" * 3000, b"b" * 10]) == 3010
    assert b"".join(images.read_image(path, 0, 5000)) == (
        bytes(1000) + b"a" * 3000 + b"b" * 10 + bytes(990)
    )
    assert b"".join(images.read_image(path, 10 * B - 5, 100)) == bytes(5)


def test_a_write_past_the_end_is_refused_and_the_length_stays(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    images.create_image(path, 1000)
    with pytest.raises(VolumeError, match="pass the end") as caught:
        images.write_image(path, 990, [b"x" * 10, b"y"])
    assert caught.value.hint
    assert path.read_bytes() == bytes(990) + b"x" * 10
    with pytest.raises(VolumeError, match="pass the end"):
        images.write_image(path, -1, [b"y"])
    assert path.stat().st_size == 1000


def test_resizing_cuts_or_adds_zeros(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    images.create_image(path, 100)
    images.write_image(path, 0, [b"x" * 100])
    images.resize_image(path, 50)
    images.resize_image(path, 80)
    assert path.read_bytes() == b"x" * 50 + bytes(30)


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    for call in (images.image_length_bytes, images.occupied_bytes):
        with pytest.raises(VolumeError, match=r"gone\.raw"):
            call(tmp_path / "gone.raw")


@pytest.mark.parametrize("length", [3 * B - 17, 3 * B, 5 * B + 1])
def test_a_copy_has_the_same_bytes_and_stays_sparse(tmp_path: Path, length: int) -> None:
    source, target = tmp_path / "a.raw", tmp_path / "b.raw"
    content = pattern(1, B) + bytes(B) + pattern(2, B)
    source.write_bytes(content)
    seen: list[tuple[int, int]] = []
    images.copy_image(source, target, length, lambda done, total: seen.append((done, total)))
    assert target.read_bytes() == content[:length].ljust(length, b"\0")
    assert images.occupied_bytes(target) <= 2 * B
    assert seen[-1][0] == seen[-1][1]
    with pytest.raises(VolumeError):
        images.copy_image(source, target, length)
    assert target.exists()
    with pytest.raises(VolumeError):
        images.copy_image(tmp_path / "gone", tmp_path / "c.raw", length)
    assert not (tmp_path / "c.raw").exists()


def test_light_modules_import_no_block_code() -> None:
    light = "snapcli.volumes.images, snapcli.volumes.layers, snapcli.volumes.errors"
    code = (
        f"import sys; import {light}; "
        "print([m for m in ('blake3', 'zstandard', 'ctypes', 'threading', 'subprocess', "
        "'dataclasses', 'json', 'logging') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True,
                          env={"PYTHONPATH": ":".join(sys.path)}, check=True)  # fmt: skip
    assert done.stdout.strip() == "[]"


def linked(tmp_path: Path, content: bytes = b"x" * 100) -> tuple[Path, Path]:
    path, other = tmp_path / "disk.raw", tmp_path / "other.raw"
    path.write_bytes(content)
    path.chmod(0o640)
    os.link(path, other)
    return path, other


CHANGES: dict[str, Callable[[Path], object]] = {
    "write_image": lambda path: images.write_image(path, 10, [b"y"]),
    "resize_image": lambda path: images.resize_image(path, 50),
    "emptied": lambda path: images.resize_image(path, 0),
    "open_to_change": lambda path: os.close(images.open_to_change(path)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_image_with_two_names_is_broken_off_before_it_is_changed(
    tmp_path: Path, name: str
) -> None:
    path, other = linked(tmp_path)
    link = tmp_path / "link.raw"
    link.symlink_to(path)
    CHANGES[name](link)
    assert other.read_bytes() == b"x" * 100
    assert not path.samefile(other) and link.is_symlink() and path.samefile(link)
    assert path.stat().st_mode & 0o7777 == 0o640
    expected = {
        "write_image": b"x" * 10 + b"y" + b"x" * 89,
        "resize_image": b"x" * 50,
        "emptied": b"",
        "open_to_change": b"x" * 100,
    }
    assert path.read_bytes() == expected[name]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["disk.raw", "link.raw", "other.raw"]


def test_looking_at_an_image_or_checking_a_resize_breaks_nothing_off(tmp_path: Path) -> None:
    path, other = linked(tmp_path)
    images.check_resize(path, 1000)
    images.image_length_bytes(path)
    assert path.samefile(other)


def test_breaking_off_keeps_the_holes(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    images.create_image(path, 4 * GIB)
    images.write_image(path, 2 * GIB, [pattern(1, B)])
    os.link(path, tmp_path / "other.raw")
    assert images.break_off(path)
    assert not images.break_off(path)
    assert images.image_length_bytes(path) == 4 * GIB and images.occupied_bytes(path) <= 2 * B
    assert b"".join(images.read_image(path, 2 * GIB, B)) == pattern(1, B)


def test_two_that_break_an_image_off_at_once_lose_no_write(tmp_path: Path) -> None:
    for round_ in range(20):
        folder = tmp_path / str(round_)
        folder.mkdir()
        path, other = linked(folder, bytes(4 * B))
        with ThreadPoolExecutor(4) as pool:
            for number in range(4):
                letter = bytes([number + 1])
                pool.submit(images.write_image, path, number * B, [letter * B])
        assert path.read_bytes() == b"".join(bytes([n + 1]) * B for n in range(4))
        assert other.read_bytes() == bytes(4 * B)


@pytest.mark.parametrize("broken", ["copy_image", "sync"])
def test_a_break_off_that_fails_leaves_the_image_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path, other = linked(tmp_path)

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    if broken == "copy_image":
        monkeypatch.setattr(images, "write_all", fail)
        monkeypatch.setattr("snapcli.volumes.syscalls.clone", lambda source, target: False)
    else:
        monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(VolumeError, match="No space left") as caught:
        images.write_image(path, 0, [b"y"])
    assert "free space" in caught.value.hint
    assert path.samefile(other) and path.read_bytes() == b"x" * 100
    assert sorted(each.name for each in tmp_path.iterdir()) == ["disk.raw", "other.raw"]


def test_what_is_no_regular_file_or_block_device_is_refused_without_waiting(
    tmp_path: Path,
) -> None:
    fifo, zeros = tmp_path / "fifo", tmp_path / "zeros"
    os.mkfifo(fifo)
    zeros.symlink_to("/dev/zero")
    for path, kind in ((fifo, "a FIFO"), (zeros, "a character device"), (tmp_path, "a folder")):
        for call in (images.open_image, images.open_to_change, images.image_length_bytes):
            with pytest.raises(NotADisk, match=kind) as caught:
                call(path)
            assert caught.value.kind == kind and caught.value.path == str(path)


def test_a_length_that_is_not_the_disks_is_refused_with_what_mends_it(tmp_path: Path) -> None:
    path = tmp_path / "the disk.raw"
    images.create_image(path, 1000)
    images.require_image(path, 1000)
    images.require_image(path, GIB, any_length=True)
    with pytest.raises(
        WrongLength, match=r"has 1000 bytes; its disk has 1073741824 \(1 GiB\)"
    ) as low:
        images.require_image(path, GIB)
    assert f"truncate -s {GIB} '{path}'" in str(low.value) and "zeros" in str(low.value)
    with pytest.raises(WrongLength, match="cuts off what lies past the end"):
        images.require_image(path, 999)
    with pytest.raises(VolumeError, match=r"gone\.raw"):
        images.require_image(tmp_path / "gone.raw", 999)
