"""The nodes of a chain and their blocks: capturing one, taking one out, viewing through it.

Keeps a chain's records and its block files together; who may do what is decided elsewhere.
"""

import itertools
from bisect import bisect_left
from datetime import timedelta

from snapcli.ecs import ledger
from snapcli.ecs.call import Call, Freeing
from snapcli.ecs.disk_use import require_disk_file
from snapcli.ecs.records import BLOCK_BYTES, GIB, Chain, DiskRecord, SnapshotRecord
from snapcli.volumes.layers import Captured, Layer


def layers_through(chain: Chain, node: SnapshotRecord) -> list[Layer]:
    """Return the maps that, laid over each other, are the disk as `node` holds it."""
    index = chain.nodes.index(node)
    return layers(chain.nodes[: index + 1])


def layers(nodes: list[SnapshotRecord]) -> list[Layer]:
    """Return the maps of `nodes`; one that failed, or holds nothing of its own, has none."""
    return [Layer(snapshot_id=n.snapshot_id, map_file=n.map_file) for n in nodes if n.map_file]


def stored_bytes(chain: Chain) -> int:
    """Return the bytes of all blocks that the chain's snapshots need, each once (IN-4)."""
    return sum(node.data_blocks for node in chain.nodes) * BLOCK_BYTES


def holds_own_blocks(node: SnapshotRecord) -> bool:
    """Say whether the node has a map: it differs from the node before, and did not fail."""
    return bool(node.map_file)


def position(chain: Chain, node: SnapshotRecord) -> int | None:
    """Return where the node stands in its chain, None when it is gone; nodes stand by number."""
    at = bisect_left(chain.nodes, node.number, key=lambda other: other.number)
    return at if at < len(chain.nodes) and chain.nodes[at] is node else None


def capture_node(
    call: Call, disk: DiskRecord, chain: Chain, node: SnapshotRecord, *, unchanged: bool = False
) -> None:
    """Capture the disk's present bytes as `node` and put it at the end of the chain.

    Where the disk is as the snapshot before holds it (`unchanged`: the caller knows that), the
    node holds nothing of its own: no map, no pack.
    """
    known = unchanged and _newest_sound(chain) is not None
    add_node(call, disk, chain, node, None if known else capture_files(call, disk, chain, node))


def add_node(
    call: Call, disk: DiskRecord, chain: Chain, node: SnapshotRecord, captured: Captured | None
) -> None:
    """Put `node` at the end of the chain; `captured` are its files, None where it needs none.

    Fills in the block counts and, from the bytes captured, when creation ends (CR-2).
    """
    before = _newest_sound(chain)
    if captured is not None:
        node.map_file = captured.map_file
        node.data_blocks = captured.data_blocks
        node.empty_blocks = captured.empty_blocks
        node.view_blocks = captured.view_blocks
        chain.packs[node.number] = captured.pack_file
    elif before is not None:
        node.view_blocks = before.view_blocks
    node.ready_at = node.created_at + (
        local_creation_time(call)
        if node.category == "flash"
        else creation_time(call, node.data_blocks * BLOCK_BYTES)
    )
    chain.next_number = node.number + 1
    chain.nodes.append(node)
    chain.disk_name = disk.name
    chain.disk_size_gib = disk.size_gib
    chain.disk_type = disk.type
    chain.disk_image_id = disk.image_id
    if node.instant_access:
        ledger.count_use(call, chain, node)
    if node.data_blocks:
        ledger.note(call, chain)


def _is_unchanged(call: Call, disk: DiskRecord, chain: Chain) -> bool:
    """Say whether it is proven that the disk was not written to since the newest capture."""
    from snapcli.volumes.capture import is_unchanged

    newest = next((n for n in reversed(chain.nodes) if holds_own_blocks(n)), None)
    if newest is None:
        return False
    return is_unchanged(call.image_path(disk), call.chain_folder(chain), layers([newest])[0])


def _newest_sound(chain: Chain) -> SnapshotRecord | None:
    """Return the newest node that did not fail."""
    return next((n for n in reversed(chain.nodes) if n.failed_at is None), None)


