"""Full and read-only file systems, damaged and newer files, work that a dead command left."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustness_scene import Scene, digest
from robustness_service import BLOCK_BYTES, GIB, REGION, Service
from robustness_steps import run

from snapcli.workspace.errors import WorkspaceError

Mount = Callable[..., Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts something on a new folder; undone at the end. Only root can."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    mounted: list[Path] = []

    def make(*words: str) -> Path:
        place = tmp_path / f"mounted{len(mounted)}"
        place.mkdir()
        done = subprocess.run(["mount", *words, str(place)], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"cannot mount here: {done.stderr}")
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
def scene(memory_folder: Path) -> Scene:
    return Scene(memory_folder, mib=1)


# Each step of a command


def _every_step(folder: Path, kind: str, stride: int, *names: str) -> None:
    program = Path(__file__).with_name("robustness_steps.py")
    done = subprocess.run(
        [sys.executable, program, folder / "steps", kind, str(stride), *names],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) >= 2


@pytest.mark.rule("RB-9")
@pytest.mark.parametrize(
    "kind",
    [
        "die",
        "no space",
        *(pytest.param(k, marks=pytest.mark.slow) for k in ("interrupt", "bad disk")),
    ],
)
def test_a_fault_at_a_step_leaves_the_state_before_or_after(memory_folder: Path, kind: str) -> None:
    _every_step(memory_folder, kind, 9, "ResetDisk", "DeleteSnapshot, the first", "two days go by")


@pytest.mark.rule("GR-4", "RB-9")
@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("die", ("CreateSnapshotGroup", "ResetDisks")),
        pytest.param("no space", ("CreateSnapshotGroup", "CreateImage"), marks=pytest.mark.slow),
        pytest.param("bad disk", ("DeleteSnapshotGroup", "ResetDisks"), marks=pytest.mark.slow),
    ],
)
def test_a_fault_in_a_command_about_many_things_leaves_all_before_or_all_after(
    memory_folder: Path, kind: str, names: tuple[str, ...]
) -> None:
    _every_step(memory_folder, kind, 50, *names)


@pytest.mark.slow
@pytest.mark.rule("GR-4", "RB-9")
@pytest.mark.parametrize(
    ("kind", "stride"), [("die", 1), ("interrupt", 4), ("no space", 3), ("bad disk", 4)]
)
def test_a_fault_at_any_step_of_any_command_leaves_the_state_before_or_after(
    memory_folder: Path, kind: str, stride: int
) -> None:
    _every_step(memory_folder, kind, stride)


# A full file system


class SmallDisk:
    """A tiny file system with a scene on it and a ballast that leaves so much room."""

    def __init__(self, scene: Scene, place: Path) -> None:
        self.scene = scene
        self.place = place
        self.root = place / "workspace"
        self.ballast = place / "ballast"

    def fill(self, free_bytes: int) -> None:
        """Put the scene there and leave so many bytes free."""
        self.ballast.unlink(missing_ok=True)
        self.scene.copy(self.root)
        room = shutil.disk_usage(self.place).free - free_bytes
        with self.ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, room)

    def attempt(self, name: str, free_bytes: int) -> int:
        """Run a command with so much room; its exit code, after all has been checked."""
        before = self.scene.picture(self.scene.root)
        self.fill(free_bytes)
        code, errors = run(self.root, self.scene.commands[name])
        where = f"{name} with {free_bytes} bytes free: {code} {errors}"
        assert code in (0, 4), where
        assert "Traceback" not in errors and "internal error" not in errors, where
        if code == 4:
            assert "No space left on device" in errors and "Free " in errors, where
            if not (self.root / "journal.json").exists():
                # Still full, and everything can be looked at.
                assert self.scene.picture(self.root) == before, where
        self.ballast.unlink()
        picture = self.scene.picture(self.root)
        service = Service(self.root, new=False)
        assert service.problems() == [], where
        changed = picture != before
        assert changed or code == 4, where
        if not changed:
            code_again, errors = run(self.root, self.scene.commands[name])
            assert code_again == 0, f"{where}; again with room: {errors}"
        return code


SIZES_KIB = (0, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512, 1024, 4096)
FULL = ("RunInstances", "ResetDisk", "CreateDisk")


@pytest.mark.parametrize(
    "name", ["CreateSnapshot", *(pytest.param(n, marks=pytest.mark.slow) for n in FULL)]
)
def test_a_full_disk_is_said_clearly_and_costs_nothing(
    scene: Scene, mount: Mount, name: str
) -> None:
    small = SmallDisk(scene, mount("-t", "tmpfs", "-o", "size=24m", "tmpfs"))
    codes = [small.attempt(name, kib << 10) for kib in SIZES_KIB[::3]]
    assert codes[0] == 4
    assert small.attempt(name, 8 << 20) == 0


@pytest.mark.slow
def test_a_full_disk_at_any_size_costs_nothing_whatever_the_command(
    scene: Scene, mount: Mount
) -> None:
    small = SmallDisk(scene, mount("-t", "tmpfs", "-o", "size=24m", "tmpfs"))
    for name in scene.commands:
        codes = [small.attempt(name, kib << 10) for kib in SIZES_KIB]
        assert codes[0] == 4 and codes[-1] == 0, (name, codes)


# A read-only one


def test_a_read_only_workspace_can_be_described_but_not_changed(scene: Scene, mount: Mount) -> None:
    place = mount("--bind", str(scene.root))
    subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
    assert scene.picture(place) == scene.picture(scene.root)
    assert Service(place, new=False).problems() == []
    for name, words in scene.commands.items():
        code, errors = run(place, words)
        assert code == 4, (name, errors)
        assert "read-only" in errors.lower() and str(place) in errors, (name, errors)
        assert "Traceback" not in errors


# Damaged and newer files


_OWN = ("settings.json", "clock.json")  # one that is damaged is made anew


def _documents(root: Path) -> list[Path]:
    found = [path for path in root.rglob("*.json") if path.name not in _OWN]
    return sorted(found)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: b"\xff\xfe" + data,
        lambda data: data.replace(b'"format": 1', b'"format": 99'),
    ],
    ids=["empty", "cut short", "not text", "newer format"],
)
def test_a_damaged_or_newer_document_is_named_and_nothing_is_changed(
    scene: Scene, damage: Callable[[bytes], bytes]
) -> None:
    documents = [path.relative_to(scene.root) for path in _documents(scene.root)]
    assert len(documents) >= 4
    for document in documents:
        key = document.parts[0] == "keys"
        strange = key or document.parts[0] == "chains" or "cn-beijing" in document.parts
        root = scene.copy(scene.root.with_name("damaged"))
        whole = (root / document).read_bytes()
        bad = damage(whole)
        assert bad != whole
        (root / document).write_bytes(bad)
        files = {path: path.stat().st_mtime_ns for path in root.rglob("*.raw")}
        for name in ("CreateSnapshot", "ResetDisk", "two days go by"):
            code, errors = run(root, scene.commands[name])
            if code == 0:
                # Only a chain, key or region that this command has nothing to do with.
                assert key or (strange and name != "two days go by"), (document, name)
                continue
            assert code == 4 and str(root / document) in errors, (document, name, errors)
            assert "Traceback" not in errors
            assert (root / document).read_bytes() == bad
        if not strange:
            assert files == {path: path.stat().st_mtime_ns for path in root.rglob("*.raw")}
        code, errors = run(root, ("check",))
        assert code in (4, 5) and "Traceback" not in errors, (document, code, errors)


def test_one_disks_damaged_chain_does_not_stop_the_snapshots_of_another(tmp_path: Path) -> None:
    service = Service(tmp_path / "workspace")
    _, [one, other] = service.instance(2)
    service("CreateSnapshot", DiskId=one)
    service("CreateSnapshot", DiskId=other)
    (service.root / "chains" / REGION / one / "chain.json").write_text("{")
    service("CreateSnapshot", DiskId=other)
    with pytest.raises(WorkspaceError, match=one):
        service("CreateSnapshot", DiskId=one)


def _damage_pack(root: Path, snapshot_id: str, offset: int) -> None:
    [pack] = root.rglob(f"{snapshot_id}.pack")
    with pack.open("r+b") as file:
        file.seek(offset)
        before = file.read(16)
        file.seek(offset)
        file.write(bytes(byte ^ 255 for byte in before))


@pytest.mark.rule("RB-9")
def test_a_damaged_block_stops_a_rollback_before_anything_is_changed(tmp_path: Path) -> None:
    service = Service(tmp_path / "workspace")
    instance_id, [disk_id] = service.instance(1)
    service("StopInstance", InstanceId=instance_id)
    service.write(disk_id, 5 * BLOCK_BYTES, os.urandom(3 * BLOCK_BYTES))
    snapshot_id = service("CreateSnapshot", DiskId=disk_id)["SnapshotId"]
    service.write(disk_id, 0, b"x" * 10 * BLOCK_BYTES)
    _damage_pack(service.root, snapshot_id, 16 + 2 * BLOCK_BYTES + 100)  # its third block
    before = digest(service.image(disk_id))
    code, errors = run(
        service.root, ("ecs", "ResetDisk", "--DiskId", disk_id, "--SnapshotId", snapshot_id)
    )
    assert code == 4 and "Traceback" not in errors
    assert snapshot_id in errors and "block 7 " in errors
    assert digest(service.image(disk_id)) == before
    code, errors = run(
        service.root,
        (
            *("ecs", "CreateDisk", "--ZoneId", f"{REGION}-h", "--SnapshotId", snapshot_id),
            *("--DiskCategory", "cloud_essd", "--PerformanceLevel", "PL0"),
        ),
    )
    assert code == 4 and snapshot_id in errors and "block 7 " in errors
    assert not {"journal.json", "pending.json", "staged"} & {p.name for p in service.root.iterdir()}
    [problem] = service.problems()
    assert (problem["SnapshotId"], problem["Block"]) == (snapshot_id, 7)
    assert problem["Disks"] == [disk_id]


# What a dead command left

_DIES = """
import os, sys
import snapcli.workspace.commit as commit
commit._apply = lambda *arguments: os._exit(9)
from snapcli.cli.main import main
main(sys.argv[1:])
"""


def _leave_journal(root: Path, words: tuple[str, ...]) -> None:
    """Let a command die right after its commit point."""
    done = subprocess.run([sys.executable, "-c", _DIES, "--workspace", root, *words])
    assert done.returncode == 9
    assert (root / "journal.json").exists()


@pytest.mark.rule("RB-9")
@pytest.mark.parametrize("name", ["ResetDisk", "ReplaceSystemDisk", "two days go by"])
def test_a_describe_finishes_what_a_dead_command_had_decided(scene: Scene, name: str) -> None:
    root = scene.copy(scene.root.with_name("after"))
    assert run(root, scene.commands[name])[0] == 0
    after = scene.picture(root)
    _leave_journal(scene.root, scene.commands[name])
    code, errors = run(scene.root, ("ecs", "DescribeDisks"))
    assert (code, errors) == (0, "")
    assert not (scene.root / "journal.json").exists()
    assert scene.picture(scene.root) == after


def test_an_edit_of_the_settings_is_not_undone_by_the_end_of_a_dead_clock_command(
    scene: Scene,
) -> None:
    _leave_journal(scene.root, scene.commands["two days go by"])
    assert run(scene.root, ("config", "set", "region", "cn-beijing"))[0] == 0
    assert Service(scene.root, new=False)("ShowClock")["Now"] == "2022-03-13T02:33:00Z"
    assert 'region = "cn-beijing"' in (scene.root / "workspace.toml").read_text()


@pytest.mark.rule("RB-9")
def test_a_rollback_left_by_another_process_is_compared_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(tmp_path / "workspace")
    instance_id, [disk_id] = service.instance(1)
    service("StopInstance", InstanceId=instance_id)
    snapshot_id = service("CreateSnapshot", DiskId=disk_id)["SnapshotId"]
    service.write(disk_id, 0, b"x")
    words = ("ecs", "ResetDisk", "--DiskId", disk_id, "--SnapshotId", snapshot_id)
    with monkeypatch.context() as patched:
        # This process compares, and then can't commit.
        patched.setattr("snapcli.workspace.commit._write_journal", _no_space)
        assert run(service.root, words)[0] == 4
    service.write(disk_id, 9 * BLOCK_BYTES, b"y")
    _leave_journal(service.root, words)
    service("DescribeDisks", RegionId=REGION)
    assert digest(service.image(disk_id)) == digest(_empty(tmp_path / "empty.raw"))


def _no_space(*arguments: object) -> None:
    raise OSError(28, os.strerror(28))


def _empty(path: Path) -> Path:
    with path.open("wb") as file:
        file.truncate(GIB)
    return path


@pytest.mark.parametrize("trouble", ["file size limit", "missing file"])
def test_a_resize_that_cannot_succeed_is_refused_and_stops_no_other_command(
    tmp_path: Path, trouble: str
) -> None:
    service = Service(tmp_path / "workspace")
    _, [disk_id] = service.instance(1)
    words = ["ecs", "ResizeDisk", "--DiskId", disk_id, "--NewSize", "5"]
    limit = ""
    if trouble == "missing file":
        service.image(disk_id).unlink()
    else:
        limit = f"import resource as r; r.setrlimit(r.RLIMIT_FSIZE, ({2 * GIB}, r.RLIM_INFINITY));"
    program = f"{limit}from snapcli.cli.main import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--workspace", service.root, *words],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 4, done.stderr
    assert disk_id in done.stderr and "Traceback" not in done.stderr
    [disk] = [
        disk
        for disk in service("DescribeDisks", RegionId=REGION)["Disks"]["Disk"]
        if disk["DiskId"] == disk_id
    ]
    assert disk["Size"] == 1


@pytest.mark.slow
def test_no_damage_to_a_document_ever_shows_a_traceback(tmp_path: Path) -> None:
    scene_ = Scene(tmp_path, mib=1)
    documents = _documents(scene_.root)

    @settings(max_examples=150, deadline=None, database=None)
    @given(number=st.integers(0, 99), at=st.floats(0, 1), put=st.binary(max_size=4))
    def damaged(number: int, at: float, put: bytes) -> None:
        document = documents[number % len(documents)]
        whole = document.read_bytes()
        place = int(at * len(whole))
        document.write_bytes(whole[:place] + put + whole[place + len(put) + 1 :])
        try:
            for words in (("check",), ("ecs", "DescribeSnapshots"), ("ecs", "DescribeDisks")):
                code, errors = run(scene_.root, words)
                assert code in (0, 1, 4, 5), (code, errors)
                assert "Traceback" not in errors and "internal error" not in errors, errors
        finally:
            document.write_bytes(whole)

    damaged()
    assert json.loads(documents[0].read_bytes())["format"] == 1
