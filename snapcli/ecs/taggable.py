"""What carries tags: the kinds of resource, and finding those of a region by kind and id (TG-1).

A new kind is a line in `_KINDS`: its ResourceType, and where its records are. Changes no tag.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from snapcli.api.errors import ApiError
from snapcli.api.types import choice
from snapcli.ecs.call import Call
from snapcli.ecs.image_data import PUBLIC_IMAGES


class Tagged(Protocol):
    """A record with tags."""

    tags: dict[str, str]


class _Kind(NamedTuple):
    describe: str  # the operation that lists the resources
    one: Callable[[Call, str, str], Tagged | None]  # by region and id
    everything: Callable[[Call, str], Iterator[tuple[str, Tagged]]]  # of a region, with their ids


def _snapshot(call: Call, region_id: str, snapshot_id: str) -> Tagged | None:
    found = call.find_snapshot(snapshot_id)
    return found[1] if found and found[0].region_id == region_id else None


def _snapshots(call: Call, region_id: str) -> Iterator[tuple[str, Tagged]]:
    for chain in call.chains(region_id):
        for node in chain.nodes:
            yield node.snapshot_id, node


def _listed(field: str, describe: str) -> _Kind:
    """Return a kind whose records are in the inventory, by id, in this field of it.

    There are none while the inventory has no such field.
    """

    def records(call: Call, region_id: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = getattr(call.inventory(region_id), field, {})
        return found

    def one(call: Call, region_id: str, resource_id: str) -> Tagged | None:
        return records(call, region_id).get(resource_id)

    def everything(call: Call, region_id: str) -> Iterator[tuple[str, Tagged]]:
        yield from records(call, region_id).items()

    return _Kind(describe, one, everything)


_KINDS: dict[str, _Kind] = {
    "instance": _listed("instances", "DescribeInstances"),
    "disk": _listed("disks", "DescribeDisks"),
    "snapshot": _Kind("DescribeSnapshots", _snapshot, _snapshots),
    "image": _listed("images", "DescribeImages"),
    "snapshotpolicy": _listed("policies", "DescribeAutoSnapshotPolicyEx"),
    "snapshotgroup": _listed("groups", "DescribeSnapshotGroups"),
}
KINDS = tuple(_KINDS)

# How a request names a kind; others that the real service tags do not exist here.
RESOURCE_TYPE = choice("InvalidResourceType.NotFound", 404, *KINDS)


def find(call: Call, region_id: str, kind: str, resource_id: str) -> Tagged | None:
    """Return the record of a resource of a region, or None."""
    return _KINDS[kind].one(call, region_id, resource_id)


def require(call: Call, region_id: str, kind: str, resource_id: str) -> Tagged:
    """Return the record of a resource of a region.

    Raises ApiError InvalidResourceId.NotFound, and InvalidResourceId.NotSupported for a public
    image.
    """
    record = find(call, region_id, kind, resource_id)
    if record is not None:
        return record
    if kind == "image" and resource_id in PUBLIC_IMAGES:
        raise ApiError(
            "InvalidResourceId.NotSupported",
            403,
            f"{resource_id} is a public image; only images of your own carry tags.",
        )
    raise ApiError(
        "InvalidResourceId.NotFound",
        404,
        f"There is no {kind} {resource_id!r} in {region_id}. {_KINDS[kind].describe} lists them.",
    )


def everything(call: Call, region_id: str, kind: str) -> Iterator[tuple[str, Tagged]]:
    """Yield every resource of a kind in a region: its id and its record."""
    return _KINDS[kind].everything(call, region_id)
