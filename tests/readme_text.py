"""README.md read as data: its blocks of commands, what they show, and what they need."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"

_BLOCK = re.compile(
    r"^(?:<!-- (?P<note>[^\n]*) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)


class Block:
    """A fenced block of commands, and the output that the README shows below it, if any."""

    def __init__(self, note: str, commands: str) -> None:
        self.note = note
        self.commands = commands
        self.shown: str | None = None


def command_blocks() -> list[Block]:
    """Return the blocks of commands in order."""
    blocks: list[Block] = []
    for found in _BLOCK.finditer(README.read_text(encoding="utf-8")):
        if found["kind"] in ("sh", "console"):
            blocks.append(Block(found["note"] or "", found["text"]))
        elif found["kind"] == "text":
            blocks[-1].shown = found["text"]
    return blocks


def fresh_machine_command(what: str) -> str:
    """Return the one line for a fresh machine: what is "run" or "test"."""
    [line] = [
        block.commands.strip()
        for block in command_blocks()
        if block.note == f"fresh machine: {what}"
    ]
    assert "\n" not in line
    return line


def stable(text: str) -> str:
    """Return output without what differs from run to run: ids and times."""
    text = re.sub(r"\b([a-z])-bp1[a-z0-9]{17}\b", r"\1-ID", text)
    return re.sub(
        r"[A-Z][a-z]+ \d+, \d{4}, \d\d:\d\d *", "TIME  ", re.sub("Created *", "TIME  ", text)
    )
