"""Whatever is damaged is found and named: snapshot, file, block."""

from pathlib import Path

import pytest
from volumes_model import B, Chain

from snapcli.volumes.verify import unnamed_files, verify_chain


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    chain = Chain(tmp_path, 40 * B)
    chain.change(dict.fromkeys(range(2, 38), 1))
    chain.snapshot()
    chain.change({5: 2, 6: 0, 20: 3})
    chain.snapshot()
    return chain


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_a_sound_chain_has_no_problem(chain: Chain) -> None:
    seen: list[tuple[int, int]] = []
    found = list(
        verify_chain(
            chain.folder,
            chain.layers,
            chain.packs,
            True,
            lambda done, total: seen.append((done, total)),
        )
    )
    assert found == []
    assert seen[-1] == (38 * B, 38 * B)  # each stored block once


@pytest.mark.parametrize(("pack", "block"), [("s-1", 2), ("s-2", 5)])
def test_a_flipped_byte_in_a_pack_is_named(chain: Chain, pack: str, block: int) -> None:
    flip(chain.folder / f"{pack}.pack", 200)
    assert chain.problems(read_data=False) == []
    (problem,) = chain.problems()
    assert (problem.snapshot_id, problem.block) == (pack, block)
    assert problem.file.endswith(f"{pack}.pack")
    assert f"block {block}" in problem.message


def test_every_damaged_block_is_named(chain: Chain) -> None:
    path = chain.folder / "s-1.pack"
    for at in (100, path.stat().st_size - 3):
        flip(path, at)
    assert [problem.block for problem in chain.problems()] == [2, 37]


def test_a_flipped_byte_anywhere_in_a_map_is_noticed(chain: Chain) -> None:
    path = chain.folder / "s-2.map"
    sound = path.read_bytes()
    for at in range(len(sound)):
        flip(path, at)
        problems = chain.problems(read_data=False)
        assert [problem.snapshot_id for problem in problems] == ["s-2"], at
        assert "s-2.map" in problems[0].message
        path.write_bytes(sound)
    path.write_bytes(sound[:-1])
    assert len(chain.problems()) == 1
    path.unlink()
    assert "missing" in chain.problems()[0].message


def test_a_pack_cut_short_or_missing_or_foreign_is_named(chain: Chain) -> None:
    path = chain.folder / "s-2.pack"
    sound = path.read_bytes()
    path.write_bytes(sound[:-1])
    assert [problem.block for problem in chain.problems(read_data=False)] == [20]
    flip(path, 12)  # the pack's number
    assert "pack" in chain.problems(read_data=False)[0].message
    path.write_bytes(b"")
    assert chain.problems()
    path.unlink()
    found = chain.problems()
    assert {problem.snapshot_id for problem in found} == {"s-2"}
    assert {problem.block for problem in found} == {None, 5, 20}


def test_damage_handed_over_by_a_deletion_is_named_on_its_new_node(chain: Chain) -> None:
    flip(chain.folder / "s-1.pack", 200)
    chain.delete(0)
    (problem,) = chain.problems()
    assert (problem.snapshot_id, problem.block) == ("s-2", 2)
    assert problem.file.endswith("s-1.pack")


def test_files_that_nothing_names_are_listed(chain: Chain) -> None:
    for name in ("s-9.pack", "stray", "chain.json"):
        (chain.folder / name).touch()
    assert unnamed_files(chain.folder, chain.layers, chain.packs, {"chain.json"}) == [
        "s-9.pack",
        "stray",
    ]
