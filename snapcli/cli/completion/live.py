"""The ids that the workspace has, with names and states. Waits for nothing, changes nothing."""

from collections.abc import Iterator, Mapping

import msgspec

from snapcli.cli.completion.values import Given, Pair
from snapcli.cli.session import Session
from snapcli.cli.streams import Streams

_PAGE = 100
_MOST_PAGES = 10


class Source(msgspec.Struct, frozen=True):
    """The operation that lists things of a kind, where the list is, and the fields shown."""

    action: str
    path: tuple[str, ...]
    identity: str
    about: tuple[str, ...] = ()
    pages: bool = True
    regional: bool = True


_SOURCES: Mapping[str, Source] = {
    "disk": Source("DescribeDisks", ("Disks", "Disk"), "DiskId", ("DiskName", "Type", "Status")),
    "snapshot": Source(
        "DescribeSnapshots",
        ("Snapshots", "Snapshot"),
        "SnapshotId",
        ("SnapshotName", "Status", "CreationTime"),
    ),
    "instance": Source(
        "DescribeInstances",
        ("Instances", "Instance"),
        "InstanceId",
        ("InstanceName", "Status"),
    ),
    "image": Source("DescribeImages", ("Images", "Image"), "ImageId", ("ImageName", "Status")),
    "policy": Source(
        "DescribeAutoSnapshotPolicyEx",
        ("AutoSnapshotPolicies", "AutoSnapshotPolicy"),
        "AutoSnapshotPolicyId",
        ("AutoSnapshotPolicyName", "Status"),
    ),
    "group": Source(
        "DescribeSnapshotGroups",
        ("SnapshotGroups", "SnapshotGroup"),
        "SnapshotGroupId",
        ("Name", "Status"),
    ),
    "chain": Source(
        "DescribeSnapshotLinks",
        ("SnapshotLinks", "SnapshotLink"),
        "SnapshotLinkId",
        ("SourceDiskName", "InstanceName"),
    ),
    "region": Source(
        "DescribeRegions", ("Regions", "Region"), "RegionId", ("LocalName",), False, False
    ),
    "zone": Source("DescribeZones", ("Zones", "Zone"), "ZoneId", ("LocalName",), pages=False),
    "role": Source("ListRoles", ("Roles", "Role"), "RoleName", ("Description",), False, False),
    "account": Source("ListAccounts", ("Accounts",), "Name", (), False, False),
}
_OF_TYPE = ("disk", "snapshot", "instance", "image")
# What is listed is narrowed by what the line says already: a disk's snapshots, for one.
_NARROWED: Mapping[str, tuple[str, ...]] = {"snapshot": ("DiskId", "InstanceId")}


def items(resource: str, current: str, given: Given, streams: Streams) -> list[Pair]:
    """Return the ids of a kind, newest first where the service lists them so."""
    session = _session(given, streams)
    if resource == "setting":
        return _settings(session)
    if resource == "any":
        named = _said(given, "ResourceType").lower()
        kinds = [named] if named in _OF_TYPE else list(_OF_TYPE)
        return [pair for kind in kinds for pair in items(kind, current, given, streams)]
    source = _SOURCES[resource]
    narrowed = {name: text for name in _NARROWED.get(resource, ()) if (text := _said(given, name))}
    return [
        (str(item[source.identity]), _about(source, item))
        for item in _listed(source, narrowed, session)
    ]


def _session(given: Given, streams: Streams) -> Session:
    session = Session(streams)
    session.workspace = _said(given, "workspace") or None
    session.region = _said(given, "region") or _said(given, "RegionId") or None
    session.request_region = _said(given, "BizRegionId") or None
    session.profile = _said(given, "profile") or _said(given, "p") or None
    return session


def _said(given: Given, name: str) -> str:
    """Return what an option says in whichever spelling, "" when it was not given."""
    plain = name.lower()
    return next(
        (text for word, text in given if word.strip("-").replace("-", "").lower() == plain), ""
    )


def _listed(
    source: Source, narrowed: Mapping[str, str], session: Session
) -> Iterator[Mapping[str, object]]:
    given = dict(narrowed)
    region = session.request_region or session.region or session.effective_region()
    if region and source.regional:
        given["RegionId"] = region
    if source.about == ("LocalName",):
        given["AcceptLanguage"] = "en-US"
    for number in range(1, _MOST_PAGES + 1):
        if source.pages and source.action == "DescribeSnapshotGroups":
            given["MaxResults"] = str(_PAGE)
        elif source.pages:
            given |= {"PageSize": str(_PAGE), "PageNumber": str(number)}
        answer = msgspec.to_builtins(session.look(source.action, given))
        if answer is None:
            return
        found = answer
        for step in source.path:
            found = found[step]
        yield from found
        token = answer.get("NextToken", "")
        if source.action == "DescribeSnapshotGroups" and token:
            given["NextToken"] = token
        elif not source.pages or len(found) < _PAGE:
            return


def _about(source: Source, item: Mapping[str, object]) -> str:
    texts = (str(item.get(name) or "") for name in source.about)
    return ", ".join(text for text in texts if text and text != item[source.identity])


def _settings(session: Session) -> list[Pair]:
    import os

    from snapcli.workspace import location, settings_edit

    found = location.find(session.workspace, session.streams.environ, os.getcwd())
    if not location.is_workspace(found.path):
        return []
    return [(key, str(value)) for key, value, _ in settings_edit.list_values(found.path)]
