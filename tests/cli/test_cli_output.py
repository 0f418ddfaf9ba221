"""The text table of `--output cols=…` (section 3 of the behaviour page), byte for byte."""

from types import SimpleNamespace

import pytest
from cli_running import Run

from snapcli.cli.output import columns, columns_table
from snapcli.cli.usage import UsageError

_ANSWER = {
    "RequestId": "1D2F3A40-0000-5AAA-8AAA-000000000001",
    "TotalCount": 2,
    "Snapshots": {
        "Snapshot": [
            {
                "SnapshotId": "s-bp1aaaaaaaaaaaaaaaa1",
                "Status": "accomplished",
                "Progress": "100%",
                "SourceDiskSize": "40",
                "Encrypted": False,
                "Tags": {"Tag": [{"TagValue": "prod", "TagKey": "env"}]},
            },
            {
                "SnapshotId": "s-bp1aaaaaaaaaaaaaaaa2",
                "Status": "progressing",
                "Progress": "37%",
                "SourceDiskSize": "200",
                "Encrypted": True,
                "Tags": {"Tag": []},
            },
        ]
    },
}


def shown(*words: str) -> list[str]:
    # Two final newlines: the table's own and the printer's.
    text = columns_table(columns(words), _ANSWER)
    assert text.endswith("\n\n")
    return [line.replace("prod", "prod") for line in text[:-2].split("\n")]


def test_rows_and_columns_are_laid_out_as_the_page_shows() -> None:
    assert shown("cols=SnapshotId,Status,Progress", "rows=Snapshots.Snapshot[]") == [
        "SnapshotId             | Status       | Progress",
        "----------             | ------       | --------",
        "s-bp1aaaaaaaaaaaaaaaa1 | accomplished | 100%",
        "s-bp1aaaaaaaaaaaaaaaa2 | progressing  | 37%",
    ]


def test_numbers_expressions_booleans_and_missing_values_are_laid_out_as_the_page_shows() -> None:
    assert shown(
        "cols=SnapshotId,SourceDiskSize,Tags.Tag[0].TagValue,Encrypted",
        "rows=Snapshots.Snapshot[]",
        "num=true",
    ) == [
        "Num | SnapshotId             | SourceDiskSize | Tags.Tag[0].TagValue | Encrypted",
        "--- | ----------             | -------------- | -------------------- | ---------",
        "0   | s-bp1aaaaaaaaaaaaaaaa1 | 40             | prod                 | false",
        "1   | s-bp1aaaaaaaaaaaaaaaa2 | 200            | <nil>                | true",
    ]


def test_without_rows_the_whole_response_is_the_one_row() -> None:
    assert shown("cols=RequestId,TotalCount,SnapshotId") == [
        "RequestId                            | TotalCount | SnapshotId",
        "---------                            | ---------- | ----------",
        "1D2F3A40-0000-5AAA-8AAA-000000000001 | 2          | <nil>",
    ]


def test_objects_are_printed_as_go_prints_them() -> None:
    assert shown("cols=SnapshotId,Tags", "rows=Snapshots.Snapshot") == [
        "SnapshotId             | Tags",
        "----------             | ----",
        "s-bp1aaaaaaaaaaaaaaaa1 | map[Tag:[map[TagKey:env TagValue:prod]]]",
        "s-bp1aaaaaaaaaaaaaaaa2 | map[Tag:[]]",
    ]


def test_rows_that_are_arrays_take_a_name_and_an_index() -> None:
    assert shown("cols=Id:0,State:1,None:7", "rows=Snapshots.Snapshot[].[SnapshotId,Status]") == [
        "Id                     | State        | None",
        "--                     | -----        | ----",
        "s-bp1aaaaaaaaaaaaaaaa1 | accomplished | <nil>",
        "s-bp1aaaaaaaaaaaaaaaa2 | progressing  | <nil>",
    ]


def test_an_empty_array_gives_the_header_alone() -> None:
    assert shown("cols=A", "rows=Snapshots.Snapshot[?Status=='failed']") == ["A", "-"]


def test_a_wide_header_counts_characters_and_its_dashes_bytes() -> None:
    assert shown('cols="快照",RequestId')[:2] == [
        '"快照"     | RequestId',
        "-------- | ---------",
    ]


def test_double_quotes_around_the_whole_value_and_blanks_after_commas_are_dropped() -> None:
    assert columns(['cols="A, B"', "rows=C"]).cols == ("A", "B")
    assert columns(["cols=A,B rows=C num=true"]) == columns(["cols=A,B", "rows=C", "num=true"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["json"], "bad flag format --output with field cols= required"),
        (["rows=A"], "bad flag format --output with field cols= required"),
        (["cols=A", "rows=Nope"], "jmespath: 'RootFilter[0].Nope' failed Need Array Expr"),
        (["cols=A", "rows=Snapshots["], "jmespath: 'RootFilter[0].Snapshots[' failed SyntaxError"),
        (
            ["cols=A", "rows=Snapshots.Snapshot[].[Status]"],
            "colNames: A must be string:number format, like 'name:0', 0 is the array index",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused_with_exit_code_1(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        columns_table(columns(words), _ANSWER)
    assert refusal.value.message.startswith(message)
    assert refusal.value.exit_code == 1


@pytest.mark.rule("CR-13")
@pytest.mark.parametrize("command", [("ecs", "DescribeSnapshots"), ("describe-snapshots",)])
def test_the_guides_own_line_with_a_blank_after_the_comma_works(
    run: Run, service: SimpleNamespace, command: tuple[str, ...]
) -> None:
    done = run(*command, "--output", "cols=RequestId,", "TotalCount", "rows=[@]")
    assert (done.code, done.err) == (0, "")
    assert done.out == "RequestId | TotalCount\n--------- | ----------\n          | 0\n\n"


def test_the_columns_are_checked_before_anything_is_called(
    run: Run, service: SimpleNamespace
) -> None:
    done = run("ecs", "DescribeSnapshots", "--output", "json")
    assert (done.code, done.out, service.calls) == (1, "", [])
    assert done.err == "ERROR: bad flag format --output with field cols= required\n"
