"""Deleting by rules: what is chosen is shown, and only that goes (rules DL, TG-2)."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from refusals import picture, refused
from snapshot_steps import slow
from support import BLOCK_BYTES, REGION, Cloud, block

from snapcli.api import dispatch
from snapcli.api.operation import Response

NEW_DISK = {"RegionId": REGION, "ZoneId": "cn-hangzhou-b", "DiskCategory": "cloud_essd"}


@pytest.fixture
def disk_id(cloud: Cloud) -> str:
    return cloud.data_disk(cloud.instance())


@pytest.fixture
def daily(cloud: Cloud, disk_id: str) -> list[str]:
    """Five snapshots, a day between them, the newest a day old; each holds a block of its own."""
    made = []
    for at, letter in enumerate("ABCDE"):
        cloud.write(disk_id, at, block(letter))
        made.append(cloud.snapshot(disk_id, SnapshotName=f"daily-{at}"))
        cloud.ok("clock", "advance", "1d")
    return made


def left(cloud: Cloud) -> list[str]:
    """The snapshots that are there, oldest first."""
    return [each["SnapshotId"] for each in reversed(cloud.snapshots())]


def outcomes(cloud: Cloud, *words: str, code: int = 0) -> dict[str, dict[str, Any]]:
    result = cloud.run("delete-snapshots", *words, "--output", "json")
    assert result.code == code, result.err
    return {each["SnapshotId"]: each for each in result.json["Outcomes"]}


@pytest.mark.rule("DL-1")
@pytest.mark.parametrize(
    ("words", "gone"),
    [
        (("--older-than", "3d"), {0, 1}),
        (("--keep-last", "2"), {0, 1, 2}),
        (("--older-than", "3d", "--keep-last", "4"), {0}),
        (("--name", "daily-*", "--keep-last", "4"), {0}),
        (("--name", "*-3"), {3}),
        (("--name", "weekly-*"), set()),
        (("--older-than", "1d"), {0, 1, 2, 3}),
        (("--older-than", "30d"), set()),
    ],
)
def test_rules_delete_what_they_choose_and_say_why(
    cloud: Cloud, disk_id: str, daily: list[str], words: tuple[str, ...], gone: set[int]
) -> None:
    found = outcomes(cloud, *words)
    for at, snapshot_id in enumerate(daily):
        if snapshot_id in found:
            each = found[snapshot_id]
            assert (each["Chosen"], each["Deleted"]) == (at in gone, at in gone)
            assert each["Reason"] and each["Code"] == ""
            assert (each["SnapshotName"], each["DiskId"]) == (f"daily-{at}", disk_id)
        else:
            assert at not in gone  # a name or tag leaves it out
    assert left(cloud) == [each for at, each in enumerate(daily) if at not in gone]
    cloud.check()


@pytest.mark.rule("DL-1")
def test_a_dry_run_says_the_same_and_deletes_nothing(cloud: Cloud, daily: list[str]) -> None:
    before = picture(cloud)
    dry = cloud.ok("delete-snapshots", "--keep-last", "2", "--dry-run")
    assert picture(cloud) == before
    lines = dry.out.splitlines()
    assert len(lines) == 6
    for line, snapshot_id in zip(lines[:3], daily[:3], strict=True):
        assert line.startswith(f"{snapshot_id} (daily-")
        assert "would be deleted: it is not among the newest 2 of its disk" in line
    assert ": kept: it is number 2 of the newest 2 of its disk" in lines[3]
    assert lines[-1] == "3 would be deleted, 0 refused, 2 kept."
    done = cloud.ok("delete-snapshots", "--keep-last", "2")
    assert done.out == dry.out.replace("would be deleted", "deleted")
    assert left(cloud) == daily[3:]


@pytest.mark.rule("DL-1")
@pytest.mark.parametrize("form", ["friendly", "ecs"])
def test_in_scripts_the_choice_is_printed_before_anything_goes(
    cloud: Cloud, daily: list[str], form: str
) -> None:
    words = {
        "friendly": ("delete-snapshots", "--older-than", "4d"),
        "ecs": ("ecs", "DeleteSnapshots", "--OlderThan", "4d"),
    }[form]
    done = cloud.ok(*words)
    assert done.err.startswith(f"{daily[0]} (daily-0, 2022-03-11T02:33:00Z): would be deleted: ")
    assert "5 days old, older than 4d" in done.err
    assert left(cloud) == daily[1:]


@pytest.mark.rule("DL-1")
@pytest.mark.parametrize(("answer", "gone"), [(b"y\n", 2), (b"n\n", 0), (b"", 0)])
def test_at_a_terminal_the_choice_is_shown_and_asked_about(
    cloud: Cloud, daily: list[str], answer: bytes, gone: int
) -> None:
    words = ("delete-snapshots", "--keep-last", "3")
    done = cloud.run(*words, stdin=answer, terminal=True)
    assert done.code == (0 if gone else 1)
    assert f"{daily[1]} (daily-1" in done.err and f"{daily[2]} (" not in done.err
    assert "2 would be deleted, 0 refused, 3 kept.\nDelete 2 of them? [y/N] " in done.err
    assert ("Nothing was changed." in done.err) is (not gone)
    assert left(cloud) == daily[gone:]
    if not gone:
        cloud.run(*words, "--yes", terminal=True)
        assert left(cloud) == daily[2:]


@pytest.mark.rule("DL-1")
def test_only_what_was_shown_is_deleted(cloud: Cloud, disk_id: str, daily: list[str]) -> None:
    """Ids and rules together narrow each other; so a person's yes is for these alone."""
    found = outcomes(cloud, daily[0], daily[4], "--keep-last", "2")
    assert {each for each in found if found[each]["Deleted"]} == {daily[0]}
    assert found[daily[1]]["Reason"] == "it was not named"
    assert found[daily[4]]["Reason"] == "it is number 1 of the newest 2 of its disk"
    assert left(cloud) == daily[1:]
    lost = outcomes(cloud, daily[1], "s-nosuch", "--name", "daily-*", code=1)
    assert lost["s-nosuch"]["Code"] == "InvalidSnapshotId.NotFound"
    assert left(cloud) == daily[2:]


