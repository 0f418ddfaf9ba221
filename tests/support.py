"""A workspace as a person meets it, for tests: commands run in this process on real bytes.

`Cloud` runs command lines through the program's own entry point and returns what came out.
"""

import atexit
import io
import json
import os
import re
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import Any

from snapcli.cli.main import main
from snapcli.cli.streams import Streams

REGION = "cn-hangzhou"
LINUX_IMAGE = "centos_7_9_x64_20G_alibase_20220101.vhd"
BLOCK_BYTES = 65536
GIB = 1 << 30


class Result:
    """What a command printed and returned."""

    def __init__(self, code: int, out: bytes, err: str) -> None:
        self.code = code
        self.bytes = out
        self.err = err

    @property
    def out(self) -> str:
        """Standard output as text."""
        return self.bytes.decode()

    @property
    def json(self) -> Any:
        """Standard output read as JSON."""
        return json.loads(self.out)

    @property
    def error_code(self) -> str:
        """The API's error code that standard error names, or an empty text."""
        for line in self.err.splitlines():
            if line.startswith("ErrorCode: "):
                return line.removeprefix("ErrorCode: ")
        return ""


# New workspaces of this process, each made once and then copied: most tests begin with one.
_KEPT = tempfile.mkdtemp(prefix="snapcli-new-")
_MADE: dict[tuple[str, bool], Path] = {}
atexit.register(shutil.rmtree, _KEPT, ignore_errors=True)


