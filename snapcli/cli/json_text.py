"""The JSON layout of the real command: sorted keys, one tab a level, one final newline.

Writes any response; knows none.
"""

import msgspec


def json_text(value: object) -> bytes:
    """Return `value` as JSON: keys in byte order at every level, non-ASCII raw, tabs to indent.

    Raises TypeError for what JSON cannot hold.
    """
    spaced = msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1)
    # A line's leading blanks are its depth: JSON texts hold no raw line ends, so nothing else
    # can begin with them.
    depth = 0
    while b"\n" + b" " * (depth + 1) in spaced:
        depth += 1
    for level in range(depth, 0, -1):
        spaced = spaced.replace(b"\n" + b" " * level, b"\n" + b"\t" * level)
    return spaced + b"\n"
