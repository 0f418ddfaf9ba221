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


def run_in_place(workspace: str) -> None:
    """Do the same under the name `aliyun`, by default on the workspace folder `workspace`.

    What `snapcli shim` writes calls this.
    """
    import os

    gc.disable()
    _import_msgspec()
    streams = Streams()
    streams.program = "aliyun"
    os.environ.setdefault("SNAPCLI_WORKSPACE", workspace)
    sys.exit(main(sys.argv[1:], streams))


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
    if argv and argv[0] == "__complete":
        from snapcli.cli import completion

        return completion.run(argv[1:], streams)
    from snapcli.api.catalogue import PRODUCTS
    from snapcli.cli import grammar

    word, position = grammar.first_word(argv)
    exact = word.lower() in PRODUCTS or streams.program == "aliyun"
    if not exact and "json" in "".join(argv):
        streams.as_json = grammar.asks_for_json(argv)
    try:
        code = _carry_out(word.lower(), argv, position, streams)
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


def _carry_out(word: str, argv: Sequence[str], position: int, streams: Streams) -> int:
    from snapcli.api import catalogue
    from snapcli.cli import grammar

    if word in catalogue.PRODUCTS:
        command, _ = grammar.first_word(argv[position + 1 :])
        if command.islower() and command != "help":
            from snapcli.cli import plugin_form

            return plugin_form.run(argv, position, streams)
        from snapcli.cli import ecs_form

        return ecs_form.run(grammar.parse(argv), streams)
    if streams.program == "aliyun":
        from snapcli.cli import in_place

        return in_place.run(grammar.parse(argv), streams)
    from snapcli.cli import friendly

    return friendly.run(argv, streams)


def _flushed(code: int, streams: Streams) -> int:
    try:
        streams.flush()
    except Exception:
        streams.abandon()
    return code