class Cloud:
    """A workspace folder and the commands run on it."""

    def __init__(self, root: Path, *, speed: str = "instant", activated: bool = True) -> None:
        self.root = root
        made = _MADE.get((speed, activated))
        if made is not None:
            shutil.copytree(made, root, dirs_exist_ok=True)
            return
        self._make(speed, activated)
        made = _MADE[speed, activated] = Path(_KEPT, f"{speed}-{activated}")
        shutil.copytree(root, made)

    def _make(self, speed: str, activated: bool) -> None:
        self.run("config", "set", "speed", speed)
        # A frozen clock: no test depends on how fast the machine is.
        self.ok("clock", "freeze", "2022-03-11T02:33:00Z")
        if activated:
            self.ok("ecs", "OpenSnapshotService")

    def run(self, *words: str, stdin: bytes = b"", terminal: bool = False) -> Result:
        """Run a command line; each word is one argument."""
        words = ("--workspace", str(self.root), *words)
        return self.run_bare(*words, stdin=stdin, terminal=terminal)

    def run_bare(self, *words: str, stdin: bytes = b"", terminal: bool = False) -> Result:
        """Run a command line that finds the workspace by its variable."""
        out, err = io.BytesIO(), io.StringIO()
        shown = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
        streams = Streams(
            stdin=io.TextIOWrapper(io.BytesIO(stdin)),
            stdout=shown,
            stderr=err,
            environ={**os.environ, "SNAPCLI_WORKSPACE": str(self.root), "COLUMNS": "200"},
            terminals={"stdin": terminal, "stdout": terminal, "stderr": terminal},
        )
        code = main(words, streams)
        shown.flush()
        return Result(code, out.getvalue(), err.getvalue())

    def line(self, text: str, **keywords: Any) -> Result:
        """Run a command line written as in a shell, `snapcli` or `aliyun` left out."""
        return self.run(*shlex.split(text), **keywords)

    def ok(self, *words: str, stdin: bytes = b"") -> Result:
        """Run a command line that must succeed."""
        result = self.run(*words, stdin=stdin)
        assert result.code == 0, (words, result.err, result.out)
        return result

    def ecs(self, action: str, **parameters: Any) -> Any:
        """Call an operation in the `ecs` form and return its JSON; `Tag__1__Key` is Tag.1.Key."""
        return self.ok("ecs", action, *_flags(parameters)).json

    def refused(self, action: str, **parameters: Any) -> Result:
        """Call an operation that must be refused by the service: exit status 1 and a code."""
        result = self.run("ecs", action, *_flags(parameters))
        assert result.code == 1 and result.error_code, (action, parameters, result.out, result.err)
        assert result.bytes == b""
        assert "Traceback" not in result.err
        return result

    # Things that most tests begin with

    def instance(self, *, data_gib: int | None = 20, **parameters: Any) -> str:
        """Create a running instance with a system disk and, by default, an ESSD data disk."""
        if data_gib:
            parameters |= {"DataDisk__1__Size": data_gib, "DataDisk__1__Category": "cloud_essd"}
        wanted = {"RegionId": REGION, "ImageId": LINUX_IMAGE, "InstanceType": "ecs.g7.large"}
        made = self.ecs("RunInstances", **(wanted | parameters))
        return str(made["InstanceIdSets"]["InstanceIdSet"][0])

    def disks(self, **parameters: Any) -> list[dict[str, Any]]:
        """Describe disks."""
        found = self.ecs("DescribeDisks", RegionId=REGION, MaxResults=100, **parameters)
        return list(found["Disks"]["Disk"])

    def data_disk(self, instance_id: str) -> str:
        """Return the id of an instance's first data disk."""
        return str(self.disks(InstanceId=instance_id, DiskType="data")[-1]["DiskId"])

    def disk(self, disk_id: str) -> dict[str, Any]:
        """Describe one disk."""
        [disk] = self.disks(DiskIds=json.dumps([disk_id]))
        return disk

    def snapshot(self, disk_id: str, **parameters: Any) -> str:
        """Create a snapshot and return its id."""
        return str(self.ecs("CreateSnapshot", DiskId=disk_id, **parameters)["SnapshotId"])

    def snapshots(self, **parameters: Any) -> list[dict[str, Any]]:
        """Describe snapshots, newest first."""
        found = self.ecs("DescribeSnapshots", RegionId=REGION, MaxResults=100, **parameters)
        return list(found["Snapshots"]["Snapshot"])

    def image(self, disk_id: str) -> Path:
        """Return where a disk's bytes are."""
        return Path(self.ok("disk", "path", disk_id, "--output", "json").json["Path"])

    def write(self, disk_id: str, block: int, content: bytes) -> None:
        """Write bytes at a block of a disk, as any program may."""
        with self.image(disk_id).open("r+b") as image:
            image.seek(block * BLOCK_BYTES)
            image.write(content)

    def read(self, disk_id: str, block: int = 0, blocks: int = 16) -> bytes:
        """Read blocks of a disk."""
        with self.image(disk_id).open("rb") as image:
            image.seek(block * BLOCK_BYTES)
            return image.read(blocks * BLOCK_BYTES)

    def chain_size(self, disk_id: str) -> int:
        """Return the bytes that a disk's chain is billed for."""
        links = self.ecs("DescribeSnapshotLinks", RegionId=REGION, DiskIds=json.dumps([disk_id]))
        return sum(link["TotalSize"] for link in links["SnapshotLinks"]["SnapshotLink"])

    def edit_clock(self, **values: str | float) -> None:
        """Change the clock's settings as an editor does: no command runs, nothing is settled."""
        file = self.root / "workspace.toml"
        text = file.read_text()
        for name, value in values.items():
            text, count = re.subn(rf"(?m)^{name} = .*$", f"{name} = {json.dumps(value)}", text)
            assert count == 1, name
        file.write_text(text)

    def check(self) -> None:
        """Assert that the workspace is in order, every stored block included."""
        problems = self.ok("check", "--read-data", "--output", "json").json["Problems"]
        assert problems == []


def block(letter: str) -> bytes:
    """Return a block filled with a letter."""
    return letter.encode() * BLOCK_BYTES


def _flags(parameters: dict[str, Any]) -> list[str]:
    words: list[str] = []
    for name, value in parameters.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        words += [f"--{name.replace('__', '.')}={text}"]
    return words
