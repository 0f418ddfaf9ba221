"""Holding what is inside instances while their disks are captured.

Joins records and guests: which guests belong to which instances, and where they lie. What happens
inside one is the guests' own business.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator

from snapcli.api.errors import ApiError
from snapcli.ecs.call import FROZEN_FOLDER, Call

HOLD_SECONDS = 300.0


def guest_folder(call: Call, instance_id: str) -> str:
    """Return the folder that stands for an instance's root file system, as an absolute path."""
    # Without links, as the kernel names what is mounted in it.
    return os.path.realpath(call.tx.path(f"{call.home}guests/{instance_id}"))


def freeze_record(call: Call, instance_id: str) -> str:
    """Return where it is written down that an instance's guest is frozen."""
    return call.tx.path(f"{FROZEN_FOLDER}/{instance_id}.json")


@contextlib.contextmanager
def held(call: Call, instance_ids: Iterable[str]) -> Iterator[None]:
    """Hold the processes and freeze the mounted file systems of instances meanwhile (GR-3).

    Instances without an inside cost nothing. Raises ApiError CreateSnapshot.Failed when one can't
    be held, or did not stay so for as long as it took.
    """
    inside = [each for each in instance_ids if os.path.isdir(guest_folder(call, each))]
    if not inside:
        yield
        return
    from snapcli.guests.errors import GuestError
    from snapcli.guests.freezing import Freeze

    with contextlib.ExitStack() as frozen:
        try:
            for instance_id in inside:
                freeze = Freeze(
                    guest_folder(call, instance_id), freeze_record(call, instance_id), HOLD_SECONDS
                )
                freeze.begin()
                frozen.callback(freeze.end)
            yield
            frozen.close()
        except GuestError as error:
            raise ApiError(
                "CreateSnapshot.Failed",
                403,
                f"The inside of the instances {', '.join(inside)} can't be held while their disks "
                f"are captured: {error}",
            ) from None
