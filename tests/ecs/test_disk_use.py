"""A disk's file that another program uses is neither changed nor removed, unless forced."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from guest_steps import clear, mount_data, needs_root
from holding import MAPPER, held_by, loop_device, mounted, needs_linux, needs_loop, written
from refusals import picture, refused
from snapshot_steps import digest
from support import GIB, REGION, Cloud, Result, block

pytestmark = needs_linux

IMAGE = "centos_7_6_x64_20G_alibase_20220101.vhd"


class Scene:
    """A stopped instance with two data disks, one from a snapshot, and a disk that is free."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.instance = cloud.instance()
        self.disk = cloud.data_disk(self.instance)
        cloud.write(self.disk, 0, block("A"))
        self.snapshot = cloud.snapshot(self.disk)
        cloud.write(self.disk, 0, block("B"))
        self.made = self._disk(SnapshotId=self.snapshot, InstanceId=self.instance)
        cloud.write(self.made, 0, block("C"))
        self.free = self._disk(Size=20, ZoneId=cloud.disk(self.disk)["ZoneId"], RegionId=REGION)
        cloud.ecs("StopInstance", InstanceId=self.instance)
        [self.system] = [d["DiskId"] for d in cloud.disks(DiskType="system")]

    def _disk(self, **parameters: object) -> str:
        category = {"DiskCategory": "cloud_essd"}
        return str(self.cloud.ecs("CreateDisk", **category, **parameters)["DiskId"])


Step = tuple[str, Callable[[Scene], str], Callable[[Scene], dict[str, object]], str]
BAD_DISK, BAD_INSTANCE = "IncorrectDiskStatus", "IncorrectInstanceStatus"


def of_group(scene: Scene) -> dict[str, object]:
    pairs = {"Disk__2__DiskId": scene.disk, "Disk__2__SnapshotId": scene.snapshot}
    other = scene.cloud.snapshot(scene.made)
    scene.cloud.write(scene.made, 0, block("D"))
    return pairs | {"RegionId": REGION, "Disk__1__DiskId": scene.made, "Disk__1__SnapshotId": other}


# Each operation that writes into a disk's file or removes it: which disk, how it is called, how
# it is refused.
STEPS: dict[str, Step] = {
    "ResetDisk": (
        "ResetDisk",
        lambda s: s.disk,
        lambda s: {"DiskId": s.disk, "SnapshotId": s.snapshot},
        BAD_DISK,
    ),
    "ResetDisk beforehand": (
        "ResetDisk",
        lambda s: s.disk,
        lambda s: {"DiskId": s.disk, "SnapshotId": s.snapshot, "SnapshotFirst": True},
        BAD_DISK,
    ),
    "ResetDisks": ("ResetDisks", lambda s: s.disk, of_group, BAD_DISK),
    "ReInitDisk": ("ReInitDisk", lambda s: s.disk, lambda s: {"DiskId": s.disk}, BAD_DISK),
    "ReInitDisk of a snapshot's": (
        "ReInitDisk",
        lambda s: s.made,
        lambda s: {"DiskId": s.made},
        BAD_DISK,
    ),
    "ReplaceSystemDisk": (
        "ReplaceSystemDisk",
        lambda s: s.system,
        lambda s: {"InstanceId": s.instance, "ImageId": IMAGE},
        BAD_DISK,
    ),
    "ResizeDisk": (
        "ResizeDisk",
        lambda s: s.disk,
        lambda s: {"DiskId": s.disk, "NewSize": 30},
        BAD_DISK,
    ),
    "DeleteDisk": ("DeleteDisk", lambda s: s.free, lambda s: {"DiskId": s.free}, BAD_DISK),
    "DeleteInstance": (
        "DeleteInstance",
        lambda s: s.system,
        lambda s: {"InstanceId": s.instance},
        BAD_INSTANCE,
    ),
    "DeleteInstances": (
        "DeleteInstances",
        lambda s: s.system,
        lambda s: {"RegionId": REGION, "InstanceId__1": s.instance},
        BAD_INSTANCE,
    ),
}


@pytest.fixture
def scene(cloud: Cloud) -> Iterator[Scene]:
    yield Scene(cloud)
    clear(cloud)


def digests(cloud: Cloud) -> dict[str, str]:
    return {disk["DiskId"]: digest(cloud, disk["DiskId"]) for disk in cloud.disks()}


