"""What an encrypted chain's files hold, and what no longer opens (rule OV-5)."""

import os
import re
from pathlib import Path

import pytest
from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from volumes_model import B, Chain, new_cipher, pattern

import snapcli.volumes
from snapcli.volumes.capture import capture
from snapcli.volumes.cipher import SECRET_BYTES, Cipher, NotSealedHere, key_check
from snapcli.volumes.deletion import compact
from snapcli.volumes.errors import DamagedBlock, DamagedMap
from snapcli.volumes.layers import Layer
from snapcli.volumes.layout import MAP_HEADER, RECORD, RECORD_BYTES, SEAL_BYTES
from snapcli.volumes.restore import read_view

pytestmark = pytest.mark.rule("OV-5")

SECRET = b"s" * SECRET_BYTES
PAGE = (Path(snapcli.volumes.__file__).parent / "FORMAT.md").read_text()


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    """Block 0 compresses, block 1 does not, block 3 is as block 0."""
    chain = Chain(tmp_path, 6 * B, cipher=new_cipher())
    chain.change({0: 1, 3: 1})
    chain.write(B, os.urandom(B))
    chain.snapshot()
    return chain


def records(chain: Chain, name: str = "s-1.map") -> list[tuple[bytes, int, int, int]]:
    """Digest, offset, length, pack of each data block of a map without empty runs."""
    content = (chain.folder / name).read_bytes()
    count = int.from_bytes(content[20:24], "little")
    at = MAP_HEADER.size
    return list(RECORD.iter_unpack(content[at : at + count * RECORD_BYTES]))


def test_files_are_as_the_page_says(chain: Chain) -> None:
    """Opened here with nothing of ours."""
    for name in ("s-1.map", "s-1.pack"):
        assert int.from_bytes((chain.folder / name).read_bytes()[8:12], "little") == 2
    info = b"snapcli chain d-1"
    assert "`snapcli chain <chain id>`" in PAGE and "have the version 2" in PAGE
    keys = HKDF(algorithm=SHA256(), length=64, salt=None, info=info).derive(SECRET)
    aead = AESGCM(keys[:32])
    pack = (chain.folder / "s-1.pack").read_bytes()
    lengths = []
    for block, (digest, offset, length, _) in zip((0, 1, 3), records(chain), strict=True):
        plain = chain.content()[block * B : (block + 1) * B]
        assert digest == blake3(plain, key=keys[32:]).digest()[:16]
        sealed = pack[offset : offset + length]
        bound = block.to_bytes(8, "little") + digest
        opened = aead.decrypt(sealed[:12], sealed[12:], bound)
        assert (opened == plain) is (length == B + SEAL_BYTES)
        lengths.append(length)
    assert lengths[1] == B + SEAL_BYTES and lengths[0] < B
    tag = re.search(r"^\| length − (\d+) \| (\d+) \| tag", PAGE, re.M)
    assert tag and tag[1] == tag[2] == "16" and SEAL_BYTES == 12 + 16


def test_no_nonce_comes_twice(chain: Chain) -> None:
    for seed in range(2, 8):
        chain.change({0: seed, 3: seed, 4: seed % 2 + 1})
        chain.snapshot()
    nonces = []
    for number in range(1, 8):
        pack = (chain.folder / f"s-{number}.pack").read_bytes()
        nonces += [pack[at : at + 12] for _, at, _, _ in records(chain, f"s-{number}.map")]
    assert len(nonces) > 15 and len(set(nonces)) == len(nonces)


def test_chains_of_one_secret_share_no_key() -> None:
    one, other = new_cipher("d-1"), new_cipher("d-2")
    digest = one.hasher(b"x").digest(length=16)
    assert digest != other.hasher(b"x").digest(length=16)
    sealed = one.seal(b"content", 5, digest)
    assert one.open(sealed, 5, digest) == b"content"
    with pytest.raises(NotSealedHere):
        other.open(sealed, 5, digest)


@pytest.mark.parametrize("length", [0, 5, 12, 28, 29])
def test_what_is_cut_short_does_not_open(length: int) -> None:
    cipher = new_cipher()
    sealed = cipher.seal(b"content", 5, bytes(16))
    with pytest.raises(NotSealedHere):
        cipher.open(sealed[:length], 5, bytes(16))


