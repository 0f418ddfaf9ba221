"""What the model says that the service must show, held against what it shows.

Ids that only the service knows, of automatic snapshots, copies and what an image captured, are
taken from what it shows, where everything else about the snapshot is as the model has it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from robustness_service import BLOCK_BYTES, GIB, Service, data_blocks
from rules_model import AWAY, HOME
from rules_model_groups import AllRules
from rules_records import Disk, Image, Snapshot, counted

Row = dict[str, Any]


def time(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def tags(row: Row) -> dict[str, str]:
    return {tag["TagKey"]: tag["TagValue"] for tag in row["Tags"]["Tag"]}


def shown(row: Row, expected: Row) -> Row:
    """The fields of a row that the model predicts."""
    found = {name: row.get(name) for name in expected if name != "Tags"}
    return found | {"Tags": tags(row)} if "Tags" in expected else found


def compare(rows: list[Row], expected: dict[str, Row], id_name: str) -> None:
    found = {row[id_name]: row for row in rows}
    assert found.keys() == expected.keys(), (id_name, sorted(found), sorted(expected))
    for each, wanted in expected.items():
        assert shown(found[each], wanted) == wanted, each


class Seen:
    """The service of one series of steps, beside the model of it."""

    def __init__(self, service: Service, rules: AllRules) -> None:
        self.service = service
        self.rules = rules

    def compare(self, *, all_of_it: bool = True) -> None:
        """Everything, or only what most steps change."""
        self.compare_snapshots(HOME)
        self.compare_disks()
        if all_of_it or not all(each.snapshot_id for each in self.rules.snapshots):
            self.compare_snapshots(AWAY)
        if not all_of_it:
            return
        for region in (HOME, AWAY):
            self.compare_sizes(region)
        self.compare_instances()
        for region in (HOME, AWAY):
            self.compare_images(region)
        self.compare_locks()
        self.compare_policies()
        self.compare_groups()

    def rows(self, action: str, **parameters: Any) -> list[Row]:
        asked: dict[str, Any] = {"RegionId": HOME, **(parameters or {"PageSize": 100})}
        found: list[Row] = []
        while True:
            answer = self.service(action, **asked)
            [outer] = [value for value in answer.values() if isinstance(value, dict)]
            [items] = outer.values()
            found += items
            if len(found) >= answer.get("TotalCount", 0):
                return found
            asked["PageNumber"] = asked.get("PageNumber", 1) + 1

    # Snapshots

    def compare_snapshots(self, region: str) -> None:
        rows = self.rows("DescribeSnapshots", RegionId=region, PageSize=100)
        self._adopt(rows, region)
        expected = {
            each.snapshot_id: self.snapshot(each)
            for each in self.rules.snapshots
            if each.region == region
        }
        compare(rows, expected, "SnapshotId")

    def _adopt(self, rows: list[Row], region: str) -> None:
        """Give the model's snapshots without an id those that the service gave them."""
        known = {each.snapshot_id for each in self.rules.snapshots}
        strange = [row for row in rows if row["SnapshotId"] not in known]
        for each in self.rules.snapshots:
            if each.snapshot_id or each.region != region:
                continue
            wanted = self.snapshot(each)
            match = [row for row in strange if shown(row, wanted) == wanted]
            assert match, f"the model has {wanted}, the service {strange}"
            each.snapshot_id = match[0]["SnapshotId"]
            if each.source is not None:  # it may have gone before it was ever seen
                each.source.snapshot_id = match[0]["SourceSnapshotId"]
            strange.remove(match[0])

    def snapshot(self, each: Snapshot) -> Row:
        now = self.rules.now
        status = each.status(now)
        held, used = self.rules.held_by_image(each), self.rules.made_into_disks(each)
        row: Row = {
            "Status": status,
            "CreationTime": time(each.created),
            "SnapshotType": each.kind,
            "SnapshotName": each.name or None,
            "Category": each.category,
            "Encrypted": each.disk.key,
            "InstantAccess": each.instant(now),
            "Available": self._usable(each),
            "RetentionDays": each.days or None,
            "SourceDiskId": each.disk.disk_id,
            "SourceDiskSize": str(each.size_gib),
            "SourceDiskType": each.disk_type,
            "FullSnapshotSizeInBytes": 0 if each.failed else len(each.content) * BLOCK_BYTES,
            "Usage": "_".join(["image"] * held + ["disk"] * used) or "none",
            "Tags": each.tags,
        }
        if each.source is None or each.source.snapshot_id:
            row["SourceSnapshotId"] = each.source.snapshot_id if each.source else None
        if status == "accomplished":
            row |= {"Progress": "100%", "RemainTime": 0}
        elif status == "progressing":
            row["RemainTime"] = int((each.ready - now).total_seconds())
            if each.created == now:
                row["Progress"] = "0%"
        return row

    # Sizes

    def compare_sizes(self, region: str) -> None:
        """Chains by kind of storage, and the region's sum (IN-4, SZ-1)."""
        expected: dict[tuple[str, str, bool], tuple[int, int, bool]] = {}
        for disk in self.rules.disks:
            for copies in (False, True):
                chain = self.rules.chain(disk, region, copies=copies)
                blocks = counted(chain)
                for category in {each.category for each in chain}:
                    those = [each for each in chain if each.category == category]
                    expected[disk.disk_id, category, copies] = (
                        len(those),
                        sum(blocks[each] for each in those) * BLOCK_BYTES,
                        any(each.instant(self.rules.now) for each in those),
                    )
        found = {
            (
                row["SourceDiskId"],
                row["Category"],
                row["SnapshotLinkId"] != row["SourceDiskId"],
            ): (row["TotalCount"], row["TotalSize"], row["InstantAccess"])
            for row in self.rows("DescribeSnapshotLinks", RegionId=region, PageSize=100)
        }
        assert found == expected
        usage = self.service("DescribeSnapshotsUsage", RegionId=region)
        assert usage["SnapshotCount"] == sum(count for count, _, _ in expected.values())
        assert usage["SnapshotSize"] == sum(size for _, size, _ in expected.values())

    # The others

    def compare_disks(self) -> None:
        expected = {disk.disk_id: self.disk(disk) for disk in self.rules.living_disks()}
        compare(self.rows("DescribeDisks"), expected, "DiskId")

    def disk(self, disk: Disk) -> Row:
        return {
            "Status": "In_use" if disk.instance else "Available",
            "InstanceId": disk.instance.instance_id if disk.instance else "",
            "Device": disk.device,
            "Type": disk.type,
            "Category": disk.category,
            "Size": disk.size_gib,
            "Encrypted": disk.key,
            "SourceSnapshotId": disk.source.snapshot_id if disk.source else "",
            "DeleteAutoSnapshot": disk.delete_auto,
            "DeleteWithInstance": disk.goes_with_instance,
            "AutoSnapshotPolicyId": disk.policy.policy_id if disk.policy else "",
            "ZoneId": disk.zone,
            "Tags": disk.tags,
        }

    def compare_instances(self) -> None:
        expected = {
            each.instance_id: {
                "Status": "Running" if each.running else "Stopped",
                "ImageId": each.image_id,
                "ZoneId": each.zone,
                "Tags": each.tags,
            }
            for each in self.rules.instances
        }
        compare(self.rows("DescribeInstances"), expected, "InstanceId")

    def compare_images(self, region: str) -> None:
        states = "Creating,Available,CreateFailed,Deprecated"
        asked = {"ImageOwnerAlias": "self", "Status": states, "PageSize": 100}
        rows = self.rows("DescribeImages", RegionId=region, **asked)
        for row in rows:
            disks = row["DiskDeviceMappings"]["DiskDeviceMapping"]
            row["disks"] = [(disk["Type"], disk["Size"], disk["SnapshotId"]) for disk in disks]
        found = [each for each in self.rules.images if each.region == region]
        compare(rows, {each.image_id: self.image(each) for each in found}, "ImageId")

    def image(self, image: Image) -> Row:
        return {
            "Status": image.status(self.rules.now),
            "ImageName": image.name,
            "IsCopied": image.source is not None,
            "IsSelfShared": "True" if image.shared else "",
            "Size": image.disks[0].size_gib,
            "Tags": image.tags,
            "disks": [
                (disk.type, str(disk.size_gib), disk.snapshot.snapshot_id if disk.snapshot else "")
                for disk in image.disks
            ],
        }

    def compare_locks(self) -> None:
        for region in (HOME, AWAY):
            answer = self.service("DescribeLockedSnapshots", RegionId=region, MaxResults=100)
            expected = {
                each.snapshot_id: {
                    "LockStatus": each.lock_status(self.rules.now),
                    "LockDuration": each.lock.days,
                    "CoolOffPeriod": each.lock.cool_off_hours,
                    "LockDurationStartTime": time(each.lock.starts),
                    "LockExpiredTime": time(each.lock.end),
                    "CoolOffPeriodExpiredTime": time(each.lock.cool_off_end),
                }
                for each in self.rules.snapshots
                if each.lock is not None and each.region == region
            }
            compare(answer["LockedSnapshotsInfo"], expected, "SnapshotId")

    def compare_policies(self) -> None:
        expected = {
            each.policy_id: {
                "RetentionDays": each.days or -1,
                "DiskNums": sum(disk.policy is each for disk in self.rules.living_disks()),
                "EnableCrossRegionCopy": bool(each.copy_to),
                "CopiedSnapshotsRetentionDays": each.copy_days or -1,
                "TimePoints": _list(each.hours),
                "RepeatWeekdays": _list(each.weekdays),
                "Tags": each.tags,
            }
            for each in self.rules.policies
        }
        rows = self.rows("DescribeAutoSnapshotPolicyEx")
        compare(rows, expected, "AutoSnapshotPolicyId")

    def compare_groups(self) -> None:
        now = self.rules.now
        rows = self.rows("DescribeSnapshotGroups", MaxResults=100)
        for row in rows:
            row["tags"] = {tag["Key"]: tag["Value"] for tag in row["Tags"]["Tag"]}
            row["members"] = {
                each["SnapshotId"]: (each["SourceDiskId"], each["Available"], each["InstantAccess"])
                for each in row["Snapshots"]["Snapshot"]
            }
        expected: dict[str, Row] = {
            group.group_id: {
                "Status": self.rules.group_status(group),
                "InstanceId": group.instance_id,
                "CreationTime": time(group.created),
                "tags": group.tags,
                "members": {
                    each.snapshot_id: (each.disk.disk_id, self._usable(each), each.instant(now))
                    for each in self.rules.members(group)
                },
            }
            for group in self.rules.groups
        }
        compare(rows, expected, "SnapshotGroupId")

    def _usable(self, each: Snapshot) -> bool:
        """Whether it can be rolled back to or made into a disk."""
        now = self.rules.now
        done = each.status(now) != "failed" and not each.unusable(now)
        return done and each.category != "archive"

    def compare_tags(self) -> None:
        """ListTagResources, of every kind."""
        kinds: dict[str, Iterator[tuple[str, dict[str, str]]]] = {
            "disk": ((each.disk_id, each.tags) for each in self.rules.living_disks()),
            "instance": ((each.instance_id, each.tags) for each in self.rules.instances),
            "image": ((e.image_id, e.tags) for e in self.rules.images if e.region == HOME),
            "snapshotpolicy": ((each.policy_id, each.tags) for each in self.rules.policies),
            "snapshotgroup": ((each.group_id, each.tags) for each in self.rules.groups),
            "snapshot": (
                (each.snapshot_id, each.tags)
                for each in self.rules.snapshots
                if each.region == HOME
            ),
        }
        for kind, carriers in kinds.items():
            expected = {
                (each, key, value) for each, held in carriers for key, value in held.items()
            }
            found, token = set(), ""
            while True:
                asked = {"RegionId": HOME, "ResourceType": kind, "NextToken": token}
                answer = self.service("ListTagResources", TagFilter__1__TagKey="*", **asked)
                for row in answer["TagResources"]["TagResource"]:
                    found.add((row["ResourceId"], row["TagKey"], row["TagValue"]))
                token = answer["NextToken"]
                if not token:
                    break
            assert found == expected, kind

    # Bytes

    def compare_bytes(self, disk: Disk) -> None:
        image = self.service.image(disk.disk_id)
        assert image.stat().st_size == disk.size_gib * GIB
        assert dict(data_blocks(image)) == disk.content

    def compare_all_bytes(self) -> None:
        """Every disk, and nothing left of those that were released."""
        for disk in self.rules.disks:
            if disk.released:
                assert not self.service.image(disk.disk_id).exists()
            else:
                self.compare_bytes(disk)


def _list(numbers: set[int]) -> str:
    return "[" + ",".join(f'"{number}"' for number in sorted(numbers)) + "]"
