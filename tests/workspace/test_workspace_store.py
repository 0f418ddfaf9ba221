"""Transactions: what they see, what they commit, what they leave when they fail."""

import datetime
import os
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from workspace_helpers import (
    FINISHERS,
    GONE,
    NEW_CHAIN,
    NEW_PACK,
    OLD_PACK,
    A,
    B,
    Counter,
    change_all,
    picture,
    set_scene,
)

from snapcli.workspace import lock as lock_module
from snapcli.workspace.errors import WorkspaceError
from snapcli.workspace.store import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return set_scene(str(tmp_path / "w"))


def test_a_document_is_the_same_object_each_time_and_changes_are_kept(workspace: Workspace) -> None:
    with workspace.write() as tx:
        assert tx.load(A, Counter) is tx.load(A, Counter)
        tx.load(A, Counter).notes["a"] = "ü"
    with workspace.read() as tx:
        assert tx.load(A, Counter) == Counter(count=1, notes={"a": "ü"})


def test_a_document_that_did_not_change_is_not_written(workspace: Workspace) -> None:
    before = os.stat(os.path.join(workspace.path, A))
    with workspace.write() as tx:
        tx.load(A, Counter)
        tx.load(B, Counter).count += 1
    after = os.stat(os.path.join(workspace.path, A))
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_an_exception_undoes_everything_and_is_passed_on(workspace: Workspace) -> None:
    before = picture(workspace.path)
    with pytest.raises(ZeroDivisionError), workspace.write() as tx:
        change_all(tx)
        assert Path(tx.path(NEW_PACK)).exists()
        raise ZeroDivisionError
    assert picture(workspace.path) == before


def test_a_folder_that_was_made_goes_with_its_content(workspace: Workspace) -> None:
    before = picture(workspace.path)
    with pytest.raises(KeyboardInterrupt), workspace.write() as tx:
        tx.creates("guests/i-1", "disks/cn-x/d.raw")
        os.makedirs(tx.path("guests/i-1/deep"))
        Path(tx.path("guests/i-1/deep/file")).write_text("x")
        os.symlink("/", tx.path("guests/i-1/link"))
        raise KeyboardInterrupt
    assert picture(workspace.path) == before


def test_a_commit_makes_all_of_a_change(workspace: Workspace) -> None:
    with workspace.write() as tx:
        change_all(tx)
    found = picture(workspace.path)
    assert found[NEW_PACK] == b"new"
    assert found["marker"] == b"done"
    assert not {GONE, OLD_PACK, "journal.json", "pending.json", "staged"} & set(found)
    with workspace.read() as tx:
        assert [tx.load(name, Counter).count for name in (A, B, NEW_CHAIN)] == [2, 2, 7]


def test_a_transaction_sees_what_it_made_and_deleted(workspace: Workspace) -> None:
    with workspace.write() as tx:
        assert tx.exists(GONE)
        assert not tx.exists(NEW_CHAIN)
        tx.delete(GONE)
        tx.load(NEW_CHAIN, Counter, Counter)
        assert not tx.exists(GONE)
        assert tx.exists(NEW_CHAIN)
        assert tx.folder_names("chains/cn-x") == ["d-1", "d-2"]
        assert tx.folder_names("state") == [
            "account.json", "clock.json", "cn-x", "settings.json",
        ]  # fmt: skip
        assert tx.folder_names("nowhere") == []
        with pytest.raises(WorkspaceError, match="missing"):
            tx.load(GONE, Counter)
        tx.load(GONE, Counter, Counter).count = 5
    with workspace.read() as tx:
        assert tx.load(GONE, Counter).count == 5


def test_a_default_is_written_by_a_writer_and_not_by_a_reader(workspace: Workspace) -> None:
    with workspace.read() as tx:
        assert not tx.writable
        tx.load(NEW_CHAIN, Counter, Counter)
        assert not tx.exists(NEW_CHAIN)
    assert not os.path.exists(os.path.join(workspace.path, NEW_CHAIN))
    with workspace.write() as tx:
        assert tx.writable
        tx.load(NEW_CHAIN, Counter, Counter)
    with workspace.read() as tx:
        assert tx.exists(NEW_CHAIN)


