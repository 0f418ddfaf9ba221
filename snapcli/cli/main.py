"""The entry point: which form of command this is, and its exit code.

The `ecs` form goes on without Click, Rich or anything else it does not need.
"""

import gc
import sys
from collections.abc import Sequence

from snapcli.cli.streams import Streams


def run() -> None:
    """Carry out the command line of this process and leave with its exit code."""
    # One command makes few cycles and then ends; looking for them takes 5 % of its time.
    gc.disable()
    _import_msgspec()
    sys.exit(main(sys.argv[1:]))


def _import_msgspec() -> None:
    """Import msgspec without typing_extensions, which is a fifth of the start of a command.

    Where it is missing msgspec takes the same functions from typing. Only done for a process
    of our own; whoever imports this package is not affected.
    """
    name = "typing_extensions"
    if name in sys.modules:
        return
    sys.modules[name] = None  # type: ignore[assignment]  # lets an import of it fail
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules[name]


def main(argv: Sequence[str], streams: Streams | None = None) -> int:
    """Carry out a command line and return its exit code; no exception leaves here."""
    streams = streams or Streams()
    from snapcli.api import catalogue
    from snapcli.cli import grammar

    word, position = grammar.first_word(argv)
    exact = word.lower() in catalogue.PRODUCTS
    try:
        code = _ecs(argv, position, streams) if exact else _friendly(argv, streams)
        streams.flush()
    except BrokenPipeError:
        # Whoever read the result has read enough.
        streams.abandon()
        return 0
    except (Exception, KeyboardInterrupt) as error:
        from snapcli.cli import failures

        code = failures.report(error, streams, exact=exact)
        return _flushed(code, streams)
    return code


def _ecs(argv: Sequence[str], position: int, streams: Streams) -> int:
    from snapcli.cli import grammar

    rest = argv[position + 1 :]
    command, _ = grammar.first_word(rest)
    if command.islower() and command != "help":
        # `aliyun ecs create-snapshot`, the plug-in's spelling, is the friendly form.
        product = argv[position].lower()
        return _friendly(
            [*argv[:position], *([] if product == "ecs" else [product]), *rest], streams
        )
    from snapcli.cli import ecs_form

    return ecs_form.run(grammar.parse(argv), streams)


def _friendly(argv: Sequence[str], streams: Streams) -> int:
    from snapcli.cli import friendly

    return friendly.run(argv, streams)


def _flushed(code: int, streams: Streams) -> int:
    try:
        streams.flush()
    except Exception:
        streams.abandon()
    return code
