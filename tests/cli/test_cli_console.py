"""`snapcli console`: the tabs drawn, live, exported, as JSON and CSV; narrow and odd names too."""

import csv
import io
import json
import os
import pty
import re
import select
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from rich.cells import cell_len
from support import Cloud, block

from snapcli.cli.command_table import CONSOLE
from snapcli.cli.views import listing

SNAPCLI = str(Path(sys.executable).with_name("snapcli"))
CHINESE = "每日备份数据库"  # 7 characters, 14 columns
HEBREW = "גיבוי-יומי"


@pytest.fixture
def filled(cloud: Cloud) -> Cloud:
    """A workspace with two named snapshots of one disk."""
    cloud.disk_id = cloud.data_disk(cloud.instance(InstanceName="web-1"))
    for at, name in enumerate((CHINESE, HEBREW)):
        cloud.write(cloud.disk_id, at, block("A"))
        cloud.snapshot(cloud.disk_id, SnapshotName=name, Tag__1__Key="env", Tag__1__Value="prod")
    return cloud


def _words(cloud: Cloud, tab: str) -> list[str]:
    return ["console", tab, *([cloud.disk_id] if tab == "chain" else [])]


def test_without_a_tab_all_are_drawn_below_their_titles(filled: Cloud) -> None:
    out = filled.ok("console").out
    titles = [title for name, (_, title, _) in CONSOLE.items() if name != "chain"]
    at = [f"\n{out}".index(f"\n{title}\n") for title in titles]
    assert at == sorted(at)
    assert CHINESE in out and "No snapshot-consistent groups found." in out


@pytest.mark.parametrize("tab", CONSOLE)
def test_each_tab_is_drawn_and_answers_as_json_as_the_operation_does(
    tab: str, filled: Cloud
) -> None:
    action = CONSOLE[tab][0]
    words = _words(filled, tab)
    drawn = filled.ok(*words).out
    assert drawn and not drawn.startswith("{")
    answer = filled.ok(*words, "--output", "json").json
    extra = {"DiskId": filled.disk_id} if tab == "chain" else {"RegionId": "cn-hangzhou"}
    wanted = filled.ecs(action, **extra)
    assert {**answer, "RequestId": ""} == {**wanted, "RequestId": ""}
    rows = list(csv.reader(io.StringIO(filled.ok(*words, "--output", "csv").out)))
    assert len({len(row) for row in rows}) == 1


def test_the_columns_are_the_consoles(filled: Cloud) -> None:
    head = filled.ok("console", "snapshots").out.splitlines()[0]
    for column in ("Snapshot ID/Name", "Disk Type", "Kept For", "Progress", "Status"):
        assert column in head
    assert "Snapshot Size" in filled.ok("console", "chains").out.splitlines()[0]


def test_filters_and_pages_are_those_of_the_operation(filled: Cloud) -> None:
    one = filled.ok("console", "snapshots", "--snapshot-name", CHINESE).out
    assert CHINESE in one and HEBREW not in one
    page = filled.ok("console", "snapshots", "--page-size", "1", "--page-number", "2").out
    assert page.count("s-bp1") == 1
    lacking = filled.run("console", "chain")
    assert lacking.code == 3 and "DISK_ID" in lacking.err
    assert filled.run("console", "tabs").code == 2


def test_a_table_as_csv_has_ids_and_names_apart(filled: Cloud) -> None:
    for words in (("console", "snapshots"), ("describe-snapshots",)):
        rows = list(csv.DictReader(io.StringIO(filled.ok(*words, "--output", "csv").out)))
        assert [row["Snapshot Name"] for row in rows] == [HEBREW, CHINESE]
        assert all(row["Snapshot ID"].startswith("s-") for row in rows)
        assert rows[0]["Tag"] == "env:prod" and rows[0]["Creation Time"] == "March 11, 2022, 10:33"
    bill = list(csv.reader(io.StringIO(filled.ok("billing", "--output", "csv").out)))
    assert bill[0] == ["Field", "Value"] and ["Complete", "false"] in bill
    settings = filled.ok("config", "list", "--output", "csv").out
    assert settings.splitlines()[0] == "Setting,Value,From" and "speed,instant,file" in settings
    assert filled.run("status", "--output", "csv").code == 2
    found = filled.ok(
        "describe-snapshots", "--cli-query", "Snapshots.Snapshot[].{Id:SnapshotId}", "-o", "csv"
    )
    assert found.out.startswith("Id\ns-")


@pytest.mark.parametrize("ending", ["svg", "html"])
@pytest.mark.parametrize("tab", ["", *CONSOLE])
def test_a_tab_is_exported(tab: str, ending: str, filled: Cloud, tmp_path: Path) -> None:
    file = tmp_path / f"picture.{ending}"
    words = _words(filled, tab) if tab else ["console"]
    done = filled.ok(*words, "--export", str(file))
    assert done.out == "" and str(file) in done.err
    text = file.read_text(encoding="utf-8")
    assert text.lstrip().startswith("<svg" if ending == "svg" else "<!DOCTYPE html")
    assert "https://" not in text.replace("http://www.w3.org", "")
    assert "bp1" in text or tab in ("groups", "policies", "size")


