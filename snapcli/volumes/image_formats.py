"""Telling from a file's first and last bytes what kind of disk image it is. Reads nothing else."""

import os
from typing import Final

from snapcli.volumes.images import StrPath, length_of, open_image

_FIRST: Final = (
    (0, b"QFI\xfb", "qcow2"),
    (0, b"conectix", "vhd"),
    (0, b"vhdxfile", "vhdx"),
    (0, b"KDMV", "vmdk"),
    (0, b"# Disk DescriptorFile", "vmdk"),
    (64, b"\x7f\x10\xda\xbe", "vdi"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (257, b"ustar", "tar"),
)


def recognise(path: StrPath) -> str:
    """qcow2, another format's name, or raw for what bears no format's mark. Raises VolumeError."""
    fd = open_image(path)
    try:
        head = os.pread(fd, 512, 0)
        for offset, mark, kind in _FIRST:
            if head[offset : offset + len(mark)] == mark:
                return kind
        length = length_of(fd)
        if length >= 512 and os.pread(fd, 8, length - 512) == b"conectix":
            return "vhd"  # of a fixed size: only its end says so
        return "raw"
    finally:
        os.close(fd)
