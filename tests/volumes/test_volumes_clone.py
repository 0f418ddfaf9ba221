"""On a file system that clones, a disk that is written to without a pause is captured too."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_file_systems import CLONING, mounted
from volumes_model import B, Chain

from snapcli.volumes.images import copy_image, occupied_bytes
from snapcli.volumes.scan import SpanReader


@pytest.fixture(params=CLONING)
def cloning(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder on a loop-mounted file system of this kind."""
    with mounted(request.param, tmp_path) as mount:
        yield mount


@pytest.mark.rule("OV-2", "CR-3")
def test_a_disk_that_never_stays_still_is_captured_from_a_clone(
    cloning: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain(cloning, 40 * B)
    chain.change(dict.fromkeys(range(40), 1))
    before = chain.content()
    real = SpanReader.read

    with open(chain.image, "r+b", buffering=0) as file:

        def read(self: SpanReader, first: int, count: int) -> list[memoryview]:
            for block in (39, 0):  # after the call began: must not be in the snapshot
                os.pwrite(file.fileno(), os.urandom(B), block * B)
            return real(self, first, count)

        monkeypatch.setattr(SpanReader, "read", read)
        chain.snapshot()
    assert chain.read(0, 0, 40 * B) == before
    assert {path.name for path in chain.folder.iterdir()} == {"s-1.map", "s-1.pack"}


def test_a_copy_shares_its_blocks(cloning: Path) -> None:
    source, target = cloning / "a.raw", cloning / "b.raw"
    with open(source, "wb") as file:
        file.write(os.urandom(100 * B))
        os.fsync(file.fileno())
    free = os.statvfs(cloning).f_bavail * os.statvfs(cloning).f_frsize
    copy_image(source, target, 101 * B)
    assert target.read_bytes() == source.read_bytes() + bytes(B)
    assert occupied_bytes(target) >= 100 * B
    assert free - os.statvfs(cloning).f_bavail * os.statvfs(cloning).f_frsize < 10 * B


def test_the_series_of_a_chain_works_here(cloning: Path) -> None:
    chain = Chain(cloning, 20 * B + 9)
    for seed in (1, 2, 3):
        chain.change({seed: seed, 7: seed, 12: 4 - seed})
        chain.snapshot()
    chain.delete(1)
    chain.change({7: 9, 19: 1})
    chain.roll_back(0)
    assert chain.content() == chain.pictures[0]
    chain.check()
