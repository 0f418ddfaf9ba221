"""Every script in examples/ runs as it is and does what it says, under either command's name."""

import re
from pathlib import Path

import pytest
from newcomer_shell import run_bash
from readme_text import ROOT
from support import Cloud

EXAMPLES = ROOT / "examples"
# Sessions and drills that need nothing, and how the last lines that each prints must end.
ENDINGS = {
    "first-session": ["accomplished"],
    "local-snapshot-session": ["accomplished"],
    "disaster-drill": ["there again."],
    "cross-region-drill": ["there again, in cn-beijing."],
    "rollback-and-keep-later-data": ["configuration: good", "order 1", "order 2"],
}
# Scripts that are called with ids; each has a test of its own below.
TOOLS = {
    "nightly-snapshot",
    "snapshot-and-wait",
    "upgrade-with-rollback",
    "clone-environment",
    "restore-to-another-instance",
    "year-of-policies",
    "test-backup-script",
    "app-consistent-mariadb",  # of test_example_mariadb
}


class Desk:
    """A workspace, and a shell in which its examples run under one of the names."""

    def __init__(self, folder: Path, cloud: Cloud, name: str) -> None:
        self.folder = folder
        self.cloud = cloud
        self.environ = {"SNAPCLI_WORKSPACE": str(cloud.root), "CLI": name}
        self.before = ""
        if name == "aliyun":
            self.before = f'eval "$(snapcli shim "{folder}/bin" 2>/dev/null)"\n'

    def run(self, script: str, *words: str, code: int = 0, **environ: str) -> list[str]:
        """Run an example; return the lines of its standard output."""
        line = " ".join(f"'{word}'" for word in (f"{EXAMPLES}/{script}.sh", *words))
        done = run_bash(f"{self.before}exec {line}", self.folder, **self.environ, **environ)
        assert done.returncode == code, done.stdout + done.stderr
        return [each for each in done.stdout.splitlines() if each]


@pytest.fixture(params=["snapcli", pytest.param("aliyun", marks=pytest.mark.slow)])
def desk(request: pytest.FixtureRequest, tmp_path: Path, cloud: Cloud) -> Desk:
    return Desk(tmp_path, cloud, request.param)


def _run_session(desk: Desk, name: str) -> None:
    wanted = ENDINGS[name]
    lines = desk.run(name)[-len(wanted) :]
    assert all(line.endswith(end) for line, end in zip(lines, wanted, strict=True)), lines
    desk.cloud.check()


@pytest.mark.rule("CR-13")
def test_the_guides_own_lines_make_a_snapshot(desk: Desk) -> None:
    _run_session(desk, "first-session")


def test_the_guides_own_lines_make_a_local_snapshot(desk: Desk) -> None:
    _run_session(desk, "local-snapshot-session")
    assert [each["Category"] for each in desk.cloud.snapshots()] == ["flash"]


@pytest.mark.rule("OV-3")
def test_a_destroyed_disk_is_made_again_from_its_snapshot_in_another_zone(desk: Desk) -> None:
    _run_session(desk, "disaster-drill")


def test_a_lost_region_is_made_again_from_a_copy_in_another(desk: Desk) -> None:
    _run_session(desk, "cross-region-drill")


@pytest.mark.rule("RB-8")
def test_the_guides_recipe_rolls_back_and_keeps_later_data(desk: Desk) -> None:
    _run_session(desk, "rollback-and-keep-later-data")


def test_the_nightly_snapshot_is_rotated_by_count_and_by_age(desk: Desk) -> None:
    cloud = desk.cloud
    disk = cloud.data_disk(cloud.instance())
    by_hand = cloud.snapshot(disk)
    made = []
    for _ in range(4):
        made += desk.run("nightly-snapshot", disk, KEEP="2", DAYS="5")
        cloud.ok("clock", "advance", "1d")
    assert {each["SnapshotId"] for each in cloud.snapshots()} == {by_hand, *made[-2:]}
    cloud.ok("clock", "advance", "10d")
    assert {each["SnapshotId"] for each in cloud.snapshots()} == {by_hand}


def test_it_waits_for_the_snapshot_and_no_longer_than_said(desk: Desk) -> None:
    cloud = desk.cloud
    disk = cloud.data_disk(cloud.instance())
    cloud.run("config", "set", "waiter", "advance")
    cloud.run("config", "set", "speed", "realistic")
    [first] = desk.run("snapshot-and-wait", disk, "waited-for")
    [found] = cloud.snapshots()
    assert (found["SnapshotId"], found["Status"]) == (first, "accomplished")
    assert desk.run("snapshot-and-wait", disk, code=1, TIMEOUT="3") == []


