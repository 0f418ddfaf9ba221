"""Every random value of the program: resource ids, request ids, serial numbers.

Nothing else may ask for randomness, so a test that calls `seed` sees the same ids each time.
"""

import os
from collections.abc import Callable

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"

_source: Callable[[int], bytes] = os.urandom


def seed(value: int | None) -> None:
    """Make the ids of this process repeatable (None: random again); for tests."""
    global _source
    if value is None:
        _source = os.urandom
        return
    import random

    _source = random.Random(value).randbytes


def random_bytes(count: int) -> bytes:
    """Return `count` random bytes."""
    return _source(count)


def resource_id(prefix: str, region_code: str, taken: Callable[[str], bool]) -> str:
    """Return a new id such as `s-bp1fbtwv3e6xr6wpe9e0` for which `taken` is false.

    `region_code` is the three characters that stand for the region.
    """
    while True:
        body = "".join(_ALPHABET[byte % 36] for byte in _source(17))
        candidate = f"{prefix}-{region_code}{body}"
        if not taken(candidate):
            return candidate


def request_id() -> str:
    """Return a new RequestId: an upper-case UUID of version 4."""
    raw = bytearray(_source(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex().upper()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def kms_key_id() -> str:
    """Return a new key id: a lower-case UUID of version 4."""
    return request_id().lower()


def serial_number() -> str:
    """Return a snapshot serial number such as `64588-429372675-857161235`."""
    raw = _source(12)
    first = 10_000 + int.from_bytes(raw[:4], "big") % 90_000
    second, third = (
        100_000_000 + int.from_bytes(part, "big") % 900_000_000 for part in (raw[4:8], raw[8:])
    )
    return f"{first}-{second}-{third}"


def digits(count: int) -> str:
    """Return a number of exactly `count` digits, as RAM ids are."""
    least = 10 ** (count - 1)
    return str(least + int.from_bytes(_source(count), "big") % (9 * least))
