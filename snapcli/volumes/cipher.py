"""The cipher of an encrypted chain: seals stored blocks, and hides what their digests would tell.

AES-256-GCM with a random nonce for each block, under a key of the chain's own. Imported only
where a chain is encrypted. Must not know where secrets are kept, nor make chance of its own.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from snapcli.volumes.layout import BLOCK_BYTES, DIGEST_BYTES, SEAL_BYTES

SECRET_BYTES: Final = 32
CHECK_BYTES: Final = 16
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12

Bytes = bytes | bytearray | memoryview


class NotSealedHere(Exception):
    """Bytes that this key did not seal for this block, or that have changed since."""


class Cipher:
    """Seals and opens the stored blocks of one chain; may be used by several threads.

    `secret` has 32 bytes. `chain_id` is the chain's own id: chains under one secret share no
    key, so equal blocks of two chains look different. `random_bytes` gives the nonces.
    """

    def __init__(self, secret: bytes, chain_id: str, random_bytes: Callable[[int], bytes]) -> None:
        keys = _derived(secret, f"chain {chain_id}", 2 * _KEY_BYTES)
        self._aead = AESGCM(keys[:_KEY_BYTES])
        self._random_bytes = random_bytes
        # Used as `blake3` is where a chain is not encrypted.
        self.hasher = partial(blake3, key=keys[_KEY_BYTES:])
        self.zero_digest: bytes = self.hasher(bytes(BLOCK_BYTES)).digest(length=DIGEST_BYTES)

    def seal(self, stored: Bytes, block: int, digest: bytes) -> bytes:
        """The sealed form of a stored block, longer by SEAL_BYTES: nonce, ciphertext, tag.

        It opens only as this block with this digest, the two things that stay the same wherever
        the block is moved.
        """
        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, stored, _bound(block, digest))

    def open(self, sealed: Bytes, block: int, digest: bytes) -> bytes:
        """What `seal` was given. Raises NotSealedHere."""
        nonce, ciphertext = bytes(sealed[:_NONCE_BYTES]), sealed[_NONCE_BYTES:]
        if len(sealed) <= SEAL_BYTES:
            raise NotSealedHere
        try:
            return self._aead.decrypt(nonce, ciphertext, _bound(block, digest))
        except InvalidTag:
            raise NotSealedHere from None


def key_check(secret: bytes) -> bytes:
    """16 bytes that tell whether a secret is the one that was used, and nothing else of it."""
    return _derived(secret, "check", CHECK_BYTES)


def _bound(block: int, digest: bytes) -> bytes:
    """The associated data of a block."""
    return block.to_bytes(8, "little") + digest


def _derived(secret: bytes, purpose: str, length_bytes: int) -> bytes:
    """HKDF-SHA256 of the secret, without salt; `purpose` is told apart by its first word."""
    kdf = HKDF(
        algorithm=SHA256(), length=length_bytes, salt=None, info=f"snapcli {purpose}".encode()
    )
    return kdf.derive(secret)
