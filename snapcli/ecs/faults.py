"""Faults of the bytes below, told as the service tells them."""

from collections.abc import Iterator
from contextlib import contextmanager

from snapcli.api.errors import ApiError
from snapcli.volumes.errors import ImageBusy


@contextmanager
def refuse_busy_image(disk_id: str) -> Iterator[None]:
    """Turn a disk that another program keeps writing to into CreateSnapshot.Failed (OV-2)."""
    try:
        yield
    except ImageBusy as error:
        raise ApiError(
            "CreateSnapshot.Failed",
            403,
            f"The disk {disk_id} was written to all the while it was read, so no single instant "
            f"could be captured: {error}",
        ) from None
