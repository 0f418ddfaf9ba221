"""ExportImage, ImportImage and their tasks: real files, never half of one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from image_helpers import (
    create_image,
    disks_of,
    image,
    images,
    launch,
    marked_instance,
    system_disk,
)
from refusals import picture, refused
from support import GIB, LINUX_IMAGE, REGION, Cloud, block

QEMU_IMG = shutil.which("qemu-img")
needs_qemu_img = pytest.mark.skipif(QEMU_IMG is None, reason="qemu-img is not installed")


@pytest.fixture
def image_id(cloud: Cloud) -> str:
    """An image of a system disk of 40 GiB and a data disk of 20 GiB, both with data."""
    source = marked_instance(cloud)
    cloud.write(cloud.data_disk(source), 7, block("D"))
    return create_image(cloud, InstanceId=source)


def export(cloud: Cloud, image_id: str, **parameters: Any) -> str:
    given = {"RegionId": REGION, "ImageId": image_id, "OSSBucket": "backups", **parameters}
    answer = cloud.ecs("ExportImage", **given)
    assert answer["RegionId"] == REGION
    return str(answer["TaskId"])


def import_(cloud: Cloud, *objects: str, **parameters: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"RegionId": REGION, **parameters}
    for number, name in enumerate(objects, 1):
        given[f"DiskDeviceMapping__{number}__OSSBucket"] = "backups"
        given[f"DiskDeviceMapping__{number}__OSSObject"] = name
    return dict(cloud.ecs("ImportImage", **given))


def tasks(cloud: Cloud, **parameters: Any) -> list[dict[str, Any]]:
    found = cloud.ecs("DescribeTasks", RegionId=REGION, **parameters)
    return list(found["TaskSet"]["Task"])


def task(cloud: Cloud, task_id: str) -> tuple[str, str]:
    told = cloud.ecs("DescribeTaskAttribute", RegionId=REGION, TaskId=task_id)
    return told["TaskStatus"], told["TaskProcess"]


def bucket(cloud: Cloud) -> dict[str, Path]:
    folder = cloud.root / "buckets" / "backups"
    return {path.name: path for path in folder.iterdir()} if folder.exists() else {}


def at(path: Path, number: int) -> bytes:
    with path.open("rb") as file:
        file.seek(number * 65536)
        return file.read(65536)


@pytest.mark.rule("IM-8")
def test_an_image_is_exported_raw_a_sparse_file_a_disk(cloud: Cloud, image_id: str) -> None:
    task_id = export(cloud, image_id)
    system, data = f"{image_id}_system.raw", f"{image_id}_data_xvdb.raw"
    files = bucket(cloud)
    assert set(files) == {system, data}
    assert (files[system].stat().st_size, files[data].stat().st_size) == (40 * GIB, 20 * GIB)
    assert files[system].stat().st_blocks * 512 < GIB
    assert at(files[system], 5) == block("S") and LINUX_IMAGE.encode() in at(files[system], 0)
    assert at(files[data], 7) == block("D")
    assert task(cloud, task_id) == ("Finished", "100%")


@needs_qemu_img
@pytest.mark.rule("IM-8")
def test_a_qcow2_file_holds_the_same_bytes_for_qemu_img(cloud: Cloud, image_id: str) -> None:
    export(cloud, image_id)
    export(cloud, image_id, ImageFormat="qcow2", OSSPrefix="nightly")
    files = bucket(cloud)
    for disk in ("system", "data_xvdb"):
        raw = files[f"{image_id}_{disk}.raw"]
        qcow2 = files[f"nightly_{image_id}_{disk}.qcow2"]
        assert qcow2.stat().st_size < 10 << 20
        assert QEMU_IMG is not None
        for words in (
            [QEMU_IMG, "check", str(qcow2)],
            [QEMU_IMG, "compare", "-f", "raw", "-F", "qcow2", str(raw), str(qcow2)],
        ):
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.rule("IM-8")
def test_a_given_folder_is_a_bucket_too(cloud: Cloud, image_id: str, tmp_path: Path) -> None:
    (tmp_path / f".{image_id}_system.raw.part").write_text("left by a crash")
    export(cloud, image_id, OSSBucket=tmp_path)
    assert sorted(os.listdir(tmp_path)) == [f"{image_id}_data_xvdb.raw", f"{image_id}_system.raw"]
    assert at(tmp_path / f"{image_id}_system.raw", 5) == block("S")
    assert bucket(cloud) == {}


@pytest.mark.rule("IM-8")
def test_a_snapshot_can_not_be_exported(cloud: Cloud, image_id: str) -> None:
    snapshot_id = cloud.snapshots()[0]["SnapshotId"]
    given = {"RegionId": REGION, "ImageId": snapshot_id, "OSSBucket": "backups"}
    refused(cloud, "InvalidImageId.NotFound", "ExportImage", **given)
    assert cloud.run("ecs", "ExportSnapshot", "--SnapshotId", snapshot_id).code != 0


@pytest.mark.rule("IM-8")
@pytest.mark.parametrize("image_format", ["raw", "qcow2"])
def test_what_was_exported_comes_back_as_an_image_with_the_same_bytes(
    cloud: Cloud, image_id: str, image_format: str
) -> None:
    export(cloud, image_id, ImageFormat=image_format)
    system, data = f"{image_id}_system.{image_format}", f"{image_id}_data_xvdb.{image_format}"
    answer = import_(cloud, system, data, ImageName="back", Platform="CentOS")
    made = image(cloud, answer["ImageId"])
    assert [each[:3] for each in disks_of(made)] == [
        ("system", "/dev/xvda", "40"),
        ("data", "/dev/xvdb", "20"),
    ]
    first = made["DiskDeviceMappings"]["DiskDeviceMapping"][0]
    assert (first["ImportOSSBucket"], first["ImportOSSObject"]) == ("backups", system)
    assert first["Format"] == image_format
    assert (made["Platform"], made["OSType"], made["Status"]) == ("CentOS", "linux", "Available")
    for path in bucket(cloud).values():
        path.unlink()
    instance_id = launch(cloud, answer["ImageId"])
    assert cloud.read(system_disk(cloud, instance_id), 5, 1) == block("S")
    assert cloud.read(cloud.data_disk(instance_id), 7, 1) == block("D")
    cloud.check()


def test_an_imported_image_is_counted_and_freed_by_its_deletion(cloud: Cloud) -> None:
    folder = cloud.root / "buckets" / "backups"
    folder.mkdir(parents=True)
    (folder / "disk.img").write_bytes(block("A") + block("B") + b"odd")
    answer = import_(cloud, "disk.img")
    usage = cloud.ecs("DescribeSnapshotsUsage", RegionId=REGION)
    assert (usage["SnapshotCount"], usage["SnapshotSize"]) == (1, 3 * 65536)
    [snapshot] = cloud.snapshots()
    refused(cloud, "SnapshotCreatedImage", "DeleteSnapshot", SnapshotId=snapshot["SnapshotId"])
    assert image(cloud, answer["ImageId"])["Size"] == 1
    cloud.check()
    cloud.ecs("DeleteImage", RegionId=REGION, ImageId=answer["ImageId"])
    assert cloud.snapshots() == []
    assert list(cloud.root.glob("chains/*/*")) == list(cloud.root.glob("disks/*/*")) == []
    assert (folder / "disk.img").exists()
    cloud.check()


def test_a_locked_snapshot_stays_when_its_imported_image_goes(cloud: Cloud) -> None:
    folder = cloud.root / "buckets" / "backups"
    folder.mkdir(parents=True)
    (folder / "disk.img").write_bytes(block("A"))
    answer = import_(cloud, "disk.img")
    [snapshot] = cloud.snapshots()
    lock = {"LockMode": "compliance", "LockDuration": 10, "CoolOffPeriod": 0}
    cloud.ecs("LockSnapshot", RegionId=REGION, SnapshotId=snapshot["SnapshotId"], **lock)
    cloud.ecs("DeleteImage", RegionId=REGION, ImageId=answer["ImageId"])
    [left] = cloud.snapshots()
    assert left["SnapshotId"] == snapshot["SnapshotId"]
    cloud.check()


def test_tasks_run_by_the_workspaces_clock(cloud: Cloud, image_id: str) -> None:
    cloud.ok("config", "set", "speed", "realistic")
    task_id = export(cloud, image_id)
    assert task(cloud, task_id) == ("Processing", "0%")
    given = {"RegionId": REGION, "ImageId": image_id, "OSSBucket": "backups"}
    refused(cloud, "ImageIsExporting", "ExportImage", **given)
    refused(cloud, "ImageIsExporting", "DeleteImage", RegionId=REGION, ImageId=image_id)
    cloud.ok("clock", "advance", "15s")
    status, process = task(cloud, task_id)
    assert status == "Processing" and 0 < int(process[:-1]) < 100
    cloud.ok("clock", "advance", "1h")
    assert task(cloud, task_id) == ("Finished", "100%")
    other = export(cloud, image_id, OSSPrefix="b")
    assert [each["TaskId"] for each in tasks(cloud)] == [other, task_id]
    [running] = tasks(cloud, TaskStatus="Processing")
    assert (running["TaskId"], running["SupportCancel"]) == (other, "true")
    assert running["FinishedTime"] == ""
    for filters in (
        {"TaskIds": task_id},
        {"TaskStatus": "Finished"},
        {"EndTime": "2022-03-11T02:40Z"},
    ):
        [found] = tasks(cloud, **filters)
        assert (found["TaskId"], found["TaskAction"], found["ResourceId"]) == (
            task_id,
            "ExportImage",
            image_id,
        )


def test_a_cancelled_export_takes_its_files_away(cloud: Cloud, image_id: str) -> None:
    cloud.ok("config", "set", "speed", "realistic")
    task_id = export(cloud, image_id)
    assert len(bucket(cloud)) == 2
    cloud.ecs("CancelTask", RegionId=REGION, TaskId=task_id)
    assert bucket(cloud) == {}
    assert task(cloud, task_id)[0] == "Deleted"
    given = {"RegionId": REGION, "TaskId": task_id}
    refused(cloud, "InvalidTaskId.IncorrectTaskStatus", "CancelTask", **given)
    cloud.ok("clock", "advance", "1h")
    assert task(cloud, task_id)[0] == "Deleted"
    refused(cloud, "InvalidTaskId.NotFound", "CancelTask", RegionId=REGION, TaskId="tsk-none")
    cloud.check()


def test_a_cancelled_import_takes_its_image_away(cloud: Cloud) -> None:
    cloud.ok("config", "set", "speed", "realistic")
    folder = cloud.root / "buckets" / "backups"
    folder.mkdir(parents=True)
    (folder / "disk.img").write_bytes(block("A"))
    answer = import_(cloud, "disk.img")
    assert image(cloud, answer["ImageId"])["Status"] == "Creating"
    given = {"RegionId": REGION, "ImageId": answer["ImageId"]}
    refused(cloud, "ImageIsImporting", "DeleteImage", **given)
    cloud.ecs("CancelTask", RegionId=REGION, TaskId=answer["TaskId"])
    assert images(cloud, Status="Creating,Available") == [] and cloud.snapshots() == []
    cloud.check()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"ImageId": LINUX_IMAGE}, "ImageNotSupported"),
        ({"ImageId": "m-none"}, "InvalidImageId.NotFound"),
        ({"RegionId": "cn-nowhere"}, "InvalidRegionId.NotFound"),
        ({"ImageFormat": "vmdk"}, "InvalidImageFormat.RegionNotSupported"),
        ({"ImageFormat": "tape"}, "InvalidImageFormat.Malformed"),
        ({"OSSPrefix": "a/b"}, "InvalidOSSPrefix.Malformed"),
        ({"OSSPrefix": "a" * 31}, "InvalidOSSPrefix.Malformed"),
        ({"OSSBucket": "../up"}, "InvalidOSSBucket.NotFound"),
        ({"OSSBucket": "/no/such/folder"}, "InvalidOSSBucket.NotFound"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_what_can_not_be_exported_is_refused(
    cloud: Cloud, image_id: str, given: dict[str, Any], code: str
) -> None:
    right = {"RegionId": REGION, "ImageId": image_id, "OSSBucket": "backups"}
    refused(cloud, code, "ExportImage", **(right | given))
    assert not (cloud.root / "buckets").exists()


def test_only_so_many_and_so_large_data_disks_are_exported(cloud: Cloud, image_id: str) -> None:
    system = disks_of(image(cloud, image_id))[0][3]
    data = disks_of(image(cloud, image_id))[1][3]
    mapping = {"DiskDeviceMapping__1__SnapshotId": system}
    large = {"DiskDeviceMapping__2__SnapshotId": data, "DiskDeviceMapping__2__Size": 501}
    many = {f"DiskDeviceMapping__{number}__SnapshotId": data for number in range(2, 7)}
    empty = {f"DiskDeviceMapping__{number}__Size": 600 for number in range(2, 8)}
    for disks in (large, many):
        made = create_image(cloud, **mapping, **disks)
        given = {"RegionId": REGION, "ImageId": made, "OSSBucket": "backups"}
        refused(cloud, "InvalidImage.DiskAmountOrSize", "ExportImage", **given)
    made = create_image(cloud, **mapping, **empty)  # nothing of these is exported
    export(cloud, made)
    assert list(bucket(cloud)) == [f"{made}_system.raw"]


@pytest.mark.rule("IM-3")
def test_an_encrypted_image_is_not_exported(cloud: Cloud) -> None:
    source = cloud.instance(SystemDisk__Encrypted=True, SystemDisk__Category="cloud_essd")
    made = create_image(cloud, SnapshotId=cloud.snapshot(system_disk(cloud, source)))
    given = {"RegionId": REGION, "ImageId": made, "OSSBucket": "backups"}
    refused(cloud, "ImageNotSupported", "ExportImage", **given)


@pytest.mark.parametrize(
    ("content", "given", "code"),
    [
        (b"", {}, "InvalidOSSObject.Size"),
        (None, {}, "InvalidOSSObject.NotFound"),
        (b"A", {"OSSObject": "../backups/disk.img"}, "InvalidOSSObject.Malformed"),
        (b"A", {"OSSObject": "/etc/hostname"}, "InvalidOSSObject.Malformed"),
        (b"A", {"OSSBucket": "nowhere"}, "InvalidOSSBucket.NotFound"),
        (b"A", {"OSSBucket": "No Name"}, "InvalidOSSBucket.Malformed"),
        (b"A", {"Format": "TAPE"}, "InvalidImageFormat.Malformed"),
        (b"A", {"Format": "VHD"}, "InvalidImageFormat.Malformed"),
        (b"A", {"Format": "QCOW2"}, "InvalidImageFormat.Malformed"),
        (b"QFI\xfb and no more", {}, "InvalidImageFormat.Malformed"),
        (b"KDMV", {}, "InvalidImageFormat.Malformed"),
        (b"A" + bytes(600), {"DiskImageSize": 4000}, "InvalidImageSize"),
        (b"A", {"Device": "/dev/sda"}, "InvalidDevice.Malformed"),
    ],
)
def test_what_is_no_image_is_not_imported(
    cloud: Cloud, content: bytes | None, given: dict[str, Any], code: str
) -> None:
    folder = cloud.root / "buckets" / "backups"
    folder.mkdir(parents=True)
    if content is not None:
        (folder / "disk.img").write_bytes(content)
    right = {"OSSBucket": "backups", "OSSObject": "disk.img"} | given
    mapping = {f"DiskDeviceMapping__1__{name}": value for name, value in right.items()}
    refused(cloud, code, "ImportImage", RegionId=REGION, **mapping)
    cloud.check()


def test_a_link_out_of_the_bucket_is_not_followed(cloud: Cloud, tmp_path: Path) -> None:
    folder = cloud.root / "buckets" / "backups"
    folder.mkdir(parents=True)
    (tmp_path / "secret").write_text("not for you")
    (folder / "disk.img").symlink_to(tmp_path / "secret")
    mapping = {"DiskDeviceMapping__1__OSSBucket": "backups"}
    mapping["DiskDeviceMapping__1__OSSObject"] = "disk.img"
    refused(cloud, "InvalidOSSObject.Malformed", "ImportImage", RegionId=REGION, **mapping)


def test_a_dry_run_of_an_import_says_so_and_makes_nothing(cloud: Cloud) -> None:
    folder = cloud.root / "buckets" / "backups"
    folder.mkdir(parents=True)
    (folder / "disk.img").write_bytes(block("A"))
    mapping = {"DiskDeviceMapping__1__OSSBucket": "backups"}
    mapping["DiskDeviceMapping__1__OSSObject"] = "disk.img"
    refused(cloud, "DRYRUN.SUCCESS", "ImportImage", RegionId=REGION, DryRun=True, **mapping)
    refused(cloud, "MissingParameter.DiskDeviceMapping", "ImportImage", RegionId=REGION)


def test_a_damaged_snapshot_leaves_no_file(cloud: Cloud, image_id: str) -> None:
    system = disks_of(image(cloud, image_id))[0][3]
    [pack] = cloud.root.glob(f"chains/*/*/{system}.pack")
    content = bytearray(pack.read_bytes())
    content[-20] ^= 0xFF
    pack.write_bytes(content)
    before = picture(cloud)
    done = cloud.run("ecs", "ExportImage", "--ImageId", image_id, "--OSSBucket", "backups")
    assert done.code != 0 and system in done.err and "Traceback" not in done.err
    assert picture(cloud) == before
    assert bucket(cloud) == {}


def test_a_publication_that_a_crash_cut_off_is_finished(cloud: Cloud, tmp_path: Path) -> None:
    from snapcli.ecs.recovery import FINISHERS

    (tmp_path / ".a.part").write_text("whole")
    arguments = {"files": [[".a.part", "a"], [".b.part", "b"]]}  # the second was renamed before
    for _ in range(2):
        FINISHERS["publish"](str(tmp_path), arguments)
    assert json.dumps(sorted(os.listdir(tmp_path))) == '["a"]'


_DYING = """
import sys
sys.path.insert(0, sys.argv[1])
from robustness_steps import ACTIONS, fault_at
from snapcli.cli.main import main
with fault_at(int(sys.argv[2]), ACTIONS["die"]) as seen:
    code = main(sys.argv[3:])
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.rule("IM-8")
@pytest.mark.parametrize("outside", [False, True])
def test_a_kill_at_any_step_leaves_no_half_file(
    cloud: Cloud, image_id: str, tmp_path: Path, outside: bool
) -> None:
    """The next command finds the export done, or not begun, and nothing else in the bucket."""
    folder = tmp_path if outside else cloud.root / "buckets" / "backups"
    whole = {f"{image_id}_system.qcow2": 5, f"{image_id}_data_xvdb.qcow2": 7}
    helpers = str(Path(__file__).parents[1] / "robustness")
    words = ["--workspace", str(cloud.root), "ecs", "ExportImage", "--ImageId", image_id]
    words += ["--OSSBucket", str(tmp_path) if outside else "backups", "--ImageFormat", "qcow2"]
    ended = 0
    for number in range(400):
        shutil.rmtree(folder, ignore_errors=True)
        tmp_path.mkdir(exist_ok=True)
        before = len(tasks(cloud, PageSize=100))
        done = subprocess.run(
            [sys.executable, "-c", _DYING, helpers, str(number), *words],
            capture_output=True,
            check=False,
        )
        assert done.returncode in (0, 9), done.stderr
        cloud.check()
        began = len(tasks(cloud, PageSize=100)) > before
        left = (
            {name for name in os.listdir(folder) if not name.startswith(".")}
            if (folder.exists())
            else set()
        )
        assert left == (set(whole) if began else set()), (number, left)
        if not outside and folder.exists():
            assert set(os.listdir(folder)) == left
        if done.returncode == 0:
            ended = number
            break
    assert ended > 20
