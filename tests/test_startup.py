"""Starting is fast because only what a command needs is imported; this guards it.

How fast it is, beside others, is measured by tests/benchmarks.
"""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from support import REGION, Cloud, block

# Heavy, and needed by nothing that only tells what there is.
UNWANTED = (
    "blake3",
    "click",
    "cryptography",
    "dataclasses",
    "difflib",
    "jmespath",
    "json",
    "logging",
    "platformdirs",
    "rich",
    "snapcli.volumes",
    "subprocess",
    "tempfile",
    "tomlkit",
    "tomllib",
    "zstandard",
)
LAYERS = ("snapcli.volumes", "snapcli.volumes.layers")
_RUN = """
import sys
before = set(sys.modules)
from snapcli.cli.main import main
code = main(sys.argv[1:])
sys.stdout.flush()
print(*sorted(set(sys.modules) - before), file=sys.stderr)
sys.exit(code)
"""
_BARE = "import sys; before = set(sys.modules); import {}; print(*(set(sys.modules) - before))"


def python(program: str, *words: str, cloud: Cloud | None = None) -> tuple[str, list[str]]:
    """Run a program in a new interpreter without site's extras; return its output and errors."""
    environ = {**os.environ, "PYTHONNOUSERSITE": "1"}
    if cloud is not None:
        environ["SNAPCLI_WORKSPACE"] = str(cloud.root)
    done = subprocess.run(
        [sys.executable, "-c", program, *words], env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr.split()


@pytest.fixture
def filled(cloud: Cloud) -> Cloud:
    """A workspace with two chains of snapshots."""
    for _ in range(2):
        disk_id = cloud.data_disk(cloud.instance())
        for letter in "AB":
            cloud.write(disk_id, 0, block(letter))
            cloud.snapshot(disk_id, RetentionDays=30)
    return cloud


def imported(cloud: Cloud, *words: str) -> tuple[Any, list[str]]:
    out, modules = python(_RUN, "ecs", *words, cloud=cloud)
    return json.loads(out), modules


@pytest.mark.parametrize(
    "action", ["DescribeSnapshots", "DescribeDisks", "DescribeInstances", "DescribeSnapshotLinks"]
)
def test_a_describe_to_a_pipe_imports_nothing_heavy(filled: Cloud, action: str) -> None:
    answer, modules = imported(filled, action, "--RegionId", REGION)
    assert answer["TotalCount"] >= 2
    if action == "DescribeSnapshotLinks":  # a record type, without any code behind it
        modules = [name for name in modules if name not in LAYERS]
    roots = {module.split(".")[0] for module in modules} | {
        ".".join(module.split(".")[:2]) for module in modules
    }
    # What msgspec itself brings along is not ours to leave out.
    brought = set(python(_BARE.format("msgspec"))[0].split())
    assert {name for name in UNWANTED if name in roots} - brought == set()


def test_a_describe_imports_only_the_resources_it_tells_of(filled: Cloud) -> None:
    _, modules = imported(filled, "DescribeSnapshots", "--RegionId", REGION)
    ours = {module for module in modules if module.startswith("snapcli.")}
    assert "snapcli.ecs.snapshots" in ours
    strange = ("instance", "disk", "rollback", "snapshot_c", "lifecycle", "check", "nodes", "image")
    assert {
        name for name in ours if name.startswith(tuple(f"snapcli.ecs.{s}" for s in strange))
    } == (set())
    assert not any(name.startswith("snapcli.cli.views") for name in ours)


def test_the_number_of_modules_does_not_balloon(filled: Cloud) -> None:
    _, modules = imported(filled, "DescribeSnapshots", "--RegionId", REGION)
    brought = set(python(_BARE.format("msgspec"))[0].split())
    ours = [module for module in modules if module.startswith("snapcli")]
    others = set(modules) - set(ours) - brought
    assert len(ours) <= 50, ours
    assert len(others) <= 12, sorted(others)


def test_the_version_needs_no_service(cloud: Cloud) -> None:
    program = _RUN.replace("main(sys.argv[1:])", "main(['--version'])")
    out, modules = python(program, cloud=cloud)
    assert out.strip()
    assert not any(module.startswith(("rich", "snapcli.ecs", "tomlkit")) for module in modules)
