"""What a person is asked before bytes are lost, and reminded of afterwards."""

from types import SimpleNamespace

import pytest
from cli_running import Run

TERMINAL = ("stdin", "stdout", "stderr")
ECS = "ecs ResetDisk --DiskId d-1 --SnapshotId s-1"
FRIENDLY = "reset-disk --disk-id d-1 --snapshot-id s-1"


def resets(service: SimpleNamespace) -> int:
    return sum(action == "ResetDisk" for action, _, _ in service.calls)


@pytest.mark.rule("RB-2")
@pytest.mark.parametrize("line", [ECS, FRIENDLY])
@pytest.mark.parametrize(("answer", "done"), [("y\n", 1), ("yes\n", 1), ("\n", 0), ("", 0)])
def test_at_a_terminal_a_rollback_says_what_is_lost_and_asks(
    run: Run, service: SimpleNamespace, line: str, answer: str, done: int
) -> None:
    outcome = run(*line.split(), stdin=answer, terminals=TERMINAL)
    assert "Disk d-1 goes back to snapshot s-1" in outcome.err
    assert "Everything written to the disk since then is lost." in outcome.err
    assert resets(service) == done
    assert outcome.code == 1 - done
    assert ("Nothing was changed" in outcome.err) is (done == 0)


@pytest.mark.rule("RB-2")
@pytest.mark.parametrize("line", [ECS, FRIENDLY])
@pytest.mark.parametrize(
    ("extra", "terminals"),
    [("", ()), ("", ("stdin",)), ("", ("stderr",)), ("--yes", TERMINAL), ("-y", TERMINAL)],
)
def test_with_yes_or_without_a_terminal_it_goes_on_without_asking(
    run: Run, service: SimpleNamespace, line: str, extra: str, terminals: tuple[str, ...]
) -> None:
    outcome = run(*line.split(), *extra.split(), terminals=terminals)
    assert "Go on?" not in outcome.err
    assert (outcome.code, resets(service)) == (0, 1)


@pytest.mark.rule("RB-2")
def test_a_dry_run_loses_nothing_and_asks_nothing(run: Run, service: SimpleNamespace) -> None:
    assert "Go on?" not in run(*FRIENDLY.split(), "--dry-run", terminals=TERMINAL).err


@pytest.mark.rule("RB-7")
def test_after_a_rollback_it_reminds_of_what_is_configured_inside_the_guest(
    run: Run, service: SimpleNamespace
) -> None:
    for err in (
        run(*FRIENDLY.split()).err,
        run(*ECS.split(), "--yes", terminals=TERMINAL).err,
    ):
        for words in ("host name", "network", "clock source", "key pair", "password"):
            assert words in " ".join(err.split())
    assert run(*ECS.split()).err == ""
