"""Deleting a node: what the next one still needs moves into its map, the rest is freed.

No data block is copied to delete. Two steps, around the caller's commit: `hand_over` publishes
the next node's new map before it, `trim` frees what no map names any more after it. Must not
decide what may be deleted.
"""

import contextlib
import os
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from snapcli.volumes.errors import VolumeError, os_failure
from snapcli.volumes.freeing import can_punch, dead_ranges, free_dead, has_dead_space, is_shared
from snapcli.volumes.images import StrPath, sync_folder
from snapcli.volumes.layers import HandedOver, Layer
from snapcli.volumes.layout import DATA, RECORD, RECORD_BYTES
from snapcli.volumes.maps import MapReader, MapRun, MapWriter, map_name
from snapcli.volumes.views import WINDOW_BLOCKS, View, filled

if TYPE_CHECKING:
    from snapcli.volumes.packs import PackWriter

_RECORDS_AT_ONCE: Final = 32768  # 1 MiB of records

_KEPT_EACH: Final = 16384  # of a thousand maps no more than 16 MiB in memory

# One piece of a merge: whose run, which part of it, and whether an older map has the blocks too
_Piece = tuple[MapReader, MapRun, bool]


def hand_over(
    folder: StrPath,
    deleted: Layer,
    following: Layer | None,
    is_first: bool,
    generation: int,
    below: Sequence[Layer] | None = None,
    sync: bool = True,
) -> HandedOver:
    """Write the following node's map as it is once `deleted` is gone (IN-6).

    It holds the following node's entries and those of the deleted one that it does not
    override; entries for empty blocks go when nothing lies below (`is_first`). With `below`
    (the layers under the deleted one, oldest first) entries that repeat what lies there go too,
    so that every map stays exactly the difference to the view before (IN-4). `generation` names
    the new file and must be new for that snapshot. Nothing is written without a following node.
    Raises DamagedMap, VolumeError; then the new file is not there.
    """
    if following is None:
        return HandedOver(map_file=None, data_blocks=0, empty_blocks=0)
    return hand_over_all(folder, [deleted], following, is_first, generation, below, sync)


def hand_over_all(
    folder: StrPath,
    deleted: Sequence[Layer],
    following: Layer,
    is_first: bool,
    generation: int,
    below: Sequence[Layer] | None = None,
    sync: bool = True,
) -> HandedOver:
    """Do the same for several nodes one after the other (oldest first), in one new map.

    One map is written however many nodes go, so that a thousand cost about what one does.
    """
    chain = os.fspath(folder)
    maps = [_reader(chain, layer) for layer in (*deleted, following)]
    new = maps[-1]
    view = View(chain, below, new.encrypted) if below and not is_first else None
    name = map_name(following.snapshot_id, generation)
    writer = MapWriter(chain, name, new.encrypted)
    try:
        _lay(writer, maps, is_first, view)
        writer.finish(new.view_blocks, new.stamp, sync)
        if sync:
            sync_folder(chain)
    except OSError as error:
        writer.abandon()
        raise os_failure(error, "write", writer.path) from error
    except BaseException:
        writer.abandon()
        raise
    return HandedOver(
        map_file=name, data_blocks=writer.data_blocks, empty_blocks=writer.empty_blocks
    )


def count_all(
    folder: StrPath,
    deleted: Sequence[Layer],
    following: Layer,
    is_first: bool,
    below: Sequence[Layer] | None = None,
) -> int:
    """Return how many data blocks `hand_over_all` would leave on the following node; writes none.

    As `below` all layers under the deleted ones may be given, those that go too included: what
    they show is the same. Raises DamagedMap.
    """
    chain = os.fspath(folder)
    maps = [_reader(chain, layer) for layer in (*deleted, following)]
    view = View(chain, below, maps[-1].encrypted) if below and not is_first else None
    counter = _Counter()
    _lay(counter, maps, is_first, view)
    return counter.data_blocks


class _Writer(Protocol):
    """What a merge of maps is written to."""

    def add_data(self, first: int, records: bytes | memoryview) -> None: ...
    def add_empty(self, first: int, count: int) -> None: ...


class _Counter:
    """Counts data blocks instead of writing them."""

    data_blocks = 0

    def add_data(self, first: int, records: bytes | memoryview) -> None:  # noqa: ARG002
        self.data_blocks += len(records) // RECORD_BYTES

    def add_empty(self, first: int, count: int) -> None:
        pass


