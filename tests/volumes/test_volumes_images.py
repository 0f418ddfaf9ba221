"""Disk images: sparse files of full length, read and written within their bounds."""

import subprocess
import sys
from pathlib import Path

import pytest
from volumes_model import B, pattern

from snapcli.volumes import images
from snapcli.volumes.errors import VolumeError

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