def test_put_replaces_a_document(workspace: Workspace) -> None:
    with workspace.write() as tx:
        tx.delete(A)
        tx.put(A, Counter(count=9))
    with workspace.read() as tx:
        assert tx.load(A, Counter).count == 9


def test_a_reader_cannot_change_anything(workspace: Workspace) -> None:
    with workspace.read() as tx:
        for change in (
            lambda: tx.delete(A),
            lambda: tx.put(A, Counter()),
            lambda: tx.creates("x"),
            lambda: tx.after_commit("unlink", {"paths": []}),
        ):
            with pytest.raises(RuntimeError, match="only reads"):
                change()
        tx.load(A, Counter).count = 99
    with workspace.read() as tx:
        assert tx.load(A, Counter).count == 1


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "..", ".", "", "state/../../x", "a//b"])
def test_a_path_stays_inside_the_workspace(workspace: Workspace, path: str) -> None:
    with workspace.write() as tx:
        for use in (tx.delete, tx.creates, lambda name: tx.load(name, Counter, Counter)):
            with pytest.raises(ValueError, match=r"path|leads out"):
                use(path)


def test_a_document_has_one_type_in_a_transaction(workspace: Workspace) -> None:
    class Other(msgspec.Struct):
        format: int = 1

    with workspace.read() as tx:
        tx.load(A, Counter)
        with pytest.raises(TypeError, match=r"account\.json is a Counter, not Other"):
            tx.load(A, Other)


def test_now_stands_still_in_a_transaction(workspace: Workspace) -> None:
    with workspace.read() as tx:
        first = tx.now
        assert first.tzinfo is datetime.UTC
        assert tx.now is first
        assert tx.settings.region == "cn-hangzhou"


def test_a_transaction_in_a_transaction_is_refused_instead_of_waiting_forever(
    workspace: Workspace,
) -> None:
    with workspace.write(), pytest.raises(RuntimeError, match="already open"), workspace.read():
        pass
    with workspace.write():
        pass


def test_a_file_that_is_already_there_is_not_created(workspace: Workspace) -> None:
    with pytest.raises(WorkspaceError, match="already there"), workspace.write() as tx:
        tx.creates(OLD_PACK)
    assert picture(workspace.path)[OLD_PACK] == b"old"


def test_work_without_a_finisher_is_refused_before_the_commit(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="no finisher"), workspace.write() as tx:
        tx.load(A, Counter).count = 5
        tx.after_commit("fly", {})
    with workspace.read() as tx:
        assert tx.load(A, Counter).count == 1


def test_work_that_fails_is_gone_on_with_by_the_next_command(workspace: Workspace) -> None:
    def full(root: str, arguments: dict[str, object]) -> None:
        raise OSError(28, "No space left on device", "/some/disk")

    with pytest.raises(WorkspaceError) as caught:  # noqa: SIM117
        with Workspace.open(workspace.path, {"mark": full}).write() as tx:
            change_all(tx)
    assert caught.value.path == "/some/disk"
    assert "the next command finishes it" in str(caught.value)
    with pytest.raises(WorkspaceError, match="unfinished work of the kind 'mark'"):  # noqa: SIM117
        with Workspace.open(workspace.path).read():
            pass
    with workspace.read() as tx:
        assert tx.load(A, Counter).count == 2
    found = picture(workspace.path)
    assert found["marker"] == b"done"
    assert found[NEW_PACK] == b"new"
    assert "journal.json" not in found


def test_rmdir_spares_what_is_not_empty_unless_the_tree_is_meant(workspace: Workspace) -> None:
    with workspace.write() as tx:
        tx.after_commit("rmdir", {"paths": ["chains/cn-x/d-1", "nowhere"]})
    assert OLD_PACK in picture(workspace.path)
    with workspace.write() as tx:
        tx.after_commit("rmdir", {"paths": ["chains/cn-x/d-1"], "tree": 1})
    assert "chains/cn-x/d-1" not in picture(workspace.path)


def test_documents_lists_the_documents_only(workspace: Workspace) -> None:
    assert list(workspace.documents()) == [A, GONE, B]