def _lay(writer: _Writer, maps: Sequence[MapReader], is_first: bool, view: View | None) -> None:
    """Write maps laid over each other, without what repeats the view below."""
    for source, run, overrides in _overlaid(maps):
        if run[2] != DATA and is_first:
            continue
        if overrides and view is not None:
            _add_where_different(writer, source, run, view)
        elif run[2] == DATA:
            _add_data(writer, source, run)
        else:
            writer.add_empty(run[0], run[1])


def _cut(run: MapRun, first: int, after: int) -> MapRun:
    """The part of a run between two blocks."""
    return first, after - first, run[2], run[3] + first - run[0]


def _reader(chain: str, layer: Layer) -> MapReader:
    """A reader that keeps a small map in memory: many are read piece by piece, by turns."""
    try:
        size = os.stat(f"{chain}/{layer.map_file}").st_size
    except OSError:
        size = 0  # MapReader says what is wrong
    return MapReader(chain, layer, keep=size <= _KEPT_EACH)


def _overlaid(maps: Sequence[MapReader]) -> Iterator[_Piece]:
    """The pieces of maps laid over each other, oldest first; a tree, so that none is far down."""
    if len(maps) == 1:
        return ((maps[0], run, False) for run in maps[0].runs())
    half = len(maps) // 2
    return _merged(_overlaid(maps[:half]), _overlaid(maps[half:]))


def _merged(olds: Iterator[_Piece], news: Iterator[_Piece]) -> Iterator[_Piece]:
    """The pieces of both in ascending order, the new ones winning where both have blocks."""
    under, over = next(olds, None), next(news, None)
    while under is not None or over is not None:
        if over is None or (under is not None and under[1][0] < over[1][0]):
            assert under is not None
            run, after = under[1], under[1][0] + under[1][1]
            stop = after if over is None else min(after, over[1][0])
            yield _part(under, run[0], stop)
            under = next(olds, None) if stop == after else _part(under, stop, after)
            continue
        reader, run, overrides = over
        first, after = run[0], run[0] + run[1]
        stop = after
        if under is not None:
            under_after = under[1][0] + under[1][1]
            if under[1][0] <= first:  # both begin here: up to the shorter one's end
                overrides = True
                stop = min(after, under_after)
                under = next(olds, None) if stop == under_after else _part(under, stop, under_after)
            else:
                stop = min(after, under[1][0])
        yield reader, _cut(run, first, stop), overrides
        over = next(news, None) if stop == after else _part(over, stop, after)


def _part(piece: _Piece, first: int, after: int) -> _Piece:
    """The part of a piece between two blocks."""
    reader, run, overrides = piece
    return reader, _cut(run, first, after), overrides


def _add_data(writer: _Writer, source: MapReader, run: MapRun) -> None:
    first, count, _, record = run
    for done in range(0, count, _RECORDS_AT_ONCE):
        taken = min(_RECORDS_AT_ONCE, count - done)
        writer.add_data(first + done, source.records(record + done, taken))


def _add_where_different(writer: _Writer, source: MapReader, run: MapRun, view: View) -> None:
    """Add the blocks of a run that are not in the view below just so."""
    first, count, kind, record = run
    while count > 0:
        taken = min(count, WINDOW_BLOCKS - first % WINDOW_BLOCKS)
        below = view.slots(first, taken)
        records = source.records(record, taken) if kind == DATA else memoryview(b"")
        for index in range(taken):
            at = index * RECORD_BYTES
            if kind == DATA:
                if records[at : at + 16] != below[at : at + 16]:
                    writer.add_data(first + index, records[at : at + RECORD_BYTES])
            elif filled(below, index):
                writer.add_empty(first + index, 1)
        first, count, record = first + taken, count - taken, record + taken


class TrimResult(msgspec.Struct, frozen=True):
    """What `trim` freed: bytes given back to the file system and the files removed.

    `dead_packs` are the numbers that nothing names any more, their files gone: the caller may
    forget them. `wasteful_packs` hold dead bytes that could not be given back, because the file
    system can't punch holes or the pack has a second name; `compact` gets rid of those.
    """

    freed_bytes: int
    removed_files: tuple[str, ...]
    dead_packs: tuple[int, ...]
    wasteful_packs: tuple[int, ...]


