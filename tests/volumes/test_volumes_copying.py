"""Copying a view of one chain onto another: exact whatever came before, never damaged."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from volumes_model import B, Chain

from snapcli.volumes import copying
from snapcli.volumes.errors import DamagedBlock, DamagedMap
from snapcli.volumes.layout import DIGEST_BYTES, NO_STAMP, PACK_HEADER, RECORD_BYTES
from snapcli.volumes.maps import MapReader
from snapcli.volumes.views import WINDOW_BLOCKS


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapcli.volumes.fence.Fence.stamp", lambda *_: bytes(32))


def two(root: Path, length_bytes: int = 8 * B) -> tuple[Chain, Chain]:
    """A chain with a disk, and an empty one elsewhere."""
    for name in ("here", "there"):
        (root / name).mkdir()
    return Chain(root / "here", length_bytes, sync=False), Chain(root / "there", B, sync=False)


@pytest.mark.rule("CP-3")
def test_the_first_copy_is_full_and_later_ones_hold_what_differs(tmp_path: Path) -> None:
    source, copies = two(tmp_path)
    source.change({0: 1, 1: 2, 5: 3})
    source.snapshot()
    source.change({1: 0, 2: 9})
    source.snapshot()
    first = copies.copy(source, 0)
    assert (first.data_blocks, first.empty_blocks, first.view_blocks) == (3, 0, 3)
    second = copies.copy(source, 1)
    assert (second.data_blocks, second.empty_blocks, second.view_blocks) == (1, 1, 3)
    back = copies.copy(source, 0)  # an older one after a newer one
    assert (back.data_blocks, back.empty_blocks) == (1, 1)
    copies.check()


@pytest.mark.rule("CP-3")
def test_the_same_view_again_stores_nothing(tmp_path: Path) -> None:
    source, copies = two(tmp_path)
    source.change({0: 1, 7: 2})
    source.snapshot()
    copies.copy(source, 0)
    again = copies.copy(source, 0)
    assert (again.data_blocks, again.empty_blocks) == (0, 0)
    assert again.stored_bytes == PACK_HEADER.size
    copies.check()


def test_stored_blocks_go_over_as_they_are(tmp_path: Path) -> None:
    source, copies = two(tmp_path)
    source.change({0: 1, 3: 5})
    source.write(6 * B, os.urandom(B))
    source.snapshot()
    copies.copy(source, 0)
    there = copies.folder / "s-1.pack"
    assert there.read_bytes() == (source.folder / "s-1.pack").read_bytes()
    assert MapReader(str(copies.folder), copies.layers[0]).stamp == NO_STAMP


def test_a_copy_of_nothing_is_an_empty_snapshot(tmp_path: Path) -> None:
    source, copies = two(tmp_path)
    source.snapshot()
    copies.copy(source, 0)
    copies.check()
    nothing = copying.copy_view(
        source.folder, [], {}, copies.folder, copies.layers, "s-2", 2, sync=False
    )
    assert (nothing.data_blocks, nothing.empty_blocks, nothing.view_blocks) == (0, 0, 0)


def test_a_disk_with_several_windows_is_copied(tmp_path: Path) -> None:
    source, copies = two(tmp_path, (2 * WINDOW_BLOCKS + 3) * B)
    for block in (0, WINDOW_BLOCKS - 1, WINDOW_BLOCKS, 2 * WINDOW_BLOCKS + 2):
        source.write_block(block, block + 1)
    source.pictures = [b""]  # too long to keep
    progress: list[tuple[int, int]] = []
    result = _snapshot_and_copy(source, copies, progress)
    assert result == 4
    length = (2 * WINDOW_BLOCKS + 3) * B
    assert progress[-1] == (length, length) and progress == sorted(progress)
    target = tmp_path / "new.raw"
    copies.new_disk(0, target, length)
    with target.open("rb") as new, source.image.open("rb") as old:
        for block in (0, WINDOW_BLOCKS - 1, WINDOW_BLOCKS, 2 * WINDOW_BLOCKS + 2):
            new.seek(block * B)
            old.seek(block * B)
            assert new.read(B) == old.read(B)


def _snapshot_and_copy(source: Chain, copies: Chain, progress: list[tuple[int, int]]) -> int:
    from snapcli.volumes.capture import capture
    from snapcli.volumes.layers import Layer

    captured = capture(source.image, source.folder, [], "s-1", 1, sync=False)
    copied = copying.copy_view(
        source.folder,
        [Layer("s-1", captured.map_file)],
        {1: captured.pack_file},
        copies.folder,
        [],
        "s-1",
        1,
        lambda done, total: progress.append((done, total)),
        sync=False,
    )
    copies.layers, copies.packs = [Layer("s-1", copied.map_file)], {1: copied.pack_file}
    return copied.data_blocks


def test_damage_in_the_source_is_told_and_never_copied(tmp_path: Path) -> None:
    source, copies = two(tmp_path)
    source.change({0: 1, 4: 2})
    source.snapshot()
    pack = source.folder / "s-1.pack"
    content = bytearray(pack.read_bytes())
    content[-20] ^= 1
    pack.write_bytes(content)
    with pytest.raises(DamagedBlock) as damage:
        copies.copy(source, 0)
    assert (damage.value.snapshot_id, damage.value.block) == ("s-1", 4)
    assert str(source.folder) in damage.value.path
    assert list(copies.folder.iterdir()) == []


def test_a_damaged_map_of_either_side_stops_the_copy(tmp_path: Path) -> None:
    source, copies = two(tmp_path)
    source.change({0: 1})
    source.snapshot()
    copies.copy(source, 0)
    for folder in (copies.folder, source.folder):
        file = folder / "s-1.map"
        whole = file.read_bytes()
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(DamagedMap, match=str(folder)):
            copies.copy(source, 0)
        file.write_bytes(whole)
    assert sorted(path.name for path in copies.folder.iterdir()) == ["s-1.map", "s-1.pack"]


contents = st.dictionaries(st.integers(0, 7), st.integers(0, 3), max_size=8)


@pytest.mark.rule("CP-3", "IN-4")
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    changes=st.lists(st.tuples(contents, st.integers(1, 9)), min_size=1, max_size=5),
    steps=st.lists(
        st.tuples(st.sampled_from(["copy", "copy", "delete", "delete there"]), st.integers(0, 99)),
        max_size=12,
    ),
)
def test_copies_in_any_order_with_deletions_on_both_sides_are_exact(
    tmp_path_factory: pytest.TempPathFactory,
    changes: list[tuple[dict[int, int], int]],
    steps: list[tuple[str, int]],
) -> None:
    source, copies = two(tmp_path_factory.mktemp("copies"), 6 * B + 777)
    for content, length in changes:
        source.resize(length * B - 100)
        source.change(content)
        source.snapshot()
    for what, pick in steps:
        if what == "copy" and source.layers:
            copies.copy(source, pick % len(source.layers))
        elif what == "delete" and source.layers:
            source.delete(pick % len(source.layers))
        elif what == "delete there" and copies.layers:
            copies.delete(pick % len(copies.layers))
    source.check()
    copies.check()


@pytest.mark.rule("CP-3")
def test_a_long_series_of_copies_and_deletions_is_exact(tmp_path: Path) -> None:
    chance = random.Random(7)
    source, copies = two(tmp_path, 40 * B)
    for _ in range(20):
        source.change({chance.randrange(40): chance.randrange(5) for _ in range(12)})
        source.snapshot()
        copies.copy(source, chance.randrange(len(source.layers)))
        if chance.random() < 0.4:
            source.delete(chance.randrange(len(source.layers)))
        if chance.random() < 0.4:
            copies.delete(chance.randrange(len(copies.layers)))
    source.check()
    copies.check()


def test_blocks_are_told_apart_by_every_byte_of_their_digests() -> None:
    slots = bytearray(WINDOW_BLOCKS * RECORD_BYTES)
    for at in range(DIGEST_BYTES):
        other = bytearray(slots)
        other[7 * RECORD_BYTES + at] = 1
        assert copying._differing(slots, other) == [7]
    other = bytearray(slots)
    other[DIGEST_BYTES:RECORD_BYTES] = bytes(range(RECORD_BYTES - DIGEST_BYTES))
    assert copying._differing(slots, other) == []  # the same bytes, elsewhere
