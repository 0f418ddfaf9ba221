"""Putting bytes back: rolling an image back to a view, a new image from a view, reading a view.

A rollback writes only what differs and may be repeated from the start after any interruption.
Every block is checked before it is written. Must not know why it is asked to.
"""

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from blake3 import blake3

from snapcli.volumes.direct import DirectWriter
from snapcli.volumes.errors import os_failure
from snapcli.volumes.fence import Fence
from snapcli.volumes.images import (
    Progress,
    StrPath,
    length_of,
    open_image,
    open_new_image,
    open_to_change,
    sync_folder,
    write_all,
)
from snapcli.volumes.layers import Layer
from snapcli.volumes.layout import (
    BLOCK_BYTES,
    DIGEST_BYTES,
    NO_DIGEST,
    RECORD_BYTES,
    blocks_of,
)
from snapcli.volumes.packs import ZERO_BLOCK, ZERO_DIGEST, BlockReader
from snapcli.volumes.scan import SPAN_BLOCKS, Span, SpanReader, spans
from snapcli.volumes.stamps import same_state
from snapcli.volumes.syscalls import punch_hole, start_write_back
from snapcli.volumes.views import WINDOW_BLOCKS, View, filled_runs
from snapcli.volumes.workers import ordered_map, thread_count

if TYPE_CHECKING:
    from snapcli.volumes.cipher import Cipher

Job = tuple[int, bytes]  # first block, the records of it and those that follow
_WAITING_THREADS: Final = 2  # beside one a core, where writing waits for the disk


class RestorePlan:
    """What a rollback will change: which blocks get other bytes, and which become holes.

    `data_blocks` and `empty_blocks` count them. `seen` is the state of the image that the plan is
    for, None where it would not show that something was written since. Flat arrays of (first
    block, count), so that a plan for a large disk stays small.
    """

    def __init__(
        self,
        image_path: str,
        view: View,
        packs: Mapping[int, str],
        length_bytes: int,
        progress: Progress | None,
        cipher: "Cipher | None" = None,
    ) -> None:
        self.cipher = cipher
        self.image_path = image_path
        self.view = view
        self.packs = packs
        self.length_bytes = length_bytes
        self.progress = progress
        self.seen: os.stat_result | None = None
        self.data_blocks = 0
        self.empty_blocks = 0
        self._data = array("I")
        self._empty = array("I")

    def add_data(self, first: int, count: int) -> None:
        """These blocks get the view's bytes."""
        self.data_blocks += count
        _extend(self._data, first, count)

    def add_empty(self, first: int, count: int) -> None:
        """These blocks become holes."""
        self.empty_blocks += count
        _extend(self._empty, first, count)

    def data_runs(self) -> Iterator[tuple[int, int]]:
        """(first block, count) of what gets other bytes."""
        return zip(self._data[::2], self._data[1::2], strict=True)

    def empty_runs(self) -> Iterator[tuple[int, int]]:
        """(first block, count) of what becomes holes."""
        return zip(self._empty[::2], self._empty[1::2], strict=True)

    def is_current(self) -> bool:
        """Whether the image is still as it was compared; False where nobody can tell."""
        return self.seen is not None and same_state(self.seen, os.stat(self.image_path))

    def jobs(self) -> Iterator[Job]:
        """The blocks to write, at most 2 MiB of them at a time, with their records."""
        for first, count in self.data_runs():
            yield from _jobs(self.view, first, count)


def _extend(runs: "array[int]", first: int, count: int) -> None:
    if runs and runs[-2] + runs[-1] == first:
        runs[-1] += count
    else:
        runs.extend((first, count))


def _jobs(view: View, first: int, count: int) -> Iterator[Job]:
    after = first + count
    while first < after:
        in_window = WINDOW_BLOCKS - first % WINDOW_BLOCKS
        taken = min(SPAN_BLOCKS, after - first, in_window)
        yield first, view.slots(first, taken)
        first += taken


def plan_restore(
    image_path: StrPath,
    folder: StrPath,
    layers: Sequence[Layer],
    packs: Mapping[int, str],
    length_bytes: int,
    progress: Progress | None = None,
    cipher: "Cipher | None" = None,
) -> RestorePlan:
    """Compare an image with the view of `layers` (oldest first) on all cores; changes nothing.

    `length_bytes` is the disk's length at that snapshot; `packs` maps pack numbers to files.
    `progress` is called with bytes compared, and again by `apply_plan` with bytes written;
    `cipher` is that of an encrypted chain, here and below.
    Raises DamagedMap, VolumeError.
    """
    name = os.fspath(image_path)
    view = View(os.fspath(folder), layers, cipher is not None)
    plan = RestorePlan(name, view, packs, length_bytes, progress, cipher)
    fd = open_image(name)
    fence = Fence([name], [fd])
    try:
        fence.lease()
        # What lies past the snapshot's length will be cut off, so it need not be read.
        length = min(length_of(fd), length_bytes)
        total = min(os.fstat(fd).st_blocks * 512, length)
        done = 0
        workers = [_comparer(fd, length, cipher) for _ in range(thread_count())]
        for different, emptied, read_bytes in ordered_map(spans(fd, length, view), workers):
            for first, count in different:
                plan.add_data(first, count)
            for first, count in emptied:
                plan.add_empty(first, count)
            done += read_bytes
            if fence.is_broken():
                fence.give_up()  # whoever waits goes on; what it writes is seen by the plan's state
            if progress is not None:
                progress(min(done, total), total)
        plan.seen = fence.proven(0)
    except OSError as error:
        raise os_failure(error, "read", name) from error
    finally:
        fence.give_up()
        os.close(fd)
    return plan