def trim(folder: StrPath, live_maps: Sequence[str], packs: Mapping[int, str]) -> TrimResult:
    """Free everything that no live map names; call it after the commit, under the lock (IN-6).

    `live_maps` are the map files of all nodes of the chain, `packs` the file of each pack
    number. Maps and packs in the folder that nothing names are removed, dead ranges of the
    others become holes. A live node's own `<id>.pack` stays, even without a live block.
    Idempotent: repeated after a crash it frees the rest. Raises DamagedMap, or VolumeError when
    a map names a pack that is not in `packs`, before anything is freed.
    """
    chain = os.fspath(folder)
    live = _live_ranges(chain, live_maps, packs)
    kept = _kept(live_maps, packs, live)
    dead = tuple(number for number, name in packs.items() if name not in kept)
    freed = 0
    wasteful: list[int] = []
    removed: list[str] = []
    try:
        for number, name in packs.items():
            if name in kept and os.path.exists(f"{chain}/{name}"):
                gained, complete = free_dead(f"{chain}/{name}", live.get(number, array("Q")))
                freed += gained
                if not complete:
                    wasteful.append(number)
        for name in sorted(os.listdir(chain)):
            if name.endswith((".map", ".pack")) and name not in kept:
                freed += os.stat(f"{chain}/{name}").st_blocks * 512
                os.unlink(f"{chain}/{name}")
                removed.append(name)
    except OSError as error:
        raise os_failure(error, "free space in", chain) from error
    return TrimResult(freed, tuple(removed), dead, tuple(wasteful))


def packs_named(folder: StrPath, map_files: Sequence[str]) -> set[int]:
    """Return the numbers of the packs that these maps name.

    A block stands in one map only, and moves from there to the next node's. So after a deletion
    the packs that the maps it replaced name are the only ones with something to free, and the
    maps it wrote are the only ones that can still name blocks in them: `survey` and `trim_packs`
    need no other, however long the chain. Raises DamagedMap.
    """
    chain = os.fspath(folder)
    named: set[int] = set()
    for name in map_files:
        reader = MapReader(chain, Layer(name.split(".", 1)[0], name))
        for start in range(0, reader.data_blocks, _RECORDS_AT_ONCE):
            count = min(_RECORDS_AT_ONCE, reader.data_blocks - start)
            records = reader.records(start, count)
            named.update(record[3] for record in RECORD.iter_unpack(records))
    return named


def trim_packs(
    folder: StrPath, live_maps: Sequence[str], packs: Mapping[int, str], gone: Sequence[str]
) -> None:
    """Free what `live_maps` don't name in these packs, and remove the files `gone` (IN-6).

    For a deletion in a long chain: only `live_maps` may name blocks in `packs`, see
    `packs_named`. Call it after the commit, under the lock. Idempotent: repeated after a crash
    it frees the rest. Raises DamagedMap, VolumeError.
    """
    chain = os.fspath(folder)
    live = _live_ranges(chain, live_maps, packs)
    try:
        for number, name in packs.items():
            if os.path.exists(f"{chain}/{name}"):
                free_dead(f"{chain}/{name}", live.get(number, array("Q")))
        for name in gone:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{chain}/{name}")
    except OSError as error:
        raise os_failure(error, "free space in", chain) from error


class Survey(msgspec.Struct, frozen=True):
    """What `trim` will do once these maps are the live ones, known before the commit.

    `dead_packs` are the numbers whose files it will remove; `wasteful_packs` those that it can't
    make holes in, or must not since a copy of the workspace shares them, so that `compact` has to
    get rid of their dead bytes.
    """

    dead_packs: tuple[int, ...]
    wasteful_packs: tuple[int, ...]


def survey(folder: StrPath, live_maps: Sequence[str], packs: Mapping[int, str]) -> Survey:
    """Say which packs will be dead or wasteful; changes nothing.

    Raises DamagedMap, or VolumeError when a map names a pack that is not in `packs`.
    """
    chain = os.fspath(folder)
    live = _live_ranges(chain, live_maps, packs)
    kept = _kept(live_maps, packs, live)
    dead = tuple(number for number, name in packs.items() if name not in kept)
    try:
        shared, holed = _to_be_freed(chain, packs, live)
    except OSError as error:
        raise os_failure(error, "look at", chain) from error
    if holed and not can_punch(f"{chain}/{packs[holed[0]]}"):
        shared += holed
    return Survey(dead, tuple(sorted(shared)))


def _to_be_freed(
    chain: str, packs: Mapping[int, str], live: "Mapping[int, array[int]]"
) -> tuple[list[int], list[int]]:
    """The packs with dead bytes that may not be changed in place, and those that may."""
    shared, holed = [], []
    for number, ranges in live.items():
        path = f"{chain}/{packs[number]}"
        try:
            never_in_place = is_shared(path)
        except FileNotFoundError:
            continue
        if never_in_place:
            if has_dead_space(path, ranges):
                shared.append(number)
        elif next(dead_ranges(ranges), None):
            holed.append(number)
    return shared, holed


