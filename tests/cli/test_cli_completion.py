"""Completion: what may stand where the cursor is, in both forms and in the real shells."""

import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from completing_shells import SCRIPTS, Typing, bash_replies, environment, fish_offers
from support import REGION, Cloud

from snapcli.api import catalogue
from snapcli.cli.command_table import LOCAL
from snapcli.cli.completion.places import COMMON, HELPERS
from snapcli.cli.completion.scripts import SCRIPTS as PRINTED
from snapcli.cli.globals import GlobalOption, global_options


def offered(cloud: Cloud, *words: str, shell: str = "zsh") -> dict[str, str]:
    """Return the candidates for the last word, with their descriptions."""
    done = cloud.run_bare("__complete", shell, *words)
    assert done.code == 0 and done.err == ""
    pairs = (line.partition("\t") for line in done.out.splitlines())
    return {value: about for value, _, about in pairs}


@pytest.fixture(scope="module")
def typed_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A workspace with an instance, two disks and snapshots of one of them."""
    cloud = Cloud(tmp_path_factory.mktemp("home") / "workspace")
    cloud.instance_id = cloud.instance(InstanceName="web-1")
    cloud.disk_id = cloud.data_disk(cloud.instance_id)
    cloud.snapshot_id = cloud.snapshot(cloud.disk_id, SnapshotName="nightly")
    system = next(each["DiskId"] for each in cloud.disks() if each["Type"] == "system")
    cloud.other_id = cloud.snapshot(system)
    yield cloud


@pytest.mark.parametrize("shell", PRINTED)
def test_the_scripts_in_completions_are_what_the_command_prints(shell: str, cloud: Cloud) -> None:
    assert cloud.ok("completion", shell).out == SCRIPTS[shell].read_text()
    assert {path.name for path in SCRIPTS[shell].parent.iterdir()} == {
        path.name for path in SCRIPTS.values()
    }


def test_a_shell_that_is_not_known_is_refused(cloud: Cloud) -> None:
    done = cloud.run("completion", "zash")
    assert done.code == 2 and "zsh" in done.err


def test_every_command_is_offered_in_both_spellings(typed_cloud: Cloud) -> None:
    top = offered(typed_cloud, "")
    for entry in catalogue.ENTRIES.values():
        first, *rest = entry.command.split()
        assert first in top
        if rest:
            assert rest[0] in offered(typed_cloud, first, rest[0][0])
        if not entry.local:
            assert entry.action in offered(typed_cloud, entry.product, "")
            kebab = rest[0] if rest else first
            assert kebab in offered(typed_cloud, entry.product, kebab[:3])
    assert set(LOCAL) <= set(top)
    assert top["create-snapshot"] == "Create a snapshot of a disk."


@pytest.mark.parametrize("action", [a for a, e in catalogue.ENTRIES.items() if not e.local])
def test_every_parameter_is_offered_in_both_spellings(action: str, typed_cloud: Cloud) -> None:
    from snapcli.api.parameters import describe
    from snapcli.cli.options import spellings

    entry = catalogue.ENTRIES[action]
    request = catalogue.load(action).request
    exact = offered(typed_cloud, entry.product, action, "--")
    for parameter in describe(request):
        assert any(
            name == f"--{parameter.name}" or name.startswith(f"--{parameter.name}.")
            for name in exact
        ), parameter.name
    friendly = offered(typed_cloud, *entry.command.split(), "--")
    assert {each.option for each in spellings(action, request) if not each.positional} <= set(
        friendly
    )


def test_the_global_options_are_those_that_commands_take() -> None:
    visible = {
        each.opts[0].removeprefix("--")
        for each in global_options()
        if isinstance(each, GlobalOption) and not each.hidden
    }
    assert visible | {"help"} == {*COMMON, *HELPERS}


def test_values_of_a_few_words_are_offered(typed_cloud: Cloud) -> None:
    assert set(offered(typed_cloud, "create-snapshot", "--category", "")) == {"standard", "flash"}
    assert "--Category=flash" in offered(typed_cloud, "ecs", "CreateSnapshot", "--Category=f")
    assert set(offered(typed_cloud, "ecs", "CreateSnapshot", "--InstantAccess", "")) == {
        "true",
        "false",
    }
    assert "csv" in offered(typed_cloud, "describe-disks", "--output", "")
    assert "speed" in offered(typed_cloud, "config", "set", "")


def test_ids_come_with_names_and_states(typed_cloud: Cloud) -> None:
    cloud = typed_cloud
    for words in (
        ("ecs", "DeleteSnapshot", "--SnapshotId"),
        ("delete-snapshot", "--snapshot-id"),
        ("ecs", "delete-snapshot", "--snapshot-id"),
        ("delete-snapshots",),
    ):
        found = offered(cloud, *words, "s-")
        assert found[cloud.snapshot_id].startswith("nightly, accomplished")
    assert "web-1, Running" in offered(cloud, "stop-instance", "--instance-id", "").values()
    assert cloud.disk_id in offered(cloud, "chain", "show", "d-")
    assert REGION in offered(cloud, "describe-disks", "--region", "cn-h")
    assert "cn-hangzhou-h" in offered(cloud, "ecs", "CreateDisk", "--ZoneId", "")
    assert offered(cloud, "account", "use", "")
    listed = offered(cloud, "ecs", "DescribeDisks", "--DiskIds", '["d-none","d-')
    assert f'["d-none","{cloud.disk_id}' in listed


@pytest.mark.parametrize("typed", ["", "d-", "[d-", '["'])
def test_a_list_of_the_exact_form_is_offered_as_json(typed_cloud: Cloud, typed: str) -> None:
    disk = typed_cloud.disk_id
    found = offered(typed_cloud, "ecs", "DescribeDisks", "--DiskIds", typed)
    assert (f'["{disk}"]' if typed != '["' else f'["{disk}') in found
    assert disk in offered(typed_cloud, "describe-disks", "--disk-ids", typed.strip('["'))
    two = offered(typed_cloud, "ecs", "DescribeDisks", "--DiskIds=[d-none,d-")
    assert f'--DiskIds=["d-none","{disk}"]' in two


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_what_bash_puts_in_place_of_a_list_is_what_the_service_reads(
    typed_cloud: Cloud, quote: str
) -> None:
    snapshot = typed_cloud.snapshot_id
    typing = Typing("bash", typed_cloud.root)
    try:
        begun = "[" if quote else ""
        line = f"snapcli ecs DescribeSnapshots --SnapshotIds {quote}{begun}{snapshot[:-2]}"
        typing.press(f"{line}\t")
        typing.until(snapshot[-2:])
        typing.press("--cli-query TotalCount; echo status-$?\n")
        screen = typing.until("status-0", 20)
        assert "\n1\n" in screen
    finally:
        typing.close()


def test_a_disk_on_the_line_leaves_only_its_snapshots(typed_cloud: Cloud) -> None:
    cloud = typed_cloud
    disk, snapshot, other = cloud.disk_id, cloud.snapshot_id, cloud.other_id
    assert {snapshot, other} <= set(offered(cloud, "reset-disk", "--snapshot-id", ""))
    narrowed = offered(cloud, "reset-disk", f"--disk-id={disk}", "--snapshot-id", "")
    assert set(narrowed) == {snapshot}
    exact = offered(cloud, "ecs", "ResetDisk", "--DiskId", disk, "--SnapshotId", "")
    assert set(exact) == {snapshot}


def test_the_next_number_of_a_list_is_offered(typed_cloud: Cloud) -> None:
    found = offered(typed_cloud, "ecs", "CreateSnapshot", "--Tag.1.Key", "env", "--Tag")
    assert set(found) == {"--Tag.1.Value", "--Tag.2.Key"}
    assert "--DiskId" not in offered(typed_cloud, "ecs", "CreateSnapshot", "--DiskId", "d-1", "--D")


def test_files_are_left_to_the_shell(typed_cloud: Cloud) -> None:
    assert offered(typed_cloud, "--workspace", "") == {":folders": ""}
    assert offered(typed_cloud, "disk", "import", "") == {":files": ""}
    assert typed_cloud.instance_id in offered(typed_cloud, "guest", "put", "")
    assert offered(typed_cloud, "guest", "put", "i-1", "") == {":files": ""}
    assert offered(typed_cloud, "guest", "put", "i-1", "a", "/b", "") == {}


def test_it_fails_silently_and_makes_nothing(tmp_path: Path, cloud: Cloud) -> None:
    (cloud.root / "state" / "cn-hangzhou").mkdir(exist_ok=True)
    (cloud.root / "state" / "cn-hangzhou" / "inventory.json").write_text("damaged")
    assert offered(cloud, "describe-disks", "--disk-ids", "") == {}
    away = tmp_path / "nowhere"
    assert offered(cloud, "--workspace", str(away), "reset-disk", "--disk-id", "") == {}
    assert not away.exists()
    assert offered(cloud, "no-such-command", "--x", "") == {}
    assert offered(cloud, "ecs", "NoSuchApi", "") == {}


def test_time_that_is_due_is_left_to_a_command(cloud: Cloud) -> None:
    disk = cloud.data_disk(cloud.instance())
    kept = cloud.snapshot(disk, RetentionDays=1)
    text = (cloud.root / "workspace.toml").read_text()
    moved = text.replace("2022-03-11T02:33:00Z", "2022-04-11T02:33:00Z")
    assert moved != text
    (cloud.root / "workspace.toml").write_text(moved)
    documents = {path: path.read_bytes() for path in cloud.root.rglob("*/*/*.json")}
    offered(cloud, "delete-snapshot", "--snapshot-id", "")
    assert {path: path.read_bytes() for path in documents} == documents
    assert kept not in str(cloud.snapshots())


def test_it_imports_neither_click_nor_rich_and_is_quick(typed_cloud: Cloud) -> None:
    program = (
        "import sys; from snapcli.cli.main import main; code = main(sys.argv[1:]); "
        "print(*sys.modules, file=sys.stderr)"
    )
    words = ("__complete", "zsh", "reset-disk", "--snapshot-id", "s-")
    environ = environment(typed_cloud.root)
    done = subprocess.run(
        [sys.executable, "-c", program, *words], env=environ, capture_output=True, text=True
    )
    assert typed_cloud.snapshot_id in done.stdout
    unwanted = {
        "click",
        "rich",
        "tomlkit",
        "cryptography",
        "blake3",
        "zstandard",
    }
    assert unwanted.isdisjoint(done.stderr.split())
    # The processor's time, as other processes do not count in it; beside what any start takes.
    bare = _median_ms([sys.executable, "-c", "import msgspec"], environ)
    whole = _median_ms([str(Path(sys.executable).with_name("snapcli")), *words], environ)
    assert whole < max(100, 2 * bare), (whole, bare)


def _median_ms(line: list[str], environ: dict[str, str]) -> float:
    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (used.ru_utime + used.ru_stime) * 1000

    def once() -> float:
        before = spent()
        subprocess.run(line, env=environ, check=True, capture_output=True)
        return spent() - before

    return statistics.median(once() for _ in range(7))


# In the real shells


def test_bash_puts_in_what_stands_behind_its_own_cuts(typed_cloud: Cloud) -> None:
    disk = typed_cloud.disk_id
    root = typed_cloud.root
    assert "CreateSnapshot" in bash_replies(root, "ecs", "CreateSn")
    assert "--disk-id" in bash_replies(root, "create-snapshot", "--di")
    assert disk in bash_replies(root, "create-snapshot", "--disk-id", "d-")
    assert disk in bash_replies(root, "create-snapshot", "--disk-id", "=", "d-")
    assert disk in bash_replies(root, "ecs", "CreateSnapshot", "--DiskId", "=")
    assert bash_replies(root, "--workspace", "worksp") == ["workspace"]


def test_fish_shows_names_and_states(typed_cloud: Cloud) -> None:
    snapshot = typed_cloud.snapshot_id
    [found] = fish_offers(
        typed_cloud.root, f"snapcli ecs DeleteSnapshot --SnapshotId {snapshot[:-1]}"
    )
    assert found.startswith(f"{snapshot}\tnightly, accomplished")
    assert "flash" in fish_offers(typed_cloud.root, "snapcli create-snapshot --category ")
    assert fish_offers(typed_cloud.root, "snapcli ecs DescribeSnapshotLi") == [
        "DescribeSnapshotLinks\tList snapshot chains with their sizes."
    ]
    assert "workspace/" in str(fish_offers(typed_cloud.root, "snapcli --workspace "))


@pytest.mark.parametrize("shell", ["bash", "zsh", "zsh-package"])
def test_the_tab_key_completes_a_whole_line(shell: str, typed_cloud: Cloud) -> None:
    snapshot = typed_cloud.snapshot_id
    typing = Typing(shell, typed_cloud.root)
    try:
        typing.press("snapcli ecs DescribeSnapshotLi\t")
        typing.until("DescribeSnapshotLinks ")
        typing.press("\x15snapcli delete-snapshot --snapshot-i\t")
        typing.until("--snapshot-id")
        typing.press(f"{snapshot[:-2]}\t")
        typing.until(snapshot[-2:])
        typing.press("\x15snapcli ecs CreateSnapshot --Category=\t\t")
        screen = typing.until("flash")
        assert "standard" in screen
        typing.press("\x15snapcli delete-snapshot --snapshot-id \t\t")
        screen = typing.until(snapshot)
        if shell != "bash":
            typing.press("\x15snapcli delete-snapshot --snapshot-id \t\t")
            typing.until("nightly, accomplished")
    finally:
        typing.close()
