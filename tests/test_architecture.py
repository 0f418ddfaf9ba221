"""The house rules that a test can hold: imports between rooms, sizes, time, chance, rule ids."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "snapcli"
TESTS = ROOT / "tests"
RULES = ROOT.parent / "shared" / "spec" / "rules.md"

# Every rule, a line a family.
HELD = (
    *(f"OV-{n}" for n in range(1, 6)),
    *(f"AC-{n}" for n in range(1, 2)),
    *(f"CR-{n}" for n in range(1, 14)),
    *(f"LS-{n}" for n in range(1, 10)),
    *(f"IN-{n}" for n in range(1, 8)),
    *(f"IA-{n}" for n in range(1, 8)),
    *(f"CP-{n}" for n in range(1, 7)),
    *(f"RB-{n}" for n in range(1, 10)),
    *(f"IM-{n}" for n in range(1, 10)),
    *(f"DL-{n}" for n in range(1, 6)),
    *(f"SZ-{n}" for n in range(1, 6)),
    *(f"GR-{n}" for n in range(1, 7)),
    *(f"GB-{n}" for n in range(1, 4)),
    *(f"AP-{n}" for n in range(1, 16)),
    *(f"PO-{n}" for n in range(1, 13)),
    *(f"TG-{n}" for n in range(1, 3)),
    *(f"FQ-{n}" for n in range(1, 4)),
)


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text())


def test_no_room_imports_what_it_must_not() -> None:
    """The contracts of pyproject.toml, as `lint-imports` checks them."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", done.stdout)


def test_every_import_is_absolute_and_from_a_room_that_exists() -> None:
    for module in modules(PACKAGE):
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module}:{node.lineno}"


@pytest.mark.parametrize(("folder", "most"), [(PACKAGE, 500), (TESTS, 600)])
def test_no_file_is_too_long_to_see_through(folder: Path, most: int) -> None:
    long = {str(m): n for m in modules(folder) if (n := len(m.read_text().splitlines())) > most}
    assert long == {}


def test_no_function_is_too_long_to_see_through() -> None:
    long = {
        f"{module}:{node.name}": length
        for module in modules(PACKAGE)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and (length := node.end_lineno - node.lineno + 1) > 62
    }
    assert long == {}


def test_every_module_says_what_it_is_for_and_every_public_function_what_it_does() -> None:
    silent = []
    for module in modules(PACKAGE):
        parsed = tree(module)
        if not ast.get_docstring(parsed):
            silent.append(str(module))
        for node in parsed.body:
            if (
                isinstance(node, ast.FunctionDef | ast.ClassDef)
                and not node.name.startswith("_")
                and not ast.get_docstring(node)
            ):
                silent.append(f"{module}:{node.name}")
    assert silent == []


def names_used(module: Path) -> Iterator[tuple[str, int]]:
    """Every dotted name that is looked up, and every name imported from a module."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node), node.lineno
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno


def users(pattern: str) -> set[str]:
    return {
        str(module.relative_to(ROOT))
        for module in modules(PACKAGE)
        for name, _ in names_used(module)
        if re.fullmatch(pattern, name)
    }


def test_only_the_clock_asks_what_time_it_is() -> None:
    """How long the machine took (monotonic) is measured by the command line and for guests."""
    asking = r"(.*\.)?(datetime|date)\.(now|utcnow|today)|time\.(time|time_ns|localtime|gmtime)"
    assert users(asking) == {"snapcli/workspace/clock.py"}
    measuring = users(r"time(\.(monotonic|perf_counter|process_time)(_ns)?)?")
    assert {
        name for name in measuring if not name.startswith(("snapcli/cli/", "snapcli/guests/"))
    } == set()


def test_only_the_ids_are_left_to_chance() -> None:
    chance = r"os\.(urandom|getrandom)|(random|secrets|uuid)(\..*)?"
    assert users(chance) == {"snapcli/api/ids.py"}


def test_files_are_opened_to_be_changed_in_place_in_few_places() -> None:
    """A file with a second name belongs to a copy of the workspace too (`cp -al`).

    Here the images that are broken off first, and packs that have no other name; the others make
    new files (`O_EXCL`), or write to what is not the workspace's.
    """
    changing = r"os\.O_(RDWR|WRONLY|APPEND|TRUNC)"
    assert users(changing) == {
        "snapcli/cli/streams.py",  # /dev/null
        "snapcli/guests/folder.py",  # new
        "snapcli/guests/processes.py",  # /dev/null
        "snapcli/volumes/direct.py",  # what `restore` has just made
        "snapcli/volumes/freeing.py",
        "snapcli/volumes/images.py",
        "snapcli/volumes/maps.py",  # new
        "snapcli/volumes/packs.py",  # new
        "snapcli/volumes/syscalls.py",  # without a name
        "snapcli/volumes/stamps.py",  # new, for a moment, to ask the time
        "snapcli/workspace/files.py",  # new
        "snapcli/workspace/settings.py",  # a temporary file
    }
    appending = {
        str(module.relative_to(ROOT))
        for room in ("ecs", "guests", "volumes", "workspace")
        for module in modules(PACKAGE / room)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "open"
        if any(isinstance(a, ast.Constant) and a.value in ("a", "ab", "w", "wb") for a in node.args)
    }
    assert appending == {
        "snapcli/ecs/guest_files.py",  # where the caller wants a guest's file
        "snapcli/ecs/guest_runs.py",  # a guest's log, broken off first
        "snapcli/guests/freezing.py",  # a temporary file
    }


def test_only_the_command_line_prints() -> None:
    printing = {
        str(module.relative_to(ROOT))
        for module in modules(PACKAGE)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    }
    assert {name for name in printing if not name.startswith("snapcli/cli/")} == set()


@cache
def carried() -> dict[str, list[str]]:
    """Rule id -> the tests that carry it, by their own mark, their class's or their module's."""
    found: dict[str, list[str]] = {}
    for module in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(tree(module)):
            marked: list[ast.expr] = []
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                marked = node.decorator_list
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
                marked = [node.value]
            for mark in marked:
                for id_ in re.findall(r"pytest\.mark\.rule\(([^)]*)\)", ast.unparse(mark)):
                    for each in re.findall(r"[A-Z]{2}-\d+", id_):
                        found.setdefault(each, []).append(f"{module.name}:{node.lineno}")
    return found


@pytest.mark.parametrize("rule", HELD)
def test_every_rule_that_is_held_is_carried_by_a_test(rule: str) -> None:
    assert carried().get(rule), f"no test carries {rule}"


@pytest.mark.skipif(not RULES.exists(), reason="the rules are not here")
def test_tests_carry_only_rules_that_exist() -> None:
    known = set(re.findall(r"^- ([A-Z]{2}-\d+)", RULES.read_text(), re.M))
    assert set(HELD) == known
    assert carried().keys() <= known
