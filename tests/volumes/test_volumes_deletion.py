"""Deleting a node frees what nobody needs and hands over the rest, without copying data."""

import contextlib
import os
import random
from pathlib import Path

import pytest
from volumes_model import B, Chain

from snapcli.volumes import deletion, freeing
from snapcli.volumes.deletion import compact, hand_over, hand_over_all, trim
from snapcli.volumes.errors import DamagedMap, VolumeError
from snapcli.volumes.layers import Layer


def noise(chain: Chain, first: int, count: int) -> None:
    """Blocks that do not compress, so that what they occupy is plain to see."""
    chain.write(first * B, os.urandom(count * B))


@pytest.mark.rule("IN-6")
def test_space_of_a_deleted_node_returns_to_the_file_system(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 96 * B)
    noise(chain, 0, 96)
    chain.snapshot()
    noise(chain, 10, 60)
    chain.snapshot()
    noise(chain, 20, 40)
    chain.snapshot()
    before = chain.stored_bytes()
    assert before >= 196 * B
    result = chain.delete(1)
    assert result is not None
    assert before - chain.stored_bytes() >= 39 * B  # 40 blocks that S3 overrode
    assert result.freed_bytes >= 39 * B
    before = chain.stored_bytes()
    chain.delete(0)
    assert before - chain.stored_bytes() >= 59 * B
    chain.check()
    chain.delete(0)
    assert list(chain.folder.iterdir()) == []


@pytest.mark.rule("IN-6")
def test_the_newest_node_goes_whole(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 8 * B)
    noise(chain, 0, 8)
    chain.snapshot()
    noise(chain, 0, 3)
    chain.snapshot()
    result = chain.delete(1)
    assert result is not None
    assert result.removed_files == ("s-2.map", "s-2.pack")
    assert result.dead_packs == (2,)
    chain.check()


@pytest.mark.rule("IN-4")
def test_a_block_that_is_below_already_is_not_kept_twice(tmp_path: Path) -> None:
    """X, then Y, then X again: without Y's node the second X is the first one."""
    chain = Chain(tmp_path, 2 * B)
    chain.change({0: 1, 1: 1})
    chain.snapshot()
    chain.change({0: 2, 1: 0})
    chain.snapshot()
    chain.change({0: 1, 1: 1})
    chain.snapshot()
    chain.delete(1)
    assert chain.counts == [(2, 0), (0, 0)]
    chain.check()


def test_without_the_layers_below_the_bytes_are_right_all_the_same(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 2 * B)
    for contents in ({0: 1, 1: 1}, {0: 2, 1: 0}, {0: 1, 1: 1}):
        chain.change(contents)
        chain.snapshot()
    result = hand_over(chain.folder, chain.layers[1], chain.layers[2], False, 7)
    assert (result.map_file, result.data_blocks) == ("s-3.7.map", 2)
    chain.layers[1:] = [Layer("s-3", "s-3.7.map")]
    chain.trim()
    assert chain.read(1, 0, 2 * B) == chain.pictures[2]


