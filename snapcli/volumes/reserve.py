"""Making sure, before a rollback is decided, that there is space for all that it will write.

Changes no byte and no length of the image; one with several names is broken off here, while
nothing is decided yet. Must not write what the plan says; `restore` does.
"""

import os
from collections.abc import Iterator

from snapcli.volumes.errors import VolumeError, os_failure
from snapcli.volumes.images import data_extents, length_of, open_to_change
from snapcli.volumes.layout import BLOCK_BYTES
from snapcli.volumes.restore import RestorePlan
from snapcli.volumes.syscalls import allocate, punch_hole


def reserve(plan: RestorePlan) -> None:
    """Give the image's holes that `apply_plan` will fill their space now.

    Then applying can't fail for want of space, which would leave the workspace waiting until
    somebody frees some. Where the file system can't do this nothing happens. Raises VolumeError
    when the image was written to since the plan was made, or the space is not there; then what
    was reserved is given back.
    """
    if plan.seen is not None and not plan.is_current():
        raise VolumeError(
            f"{plan.image_path} was written to while it was compared with the snapshot",
            plan.image_path,
            "end what writes to it, then try again",
        )
    fd = open_to_change(plan.image_path)
    reserved: list[tuple[int, int]] = []
    try:
        for start, length in _holes(fd, plan):
            reserved.append((start, length))
            if not allocate(fd, start, length):
                break
        if plan.seen is not None:
            plan.seen = os.fstat(fd)
    except OSError as error:
        for start, length in reserved:
            punch_hole(fd, start, length)
        os.ftruncate(fd, length_of(fd))  # what was reserved past its end
        raise os_failure(error, "reserve space in", plan.image_path) from error
    finally:
        os.close(fd)


def _holes(fd: int, plan: RestorePlan) -> Iterator[tuple[int, int]]:
    """(offset, length) of what gets bytes and has no space yet."""
    for first, count in plan.data_runs():
        at = first * BLOCK_BYTES
        end = min(at + count * BLOCK_BYTES, plan.length_bytes)
        for start, after in data_extents(fd, at, end):
            if at < start:
                yield at, start - at
            at = after
        if at < end:
            yield at, end - at