def test_a_reader_waits_for_a_writer_and_says_so_after_a_while(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "WAIT_BEFORE_NOTICE_SECONDS", 0.02)
    notices = []
    told, done = threading.Event(), threading.Event()

    def notice() -> None:
        notices.append(1)
        told.set()

    def read() -> None:
        with Workspace.open(workspace.path, on_wait=notice).read() as tx:
            assert tx.load(A, Counter).count == 2
        done.set()

    with workspace.write() as tx:
        tx.load(A, Counter).count += 1
        reader = threading.Thread(target=read)
        reader.start()
        assert told.wait(10)
        assert not done.is_set()
    assert done.wait(10)
    reader.join()
    assert notices == [1]


def test_readers_do_not_wait_for_each_other(workspace: Workspace) -> None:
    with workspace.read(), Workspace.open(workspace.path).read() as tx:
        assert tx.load(A, Counter).count == 1


def test_four_processes_counting_at_once_lose_nothing(workspace: Workspace) -> None:
    script = (
        "import sys; from workspace_helpers import *\n"
        "workspace = Workspace.open(sys.argv[1], FINISHERS)\n"
        "for _ in range(25):\n"
        "    with workspace.write() as tx:\n"
        "        tx.load(A, Counter).count += 1\n"
        "        tx.load(B, Counter).count += 1\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script, workspace.path], cwd=Path(__file__).parent)
        for _ in range(4)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    with workspace.read() as tx:
        assert [tx.load(name, Counter).count for name in (A, B)] == [101, 101]


def test_two_processes_may_make_the_same_workspace_at_once(tmp_path: Path) -> None:
    root = str(tmp_path / "deep" / "w")
    script = (
        "import sys; from workspace_helpers import *\n"
        "with Workspace.open(sys.argv[1], FINISHERS).write() as tx:\n"
        "    tx.load(A, Counter, Counter).count += 1\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script, root], cwd=Path(__file__).parent)
        for _ in range(4)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    with Workspace.open(root, FINISHERS).read() as tx:
        assert tx.load(A, Counter).count == 4


def test_reading_imports_nothing_slow(workspace: Workspace) -> None:
    script = (
        "import msgspec, sys; before = set(sys.modules)\n"
        "from snapcli.workspace.location import find, create\n"
        "from snapcli.workspace.store import Workspace\n"
        f"A, B = {A!r}, {B!r}\n"
        "class D(msgspec.Struct): format: int = 1\n"
        "find(None, {}, '/')\n"
        "with Workspace.open(sys.argv[1]).read() as tx: tx.load(A, D); tx.load(B, D)\n"
        "print(*sorted(n for n in set(sys.modules) - before if not n.startswith('snapcli')))\n"
        "print(*sorted(n for n in set(sys.modules) if n.startswith('snapcli.')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, workspace.path], capture_output=True, text=True, check=True
    )
    others, ours = done.stdout.splitlines()
    assert set(others.split()) <= {"fcntl", "gc"}
    assert not {"settings_check", "settings_edit", "settings_template", "time_text"} & {
        name.rsplit(".", 1)[-1] for name in ours.split()
    }


@pytest.mark.parametrize("name", ["journal.json", "pending.json"])
def test_a_damaged_or_newer_protocol_file_is_named_and_nothing_is_touched(
    workspace: Workspace, name: str
) -> None:
    path = Path(workspace.path, name)
    before = picture(workspace.path)
    newer = {
        "journal.json": '{"format":2,"crc32":0,"body":{}}',
        "pending.json": '{"format":2,"created":[],"folders":[]}',
    }[name]
    for text, words in (
        ("{", "is damaged"),
        ('{"format":1,"crc32":1,"body":{"renames":[]},"created":["../x"]}', "is damaged"),
        (newer, r"newer snapcli \(format 2\)"),
    ):
        path.write_text(text)
        with pytest.raises(WorkspaceError, match=words) as caught, workspace.write():
            pass
        assert caught.value.path == str(path)
        path.unlink()
        assert picture(workspace.path) == before


def test_a_write_that_takes_little_at_a_time_is_gone_on_with(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    with workspace.write() as tx:
        tx.load(A, Counter).count = 1234567
    with workspace.read() as tx:
        assert tx.load(A, Counter).count == 1234567