def capture_files(
    call: Call,
    disk: DiskRecord,
    chain: Chain,
    node: SnapshotRecord,
    source: str | None = None,
    *,
    still: bool = False,
    any_length: bool = False,
) -> Captured | None:
    """Capture the disk's present bytes into the files of `node`; no record is changed.

    Returns None, and makes no file, when the disk is provably as the newest capture left it.
    `source` is what to read when it is not the disk's own file but a clone of it; what the file
    is was looked at by the caller then. `still` says that it is kept as it is meanwhile,
    `any_length` that it need not be as long as the disk. Raises VolumeError for a file of the
    wrong kind or length: it is no disk's content.
    """
    if source is None:
        require_disk_file(call, disk)
    if _newest_sound(chain) is not None and _is_unchanged(call, disk, chain):
        return None
    from snapcli.ecs.faults import refuse_busy_image
    from snapcli.ecs.keys import chain_cipher
    from snapcli.volumes.capture import capture

    folder = call.chain_home(chain)
    cipher = chain_cipher(call, chain)
    call.tx.creates(f"{folder}/{node.snapshot_id}.pack", f"{folder}/{node.snapshot_id}.map")
    with refuse_busy_image(disk.disk_id):
        return capture(
            source or call.image_path(disk),
            call.tx.path(folder),
            layers(chain.nodes),
            node.snapshot_id,
            node.number,
            call.progress(f"Capturing {disk.disk_id}"),
            cipher=cipher,
            still=still,
            length_bytes=None if any_length else disk.size_gib * GIB,
        )


def creation_time(call: Call, captured_bytes: int) -> timedelta:
    """Return how long creation takes at the workspace's speed (CR-2)."""
    speed = call.settings.current_speed()
    seconds = float(speed.snapshot_minimum_seconds)
    if speed.snapshot_mib_per_second:
        seconds += captured_bytes / (speed.snapshot_mib_per_second * (1 << 20))
    return timedelta(seconds=seconds)


def local_creation_time(call: Call) -> timedelta:
    """Return how long the creation of a local snapshot takes, whatever its size (LS-3)."""
    return timedelta(seconds=call.settings.current_speed().local_snapshot_seconds)


def remove_node(call: Call, chain: Chain, node: SnapshotRecord) -> None:
    """Take a snapshot out of its chain: its blocks go, or to the next node (IN-6)."""
    remove_nodes(call, chain, [node])


def remove_nodes(call: Call, chain: Chain, nodes: list[SnapshotRecord]) -> None:
    """Take several snapshots out of their chain; the map of a node that stays is written once."""
    changed = _release_blocks(call, chain, nodes)
    if len(nodes) == 1:
        at = position(chain, nodes[0])
        assert at is not None
        del chain.nodes[at]
    else:
        gone = {node.snapshot_id for node in nodes}
        chain.nodes[:] = [node for node in chain.nodes if node.snapshot_id not in gone]
    if changed or any(node.instant_access for node in nodes):
        ledger.note(call, chain)


def fail_node(call: Call, chain: Chain, node: SnapshotRecord) -> None:
    """Make a snapshot in creation a failed one, which occupies no space (CR-11)."""
    from snapcli.ecs.snapshot_use import fail_images

    fail_images(call, chain, node)
    _release_blocks(call, chain, [node])
    node.failed_at = call.now
    node.map_file = ""
    node.data_blocks = node.empty_blocks = node.view_blocks = 0
    ledger.note(call, chain)


def _release_blocks(call: Call, chain: Chain, nodes: list[SnapshotRecord]) -> bool:
    """Hand the nodes' blocks that later nodes still need over to the next that stays.

    Returns whether that changes what the ledger counts. Looks at no other node when one without
    blocks of its own goes.
    """
    freeing = _freeing(call, chain)
    going = {node.snapshot_id for node in nodes}
    holders = sorted((n for n in nodes if n.map_file), key=lambda node: node.number)
    changed = False
    while holders:
        run, following = _run_and_following(chain, holders[0], going)
        del holders[: len(run)]
        changed |= _release_run(call, chain, freeing, run, following, going)
    return changed


def _run_and_following(
    chain: Chain, first: SnapshotRecord, going: set[str]
) -> tuple[list[SnapshotRecord], SnapshotRecord | None]:
    """Return the nodes with blocks that go, one after the other, and the first after that stays."""
    run = [first]
    at = position(chain, first)
    assert at is not None
    for node in itertools.islice(chain.nodes, at + 1, None):
        if node.failed_at is not None:
            continue
        if node.snapshot_id not in going:
            return run, node
        if node.map_file:
            run.append(node)
    return run, None


