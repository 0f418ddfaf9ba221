"""The binary layout of packs and maps: sizes, magics, structs. FORMAT.md is its description.

Holds numbers only; reading and writing live in `maps` and `packs`.
"""

from struct import Struct
from typing import Final

BLOCK_BYTES: Final = 65536
DIGEST_BYTES: Final = 16
VERSION: Final = 1
ENCRYPTED_VERSION: Final = 2  # of the packs and maps of an encrypted chain
SEAL_BYTES: Final = 28  # what sealing adds to a stored block: nonce and tag

PACK_MAGIC: Final = b"snappck\n"
PACK_HEADER: Final = Struct("<8sII")  # magic, version, pack number

MAP_MAGIC: Final = b"snapmap\n"
# magic, version, block bytes, runs, data blocks, empty blocks, view blocks, stamp, checksum
MAP_HEADER: Final = Struct("<8s6I32s32s")
MAP_SUMMED_BYTES: Final = 64  # the checksum covers the header up to itself
CHECKSUM_BYTES: Final = 32

RECORD: Final = Struct("<16sQII")  # digest, offset in the pack, stored length, pack number
RECORD_BYTES: Final = 32
RUN: Final = Struct("<III")  # first block, count, kind
RUN_BYTES: Final = 12

DATA: Final = 1
EMPTY: Final = 2

NO_DIGEST: Final = bytes(DIGEST_BYTES)  # the digest field of a slot that holds nothing
NO_STAMP: Final = bytes(CHECKSUM_BYTES)


def version_of(encrypted: bool) -> int:
    """The version of the packs and maps of a chain that is encrypted, or is not."""
    return ENCRYPTED_VERSION if encrypted else VERSION


def most_stored_bytes(encrypted: bool) -> int:
    """The greatest length of a stored block: the plain block, sealed in an encrypted chain."""
    return BLOCK_BYTES + SEAL_BYTES if encrypted else BLOCK_BYTES


def blocks_of(length_bytes: int) -> int:
    """How many blocks `length_bytes` bytes take, the last one possibly not full."""
    return -(-length_bytes // BLOCK_BYTES)
