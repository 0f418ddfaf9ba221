"""`-` where a file is named: standard input, kept in a file for as long as a command needs it.

Reads and keeps bytes; knows no operation but those that the table names.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from snapcli.cli import exit_codes
from snapcli.cli.streams import Streams
from snapcli.cli.usage import UsageError

# The parameters that name a file to read.
NAMED: Mapping[str, str] = {"ImportDisk": "File", "PutGuestFile": "File"}
_CHUNK_BYTES = 1 << 20


def text(option: str, path: str, streams: Streams) -> str:
    """Return what the file that an option names holds; `-` is standard input.

    Raises UsageError (exit code 1) for one that cannot be read.
    """
    try:
        if path == "-":
            whole = b"".join(iter(lambda: streams.read_bytes(_CHUNK_BYTES), b""))
        else:
            with open(path, "rb") as file:
                whole = file.read()
        return whole.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        named = "standard input" if path == "-" else path
        raise UsageError(
            f"{option}: {named} cannot be read: {reason}", exit_codes.REFUSED
        ) from None


@contextmanager
def filled(action: str, given: Mapping[str, str], streams: Streams) -> Iterator[dict[str, str]]:
    """Give the parameters with `-` replaced by a file that holds standard input.

    The file is sparse where the input is zeros, and gone afterwards. Raises OSError.
    """
    parameter = NAMED.get(action, "")
    if given.get(parameter) != "-":
        yield dict(given)
        return
    descriptor, path = tempfile.mkstemp(prefix="snapcli-input-")
    try:
        with open(descriptor, "wb") as kept:
            while part := streams.read_bytes(_CHUNK_BYTES):
                if part.count(0) == len(part):
                    kept.seek(len(part), os.SEEK_CUR)
                else:
                    kept.write(part)
            kept.truncate()
        yield dict(given) | {parameter: path}
    finally:
        os.unlink(path)
