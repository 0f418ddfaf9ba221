"""`init`, `config` and `status` on a real workspace."""

import json
from pathlib import Path

import pytest
from cli_running import Run

from snapcli.workspace import settings_edit


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SNAPCLI_WORKSPACE", raising=False)
    return tmp_path


def new_disk(run: Run) -> str:
    image = "ubuntu_18_04_x64_20G_alibase_20220101.vhd"
    made = run(*f"run-instances --image-id {image} --instance-type ecs.g6.large".split())
    assert made.code == 0, made.err
    disk_id: str = json.loads(run("describe-disks").out)["Disks"]["Disk"][0]["DiskId"]
    return disk_id


@pytest.mark.rule("AC-1")
def test_init_shows_the_notice_on_billing_and_activates_the_service(run: Run, here: Path) -> None:
    done = run("init")
    assert done.code == 0
    assert "every snapshot is billed for its size and for how long it is kept" in " ".join(
        done.err.split()
    )
    assert done.out == (f"Workspace made in {here}/.snapcli.\nThe snapshot service is activated.\n")
    assert run("create-snapshot", "--disk-id", new_disk(run)).code == 0


@pytest.mark.rule("AC-1")
def test_without_activation_snapshots_are_refused(run: Run, here: Path) -> None:
    assert run("init", "--no-activate").err == ""
    disk = new_disk(run)
    refused = run("create-snapshot", "--disk-id", disk)
    assert refused.code == 1
    assert "SnapshotServiceUnavailable" in refused.err
    assert "billed" in run("open-snapshot-service").err
    assert run("create-snapshot", "--disk-id", disk).code == 0


def test_init_in_another_folder_is_found_from_below_it(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("init", "demo").code == 0
    below = here / "demo" / "deep"
    below.mkdir()
    monkeypatch.chdir(below)
    assert json.loads(run("status", "-o", "json").out)["Workspace"] == f"{here}/demo/.snapcli"


def test_init_twice_is_harmless_and_says_so(run: Run, here: Path) -> None:
    run("init")
    before = (here / ".snapcli" / "workspace.toml").read_bytes()
    done = run("init")
    assert done.code == 0
    assert done.out.startswith(f"There is a workspace in {here}/.snapcli already.\n")
    assert (here / ".snapcli" / "workspace.toml").read_bytes() == before


def test_init_warns_when_the_environment_leads_other_commands_elsewhere(
    run: Run, here: Path
) -> None:
    done = run("init", "--no-activate", environ={"SNAPCLI_WORKSPACE": f"{here}/other"})
    assert done.code == 0
    assert f"SNAPCLI_WORKSPACE leads other commands to {here}/other" in done.err


def test_init_answers_json_when_asked(run: Run, here: Path) -> None:
    assert json.loads(run("init", "--output", "json").out) == {
        "Workspace": f"{here}/.snapcli",
        "Made": True,
        "Activated": True,
    }


def test_a_setting_is_changed_and_read_back(run: Run, here: Path) -> None:
    run("init", "--no-activate")
    assert run("config", "set", "speed", "instant").out == "speed = instant\n"
    assert run("config", "get", "speed").out == "instant\n"
    assert json.loads(run("config", "get", "speed", "-o", "json").out) == {"speed": "instant"}
    assert settings_edit.get(str(here / ".snapcli"), "speed") == "instant"


def test_a_setting_that_is_not_right_is_refused_with_exit_code_2(run: Run, here: Path) -> None:
    run("init", "--no-activate")
    done = run("config", "set", "speed", "instnt")
    assert (done.code, done.out) == (2, "")
    assert "instnt" in done.err
    assert run("config", "get", "sped").code == 2
    assert run("config", "get", "speed").out == "quick\n"


def test_every_setting_is_listed_with_where_it_is_from(run: Run, here: Path) -> None:
    run("init", "--no-activate")
    lines = run("config", "list").out.splitlines()
    assert lines[0].split() == ["Setting", "Value", "From"]
    assert ["speed", "quick", "file"] in [line.split() for line in lines]
    assert json.loads(run("config", "list", "-o", "json").out)["region"] == "cn-hangzhou"


def test_status_tells_the_workspace_its_clock_and_what_it_holds(run: Run, here: Path) -> None:
    run("init")
    status = json.loads(run("status", "--output", "json").out)
    assert status["Workspace"] == f"{here}/.snapcli"
    assert status["Region"] == "cn-hangzhou"
    assert (status["Instances"], status["Disks"], status["Snapshots"]) == (0, 0, 0)
    assert "running, the system's time" in run("status").out
    assert json.loads(run("status", "--region", "cn-beijing", "-o", "json").out)["Region"] == (
        "cn-beijing"
    )
