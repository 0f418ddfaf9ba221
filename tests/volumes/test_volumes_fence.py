"""What a fence promises: nothing was written while it stood, on every kind of file system."""

import contextlib
import os
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_file_systems import MAKERS, mounted
from volumes_model import B

from snapcli.volumes.capture import capture
from snapcli.volumes.errors import ImageBusy
from snapcli.volumes.images import create_image
from snapcli.volumes.layers import Layer
from snapcli.volumes.restore import read_view
from snapcli.volumes.together import together

BLOCKS = 96


@pytest.fixture(params=MAKERS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder on a loop-mounted file system of each kind."""
    with mounted(request.param, tmp_path) as mount:
        yield mount


def new_disk(path: Path) -> Path:
    create_image(path, BLOCKS * B)
    with open(path, "r+b") as file:
        file.write(os.urandom(BLOCKS * B))
    return path


def taken(images: list[Path], folder: Path) -> list[bytes] | None:
    """What one group's members hold, as ecs captures it; None when it was refused."""
    for number in range(len(images)):
        for suffix in ("pack", "map"):
            (folder / f"s-{number}.{suffix}").unlink(missing_ok=True)
    try:
        with together(images, folder) as held:
            captured = [
                capture(source, folder, [], f"s-{number}", number, still=held.still)
                for number, source in enumerate(held.sources)
            ]
            if not held.is_one_instant():
                return None
    except ImageBusy:
        return None
    return [
        b"".join(
            read_view(folder, [Layer(f"s-{n}", each.map_file)], {n: each.pack_file}, 0, BLOCKS * B)
        )
        for n, each in enumerate(captured)
    ]


@contextlib.contextmanager
def counting(mode: str, first: Path, at: int, second: Path, then: int) -> Iterator[None]:
    """Let a program count in two places, in the first one first."""
    program = Path(__file__).with_name("two_counters.py")
    words = [sys.executable, program, mode, first, str(at), second, str(then)]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as writer:
        try:
            yield
        finally:
            assert writer.poll() is None
            assert writer.stdin is not None
            writer.stdin.close()
            writer.wait()


def number_at(content: bytes, offset: int) -> int:
    return int(struct.unpack_from("<Q", content, offset)[0])


LAST = (BLOCKS - 1) * B + 4096


@pytest.mark.slow
@pytest.mark.rule("OV-2")
@pytest.mark.parametrize("mode", ["mapped", "flushed", "written"])
@pytest.mark.parametrize(("first_at", "then_at"), [(8, LAST), (LAST, 8)])
def test_of_two_counters_on_a_disk_the_second_is_never_ahead(
    place: Path, mode: str, first_at: int, then_at: int
) -> None:
    folder = place / "chain"
    folder.mkdir()
    image = new_disk(place / "disk.raw")
    outcomes: Counter[str] = Counter()
    for at in (first_at, then_at):
        with open(image, "r+b") as file:
            os.pwrite(file.fileno(), bytes(8), at)
    with counting(mode, image, first_at, image, then_at):
        for _ in range(40):
            for suffix in ("pack", "map"):
                (folder / f"s-1.{suffix}").unlink(missing_ok=True)
            try:
                got = capture(image, folder, [], "s-1", 1)
            except ImageBusy:
                outcomes["refused"] += 1
                continue
            view = [Layer("s-1", got.map_file)]
            content = b"".join(read_view(folder, view, {1: got.pack_file}, 0, BLOCKS * B))
            one, two = number_at(content, first_at), number_at(content, then_at)
            assert one - two in (0, 1), (one, two)
            outcomes["whole"] += 1
    assert outcomes["whole"] >= 5, outcomes


@pytest.mark.slow
@pytest.mark.rule("OV-2", "GR-3")
@pytest.mark.parametrize("mode", ["mapped", "flushed", "written"])
@pytest.mark.parametrize("backwards", [False, True])
def test_of_two_counters_on_two_disks_the_second_is_never_ahead(
    place: Path, mode: str, backwards: bool
) -> None:
    folder = place / "chain"
    folder.mkdir()
    images = [new_disk(place / f"disk-{number}.raw") for number in (1, 2)]
    for image in images:
        with open(image, "r+b") as file:
            os.pwrite(file.fileno(), bytes(8), 8)
    first, second = reversed(images) if backwards else images
    outcomes: Counter[str] = Counter()
    with counting(mode, first, 8, second, 8):
        for _ in range(40):
            contents = taken(images, folder)
            if contents is None:
                outcomes["refused"] += 1
                continue
            contents = contents[::-1] if backwards else contents
            one, two = (number_at(content, 8) for content in contents)
            assert one - two in (0, 1), (one, two)
            outcomes["whole"] += 1
    assert outcomes["whole"] >= 5, outcomes
