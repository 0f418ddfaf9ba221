"""A workspace with something of everything, the commands that change it, and its picture.

The picture is all that a person could see: what the Describes answer, every disk's bytes, every
snapshot's, and the names of all files. New random ids are left out of it, so the pictures of two
runs of one command are equal.
"""

import json
import random
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from blake3 import blake3
from robustness_service import BLOCK_BYTES, GIB, LINUX_IMAGE, REGION, Service, data_blocks

from snapcli.volumes.layers import Layer
from snapcli.volumes.views import WINDOW_BLOCKS, View, filled_runs

_ID = re.compile(r"(?<![0-9a-z])(ssg|sp|[idms])-[0-9a-z]{20}\b")
_AWAY = ("--DestinationRegionId", "cn-beijing")
_RANDOM = {"RequestId", "SourceSnapshotSerial", "SnapshotSN", "SerialNumber"}


def blocks(seed: int, count: int) -> bytes:
    """So many blocks that are different for each seed and compress by half."""
    noise = random.Random(seed).randbytes(count * BLOCK_BYTES // 2)
    half = BLOCK_BYTES // 2
    return b"".join(noise[at : at + half] + bytes(half) for at in range(0, len(noise), half))


# What else there is to see, and how it is asked for.
LISTS: dict[str, dict[str, Any]] = {
    "DescribeImages": {"ImageOwnerAlias": "self", "Status": "Creating,Available,CreateFailed"},
    "DescribeSnapshotGroups": {"MaxResults": 100},
    "DescribeLockedSnapshots": {"MaxResults": 100},
    "DescribeAutoSnapshotPolicyEx": {"PageSize": 100},
}
POLICY = {
    "regionId": REGION,
    "timePoints": '["3"]',
    "repeatWeekdays": '["1","2","3","4","5","6","7"]',
    "retentionDays": 7,
}
SMALL = {"Size": 1, "DiskCategory": "cloud_essd", "PerformanceLevel": "PL0"}


class Scene:
    """The workspace `root` as it is before each command; `commands` change it, by name."""

    def __init__(self, folder: Path, mib: int = 16) -> None:
        self.root = folder / "scene"
        self._count = count = mib * 16  # blocks
        service = Service(self.root)
        instance, [disk, empty, spare] = service.instance(3)
        other, [gone] = service.instance(1)
        for stopped in (instance, other):
            service("StopInstance", InstanceId=stopped)
        service("DetachDisk", InstanceId=instance, DiskId=spare)
        service.write(empty, 0, blocks(5, count // 4))
        service.write(gone, 0, blocks(6, count // 4))
        self._snapshot(service, gone, RetentionDays=1)
        self._snapshot(service, gone)
        service.write(disk, 0, blocks(1, count))
        first = self._snapshot(service, disk)
        service.write(disk, BLOCK_BYTES * count // 4, blocks(2, count // 2))
        second = self._snapshot(service, disk)
        service.write(disk, GIB - BLOCK_BYTES * count // 2, blocks(3, count // 2))
        third = self._snapshot(service, disk, RetentionDays=1)
        service.write(disk, 0, bytes(BLOCK_BYTES * count // 4) + blocks(4, count * 3 // 4))
        made = service(
            "CreateDisk",
            InstanceId=instance,
            SnapshotId=first,
            DiskCategory="cloud_essd",
            PerformanceLevel="PL0",
        )
        twin = made["DiskId"]
        service.write(twin, 0, blocks(7, count // 2))
        self._copy(service, first)
        unneeded = self._copy(service, second)
        secret = service(
            "CreateDisk", InstanceId=instance, **SMALL, Encrypted=True, KMSKeyId="key-1"
        )["DiskId"]
        service.write(secret, 0, blocks(9, count // 2))
        hidden = self._snapshot(service, secret)
        service.write(secret, 0, blocks(10, count))
        together = service("CreateSnapshotGroup", DiskId__1=twin, DiskId__2=empty)
        members = self._members(service, together["SnapshotGroupId"])
        service.write(twin, 0, blocks(11, count // 2))
        service.write(empty, 0, blocks(12, count // 2))
        policy = service("CreateAutoSnapshotPolicy", **POLICY)["AutoSnapshotPolicyId"]
        image = folder / "import.raw"
        image.write_bytes(blocks(8, count))
        self.ids = self._known()
        of_disk = ("--DiskId", disk)
        self.commands: dict[str, tuple[str, ...]] = {
            "CreateSnapshot": ("ecs", "CreateSnapshot", *of_disk, "--SnapshotName", "new"),
            "CreateSnapshot for a day": ("ecs", "CreateSnapshot", *of_disk, "--RetentionDays=1"),
            "DeleteSnapshot, the first": (
                *("ecs", "DeleteSnapshot", "--SnapshotId", first, "--Force=true"),
            ),
            "DeleteSnapshot, the second": ("ecs", "DeleteSnapshot", "--SnapshotId", second),
            "DeleteSnapshot, the last": ("ecs", "DeleteSnapshot", "--SnapshotId", third),
            "CopySnapshot": ("ecs", "CopySnapshot", "--SnapshotId", third, *_AWAY),
            "CopySnapshot, the first there": (
                *("ecs", "CopySnapshot", "--SnapshotId", second),
                *("--DestinationRegionId", "cn-shanghai"),
            ),
            "DeleteSnapshot, a copy": ("ecs", "DeleteSnapshot", "--SnapshotId", unneeded),
            "ResetDisk": ("ecs", "ResetDisk", *of_disk, "--SnapshotId", first),
            "ResetDisk after a snapshot": (
                *("reset-disk", "--disk-id", disk, "--snapshot-id", second, "--snapshot-first"),
            ),
            "CreateDisk": (
                *("ecs", "CreateDisk", "--ZoneId", f"{REGION}-h", "--SnapshotId", third),
                *("--DiskCategory", "cloud_essd", "--PerformanceLevel", "PL0"),
            ),
            "CreateDisk with a new key": (
                *("ecs", "CreateDisk", "--ZoneId", f"{REGION}-h", "--Encrypted=true"),
                *("--KMSKeyId=key-2", *(f"--{name}={value}" for name, value in SMALL.items())),
            ),
            "CreateSnapshot, encrypted": ("ecs", "CreateSnapshot", "--DiskId", secret),
            "ResetDisk, encrypted": (
                *("ecs", "ResetDisk", "--DiskId", secret, "--SnapshotId", hidden),
            ),
            "RunInstances": (
                *("ecs", "RunInstances", "--ImageId", LINUX_IMAGE, "--Amount", "2"),
                *("--InstanceType", "ecs.g7.large", "--DataDisk.1.SnapshotId", second),
                *("--DataDisk.1.Category", "cloud_essd", "--DataDisk.1.PerformanceLevel", "PL0"),
            ),
            "DeleteInstance": ("ecs", "DeleteInstance", "--InstanceId", other),
            "ResizeDisk": ("ecs", "ResizeDisk", *of_disk, "--NewSize", "2"),
            "ReInitDisk from a snapshot": ("ecs", "ReInitDisk", "--DiskId", twin),
            "ReInitDisk to nothing": ("ecs", "ReInitDisk", "--DiskId", empty),
            "ReplaceSystemDisk": (
                *("ecs", "ReplaceSystemDisk", "--InstanceId", instance),
                *("--ImageId", "ubuntu_18_04_x64_20G_alibase_20220101.vhd"),
            ),
            "AttachDisk": ("ecs", "AttachDisk", "--InstanceId", instance, "--DiskId", spare),
            "DeleteDisk": ("ecs", "DeleteDisk", "--DiskId", spare),
            "CreateSnapshotGroup": (
                *("ecs", "CreateSnapshotGroup", "--InstanceId", instance, "--Name", "together"),
                *("--InstantAccess", "true", "--Tag.1.Key", "of", "--Tag.1.Value", "one"),
            ),
            "ResetDisks": ("ecs", "ResetDisks", *members),
            "DeleteSnapshotGroup": (
                *("ecs", "DeleteSnapshotGroup"),
                *("--SnapshotGroupId", together["SnapshotGroupId"]),
            ),
            "CreateImage": ("ecs", "CreateImage", "--InstanceId", instance, "--ImageName", "gold"),
            "LockSnapshot": (
                *("ecs", "LockSnapshot", "--SnapshotId", second, "--LockMode", "compliance"),
                *("--LockDuration", "3", "--CoolOffPeriod", "1"),
            ),
            "DeleteSnapshots by rules": (
                *("delete-snapshots", "--disk-id", disk, "--keep-last", "1", "--force"),
            ),
            "TagResources": (
                *("ecs", "TagResources", "--ResourceType", "snapshot", "--ResourceId.1", second),
                *("--ResourceId.2", hidden, "--Tag.1.Key", "kept", "--Tag.1.Value", "long"),
            ),
            "CreateAutoSnapshotPolicy": (
                *("ecs", "CreateAutoSnapshotPolicy"),
                *(f"--{name}={value}" for name, value in POLICY.items()),
            ),
            "ApplyAutoSnapshotPolicy": (
                *("ecs", "ApplyAutoSnapshotPolicy", "--regionId", REGION),
                *("--autoSnapshotPolicyId", policy, "--diskIds", json.dumps([disk, twin])),
            ),
            "two days go by": ("clock", "advance", "2d"),
            "disk import": ("disk", "import", str(image)),
            "config set": ("config", "set", "region", "cn-beijing"),
        }

    def _snapshot(self, service: Service, disk_id: str, **parameters: Any) -> str:
        return str(service("CreateSnapshot", DiskId=disk_id, **parameters)["SnapshotId"])

    def _copy(self, service: Service, snapshot_id: str) -> str:
        made = service("CopySnapshot", SnapshotId=snapshot_id, DestinationRegionId=_AWAY[1])
        return str(made["SnapshotId"])

    def _members(self, service: Service, group_id: str) -> list[str]:
        """A group's disks and snapshots as ResetDisks is told them."""
        described = service("DescribeSnapshotGroups", SnapshotGroupId__1=group_id)
        [group] = described["SnapshotGroups"]["SnapshotGroup"]
        words = []
        for number, member in enumerate(group["Snapshots"]["Snapshot"], 1):
            words += [f"--Disk.{number}.DiskId", member["SourceDiskId"]]
            words += [f"--Disk.{number}.SnapshotId", member["SnapshotId"]]
        return words

    def _known(self) -> set[str]:
        text = "".join(str(path) for path in self.root.rglob("*"))
        text += "".join(path.read_text() for path in self.root.rglob("*.json"))
        return {found.group(0) for found in _ID.finditer(text)}

    def copy(self, target: Path) -> Path:
        """A copy of the scene, holes kept; what was at `target` is removed."""
        if target.exists():
            shutil.rmtree(target)
        subprocess.run(["cp", "-a", "--sparse=always", self.root, target], check=True)
        return target

    def picture(self, root: Path) -> dict[str, Any]:
        """All that can be seen of a workspace, with new ids left out."""
        service = Service(root, new=False)
        seen: dict[str, Any] = {
            "clock": service("ShowClock")["Now"],
            "settings": (root / "workspace.toml").read_text(),
        }
        for action in ("DescribeInstances", "DescribeDisks", "DescribeSnapshots"):
            seen[action] = self._items(service(action, RegionId=REGION, MaxResults=100))
        for action, asked in LISTS.items():
            seen[action] = self._items(service(action, RegionId=REGION, **asked))
        seen["links"] = self._items(service("DescribeSnapshotLinks", RegionId=REGION))
        seen["disks"] = self._each(
            (path.name, digest(path)) for path in (root / "disks").rglob("*.raw")
        )
        seen["snapshots"] = self._each(
            found for path in (root / "chains").rglob("chain.json") for found in views(path)
        )
        # What a process that ended in the middle of an edit may leave, says FORMAT.md.
        ignored = {"state/settings.json", "state/settings.json.new", "workspace.toml.new"}
        names = {str(path.relative_to(root)) for path in root.rglob("*")} - ignored
        seen["files"] = self._each((name,) for name in names)
        return seen

    def _items(self, answer: dict[str, Any]) -> list[str]:
        [outer] = [value for value in answer.values() if isinstance(value, dict | list)]
        [items] = outer.values() if isinstance(outer, dict) else [outer]
        kept = [{k: v for k, v in item.items() if k not in _RANDOM} for item in items]
        return self._each((json.dumps(item, sort_keys=True),) for item in kept)

    def _each(self, found: Iterable[tuple[str, ...]]) -> list[str]:
        return sorted(_ID.sub(self._placeholder, " ".join(parts)) for parts in found)

    def _placeholder(self, found: re.Match[str]) -> str:
        known = found.group(0) in self.ids
        return found.group(0) if known else f"<a new {found.group(1)}>"


def digest(path: Path) -> str:
    """Length and content of an image."""
    summed = blake3(str(path.stat().st_size).encode())
    for number, content in data_blocks(path):
        summed.update(number.to_bytes(8))
        summed.update(content)
    return summed.hexdigest()


def views(chain_file: Path) -> Iterable[tuple[str, str]]:
    """Each snapshot of a chain and the digest of the disk as it holds it."""
    chain = json.loads(chain_file.read_bytes())
    layers: list[Layer] = []
    for node in chain["nodes"]:
        if "map_file" in node:  # else it failed, or holds what the one before it holds
            layers.append(Layer(node["snapshot_id"], node["map_file"]))
        view = View(str(chain_file.parent), layers, "kms_key_id" in chain)
        summed = blake3()
        for index in view.window_indexes(view.end_block):
            slots = view.window(index)
            for first, count in filled_runs(slots, 0, WINDOW_BLOCKS):
                for slot in range(first, first + count):
                    held = bytes(slots[slot * 32 : slot * 32 + 16])
                    summed.update((index * WINDOW_BLOCKS + slot).to_bytes(8) + held)
        yield node["snapshot_id"], summed.hexdigest()
