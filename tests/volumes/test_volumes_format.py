"""FORMAT.md is compared with files that were really written."""

import os
import re
from pathlib import Path

import pytest
from blake3 import blake3
from volumes_model import B, Chain, pattern

import snapcli.volumes
from snapcli.volumes import layout
from snapcli.volumes.packs import digest_of

PAGE = (Path(snapcli.volumes.__file__).parent / "FORMAT.md").read_text()


def table(heading: str) -> dict[str, tuple[str, str, str]]:
    """name → (offset, bytes, value) of the first table under a heading."""
    section = re.split(rf"^#+ {heading}$", PAGE, flags=re.M)[1]
    rows: dict[str, tuple[str, str, str]] = {}
    for line in section.splitlines():
        if line.startswith("|"):
            offset, size, name, value = (cell.strip() for cell in line.strip("|").split("|"))
            if name not in ("name", "---"):
                rows[name] = (offset, size, value)
        elif rows:
            break
    return rows


def number(content: bytes, rows: dict[str, tuple[str, str, str]], name: str, at: int = 0) -> int:
    offset, size, _ = rows[name]
    return int.from_bytes(content[at + int(offset) : at + int(offset) + int(size)], "little")


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    """Three snapshots; the second empties a block and has a block that does not compress."""
    chain = Chain(tmp_path, 6 * B + 100)
    chain.change({0: 1, 1: 2, 4: 3, 6: 1})
    chain.snapshot()
    chain.change({1: 0, 3: 7})
    chain.write(5 * B, os.urandom(B))
    chain.snapshot()
    chain.snapshot()
    return chain


def test_pack_header_is_as_the_page_says(chain: Chain) -> None:
    rows = table("Pack")
    for index in (1, 2, 3):
        content = (chain.folder / f"s-{index}.pack").read_bytes()
        assert content[:8] == b"snappck\n"
        assert number(content, rows, "version") == int(rows["version"][2])
        assert number(content, rows, "number") == index
    assert len((chain.folder / "s-3.pack").read_bytes()) == int(rows["blocks"][0])
    assert layout.PACK_HEADER.size == int(rows["blocks"][0])


def test_map_fields_are_as_the_page_says(chain: Chain) -> None:
    rows, record, run = table("Map"), table("Record"), table("Run")
    content = (chain.folder / "s-2.map").read_bytes()
    assert content[:8] == b"snapmap\n"
    assert number(content, rows, "version") == int(rows["version"][2])
    assert number(content, rows, "block_bytes") == int(rows["block_bytes"][2]) == B
    assert [number(content, rows, name) for name in ("data_blocks", "empty_blocks")] == [2, 1]
    assert number(content, rows, "view_blocks") == 5
    records_at = int(rows["records"][0])
    assert layout.MAP_HEADER.size == records_at
    runs_at = records_at + 2 * int(rows["records"][1].split()[0])
    count = number(content, rows, "run_count")
    assert len(content) == runs_at + count * int(rows["runs"][1].split()[0])
    runs = [
        tuple(number(content, run, name, at) for name in ("first", "count", "kind"))
        for at in range(runs_at, len(content), layout.RUN_BYTES)
    ]
    assert runs == [(1, 1, 2), (3, 1, 1), (5, 1, 1)]
    pack = (chain.folder / "s-2.pack").read_bytes()
    plain = [pattern(7, B), chain.content()[5 * B : 6 * B]]
    at = records_at
    for block in plain:
        assert content[at : at + int(record["digest"][1])] == digest_of(block)
        assert digest_of(block) == blake3(block).digest()[:16]
        assert number(content, record, "pack", at) == 2
        offset, length = (number(content, record, name, at) for name in ("offset", "length"))
        assert offset + length <= len(pack)
        if length == B:
            assert pack[offset : offset + length] == block
        at += layout.RECORD_BYTES
    assert length == B  # the noise was stored plain
    summed = content[records_at:] + content[: int(rows["checksum"][0])]
    start = int(rows["checksum"][0])
    assert content[start : start + 32] == blake3(summed).digest()


def test_file_names_are_as_the_page_says(chain: Chain) -> None:
    assert sorted(path.name for path in chain.folder.iterdir()) == [
        f"s-{index}.{kind}" for index in (1, 2, 3) for kind in ("map", "pack")
    ]
    chain.delete(0)
    assert "s-2.1.map" in {path.name for path in chain.folder.iterdir()}
    for name in ("pack", "map"):
        assert f"`<snapshot id>.{name}`" in PAGE
        assert f"`<snapshot id>.<generation>.{name}`" in PAGE
