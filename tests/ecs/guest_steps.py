"""What tests do inside an instance, and what they need for it."""

import os
import shutil
import subprocess

import pytest
from support import Cloud

from snapcli.guests import mounts, processes

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists("/dev/loop-control") or not shutil.which("mkfs.ext4"),
    reason="mounting needs root, loop devices and mkfs.ext4",
)


def inside(cloud: Cloud, instance_id: str) -> str:
    """Return the guest's folder, made when it is not there yet."""
    return cloud.ok("guest", "path", instance_id).out.strip()


def mount_data(cloud: Cloud, instance_id: str, path: str = "/data") -> str:
    """Make a small file system on the first data disk and mount it; returns the disk."""
    disk_id = cloud.data_disk(instance_id)
    subprocess.run(["mkfs.ext4", "-q", "-F", cloud.image(disk_id), "64M"], check=True)
    cloud.ok("guest", "mount", instance_id, disk_id, path)
    return disk_id


def clear(cloud: Cloud) -> None:
    """End what runs in the workspace's instances and unmount what is mounted, whatever failed."""
    top = os.path.realpath(cloud.root / "guests")
    for name in os.listdir(top) if os.path.isdir(top) else ():
        processes.end_all(os.path.join(top, name), 0)
        mounts.unmount_all(os.path.join(top, name), by_force=True)