@pytest.mark.rule("DL-1")
@pytest.mark.parametrize(
    "given", [{}, {"Name": "*"}, {"OlderThan": "0s"}, {"RegionId": REGION}, {"DryRun": True}]
)
def test_rules_that_leave_nothing_out_are_refused(
    cloud: Cloud, daily: list[str], given: dict[str, Any]
) -> None:
    assert "OlderThan" in refused(cloud, "MissingParameter", "DeleteSnapshots", **given).err


@pytest.mark.rule("DL-1")
@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("InvalidParameter", {"OlderThan": "soon"}),
        ("InvalidParameter", {"KeepLast": 0}),
        ("InvalidParameter", {"KeepLast": -1}),
        ("InvalidDiskId.NotFound", {"DiskId__1": "d-nosuch"}),
        ("InvalidInstanceId.NotFound", {"InstanceId__1": "i-nosuch"}),
        ("InvalidSnapshotType.NotFound", {"SnapshotType": "hourly"}),
        ("InvalidRegionId.NotFound", {"RegionId": "cn-nowhere", "KeepLast": 1}),
        ("InvalidTagCount", {f"Tag__{n}__Key": "x" for n in range(1, 22)}),
    ],
)
def test_rules_that_are_not_right_are_refused(
    cloud: Cloud, daily: list[str], code: str, given: dict[str, Any]
) -> None:
    refused(cloud, code, "DeleteSnapshots", **given)


@pytest.mark.rule("DL-4", "DL-3")
def test_one_that_may_not_go_is_an_outcome_and_the_others_go(
    cloud: Cloud, daily: list[str]
) -> None:
    child = cloud.ecs("CreateDisk", SnapshotId=daily[1], **NEW_DISK)["DiskId"]
    before = picture(cloud)
    dry = outcomes(cloud, "--keep-last", "2", "--dry-run")
    assert dry[daily[1]]["Code"] == "SnapshotCreatedDisk"
    assert picture(cloud) == before
    found = outcomes(cloud, "--keep-last", "2", code=1)
    assert child in found[daily[1]]["Message"]
    assert [found[each]["Deleted"] for each in daily] == [True, False, True, False, False]
    assert left(cloud) == [daily[1], daily[3], daily[4]]
    cloud.check()
    assert outcomes(cloud, "--keep-last", "2", "--force")[daily[1]]["Deleted"]
    cloud.check()


@pytest.mark.rule("DL-1")
def test_the_last_are_kept_of_each_disk(cloud: Cloud, disk_id: str, daily: list[str]) -> None:
    instance_id = cloud.instance()
    other = cloud.data_disk(instance_id)
    made = [cloud.snapshot(other) for _ in range(3)]
    found = outcomes(cloud, "--keep-last", "4", "--dry-run")
    assert [each for each in found if found[each]["Chosen"]] == [daily[0]]
    assert set(outcomes(cloud, "--keep-last", "2", "--instance-id", instance_id)) == set(made)
    assert set(left(cloud)) == {*daily, *made[1:]}
    outcomes(cloud, "--disk-id", disk_id, "--disk-id", other, "--keep-last", "1")
    assert set(left(cloud)) == {daily[4], made[2]}


@pytest.mark.rule("TG-2")
def test_tags_choose_among_many_snapshots(cloud: Cloud, disk_id: str) -> None:
    test = cloud.snapshot(disk_id, Tag__1__Key="env", Tag__1__Value="test")
    prod = cloud.snapshot(disk_id, Tag__1__Key="env", Tag__1__Value="prod")
    bare = cloud.snapshot(disk_id)
    found = outcomes(cloud, "--tag", "env=test")
    assert set(found) == {test}
    assert found[test]["Reason"] == "it carries env=test"
    assert left(cloud) == [prod, bare]
    assert set(outcomes(cloud, "--tag", "env")) == {prod}
    assert left(cloud) == [bare]


