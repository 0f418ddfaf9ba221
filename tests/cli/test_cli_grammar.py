"""The argument grammar of the real command, as section 1 of its behaviour page states it."""

import pytest

from snapcli.cli import grammar
from snapcli.cli.usage import UsageError


def taken_apart(line: str) -> tuple[list[str], dict[str, str], dict[str, list[str]]]:
    parsed = grammar.parse(line.split())
    return parsed.words, parsed.parameters, parsed.flags


@pytest.mark.parametrize(
    ("line", "words", "parameters", "flags"),
    [
        ("ecs DescribeSnapshots", "ecs DescribeSnapshots", {}, {}),
        ("ecs C --DiskId d-1", "ecs C", {"DiskId": "d-1"}, {}),
        ("ecs C --DiskId=d-1", "ecs C", {"DiskId": "d-1"}, {}),
        ("ecs C --DiskId:d-1", "ecs C", {"DiskId": "d-1"}, {}),
        ("ecs C --Description=a=b:c", "ecs C", {"Description": "a=b:c"}, {}),
        ("ecs C --Description:a=b", "ecs C", {"Description": "a=b"}, {}),
        (
            "ecs C --Tag.1.Key k --Tag.1.Value v",
            "ecs C",
            {"Tag.1.Key": "k", "Tag.1.Value": "v"},
            {},
        ),
        ("ecs C --DiskId.1 a --DiskId.2 b", "ecs C", {"DiskId.1": "a", "DiskId.2": "b"}, {}),
        ("ecs C --SnapshotIds --DiskId d", "ecs C", {"SnapshotIds": "", "DiskId": "d"}, {}),
        ("ecs C --SnapshotIds", "ecs C", {"SnapshotIds": ""}, {}),
        ("ecs C --Days=-1", "ecs C", {"Days": "-1"}, {}),
        ("ecs C --Name ---x", "ecs C", {"Name": "---x"}, {}),
        ("--region r ecs C", "ecs C", {}, {"region": ["r"]}),
        ("--RegionId r ecs C", "ecs C", {}, {"RegionId": ["r"]}),
        ("--yes ecs C", "ecs C", {}, {"yes": []}),
        ("-y -q ecs -h", "ecs", {}, {"yes": [], "quiet": [], "help": []}),
        ("-p me ecs C -e=host", "ecs C", {}, {"profile": ["me"], "endpoint": ["host"]}),
        ("--DiskId d ecs C", "ecs C", {"DiskId": "d"}, {}),
        ("ecs C --Force true --force", "ecs C", {"Force": "true"}, {"force": []}),
        ("ecs C --workspace w", "ecs C", {}, {"workspace": ["w"]}),
        ("ecs C --output cols=A rows=B", "ecs C", {}, {"output": ["cols=A", "rows=B"]}),
        ("ecs C -o cols=A --output rows=B", "ecs C", {}, {"output": ["cols=A", "rows=B"]}),
        ("ecs C --output cols=A, B rows=C", "ecs C", {}, {"output": ["cols=A,B", "rows=C"]}),
        ("ecs C --output=cols=A , B num=true", "ecs C", {}, {"output": ["cols=A,B", "num=true"]}),
        ("--output cols=A ecs C", "ecs C", {}, {"output": ["cols=A"]}),
        ("ecs C --waiter expr=a to=b", "ecs C", {}, {"waiter": ["expr=a", "to=b"]}),
        ("--pager ecs C", "ecs C", {}, {"pager": []}),
        ("ecs C --version 2014-05-26", "ecs C", {}, {"version": ["2014-05-26"]}),
        ("--version ecs C", "ecs C", {}, {"version": []}),
    ],
)
def test_a_line_is_taken_apart_as_the_real_command_does(
    line: str, words: str, parameters: dict[str, str], flags: dict[str, list[str]]
) -> None:
    assert taken_apart(line) == (words.split(), parameters, flags)


def test_a_value_given_apart_keeps_its_blanks_and_quotes() -> None:
    parsed = grammar.parse(["ecs", "C", "--SnapshotIds", '["s-a", "s-b"]', "--Description", ""])
    assert parsed.parameters == {"SnapshotIds": '["s-a", "s-b"]', "Description": ""}


@pytest.mark.parametrize("line", ["ecs C --DiskId a --DiskId b", "ecs C --DiskId=a --DiskId"])
def test_a_parameter_given_twice_is_refused_with_exit_code_1(line: str) -> None:
    with pytest.raises(UsageError) as refusal:
        grammar.parse(line.split())
    assert refusal.value.message == "parse failed flag duplicated --DiskId"
    assert refusal.value.exit_code == 1


def test_a_flag_of_one_value_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="flag duplicated --region"):
        grammar.parse(["ecs", "C", "--region", "a", "--region", "b"])


def test_a_two_character_value_with_a_dash_is_read_as_a_short_flag() -> None:
    with pytest.raises(UsageError) as refusal:
        grammar.parse(["ecs", "C", "--retentionDays", "-1"])
    assert refusal.value.message == "'--1' is not a valid parameter or flag."
    assert refusal.value.exit_code == 2


def test_a_longer_value_with_a_dash_is_lost_and_remembered_as_lost() -> None:
    parsed = grammar.parse(["ecs", "C", "--PortRange", "-1/-1", "--X", "y"])
    assert parsed.parameters == {"PortRange": "", "X": "y"}
    assert parsed.lost == [("PortRange", "-1/-1")]


def test_a_bare_double_dash_is_an_error() -> None:
    with pytest.raises(UsageError) as refusal:
        grammar.parse(["ecs", "C", "--"])
    assert refusal.value.exit_code == 1


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("ecs X", "ecs"),
        ("--workspace ecs create", "create"),
        ("--no-color Ecs X", "Ecs"),
        ("--output cols=A, B rows=C ecs", "ecs"),
        ("--output json disk path d", "disk"),
        ("--help", ""),
        ("", ""),
    ],
)
def test_the_first_word_is_found_behind_flags(line: str, word: str) -> None:
    argv = line.split()
    found, index = grammar.first_word(argv)
    assert found == word
    assert index == (argv.index(word, 1 if argv[:1] == ["--workspace"] else 0) if word else -1)


def test_the_words_of_a_flag_of_fields_are_given_apart_to_a_parser_of_single_values() -> None:
    argv = ["x", "--output", "cols=A,", "B", "rows=C", "--tag", "a=b", "-o", "json", "path"]
    assert grammar.joined_fields(["x", "--waiter", "expr=A", "to=B", "y", "--pager"]) == [
        "x",
        "--waiter=expr=A",
        "--waiter=to=B",
        "y",
        "--pager=",
    ]
    assert grammar.joined_fields(argv) == [
        "x",
        "--output=cols=A,B",
        "--output=rows=C",
        "--tag",
        "a=b",
        "--output=json",
        "path",
    ]
