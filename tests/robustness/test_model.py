"""Long random series of operations against a naive full-copy model, byte for byte."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from robustness_copies import CopiesMachine
from robustness_model import CloudMachine


def _settings(examples: int, steps: int, *phases: Phase) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=phases or tuple(Phase),
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(autouse=True)
def _no_power_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here looks at the disk after a power cut; syncing would only take time."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.mark.rule("OV-1", "IN-1", "IN-4", "IN-6", "RB-2", "RB-5", "DL-3", "SZ-1")
def test_disks_snapshots_and_sizes_are_those_of_full_copies() -> None:
    run_state_machine_as_test(CloudMachine, settings=_settings(12, 40))


@pytest.mark.slow
@pytest.mark.rule("OV-1", "IN-1", "IN-4", "IN-6", "RB-2", "RB-5", "DL-3", "SZ-1")
def test_long_series_keep_disks_snapshots_and_sizes_those_of_full_copies() -> None:
    run_state_machine_as_test(CloudMachine, settings=_settings(50, 120))


@pytest.mark.rule("CP-2", "CP-3", "IN-4", "IN-6")
def test_copies_in_other_regions_are_those_of_full_copies() -> None:
    run_state_machine_as_test(CopiesMachine, settings=_settings(10, 40))


@pytest.mark.slow
@pytest.mark.rule("CP-2", "CP-3", "IN-4", "IN-6")
def test_long_series_keep_copies_in_other_regions_those_of_full_copies() -> None:
    run_state_machine_as_test(CopiesMachine, settings=_settings(40, 120))
