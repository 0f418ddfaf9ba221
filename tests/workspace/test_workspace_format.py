"""FORMAT.md says what real files are."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
import workspace_helpers as helpers

import snapcli.workspace
from snapcli.workspace import settings_check, settings_edit
from snapcli.workspace.errors import WorkspaceError
from snapcli.workspace.settings import PRESETS
from snapcli.workspace.store import Workspace

PAGE = Path(snapcli.workspace.__file__).with_name("FORMAT.md").read_text()


def section(heading: str) -> str:
    assert f"\n## {heading}" in PAGE, heading
    return PAGE.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]


def table(heading: str) -> list[list[str]]:
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def fields(heading: str) -> list[str]:
    return [row[0].strip("`") for row in table(heading)]


def names_in(record: object, prefix: str = "") -> list[str]:
    """Every key of a JSON object, dotted; of a list of objects those of its first."""
    found = []
    if isinstance(record, Mapping):
        for name, value in record.items():
            found.append(prefix + name)
            inner = value[0] if isinstance(value, list) and value else value
            if isinstance(inner, Mapping):
                found += names_in(inner, f"{prefix}{name}.")
    return found


def stopped_commit(root: str) -> Workspace:
    """A change of every kind whose work fails, so that its journal stays to be looked at."""

    def fail(root: str, arguments: dict[str, object]) -> None:
        raise WorkspaceError("stop")

    helpers.set_scene(root)
    with pytest.raises(WorkspaceError, match="stop"):  # noqa: SIM117
        with Workspace.open(root, {"mark": fail}).write() as tx:
            helpers.change_all(tx)
            pending = json.loads(Path(root, "pending.json").read_text())
            assert list(pending) == fields("pending.json")
            assert pending["folders"] == [os.path.dirname(helpers.NEW_PACK)]
    return Workspace.open(root, helpers.FINISHERS)


def test_the_settings_table_is_what_the_program_knows(tmp_path: Path) -> None:
    Workspace.open(str(tmp_path / "w"))
    in_force = {name: value for name, value, _ in settings_edit.list_values(str(tmp_path / "w"))}
    keys = settings_check.known_keys(tuple(PRESETS))
    assert [[f"`{key.name}`", key.right] for key in keys if key.name != "format"] == [
        row[:2] for row in table("workspace.toml")[1:]
    ]
    assert {
        row[0].strip("`"): json.loads(row[2].strip("`")) for row in table("workspace.toml")
    } == (in_force)


def test_the_journal_table_is_what_a_commit_writes(tmp_path: Path) -> None:
    root = str(tmp_path / "w")
    workspace = stopped_commit(root)
    journal = json.loads(Path(root, "journal.json").read_text())
    journal["body"]["work"][0]["arguments"] = None
    assert names_in(journal) == fields("journal.json")
    assert journal["format"] == 1
    with workspace.read():
        pass
    assert not Path(root, "journal.json").exists()


def test_the_cache_and_document_tables_are_what_is_written(tmp_path: Path) -> None:
    root = str(tmp_path / "w")
    helpers.set_scene(root)
    cache = json.loads(Path(root, "state", "settings.json").read_text())
    assert list(cache) == fields("state/settings.json")
    assert cache["text"] == Path(root, "workspace.toml").read_text()
    mark = json.loads(Path(root, "state", "clock.json").read_text())
    assert list(mark) == fields("state/clock.json")
    document = json.loads(Path(root, helpers.A).read_text())
    assert fields("A document") == ["format"]
    assert document["format"] == 1


def test_the_files_table_names_all_there_ever_is(tmp_path: Path) -> None:
    root = str(tmp_path / "w")
    stopped_commit(root)
    (tmp_path / "w" / "staged").mkdir(exist_ok=True)
    page = " ".join(row[0] for row in table("Files")[:-1])
    for name in helpers.picture(root):
        top = name.split(os.sep)[0]
        assert f"`{top}" in page, name
    assert {"`workspace.toml`", "`lock`", "`journal.json`", "`pending.json`"} <= set(page.split())


@pytest.mark.parametrize(("change", "block"), [("all", 0), ("one", 1)])
def test_everything_is_durable_before_the_commit_point_in_the_order_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, block: int
) -> None:
    """Killing tests cannot see a missing sync; the order of the calls can."""
    root = str(tmp_path / "w")
    helpers.set_scene(root)
    calls: list[str] = []
    opened: dict[int, str] = {}
    real = {name: getattr(os, name) for name in ("open", "fsync", "replace", "unlink")}

    def short(path: object) -> str:
        return os.path.relpath(str(path), root)

    def traced_open(path: str, *rest: int) -> int:
        descriptor = real["open"](path, *rest)
        opened[descriptor] = short(path)
        return descriptor

    def traced_fsync(descriptor: int) -> None:
        calls.append(f"sync {opened[descriptor]}")
        real["fsync"](descriptor)

    def traced_replace(source: str, target: str) -> None:
        calls.append(f"{short(source)} -> {short(target)}")
        real["replace"](source, target)

    def traced_unlink(path: str) -> None:
        real["unlink"](path)
        calls.append(f"unlink {short(path)}")

    monkeypatch.setattr(os, "open", traced_open)
    monkeypatch.setattr(os, "fsync", traced_fsync)
    monkeypatch.setattr(os, "replace", traced_replace)
    monkeypatch.setattr(os, "unlink", traced_unlink)
    helpers.run(root, change)
    written = section("The order of one commit").split("```")[1 + 2 * block]
    assert calls == written.split("\n")[1:-1]