def _release_run(
    call: Call,
    chain: Chain,
    freeing: Freeing,
    run: list[SnapshotRecord],
    following: SnapshotRecord | None,
    going: set[str],
) -> bool:
    if following is not None and not following.map_file:
        # It holds the very same as the last that goes, so that one's map becomes its own.
        *before, last = run
        if before:
            _hand_over(call, chain, freeing, before, last, going)
        _pass_on(freeing, last, following)
        return bool(before) or not _count_alike(last, following)
    if following is not None:
        _hand_over(call, chain, freeing, run, following, going)
    else:
        _retire(chain, freeing, run)
    return True


def _retire(chain: Chain, freeing: Freeing, run: list[SnapshotRecord]) -> None:
    """Note that the maps of these nodes, and what only they need, can be freed."""
    for node in run:
        freeing.replaced.append(node.map_file)
        freeing.packs |= _own_packs(chain, node)
        freeing.inheritors.discard(node.snapshot_id)


def _own_packs(chain: Chain, node: SnapshotRecord) -> set[int]:
    """Return the numbers of the packs that the node made, or whoever passed its map on to it."""
    maker = node.map_file.split(".", 1)[0]
    if maker == node.snapshot_id:
        return {node.number}
    return {number for number, file in chain.packs.items() if file.split(".", 1)[0] == maker}


def _pass_on(freeing: Freeing, node: SnapshotRecord, following: SnapshotRecord) -> None:
    following.map_file, node.map_file = node.map_file, ""
    following.data_blocks, node.data_blocks = node.data_blocks, 0
    following.empty_blocks, node.empty_blocks = node.empty_blocks, 0
    if node.snapshot_id in freeing.inheritors:
        freeing.inheritors.remove(node.snapshot_id)
        freeing.inheritors.add(following.snapshot_id)


def _count_alike(node: SnapshotRecord, other: SnapshotRecord) -> bool:
    """Say whether the ledger counts blocks of both nodes in the same line."""
    return (
        node.category == other.category
        and node.tags == other.tags
        and not (node.instant_access or other.instant_access)
    )


def _hand_over(
    call: Call,
    chain: Chain,
    freeing: Freeing,
    run: list[SnapshotRecord],
    following: SnapshotRecord,
    going: set[str],
) -> None:
    """Write the following node's new map, with what it needs of the nodes before it that go."""
    from snapcli.volumes.deletion import hand_over_all

    at = position(chain, run[0])
    below = layers([n for n in chain.nodes[:at] if n.snapshot_id not in going])
    following.generation += 1
    folder = call.chain_home(chain)
    map_file = f"{following.snapshot_id}.{following.generation}.map"
    call.tx.creates(f"{folder}/{map_file}")
    handed = hand_over_all(
        call.tx.path(folder),
        layers(run),
        layers([following])[0],
        is_first=not below,
        generation=following.generation,
        below=below,
    )
    _retire(chain, freeing, run)
    freeing.replaced.append(following.map_file)
    freeing.packs |= _own_packs(chain, following) - {following.number}
    freeing.inheritors.add(following.snapshot_id)
    following.map_file = map_file
    following.data_blocks = handed.data_blocks
    following.empty_blocks = handed.empty_blocks


def _freeing(call: Call, chain: Chain) -> Freeing:
    """Return what this transaction frees in the chain; it may change a chain several times."""
    home = call.chain_home(chain)
    freeing = call.chains_to_free.get(home)
    if freeing is None:
        freeing = call.chains_to_free[home] = Freeing(chain, call.account_id)
    return freeing


def free_unnamed(call: Call) -> None:
    """Once this is committed, give the space of blocks that no map names back (IN-6)."""
    for folder, freeing in call.chains_to_free.items():
        if freeing.chain.nodes:
            _free_in(call.for_account(freeing.account_id), freeing)
        else:
            ledger.keep_ended(call.for_account(freeing.account_id), freeing.chain)
            call.tx.delete(f"{folder}/chain.json")
            call.tx.after_commit("rmdir", {"paths": [folder], "tree": 1})
    call.chains_to_free.clear()