Difference = tuple[list[tuple[int, int]], list[tuple[int, int]], int]


def _comparer(fd: int, length_bytes: int, cipher: "Cipher | None") -> Callable[[Span], Difference]:
    """The work of one thread: which blocks of a span differ from the view's."""
    reader = SpanReader(fd, length_bytes)
    hasher = blake3 if cipher is None else cipher.hasher
    zero_digest = ZERO_DIGEST if cipher is None else cipher.zero_digest

    def compare(span: Span) -> Difference:
        slots, base, first, count, hole = span
        if hole:
            runs = filled_runs(slots, first - base, count)
            return [(base + slot, length) for slot, length in runs], [], 0
        different: list[tuple[int, int]] = []
        emptied: list[tuple[int, int]] = []
        at = (first - base) * RECORD_BYTES
        for index, plain in enumerate(reader.read(first, count)):
            digest = hasher(plain).digest(length=DIGEST_BYTES)
            wanted = slots[at : at + DIGEST_BYTES]
            if wanted != digest:
                if wanted != NO_DIGEST:
                    different.append((first + index, 1))
                elif digest != zero_digest:
                    emptied.append((first + index, 1))
            at += RECORD_BYTES
        return different, emptied, count * BLOCK_BYTES

    return compare


def verify_plan(plan: RestorePlan) -> None:
    """Read, decompress and check every block that will be written; nothing is changed.

    Raises DamagedBlock for the first that can't be given back (RB-9: never half a disk).
    """
    jobs = plan.jobs()
    for _ in fetched(plan.view, plan.packs, jobs, lambda _first, _blocks: None, plan.cipher):
        pass


Use = Callable[[int, list[bytes]], None]  # first block, plain blocks


def fetched(
    view: View,
    packs: Mapping[int, str],
    jobs: Iterable[Job],
    use: Use,
    cipher: "Cipher | None",
    waiting: int = 0,
) -> Iterator[int]:
    """Read the blocks of all jobs, checked, and hand them to `use` on the reading thread.

    Gives the number of blocks done, job by job. `waiting` is how many threads more than there
    are cores make sense because `use` waits for the disk.
    """
    threads = thread_count() + waiting
    readers = [BlockReader(view.folder, packs, view.holder, cipher) for _ in range(threads)]

    def worker(reader: BlockReader) -> Callable[[Job], int]:
        def work(job: Job) -> int:
            first, records = job
            blocks = reader.blocks(first, records)
            use(first, blocks)
            return len(blocks)

        return work

    try:
        yield from ordered_map(jobs, [worker(reader) for reader in readers])
    finally:
        for reader in readers:
            reader.close()


class _Filler:
    """Writes plain blocks into an image, from any thread, never past its length.

    With `direct`, past the page cache as far as that goes.
    """

    def __init__(
        self, fd: int, length_bytes: int, will_sync: bool, direct: DirectWriter | None = None
    ) -> None:
        self._fd = fd
        self._length = length_bytes
        self._will_sync = will_sync
        self._direct = direct

    def write(self, first: int, blocks: list[bytes]) -> None:
        start = first * BLOCK_BYTES
        wanted = min(len(blocks) * BLOCK_BYTES, self._length - start)
        if wanted <= 0:
            return
        whole = wanted == len(blocks) * BLOCK_BYTES
        if whole and self._direct is not None and self._direct.write(start, blocks):
            return
        written = 0
        if whole:
            written = os.pwritev(self._fd, blocks, start)
        if written < wanted:  # the image's last block is cut, or the disk is getting full
            rest = memoryview(b"".join(blocks))[written:wanted]
            write_all(self._fd, rest, start + written)
        if self._will_sync:
            start_write_back(self._fd, start, wanted)

    def make_empty(self, first: int, count: int) -> None:
        start = first * BLOCK_BYTES
        length = min(count * BLOCK_BYTES, self._length - start)
        if not punch_hole(self._fd, start, length):
            for at in range(start, start + length, BLOCK_BYTES):
                write_all(self._fd, ZERO_BLOCK[: start + length - at], at)

    def fill(
        self,
        view: View,
        packs: Mapping[int, str],
        jobs: Iterable[Job],
        block_count: int,
        progress: Progress | None,
        cipher: "Cipher | None",
    ) -> None:
        """Write all blocks of the jobs; `block_count` says how many, for the progress."""
        done = 0
        waiting = _WAITING_THREADS if self._direct is not None else 0
        for count in fetched(view, packs, jobs, self.write, cipher, waiting):
            done += count
            if progress is not None:
                progress(min(done, block_count) * BLOCK_BYTES, block_count * BLOCK_BYTES)


