"""`snapcli __complete SHELL WORD...`: what may stand where the cursor is, for a shell's script.

The last WORD is the one being typed. Starts as fast as a Describe: no Click, no Rich. Whatever
goes wrong, nothing is printed and nothing said: a person is in the middle of a line.
"""

from collections.abc import Sequence

from snapcli.cli.streams import Streams


def run(argv: Sequence[str], streams: Streams) -> int:
    """Print the candidates, a line each, for zsh and fish with a tab and a description.

    A first line `:files` or `:folders` asks the shell for names of files instead.
    """
    try:
        from snapcli.cli.completion.places import candidates

        shell, *words = argv
        found = candidates(words or [""], streams)
        if isinstance(found, str):
            text = f":{found}\n"
        else:
            text = "".join(
                f"{value}\t{' '.join(about.split())}\n"
                if about and shell != "bash"
                else f"{value}\n"
                for value, about in found
            )
        streams.write(text)
        streams.flush()
    except (Exception, KeyboardInterrupt):
        streams.abandon()
    return 0