@pytest.mark.parametrize("name", STEPS)
def test_what_changes_or_removes_the_file_of_a_disk_in_use_is_refused_with_nothing_changed(
    scene: Scene, name: str
) -> None:
    cloud = scene.cloud
    action, disk_of, parameters_of, code = STEPS[name]
    disk_id, parameters = disk_of(scene), parameters_of(scene)
    before = digests(cloud)
    with written(cloud.image(disk_id)) as pid:
        result = refused(cloud, code, action, **parameters)
        assert f"The disk {disk_id} is in use: " in result.err
        assert f"(process {pid})" in result.err and "--force-in-use" in result.err
    assert digests(cloud) == before
    cloud.ecs(action, **parameters)
    cloud.check()


@pytest.mark.parametrize("name", STEPS)
def test_who_knows_better_may_force_it(scene: Scene, name: str) -> None:
    cloud = scene.cloud
    action, disk_of, parameters_of, _ = STEPS[name]
    parameters = parameters_of(scene)
    with written(cloud.image(disk_of(scene))):
        cloud.ecs(action, **parameters, ForceInUse=True)
    if action in ("ResetDisk", "ResetDisks"):
        assert cloud.read(scene.disk, 0, 1) == block("A")
    cloud.check()


def test_a_dry_run_says_that_the_disk_is_in_use(scene: Scene) -> None:
    cloud = scene.cloud
    given = {"DiskId": scene.disk, "SnapshotId": scene.snapshot, "DryRun": True}
    with written(cloud.image(scene.disk)):
        refused(cloud, BAD_DISK, "ResetDisk", **given)
    assert cloud.refused("ResetDisk", **given).error_code == "DryRunOperation"
    group = of_group(scene) | {"DryRun": True}
    with written(cloud.image(scene.disk)):
        refused(cloud, BAD_DISK, "ResetDisks", **group)
    assert cloud.refused("ResetDisks", **group).error_code == "DryRunOperation"


def write(scene: Scene, *more: str) -> Result:
    return scene.cloud.run("disk", "write", scene.disk, *more, stdin=b"new")


def test_writing_to_a_disk_in_use_is_refused(scene: Scene) -> None:
    cloud = scene.cloud
    with held_by(MAPPER, cloud.image(scene.disk)) as pid:
        before = digest(cloud, scene.disk)
        result = write(scene)
        assert (result.code, result.error_code) == (1, BAD_DISK)
        assert f"(process {pid})" in result.err
        assert digest(cloud, scene.disk) == before
        assert write(scene, "--force-in-use").code == 0
    assert cloud.read(scene.disk, 0, 1)[:3] == b"new"


