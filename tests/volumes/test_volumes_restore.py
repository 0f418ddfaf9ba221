"""A rollback gives the bytes back, writes only what differs, and can be repeated."""

import os
from pathlib import Path

import pytest
from volumes_model import B, Chain, pattern

from snapcli.volumes import restore as module
from snapcli.volumes.errors import DamagedBlock, DamagedMap, VolumeError
from snapcli.volumes.images import occupied_bytes
from snapcli.volumes.restore import apply_plan, plan_restore, restore, verify_plan


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    """Two snapshots of a disk with an odd length; the image has changed since."""
    chain = Chain(tmp_path, 60 * B + 1234)
    chain.change(dict.fromkeys(range(10, 61), 1))
    chain.snapshot()
    chain.change({10: 2, 30: 0, 60: 3, 0: 4})
    chain.snapshot()
    chain.change({10: 5, 11: 5, 30: 5, 0: 0, 60: 5, 3: 9})
    return chain


@pytest.mark.rule("RB-2")
@pytest.mark.parametrize("node", [0, 1])
def test_a_rollback_gives_back_every_byte(chain: Chain, node: int) -> None:
    chain.roll_back(node)
    assert chain.content() == chain.pictures[node]


@pytest.mark.rule("RB-2")
def test_only_blocks_that_differ_are_written(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_restore(chain.image, chain.folder, chain.layers, chain.packs, 60 * B + 1234)
    assert (plan.data_blocks, plan.empty_blocks) == (4, 2)
    verify_plan(plan)
    written: list[int] = []
    real = os.pwritev
    monkeypatch.setattr(
        os, "pwritev", lambda fd, blocks, at: (written.append(at // B), real(fd, blocks, at))[1]
    )
    apply_plan(plan)
    assert sorted(written) == [0, 10]  # runs 0 and 10..11; 60 is cut by the end of the disk
    assert chain.content() == chain.pictures[1]
    again = plan_restore(chain.image, chain.folder, chain.layers, chain.packs, 60 * B + 1234)
    assert (again.data_blocks, again.empty_blocks) == (0, 0)


@pytest.mark.rule("RB-5")
@pytest.mark.parametrize("length", [5 * B, 60 * B + 1, 61 * B, 90 * B + 7])
def test_the_size_goes_back_too(chain: Chain, length: int) -> None:
    chain.resize(length)
    if length > 70 * B:
        chain.write_block(80, 3)
    chain.roll_back(0)
    assert chain.content() == chain.pictures[0]


def test_blocks_that_are_empty_become_holes(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 40 * B)
    chain.snapshot()
    chain.change(dict.fromkeys(range(40), 1))
    chain.roll_back(0)
    assert occupied_bytes(chain.image) == 0
    assert chain.content() == bytes(40 * B)


def test_without_holes_zeros_are_written(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "punch_hole", lambda fd, offset, length: False)
    chain.roll_back(0)
    assert chain.content() == chain.pictures[0]


@pytest.mark.rule("RB-9")
@pytest.mark.parametrize("after", range(5))
def test_a_rollback_cut_short_is_finished_by_the_next(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    chain.resize(70 * B)
    chain.change(dict.fromkeys(range(12, 60, 3), 7))
    left = after
    real = module._Filler.write

    def write(self: module._Filler, first: int, blocks: list[bytes]) -> None:
        nonlocal left
        if left == 0:
            real(self, first, [blocks[0][: B // 2] + bytes(B - B // 2)])  # half a block
            raise KeyboardInterrupt
        left -= 1
        real(self, first, blocks)

    length = len(chain.pictures[0])
    arguments = (chain.image, chain.folder, chain.layers[:1], chain.packs, length)
    with monkeypatch.context() as patch:
        patch.setattr(module._Filler, "write", write)
        with pytest.raises(KeyboardInterrupt):
            restore(*arguments)
    assert chain.content() != chain.pictures[0]
    restore(*arguments)
    assert chain.content() == chain.pictures[0]


@pytest.mark.rule("RB-9")
def test_a_damaged_block_is_found_before_anything_is_changed(chain: Chain) -> None:
    pack = chain.folder / "s-1.pack"
    content = bytearray(pack.read_bytes())
    content[40] ^= 1
    pack.write_bytes(content)
    before = chain.content()
    plan = plan_restore(
        chain.image, chain.folder, chain.layers[:1], chain.packs, len(chain.pictures[0])
    )
    with pytest.raises(DamagedBlock, match=r"block 10 of snapshot s-1 .*s-1\.pack") as caught:
        verify_plan(plan)
    assert (caught.value.snapshot_id, caught.value.block) == ("s-1", 10)
    assert chain.content() == before


@pytest.mark.rule("OV-3")
def test_new_disks_are_sparse_and_identical_and_may_be_longer(chain: Chain, tmp_path: Path) -> None:
    for node in (0, 1):
        picture = chain.pictures[node]
        for extra in (0, 3 * B + 1):
            target = tmp_path / f"new-{node}-{extra}.raw"
            chain.new_disk(node, target, len(picture) + extra)
            assert target.read_bytes() == picture + bytes(extra)
            assert occupied_bytes(target) <= 52 * B


def test_a_new_disk_that_fails_leaves_no_file(chain: Chain, tmp_path: Path) -> None:
    target = tmp_path / "new.raw"
    target.write_bytes(b"mine")
    with pytest.raises(VolumeError, match=r"new\.raw"):
        chain.new_disk(0, target, B)
    assert target.read_bytes() == b"mine"
    target.unlink()
    (chain.folder / "s-1.pack").unlink()
    with pytest.raises(DamagedBlock, match=r"s-1\.pack"):
        chain.new_disk(0, target, len(chain.pictures[0]))
    assert not target.exists()
    (chain.folder / "s-1.map").unlink()
    with pytest.raises(DamagedMap):
        chain.new_disk(0, target, len(chain.pictures[0]))
    assert not target.exists()


def test_any_range_of_a_view_can_be_read(chain: Chain) -> None:
    picture = chain.pictures[1]
    for offset, length in [(0, 1), (10 * B - 7, 20), (29 * B, 3 * B), (60 * B + 1000, 234)]:
        assert chain.read(1, offset, length) == picture[offset : offset + length]
    assert chain.read(1, len(picture), 10) == bytes(10)


def test_progress_reaches_its_total(chain: Chain, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    module.write_new(
        tmp_path / "p.raw",
        chain.folder,
        chain.layers,
        chain.packs,
        len(chain.pictures[1]),
        lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (51 * B, 51 * B)


def test_content_of_every_kind_survives(tmp_path: Path) -> None:
    """Noise is stored plain, text compressed; both come back."""
    chain = Chain(tmp_path, 20 * B)
    chain.write(0, os.urandom(5 * B))
    chain.write(7 * B, b"the same line again and again\n" * 9000)
    chain.write(16 * B, pattern(3, 4 * B))
    chain.snapshot()
    chain.check()
