"""`check` finds what is wrong, names it and the disks it touches, and says so by its exit code."""

from pathlib import Path
from typing import Any

import pytest
from support import REGION, Cloud, block

DAMAGE = 5


@pytest.fixture
def scene(cloud: Cloud) -> tuple[str, str, str]:
    """A disk with two snapshots, and a disk made from the second: (disk, second, made)."""
    disk_id = cloud.data_disk(cloud.instance())
    for text in ("AB", "CB"):
        cloud.write(disk_id, 0, block(text[0]) + block(text[1]))
        snapshot_id = cloud.snapshot(disk_id)
    made = cloud.ecs(
        "CreateDisk",
        RegionId=REGION,
        ZoneId="cn-hangzhou-h",
        DiskCategory="cloud_essd",
        SnapshotId=snapshot_id,
    )["DiskId"]
    return disk_id, snapshot_id, str(made)


def problems(cloud: Cloud, *words: str) -> list[dict[str, Any]]:
    """Run a check that must find something, in both forms."""
    result = cloud.run("check", *words, "--output", "json")
    assert result.code == DAMAGE, (result.out, result.err)
    assert "Traceback" not in result.err
    read = ["--ReadData=true"] if words else []
    exact = cloud.run("ecs", "CheckWorkspace", *read)
    assert exact.code == DAMAGE and exact.json["Problems"] == result.json["Problems"]
    return list(result.json["Problems"])


def flip(file: Path, offset: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(offset)
        byte = opened.read(1)[0]
        opened.seek(offset)
        opened.write(bytes([byte ^ 0xFF]))


def test_damage_in_a_chain_of_copies_touches_no_disk_but_those_made_from_it(cloud: Cloud) -> None:
    from copy_steps import AWAY, copy, disk_from, link_id

    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, block("A"))
    copied = copy(cloud, cloud.snapshot(disk_id))
    folder = cloud.root / "chains" / AWAY / link_id(disk_id)
    flip(folder / f"{copied}.pack", 30)
    [problem] = problems(cloud, "--read-data")
    assert (problem["SnapshotId"], problem["Block"], problem["Disks"]) == (copied, 0, [])
    flip(folder / f"{copied}.pack", 30)
    made = disk_from(cloud, copied)
    flip(folder / f"{copied}.map", 100)
    assert [problem["Disks"] for problem in problems(cloud)] == [[made]]
    (folder / "chain.json").unlink()
    assert [problem["Disks"] for problem in problems(cloud)] == [[]]


def test_a_workspace_in_order_says_what_was_checked(
    cloud: Cloud, scene: tuple[str, str, str]
) -> None:
    result = cloud.ok("check", "--output", "json").json
    assert result["Problems"] == [] and result["DataWasRead"] is False
    counted = {name: result[name] for name in ("Documents", "Disks", "Chains", "Snapshots")}
    assert counted == {"Documents": 3, "Disks": 3, "Chains": 1, "Snapshots": 2}
    assert result["DataBlocks"] == 3
    assert cloud.ok("check", "--read-data", "--output", "json").json["DataWasRead"] is True


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": "x"}', b'{"nodes": []}'])
@pytest.mark.parametrize("kind", ["account", "inventory", "chain"])
def test_a_damaged_document_is_named(
    cloud: Cloud, scene: tuple[str, str, str], kind: str, content: bytes
) -> None:
    file = {
        "account": "state/account.json",
        "inventory": f"state/{REGION}/inventory.json",
        "chain": f"chains/{REGION}/{scene[0]}/chain.json",
    }[kind]
    (cloud.root / file).write_bytes(content)
    found = problems(cloud)
    assert [problem["File"] for problem in found] == [str(cloud.root / file)]
    assert "damaged" in found[0]["Message"]
    assert found[0]["Disks"] == ([scene[0]] if kind == "chain" else [])


def test_a_newer_document_is_named(cloud: Cloud, scene: tuple[str, str, str]) -> None:
    file = cloud.root / "state" / REGION / "inventory.json"
    file.write_text(file.read_text().replace('"format": 1', '"format": 99', 1))
    [problem] = problems(cloud)
    assert "newer" in problem["Message"]


def test_a_damaged_inventory_does_not_make_its_disks_look_like_leftovers(
    cloud: Cloud, scene: tuple[str, str, str]
) -> None:
    """Else a person would be told to delete the very bytes."""
    (cloud.root / "state" / REGION / "inventory.json").write_text("{")
    assert not any("deleted" in problem["Message"] for problem in problems(cloud))


def test_a_chain_that_lost_its_document_is_no_leftover(
    cloud: Cloud, scene: tuple[str, str, str]
) -> None:
    file = cloud.root / "chains" / REGION / scene[0] / "chain.json"
    file.unlink()
    [problem] = problems(cloud)
    assert problem["File"] == str(file) and problem["Disks"] == [scene[0]]
    assert "Put back" in problem["Message"]


def test_a_missing_disk_file_is_named(cloud: Cloud, scene: tuple[str, str, str]) -> None:
    file = cloud.image(scene[2])
    file.unlink()
    [problem] = problems(cloud)
    assert (problem["File"], problem["Disks"]) == (str(file), [scene[2]])


