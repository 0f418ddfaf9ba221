"""The public images: one for each operating system of the guide, in every region.

Their system disks begin with bytes of their own, so that a disk tells what it was made from.
"""

from datetime import UTC, datetime
from typing import NamedTuple


class PublicImage(NamedTuple):
    """A public image: its id, the system it holds, its size."""

    image_id: str
    os_name: str
    os_name_chinese: str
    os_type: str  # linux or windows
    platform: str
    size_gib: int


def _linux(image_id: str, name: str, platform: str, size_gib: int = 20) -> PublicImage:
    return PublicImage(image_id, name, name.replace("64 bit", "64位"), "linux", platform, size_gib)


def _windows(image_id: str, name: str, chinese: str) -> PublicImage:
    return PublicImage(image_id, name, chinese, "windows", "Windows Server", 40)


_NAMED = (
    _linux(
        "aliyun_2_1903_x64_20G_alibase_20220101.vhd",
        "Alibaba Cloud Linux 2.1903 LTS 64 bit",
        "Aliyun",
    ),
    _linux(
        "aliyun_3_x64_20G_alibase_20220101.vhd", "Alibaba Cloud Linux 3.2104 LTS 64 bit", "Aliyun"
    ),
    _linux("centos_7_6_x64_20G_alibase_20220101.vhd", "CentOS 7.6 64 bit", "CentOS"),
    _linux("centos_7_9_x64_20G_alibase_20220101.vhd", "CentOS 7.9 64 bit", "CentOS"),
    _linux("centos_8_5_x64_20G_alibase_20220101.vhd", "CentOS 8.5 64 bit", "CentOS"),
    _linux("debian_11_2_x64_20G_alibase_20220101.vhd", "Debian 11.2 64 bit", "Debian"),
    _linux("ubuntu_18_04_x64_20G_alibase_20220101.vhd", "Ubuntu 18.04 64 bit", "Ubuntu"),
    _linux("ubuntu_20_04_x64_20G_alibase_20220101.vhd", "Ubuntu 20.04 64 bit", "Ubuntu"),
    _windows(
        "win2012r2_9600_x64_dtc_en-us_40G_alibase_20220101.vhd",
        "Windows Server 2012 R2 Datacenter 64 bit English",
        "Windows Server 2012 R2 数据中心版 64位英文版",
    ),
    _windows(
        "win2016_1607_x64_dtc_en-us_40G_alibase_20220101.vhd",
        "Windows Server 2016 Datacenter 64 bit English",
        "Windows Server 2016 数据中心版 64位英文版",
    ),
    _windows(
        "win2019_1809_x64_dtc_en-us_40G_alibase_20220101.vhd",
        "Windows Server 2019 Datacenter 64 bit English",
        "Windows Server 2019 数据中心版 64位英文版",
    ),
    _windows(
        "win2019_1809_x64_dtc_zh-cn_40G_alibase_20220101.vhd",
        "Windows Server 2019 Datacenter 64 bit Chinese",
        "Windows Server 2019 数据中心版 64位中文版",
    ),
)

PUBLIC_IMAGES: dict[str, PublicImage] = {image.image_id: image for image in _NAMED}

PUBLIC_SINCE = datetime(2022, 1, 1, tzinfo=UTC)  # as their ids say

_FIRST_PARTITION_BYTES = 1 << 20


def public_family(image: PublicImage) -> str:
    """Return the family of a public image: `acs:` and the system, as its id begins."""
    return "acs:" + image.image_id.rsplit(f"_{image.size_gib}G_", 1)[0]


def image_bytes(image_id: str) -> list[tuple[int, bytes]]:
    """Return what a system disk made from the image begins with, as (offset, bytes).

    A boot sector with its signature that names the image, and the first sectors of a partition.
    An id that is no public image gives nothing.
    """
    image = PUBLIC_IMAGES.get(image_id)
    if image is None:
        return []
    label = f"snapcli public image {image_id}\n{image.os_name}\n".encode()
    boot = label.ljust(510, b"\x00")[:510] + b"\x55\xaa"
    body = (label * (8192 // len(label) + 1))[:8192]
    return [(0, boot), (_FIRST_PARTITION_BYTES, body)]
