"""What is inside an instance as far as it matters to others: its system, its file system, its
Cloud Assistant client (AP-2, AP-3). `guest set` says what differs from the image's.
"""

from typing import Annotated

from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import choice
from snapcli.ecs.call import Call
from snapcli.ecs.image_data import PUBLIC_IMAGES
from snapcli.ecs.records import InstanceRecord

INSTALLED, MISSING = "installed", "missing"


def os_name_of(instance: InstanceRecord) -> str:
    """Return the operating system of an instance in English words."""
    image = PUBLIC_IMAGES.get(instance.image_id)
    return instance.guest_os_name or (image.os_name if image else instance.os_name)


def is_windows(instance: InstanceRecord) -> bool:
    """Say whether an instance runs Windows."""
    if instance.guest_os_name:
        return instance.guest_os_name.lower().startswith("windows")
    image = PUBLIC_IMAGES.get(instance.image_id)
    return (image.os_type if image else instance.os_type) == "windows"


def has_assistant(call: Call, instance: InstanceRecord) -> bool:
    """Say whether the Cloud Assistant client is on an instance.

    It is on those from public images, and on those from custom images but imported ones (AP-3).
    """
    if instance.assistant:
        return instance.assistant == INSTALLED
    record = call.inventory(instance.region_id).images.get(instance.image_id)
    return record is None or not record.imported


class ModifyGuestRequest(Request):
    """What to say of the inside of an instance; what is not given stays."""

    instance_id: Annotated[str, "The instance."]
    os_name: Annotated[str, "Its operating system, such as 'CentOS 7.9 64 bit'."] = ""
    assistant: (
        Annotated[
            str,
            choice("InvalidParameter", 400, INSTALLED, MISSING),
            "Whether the Cloud Assistant client is on it.",
        ]
        | None
    ) = None
    file_system: Annotated[
        str, "What its disks are formatted with; by default what is found where they are mounted."
    ] = ""


class ModifyGuestResponse(Response):
    """What is inside now."""

    os_name: str
    assistant: str
    file_system: str


@operation("ModifyGuest", lock=True, changes=True)
def modify_guest(call: Call, request: ModifyGuestRequest) -> ModifyGuestResponse:
    """Say what is inside an instance where it differs from its image; show what holds."""
    instance = call.instance(request.instance_id)
    instance.guest_os_name = request.os_name or instance.guest_os_name
    instance.assistant = request.assistant or instance.assistant
    instance.file_system = request.file_system.lower() or instance.file_system
    return ModifyGuestResponse(
        os_name=os_name_of(instance),
        assistant=INSTALLED if has_assistant(call, instance) else MISSING,
        file_system=instance.file_system,
    )