def test_a_block_opens_only_in_its_own_place(chain: Chain) -> None:
    """Whoever swaps two records, and makes the checksum fit again, is found out."""
    path = chain.folder / "s-1.map"
    content = bytearray(path.read_bytes())
    at = MAP_HEADER.size
    one, two = at, at + RECORD_BYTES
    content[one:two], content[two : two + RECORD_BYTES] = (
        content[two : two + RECORD_BYTES],
        content[one:two],
    )
    summed = blake3(content[at:])
    summed.update(content[:64])
    content[64:96] = summed.digest()
    path.write_bytes(content)
    with pytest.raises(DamagedBlock, match=r"block 0 of snapshot s-1 .* can't be decrypted"):
        chain.read(0, 0, B)


def test_every_byte_that_flips_is_noticed(chain: Chain) -> None:
    path = chain.folder / "s-1.pack"
    whole = path.read_bytes()
    _, offset, length, _ = records(chain)[1]
    for at in (offset, offset + 11, offset + 12, offset + length // 2, offset + length - 1):
        content = bytearray(whole)
        content[at] ^= 1
        path.write_bytes(content)
        [problem] = chain.problems()
        assert (problem.snapshot_id, problem.block) == ("s-1", 1)


def test_another_key_opens_nothing(chain: Chain) -> None:
    chain.cipher = new_cipher(secret=b"t" * SECRET_BYTES)
    with pytest.raises(DamagedBlock):
        chain.read(0, 0, B)
    assert key_check(SECRET) != key_check(b"t" * SECRET_BYTES)
    assert SECRET not in key_check(SECRET) and len(key_check(SECRET)) == 16


def test_encrypted_and_plain_files_are_not_mixed_in_a_chain(chain: Chain, tmp_path: Path) -> None:
    with pytest.raises(DamagedMap, match="it is encrypted, though its chain is not"):
        capture(chain.image, chain.folder, chain.layers, "s-2", 2)
    with pytest.raises(DamagedMap, match="it is encrypted, though its chain is not"):
        next(read_view(chain.folder, chain.layers, chain.packs, 0, B))
    assert sorted(path.name for path in chain.folder.iterdir()) == ["s-1.map", "s-1.pack"]
    (tmp_path / "plain").mkdir()
    plain = Chain(tmp_path / "plain", 2 * B)
    plain.change({0: 1})
    plain.snapshot()
    plain.cipher = new_cipher()
    with pytest.raises(DamagedMap, match="it is not encrypted, though its chain is"):
        plain.read(0, 0, B)
    problems = [problem.message for problem in plain.problems()]
    assert len(problems) == 2
    assert all("it is not encrypted, though its chain is" in each for each in problems)


def test_without_a_key_all_but_the_blocks_is_checked(chain: Chain) -> None:
    from snapcli.volumes.verify import verify_chain

    path = chain.folder / "s-1.pack"
    path.write_bytes(path.read_bytes()[:-1])
    problems = list(verify_chain(chain.folder, chain.layers, chain.packs, True, encrypted=True))
    assert [(each.snapshot_id, each.block) for each in problems] == [("s-1", 3)]


def test_blocks_are_moved_to_another_pack_without_a_key(chain: Chain) -> None:
    picture = chain.pictures[0]
    moved = compact(chain.folder, chain.layers[0], chain.packs, [1], 2, 1)
    assert moved is not None
    chain.layers = [Layer("s-1", moved.map_file)]
    chain.packs[2] = moved.pack_file
    chain.trim()
    assert {number for _, _, _, number in records(chain, moved.map_file)} == {2}
    assert chain.read(0, 0, len(picture)) == picture
    assert chain.problems() == []


def test_a_capture_begun_anew_repeats_no_nonce(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image that changes while it is read is read again into the same pack."""
    given: list[bytes] = []

    def random_bytes(count: int) -> bytes:
        given.append(os.urandom(count))
        return given[-1]

    chain = Chain(tmp_path, 4 * B, cipher=Cipher(SECRET, "d-1", random_bytes))
    chain.change({0: 1, 1: 2})
    states = iter([False])
    monkeypatch.setattr("snapcli.volumes.fence.Fence.holds", lambda *_: next(states, True))
    chain.snapshot()
    assert len(given) == len(set(given)) == 4
    assert chain.read(0, 0, 2 * B) == pattern(1, B) + pattern(2, B)
