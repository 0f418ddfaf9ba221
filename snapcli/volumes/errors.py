"""What can go wrong with bytes: one exception type a kind, each naming its file and a way on.

Must not import anything heavy: every module of the room stands on it.
"""


class VolumeError(Exception):
    """Something about a disk image, a pack or a map prevents the work.

    `path` is the file concerned, `hint` what a person can do about it.
    """

    def __init__(self, message: str, path: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.hint = hint

    def __str__(self) -> str:
        if not self.hint:
            return self.message
        return f"{self.message}. {self.hint[0].upper()}{self.hint[1:]}."


class DamagedBlock(VolumeError):
    """A stored block does not give back the bytes it was made from.

    `snapshot_id` is the node whose map names the block, `block` its number on the disk.
    """

    def __init__(self, snapshot_id: str, block: int, path: str, reason: str) -> None:
        super().__init__(
            f"block {block} of snapshot {snapshot_id} is damaged in {path}: {reason}",
            path,
            "put the file back from a copy, or delete this snapshot and use another one",
        )
        self.snapshot_id = snapshot_id
        self.block = block


class DamagedMap(VolumeError):
    """A map file can't be trusted: absent, cut short, changed, or of an unknown version."""

    def __init__(self, snapshot_id: str, path: str, reason: str) -> None:
        super().__init__(
            f"the map of snapshot {snapshot_id} is damaged: {path}: {reason}",
            path,
            "put the file back from a copy; without it neither this snapshot nor later ones "
            "of the same disk can be used",
        )
        self.snapshot_id = snapshot_id


class WrongKey(VolumeError):
    """The key of encrypted blocks is missing, or another one than they were encrypted with.

    `key_name` is what its owner calls it, `path` its file.
    """

    def __init__(self, key_name: str, path: str, reason: str) -> None:
        super().__init__(
            f"the key {key_name} can't be used: {path}: {reason}",
            path,
            "put the file back from a copy; without it nothing that was encrypted with this key "
            "can be read",
        )
        self.key_name = key_name


class ImageBusy(VolumeError):
    """The image was written to during every attempt to capture it."""

    def __init__(self, path: str, tries: int) -> None:
        super().__init__(
            f"{path} was written to during each of {tries} attempts to capture it",
            path,
            "pause what writes to the disk (stop the instance, fsfreeze or unmount the file "
            "system), or keep the workspace on XFS or btrfs, where images are cloned first",
        )


class NotADisk(VolumeError):
    """What stands where an image should is nothing that bytes of a disk can be in.

    `kind` says what it is, `length_bytes` how long the image should be where that is known.
    """

    def __init__(self, path: str, kind: str, length_bytes: int = 0) -> None:
        hint = "put a regular file or a block device in its place"
        if length_bytes:
            hint = (
                f"move it away and put a copy of the disk's file in its place, or make an empty "
                f"one (`truncate -s {length_bytes} {_quoted(path)}`) and roll back to a snapshot"
            )
        super().__init__(
            f"{path} is {kind}; an image must be a regular file or a block device", path, hint
        )
        self.kind = kind


class WrongLength(VolumeError):
    """An image has not the length of its disk: it was cut or grown by another program."""

    def __init__(self, path: str, found_bytes: int, length_bytes: int) -> None:
        effect = (
            "fills what is missing with zeros"
            if found_bytes < length_bytes
            else "cuts off what lies past the end"
        )
        gib, rest = divmod(length_bytes, 1 << 30)
        super().__init__(
            f"{path} has {found_bytes} bytes; its disk has {length_bytes}"
            + ("" if rest else f" ({gib} GiB)"),
            path,
            f"`truncate -s {length_bytes} {_quoted(path)}` gives it its length again and {effect}; "
            "a rollback puts back the bytes that a snapshot holds",
        )
        self.found_bytes = found_bytes
        self.length_bytes = length_bytes


def _quoted(path: str) -> str:
    """The path as a shell takes it."""
    import shlex

    return shlex.quote(path)


def mixed_up(file_is_encrypted: bool) -> str:
    """What is wrong with a file that is encrypted while its chain is not, or the reverse."""
    if file_is_encrypted:
        return "it is encrypted, though its chain is not"
    return "it is not encrypted, though its chain is"


def os_failure(error: OSError, doing: str, path: str) -> VolumeError:
    """The VolumeError for a failed system call: what was being done, to which file, why."""
    import errno

    hints = {
        errno.ENOSPC: "free space on that file system, then try again",
        errno.EDQUOT: "the disk quota is used up: free space, then try again",
        errno.EROFS: "the file system is mounted read-only",
        errno.EACCES: "check the permissions of the file and its folder",
        errno.EPERM: "check the permissions of the file and its folder",
        errno.ENOENT: "the file is missing: `snapcli check` tells what else is",
        errno.EEXIST: "the file is there already: move it away if nothing needs it",
    }
    reason = error.strerror or str(error)
    hint = hints.get(error.errno or 0, "`snapcli check` tells what is affected")
    return VolumeError(f"cannot {doing} {path}: {reason}", path, hint)
