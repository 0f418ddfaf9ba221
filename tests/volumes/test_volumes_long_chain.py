"""Long chains and large disks: bounded memory, few open files."""

import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from volumes_model import B, Chain

from snapcli.volumes.images import create_image
from snapcli.volumes.restore import apply_plan, plan_restore, read_view, verify_plan, write_new
from snapcli.volumes.views import WINDOW_BLOCKS


@pytest.fixture
def few_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (160, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.rule("IN-5")
@pytest.mark.usefixtures("few_files")
def test_a_chain_of_300_nodes_works_with_160_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapcli.volumes.fence.Fence.stamp", lambda *_: bytes(32))
    chain = Chain(tmp_path, 301 * B, sync=False)
    real, chain.content = chain.content, lambda: b""  # type: ignore[method-assign]  # no copies
    for node in range(300):
        chain.change({node: node % 250 + 1, 300: node % 250 + 1})
        assert chain.snapshot().data_blocks == 2
    wanted = real()
    chain.write(0, bytes(301 * B))
    chain.pictures[-1] = wanted
    chain.roll_back(299)
    assert real() == wanted
    chain.delete(150)
    assert chain.counts[150] == (3, 0)
    chain.write(0, bytes(301 * B))
    chain.roll_back(298)
    assert real() == wanted
    assert chain.problems() == []


def test_blocks_of_several_windows_are_found(tmp_path: Path) -> None:
    """A disk of 20 GiB with blocks around the edges of the windows; views may go backwards."""
    chain = Chain(tmp_path, 1000 * B)
    length = 5 * WINDOW_BLOCKS * B
    chain.resize(length)
    edges = [0, WINDOW_BLOCKS - 1, WINDOW_BLOCKS, 3 * WINDOW_BLOCKS + 1, 5 * WINDOW_BLOCKS - 1]
    chain.content = lambda: b""  # type: ignore[method-assign]  # no full copies of 20 GiB
    for turn in (1, 2):
        for block in edges[turn - 1 :]:
            chain.write_block(block, block % 200 + turn)
        assert chain.snapshot().data_blocks == len(edges) - turn + 1
    target = tmp_path / "new.raw"
    write_new(target, chain.folder, chain.layers, chain.packs, length)
    for block in edges:
        with open(chain.image, "rb") as file, open(target, "rb") as new:
            file.seek(block * B)
            new.seek(block * B)
            expected = file.read(B)
            assert new.read(B) == expected
        pieces = read_view(chain.folder, chain.layers, chain.packs, block * B, B)
        assert b"".join(pieces) == expected
    chain.delete(0, free=True)
    assert chain.problems() == []
    for block in edges:
        chain.write_block(block, 9)
    plan = plan_restore(chain.image, chain.folder, chain.layers, chain.packs, length)
    verify_plan(plan)
    apply_plan(plan)
    assert plan.data_blocks == len(edges)
    with open(chain.image, "rb") as file, open(target, "rb") as new:
        for block in edges:
            file.seek(block * B)
            new.seek(block * B)
            assert file.read(B) == new.read(B)


@pytest.mark.slow
def test_memory_stays_bounded_on_a_disk_of_one_tebibyte(tmp_path: Path) -> None:
    """A tebibyte that is nearly a hole: 256 windows."""
    image = tmp_path / "disk.raw"
    create_image(image, 1 << 40)
    with open(image, "r+b") as file:
        for gib in range(0, 1024, 4):
            file.seek(gib << 30)
            file.write(b"x")
    folder = tmp_path / "chain"
    folder.mkdir()
    code = f"""
        from snapcli.volumes.capture import capture
        from snapcli.volumes.layers import Layer
        from snapcli.volumes.restore import write_new
        for number in (1, 2):
            layers = [Layer("s-1", "s-1.map")][:number - 1]
            result = capture({str(image)!r}, {str(folder)!r}, layers, f"s-{{number}}", number)
            assert result.view_blocks == 256, result
        write_new({str(tmp_path / "new.raw")!r}, {str(folder)!r}, [Layer("s-1", "s-1.map")],
                  {{1: "s-1.pack"}}, 1 << 40)
        # Not ru_maxrss, which counts what the process that started this one occupied.
        with open("/proc/self/status") as status:
            print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 100 << 10