@pytest.mark.rule("DL-1")
def test_rules_never_cancel_a_snapshot_in_creation(
    cloud: Cloud, disk_id: str, daily: list[str]
) -> None:
    slow(cloud)
    cloud.write(disk_id, 0, block("Z") * 32)
    made = cloud.snapshot(disk_id, SnapshotName="daily-5")
    found = outcomes(cloud, "--name", "daily-*")
    assert found[made]["Reason"] == "it is in creation"
    assert left(cloud) == [made]


@pytest.mark.rule("DL-5")
def test_snapshots_of_a_released_disk_are_chosen_by_its_id(
    cloud: Cloud, disk_id: str, daily: list[str]
) -> None:
    [instance_id] = [each["InstanceId"] for each in cloud.disks(DiskIds=json.dumps([disk_id]))]
    cloud.ecs("DetachDisk", InstanceId=instance_id, DiskId=disk_id)
    cloud.ecs("DeleteDisk", DiskId=disk_id)
    assert left(cloud) == daily
    outcomes(cloud, "--disk-id", disk_id, "--keep-last", "1")
    assert left(cloud) == [daily[4]]
    restored = cloud.ecs("CreateDisk", SnapshotId=daily[4], **NEW_DISK)["DiskId"]
    assert cloud.read(restored, 0, 5) == b"".join(block(each) for each in "ABCDE")


@pytest.mark.rule("DL-1", "DL-4")
def test_any_mixture_of_nodes_goes_at_once_and_the_others_keep_their_view(
    cloud: Cloud, disk_id: str
) -> None:
    """Several stretches of a chain at once, blocks overwritten, emptied and written back."""
    changes = [
        {0: "A", 1: "A", 2: "A", 3: "A"}, {1: "B"}, {1: "A", 2: "C"}, {3: "0"}, {0: "D", 3: "E"},
        {1: "0", 2: "C"}, {2: "F"}, {0: "A", 1: "A", 2: "A", 3: "A"}, {4: "G"},
    ]  # fmt: skip
    made, views = [], []
    for change in changes:
        for at, letter in change.items():
            cloud.write(disk_id, at, bytes(BLOCK_BYTES) if letter == "0" else block(letter))
        made.append(cloud.snapshot(disk_id))
        views.append(cloud.read(disk_id, 0, 5))
    going = [0, 1, 3, 5, 6]
    cloud.ok("delete-snapshots", *(made[at] for at in reversed(going)))
    cloud.check()
    for at in sorted(set(range(len(changes))) - set(going)):
        restored = cloud.ecs("CreateDisk", SnapshotId=made[at], **NEW_DISK)["DiskId"]
        assert cloud.read(restored, 0, 5) == views[at], at
    # Every map is exactly the difference to the view before: A A C A; D A C E; A A A A; G.
    sizes = cloud.ok("chain", "show", disk_id, "--output", "json").json["Nodes"]
    assert [each["DataBlocks"] for each in sizes] == [4, 2, 3, 1]
    assert cloud.chain_size(disk_id) == 10 * BLOCK_BYTES


@pytest.mark.rule("DL-1")
def test_many_of_a_chain_are_one_change_of_one_map(cloud: Cloud, disk_id: str) -> None:
    for at in range(30):
        cloud.write(disk_id, at % 3, block(chr(ord("A") + at % 20)))
        cloud.snapshot(disk_id)
    folder = cloud.root / "chains" / REGION / disk_id
    outcomes(cloud, "--keep-last", "1")
    [node] = json.loads((folder / "chain.json").read_text())["nodes"]
    assert node["generation"] == 1
    assert node["data_blocks"] == 3
    assert len(list(folder.glob("*.map"))) == 1
    cloud.check()


@pytest.mark.rule("DL-4")
def test_that_nothing_was_chosen_is_told_once(cloud: Cloud, daily: list[str]) -> None:
    told = cloud.ok("delete-snapshots", "--name", "weekly-*", "--output", "table")
    assert (told.out + told.err).count("0 refused") == 1
    assert left(cloud) == daily


@pytest.mark.rule("DL-1")
def test_what_becomes_due_after_the_choice_was_shown_stays(
    cloud: Cloud, daily: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another command moves the time while a person reads what was chosen."""
    invoke = dispatch.invoke
    asked: list[dict[str, str]] = []

    def meanwhile(action: str, given: Mapping[str, str], caller: dispatch.Caller) -> Response:
        answer = invoke(action, given, caller)
        if action == "DeleteSnapshots":
            asked.append(dict(given))
            if len(asked) == 1:
                invoke("AdvanceClock", {"By": "2d"}, caller)
        return answer

    monkeypatch.setattr(dispatch, "invoke", meanwhile)
    cloud.ok("delete-snapshots", "--older-than", "4d")
    assert len(asked) == 2
    assert left(cloud) == daily[1:]
    # Nothing was chosen, so nothing goes, though by then something would have been.
    asked.clear()
    cloud.ok("delete-snapshots", "--older-than", "6d")
    assert left(cloud) == daily[1:]
