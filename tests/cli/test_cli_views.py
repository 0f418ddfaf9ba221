"""The console's tables: their columns, their words, and that nothing is ever cut."""

from types import SimpleNamespace

import pytest
from cli_running import Run

from snapcli.cli.session import Session
from snapcli.cli.streams import Streams
from snapcli.cli.views import chain_view, chains, check, clock, snapshots
from snapcli.cli.views.listing import bytes_text


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    from snapcli.cli.views import listing

    monkeypatch.setattr(listing, "_time_zone", lambda _: "Asia/Shanghai")
    return Session(Streams(environ={}, terminals={"stdout": False, "stderr": False}, width=80))


def snapshot(**changes: object) -> dict[str, object]:
    return {
        "SnapshotId": "s-bp1",
        "SnapshotName": "first",
        "Tags": {"Tag": [{"TagKey": "env", "TagValue": "prod"}]},
        "Category": "standard",
        "SnapshotType": "user",
        "InstantAccess": True,
        "InstantAccessRetentionDays": 1,
        "SourceDiskId": "d-bp1",
        "SourceDiskSize": "40",
        "SourceDiskType": "data",
        "Encrypted": False,
        "CreationTime": "2022-03-11T02:33:00Z",
        "Progress": "0%",
        "Status": "progressing",
    } | changes


def shown(session: Session, **changes: object) -> dict[str, str]:
    answer = {"Snapshots": {"Snapshot": [snapshot(**changes)]}, "TotalCount": 1}
    picture = snapshots.view(answer, session)
    return dict(zip(picture.columns, picture.rows[0], strict=True))


@pytest.mark.rule("LS-9", "IA-7")
def test_a_snapshot_is_shown_as_the_guides_table_shows_it(session: Session) -> None:
    assert shown(session) == {
        "Snapshot ID/Name": "s-bp1\nfirst",
        "Tag": "env:prod",
        "Snapshot Type": "Normal Snapshot",
        "Snapshot Source": "Custom Snapshot",
        "Instant Access": "Expires At March 12, 2022, 10:33",
        "Disk ID": "d-bp1",
        "Disk Size": "40GiB",
        "Disk Type": "Data Disk",
        "Encrypted/Unencrypted": "Unencrypted",
        "Creation Time": "March 11, 2022, 10:33",
        "Kept For": "Always Keep",
        "Progress": "0%",
        "Status": "Progressing",
    }


@pytest.mark.rule("LS-9")
@pytest.mark.parametrize(
    ("changes", "column", "words"),
    [
        ({"Category": "flash"}, "Snapshot Type", "Local Snapshot"),
        ({"Category": "archive"}, "Snapshot Type", "Archived Snapshot"),
        ({"SnapshotType": "auto"}, "Snapshot Source", "Automatic Snapshot"),
        ({"SourceSnapshotId": "s-2ze"}, "Snapshot Source", "Copied Snapshot"),
        ({"InstantAccess": False}, "Instant Access", "Disabled"),
        ({"RetentionDays": 1}, "Kept For", "1Days"),
        ({"RetentionDays": -1}, "Kept For", "Always Keep"),
        ({"SourceDiskType": "system"}, "Disk Type", "System Disk"),
        ({"Encrypted": True}, "Encrypted/Unencrypted", "Encrypted"),
        ({"Status": "accomplished"}, "Status", "Successful"),
        ({"Status": "failed"}, "Status", "Failed"),
    ],
)
def test_each_value_has_the_consoles_word(
    session: Session, changes: dict[str, object], column: str, words: str
) -> None:
    assert shown(session, **changes)[column] == words


