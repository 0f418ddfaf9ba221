"""`clock show|freeze|advance|set|resume`: the workspace's time as people move it.

What leads before what has happened is in test_clock_behind.py.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from freezegun import freeze_time
from support import REGION, Cloud, block

START = "2022-03-11T02:33:00Z"


def now(cloud: Cloud) -> str:
    return str(cloud.ok("clock", "show", "--output", "json").json["Now"])


def moved(cloud: Cloud, *words: str) -> dict[str, object]:
    return dict(cloud.ok("clock", *words, "--output", "json").json)


def refused(cloud: Cloud, *words: str) -> str:
    before = (cloud.root / "workspace.toml").read_bytes()
    result = cloud.run("clock", *words)
    assert (result.code, result.error_code) == (1, "InvalidParameter"), result.err
    assert (cloud.root / "workspace.toml").read_bytes() == before
    return result.err


def test_a_frozen_clock_stands_and_advancing_moves_it(cloud: Cloud) -> None:
    assert now(cloud) == START
    shown = moved(cloud, "advance", "3d2h")
    assert (shown["Now"], shown["MovedFrom"]) == ("2022-03-14T04:33:00Z", START)
    assert now(cloud) == "2022-03-14T04:33:00Z"


def test_setting_a_frozen_clock_leaves_it_frozen_there(cloud: Cloud) -> None:
    assert moved(cloud, "set", "2022-04-01T08:00+08:00")["Now"] == "2022-04-01T00:00:00Z"
    assert moved(cloud, "set", "+1h")["Now"] == "2022-04-01T01:00:00Z"
    assert moved(cloud, "show")["Mode"] == "frozen"


def test_a_resumed_clock_runs_on_from_where_it_stood(cloud: Cloud) -> None:
    with freeze_time("2026-01-01T00:00:00Z") as time:
        assert moved(cloud, "resume")["Now"] == START
        time.tick(60)
        assert now(cloud) == "2022-03-11T02:34:00Z"
        assert moved(cloud, "advance", "1d")["Now"] == "2022-03-12T02:34:00Z"
        time.tick(60)
        assert now(cloud) == "2022-03-12T02:35:00Z"
        assert moved(cloud, "set", "2022-05-01T00:00:00Z")["Mode"] == "system"
        time.tick(60)
        assert moved(cloud, "freeze")["Now"] == "2022-05-01T00:01:00Z"
        time.tick(60)
        assert now(cloud) == "2022-05-01T00:01:00Z"


def test_records_bear_the_workspaces_time_and_not_the_machines(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.ok("clock", "set", "2031-12-31T23:59:58Z")
    cloud.snapshot(disk_id)
    assert cloud.snapshots()[0]["CreationTime"] == "2031-12-31T23:59:58Z"


def test_freezing_keeps_what_a_person_wrote_in_the_settings(cloud: Cloud) -> None:
    file = cloud.root / "workspace.toml"
    file.write_text(file.read_text() + "\n# mine\n")
    cloud.ok("clock", "advance", "1h")
    assert "# mine" in file.read_text()


def test_the_clock_does_not_go_back_before_what_was_recorded(cloud: Cloud) -> None:
    """Each kind of record holds the clock: a creation, an attachment, a snapshot, a failure."""
    cloud.ok("clock", "set", "2022-03-10T00:00Z")  # nothing but the activation is there yet
    instance_id = cloud.instance()
    disk_id = cloud.data_disk(instance_id)
    message = refused(cloud, "set", "2022-03-09T23:59:59Z")
    assert "2022-03-10T00:00:00Z" in message and "new workspace" in message
    cloud.ok("clock", "set", "2022-03-10T00:00Z")
    steps = [
        ("DetachDisk", {"DiskId": disk_id, "InstanceId": instance_id}),
        ("AttachDisk", {"DiskId": disk_id, "InstanceId": instance_id}),
        ("CreateSnapshot", {"DiskId": disk_id}),
        ("RebootInstance", {"InstanceId": instance_id}),
    ]
    for day, (action, given) in enumerate(steps, start=11):
        cloud.ok("clock", "set", f"2022-03-{day}T00:00Z")
        cloud.ecs(action, **given)
        refused(cloud, "set", f"2022-03-{day - 1}T23:59Z")
        refused(cloud, "freeze", "2022-03-09T00:00Z")
    cloud.ok("clock", "set", "2022-03-20T00:00Z")
    snapshot_id = cloud.snapshots()[0]["SnapshotId"]
    cloud.ecs("ModifySnapshotAttribute", SnapshotId=snapshot_id, Description="text")
    refused(cloud, "set", "2022-03-19T00:00Z")
    cloud.ok("clock", "set", "2022-03-25T00:00Z")
    cloud.ok("clock", "set", "2022-03-20T00:00Z")  # nothing happened since


TRUST = (
    '{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
    '"Principal":{"Service":"ecs.aliyuncs.com"}}]}'
)
DOCUMENT = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"ecs:*","Resource":"*"}]}'
HERE = f"--RegionId={REGION}"


@pytest.mark.parametrize(
    "words",
    [
        ("ecs", "CreateSnapshotGroup", HERE, "--InstanceId=INSTANCE"),
        ("ecs", "CreateImage", HERE, "--InstanceId=INSTANCE"),
        ("create-auto-snapshot-policy", "--name", "daily", "--at", "1", "--on", "mon"),
        ("ecs", "CreateCommand", HERE, "--Name=c", "--Type=RunShellScript", "--CommandContent=id"),
        ("ecs", "CreateDisk", HERE, f"--ZoneId={REGION}-h", "--Size=20", "--Encrypted=true"),
        ("ecs", "ResizeDisk", "--DiskId=DISK", "--NewSize=30", "--Type=online", "--ClientToken=t"),
        ("ecs", "DeleteSnapshot", "--SnapshotId=SNAPSHOT"),  # its chain ends with it
        ("account", "overdue"),
        ("ram", "CreateRole", "--RoleName=r", f"--AssumeRolePolicyDocument={TRUST}"),
        ("ram", "CreatePolicy", "--PolicyName=p", f"--PolicyDocument={DOCUMENT}"),
    ],
    ids=lambda words: words[1] if words[0] in ("ecs", "ram") else words[0],
)
def test_every_kind_of_record_holds_the_clock(cloud: Cloud, words: tuple[str, ...]) -> None:
    instance_id = cloud.instance()
    disk_id = cloud.data_disk(instance_id)
    cloud.write(disk_id, 0, block("A"))
    named = {"INSTANCE": instance_id, "DISK": disk_id, "SNAPSHOT": cloud.snapshot(disk_id)}
    cloud.ok("clock", "advance", "1d")
    for name, value in named.items():
        words = tuple(word.replace(f"={name}", f"={value}") for word in words)
    cloud.ok(*words)
    cloud.ok("clock", "advance", "1d")
    assert "2022-03-12T02:33:00Z" in refused(cloud, "set", "2022-03-12T02:32:59Z")
    cloud.ok("clock", "set", "2022-03-12T02:33:00Z")


def test_another_accounts_records_hold_the_clock_too(cloud: Cloud) -> None:
    cloud.ok("account", "add", "partner")
    cloud.ok("clock", "advance", "1d")
    cloud.ok("--profile", "partner", "ecs", "CreateDisk", "--RegionId", REGION,
             "--ZoneId", f"{REGION}-h", "--Size", "20")  # fmt: skip
    cloud.ok("clock", "advance", "1d")
    assert "2022-03-12T02:33:00Z" in refused(cloud, "set", "2022-03-11T03:00Z")


def test_what_is_finished_does_not_go_on_again(cloud: Cloud) -> None:
    cloud.ok("config", "set", "speed", "quick")
    disk_id = cloud.data_disk(cloud.instance())
    cloud.snapshot(disk_id)
    cloud.ok("clock", "advance", "1s")
    cloud.ok("clock", "set", START)  # it has not finished yet
    cloud.ok("clock", "advance", "1h")
    assert "2022-03-11T02:33:02Z" in refused(cloud, "set", "2022-03-11T02:33:01Z")
    cloud.ok("clock", "set", "2022-03-11T02:33:02Z")
    assert cloud.snapshots()[0]["Status"] == "accomplished"


def test_what_has_been_settled_holds_the_clock_though_its_records_are_gone(cloud: Cloud) -> None:
    disk_id = cloud.data_disk(cloud.instance())
    cloud.snapshot(disk_id, RetentionDays=1)
    cloud.ok("clock", "advance", "2d")
    assert cloud.snapshots() == []
    assert "2022-03-13T02:33:00Z" in refused(cloud, "set", "2022-03-12T00:00Z")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("advance", "soon"), "as in 3d2h"),
        (("advance", "8000000d"), "at most"),
        (("set", "yesterday"), "write it like"),
        (("set", "1900-01-01T00:00Z"), "1971 to 8999"),
        (("freeze", "9100-01-01"), "1971 to 8999"),
        (("freeze", "2022-13-01"), "is not an instant"),
    ],
)
def test_a_time_that_cannot_be_is_refused_with_what_would_be_right(
    cloud: Cloud, words: tuple[str, str], said: str
) -> None:
    assert said in refused(cloud, *words)


def test_an_advance_out_of_the_calendar_is_refused(cloud: Cloud) -> None:
    cloud.ok("clock", "set", "8990-01-01T00:00Z")
    assert "1971 to 8999" in refused(cloud, "advance", "300000d")


def test_a_new_workspace_shows_the_machines_time(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path / "other")
    with freeze_time("2026-07-01T12:00:00Z"):
        cloud.ok("config", "set", "clock.mode", "system")
        shown = moved(cloud, "show")
        assert shown["Now"] == datetime(2026, 7, 1, 12, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert (shown["Mode"], shown["OffsetSeconds"]) == ("system", 0.0)
    assert cloud.ecs("DescribeDisks", RegionId=REGION)["TotalCount"] == 0
