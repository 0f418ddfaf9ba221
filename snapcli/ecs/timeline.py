"""ShowTimeline: what has happened and what is due next, as things stand.

The past is the journal's, and what records still tell of themselves; the future is worked out from
records and the hours of policies, lazily, however far it reaches.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.types import limits
from snapcli.ecs import events
from snapcli.ecs.call import Call
from snapcli.ecs.events import journal_of
from snapcli.ecs.nodes import creation_time
from snapcli.ecs.policy_outlook import Outlook, next_runs
from snapcli.ecs.policy_rules import disks_with
from snapcli.ecs.records import Chain, DiskRecord, EventRecord, PolicyRecord, SnapshotRecord
from snapcli.ecs.snapshot_state import instant_access_ends_at, lock_ends_at, released_at
from snapcli.ecs.snapshot_use import is_held_by_image
from snapcli.ecs.wire import seconds_time

RUN, RELEASE, COPY = "policy-run", "release", "copy"
ACCESS_END, LOCK_END, INSTANCE = "instant-access-end", "lock-end", "instance-release"
KINDS = (RUN, RELEASE, COPY, ACCESS_END, LOCK_END, INSTANCE)
_OF_EVENTS = {
    events.CREATED: (RUN, "created"),
    events.SKIPPED: (RUN, "skipped"),
    events.FAILED: (RUN, "failed"),
    events.RELEASED: (RELEASE, "released"),
    events.COPIED: (COPY, "copied"),
    events.COPY_FAILED: (COPY, "failed"),
    events.INSTANCE_RELEASED: (INSTANCE, "released"),
}


class ShowTimelineRequest(Request):
    """Which stretch of time, and what of it."""

    from_: Annotated[str, "The first instant, such as 2022-03-11T00:00Z or -3d."] = msgspec.field(
        name="From", default=""
    )
    to: Annotated[str, "The last instant, such as 2022-03-12T00:00Z or +2w."] = ""
    days: Annotated[
        int,
        limits("InvalidParameter", 400, "1 to 36500 days", ge=1, le=36500),
        "How many days back and ahead, where From and To do not say it.",
    ] = 7
    past: Annotated[bool, "Only what has happened."] = False
    ahead: Annotated[bool, "Only what is due."] = False
    disk_id: Annotated[str, "Only what is about this disk."] = ""
    kind: Annotated[list[str], "Only of this kind: " + ", ".join(KINDS) + "."] = []
    limit: Annotated[
        int,
        limits("InvalidParameter", 400, "1 to 10000", ge=1, le=10000),
        "At most so many of what has happened, the newest, and of what is due, the next.",
    ] = 200


class TimelineItem(Item):
    """Something that happened or is due: `When` is past or ahead.

    `Outcome` is created, skipped, failed, released, copied or ended; ahead it is due, or what
    would keep it from happening as things stand: skipped, kept. `Reason` says why.
    """

    time: str
    when: str
    kind: str
    outcome: str
    region_id: str = ""
    disk_id: str = ""
    snapshot_id: str = ""
    auto_snapshot_policy_id: str = ""
    instance_id: str = ""
    reason: str = ""


class ShowTimelineResponse(Response):
    """The items in order; `MorePast` and `MoreAhead` say that `Limit` left some out.

    What happened before `KeptSince` is no longer known, empty: all of it is.
    """

    now: str
    start: str
    end: str
    kept_since: str
    more_past: bool
    more_ahead: bool
    items: list[TimelineItem]


_Dated = tuple[datetime, int, TimelineItem]  # a number keeps items themselves from being compared


@operation("ShowTimeline", lock=False, changes=False)
def show_timeline(call: Call, request: ShowTimelineRequest) -> ShowTimelineResponse:
    """List what the passing of time did and will do, as things stand (PO-12)."""
    start, end = _stretch(call, request)
    for kind in request.kind:
        if kind not in KINDS:
            raise ApiError(
                "InvalidParameter",
                400,
                f"{kind!r} is not a kind of a timeline. There are {', '.join(KINDS)}.",
            )
    past: deque[_Dated] = deque(maxlen=request.limit)
    passed = 0
    for dated in _past(call, request, start, min(end, call.now)):
        past.append(dated)
        passed += 1
    ahead = list(islice(_ahead(call, request, max(start, call.now), end), request.limit + 1))
    journal = journal_of(call.tx)
    lost = journal.number > len(journal.events)
    return ShowTimelineResponse(
        now=seconds_time(call.now),
        start=seconds_time(start),
        end=seconds_time(end),
        kept_since=seconds_time(journal.events[0].at) if lost else "",
        more_past=passed > len(past),
        more_ahead=len(ahead) > request.limit,
        items=[item for _, _, item in [*past, *ahead[: request.limit]]],
    )


def _stretch(call: Call, request: ShowTimelineRequest) -> tuple[datetime, datetime]:
    """Return the first and the last instant that are asked for. Raises ApiError."""
    from snapcli.workspace.time_text import parse_instant

    days = timedelta(days=request.days)
    try:
        end = parse_instant(request.to, call.now) if request.to else None
        start = parse_instant(request.from_, call.now) if request.from_ else None
        start = start or min(end or call.now, call.now) - days
        end = end or max(start, call.now) + days
    except (ValueError, OverflowError) as error:
        raise ApiError("InvalidParameter", 400, str(error)) from None
    if request.past and request.ahead:
        raise ApiError("InvalidParameter.Conflict", 400, "Past and Ahead leave nothing; give one.")
    if request.past:
        end = min(end, call.now)
    if request.ahead:
        start = max(start, call.now)
    if end < start:
        raise ApiError(
            "InvalidParameter",
            400,
            f"The stretch ends at {seconds_time(end)}, before it begins at {seconds_time(start)}; "
            f"it is {seconds_time(call.now)}.",
        )
    return start, end


def _wanted(request: ShowTimelineRequest, kind: str, disk_id: str = "") -> bool:
    return (not request.kind or kind in request.kind) and request.disk_id in ("", disk_id)


# What has happened


def _past(
    call: Call, request: ShowTimelineRequest, start: datetime, end: datetime
) -> Iterator[_Dated]:
    """Yield what the journal and the records tell, in order."""
    if request.ahead:
        return
    kept = [
        (event.at, number, item)
        for number, event in enumerate(journal_of(call.tx).events)
        if start <= event.at <= end and event.account_id == call.account_id
        for item in (_past_item(event),)
        if _wanted(request, item.kind, event.disk_id)
    ]
    told = []
    for number, (instant, kind, chain, node) in enumerate(_ends(call, request)):
        if start <= instant <= end:
            item = _node_item(chain, node, kind, "past", "ended")
            item.time = seconds_time(instant)
            told.append((instant, -number, item))
    yield from sorted([*kept, *told], key=lambda dated: dated[:2])


def _past_item(event: EventRecord) -> TimelineItem:
    kind, outcome = _OF_EVENTS[event.event]
    return TimelineItem(
        time=seconds_time(event.at),
        when="past",
        kind=kind,
        outcome=outcome,
        region_id=event.region_id,
        disk_id=event.disk_id,
        snapshot_id=event.snapshot_id,
        auto_snapshot_policy_id=event.policy_id,
        instance_id=event.instance_id,
        reason=event.reason,
    )


def _ends(
    call: Call, request: ShowTimelineRequest
) -> Iterator[tuple[datetime, str, Chain, SnapshotRecord]]:
    """Yield when locks and instant access of snapshots end or ended."""
    for chain, node in _nodes(call, request):
        lock_end = lock_ends_at(node)
        if lock_end is not None and _wanted(request, LOCK_END, chain.disk_id):
            yield lock_end, LOCK_END, chain, node
        access_end = instant_access_ends_at(node) if node.instant_access else None
        if access_end is not None and _wanted(request, ACCESS_END, chain.disk_id):
            yield access_end, ACCESS_END, chain, node


def _nodes(call: Call, request: ShowTimelineRequest) -> Iterator[tuple[Chain, SnapshotRecord]]:
    for region_id in call.regions_in_use():
        for chain in call.chains(region_id):
            if request.disk_id in ("", chain.disk_id):
                for node in chain.nodes:
                    yield chain, node


def _node_item(
    chain: Chain, node: SnapshotRecord, kind: str, when: str, outcome: str, reason: str = ""
) -> TimelineItem:
    return TimelineItem(
        time="",
        when=when,
        kind=kind,
        outcome=outcome,
        region_id=chain.region_id,
        disk_id=chain.disk_id,
        snapshot_id=node.snapshot_id,
        reason=reason,
    )


# What is due


def _ahead(
    call: Call, request: ShowTimelineRequest, start: datetime, end: datetime
) -> Iterator[_Dated]:
    """Yield what is due from `start` to `end`, in order, worked out as needed."""
    if request.past:
        return
    streams: list[Iterator[tuple[datetime, TimelineItem]]] = [
        iter(sorted(_known(call, request), key=lambda each: each[0]))
    ]
    for region_id in call.regions_in_use():
        for policy in call.inventory(region_id).policies.values():
            disks = [
                (disk, Outlook(call, disk))
                for disk in disks_with(call, policy)
                if request.disk_id in ("", disk.disk_id)
            ]
            if disks:
                streams += _of_policy(call, request, policy, disks, end)
    merged = heapq.merge(*streams, key=lambda each: each[0])
    for instant, item in merged:
        if instant > end:
            return
        if instant >= start and instant > call.now:
            item.time = seconds_time(instant)
            yield instant, 0, item


def _known(call: Call, request: ShowTimelineRequest) -> Iterator[tuple[datetime, TimelineItem]]:
    """Yield what is due of things that there are, at whatever time."""
    for instant, kind, chain, node in _ends(call, request):
        yield instant, _node_item(chain, node, kind, "ahead", "due")
    for chain, node in _nodes(call, request):
        release = released_at(node)
        if release is not None and _wanted(request, RELEASE, chain.disk_id):
            held = is_held_by_image(call, chain, node)
            outcome, reason = ("kept", "an image needs it") if held else ("due", "")
            yield release, _node_item(chain, node, RELEASE, "ahead", outcome, reason)
        if node.copy_region_id and _wanted(request, COPY, chain.disk_id):
            reason = f"to {node.copy_region_id}"
            yield node.ready_at, _node_item(chain, node, COPY, "ahead", "due", reason)
    for region_id in call.regions_in_use():
        inventory = call.inventory(region_id)
        disk = inventory.disks.get(request.disk_id)
        for instance in inventory.instances.values():
            instant_or_none = instance.auto_release_at
            has_disk = disk is not None and disk.instance_id == instance.instance_id
            disk_id = request.disk_id if has_disk else ""
            if instant_or_none is not None and _wanted(request, INSTANCE, disk_id):
                yield (
                    instant_or_none,
                    TimelineItem(
                        time="",
                        when="ahead",
                        kind=INSTANCE,
                        outcome="due",
                        region_id=region_id,
                        instance_id=instance.instance_id,
                    ),
                )


def _of_policy(
    call: Call,
    request: ShowTimelineRequest,
    policy: PolicyRecord,
    disks: list[tuple[DiskRecord, Outlook]],
    end: datetime,
) -> Iterator[Iterator[tuple[datetime, TimelineItem]]]:
    """Yield a policy's runs, and what becomes of the snapshots that they will make."""
    if not request.kind or RUN in request.kind:
        yield _runs(call, policy, disks, end, RUN, timedelta(0))
    if policy.retention_days and (not request.kind or RELEASE in request.kind):
        yield _runs(call, policy, disks, end, RELEASE, timedelta(days=policy.retention_days))
    if policy.copy_region_id and (not request.kind or COPY in request.kind):
        yield _runs(call, policy, disks, end, COPY, creation_time(call, 0))


def _runs(
    call: Call,
    policy: PolicyRecord,
    disks: Iterable[tuple[DiskRecord, Outlook]],
    end: datetime,
    kind: str,
    later: timedelta,
) -> Iterator[tuple[datetime, TimelineItem]]:
    """Yield an item for each disk `later` than each run; for what a run leads to, if it runs."""
    for instant in next_runs(call, policy.hours, policy.weekdays, call.now):
        if instant + later > end:
            return
        for disk, outlook in disks:
            reason = outlook.reason_to_skip(instant)
            if kind != RUN:
                if reason:
                    continue
                reason = f"of the run at {seconds_time(instant)}"
            yield (
                instant + later,
                TimelineItem(
                    time="",
                    when="ahead",
                    kind=kind,
                    outcome="skipped" if kind == RUN and reason else "due",
                    region_id=policy.region_id,
                    disk_id=disk.disk_id,
                    auto_snapshot_policy_id=policy.policy_id,
                    reason=reason,
                ),
            )
