"""`snapcli operations`: every operation described, for people and programs."""

import json

import pytest
from cli_running import Run

from snapcli.api import catalogue


def test_every_operation_has_a_line(run: Run) -> None:
    done = run("operations")
    assert (done.code, done.err) == (0, "")
    assert [line.split()[0] for line in done.out.splitlines()] == list(catalogue.ENTRIES)


@pytest.mark.parametrize("flag", ["--json", "--output=json"])
def test_a_program_is_told_names_types_errors_and_examples(run: Run, flag: str) -> None:
    [found] = json.loads(run("operations", "CreateSnapshot", flag).out)["Operations"]
    assert (found["Action"], found["Command"]) == ("CreateSnapshot", "create-snapshot")
    by_name = {each["Name"]: each for each in found["Parameters"]}
    assert by_name["DiskId"]["Required"] and by_name["DiskId"]["Option"] == "--disk-id"
    assert by_name["RetentionDays"]["Error"] == {
        "Code": "InvalidRetentionDays.Malformed",
        "HttpStatus": 400,
    }
    assert by_name["Category"]["Choices"] == ["standard", "flash"]
    assert {"Code": "InvalidDiskId.NotFound", "HttpStatus": 404} in found["Errors"]
    assert found["Examples"][0]["Line"].startswith("snapcli ecs CreateSnapshot --DiskId ")


@pytest.mark.parametrize("words", ["create-snapshot", "CreateSnapshot", "clock advance"])
def test_an_operation_is_found_by_its_action_or_command(run: Run, words: str) -> None:
    done = run("operations", *words.split())
    assert done.code == 0
    assert "required" in done.out and "  Errors: " in done.out


def test_a_mistyped_name_is_answered_with_the_nearest(run: Run) -> None:
    done = run("operations", "CreateSnapsho")
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("Did you mean:\n  CreateSnapshot\n")