def test_a_writer_that_comes_while_the_rollback_is_prepared_is_seen(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapcli.volumes import restore

    cloud = scene.cloud
    before, real = digest(cloud, scene.disk), restore.verify_plan
    late = []

    def verify(plan: restore.RestorePlan) -> None:
        real(plan)
        late.append(written(plan.image_path))
        late[0].__enter__()

    monkeypatch.setattr(restore, "verify_plan", verify)
    try:
        result = cloud.refused("ResetDisk", DiskId=scene.disk, SnapshotId=scene.snapshot)
    finally:
        late[0].__exit__(None, None, None)
    assert result.error_code == BAD_DISK
    assert digest(cloud, scene.disk) == before


def test_a_disk_that_stays_may_be_in_use_when_its_instance_goes(scene: Scene) -> None:
    cloud = scene.cloud
    cloud.ecs("ModifyDiskAttribute", DiskId=scene.made, DeleteWithInstance=False)
    with written(cloud.image(scene.made)):
        cloud.ecs("DeleteInstance", InstanceId=scene.instance)
    assert cloud.disk(scene.made)["Status"] == "Available"


def test_time_releases_a_disk_that_is_in_use(cloud: Cloud) -> None:
    instance_id = cloud.instance(AutoReleaseTime="2022-03-11T04:00:00Z")
    path = cloud.image(cloud.data_disk(instance_id))
    with written(path):
        cloud.ok("clock", "advance", "2h")
        assert cloud.disks() == [] and not path.exists()


def test_work_that_a_kill_cut_off_is_finished_also_on_a_disk_in_use(scene: Scene) -> None:
    from snapcli.ecs import recovery

    cloud = scene.cloud
    image = cloud.image(scene.disk)
    with written(image):
        recovery.FINISHERS["reset"](
            str(cloud.root), {"image": str(image), "length_bytes": 20 * GIB, "image_id": ""}
        )
    assert cloud.read(scene.disk, 0, 1) == bytes(65536)


# Mounted, by others and by the instance itself


@pytest.mark.slow
@needs_loop
@pytest.mark.parametrize("options", ["loop", "loop,ro"])
def test_a_rollback_under_a_foreign_mount_is_refused_and_the_disk_stays_what_it_is(
    scene: Scene, tmp_path: Path, options: str
) -> None:
    cloud = scene.cloud
    image = cloud.image(scene.disk)
    subprocess.run(["mkfs.ext4", "-q", "-F", image, "64M"], check=True)
    made = cloud.snapshot(scene.disk)
    with mounted(image, tmp_path / "mnt", options) as point:
        if options == "loop":
            (point / "new").write_bytes(b"new")
            subprocess.run(["sync", "-f", point], check=True)
        result = refused(cloud, BAD_DISK, "ResetDisk", DiskId=scene.disk, SnapshotId=made)
        assert f"mounted at {point}. " in result.err and "/dev/loop" in result.err
        assert write(scene).error_code == BAD_DISK
    cloud.ecs("ResetDisk", DiskId=scene.disk, SnapshotId=made)
    again = cloud.ecs("CreateDisk", SnapshotId=made, InstanceId=scene.instance)["DiskId"]
    assert cloud.read(scene.disk, 0, 1100) == cloud.read(again, 0, 1100)


@pytest.mark.slow
@needs_loop
def test_a_bare_loop_device_is_named_with_what_takes_it_away(scene: Scene) -> None:
    with loop_device(scene.cloud.image(scene.free)) as device:
        result = refused(scene.cloud, BAD_DISK, "DeleteDisk", DiskId=scene.free)
        assert f"losetup -d {device}" in result.err
    scene.cloud.ecs("DeleteDisk", DiskId=scene.free)


@pytest.mark.slow
@needs_root
def test_what_the_instance_has_mounted_itself_is_named_as_such(cloud: Cloud) -> None:
    instance = cloud.instance()
    try:
        disk_id = mount_data(cloud, instance)
        result = cloud.run("disk", "write", disk_id, stdin=b"x")
        assert (result.code, result.error_code) == (1, BAD_DISK)
        assert f"mounted at /data in {instance}" in result.err
        assert f"snapcli guest umount {instance} /data" in result.err
        refused(cloud, BAD_DISK, "ResizeDisk", DiskId=disk_id, NewSize=30)
        # Growing beneath it is what Type online is for.
        cloud.ecs("ResizeDisk", DiskId=disk_id, NewSize=30, Type="online")
        assert cloud.image(disk_id).stat().st_size == 30 * GIB
        cloud.ok("guest", "put", instance, "-", "/data/kept", stdin=b"kept")
        # It is ended by the release, so it does not stand in its way.
        cloud.ecs("DeleteInstance", InstanceId=instance, Force=True)
        assert cloud.disks() == []
    finally:
        clear(cloud)


@pytest.mark.slow
@needs_root
def test_a_foreign_use_refuses_the_release_before_anything_inside_is_ended(cloud: Cloud) -> None:
    instance = cloud.instance()
    try:
        mount_data(cloud, instance)
        cloud.ok("guest", "run", instance, "-d", "--", "sleep", "60")
        [system] = [d["DiskId"] for d in cloud.disks(DiskType="system")]
        with written(cloud.image(system)):
            refused(cloud, BAD_INSTANCE, "DeleteInstance", InstanceId=instance, Force=True)
        assert len(cloud.ok("guest", "ps", instance, "--output", "json").json["Processes"]) == 1
        assert len(cloud.ok("guest", "mounts", instance, "--output", "json").json["Mounts"]) == 1
    finally:
        clear(cloud)


@pytest.mark.slow
@needs_root
def test_a_disk_that_is_mounted_elsewhere_is_not_mounted_inside_as_well(
    cloud: Cloud, tmp_path: Path
) -> None:
    instance = cloud.instance()
    disk_id = cloud.data_disk(instance)
    subprocess.run(["mkfs.ext4", "-q", "-F", cloud.image(disk_id), "64M"], check=True)
    before = picture(cloud)
    try:
        with mounted(cloud.image(disk_id), tmp_path / "mnt"):
            result = cloud.run("guest", "mount", instance, disk_id, "/data")
            assert (result.code, result.error_code) == (1, BAD_DISK)
        assert picture(cloud).keys() == before.keys()
        cloud.ok("guest", "mount", instance, disk_id, "/data")
    finally:
        clear(cloud)
