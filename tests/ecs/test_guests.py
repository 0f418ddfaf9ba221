"""The inside of an instance through the command line: files, processes, mounted disks."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from guest_steps import clear, inside, mount_data, needs_root
from refusals import refused
from support import REGION, Cloud

SLEEP = ("--", "sleep", "60")


@pytest.fixture
def instance(cloud: Cloud) -> Iterator[str]:
    yield cloud.instance()
    clear(cloud)


def pids(cloud: Cloud, instance_id: str) -> list[int]:
    found = cloud.ok("guest", "ps", instance_id, "--output", "json").json["Processes"]
    return [each["Pid"] for each in found]


def test_an_inside_is_made_at_first_use_and_goes_with_its_instance(
    cloud: Cloud, instance: str
) -> None:
    assert not (cloud.root / "guests").exists()
    root = Path(inside(cloud, instance))
    assert root.is_dir()
    assert cloud.ok("guest", "path", instance, "/etc/../tmp/x").out == f"{root}/tmp/x\n"
    cloud.check()
    cloud.ecs("DeleteInstance", InstanceId=instance, Force=True)
    assert not root.exists()
    (cloud.root / "guests" / "i-none").mkdir()
    problems = cloud.run("check", "--output", "json")
    assert problems.code == 5
    assert [p["File"] for p in problems.json["Problems"]] == [f"{cloud.root}/guests/i-none"]


def test_files_go_in_and_out_and_never_beyond_the_folder(
    cloud: Cloud, instance: str, tmp_path: Path
) -> None:
    script = b"#!/bin/sh\n"
    cloud.ok("guest", "put", instance, "-", "/tmp/prescript.sh", "--mode", "0700", stdin=script)
    root = Path(inside(cloud, instance))
    made = root / "tmp/prescript.sh"
    assert made.read_bytes() == script
    assert made.stat().st_mode & 0o7777 == 0o700
    assert cloud.ok("guest", "get", instance, "/tmp/prescript.sh").bytes == script
    cloud.ok("guest", "get", instance, "tmp/prescript.sh", str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == script
    os.symlink("/../../..", root / "up")
    cloud.ok("guest", "put", instance, str(tmp_path / "out"), "/up/../../caught")
    assert (root / "caught").read_bytes() == script
    missing = cloud.run("guest", "get", instance, "/none", str(tmp_path / "none"))
    assert (missing.code, missing.error_code) == (1, "InvalidParameter")
    assert not (tmp_path / "none").exists()
    assert cloud.run("guest", "put", instance, "-", "/tmp").code == 1
    assert cloud.run("guest", "put", instance, "-", "/x", "--mode", "9").code == 1


def test_a_command_runs_inside_and_its_outputs_and_exit_code_are_passed_on(
    cloud: Cloud, instance: str
) -> None:
    line = 'pwd; echo "$1|$WHAT" >&2; exit 7'
    done = cloud.run(
        "guest", "run", instance, "-e", "WHAT=x", "--", "sh", "-c", line, "--", "--output", "", "a"
    )
    assert (done.code, done.err) == (7, "--output|x\n")
    assert done.out.strip() == inside(cloud, instance)
    again = cloud.run("guest", "run", instance, "--", "printf", "<%s>", "", "a,b", "[c")
    assert (again.code, again.out) == (0, "<><a,b><[c>")
    killed = cloud.run("guest", "run", instance, "--", "sh", "-c", "kill -9 $$")
    assert killed.code == 137
    missing = cloud.run("guest", "run", instance, "--", "no-such-program")
    assert (missing.code, missing.error_code) == (1, "InvalidParameter")


def test_a_commands_time_ends_it_with_all_that_it_started(cloud: Cloud, instance: str) -> None:
    line = "trap '' TERM; setsid sleep 60 & sleep 60"
    done = cloud.run("guest", "run", instance, "--timeout", "1", "--", "sh", "-c", line)
    assert done.code == 124
    assert pids(cloud, instance) == []


def test_a_waiting_command_keeps_no_lock(cloud: Cloud, instance: str) -> None:
    """Another command changes the workspace from inside the instance meanwhile."""
    line = f"{sys.executable} -m snapcli --workspace"
    done = cloud.run(
        "guest", "run", instance, "--timeout", "20", "--", "sh", "-c",
        f"{line} {cloud.root} create-snapshot --disk-id {cloud.data_disk(instance)}",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert len(cloud.snapshots()) == 1


def test_what_runs_in_the_background_is_listed_and_ended(cloud: Cloud, instance: str) -> None:
    cloud.ok("guest", "run", instance, "-d", *SLEEP)
    cloud.ok("guest", "run", instance, "-d", "--", "sh", "-c", "echo said; exec sleep 60")
    first, second = pids(cloud, instance)
    cloud.ok("guest", "stop", instance, str(first))
    assert pids(cloud, instance) == [second]
    assert cloud.ok("guest", "get", instance, "/var/log/guest-run.log").out == "said\n"
    strange = cloud.run("guest", "stop", instance, "1")
    assert strange.error_code == "InvalidParameter" and "There is no process 1 in" in strange.err
    cloud.ok("guest", "stop", instance)
    assert pids(cloud, instance) == []


@pytest.mark.parametrize("action", ["StopInstance", "RebootInstance", "DeleteInstance"])
def test_stopping_restarting_and_releasing_end_what_runs_inside(
    cloud: Cloud, instance: str, action: str
) -> None:
    cloud.ok("guest", "run", instance, "-d", *SLEEP)
    [pid] = pids(cloud, instance)
    force = {"Force": True} if action == "DeleteInstance" else {}
    cloud.ecs(action, InstanceId=instance, **force)
    assert not os.path.exists(f"/proc/{pid}")
    if action == "StopInstance":
        result = cloud.run("guest", "run", instance, "true")
        assert (result.code, result.error_code) == (1, "IncorrectInstanceStatus")


def test_the_devices_inside_are_the_disks_that_are_attached(cloud: Cloud, instance: str) -> None:
    root = Path(inside(cloud, instance))
    disk_id = cloud.data_disk(instance)

    def devices() -> dict[str, str]:
        return {link.name: os.path.realpath(link) for link in (root / "dev").iterdir()}

    system = devices()["vda"]
    assert devices() == {"vda": system, "vdb": str(cloud.image(disk_id))}
    cloud.ecs("DetachDisk", InstanceId=instance, DiskId=disk_id)
    assert devices().keys() == {"vda"}
    cloud.ecs("AttachDisk", InstanceId=instance, DiskId=disk_id, Device="/dev/xvdc")
    assert devices().keys() == {"vda", "vdc"}
    cloud.ecs("StopInstance", InstanceId=instance)
    image = "centos_7_6_x64_20G_alibase_20220101.vhd"
    cloud.ecs("ReplaceSystemDisk", InstanceId=instance, ImageId=image)
    assert devices().keys() == {"vda", "vdc"}
    assert devices()["vda"] != system and os.path.exists(devices()["vda"])


@needs_root
def test_a_mounted_disk_is_written_to_inside_only_and_unmounted_before_it_is_detached(
    cloud: Cloud, instance: str
) -> None:
    disk_id = mount_data(cloud, instance)
    listed = cloud.ok("guest", "mounts", instance, "--output", "json").json["Mounts"]
    assert listed == [{"DiskId": disk_id, "Path": "/data", "FileSystem": "ext4"}]
    written = cloud.run("disk", "write", disk_id, stdin=b"x")
    assert (written.code, written.error_code) == (1, "IncorrectDiskStatus")
    cloud.ok("guest", "put", instance, "-", "/data/kept", stdin=b"kept")
    holder = ("--", "sh", "-c", "cd data && exec sleep 60")
    cloud.ok("guest", "run", instance, "-d", *holder)
    cloud.ok("guest", "run", instance, "-d", *SLEEP)
    time.sleep(0.05)
    cloud.ecs("DetachDisk", InstanceId=instance, DiskId=disk_id)
    assert cloud.ok("guest", "mounts", instance, "--output", "json").json["Mounts"] == []
    assert len(pids(cloud, instance)) == 1  # the one that did not use it goes on
    cloud.ecs("AttachDisk", InstanceId=instance, DiskId=disk_id)
    cloud.ok("guest", "mount", instance, disk_id, "/other")
    assert cloud.ok("guest", "get", instance, "/other/kept").bytes == b"kept"
    cloud.ok("guest", "umount", instance, "/other")
    assert cloud.run("guest", "umount", instance, "/other").error_code == "InvalidParameter"


@needs_root
def test_what_outside_keeps_a_disk_busy_is_named_and_nothing_is_ended(
    cloud: Cloud,
) -> None:
    instance = cloud.instance(AutoReleaseTime="2022-03-11T04:00:00Z")
    disk_id = mount_data(cloud, instance)
    cloud.ok("guest", "run", instance, "-d", *SLEEP)
    outside = subprocess.Popen(["sleep", "60"], cwd=f"{inside(cloud, instance)}/data")
    try:
        for action, parameters in (
            ("StopInstance", {}),
            ("RebootInstance", {}),
            ("StopInstances", {"RegionId": REGION}),
            ("DeleteInstance", {"Force": True}),
            ("DetachDisk", {"DiskId": disk_id}),
        ):
            name = "InstanceId__1" if action.endswith("s") else "InstanceId"
            result = refused(cloud, "DependencyViolation", action, **{name: instance}, **parameters)
            assert f"processes {outside.pid}, which" in result.err
        assert len(pids(cloud, instance)) == 1
        # Its time has come all the same.
        cloud.ok("clock", "advance", "2h")
        assert cloud.disks() == []
    finally:
        outside.kill()
        outside.wait()
    assert not (cloud.root / "guests" / instance).exists()


def test_what_is_inside_can_be_said(cloud: Cloud, instance: str) -> None:
    shown = cloud.ok("guest", "set", instance, "--output", "json").json
    assert (shown["OsName"], shown["Assistant"]) == ("CentOS 7.9 64 bit", "installed")
    cloud.ok("guest", "set", instance, "--assistant", "missing", "--os-name", "Debian 11 64 bit")
    shown = cloud.ok("guest", "set", instance, "--file-system", "XFS", "--output", "json").json
    assert (shown["OsName"], shown["Assistant"], shown["FileSystem"]) == (
        "Debian 11 64 bit", "missing", "xfs",
    )  # fmt: skip
