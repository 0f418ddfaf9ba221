"""Making a custom image's record: what every way of making one checks and fills in.

Holds no bytes and takes no snapshots: an image is what its snapshots are.
"""

from datetime import datetime

from snapcli.api.errors import ApiError
from snapcli.ecs.call import Call
from snapcli.ecs.disk_making import DATA_DEVICES, SYSTEM_DEVICE
from snapcli.ecs.records import ImageDisk, ImageRecord

DEFAULT_DATA_DISK_GIB = 5  # IM-2
MOST_DATA_DISKS = 16

PLATFORMS = (
    "Aliyun", "Alma Linux", "Anolis", "CentOS", "CentOS Stream", "CoreOS", "Customized Linux",
    "Debian", "Fedora", "Fedora CoreOS", "FreeBSD", "Gentoo", "Kylin", "OpenSUSE", "Others Linux",
    "Other Linux", "Red Hat", "RedHat", "Red Hat Enterprise Linux", "Rocky Linux", "SUSE", "UOS",
    "Ubuntu", "Other Windows", "Windows 7", "Windows 10", "Windows Server", "Windows Server 2003",
    "Windows Server 2008", "Windows Server 2012", "Windows Server 2016", "Windows Server 2019",
    "Windows Server 2022",
)  # fmt: skip
ARCHITECTURES = ("i386", "x86_64", "arm64")
BOOT_MODES = ("BIOS", "UEFI", "UEFI-Preferred")


def os_type_of(platform: str) -> str:
    """Return linux or windows, which is the platform's."""
    return "windows" if "Windows" in platform else "linux"


def check_room(call: Call, region_id: str, name: str) -> None:
    """Raise ApiError when the region has no room for one more image, or the name is taken."""
    images = call.inventory(region_id).images
    most = call.settings.quotas.images_per_region
    if len(images) >= most:
        raise ApiError(
            "QuotaExceed.Image",
            403,
            f"{region_id} has {len(images)} custom images; {most} are allowed. Delete one with "
            "DeleteImage first.",
        )
    check_name_is_free(call, region_id, name)


def check_name_is_free(call: Call, region_id: str, name: str) -> None:
    """Raise ApiError when another image of the account in the region bears the name."""
    for image in call.inventory(region_id).images.values():
        if name and image.name == name:
            raise ApiError(
                "InvalidImageName.Duplicated",
                400,
                f"The image {image.image_id} in {region_id} is called {name!r} already; the names "
                "of a region's images differ. Give another name.",
            )


def new_image(
    call: Call, region_id: str, name: str, disks: list[ImageDisk], ready_at: datetime
) -> ImageRecord:
    """Return a new image's record, put into the region's inventory; the system disk first."""
    image_id = call.new_id("m", region_id)
    image = ImageRecord(
        image_id=image_id,
        region_id=region_id,
        created_at=call.now,
        ready_at=ready_at,
        disks=disks,
        name=name or image_id,
        encrypted=any(disk.encrypted for disk in disks),
    )
    call.inventory(region_id).images[image_id] = image
    return image


def name_devices(disks: list[ImageDisk]) -> None:
    """Check the device names of an image's disks, the system disk first; fill in those left out."""
    if len(disks) > MOST_DATA_DISKS + 1:
        raise ApiError(
            "OperationDenied",
            400,
            f"{len(disks) - 1} data disks were given; an image has up to {MOST_DATA_DISKS}. "
            "Leave some out.",
        )
    taken: set[str] = set()
    for disk in disks:
        fitting = (SYSTEM_DEVICE,) if disk.type == "system" else DATA_DEVICES
        if disk.device and disk.device not in fitting:
            raise ApiError(
                "InvalidDevice.Malformed",
                400,
                f"The device {disk.device!r} is not right for a {disk.type} disk. It must be "
                + (SYSTEM_DEVICE if disk.type == "system" else "one of /dev/xvdb to /dev/xvdz")
                + ".",
            )
        if disk.device in taken:
            raise ApiError(
                "InvalidDevice.InUse",
                400,
                f"The device {disk.device} was given twice. Devices differ.",
            )
        taken |= {disk.device} - {""}
    for disk in disks:
        if not disk.device:
            fitting = (SYSTEM_DEVICE,) if disk.type == "system" else DATA_DEVICES
            disk.device = next(device for device in fitting if device not in taken)
            taken.add(disk.device)
