"""Long random series of requests against a naive model of the rules: no difference in any step."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from rules_steps_groups import RulesMachine

RULES = (
    *("AC-1", "CR-1", "CR-4", "CR-6", "CR-7", "CR-8", "CR-9", "CR-11", "CR-12", "LS-1", "LS-2"),
    *("LS-4", "LS-6", "LS-8", "IN-4", "IN-5", "IA-1", "IA-2", "IA-3", "IA-4", "IA-5", "CP-1"),
    *("CP-2", "CP-4", "CP-5", "CP-6", "RB-1", "RB-2", "RB-3", "RB-4", "RB-5", "DL-1", "DL-2"),
    *("DL-3", "DL-4", "DL-5", "SZ-1", "SZ-3", "TG-1", "IM-1", "IM-4", "IM-7", "IM-9", "PO-3"),
    *("PO-4", "PO-5", "PO-6", "PO-7", "PO-8", "PO-9", "PO-10", "PO-12", "OV-3", "OV-5"),
    *("GR-1", "GR-4", "GR-5", "GR-6", "GB-1", "GB-2", "GB-3"),
)


def _settings(examples: int, steps: int, *, same: bool = False) -> settings:
    """`same` takes the same steps each time."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=same,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(autouse=True)
def _in_memory(memory_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing here looks at the disk after a power cut; syncing would only take time."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(tempfile, "tempdir", str(memory_folder))
    yield


@pytest.mark.rule(*RULES)
def test_the_service_does_in_every_step_what_the_model_of_the_rules_says() -> None:
    run_state_machine_as_test(RulesMachine, settings=_settings(6, 50, same=True))


@pytest.mark.slow
@pytest.mark.rule(*RULES)
def test_long_series_of_requests_do_in_every_step_what_the_model_of_the_rules_says() -> None:
    run_state_machine_as_test(RulesMachine, settings=_settings(40, 200))