@pytest.mark.rule("SZ-1")
def test_a_chain_is_shown_with_the_number_and_size_of_its_snapshots(session: Session) -> None:
    link = {
        "SnapshotLinkId": "d-bp1",
        "SourceDiskName": "data",
        "InstanceId": "i-bp1",
        "InstanceName": "i-bp1",
        "SourceDiskSize": 40,
        "SourceDiskType": "system",
        "TotalCount": 3,
        "TotalSize": 1342177280,
    }
    picture = chains.view({"SnapshotLinks": {"SnapshotLink": [link]}, "TotalCount": 9}, session)
    assert dict(zip(picture.columns, picture.rows[0], strict=True)) == {
        "Disk ID/Name": "d-bp1\ndata",
        "Instance ID/Name": "i-bp1",
        "Disk Size": "40GiB",
        "Disk Type": "System Disk",
        "Snapshot Type": "Normal Snapshot",
        "Snapshots": "3",
        "Snapshot Size": "1.25 GiB",
    }
    assert picture.more.startswith("1 of 9 shown; --page-number 2")


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [(0, "0 B"), (1023, "1023 B"), (65536, "64 KiB"), (3 << 29, "1.5 GiB"), (1 << 42, "4 TiB")],
)
def test_sizes_are_written_in_binary_units(size_bytes: int, words: str) -> None:
    assert bytes_text(size_bytes) == words


def node(name: str, cells: dict[int, str], runs: list[tuple[int, int]]) -> dict[str, object]:
    return {
        "SnapshotId": f"s-{name}",
        "SnapshotName": name,
        "CreationTime": "2022-03-11T02:33:00Z",
        "Status": "accomplished",
        "Progress": "100%",
        "DataBlocks": len(cells),
        "EmptyBlocks": 0,
        "SizeBytes": len(cells) << 16,
        "Runs": [{"FirstBlock": first, "Count": many, "Kind": "data"} for first, many in runs],
        "Cells": [{"Column": column, "Text": text} for column, text in cells.items()],
    }


def chain(columns: list[int], *nodes: dict[str, object]) -> dict[str, object]:
    return {
        "DiskId": "d-bp1",
        "DiskName": "data",
        "ChainId": "d-bp1",
        "RegionId": "cn-hangzhou",
        "BlockBytes": 65536,
        "TotalCount": len(nodes),
        "TotalSize": 7 << 16,
        "OccupiedBytes": 4096,
        "Columns": columns,
        "Nodes": list(nodes),
    }


@pytest.mark.rule("IN-2")
def test_the_guides_example_is_drawn_as_the_guide_draws_it(session: Session) -> None:
    picture = chain_view.view(
        chain(
            [0, 1, 2, 9],
            node("S1", {0: "A", 1: "B", 2: "C", 3: "D"}, []),
            node("S2", {1: "B1", 2: "C1"}, []),
            node("S3", {1: "B2"}, []),
        ),
        session,
    )
    when = "March 11, 2022, 10:33"
    assert picture.splitlines()[:6] == [
        "Chain of disk d-bp1 (data): 3 snapshots, 448 KiB of blocks, 4 KiB on this machine",
        "",
        "Snapshot  Name  Created                A  B   C   D  Blocks  Size",
        f"s-S1      S1    {when}  A  B   C   D  4       256 KiB",
        f"s-S2      S2    {when}     B1  C1     2       128 KiB",
        f"s-S3      S3    {when}     B2         1       64 KiB",
    ]
    assert "A=0  B=1  C=2  D=9" in picture


def test_a_chain_of_copies_says_that_it_is_one_and_where(session: Session) -> None:
    copies = chain([], node("S1", {}, [])) | {"ChainId": "sl-bp1", "RegionId": "cn-beijing"}
    assert chain_view.view(copies, session).startswith(
        "Copies in cn-beijing of disk d-bp1 (data): 1 snapshot, "
    )


def test_a_large_chain_is_drawn_as_bars_over_the_disk(session: Session) -> None:
    picture = chain_view.view(
        chain([], node("S1", {}, [(0, 400)]), node("S2", {}, [(200, 10)])), session
    )
    bars = [line for line in picture.splitlines() if line.startswith("s-")]
    assert "█" * 40 in bars[0]
    assert " " * 20 + "█" in bars[1]
    assert "█" * 2 not in bars[1]


