"""A disk's file that is no disk, or not of its length, is refused wherever its bytes are taken."""

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from refusals import refused
from support import GIB, REGION, Cloud, Result, block


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Whoever opens a FIFO waits for ever; a test does not."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _too_long(*_: object) -> None:
    raise AssertionError("it waits for something that never comes")


def cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(3 << 20)


def grown(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(20 * GIB + 10)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def zeros(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


# What is done to the file, and how it is called.
LENGTHS = {"cut": (cut, "has 3145728 bytes"), "grown": (grown, "has 21474836490 bytes")}
KINDS = {
    "FIFO": (fifo, "is a FIFO"),
    "/dev/zero": (zeros, "is a character device"),
    "folder": (folder, "is a folder"),
}
ALL = LENGTHS | KINDS
Damage = Callable[[Path], None]


class Scene:
    """A stopped instance with a data disk of which there is a snapshot."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.instance = cloud.instance()
        self.disk = cloud.data_disk(self.instance)
        cloud.write(self.disk, 0, block("A"))
        self.snapshot = cloud.snapshot(self.disk)
        cloud.write(self.disk, 0, block("B"))
        cloud.ecs("StopInstance", InstanceId=self.instance)
        self.image = cloud.image(self.disk)


@pytest.fixture
def scene(cloud: Cloud) -> Scene:
    return Scene(cloud)


def state(cloud: Cloud) -> dict[str, tuple[int, ...]]:
    """Return the workspace's documents and block files, and what kind of file each disk has."""
    found: dict[str, tuple[int, ...]] = {}
    for top in ("state", "chains", "disks"):
        for path in (cloud.root / top).rglob("*"):
            known = path.lstat()
            found[str(path)] = (known.st_mode, known.st_ino)
            if not path.is_dir():
                found[str(path)] = (*found[str(path)], known.st_size, known.st_mtime_ns)
    return found


# What takes bytes from a disk, or changes some of them.
USES: dict[str, str] = {
    "CreateSnapshot": "create-snapshot --disk-id {disk}",
    "CreateSnapshotGroup": f"create-snapshot-group --region {REGION} --instance-id {{instance}}",
    "CreateImage": f"create-image --region {REGION} --instance-id {{instance}} --image-name image",
    "ResetDisk beforehand": (
        "reset-disk --disk-id {disk} --snapshot-id {snapshot} --snapshot-first"
    ),
    "disk read": "disk read {disk} --offset 5242880 --length 10",
    "disk write": "disk write {disk} --offset 5242880",
    "ResizeDisk": "resize-disk --disk-id {disk} --new-size 30",
}


def use(scene: Scene, text: str) -> Result:
    named = {"disk": scene.disk, "instance": scene.instance, "snapshot": scene.snapshot}
    return scene.cloud.run(*shlex.split(text.format(**named)), stdin=b"new")


@pytest.mark.parametrize("wrong", ALL)
@pytest.mark.parametrize("name", USES)
def test_a_wrong_file_is_refused_with_what_it_is_and_what_mends_it(
    scene: Scene, name: str, wrong: str
) -> None:
    damage, words = ALL[wrong]
    damage(scene.image)
    before = state(scene.cloud)
    result = use(scene, USES[name])
    assert result.code == 4, (result.err, result.out)
    assert result.bytes == b"" and "Traceback" not in result.err
    assert f"{scene.image} {words}" in result.err
    assert f"truncate -s {20 * GIB} {scene.image}" in result.err
    assert state(scene.cloud) == before


@pytest.mark.parametrize("wrong", LENGTHS)
def test_the_command_that_the_refusal_names_mends_the_length(scene: Scene, wrong: str) -> None:
    LENGTHS[wrong][0](scene.image)
    said = use(scene, USES["CreateSnapshot"]).err
    [command] = [part for part in said.split("`") if part.startswith("truncate")]
    subprocess.run(shlex.split(command), check=True)
    assert use(scene, USES["CreateSnapshot"]).code == 0
    scene.cloud.check()


@pytest.mark.rule("RB-2")
@pytest.mark.parametrize("wrong", LENGTHS)
@pytest.mark.parametrize("action", ["ResetDisk", "ReInitDisk"])
def test_a_rollback_and_a_re_initialisation_mend_the_length(
    scene: Scene, action: str, wrong: str
) -> None:
    cloud = scene.cloud
    LENGTHS[wrong][0](scene.image)
    if action == "ResetDisk":
        cloud.ecs("ResetDisk", DiskId=scene.disk, SnapshotId=scene.snapshot)
    else:
        cloud.ecs("ReInitDisk", DiskId=scene.disk)
    assert cloud.read(scene.disk, 0, 1) == (block("A") if action == "ResetDisk" else bytes(65536))
    cloud.check()


@pytest.mark.parametrize("wrong", KINDS)
@pytest.mark.parametrize("action", ["ResetDisk", "ResetDisks", "ReInitDisk"])
def test_what_is_no_file_is_not_rolled_back(scene: Scene, action: str, wrong: str) -> None:
    damage, words = KINDS[wrong]
    damage(scene.image)
    before = state(scene.cloud)
    given = {
        "ResetDisk": ["--DiskId", scene.disk, "--SnapshotId", scene.snapshot],
        "ResetDisks": [
            *("--RegionId", REGION, "--Disk.1.DiskId", scene.disk),
            *("--Disk.1.SnapshotId", scene.snapshot),
        ],
        "ReInitDisk": ["--DiskId", scene.disk],
    }
    result = scene.cloud.run("ecs", action, *given[action])
    assert result.code == 4 and words in result.err, result.err
    assert f"truncate -s {20 * GIB} {scene.image}" in result.err
    assert state(scene.cloud) == before


@pytest.mark.parametrize("wrong", ALL)
def test_check_tells_it_with_the_same_words(scene: Scene, wrong: str) -> None:
    damage, words = ALL[wrong]
    damage(scene.image)
    checked = scene.cloud.run("check", "--output", "json")
    [problem] = checked.json["Problems"]
    assert checked.code == 5
    assert (problem["File"], problem["Disks"]) == (str(scene.image), [scene.disk])
    assert words in problem["Message"] and f"truncate -s {20 * GIB}" in problem["Message"]


@pytest.mark.rule("PO-5")
@pytest.mark.parametrize("wrong", ALL)
def test_a_policys_run_records_the_failure_of_that_disk_and_goes_on(
    cloud: Cloud, wrong: str
) -> None:
    instance = cloud.instance()
    disk = cloud.data_disk(instance)
    [other] = [d["DiskId"] for d in cloud.disks(DiskType="system")]
    made = cloud.ecs(
        "CreateAutoSnapshotPolicy",
        regionId=REGION,
        timePoints='["12"]',
        repeatWeekdays='["1","2","3","4","5","6","7"]',
        retentionDays=-1,
    )["AutoSnapshotPolicyId"]
    cloud.ecs(
        "ApplyAutoSnapshotPolicy",
        regionId=REGION,
        autoSnapshotPolicyId=made,
        diskIds=json.dumps([disk, other]),
    )
    damage, words = ALL[wrong]
    damage(cloud.image(disk))
    events = cloud.run("clock", "advance", "1d", "--events")
    assert events.code == 0, events.err
    assert words in events.out + events.err
    states = {each["SourceDiskId"]: each["Status"] for each in cloud.snapshots()}
    assert states == {disk: "failed", other: "accomplished"}


@pytest.mark.parametrize("wrong", KINDS)
def test_an_import_takes_regular_files_only(cloud: Cloud, tmp_path: Path, wrong: str) -> None:
    damage, words = KINDS[wrong]
    file = tmp_path / "source.raw"
    file.touch()
    damage(file)
    result = cloud.run("disk", "import", str(file))
    assert (result.code, result.error_code) == (1, "InvalidParameter")
    assert words in result.err
    assert cloud.disks() == [] and list(cloud.root.glob("disks/*/*")) == []


def test_a_disk_that_is_cut_while_it_is_read_is_not_read_short_without_a_word(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapcli.volumes import images

    real = images.require_image

    def require(path: str, length_bytes: int, *, any_length: bool) -> None:
        real(path, length_bytes, any_length=any_length)
        cut(scene.image)

    monkeypatch.setattr(images, "require_image", require)
    result = use(scene, USES["disk read"])
    assert result.code == 4 and "10 bytes are missing" in result.err


def test_a_wrong_disk_can_still_be_detached_and_deleted(scene: Scene) -> None:
    cloud = scene.cloud
    fifo(scene.image)
    cloud.ecs("DetachDisk", InstanceId=scene.instance, DiskId=scene.disk)
    cloud.ecs("DeleteDisk", DiskId=scene.disk)
    assert not os.path.lexists(scene.image)
    refused(cloud, "InvalidDiskId.NotFound", "DeleteDisk", DiskId=scene.disk)
    cloud.check()
