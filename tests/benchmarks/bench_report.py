"""The table as text, as Markdown between README's markers, and as JSON. Measures nothing."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench_rows import READING_HERE, Row, Samples

BEGIN, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"


def machine(folder: Path) -> str:
    """Describe the machine in a line: cores, processor, memory, file system, Python."""
    cores = len(os.sched_getaffinity(0))
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    return (
        f"{cores} cores ({_processor()}), {memory_gib:.0f} GiB of memory, {_file_system(folder)}, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """Return the type of the file system that a folder is on."""
    device = os.stat(folder).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[2] == wanted:
            return words[words.index("-") + 1]
    return "unknown file system"


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:.2f} s" if unit == "s" else f"{value:.0f} {unit}"


def _cells(row: Row) -> tuple[str, str, str, str, str, str]:
    if row.peer is None:
        ratio, most = "", f"{row.most:.0f} {row.unit}"
    else:
        ratio, most = f"{row.ratio:.2f}", f"{row.most:.2f}"
    ours = _figure(row.ours, row.unit)
    peer = f"{_figure(row.peer, row.unit)} ({row.peer_name})" if row.peer_name else ""
    return row.title, ours, peer, ratio, most, "met" if row.met else "MISSED"


_HEADINGS = ("", "snapcli", "best peer", "ratio", "at most", "")


def text_table(rows: Sequence[Row]) -> str:
    """Return the table for a terminal."""
    lines = [_HEADINGS, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def details(samples: Samples, keys: Sequence[str]) -> str:
    """Return every side's median, row by row, in seconds or bytes."""
    lines = []
    for key in keys:
        figures = ", ".join(f"{side} {value:.4g}" for side, value in samples.sides(key))
        if figures:
            lines.append(f"{key}: {figures}")
    return "\n".join(lines)


def notes(samples: Samples) -> list[str]:
    """Say what the table leaves out: sides that do not wait for the disk, the unread third."""
    said = []
    for key, what in (
        ("full", "the full snapshot"),
        ("second", "the second"),
        ("new-disk", "the new disk"),
        ("rollback", "the rollback"),
    ):
        found = samples.against_unsynced(key)
        if found is not None:
            said.append(f"{what} {found[1]:.2f} of {found[0]}")
    lines = []
    if said:
        lines.append(
            "All figures end with the bytes on the disk: a peer's time is that of its commands and "
            "of an fsync of every file it wrote. Against peers that do not wait for the disk, "
            "while snapcli does: " + ", ".join(said) + "."
        )
        lines.append(
            "Before every step what it reads is brought into the page cache, and memory that the "
            "host of a virtual machine may have taken is claimed back, on both sides. snapcli "
            "writes large packs and new disks past the cache: outside this table, the first to "
            "read them reads the disk."
        )
    reading = dict(samples.sides("third-read")).get(READING_HERE)
    if reading is not None:
        ratio = median(samples.ratios("third-read", READING_HERE))
        lines.append(
            "A disk that was not written to since the snapshot before is not read again: its dates "
            "prove it. One that was, even without a change, is read and hashed as a whole. The "
            "reading it is compared with is a process that does 1 MiB preads; without the start of "
            f"that process it takes {reading:.2f} s, and the snapshot {ratio:.2f} times that."
        )
    return lines


def markdown(rows: Sequence[Row], about: Sequence[str], command: str) -> str:
    """Return the table for README, with how it came to be."""
    lines = ["| | snapcli | best peer | ratio | at most | |", "|---|---|---|---|---|---|"]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    lines.append("")
    lines += [f"- {line}" for line in about]
    lines += ["", f"Repeated by `{command}`, as root where peers are to be installed."]
    return "\n".join(lines)


def write_readme(path: Path, table: str) -> None:
    """Put the table between the markers of README. Raises ValueError without markers."""
    text = path.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{path} has no markers {BEGIN} and {END}")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


def write_json(path: Path, rows: Sequence[Row], about: Sequence[str], samples: Samples) -> None:
    """Write all figures for a program to read."""
    content = {
        "about": list(about),
        "rows": [row._asdict() | {"met": row.met} for row in rows],
        "medians": {row.key: dict(samples.sides(row.key)) for row in rows},
    }
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
