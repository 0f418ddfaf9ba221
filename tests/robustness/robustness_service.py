"""Operations called in this process, and sparse looks at disk images, for the robustness tests.

Nothing here goes through the command line: thousands of operations a minute are wanted.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from snapcli.api import dispatch
from snapcli.api.dispatch import Caller
from snapcli.api.errors import ApiError
from snapcli.workspace import settings_edit
from snapcli.workspace.location import create

REGION = "cn-hangzhou"
LINUX_IMAGE = "centos_7_9_x64_20G_alibase_20220101.vhd"
BLOCK_BYTES = 65536
GIB = 1 << 30
ZERO_BLOCK = bytes(BLOCK_BYTES)


class Service:
    """One workspace and the operations on it; `refused` holds an operation's error code."""

    def __init__(self, root: Path, *, new: bool = True) -> None:
        self.root = root
        self.profile: str | None = None
        if new:
            create(str(root))
            settings_edit.set_many(str(root), {"speed": "instant"})
            self("FreezeClock", At="2022-03-11T02:33:00Z")
            self("OpenSnapshotService")

    def __call__(self, action: str, **parameters: Any) -> Any:
        """Carry out an operation and return its response; `Tag__1__Key` is Tag.1.Key."""
        given = {name.replace("__", "."): _text(value) for name, value in parameters.items()}
        caller = Caller(workspace=str(self.root), region=REGION, profile=self.profile)
        response = dispatch.invoke(action, given, caller)
        return msgspec.to_builtins(response)

    def as_account(self, name: str) -> "Service":
        """Return the same workspace as another of its accounts calls it."""
        other = Service(self.root, new=False)
        other.profile = name
        return other

    def refusal(self, action: str, **parameters: Any) -> str:
        """Return the error code of an operation that must be refused."""
        try:
            self(action, **parameters)
        except ApiError as error:
            return error.code
        raise AssertionError(f"{action} {parameters} was not refused")

    def instance(self, data_disks: int = 0, size_gib: int = 1) -> tuple[str, list[str]]:
        """Create a running instance with so many small ESSDs; its id and theirs."""
        asked: dict[str, Any] = {}
        for number in range(1, data_disks + 1):
            asked[f"DataDisk__{number}__Size"] = size_gib
            asked[f"DataDisk__{number}__Category"] = "cloud_essd"
            asked[f"DataDisk__{number}__PerformanceLevel"] = "PL0"
        made = self(
            "RunInstances",
            RegionId=REGION,
            ImageId=LINUX_IMAGE,
            InstanceType="ecs.g7.large",
            **asked,
        )
        [instance_id] = made["InstanceIdSets"]["InstanceIdSet"]
        disks = self("DescribeDisks", RegionId=REGION, InstanceId=instance_id, MaxResults=100)
        ids = [disk["DiskId"] for disk in disks["Disks"]["Disk"] if disk["Type"] == "data"]
        return instance_id, ids

    def image(self, disk_id: str) -> Path:
        """Return where a disk's bytes are."""
        return self.root / "disks" / REGION / f"{disk_id}.raw"

    def write(self, disk_id: str, offset_bytes: int, content: bytes) -> None:
        """Write into a disk as any program may."""
        with self.image(disk_id).open("r+b") as image:
            image.seek(offset_bytes)
            image.write(content)

    def problems(self) -> list[dict[str, Any]]:
        """Return what `check --read-data` finds."""
        return list(self("CheckWorkspace", ReadData=True)["Problems"])


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def data_blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of every block of an image that is not all zeros; skips holes."""
    with path.open("rb") as image:
        end = image.seek(0, os.SEEK_END)
        at = 0
        while at < end:
            try:
                at = os.lseek(image.fileno(), at, os.SEEK_DATA) // BLOCK_BYTES * BLOCK_BYTES
            except OSError:
                return  # a hole up to the end
            stop = os.lseek(image.fileno(), at, os.SEEK_HOLE) if at < end else end
            stop = max(stop, at + 1)
            while at < min(stop, end):
                content = os.pread(image.fileno(), BLOCK_BYTES, at).ljust(BLOCK_BYTES, b"\0")
                if content != ZERO_BLOCK:
                    yield at // BLOCK_BYTES, content
                at += BLOCK_BYTES
