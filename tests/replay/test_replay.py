"""Lines written for `aliyun ecs`, replayed in bash through the shim: what they print and return.

A transcript holds lines after `$ ` (and `> ` where they go on), what they print, standard error
after `2> `, and an exit status other than 0 as `[status]`. Ids and request ids are written as
`s-bp1xxxxxxxxxxxxxxxxx` and `REQUEST-ID`; `(*)` stands for any text. All lines of a transcript
run in one shell under `set -euo pipefail`, in a workspace of their own whose clock stands at
2022-03-11T02:33:00Z.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support import Cloud

HERE = Path(__file__).parent
TRANSCRIPTS = sorted(HERE.glob("*.txt"))
_BASH = shutil.which("bash")
WRITES = bool(os.environ.get("REPLAY_WRITE"))  # write the transcripts anew, to be read and judged

pytestmark = pytest.mark.skipif(_BASH is None, reason="bash is not here")


class Step:
    """One line (or several) of a transcript, and what is written below it."""

    def __init__(self, commands: str) -> None:
        self.commands = commands
        self.shown: list[str] = []

    @property
    def status(self) -> int:
        """The exit status that is written."""
        last = re.fullmatch(r"\[(\d+)\]", self.shown[-1]) if self.shown else None
        return int(last[1]) if last else 0


def read(path: Path) -> tuple[list[str], list[Step]]:
    """Return the head of a transcript and its steps."""
    head: list[str] = []
    steps: list[Step] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("$ "):
            steps.append(Step(line[2:]))
        elif line.startswith("> ") and steps and not steps[-1].shown:
            steps[-1].commands += "\n" + line[2:]
        elif steps:
            steps[-1].shown.append(line)
        else:
            head.append(line)
    return head, steps


def script(steps: list[Step]) -> str:
    """Return the lines as one script that keeps what each prints in files of its number."""
    parts = ["set -euo pipefail"]
    for at, step in enumerate(steps):
        body = f"{{ {step.commands}\n}} >{at}.out 2>{at}.err"
        if step.status or WRITES:
            body += f" && echo 0 >{at}.code || echo $? >{at}.code"
        else:
            body += f"\necho 0 >{at}.code"
        parts.append(body)
    return "\n".join(parts) + "\n"


def stable(text: str) -> str:
    """Return output without what differs from run to run."""
    text = re.sub(r"\b[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\b", "REQUEST-ID", text)
    # As wide as they are, so that tables stay in line.
    return re.sub(r"\b([a-z]+)-bp1[a-z0-9]{17}\b", r"\1-bp1" + 17 * "x", text)


def lines_of(text: str) -> list[str]:
    return stable(text).removesuffix("\n").split("\n") if text else []


def printed(folder: Path, at: int) -> list[str]:
    """Return what a step printed, as a transcript shows it."""
    if not (folder / f"{at}.code").exists():
        status = "?"
    else:
        status = (folder / f"{at}.code").read_text().strip()
    shown = lines_of((folder / f"{at}.out").read_text(encoding="utf-8"))
    shown += [f"2> {line}" for line in lines_of((folder / f"{at}.err").read_text(encoding="utf-8"))]
    return shown + ([f"[{status}]"] if status != "0" else [])


def alike(shown: str, line: str) -> bool:
    return re.fullmatch(re.escape(shown).replace(r"\(\*\)", ".*"), line) is not None


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_script_does_not_notice_the_difference(path: Path, cloud: Cloud, tmp_path: Path) -> None:
    head, steps = read(path)
    for need in " ".join(line for line in head if line.startswith("# needs:")).split()[2:]:
        if shutil.which(need) is None:
            pytest.skip(f"{need} is not here")
    cloud.ok("shim", str(tmp_path / "bin"))
    folder, home = tmp_path / "here", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    done = subprocess.run(
        [_BASH or "", "-c", script(steps)],
        cwd=folder,
        env={"HOME": str(home), "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if WRITES:
        write(path, head, steps, folder)
        return
    assert (done.stdout, done.stderr) == ("", "")
    for at, step in enumerate(steps):
        found = printed(folder, at) if (folder / f"{at}.err").exists() else ["(not run)"]
        matches = len(found) == len(step.shown) and all(map(alike, step.shown, found))
        told = [f"$ {step.commands}", *found, "-- but the transcript has:", *step.shown]
        assert matches, "\n".join(told)
    assert done.returncode == 0


def write(path: Path, head: list[str], steps: list[Step], folder: Path) -> None:
    """Write what was printed into the transcript, for a person to read and judge."""
    text = [*head]
    for at, step in enumerate(steps):
        first, *more = step.commands.split("\n")
        text += [f"$ {first}", *(f"> {line}" for line in more)]
        text += printed(folder, at) if (folder / f"{at}.err").exists() else step.shown
    path.write_text("\n".join(text) + "\n", encoding="utf-8")


def test_there_are_a_hundred_lines_and_more() -> None:
    calls = [
        call
        for path in TRANSCRIPTS
        for step in read(path)[1]
        for call in re.findall(r"\baliyun \S+ \S+", step.commands)
    ]
    assert len(calls) >= 100
