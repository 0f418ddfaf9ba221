"""A chain driven as ecs would drive it, beside a naive model of full copies."""

import os
import random
from pathlib import Path

from snapcli.volumes.capture import capture
from snapcli.volumes.cipher import SECRET_BYTES, Cipher
from snapcli.volumes.copying import copy_view
from snapcli.volumes.deletion import (
    TrimResult,
    hand_over,
    packs_named,
    survey,
    trim,
    trim_packs,
)
from snapcli.volumes.describe import layer_runs, layer_usage
from snapcli.volumes.images import create_image, resize_image
from snapcli.volumes.layers import Captured, Layer
from snapcli.volumes.layout import BLOCK_BYTES
from snapcli.volumes.maps import MapReader
from snapcli.volumes.restore import apply_plan, plan_restore, read_view, verify_plan, write_new
from snapcli.volumes.verify import Problem, unnamed_files, verify_chain

B = BLOCK_BYTES


def pattern(seed: int, length: int) -> bytes:
    """Bytes that differ for each seed; half of them compress, half do not."""
    source = random.Random(seed)
    noise = source.randbytes(length // 2)
    return noise + bytes([seed % 255 + 1]) * (length - len(noise))


def new_cipher(chain_id: str = "d-1", secret: bytes = b"s" * SECRET_BYTES) -> Cipher:
    """The cipher of an encrypted chain."""
    return Cipher(secret, chain_id, os.urandom)


def in_blocks(content: bytes) -> list[bytes]:
    """The blocks of a picture, the last one filled with zeros."""
    return [content[at : at + B].ljust(B, b"\0") for at in range(0, len(content), B)]


class Chain:
    """One disk with its chain folder; `pictures` are full copies of what each snapshot saw."""

    def __init__(
        self, root: Path, length_bytes: int, sync: bool = True, cipher: Cipher | None = None
    ) -> None:
        self.cipher = cipher
        self.folder = root / "chain"
        self.folder.mkdir()
        self.image = root / "disk.raw"
        create_image(self.image, length_bytes)
        self.layers: list[Layer] = []
        self.packs: dict[int, str] = {}
        self.pictures: list[bytes] = []
        self.counts: list[tuple[int, int]] = []
        self.number = 0
        self.generation = 0
        self.sync = sync

    def write(self, offset: int, content: bytes) -> None:
        with open(self.image, "r+b") as file:
            file.seek(offset)
            file.write(content)

    def write_block(self, block: int, seed: int) -> None:
        self.write(block * B, pattern(seed, B))

    def change(self, contents: dict[int, int]) -> None:
        """Give whole blocks new contents by seed, 0 for zeros; the image's end cuts them."""
        size = self.image.stat().st_size
        for block, seed in contents.items():
            content = pattern(seed, B) if seed else bytes(B)
            if block * B < size:
                self.write(block * B, content[: size - block * B])

    def resize(self, length_bytes: int) -> None:
        resize_image(self.image, length_bytes)

    def content(self) -> bytes:
        return self.image.read_bytes()

    def snapshot(self) -> Captured:
        self.number += 1
        name = f"s-{self.number}"
        result = capture(
            self.image,
            self.folder,
            self.layers,
            name,
            self.number,
            sync=self.sync,
            cipher=self.cipher,
        )
        self.layers.append(Layer(name, result.map_file))
        self.packs[self.number] = result.pack_file
        self.pictures.append(self.content())
        self.counts.append((result.data_blocks, result.empty_blocks))
        return result

    def copy(self, source: "Chain", index: int) -> Captured:
        """Copy another chain's snapshot onto the end of this one."""
        self.number += 1
        name = f"s-{self.number}"
        result = copy_view(
            source.folder,
            source.layers[: index + 1],
            source.packs,
            self.folder,
            self.layers,
            name,
            self.number,
            sync=self.sync,
        )
        self.layers.append(Layer(name, result.map_file))
        self.packs[self.number] = result.pack_file
        self.pictures.append(source.pictures[index])
        self.counts.append((result.data_blocks, result.empty_blocks))
        return result

    def delete(self, index: int, free: bool = True) -> TrimResult | None:
        self.generation += 1
        following = self.layers[index + 1] if index + 1 < len(self.layers) else None
        result = hand_over(
            self.folder,
            self.layers[index],
            following,
            index == 0,
            self.generation,
            below=self.layers[:index],
            sync=self.sync,
        )
        if following is not None:
            assert result.map_file is not None
            self.layers[index + 1] = Layer(following.snapshot_id, result.map_file)
            self.counts[index + 1] = (result.data_blocks, result.empty_blocks)
        del self.layers[index], self.pictures[index], self.counts[index]
        return self.trim() if free else None

    def delete_looking_at_little(self, index: int) -> None:
        """As in a long chain: only the maps that changed are looked at, and all is freed."""
        replaced = [layer.map_file for layer in self.layers[index : index + 2]]
        own = next(
            n for n, file in self.packs.items() if file == f"{self.layers[index].snapshot_id}.pack"
        )
        self.delete(index, free=False)
        packs = {n: self.packs[n] for n in {own, *packs_named(self.folder, replaced)}}
        heirs = [self.layers[index].map_file] if len(replaced) == 2 else []
        dead = [self.packs.pop(n) for n in survey(self.folder, heirs, packs).dead_packs]
        left = {n: file for n, file in packs.items() if n in self.packs}
        for _ in range(2):  # repeated after a crash
            trim_packs(self.folder, heirs, left, [*replaced, *dead])
        rest = self.trim()
        assert (rest.freed_bytes, rest.removed_files, rest.dead_packs) == (0, (), ())

    def trim(self) -> TrimResult:
        freed = trim(self.folder, [layer.map_file for layer in self.layers], self.packs)
        for number in freed.dead_packs:
            del self.packs[number]
        return freed

    def roll_back(self, index: int) -> None:
        plan = plan_restore(
            self.image,
            self.folder,
            self.layers[: index + 1],
            self.packs,
            len(self.pictures[index]),
            cipher=self.cipher,
        )
        verify_plan(plan)
        apply_plan(plan)

    def new_disk(self, index: int, path: Path, length_bytes: int) -> None:
        write_new(
            path,
            self.folder,
            self.layers[: index + 1],
            self.packs,
            length_bytes,
            sync=self.sync,
            cipher=self.cipher,
        )

    def read(self, index: int, offset: int, length: int) -> bytes:
        held = self.layers[: index + 1]
        return b"".join(read_view(self.folder, held, self.packs, offset, length, self.cipher))

    def problems(self, read_data: bool = True) -> list[Problem]:
        encrypted = self.cipher is not None
        return list(
            verify_chain(
                self.folder, self.layers, self.packs, read_data, None, encrypted, self.cipher
            )
        )

    def unnamed(self) -> list[str]:
        return unnamed_files(self.folder, self.layers, self.packs)

    def stored_bytes(self) -> int:
        """What the whole folder occupies."""
        return sum(entry.stat().st_blocks * 512 for entry in os.scandir(self.folder))

    def expected_counts(self) -> list[tuple[int, int]]:
        """Data and empty blocks of each node, from the full copies alone."""
        counts = []
        before: list[bytes] = []
        zeros = bytes(B)
        for picture in self.pictures:
            now = in_blocks(picture)
            width = max(len(now), len(before))
            old = before + [zeros] * (width - len(before))
            new = now + [zeros] * (width - len(now))
            changed = [block for was, block in zip(old, new, strict=True) if was != block]
            data = sum(block != zeros for block in changed)
            counts.append((data, len(changed) - data))
            before = now
        return counts

    def check(self) -> None:
        """Everything that must hold at any time."""
        for index, picture in enumerate(self.pictures):
            assert self.read(index, 0, len(picture)) == picture
        expected = self.expected_counts()
        assert self.counts == expected
        for layer, (data, empty) in zip(self.layers, expected, strict=True):
            assert layer_usage(self.folder, layer)[:2] == (data, empty)
            kinds = [run.kind for run in layer_runs(self.folder, layer) for _ in range(run.count)]
            assert (kinds.count("data"), kinds.count("empty")) == (data, empty)
        for layer, picture in zip(self.layers, self.pictures, strict=True):
            filled = sum(block != bytes(B) for block in in_blocks(picture))
            assert MapReader(str(self.folder), layer).view_blocks == filled
        assert self.problems() == []
        assert self.unnamed() == []
