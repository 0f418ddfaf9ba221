"""The console's Instances page. Draws nothing."""

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import (
    Calendar,
    Listing,
    Tags,
    id_and_name,
    more_text,
    tags_text,
)

COLUMNS = (
    "Instance ID/Name",
    "Tag",
    "Status",
    "Instance Type",
    "Operating System",
    "Zone",
    "IP Address",
    "Creation Time",
)


class _Addresses(msgspec.Struct, rename="pascal", frozen=True):
    ip_address: list[str] = []


class _Vpc(msgspec.Struct, rename="pascal", frozen=True):
    private_ip_address: _Addresses = _Addresses()


class Instance(msgspec.Struct, rename="pascal"):
    """What the page shows of an instance."""

    instance_id: str
    instance_name: str = ""
    tags: Tags = Tags()
    status: str = ""
    instance_type: str = ""
    image_id: str = ""
    os_name_en: str = msgspec.field(name="OSNameEn", default="")
    zone_id: str = ""
    vpc_attributes: _Vpc = _Vpc()
    creation_time: str = ""


class _Set(msgspec.Struct, rename="pascal"):
    instance: list[Instance]


class _Answer(msgspec.Struct, rename="pascal"):
    instances: _Set


def view(answer: object, session: Session) -> Listing:
    """Return the Instances page of a DescribeInstances answer."""
    found = msgspec.convert(answer, _Answer).instances.instance
    calendar = Calendar(session)
    return Listing(
        what="instances",
        columns=COLUMNS,
        rows=[
            (
                id_and_name(each.instance_id, each.instance_name),
                tags_text(each.tags),
                each.status,
                each.instance_type,
                each.os_name_en or each.image_id,
                each.zone_id,
                "\n".join(each.vpc_attributes.private_ip_address.ip_address),
                calendar.wire(each.creation_time),
            )
            for each in found
        ],
        more=more_text(answer, len(found)),
        colours={"Running": "green", "Stopped": "red", "Starting": "yellow", "Stopping": "yellow"},
    )