def apply_plan(plan: RestorePlan) -> None:
    """Make the image what the view is: write what differs, punch what is empty, set the length.

    Synced when it returns. Interrupted at any point, a new plan finishes it. Raises
    DamagedBlock (never after a `verify_plan` of undamaged files), VolumeError.
    """
    fd = open_to_change(plan.image_path, plan.length_bytes)
    try:
        os.ftruncate(fd, plan.length_bytes)
        filler = _Filler(fd, plan.length_bytes, will_sync=True)
        jobs = plan.jobs()
        filler.fill(plan.view, plan.packs, jobs, plan.data_blocks, plan.progress, plan.cipher)
        for first, count in plan.empty_runs():
            filler.make_empty(first, count)
        os.fsync(fd)
    except OSError as error:
        raise os_failure(error, "write", plan.image_path) from error
    finally:
        os.close(fd)


def restore(
    image_path: StrPath,
    folder: StrPath,
    layers: Sequence[Layer],
    packs: Mapping[int, str],
    length_bytes: int,
    progress: Progress | None = None,
    cipher: "Cipher | None" = None,
) -> RestorePlan:
    """Plan and apply at once: what finishes a rollback that a crash interrupted (RB-9)."""
    plan = plan_restore(image_path, folder, layers, packs, length_bytes, progress, cipher)
    apply_plan(plan)
    return plan


def write_new(
    image_path: StrPath,
    folder: StrPath,
    layers: Sequence[Layer],
    packs: Mapping[int, str],
    length_bytes: int,
    progress: Progress | None = None,
    sync: bool = True,
    cipher: "Cipher | None" = None,
) -> None:
    """A new sparse image with the view's bytes, `length_bytes` long (OV-3).

    May be longer than the snapshot's disk: zeros follow. Raises DamagedBlock, DamagedMap,
    VolumeError (also when the image exists); then no image is left.
    """
    name = os.fspath(image_path)
    view = View(os.fspath(folder), layers, cipher is not None)
    fd = open_new_image(name, length_bytes)
    direct = DirectWriter(name) if sync else None
    try:
        jobs = view_jobs(view, 0, blocks_of(length_bytes))
        block_count = view.newest.view_blocks if view.newest is not None else 0
        filler = _Filler(fd, length_bytes, sync, direct)
        filler.fill(view, packs, jobs, block_count, progress, cipher)
        if sync:
            os.fsync(fd)
            sync_folder(os.path.dirname(name) or ".")
    except OSError as error:
        os.unlink(name)
        raise os_failure(error, "write", name) from error
    except BaseException:
        os.unlink(name)
        raise
    finally:
        if direct is not None:
            direct.close()
        os.close(fd)


def view_jobs(view: View, first: int, after: int) -> Iterator[Job]:
    """All data blocks of a view between two blocks."""
    after = min(after, view.end_block)
    while first < after:
        base = first - first % WINDOW_BLOCKS
        stop = min(after, base + WINDOW_BLOCKS)
        for slot, count in filled_runs(
            view.window(base // WINDOW_BLOCKS), first - base, stop - first
        ):
            yield from _jobs(view, base + slot, count)
        first = stop


def read_view(
    folder: StrPath,
    layers: Sequence[Layer],
    packs: Mapping[int, str],
    offset_bytes: int,
    length_bytes: int,
    cipher: "Cipher | None" = None,
) -> Iterator[bytes]:
    """The bytes of a view from `offset_bytes` on, in pieces of at most one block.

    Past the end of what was captured come zeros. Raises DamagedBlock, DamagedMap.
    """
    view = View(os.fspath(folder), layers, cipher is not None)
    reader = BlockReader(view.folder, packs, view.holder, cipher)
    end = offset_bytes + length_bytes
    try:
        while offset_bytes < end:
            block, skipped = divmod(offset_bytes, BLOCK_BYTES)
            taken = min(BLOCK_BYTES - skipped, end - offset_bytes)
            slot = view.slots(block, 1)
            plain = (
                ZERO_BLOCK if slot[:DIGEST_BYTES] == NO_DIGEST else reader.blocks(block, slot)[0]
            )
            yield plain[skipped : skipped + taken]
            offset_bytes += taken
    finally:
        reader.close()
