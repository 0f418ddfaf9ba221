"""Application-consistent snapshots by the plug-in's own lines (rules AP)."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from assistant_steps import GUIDES_POLICY, ended, role, run, start
from guest_steps import clear, inside, mount_data, needs_root
from support import REGION, Cloud

# As the guide prints them.
LINUX = (
    "acs-plugin-manager --exec --plugin app-snapshot-plugin "
    '--params=-RamRoleName="AppSnapshotRoleName",-InstantAccess=true,-EnableFsFreeze=true,'
    '-TimeoutInSeconds=30,-PreScriptPath="/tmp/prescript.sh",-PostScriptPath="/tmp/postscript.sh"'
    ',-InstantAccessRetentionDays=1,-ExcludeDiskId="",-Name="LinuxApp1"'
)
WINDOWS = (
    "acs-plugin-manager --exec --plugin app-snapshot-plugin-win "
    '--params=-RamRoleName="AppSnapshotRoleName",-InstantAccess=true,-EnableWriters=true,'
    '-Description="AppSnapshot",-InstantAccessRetentionDays=1,-ExcludeDiskId="",'
    '-Name="APPSnapshot-1"'
)
WINDOWS_IMAGE = "win2019_1809_x64_dtc_en-us_40G_alibase_20220101.vhd"


@pytest.fixture
def instance(cloud: Cloud) -> Iterator[str]:
    instance_id = cloud.instance(SystemDisk__Category="cloud_essd")
    role(cloud, instance_id)
    yield instance_id
    clear(cloud)


def put(cloud: Cloud, instance_id: str, pre: str, post: str, mode: str = "0700") -> None:
    for name, text in (("prescript", pre), ("postscript", post)):
        path = f"/tmp/{name}.sh"
        cloud.ok("guest", "put", instance_id, "-", path, "--mode", mode, stdin=text.encode())


def groups(cloud: Cloud, **filters: Any) -> list[dict[str, Any]]:
    found = cloud.ecs("DescribeSnapshotGroups", RegionId=REGION, **filters)
    return list(found["SnapshotGroups"]["SnapshotGroup"])


def tags(cloud: Cloud) -> list[list[str]]:
    return [
        [f"{tag['TagKey']}:{tag['TagValue']}" for tag in each["Tags"]["Tag"]]
        for each in cloud.snapshots()
    ]


def thawed(cloud: Cloud, instance_id: str) -> bool:
    """Say whether nothing is frozen or held any more."""
    listed = cloud.ok("guest", "ps", instance_id, "--output", "json").json["Processes"]
    return not (cloud.root / "guests" / ".frozen").exists() and all(
        each["State"] == "running" for each in listed
    )


def with_(line: str, name: str, value: str) -> str:
    """Return a line with a parameter changed, or added when it has none of the name."""
    changed = re.sub(rf'-{name}=("[^"]*"|[^,]*)', f"-{name}={value}", line)
    return changed if f"-{name}=" in line else f"{line},-{name}={value}"


def without(line: str, name: str) -> str:
    return re.sub(rf',?-{name}=("[^"]*"|[^,]*)', "", line).replace("--params=,", "--params=")


@pytest.mark.rule("AP-5", "AP-8", "AP-9", "AP-12", "AP-14")
def test_the_guides_line_makes_application_consistent_snapshots(
    cloud: Cloud, instance: str
) -> None:
    note = "echo {} $(ls $GUEST_ROOT/../../chains 2>/dev/null | wc -l) | tee -a $GUEST_ROOT/order"
    put(cloud, instance, note.format("pre"), note.format("post"))
    done = run(cloud, instance, LINUX)
    assert (done["ExitCode"], done["InvokeRecordStatus"]) == (0, "Finished"), done["Text"]
    [group] = groups(cloud)
    assert (group["Name"], len(group["Snapshots"]["Snapshot"])) == ("LinuxApp1", 2)
    assert tags(cloud) == [["AppConsistent:True"], ["AppConsistent:True"]]
    assert all(each["InstantAccess"] for each in cloud.snapshots())
    # The prescript saw no chain, the postscript saw them.
    assert Path(inside(cloud, instance), "order").read_text() == "pre 0\npost 1\n"
    log = done["Text"]
    group_id = group["SnapshotGroupId"]
    end = r'\[snapshotgroup="%s"\]\[message="Finish whole Processes of Snapshot successfully"\]'
    assert re.search(end % group_id, log)
    assert '[output="\npre 0\n"]' in log and '[output="\npost 1\n"]' in log
    number = r"[\d.]+m?s"
    assert re.search(f"Prescript cost={number}, Postscript cost={number}", log)
    costs = f"Prepare Freeze={number}, Thaw cost={number}, Snapshot Creation={number}"
    assert re.search(costs, log)
    steps = [
        "AppConsistent Snapshots with Pre/Post-Script Enabled",
        "Start to Execute PreScript /tmp/prescript.sh",
        "Execute PreScript Successfully",
        "Freeze Successfully",
        "Thaw Successfully",
        "Start to Execute PostScript /tmp/postscript.sh",
        "Tag snapshots with AppConsistent",
        "Take AppConsistent snapshots successfully",
    ]
    places = [log.index(step) for step in steps]
    assert places == sorted(places)
    line = r'\[level="info"\]\[time="2022-03-11 10:33:\d\d\.\d{9}"\]\[message="Freeze Successfully'
    assert re.search(line, log)
    assert thawed(cloud, instance)
    for key in ("AppConsistent", "APPConsistent"):
        found = cloud.snapshots(Tag__1__Key=key, Tag__1__Value="True")
        assert len(found) == 2
    assert cloud.snapshots(Tag__1__Key="FsConsistent") == []
    cloud.check()


@pytest.mark.rule("AP-5", "AP-6", "AP-10")
@pytest.mark.parametrize(
    ("mode", "change", "tag", "why"),
    [
        ("0755", ("Description", "abc"), "FsConsistent", "its mode is 0755"),
        ("0500", ("Description", "abc"), "FsConsistent", "its mode is 0500"),
        ("0700", ("PreScriptPath", '"/root/prescript.sh"'), "FsConsistent", "must be /tmp/pre"),
        ("0700", ("PostScriptPath", '""'), "FsConsistent", "without Pre/Post-Script"),
        ("0700", ("EnableFsFreeze", "false"), "", "Plain Snapshots with Pre/Post-Script"),
        ("0644", ("EnableFsFreeze", "False"), "", "Plain Snapshots without Pre/Post-Script"),
    ],
)
def test_what_the_snapshots_are_depends_on_valid_scripts_and_the_freeze(
    cloud: Cloud, instance: str, mode: str, change: tuple[str, str], tag: str, why: str
) -> None:
    put(cloud, instance, "echo ran", "echo ran", mode)
    done = run(cloud, instance, with_(LINUX, *change))
    assert done["ExitCode"] == 0, done["Text"]
    assert tags(cloud) == [[f"{tag}:True"] if tag else []] * 2
    assert why in done["Text"]
    assert ('[output="\nran' in done["Text"]) == ("with Pre/Post" in why)


@pytest.mark.rule("AP-6")
def test_a_script_that_is_a_link_or_anothers_is_not_run(cloud: Cloud, instance: str) -> None:
    import os

    from snapcli.guests.app_snapshot import PRE_SCRIPT, why_invalid

    root = Path(inside(cloud, instance))
    assert why_invalid(str(root), PRE_SCRIPT, PRE_SCRIPT) == "there is no such file"
    (root / "real.sh").write_text("x")
    (root / "real.sh").chmod(0o700)
    os.symlink("/real.sh", root / "tmp/prescript.sh")
    assert "no regular file" in why_invalid(str(root), PRE_SCRIPT, PRE_SCRIPT)
    (root / "tmp/prescript.sh").unlink()
    (root / "real.sh").rename(root / "tmp/prescript.sh")
    assert why_invalid(str(root), "tmp/prescript.sh", PRE_SCRIPT) == ""
    if os.geteuid() == 0:
        os.chown(root / "tmp/prescript.sh", 65534, -1)
        assert "another user" in why_invalid(str(root), PRE_SCRIPT, PRE_SCRIPT)


@pytest.mark.rule("AP-7", "AP-9")
@pytest.mark.parametrize(("writers", "tag"), [("true", "AppConsistent"), ("false", "FsConsistent")])
def test_windows_writers_decide(cloud: Cloud, writers: str, tag: str) -> None:
    instance_id = cloud.instance(ImageId=WINDOWS_IMAGE, SystemDisk__Category="cloud_essd")
    role(cloud, instance_id)
    done = run(
        cloud, instance_id, with_(WINDOWS, "EnableWriters", writers), Type="RunBatScript",
        Timeout=1800,
    )  # fmt: skip
    assert done["ExitCode"] == 0, done["Text"]
    assert tags(cloud) == [[f"{tag}:True"]] * 2
    [group] = groups(cloud)
    assert (group["Name"], group["Description"]) == ("APPSnapshot-1", "AppSnapshot")
    assert "Start to Initialize VSS Requestor ..." in done["Text"]
    clear(cloud)


def code(cloud: Cloud, instance_id: str, line: str = LINUX, **more: Any) -> int:
    """Run a line that must fail: nothing is left of it, and nothing frozen."""
    before = len(cloud.snapshots())
    done = run(cloud, instance_id, line, **more)
    assert (done["InvocationStatus"], done["ErrorCode"]) == ("Failed", "ExitCodeNonzero")
    assert '[level="error"]' in done["Text"] and "Finish whole" not in done["Text"]
    assert len(cloud.snapshots()) == before and groups(cloud) == []
    assert thawed(cloud, instance_id)
    cloud.check()
    return int(done["ExitCode"])


@pytest.mark.rule("AP-2", "AP-11")
@pytest.mark.parametrize(
    "setting",
    [("--os-name", "Debian 11.2 64 bit"), ("--os-name", "CentOS 7.5"), ("--file-system", "btrfs")],
)
def test_systems_and_file_systems_that_are_not_supported_end_with_1(
    cloud: Cloud, instance: str, setting: tuple[str, str]
) -> None:
    cloud.ok("guest", "set", instance, *setting)
    assert code(cloud, instance) == 1


@pytest.mark.rule("AP-2")
@pytest.mark.parametrize(
    ("name", "supported"),
    [
        ("Windows Server 2019 Datacenter 64 bit English", True),
        ("Windows Server 2016 Datacenter 64 bit English", True),
        ("Windows Server 2012 R2 Datacenter 64 bit English", True),
        ("Windows Server 2012 Datacenter", False),
        ("Windows Server 2008 R2", False),
        ("CentOS 7.5 64 bit", False),
        ("CentOS 7.6 64 bit", True),
        ("CentOS 8.5 64 bit", True),
        ("Ubuntu 16.04 64 bit", False),
        ("Ubuntu 18.04 64 bit", True),
        ("Ubuntu 20.04 64 bit", True),
        ("Alibaba Cloud Linux 2.1903 LTS 64 bit", True),
        ("Alibaba Cloud Linux 3.2104 LTS 64 bit", False),
        ("Debian 11.2 64 bit", False),
        ("", False),
    ],
)
def test_the_operating_systems_are_the_guides(name: str, supported: bool) -> None:
    from snapcli.ecs.app_snapshot_rules import is_supported_system

    assert is_supported_system(name) is supported


@pytest.mark.rule("AP-11")
def test_names_disks_and_roles_that_do_not_fit_end_with_1(cloud: Cloud, instance: str) -> None:
    assert code(cloud, instance, with_(LINUX, "Name", '"1bad"')) == 1
    assert code(cloud, instance, with_(LINUX, "RamRoleName", '"Other"')) == 1
    assert code(cloud, instance, with_(LINUX, "ExcludeDiskId", '"d-none"')) == 1
    excluded = with_(LINUX, "ExcludeDiskId", f'"{cloud.data_disk(instance)}"')
    assert run(cloud, instance, excluded)["ExitCode"] == 0
    assert [each["SourceDiskType"] for each in cloud.snapshots()] == ["system"]


@pytest.mark.rule("AP-1", "AP-11")
def test_regions_without_the_feature_end_with_1(cloud: Cloud) -> None:
    from snapcli.ecs.app_snapshot_rules import REGIONS

    assert set(REGIONS) == {
        "cn-hongkong", "ap-southeast-1", "cn-hangzhou", "cn-shanghai", "cn-beijing",
    }  # fmt: skip
    instance_id = cloud.instance(RegionId="cn-shenzhen")
    made = cloud.ecs(
        "RunCommand", RegionId="cn-shenzhen", Type="RunShellScript", CommandContent=LINUX,
        InstanceId__1=instance_id,
    )  # fmt: skip
    until = time.monotonic() + 20
    while True:
        found = cloud.ecs(
            "DescribeInvocationResults", RegionId="cn-shenzhen", InvokeId=made["InvokeId"],
            ContentEncoding="PlainText",
        )["Invocation"]["InvocationResults"]["InvocationResult"][0]  # fmt: skip
        if found["InvocationStatus"] not in ("Pending", "Running"):
            break
        assert time.monotonic() < until
        time.sleep(0.02)
    assert found["ExitCode"] == 1 and "not offered in cn-shenzhen" in found["Output"]


@pytest.mark.rule("AP-10", "AP-11")
@pytest.mark.parametrize(
    "line",
    [
        without(LINUX, "Name"),
        without(LINUX, "RamRoleName"),
        with_(LINUX, "InstantAccess", "maybe"),
        with_(LINUX, "TimeoutInSeconds", "0"),
        with_(LINUX, "InstantAccessRetentionDays", "65537"),
        with_(LINUX, "EnableWriters", "true"),
        with_(LINUX, "NoSuch", "1"),
        LINUX + ',-Name="again"',
        LINUX.replace("app-snapshot-plugin", "other-plugin"),
    ],
)
def test_parameters_that_are_not_right_are_told(line: str) -> None:
    from snapcli.ecs.app_snapshot_line import BadLine, read_line

    with pytest.raises(BadLine):
        read_line(line)


@pytest.mark.rule("AP-10")
def test_the_parameters_have_the_guides_defaults_and_quotes_are_the_shells() -> None:
    from snapcli.ecs.app_snapshot_line import Parameters, read_line

    head = "acs-plugin-manager --exec --plugin app-snapshot-plugin --params="
    assert read_line(head + "-RamRoleName=r,-Name=n2") == Parameters(
        windows=False, name="n2", ram_role_name="r", description="", exclude_disk_ids=[],
        instant_access=False, instant_access_retention_days=1, pre_script_path="",
        post_script_path="", enable_fs_freeze=True, timeout_seconds=30,
        script_timeout_seconds=1800, enable_writers=True,
    )  # fmt: skip
    found = read_line(head + '-RamRoleName=r,-Name=n2,-Description="a, b",-ExcludeDiskId="d-1,d-2"')
    assert (found.description, found.exclude_disk_ids) == ("a, b", ["d-1", "d-2"])
    assert read_line(LINUX.replace('"', '\\"')) == read_line(LINUX)
    assert read_line(LINUX.replace("=-Ram", " -Ram")) == read_line(LINUX)
    assert (
        read_line(WINDOWS).windows and read_line(without(WINDOWS, "EnableWriters")).enable_writers
    )


@pytest.mark.rule("AP-11")
def test_bad_parameters_end_with_2(cloud: Cloud, instance: str) -> None:
    assert code(cloud, instance, with_(LINUX, "EnableFsFreeze", "perhaps")) == 2


def short_code(cloud: Cloud, instance_id: str, *words: str) -> int:
    """Do the same by the friendly command, which must fail; it needs no process of its own."""
    before = len(cloud.snapshots())
    done = cloud.run(
        "create-app-snapshot", "--instance-id", instance_id, "--name", "app1", "--output", "json",
        *words,
    )  # fmt: skip
    assert done.code == 1 and '[level="error"]' in done.json["Log"]
    assert len(cloud.snapshots()) == before and groups(cloud) == []
    assert thawed(cloud, instance_id)
    return int(done.json["ExitCode"])


@pytest.mark.rule("AP-4", "AP-11")
def test_rights_and_disks_that_are_lacking_end_with_3_8_and_13(cloud: Cloud) -> None:
    instance_id = cloud.instance()
    assert code(cloud, instance_id) == 13
    for policy, expected in (
        (GUIDES_POLICY.replace("ecs:CreateSnapshot*", "ecs:CreateSnapshot"), 3),
        (GUIDES_POLICY.replace("ecs:DescribeDisks", "ecs:DescribeZones"), 3),
        (GUIDES_POLICY.replace("ecs:DescribeSnapshot*", "ecs:DescribeImages"), 3),
        (GUIDES_POLICY.replace("ecs:TagResources", "ecs:AddTags"), 8),
    ):
        other = cloud.instance()
        role(cloud, other, policy, f"R{expected}{len(policy)}")
        assert short_code(cloud, other) == expected
    # Without a disk that can be captured.
    bare = cloud.instance(data_gib=None, SystemDisk__Category="cloud_ssd")
    role(cloud, bare, name="Bare")
    assert short_code(cloud, bare) == 3
    clear(cloud)


@pytest.mark.rule("AP-11")
def test_what_keeps_a_group_from_being_made_ends_with_4_14_and_16(
    cloud: Cloud, instance: str
) -> None:
    cloud.ok("config", "set", "quotas.manual_snapshots_per_disk", "1")
    cloud.snapshot(cloud.data_disk(instance))
    assert short_code(cloud, instance) == 14
    cloud.ok("config", "set", "quotas.manual_snapshots_per_disk", "256")
    cloud.ok("config", "set", "speed", "realistic")
    cloud.snapshot(cloud.data_disk(instance))
    assert short_code(cloud, instance) == 16
    cloud.ok("config", "set", "speed", "instant")
    for _ in range(15):
        cloud.ecs(
            "CreateDisk", RegionId=REGION, InstanceId=instance, Size=20,
            DiskCategory="cloud_essd",
        )  # fmt: skip
    cloud.ok("clock", "advance", "1h")
    assert short_code(cloud, instance) == 4  # 17 disks are too many for a group


@pytest.mark.rule("AP-11", "AP-12")
def test_scripts_that_fail_hang_fork_or_flood_end_with_9_and_10(
    cloud: Cloud, instance: str
) -> None:
    noted = "touch $GUEST_ROOT/post"
    hang = "trap '' TERM; setsid sleep 60 & yes flood | head -c 200000; sleep 60"
    short = with_(LINUX, "ScriptTimeoutInSecs", "1")
    for pre, post, line, expected in (
        ("kill -9 $$", noted, LINUX, 9),
        (hang, noted, short, 9),
        ("true", noted + "; exit 1", LINUX, 10),
    ):
        put(cloud, instance, pre, post)
        assert code(cloud, instance, line) == expected
        mark = Path(inside(cloud, instance), "post")
        assert mark.exists()  # the postscript ran in any case
        mark.unlink()
        assert cloud.ok("guest", "ps", instance, "--output", "json").json["Processes"] == []


@pytest.mark.rule("AP-11")
def test_groups_that_are_not_as_expected_end_with_5_7_and_15(
    cloud: Cloud, instance: str, tmp_path: Path
) -> None:
    """The postscript meddles with the snapshots, as anybody may meanwhile."""
    import sys

    call = f"{sys.executable} -m snapcli --workspace {cloud.root} ecs"
    region = f"--RegionId={REGION}"
    group = f"$({call} DescribeSnapshotGroups {region} | grep -o 'ssg-[a-z0-9]*' | head -1)"
    snapshot = f"$({call} DescribeSnapshots {region} | grep -o 's-bp1[a-z0-9]*' | head -1)"
    put(cloud, instance, "true", f"{call} DeleteSnapshotGroup {region} --SnapshotGroupId={group}")
    assert code(cloud, instance) == 5
    put(cloud, instance, "true", f"{call} DeleteSnapshot --SnapshotId={snapshot} --Force=true")
    assert code(cloud, instance) == 7


@needs_root
@pytest.mark.rule("AP-11", "AP-13")
def test_a_file_system_that_cannot_be_frozen_ends_with_11(cloud: Cloud, instance: str) -> None:
    import subprocess

    mount_data(cloud, instance)
    point = f"{inside(cloud, instance)}/data"
    subprocess.run(["fsfreeze", "-f", point], check=True)
    try:
        put(cloud, instance, "true", "touch $GUEST_ROOT/post")
        done = run(cloud, instance, LINUX)
    finally:
        subprocess.run(["fsfreeze", "-u", point], check=False)
    assert done["ExitCode"] == 11 and cloud.snapshots() == []
    assert Path(inside(cloud, instance), "post").exists()
    assert run(cloud, instance, LINUX)["ExitCode"] == 0  # ext4 is frozen and thawed


@pytest.mark.rule("AP-12")
def test_stopping_the_invocation_in_the_prescript_runs_the_postscript(
    cloud: Cloud, instance: str
) -> None:
    put(cloud, instance, "touch $GUEST_ROOT/pre; sleep 60", "touch $GUEST_ROOT/post")
    root = Path(inside(cloud, instance))
    invoke_id = start(cloud, instance, LINUX)
    wait_for(root / "pre")
    cloud.ecs("StopInvocation", RegionId=REGION, InvokeId=invoke_id)
    wait_for(root / "post")
    assert ended(cloud, invoke_id)["InvokeRecordStatus"] == "Stopped"
    assert cloud.snapshots() == []


def wait_for(path: Path, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, path
        time.sleep(0.02)