def _kept(
    live_maps: Sequence[str], packs: Mapping[int, str], live: Collection[int]
) -> Collection[str]:
    """The map and pack files that stay: those named, and each live node's own pack."""
    own = {f"{name.split('.', 1)[0]}.pack" for name in live_maps}
    return own | set(live_maps) | {packs[number] for number in live}


def _live_ranges(
    chain: str, live_maps: Sequence[str], packs: Mapping[int, str]
) -> "dict[int, array[int]]":
    """For each pack that a live map names: start and end of its live ranges, flat and joined."""
    live: dict[int, array[int]] = {}
    for name in live_maps:
        reader = MapReader(chain, Layer(name.split(".", 1)[0], name))
        for start in range(0, reader.data_blocks, _RECORDS_AT_ONCE):
            count = min(_RECORDS_AT_ONCE, reader.data_blocks - start)
            for _, offset, length, number in RECORD.iter_unpack(reader.records(start, count)):
                ranges = live.get(number)
                if ranges is None:
                    if number not in packs:
                        raise VolumeError(
                            f"{reader.path} names pack {number}, which its chain does not have",
                            reader.path,
                            "`snapcli check` tells which snapshots are concerned",
                        )
                    live[number] = array("Q", (offset, offset + length))
                elif ranges[-1] == offset:  # as captured: one after the other
                    ranges[-1] = offset + length
                else:
                    ranges.extend((offset, offset + length))
    return live


class Compacted(msgspec.Struct, frozen=True):
    """The two new files of a node whose blocks were moved, and the bytes in the new pack."""

    pack_file: str
    map_file: str
    stored_bytes: int


def compact(
    folder: StrPath,
    layer: Layer,
    packs: Mapping[int, str],
    wasteful: Collection[int],
    pack_number: int,
    generation: int,
) -> Compacted | None:
    """Move a node's blocks out of these packs into a new one, as stored, and write its new map.

    What is encrypted is moved as it is; no key is needed. For packs that can't be or must not be
    punched, before a commit of its own; `trim` then removes the old files. `pack_number` and
    `generation` must be new. None, and nothing written, when the node has no block in them.
    Raises DamagedMap, VolumeError; then neither file is there.
    """
    from snapcli.volumes.packs import PackWriter, pack_name

    chain = os.fspath(folder)
    reader = MapReader(chain, layer)
    if not any(
        entry[3] in wasteful for entry in RECORD.iter_unpack(reader.records(0, reader.data_blocks))
    ):
        return None
    encrypted = reader.encrypted
    pack = PackWriter(chain, pack_name(layer.snapshot_id, generation), pack_number, encrypted)
    try:
        writer = MapWriter(chain, map_name(layer.snapshot_id, generation), encrypted)
        try:
            for first, count, kind, index in reader.runs():
                if kind != DATA:
                    writer.add_empty(first, count)
                    continue
                for block in range(count):
                    entry = reader.records(index + block, 1)
                    writer.add_data(first + block, _moved(chain, entry, packs, wasteful, pack))
            pack.finish(sync=True)
            writer.finish(reader.view_blocks, reader.stamp)
            sync_folder(chain)
        except BaseException:
            writer.abandon()
            raise
    except OSError as error:
        pack.abandon()
        raise os_failure(error, "rewrite", pack.path) from error
    except BaseException:
        pack.abandon()
        raise
    return Compacted(
        pack_file=pack_name(layer.snapshot_id, generation),
        map_file=map_name(layer.snapshot_id, generation),
        stored_bytes=pack.end,
    )


def _moved(
    chain: str,
    entry: memoryview,
    packs: Mapping[int, str],
    wasteful: Collection[int],
    pack: "PackWriter",
) -> bytes | memoryview:
    """The record of a block after its stored bytes were moved, or as it is."""
    digest, offset, length, number = RECORD.unpack(entry)
    if number not in wasteful:
        return entry
    fd = os.open(f"{chain}/{packs[number]}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        stored = os.pread(fd, length, offset)
    finally:
        os.close(fd)
    if len(stored) != length:
        raise VolumeError(
            f"{chain}/{packs[number]} ends before a stored block", f"{chain}/{packs[number]}"
        )
    return RECORD.pack(digest, pack.append([stored]), length, pack.number)
