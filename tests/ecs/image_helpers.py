"""Images as tests make them: system disks with bytes of their own, images of them, instances."""

from typing import Any

from support import REGION, Cloud, block

TYPE = "ecs.g7.large"


def system_disk(cloud: Cloud, instance_id: str, **parameters: Any) -> str:
    """Return the id of an instance's system disk."""
    [disk] = cloud.disks(InstanceId=instance_id, DiskType="system", **parameters)
    return str(disk["DiskId"])


def marked_instance(cloud: Cloud, letter: str = "S", **parameters: Any) -> str:
    """Create an instance whose system disk holds a block of a letter."""
    instance_id = cloud.instance(**parameters)
    cloud.write(system_disk(cloud, instance_id), 5, block(letter))
    return instance_id


def create_image(cloud: Cloud, **parameters: Any) -> str:
    """Create an image and return its id."""
    return str(cloud.ecs("CreateImage", RegionId=REGION, **parameters)["ImageId"])


def images(cloud: Cloud, **parameters: Any) -> list[dict[str, Any]]:
    """Describe custom images, the account's own unless said otherwise."""
    given = {"RegionId": REGION, "ImageOwnerAlias": "self", "PageSize": 100} | parameters
    found = cloud.ecs("DescribeImages", **{k: v for k, v in given.items() if v is not None})
    return list(found["Images"]["Image"])


def image(cloud: Cloud, image_id: str, **parameters: Any) -> dict[str, Any]:
    """Describe one image in whatever state it is."""
    states = "Creating,Available,CreateFailed,Deprecated"
    [found] = images(cloud, ImageId=image_id, Status=states, **parameters)
    return found


def disks_of(found: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return an image's disks: type, device, size, snapshot."""
    return [
        (disk["Type"], disk["Device"], disk["Size"], disk["SnapshotId"])
        for disk in found["DiskDeviceMappings"]["DiskDeviceMapping"]
    ]


def launch(cloud: Cloud, image_id: str, **parameters: Any) -> str:
    """Create an instance from an image and return its id."""
    given = {"RegionId": REGION, "ImageId": image_id, "InstanceType": TYPE, **parameters}
    made = cloud.ecs("RunInstances", **{k: v for k, v in given.items() if v is not None})
    return str(made["InstanceIdSets"]["InstanceIdSet"][0])