def _free_in(call: Call, freeing: Freeing) -> None:
    """Note what is to be freed in a chain that goes on, and forget the packs that will be gone.

    Looks only at the maps that changed, so that it costs the same in a chain of any length.
    """
    if not freeing.replaced and not freeing.packs:
        return  # only nodes without blocks of their own went
    from snapcli.volumes.deletion import packs_named, survey

    chain = freeing.chain
    folder = call.chain_folder(chain)
    maps = [n.map_file for n in chain.nodes if n.snapshot_id in freeing.inheritors]
    touched = freeing.packs | packs_named(folder, freeing.replaced)
    packs = {number: chain.packs[number] for number in touched if number in chain.packs}
    found = survey(folder, maps, packs)
    if found.wasteful_packs:
        _free_without_holes(call, chain)
        return
    gone = [*freeing.replaced, *(chain.packs.pop(number) for number in found.dead_packs)]
    call.tx.after_commit(
        "trim",
        {
            "folder": call.chain_home(chain),
            "maps": maps,
            "packs": [[n, file] for n, file in packs.items() if n in chain.packs],
            "gone": gone,
        },
    )


def _free_without_holes(call: Call, chain: Chain) -> None:
    """The same on a file system that makes no holes: packs with dead blocks are rewritten."""
    from snapcli.volumes.deletion import survey

    folder = call.chain_folder(chain)
    found = survey(folder, _map_files(chain), chain.packs)
    if found.wasteful_packs:
        _compact(call, chain, found.wasteful_packs)
        found = survey(folder, _map_files(chain), chain.packs)
    for number in found.dead_packs:
        del chain.packs[number]
    call.tx.after_commit(
        "trim",
        {
            "folder": call.chain_home(chain),
            "maps": _map_files(chain),
            "packs": [[number, file] for number, file in chain.packs.items()],
        },
    )


def is_sound(call: Call, chain: Chain) -> bool:
    """Say whether every map of the chain can be read; looked at once in a transaction."""
    from snapcli.volumes.deletion import survey
    from snapcli.volumes.errors import VolumeError

    if call.chain_home(chain) in call.sound_chains:
        return True
    if call.chain_home(chain) in call.unsound_chains:
        return False
    try:
        survey(call.chain_folder(chain), _map_files(chain), chain.packs)
    except VolumeError:
        call.unsound_chains.add(call.chain_home(chain))
        return False
    call.sound_chains.add(call.chain_home(chain))
    return True


def _map_files(chain: Chain) -> list[str]:
    return [node.map_file for node in chain.nodes if node.map_file]


def _compact(call: Call, chain: Chain, wasteful: tuple[int, ...]) -> None:
    """Move live blocks out of packs whose dead bytes can't become holes here (IN-6)."""
    from snapcli.volumes.deletion import compact
    from snapcli.volumes.errors import VolumeError
    from snapcli.volumes.maps import map_name
    from snapcli.volumes.packs import pack_name

    folder = call.chain_home(chain)
    for node in chain.nodes:
        if not node.map_file:
            continue
        generation = node.generation + 1
        for name in (map_name, pack_name):
            call.tx.creates(f"{folder}/{name(node.snapshot_id, generation)}")
        try:
            moved = compact(
                call.tx.path(folder),
                layers([node])[0],
                chain.packs,
                wasteful,
                chain.next_number,
                generation,
            )
        except VolumeError:
            # Most likely the file system is full, and deleting must not fail for that: the space
            # comes back with the next deletion.
            return
        if moved is not None:
            node.generation = generation
            node.map_file = moved.map_file
            chain.packs[chain.next_number] = moved.pack_file
            chain.next_number += 1


def restore_arguments(
    call: Call, owner: Call, disk: DiskRecord, chain: Chain, node: SnapshotRecord, size_gib: int
) -> dict[str, object]:
    """Return what the `restore` finisher needs to make the disk's bytes those of `node`.

    `owner` is the account that the chain belongs to, mostly that of the disk.
    """
    from snapcli.ecs.keys import key_note

    return key_note(owner, chain) | {
        "image": call.image_file(disk),
        "folder": owner.chain_home(chain),
        "layers": [[n.snapshot_id, n.map_file] for n in layers_through(chain, node)],
        "packs": [[number, file] for number, file in chain.packs.items()],
        "length_bytes": size_gib * GIB,
    }