@pytest.mark.rule("IN-4", "IN-6")
@pytest.mark.parametrize("seed", range(12))
def test_nodes_that_go_at_once_leave_the_map_that_they_leave_one_by_one(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    chain = Chain(tmp_path, 12 * B)
    for _ in range(9):
        chain.change({chance.randrange(12): chance.randrange(3) for _ in range(5)})
        chain.snapshot()
    first = chance.randrange(4)
    last = chance.randrange(first, 8)
    at_once = hand_over_all(
        chain.folder,
        chain.layers[first : last + 1],
        chain.layers[last + 1],
        first == 0,
        99,
        below=chain.layers[:first],
    )
    assert at_once.map_file is not None
    written = (chain.folder / at_once.map_file).read_bytes()
    for _ in range(first, last + 1):
        chain.delete(first, free=False)
    assert (at_once.data_blocks, at_once.empty_blocks) == chain.counts[first]
    assert written == (chain.folder / chain.layers[first].map_file).read_bytes()
    (chain.folder / at_once.map_file).unlink()
    chain.trim()
    chain.check()


def test_a_live_nodes_own_pack_stays_even_without_a_live_block(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 4 * B)
    chain.change({0: 1})
    chain.snapshot()
    chain.change({0: 2})
    chain.snapshot()
    chain.change({0: 1})
    chain.snapshot()
    chain.delete(1)
    assert chain.counts[1] == (0, 0)
    assert (chain.folder / "s-3.pack").stat().st_size == 16
    assert 3 in chain.packs
    chain.check()


def test_trim_repeated_frees_nothing_more(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 40 * B)
    noise(chain, 0, 40)
    chain.snapshot()
    noise(chain, 5, 9)
    chain.snapshot()
    chain.delete(0)
    again = chain.trim()
    assert (again.freed_bytes, again.removed_files, again.dead_packs) == (0, (), ())
    chain.check()


@pytest.mark.rule("IN-6")
@pytest.mark.parametrize("calls", range(4))
def test_a_trim_cut_short_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    chain = Chain(tmp_path, 40 * B)
    noise(chain, 0, 40)
    chain.snapshot()
    for first in (3, 13, 23):
        noise(chain, first, 5)
    chain.snapshot()
    real = freeing.punch_hole
    left = calls

    def punch(fd: int, offset: int, length: int) -> bool:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        return real(fd, offset, length)

    with monkeypatch.context() as patch:
        patch.setattr(freeing, "punch_hole", punch)
        with contextlib.suppress(KeyboardInterrupt):
            chain.delete(0)
    chain.trim()
    assert chain.stored_bytes() <= 45 * B
    chain.check()


def test_a_pack_that_the_caller_forgot_stops_the_trim(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 4 * B)
    chain.change({0: 1})
    chain.snapshot()
    before = chain.stored_bytes()
    with pytest.raises(VolumeError, match="pack 1"):
        trim(chain.folder, ["s-1.map"], {})
    assert chain.stored_bytes() == before
    (chain.folder / "s-1.map").write_bytes(b"junk")
    with pytest.raises(DamagedMap):
        trim(chain.folder, ["s-1.map"], chain.packs)
    assert (chain.folder / "s-1.pack").exists()


def test_a_failed_hand_over_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = Chain(tmp_path, 4 * B)
    for seed in (1, 2):
        chain.change({0: seed})
        chain.snapshot()

    def fail(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(deletion.MapWriter, "finish", fail)
    with pytest.raises(VolumeError, match="No space left"):
        hand_over(chain.folder, chain.layers[0], chain.layers[1], True, 1)
    assert not (chain.folder / "s-2.1.map").exists()


@pytest.mark.rule("IN-6")
def test_where_holes_are_impossible_rewriting_a_pack_returns_the_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freeing, "punch_hole", lambda fd, offset, length: False)
    chain = Chain(tmp_path, 40 * B)
    noise(chain, 0, 40)
    chain.snapshot()
    noise(chain, 5, 30)
    chain.snapshot()
    result = chain.delete(0)
    assert result is not None
    assert result.wasteful_packs == (1,)
    made = compact(chain.folder, chain.layers[0], chain.packs, result.wasteful_packs, 9, 5)
    assert made is not None
    assert (made.pack_file, made.map_file) == ("s-2.5.pack", "s-2.5.map")
    chain.layers[0] = Layer("s-2", made.map_file)
    chain.packs[9] = made.pack_file
    result = chain.trim()
    assert result.wasteful_packs == ()
    assert chain.packs == {2: "s-2.pack", 9: "s-2.5.pack"}
    assert chain.stored_bytes() <= 41 * B
    chain.check()
    assert compact(chain.folder, chain.layers[0], chain.packs, [1], 10, 6) is None
