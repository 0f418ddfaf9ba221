"""Our side: snapcli installed into a venv of its own, and a workspace to run its commands in."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench_process import Run, run

REGION = "cn-hangzhou"
_IMAGE = "centos_7_9_x64_20G_alibase_20220101.vhd"
_ROOT = Path(__file__).resolve().parents[2]


def install(folder: Path) -> Path:
    """Install this checkout, as README's own line does, into a new venv; the program's path."""
    source = folder / "source"
    # From a copy: setuptools leaves its build folder beside pyproject.toml.
    shutil.copytree(_ROOT / "snapcli", source / "snapcli")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (_ROOT / name).exists():
            shutil.copy(_ROOT / name, source)
    (source / "README.md").touch()
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin" / "pip", "install", "-q", "--compile", source], check=True)
    return venv / "bin" / "snapcli"


class Snapcli:
    """The program with one workspace; remembers the peak memory of the commands measured."""

    def __init__(self, program: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self.workspace = folder / "workspace"
        self.peak_bytes = 0
        self._program = str(program)
        self._folder = folder
        self._environment = dict(environment) | {"SNAPCLI_WORKSPACE": str(self.workspace)}

    def run(self, *words: str) -> Run:
        """Run one command."""
        return run([self._program, *words], self._environment, self._folder)

    def measure(self, *words: str) -> Run:
        """Run one command that counts."""
        done = self.run(*words)
        self.peak_bytes = max(self.peak_bytes, done.peak_bytes)
        return done

    def ecs(self, action: str, **parameters: str | int) -> Any:
        """Run an operation and return its JSON; `Tag__1__Key` is Tag.1.Key."""
        return json.loads(self.run(*_words(action, parameters)).output)

    def measure_ecs(self, action: str, **parameters: str | int) -> tuple[float, Any]:
        """Run an operation that counts: its seconds and its JSON."""
        done = self.measure(*_words(action, parameters))
        return done.seconds, json.loads(done.output)

    def baseline(self) -> Run:
        """Run the interpreter of the program with no more than the libraries every start needs."""
        return self.python("import click, msgspec")

    def python(self, script: str, *words: str) -> Run:
        """Run a script with the interpreter of the program."""
        python = str(Path(self._program).with_name("python"))
        return run([python, "-c", script, *words], self._environment, self._folder)

    def begin(self) -> None:
        """Begin an empty workspace in which nothing takes time but the work itself."""
        shutil.rmtree(self.workspace, ignore_errors=True)
        self.run("config", "set", "speed", "instant")
        self.run("ecs", "OpenSnapshotService")

    def instance(self, data_disks: int) -> tuple[str, list[str]]:
        """Create a running instance; its id and those of its empty data disks."""
        wanted: dict[str, str | int] = {"RegionId": REGION, "ImageId": _IMAGE}
        wanted["InstanceType"] = "ecs.g7.large"
        for number in range(1, data_disks + 1):
            wanted[f"DataDisk__{number}__Size"] = 20
            wanted[f"DataDisk__{number}__Category"] = "cloud_essd"
        made = self.ecs("RunInstances", **wanted)["InstanceIdSets"]["InstanceIdSet"][0]
        disks = self.ecs("DescribeDisks", RegionId=REGION, InstanceId=made, DiskType="data")
        return made, [disk["DiskId"] for disk in disks["Disks"]["Disk"]]

    def import_disk(self, image: Path) -> tuple[str, Path]:
        """Import an image as a disk of a stopped instance; its id and where its bytes are."""
        instance_id, _ = self.instance(0)
        self.ecs("StopInstance", InstanceId=instance_id)
        words = ("disk", "import", str(image), "--instance-id", instance_id, "--output", "json")
        disk_id = json.loads(self.run(*words).output)["DiskId"]
        return disk_id, self.disk_path(disk_id)

    def disk_path(self, disk_id: str) -> Path:
        """Return where a disk's bytes are."""
        done = self.run("disk", "path", disk_id, "--output", "json")
        return Path(json.loads(done.output)["Path"])

    def chain_folder(self, disk_id: str) -> Path:
        """Return where the pack and map files of a disk's chain are."""
        return self.workspace / "chains" / REGION / disk_id

    def stored_bytes(self, disk_id: str) -> int:
        """Return what the pack and map files of a disk's chain occupy on the disk."""
        folder = self.chain_folder(disk_id)
        files = [*folder.glob("*.pack"), *folder.glob("*.map")]
        return sum(file.stat().st_blocks * 512 for file in files)


def _words(action: str, parameters: Mapping[str, str | int]) -> list[str]:
    flags = [f"--{name.replace('__', '.')}={value}" for name, value in parameters.items()]
    return ["ecs", action, *flags]
