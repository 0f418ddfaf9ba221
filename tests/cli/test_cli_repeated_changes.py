"""`--waiter`, `--pager` and `--all-pages` repeat a call: no operation that changes takes them."""

import json

import pytest
from support import Cloud

REPEATING = pytest.mark.parametrize(
    "flag",
    [
        "--waiter expr=join('',['a']) to=never timeout=6 interval=2",
        "--pager",
        "--pager path=Nothing",
        "--all-pages",
    ],
)


@pytest.fixture
def instance(cloud: Cloud) -> str:
    return cloud.instance()


def test_a_command_inside_an_instance_is_not_run_again_and_again(
    cloud: Cloud, instance: str
) -> None:
    """Nor once: it is refused before anything is called."""
    flags = "expr=join('',['a'])", "to=never", "timeout=6", "interval=2"
    line = "guest", "run", instance, "--waiter", *flags, "--", "sh", "-c", "echo ran >> ran.txt"
    done = cloud.run(*line)
    assert (done.code, done.out) == (1, "")
    assert "--waiter repeats the call, and each RunInGuest changes something." in done.err
    assert not list((cloud.root / "guests").rglob("ran.txt"))
    cloud.ok("guest", "run", instance, "--", "sh", "-c", "echo ran >> ran.txt")
    [ran] = (cloud.root / "guests").rglob("ran.txt")
    assert ran.read_text() == "ran\n"


@REPEATING
@pytest.mark.parametrize(
    ("action", "line"),
    [
        ("RunInGuest", "guest run INSTANCE FLAG -- touch made"),
        ("WriteDisk", "disk write DISK FLAG"),
        ("WriteDisk", "ecs WriteDisk --DiskId DISK FLAG"),
        ("PutGuestFile", "guest put INSTANCE FILE made FLAG"),
        ("StopGuestProcesses", "guest stop INSTANCE FLAG"),
        ("CreateAppSnapshot", "create-app-snapshot --instance-id INSTANCE FLAG"),
        ("SettleTime", "settle FLAG"),
        ("SettleTime", "ecs SettleTime FLAG"),
    ],
)
def test_what_changes_under_the_shared_lock_is_refused_to_repeat(
    cloud: Cloud, instance: str, action: str, line: str, flag: str
) -> None:
    disk = cloud.data_disk(instance)
    (cloud.root / "given").write_text("content")
    before = cloud.read(disk, 0, 1)
    places = {"INSTANCE": instance, "DISK": disk, "FILE": str(cloud.root / "given")}
    words = [places.get(word, word) for word in line.replace("FLAG", flag).split()]
    done = cloud.run(*words, stdin=b"x" * 512)
    assert (done.code, done.out) == (1, "")
    name = flag.split()[0]
    assert f"{name} repeats the call, and each {action} changes something." in done.err
    assert cloud.read(disk, 0, 1) == before
    assert not list((cloud.root / "guests").rglob("made"))
    assert cloud.snapshots() == []


@pytest.mark.parametrize(
    ("action", "changes"),
    [("WriteDisk", True), ("RunInGuest", True), ("SettleTime", True), ("ReadDisk", False)],
)
def test_a_program_is_told_whether_an_operation_changes_something(
    cloud: Cloud, action: str, changes: bool
) -> None:
    [found] = json.loads(cloud.ok("operations", action, "--json").out)["Operations"]
    assert found["Changes"] is changes
