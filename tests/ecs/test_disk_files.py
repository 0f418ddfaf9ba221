"""`disk path|import|read|write`: a disk's bytes for people and programs."""

import os
from pathlib import Path

import pytest
from support import GIB, REGION, Cloud, block


@pytest.fixture
def disk_id(cloud: Cloud) -> str:
    return cloud.data_disk(cloud.instance())


def test_the_path_is_that_of_a_sparse_raw_file_of_the_disks_size(
    cloud: Cloud, disk_id: str
) -> None:
    cloud.write(disk_id, 0, block("A"))
    shown = cloud.ok("disk", "path", disk_id, "--output", "json").json
    assert os.stat(shown["Path"]).st_size == shown["LengthBytes"] == 20 * GIB
    assert 65536 <= shown["OccupiedBytes"] < 1 << 20
    assert shown["Path"].endswith(f"/disks/{REGION}/{disk_id}.raw")
    assert cloud.ok("disk", "path", disk_id).out.strip().endswith(".raw")


def test_reading_writes_just_the_bytes_to_standard_output(cloud: Cloud, disk_id: str) -> None:
    cloud.write(disk_id, 0, block("A") + block("B"))
    read = cloud.ok("disk", "read", disk_id, "--offset", "65530", "--length", "12").bytes
    assert read == b"AAAAAABBBBBB"
    tail = cloud.ok("disk", "read", disk_id, "--offset", str(20 * GIB - 3)).bytes
    assert tail == bytes(3)
    assert cloud.ok("disk", "read", disk_id, "--length", "0").bytes == b""


def test_writing_takes_standard_input_and_changes_just_that(cloud: Cloud, disk_id: str) -> None:
    cloud.write(disk_id, 0, block("A"))
    cloud.ok("disk", "write", disk_id, "--offset", "10", stdin=b"hello")
    assert cloud.read(disk_id, 0, 1) == b"A" * 10 + b"hello" + b"A" * 65521
    cloud.ok("disk", "write", disk_id, "--length", "2", stdin=b"xyz")
    assert cloud.read(disk_id, 0, 1)[:4] == b"xyAA"
    assert cloud.image(disk_id).stat().st_size == 20 * GIB


@pytest.mark.parametrize(
    "words",
    [
        ("read", "--offset", str(20 * GIB), "--length", "1"),
        ("read", "--offset", str(20 * GIB + 1)),
        ("read", "--offset", "-1"),
        ("write", "--offset", str(20 * GIB + 1)),
        ("write", "--offset", str(20 * GIB - 2)),
    ],
)
def test_a_stretch_beyond_the_disk_is_refused(
    cloud: Cloud, disk_id: str, words: tuple[str, ...]
) -> None:
    action, *rest = words
    result = cloud.run("disk", action, disk_id, *rest, stdin=b"abc")
    assert result.code == 1 and result.error_code == "InvalidParameter"
    assert "Traceback" not in result.err and result.bytes == b""
    assert cloud.image(disk_id).stat().st_size == 20 * GIB


def test_an_imported_disk_has_the_files_bytes_and_whole_gibs(cloud: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "disk.raw"
    content = block("A") + bytes(65536) + b"end"
    file.write_bytes(content)
    made = cloud.ok(
        "disk", "import", str(file), "--region", REGION, "--disk-name", "mine", "--output", "json"
    )
    disk = cloud.disk(made.json["DiskId"])
    assert (disk["Size"], disk["DiskName"], disk["Status"]) == (1, "mine", "Available")
    assert (disk["Category"], disk["PerformanceLevel"]) == ("cloud_essd", "PL0")
    assert cloud.read(disk["DiskId"], 0, 3) == content.ljust(3 * 65536, b"\0")
    assert cloud.image(disk["DiskId"]).stat().st_size == GIB
    assert cloud.image(disk["DiskId"]).stat().st_blocks * 512 < 1 << 20
    file.unlink()
    cloud.check()


def test_an_imported_disk_can_be_attached_at_once_and_then_captured(
    cloud: Cloud, tmp_path: Path
) -> None:
    file = tmp_path / "disk.raw"
    file.write_bytes(block("A"))
    instance_id = cloud.instance(ZoneId="cn-hangzhou-k", data_gib=None)
    made = cloud.ok("disk", "import", str(file), "--instance-id", instance_id, "--output", "json")
    disk = cloud.disk(made.json["DiskId"])
    assert (disk["ZoneId"], disk["Status"], disk["Device"]) == (
        "cn-hangzhou-k",
        "In_use",
        "/dev/xvdb",
    )
    cloud.snapshot(disk["DiskId"])
    assert cloud.chain_size(disk["DiskId"]) == 65536


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--size", "1"), "InvalidSize.ValueNotSupported"),
        (("--disk-category", "cloud", "--size", "3000"), "InvalidSize.ValueNotSupported"),
        (("--disk-category", "gold"), "InvalidDiskCategory.ValueNotSupported"),
        (("--zone-id", "cn-beijing-a"), "InvalidZoneId.NotFound"),
        (("--instance-id", "i-none"), "InvalidInstanceId.NotFound"),
        (("--region", "cn-nowhere"), "InvalidRegionId.NotFound"),
    ],
)
def test_an_import_that_cannot_be_leaves_nothing(
    cloud: Cloud, tmp_path: Path, words: tuple[str, ...], code: str
) -> None:
    file = tmp_path / "disk.raw"
    with file.open("wb") as opened:
        opened.truncate(GIB + 1)
    result = cloud.run("disk", "import", str(file), *words)
    assert (result.code, result.error_code) == (1, code)
    assert cloud.disks() == [] and list(cloud.root.glob("disks/*/*")) == []


def test_an_import_into_another_region_than_its_instances_is_refused(
    cloud: Cloud, tmp_path: Path
) -> None:
    file = tmp_path / "disk.raw"
    file.write_bytes(b"x")
    words = ("--instance-id", cloud.instance(), "--region", "cn-beijing")
    result = cloud.run("disk", "import", str(file), *words)
    assert (result.code, result.error_code) == (1, "InvalidInstanceId.NotFound")


def test_a_file_that_cannot_be_read_is_named(cloud: Cloud, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.raw")
    result = cloud.run("disk", "import", missing)
    assert result.code == 1 and missing in result.err
    result = cloud.run("disk", "import", str(tmp_path))
    assert result.code == 1 and str(tmp_path) in result.err and "internal" not in result.err


def test_an_unknown_disk_is_refused_by_all_of_them(cloud: Cloud) -> None:
    for action in ("path", "read", "write"):
        result = cloud.run("disk", action, "d-none")
        assert (result.code, result.error_code) == (1, "InvalidDiskId.NotFound")
