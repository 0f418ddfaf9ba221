"""bash, zsh and fish as a person has them: at a terminal, where the Tab key is pressed."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = {
    shell: ROOT / "completions" / name
    for shell, name in (("bash", "snapcli.bash"), ("zsh", "_snapcli"), ("fish", "snapcli.fish"))
}
_START = {
    "bash": ["bash", "--noprofile", "--norc", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config"],
}
_READY = "ready-to-type"
_SETUP = {
    "bash": "bind 'set bell-style none'; bind 'set show-all-if-ambiguous on'; "
    "bind 'set completion-query-items 0'; bind 'set page-completions off'; PS1='$ '; source {}",
    "zsh": "PS1='$ '; LISTMAX=9999; autoload -Uz compinit; compinit -u -D; source {}",
    # As a package installs it.
    "zsh-package": "PS1='$ '; LISTMAX=9999; fpath=({folder} $fpath); autoload -Uz compinit; "
    "compinit -u -D",
}


def environment(workspace: Path) -> dict[str, str]:
    """Return what a shell with snapcli on its PATH has."""
    tools = Path(sys.executable).parent
    return {
        "HOME": str(workspace.parent),
        "PATH": f"{tools}:{os.environ.get('PATH', os.defpath)}",
        "SNAPCLI_WORKSPACE": str(workspace),
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        "COLUMNS": "160",
    }


def needs(shell: str) -> None:
    """Skip the test where the shell is not installed."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")


def bash_replies(workspace: Path, *words: str) -> list[str]:
    """Return what bash would offer for the last of the words, cut as bash cuts them."""
    needs("bash")
    quoted = " ".join(f"'{word}'" for word in ("snapcli", *words))
    script = (
        f"source {SCRIPTS['bash']}; COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _snapcli; "
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env=environment(workspace),
        capture_output=True,
        text=True,
        check=True,
        cwd=workspace.parent,
    )
    return done.stdout.split()


def fish_offers(workspace: Path, line: str) -> list[str]:
    """Return fish's own answer to what may complete a line, descriptions included."""
    needs("fish")
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {SCRIPTS['fish']}; complete -C '{line}'"],
        env=environment(workspace),
        capture_output=True,
        text=True,
        check=True,
        cwd=workspace.parent,
    )
    return done.stdout.splitlines()


class Typing:
    """A shell at a terminal of its own, with the completion sourced; keys go in, a screen comes."""

    def __init__(self, shell: str, workspace: Path) -> None:
        name = shell.split("-")[0]
        setup = _SETUP[shell].format(SCRIPTS[name], folder=SCRIPTS[name].parent)
        shell = name
        needs(shell)
        pid, self._terminal = pty.fork()
        if pid == 0:  # pragma: no cover
            os.chdir(workspace.parent)
            os.execvpe(_START[shell][0], _START[shell], environment(workspace))
        self._pid = pid
        self.press(f"{setup}; echo {_READY[:5]}''{_READY[5:]}\n")
        self.until(_READY)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._terminal, keys.encode())

    def until(self, wanted: str, seconds: float = 60) -> str:
        """Return what came on the screen up to a text; fail when it does not come."""
        screen = ""
        end = time.monotonic() + seconds
        while wanted not in screen:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._terminal], [], [], left)[0]:
                pytest.fail(f"{wanted!r} did not come: {screen!r}")
            raw = os.read(self._terminal, 65536).decode(errors="replace")
            screen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r", "", raw)
        return screen

    def close(self) -> None:
        """End the shell."""
        os.close(self._terminal)
        os.waitpid(self._pid, 0)