def test_check_names_each_problem_with_snapshot_block_and_disks(session: Session) -> None:
    counted = {
        "Documents": 3,
        "Disks": 2,
        "Chains": 1,
        "Snapshots": 2,
        "DataBlocks": 5,
        "DataWasRead": True,
    }
    problem = {
        "File": "/w/p.pack",
        "Message": "The digest differs.",
        "SnapshotId": "s-1",
        "Block": 7,
        "Disks": ["d-1", "d-2"],
    }
    assert check.view(counted | {"Problems": []}, session).endswith("Nothing is wrong.\n")
    assert check.view(counted | {"Problems": [problem]}, session).splitlines()[1:] == [
        "1 problem:",
        "- The digest differs.",
        "  file: /w/p.pack",
        "  snapshot: s-1, block 7",
        "  disks it touches: d-1, d-2",
    ]


def test_the_clock_says_how_it_runs(session: Session) -> None:
    at = {"Now": "2022-03-11T02:33:00Z", "Mode": "system", "OffsetSeconds": 0}
    assert clock.view(at, session) == "2022-03-11T02:33:00Z  running, the system's time\n"
    ahead = clock.view(at | {"OffsetSeconds": 266400}, session)
    assert ahead == "2022-03-11T02:33:00Z  running, 3d2h ahead of the system's time\n"
    moved = clock.view(at | {"Mode": "frozen", "MovedFrom": "2022-03-10T02:33:00Z"}, session)
    assert moved == "was   2022-03-10T02:33:00Z\nis    2022-03-11T02:33:00Z  frozen\n"


LONG = "s-bp1" + "a" * 60


@pytest.fixture
def many(service: SimpleNamespace, session: Session) -> SimpleNamespace:
    import cli_fake_service as fake

    class Row(fake.RowItem):
        status: str = "accomplished"
        creation_time: str = "2022-03-11T02:33:00Z"

    rows = fake.Rows(snapshot=[Row(snapshot_id=LONG)])
    service.answer = fake.DescribeResponse(snapshots=rows, total_count=1)
    return service


def test_at_a_terminal_a_describe_draws_the_table(run: Run, many: SimpleNamespace) -> None:
    done = run("describe-snapshots", terminals=("stdout",), environ={"NO_COLOR": "1"})
    assert done.out.startswith("Snapshot ID/Name ")
    assert LONG in done.out
    assert "Successful" in done.out
    assert "\x1b" not in done.out
    assert "\x1b[" in run("describe-snapshots", terminals=("stdout",)).out


def test_a_narrow_terminal_gets_a_card_for_each_item_and_nothing_is_cut(
    run: Run, many: SimpleNamespace
) -> None:
    done = run("describe-snapshots", terminals=("stdout",), environ={"NO_COLOR": "1"}, width=60)
    assert f"Snapshot ID/Name       {LONG}\n" in done.out
    assert "Status                 Successful\n" in done.out


def test_a_table_asked_for_in_a_pipe_has_no_colours_and_cuts_nothing(
    run: Run, many: SimpleNamespace
) -> None:
    done = run("describe-snapshots", "--output", "table", width=40)
    assert LONG in done.out
    assert "\x1b" not in done.out
    assert all(line == line.rstrip() for line in done.out.splitlines())


def test_at_a_terminal_json_is_still_there_for_the_asking(run: Run, many: SimpleNamespace) -> None:
    piped = run("describe-snapshots").raw
    assert run("describe-snapshots", "-o", "json", terminals=("stdout",)).raw == piped


def test_an_empty_list_is_success_with_a_remark_at_a_terminal_only(
    run: Run, service: SimpleNamespace, session: Session
) -> None:
    quiet = run("describe-snapshots", "--output", "table")
    assert (quiet.code, len(quiet.out.splitlines()), quiet.err) == (0, 2, "")  # the header
    told = run("describe-snapshots", terminals=("stdout", "stderr"))
    assert (told.code, told.out, told.err) == (0, "", "No snapshots found.\n")