@pytest.mark.parametrize("length", [0, 1 << 20, (20 << 30) + 1])
def test_a_disk_file_of_another_length_is_named(
    cloud: Cloud, scene: tuple[str, str, str], length: int
) -> None:
    file = cloud.image(scene[2])
    with file.open("r+b") as opened:
        opened.truncate(length)
    [problem] = problems(cloud)
    assert (problem["File"], problem["Disks"]) == (str(file), [scene[2]])
    assert "20 GiB" in problem["Message"] and str(length) in problem["Message"]


def test_files_left_over_are_named(cloud: Cloud, scene: tuple[str, str, str]) -> None:
    disks, chains = cloud.root / "disks" / REGION, cloud.root / "chains" / REGION
    left = [disks / "d-old.raw", chains / scene[0] / "s-old.pack", chains / "d-old"]
    left[0].write_bytes(b"x")
    left[1].write_bytes(b"x")
    left[2].mkdir()
    found = problems(cloud)
    assert {problem["File"] for problem in found} == {str(file) for file in left}
    assert all("can be deleted" in problem["Message"] for problem in found)


def test_a_disk_of_an_instance_that_does_not_exist_is_named(
    cloud: Cloud, scene: tuple[str, str, str]
) -> None:
    file = cloud.root / "state" / REGION / "inventory.json"
    instance_id = cloud.disk(scene[0])["InstanceId"]
    file.write_text(
        file.read_text().replace(
            f'"instance_id": "{instance_id}",\n   "device"', '"instance_id": "i-gone",\n   "device"'
        )
    )
    found = problems(cloud)
    assert any("i-gone" in p["Message"] and p["Disks"] == [scene[0]] for p in found)


def test_a_flipped_byte_in_a_pack_is_found_by_reading(
    cloud: Cloud, scene: tuple[str, str, str]
) -> None:
    disk_id, snapshot_id, made = scene
    pack = cloud.root / "chains" / REGION / disk_id / f"{snapshot_id}.pack"
    flip(pack, pack.stat().st_size - 8)
    assert cloud.run("check").code == 0  # the data was not read
    [problem] = problems(cloud, "--read-data")
    assert (problem["SnapshotId"], problem["Block"]) == (snapshot_id, 0)
    assert problem["File"] == str(pack)
    assert set(problem["Disks"]) == {disk_id, made}


def test_a_flipped_byte_in_a_map_is_found_without_reading_data(
    cloud: Cloud, scene: tuple[str, str, str]
) -> None:
    disk_id, snapshot_id, made = scene
    file = cloud.root / "chains" / REGION / disk_id / f"{snapshot_id}.map"
    flip(file, file.stat().st_size // 2)
    found = problems(cloud)
    assert {problem["File"] for problem in found} == {str(file)}
    assert {problem["SnapshotId"] for problem in found} == {snapshot_id}
    assert all(set(problem["Disks"]) == {disk_id, made} for problem in found)


def test_damage_in_an_early_snapshot_touches_the_disks_of_later_ones(
    cloud: Cloud, scene: tuple[str, str, str]
) -> None:
    disk_id, _, made = scene
    first = cloud.snapshots()[1]["SnapshotId"]
    (cloud.root / "chains" / REGION / disk_id / f"{first}.pack").unlink()
    found = problems(cloud)
    assert found and all(set(problem["Disks"]) == {disk_id, made} for problem in found)


def test_damage_in_a_late_snapshot_touches_no_disk_made_from_an_earlier_one(
    cloud: Cloud, scene: tuple[str, str, str]
) -> None:
    disk_id = scene[0]
    cloud.write(disk_id, 0, block("D"))
    last = cloud.snapshot(disk_id)
    (cloud.root / "chains" / REGION / disk_id / f"{last}.map").unlink()
    found = problems(cloud)
    assert found and all(problem["Disks"] == [disk_id] for problem in found)


def test_counts_that_do_not_fit_the_map_are_named(
    cloud: Cloud, scene: tuple[str, str, str]
) -> None:
    file = cloud.root / "chains" / REGION / scene[0] / "chain.json"
    file.write_text(file.read_text().replace('"data_blocks": 2', '"data_blocks": 7', 1))
    problem, ledger = problems(cloud)
    assert "2 data and 0 empty blocks" in problem["Message"] and "7 and 0" in problem["Message"]
    assert "ledger" in ledger["Message"] or "history" in ledger["Message"]


def test_a_check_changes_nothing_though_something_is_due(
    cloud: Cloud, scene: tuple[str, str, str]
) -> None:
    cloud.snapshot(scene[0], RetentionDays=1)
    cloud.edit_clock(at="2022-04-01T00:00:00Z")
    counted = cloud.ok("check", "--output", "json").json
    assert (counted["Problems"], counted["Snapshots"]) == ([], 3)


def test_a_damaged_document_stops_other_commands_with_its_name_and_status_4(
    cloud: Cloud, scene: tuple[str, str, str]
) -> None:
    file = cloud.root / "state" / REGION / "inventory.json"
    content = file.read_bytes()
    file.write_text("{")
    result = cloud.run("ecs", "DescribeDisks", "--RegionId", REGION)
    assert result.code == 4 and str(file) in result.err and "snapcli check" in result.err
    result = cloud.run("ecs", "DeleteDisk", "--DiskId", scene[2])
    assert result.code == 4
    file.write_bytes(content)
    cloud.check()
