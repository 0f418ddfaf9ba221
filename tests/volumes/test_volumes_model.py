"""Random series of everything that can happen to a chain, against full copies."""

import random
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from volumes_model import B, Chain, new_cipher, pattern

from snapcli.volumes.cipher import Cipher

lengths = st.integers(1, 9 * B)
seeds = st.integers(0, 10_000)
picks = st.floats(0, 1, exclude_max=True)
# Block to content (0: zeros). Few of both, so that nodes repeat and empty each other.
changes = st.dictionaries(st.integers(0, 7), st.integers(0, 3), min_size=1, max_size=8)


class ChainMachine(RuleBasedStateMachine):
    """Write, zero, punch, resize, snapshot, delete, roll back, make disks; compare always."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="snapcli-volumes-"))
        self.chain = Chain(self.root, 5 * B + 777, sync=False, cipher=self.cipher())
        self.disks = 0

    def cipher(self) -> Cipher | None:
        return None

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    def _node(self, pick: float) -> int:
        return int(pick * len(self.chain.layers))

    @rule(pick=picks, seed=seeds, length=st.sampled_from([1, 512, 4096, B, 2 * B + 5]))
    def write(self, pick: float, seed: int, length: int) -> None:
        size = self.chain.image.stat().st_size
        offset = int(pick * size)
        self.chain.write(offset, pattern(seed, min(length, size - offset)))

    @rule(pick=picks, blocks=st.integers(1, 3))
    def zero(self, pick: float, blocks: int) -> None:
        size = self.chain.image.stat().st_size
        start = int(pick * size) // B * B
        self.chain.write(start, bytes(min(blocks * B, size - start)))

    @rule(pick=picks, blocks=st.integers(1, 3))
    def punch(self, pick: float, blocks: int) -> None:
        from snapcli.volumes.syscalls import punch_hole

        size = self.chain.image.stat().st_size
        start = int(pick * size) // 4096 * 4096
        with open(self.chain.image, "r+b") as file:
            assert punch_hole(file.fileno(), start, blocks * B)
        assert self.chain.image.stat().st_size == size

    @rule(length=lengths)
    def resize(self, length: int) -> None:
        self.chain.resize(length)

    @rule(pick=picks, other=picks)
    @precondition(lambda self: self.chain.pictures)
    def write_what_was_there(self, pick: float, other: float) -> None:
        """A block goes back to what an earlier snapshot saw: deletion then finds repeats."""
        picture = self.chain.pictures[self._node(pick)]
        start = int(other * len(picture)) // B * B
        size = self.chain.image.stat().st_size
        self.chain.write(start, picture[start : start + B][: max(0, size - start)])

    @rule()
    @precondition(lambda self: len(self.chain.layers) < 8)
    def snapshot(self) -> None:
        self.chain.snapshot()

    @rule(changes=st.lists(changes, min_size=1, max_size=3))
    @precondition(lambda self: len(self.chain.layers) < 8)
    def change_and_snapshot(self, changes: list[dict[int, int]]) -> None:
        for each in changes:
            self.chain.change(each)
            self.chain.snapshot()

    @rule(changes=st.lists(changes, min_size=2, max_size=3), pick=picks)
    @precondition(lambda self: len(self.chain.layers) < 8)
    def change_snapshot_and_delete(self, changes: list[dict[int, int]], pick: float) -> None:
        self.change_and_snapshot(changes)
        self.chain.delete(self._node(pick))

    @rule(pick=picks, free=st.booleans())
    @precondition(lambda self: self.chain.layers)
    def delete(self, pick: float, free: bool) -> None:
        self.chain.delete(self._node(pick), free=free)
        if not free:  # the crash between commit and trim: the next trim does it
            self.chain.trim()

    @rule(pick=picks)
    @precondition(lambda self: self.chain.layers)
    def delete_looking_at_little(self, pick: float) -> None:
        self.chain.delete_looking_at_little(self._node(pick))

    @rule(pick=picks)
    @precondition(lambda self: self.chain.layers)
    def roll_back(self, pick: float) -> None:
        node = self._node(pick)
        self.chain.roll_back(node)
        assert self.chain.content() == self.chain.pictures[node]

    @rule(pick=picks, extra=st.integers(0, 2 * B))
    @precondition(lambda self: self.chain.layers)
    def new_disk(self, pick: float, extra: int) -> None:
        node = self._node(pick)
        picture = self.chain.pictures[node]
        self.disks += 1
        target = self.root / f"new-{self.disks}.raw"
        self.chain.new_disk(node, target, len(picture) + extra)
        assert target.read_bytes() == picture + bytes(extra)
        target.unlink()

    @invariant()
    def everything_holds(self) -> None:
        self.chain.check()


class EncryptedChainMachine(ChainMachine):
    """The same with an encrypted chain."""

    def cipher(self) -> Cipher:
        return new_cipher()


def _run(examples: int, steps: int, machine: type[ChainMachine] = ChainMachine) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.rule("IN-4", "OV-1", "OV-3", "RB-2")
def test_random_series_equal_full_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dates are not waited for here, so the fence and the stamps are off; they have own tests."""
    monkeypatch.setattr("snapcli.volumes.fence.Fence.stamp", lambda *_: bytes(32))
    _run(examples=25, steps=20)


@pytest.mark.rule("OV-5", "IN-4", "OV-1", "OV-3", "RB-2")
def test_random_series_on_an_encrypted_chain_equal_full_copies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("snapcli.volumes.fence.Fence.stamp", lambda *_: bytes(32))
    _run(examples=15, steps=20, machine=EncryptedChainMachine)


@pytest.mark.slow
@pytest.mark.rule("IN-4", "OV-1", "OV-3", "OV-5", "RB-2")
@pytest.mark.parametrize("machine", [ChainMachine, EncryptedChainMachine])
def test_long_random_series_equal_full_copies(machine: type[ChainMachine]) -> None:
    _run(examples=150, steps=40, machine=machine)


@pytest.mark.rule("IN-4", "IN-6")
@pytest.mark.parametrize("seed", range(6))
def test_dense_series_of_snapshots_and_deletions(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mostly deletions in the middle of chains, which a general search rarely reaches."""
    monkeypatch.setattr("snapcli.volumes.fence.Fence.stamp", lambda *_: bytes(32))
    source = random.Random(seed)
    chain = Chain(tmp_path, 12 * B - 999, sync=False)
    for _ in range(25):
        while len(chain.layers) < source.randrange(2, 7):
            picked = source.sample(range(12), source.randrange(1, 9))
            chain.change({block: source.randrange(4) for block in picked})
            chain.snapshot()
        chain.delete(source.randrange(len(chain.layers)))
        chain.check()
        if source.random() < 0.2 and chain.layers:
            chain.roll_back(source.randrange(len(chain.layers)))
    while chain.layers:
        chain.delete(source.randrange(len(chain.layers)))
        chain.check()
    assert list(chain.folder.iterdir()) == []
