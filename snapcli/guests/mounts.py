"""Mounting a guest's disks at its mount points, by loop devices. Needs root and Linux."""

import contextlib
import os
import subprocess
from time import sleep

import msgspec

from snapcli.guests import folder
from snapcli.guests.errors import GuestError, NotPossibleHere, StillBusy
from snapcli.volumes.mount_table import mount_table

# File systems that the kernel can freeze; AP-2 names what may be captured consistently.
FREEZABLE = ("ext3", "ext4", "xfs", "btrfs")
# A program that just ended, or one that only looks at what others have open, keeps a file system
# busy for a moment. It is waited for while nobody can be named.
_PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4)


class Mount(msgspec.Struct, frozen=True):
    """A file system mounted in a guest: where, from which image, of which type."""

    point: str
    image: str
    type: str


def mount(root: str, image: str, point: str, *, read_only: bool = False) -> Mount:
    """Mount an image's file system at a guest's path, and return it as it is mounted.

    The folder is made. Raises GuestError when the image holds no file system, the point is taken
    or the image mounted already, NotPossibleHere without root.
    """
    if os.geteuid() != 0:
        raise NotPossibleHere(
            "Mounting a disk needs root. Its file can be used without: see `path`."
        )
    target = folder.resolve(root, point)
    if target == root:
        raise GuestError("A disk can't be mounted over the guest's root. Name a folder, as /mnt.")
    for other in mounted(root):
        if other.point == target:
            raise GuestError(f"{other.image} is mounted at {folder.shown(root, target)} already.")
        if other.image == image:
            at = folder.shown(root, other.point)
            raise GuestError(f"{image} is mounted at {at} already. Unmount it first.")
    os.makedirs(target, exist_ok=True)
    if not read_only:
        # What is written to the file system must not appear in a copy of the workspace.
        from snapcli.volumes.images import break_off

        break_off(image)
    options = "loop,ro" if read_only else "loop"
    done = _run("mount", "-o", options, image, target)
    if done.returncode:
        raise GuestError(f"{image} can't be mounted: {_said(done)}")
    return next(each for each in mounted(root) if each.point == target)


def mounted(root: str) -> list[Mount]:
    """Return what is mounted in a guest's folder, outermost first."""
    inside = root.rstrip("/") + "/"
    found = [
        Mount(point=each.point, image=_image_of(each.source), type=each.type)
        for each in mount_table()
        if each.point.startswith(inside)
    ]
    return sorted(found, key=lambda each: each.point.count("/"))


def _image_of(source: str) -> str:
    """Return the file behind a loop device; any other source as it is."""
    name = os.path.basename(source)
    try:
        with open(f"/sys/block/{name}/loop/backing_file", encoding="utf-8") as file:
            return file.read().rstrip("\n")
    except OSError:
        return source


def unmount(root: str, point: str) -> None:
    """Unmount what is mounted at a guest's path; its bytes are in the image afterwards.

    Raises GuestError when nothing is, StillBusy naming who uses it.
    """
    target = folder.resolve(root, point)
    if target not in [each.point for each in mounted(root)]:
        raise GuestError(f"Nothing is mounted at {folder.shown(root, target)}.")
    _unmount(root, target)


def unmount_all(root: str, *, by_force: bool = False) -> int:
    """Unmount everything in the guest, innermost first, and return how many there were.

    With `by_force` a busy one is taken out of the guest; it ends when the last one leaves it.
    """
    points = [each.point for each in reversed(mounted(root))]
    for point in points:
        _unmount(root, point, by_force=by_force)
    return len(points)


def _unmount(root: str, target: str, *, by_force: bool = False) -> None:
    using: list[int] = []
    for seconds in (0.0, *_PAUSES_SECONDS):
        sleep(seconds)
        done = _run("umount", *(["--lazy"] if by_force else []), target)
        using = users(target) if done.returncode else []
        if not done.returncode:
            return
        if using:
            break
    users_now = ", ".join(map(str, using)) or "unknown"
    raise StillBusy(
        f"{folder.shown(root, target)} can't be unmounted: {_said(done)} It is used by the "
        f"processes {users_now}, which are not the guest's. End them, or leave the folder."
    )


def users(target: str) -> list[int]:
    """Return the processes that have something open in a mounted file system."""
    try:
        device = os.stat(target).st_dev
    except OSError:
        return []
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and any(_on(device, link) for link in _opened(name)):
            found.append(int(name))
    return found


def _opened(pid: str) -> list[str]:
    links = [f"/proc/{pid}/cwd", f"/proc/{pid}/root", f"/proc/{pid}/exe"]
    with contextlib.suppress(OSError):
        links += [f"/proc/{pid}/fd/{number}" for number in os.listdir(f"/proc/{pid}/fd")]
    return links


def _on(device: int, link: str) -> bool:
    try:
        return os.stat(link).st_dev == device
    except OSError:
        return False


def _run(*words: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin", "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise NotPossibleHere(f"`{words[0]}` is not installed here; util-linux has it.") from None


def _said(done: "subprocess.CompletedProcess[str]") -> str:
    text = " ".join((done.stderr or done.stdout).split())
    return (text or f"exit status {done.returncode}").rstrip(".") + "."
