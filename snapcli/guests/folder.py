"""The folder that stands for a guest's root file system: paths in it, files in and out.

A path of a guest never leads out of its folder: `..` stops at the root, and a link is followed as
the guest would follow it, from its own root.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator

from snapcli.guests.errors import GuestError, OutsideGuest

# What a guest has from the beginning, each with its mode.
FOLDERS = {
    "dev": 0o755,
    "etc": 0o755,
    "home": 0o755,
    "mnt": 0o755,
    "root": 0o700,
    "tmp": 0o1777,
    "var/log": 0o755,
}
_MOST_LINKS = 40
_CHUNK_BYTES = 1 << 20


def make(root: str) -> None:
    """Make a guest's folder with what every guest has; what is there stays."""
    os.makedirs(root, 0o755, exist_ok=True)
    for name, mode in FOLDERS.items():
        path = os.path.join(root, name)
        if not os.path.isdir(path):
            os.makedirs(path, exist_ok=True)
            os.chmod(path, mode)


def resolve(root: str, path: str, *, follow_last: bool = True) -> str:
    """Return where a guest's `path` lies on this machine; the last part need not exist.

    Relative paths begin at the guest's root. With `follow_last` a link that is the last part is
    followed too. Raises OutsideGuest for a NUL byte or a ring of links.
    """
    if "\0" in path:
        raise OutsideGuest(f"The path {path!r} has a NUL byte.")
    waiting = [part for part in path.split("/") if part]
    waiting.reverse()
    found: list[str] = []
    links = 0
    while waiting:
        part = waiting.pop()
        if part == ".":
            continue
        if part == "..":
            if found:
                found.pop()
            continue
        here = os.path.join(root, *found, part)
        if os.path.islink(here) and (waiting or follow_last):
            links += 1
            if links > _MOST_LINKS:
                raise OutsideGuest(f"The path {path!r} is a ring of links.")
            target = os.readlink(here)
            if target.startswith("/"):
                found = []
            waiting += reversed([part for part in target.split("/") if part])
            continue
        found.append(part)
    return os.path.join(root, *found)


def shown(root: str, path: str) -> str:
    """Return how the guest itself calls a path of this machine that lies in its folder."""
    return "/" + os.path.relpath(path, root) if path != root else "/"


def put(root: str, path: str, content: Iterable[bytes], mode: int = 0o644) -> int:
    """Write a file into the guest, whole or not at all; returns its bytes.

    Missing folders are made. `mode` is exact, whatever the umask says. Raises GuestError where a
    folder is in the way.
    """
    target = resolve(root, path)
    if os.path.isdir(target):
        raise GuestError(f"{shown(root, target)} is a folder of the guest; name a file in it.")
    temporary = f"{target}.snapcli-{os.getpid()}"
    written = 0
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for chunk in content:
                file.write(chunk)
                written += len(chunk)
            os.fchmod(file.fileno(), mode)
        os.replace(temporary, target)
    except OSError as error:
        raise GuestError(f"{shown(root, target)} can't be written: {error.strerror}.") from None
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)
    return written


def get(root: str, path: str) -> Iterator[bytes]:
    """Yield the content of a guest's file. Raises GuestError when it is not a regular file."""
    source = resolve(root, path)
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise GuestError(f"The guest's {path} can't be read: {error.strerror}.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise GuestError(f"The guest's {path} is no regular file.")
    with os.fdopen(descriptor, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def link_devices(root: str, images: dict[str, str]) -> None:
    """Make `dev/vda`, `dev/vdb`, … links to the images of the guest's disks, and no others.

    `images` maps names such as vda to absolute paths. The links are relative, so that those of a
    copied workspace lead to the copy's disks.
    """
    folder = os.path.join(root, "dev")
    os.makedirs(folder, exist_ok=True)
    here = os.path.realpath(folder)
    wanted = {name: os.path.relpath(image, here) for name, image in images.items()}
    # Two commands may do this at once; both make the same links.
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        with contextlib.suppress(FileNotFoundError):
            if os.path.islink(path) and wanted.get(name) != os.readlink(path):
                os.unlink(path)
    for name, target in wanted.items():
        path = os.path.join(folder, name)
        with contextlib.suppress(FileExistsError):
            if not os.path.lexists(path):
                os.symlink(target, path)
