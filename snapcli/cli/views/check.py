"""`check`: what was verified and what is wrong. Draws text only."""

import msgspec

from snapcli.cli.session import Session


class _Problem(msgspec.Struct, rename="pascal"):
    file: str
    message: str
    snapshot_id: str = ""
    block: int | None = None
    disks: list[str] = []


class _Check(msgspec.Struct, rename="pascal"):
    documents: int
    disks: int
    chains: int
    snapshots: int
    data_blocks: int
    data_was_read: bool
    problems: list[_Problem]


def view(answer: object, _: Session) -> str:
    """Return a line of what was checked, then each problem with what it touches."""
    check = msgspec.convert(answer, _Check)
    blocks = (
        f"{check.data_blocks} blocks read"
        if check.data_was_read
        else f"{check.data_blocks} blocks not read (--read-data does)"
    )
    text = (
        f"Checked {check.documents} documents, {check.disks} disks, {check.chains} chains, "
        f"{check.snapshots} snapshots; {blocks}.\n"
    )
    if not check.problems:
        return text + "Nothing is wrong.\n"
    listed = "".join(_problem(problem) for problem in check.problems)
    many = "1 problem" if len(check.problems) == 1 else f"{len(check.problems)} problems"
    return f"{text}{many}:\n{listed}"


def _problem(problem: _Problem) -> str:
    lines = [f"- {problem.message}", f"  file: {problem.file}"]
    if problem.snapshot_id:
        block = "" if problem.block is None else f", block {problem.block}"
        lines.append(f"  snapshot: {problem.snapshot_id}{block}")
    if problem.disks:
        lines.append(f"  disks it touches: {', '.join(problem.disks)}")
    return "\n".join(lines) + "\n"