def test_a_failed_upgrade_is_rolled_back_on_every_disk(desk: Desk) -> None:
    cloud = desk.cloud
    instance = cloud.instance()
    disks = [each["DiskId"] for each in cloud.disks(InstanceId=instance)]
    for disk in disks:
        cloud.write(disk, 0, b"good")
    break_all = "; ".join(f"printf bad! | snapcli disk write {disk}" for disk in disks)
    desk.run("upgrade-with-rollback", instance, "bash", "-c", f"{break_all}; exit 7", code=7)
    assert [cloud.read(disk)[:4] for disk in disks] == [b"good", b"good"]
    desk.run("upgrade-with-rollback", instance, "bash", "-c", break_all)
    assert [cloud.read(disk)[:4] for disk in disks] == [b"bad!", b"bad!"]
    [found] = cloud.ecs("DescribeInstances", RegionId="cn-hangzhou")["Instances"]["Instance"]
    assert found["Status"] == "Running"


def test_a_clone_has_the_same_bytes_on_both_disks(desk: Desk) -> None:
    cloud = desk.cloud
    first = cloud.instance()
    for each in cloud.disks(InstanceId=first):
        cloud.write(each["DiskId"], 1, each["Type"].encode())
    [clone] = desk.run("clone-environment", first, "staging")
    disks = cloud.disks(InstanceId=clone)
    assert sorted(each["Type"] for each in disks) == ["data", "system"]
    for each in disks:
        assert cloud.read(each["DiskId"], 1).startswith(each["Type"].encode())


@pytest.mark.rule("FQ-1")
def test_a_released_instances_data_comes_to_another_instance(desk: Desk) -> None:
    cloud = desk.cloud
    released, other = cloud.instance(), cloud.instance(data_gib=None)
    disk = cloud.data_disk(released)
    cloud.write(disk, 0, b"precious")
    snapshot = cloud.snapshot(disk)
    system = next(each["DiskId"] for each in cloud.disks(InstanceId=released, DiskType="system"))
    of_system = cloud.snapshot(system)
    cloud.ecs("DeleteInstance", InstanceId=released, Force=True)
    cloud.refused("ResetDisk", DiskId=disk, SnapshotId=snapshot)
    [restored] = desk.run("restore-to-another-instance", snapshot, other)
    assert cloud.disk(restored)["InstanceId"] == other
    assert cloud.read(restored)[:8] == b"precious"
    desk.run("restore-to-another-instance", of_system, other, code=1)


def test_a_year_of_a_policy_ends_in_what_it_keeps_and_costs(desk: Desk) -> None:
    lines = desk.run("year-of-policies", KEEP_DAYS="10", MIB_A_MONTH="1")
    at = lines.index("== What is kept after a year")
    assert re.search(r"\| 10 +\| \d+$", lines[at + 3])
    assert "== What the last whole month costs" in lines and len(lines) > at + 6
    assert len(desk.cloud.snapshots()) == 10


@pytest.mark.slow
def test_the_ci_jobs_test_a_backup_script_and_notice_a_bad_one(tmp_path: Path) -> None:
    script = EXAMPLES / "test-backup-script.sh"
    good = run_bash(f"cd '{ROOT}' && bash '{script}' examples/nightly-snapshot.sh", tmp_path)
    assert good.returncode == 0, good.stdout + good.stderr
    assert good.stdout.splitlines()[-1] == "The backup script rotates and restores."
    bad = tmp_path / "bad.sh"
    bad.write_text('aliyun ecs CreateSnapshot --DiskId "$1"\n')
    done = run_bash(f"bash '{script}' '{bad}'", tmp_path)
    assert done.returncode == 1 and "10 snapshots are kept" in done.stderr
    for name in ("github-actions", "gitlab-ci"):
        lines = (EXAMPLES / f"{name}.yml").read_text()
        assert "bash examples/test-backup-script.sh examples/nightly-snapshot.sh\n" in lines
        assert 'python -m pip install "$SNAPCLI"\n' in lines


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDINGS)
def test_an_example_waits_at_the_default_speed_and_leaves_nothing(
    name: str, tmp_path: Path
) -> None:
    done = run_bash(f"'{EXAMPLES}/{name}.sh'", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_every_example_is_run_and_says_how_it_is_called() -> None:
    scripts = {path.stem: path.read_text() for path in EXAMPLES.glob("*.sh")}
    assert set(scripts) == {*ENDINGS, *TOOLS}
    for name, text in scripts.items():
        assert text.startswith("#!/usr/bin/env bash\n# ")
        assert "\nset -euo pipefail\n" in text and f"examples/{name}.sh" in text
        assert not re.search(r"\bjq\b", text)
    assert {path.suffix for path in EXAMPLES.iterdir()} == {".sh", ".yml"}