def test_a_picture_is_whole_however_narrow_the_terminal(filled: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "chain.svg"
    _typed(filled, "console", "chain", filled.disk_id, "--export", str(file), width=60)
    assert "March" in file.read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_is_refused(filled: Cloud, tmp_path: Path) -> None:
    assert filled.run("console", "chains", "--export", "x.pdf").code == 2
    done = filled.run("console", "chains", "--export", str(tmp_path / "none" / "x.svg"))
    assert done.code == 1 and "cannot be written" in done.err
    mixed = filled.run("console", "chains", "--export", "x.svg", "--output", "json")
    assert mixed.code == 2 and not Path("x.svg").exists()


def test_columns_stand_below_each_other_whatever_the_script(filled: Cloud) -> None:
    lines = filled.ok("console", "chain", filled.disk_id).out.splitlines()
    rows = [line for line in lines if line.startswith(("Snapshot", "s-"))]
    ends = {cell_len(line[: line.index(mark)]) for line, mark in zip(
        rows, ("Created", "March", "March"), strict=True)}  # fmt: skip
    assert len(ends) == 1
    table = filled.ok("console", "snapshots").out.splitlines()
    where = {cell_len(line[: line.index("Normal")]) for line in table if "Normal Snap" in line}
    assert len(where) == 1


def test_a_name_from_right_to_left_does_not_turn_its_neighbours(filled: Cloud) -> None:
    for words in (("console", "snapshots"), ("console", "chain", filled.disk_id)):
        drawn = filled.run(*words, terminal=True).out
        assert f"\u2068{HEBREW}\u2069" in drawn
    # A program gets the name alone.
    assert "\u2068" not in filled.ok("console", "snapshots", "--output", "csv").out
    assert listing.isolated(CHINESE) == CHINESE
    assert all(unicodedata.category(char) == "Cf" for char in "\u2068\u2069")


def _typed(
    cloud: Cloud, *words: str, width: int = 60, environ: dict[str, str] | None = None
) -> str:
    shown = {**os.environ, "SNAPCLI_WORKSPACE": str(cloud.root), "COLUMNS": str(width)}
    code, screen = _at_a_terminal([SNAPCLI, *words], {**shown, "TERM": "xterm", **(environ or {})})
    assert code == 0, screen
    return screen


def _at_a_terminal(
    line: list[str], environ: dict[str, str], press: tuple[str, bytes] | None = None
) -> tuple[int, str]:
    """Run a program at a terminal of its own; type `press[1]` once `press[0]` is on the screen."""
    ours, theirs = pty.openpty()
    ours_out = b""
    program = subprocess.Popen(
        line, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, start_new_session=True,
        preexec_fn=_take_terminal,
    )  # fmt: skip
    os.close(theirs)
    end = time.monotonic() + 100
    while time.monotonic() < end and select.select([ours], [], [], 100)[0]:
        try:
            ours_out += os.read(ours, 65536)
        except OSError:
            break
        if press is not None and press[0].encode() in ours_out:
            os.write(ours, press[1])
            press = None
    os.close(ours)
    return program.wait(30), ours_out.decode()


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_a_narrow_terminal_gets_cards_and_no_colour_where_none_is_wanted(filled: Cloud) -> None:
    coloured = _typed(filled, "console")
    assert "\x1b[32mSuccessful" in coloured
    plain = _typed(filled, "console", environ={"NO_COLOR": "1"})
    assert "\x1b[3" not in plain and "Successful" in plain
    snapshots = plain[: plain.index("Snapshot Chains")]
    assert max(cell_len(each.rstrip("\r")) for each in snapshots.split("\n")) <= 60
    assert re.search(r"^Snapshot ID/Name +s-bp1", snapshots, re.M)


def test_a_chain_leaves_out_dates_before_it_breaks_lines(filled: Cloud) -> None:
    screen = _typed(filled, "console", "chain", filled.disk_id, width=70)
    rows = [line.rstrip("\r") for line in screen.split("\n") if line.startswith("s-bp1")]
    assert len(rows) == 2 and max(map(cell_len, rows)) <= 70 and "March" not in screen
    assert "March" in _typed(filled, "console", "chain", filled.disk_id, width=120)


def test_watching_draws_until_nothing_is_in_progress(filled: Cloud) -> None:
    filled.ok("config", "set", "speed", "quick")
    filled.ok("clock", "resume")
    filled.snapshot(filled.disk_id, SnapshotName="watched")
    screen = _typed(filled, "console", "snapshots", "--watch", width=300)
    assert "Progressing" in screen
    assert "Progressing" not in screen[screen.rindex("Snapshot ID/Name") :]


def test_ctrl_c_ends_watching_well(filled: Cloud) -> None:
    filled.ok("config", "set", "speed", "realistic")
    filled.snapshot(filled.disk_id)  # the clock stands, so it never ends
    environ = {**os.environ, "SNAPCLI_WORKSPACE": str(filled.root), "TERM": "xterm"}
    line = [SNAPCLI, "console", "--watch"]
    code, screen = _at_a_terminal(line, environ, ("Progressing", b"\x03"))
    assert code == 0 and "Traceback" not in screen
    assert screen.rindex("\x1b[?25h") > screen.rfind("\x1b[?25l"), (
        screen
    )  # the cursor is there again


def test_watching_without_a_terminal_draws_once(filled: Cloud) -> None:
    filled.ok("config", "set", "speed", "realistic")
    filled.snapshot(filled.disk_id)
    assert filled.ok("console", "groups", "--watch").code == 0
    out = filled.ok("console", "snapshots", "--watch").out
    assert out.count("Snapshot ID/Name") == 1 and "\x1b" not in out
    assert json.loads(filled.ok("console", "--output", "json").out).keys() >= {
        "DescribeSnapshots",
        "ShowSizeHistory",
    }
