"""The pictures of the console in README.md: `python tests/docs/pictures.py` makes them again.

Always the same: the ids are seeded, the clock stands, and every byte is written here.
"""

import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support import REGION, Cloud, block  # noqa: E402

from snapcli.api import ids  # noqa: E402

FOLDER = ROOT / ".github" / "pictures"
_SEED = 20220311
# A picture's name: the words behind `snapcli console`.
PICTURES = {
    "snapshots": ["snapshots"],
    "chains": ["chains"],
    "chain": ["chain", "DISK"],
    "groups": ["groups"],
    "policies": ["policies"],
}


def draw(folder: Path, workspace: Path) -> None:
    """Make every picture in `folder`, from a new workspace."""
    try:
        cloud = Cloud(workspace)
        ids.seed(_SEED)  # not before: what making the workspace takes may change
        disk = _fill(cloud)
        for name, words in PICTURES.items():
            words = [disk if word == "DISK" else word for word in words]
            cloud.ok("console", *words, "--export", str(folder / f"{name}.svg"))
    finally:
        ids.seed(None)


def _fill(cloud: Cloud) -> str:
    """Make what the pictures show; return the disk whose chain is the guide's own."""
    web = cloud.instance(InstanceName="web-1")
    database = cloud.instance(InstanceName="数据库")
    disk = cloud.data_disk(web)
    cloud.ecs("ModifyDiskAttribute", DiskId=disk, DiskName="files")
    for at, letters in enumerate(("ABCD", " bc ", " 2  "), 1):
        for number, letter in enumerate(letters):
            if letter != " ":
                cloud.write(disk, number, block(letter))
        tags = {"Tag__1__Key": "env", "Tag__1__Value": "prod"} if at == 1 else {}
        cloud.snapshot(disk, SnapshotName=f"S{at}", **tags)
        cloud.ok("clock", "advance", "1h")
    other = cloud.data_disk(database)
    cloud.ecs("ModifyDiskAttribute", DiskId=other, DiskName="数据")
    cloud.write(other, 0, block("x"))
    cloud.snapshot(other, SnapshotName="每日备份", RetentionDays=30)
    cloud.ok("config", "set", "speed", "realistic")
    cloud.ecs("CreateSnapshotGroup", RegionId=REGION, InstanceId=database, Name="before-upgrade")
    policy = cloud.ecs(
        "CreateAutoSnapshotPolicy",
        regionId=REGION,
        autoSnapshotPolicyName="daily",
        timePoints='["0","13"]',
        repeatWeekdays='["1","2","3","4","5","6","7"]',
        retentionDays=30,
    )["AutoSnapshotPolicyId"]
    cloud.ecs(
        "ApplyAutoSnapshotPolicy",
        regionId=REGION,
        autoSnapshotPolicyId=policy,
        diskIds=f'["{disk}"]',
    )
    return disk


def words_of(picture: str) -> list[str]:
    """Return the texts of a picture, whatever release of Rich placed them."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", picture)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        draw(FOLDER, Path(scratch) / "workspace")
