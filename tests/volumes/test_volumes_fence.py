"""What a fence promises: nothing was written while it stood, on every kind of file system."""

import contextlib
import mmap
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from holding import loop_device, needs_loop
from real_file_systems import CLONING, MAKERS, UNDATED, mounted
from volumes_model import B, Chain

from snapcli.volumes import fence, stamps
from snapcli.volumes import together as together_module
from snapcli.volumes.capture import capture
from snapcli.volumes.errors import ImageBusy
from snapcli.volumes.fence import Fence
from snapcli.volumes.images import create_image
from snapcli.volumes.layers import Captured, Layer
from snapcli.volumes.layout import NO_STAMP
from snapcli.volumes.maps import MapReader
from snapcli.volumes.restore import read_view
from snapcli.volumes.scan import SpanReader
from snapcli.volumes.syscalls import has_lease, has_writer
from snapcli.volumes.together import together

BLOCKS = 96
CAPTURES = 12


@pytest.fixture(params=[*MAKERS, *UNDATED])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder on a loop-mounted file system of each kind."""
    with mounted(request.param, tmp_path) as mount:
        yield mount


def new_disk(path: Path) -> Path:
    create_image(path, BLOCKS * B)
    with open(path, "r+b") as file:
        file.write(os.urandom(BLOCKS * B))
    return path


def taken(images: list[Path], folder: Path) -> list[bytes] | None:
    """What the members of a group hold, captured as ecs does it; None when it was refused.

    A group of one is captured as a disk by itself.
    """
    names = [f"s-{number}" for number in range(len(images))]
    for name in names:
        for suffix in ("pack", "map"):
            (folder / f"{name}.{suffix}").unlink(missing_ok=True)
    try:
        if len(images) == 1:
            return [whole_view(folder, names[0], capture(images[0], folder, [], names[0], 1))]
        with together(images, folder) as held:
            captured = [
                capture(source, folder, [], name, 1, still=held.still)
                for source, name in zip(held.sources, names, strict=True)
            ]
            if not held.is_one_instant():
                return None
    except ImageBusy:
        return None
    return [whole_view(folder, *each) for each in zip(names, captured, strict=True)]


def whole_view(folder: Path, name: str, got: Captured) -> bytes:
    """All bytes of a chain's only snapshot."""
    layers, packs = [Layer(name, got.map_file)], {1: got.pack_file}
    return b"".join(read_view(folder, layers, packs, 0, BLOCKS * B))


@contextlib.contextmanager
def counting(
    mode: str, first: Path, at: int, second: Path, then: int
) -> Iterator["subprocess.Popen[bytes]"]:
    """Let a program count in two places, in the first one first."""
    program = Path(__file__).with_name("two_counters.py")
    words = [sys.executable, program, mode, first, str(at), second, str(then)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdin is not None and writer.stdout is not None
        try:
            assert writer.stdout.readline()  # it has the files open
            yield writer
        finally:
            assert writer.poll() is None
            writer.stdin.close()
            writer.send_signal(signal.SIGCONT)
            writer.wait()


def number_at(content: bytes, offset: int) -> int:
    return int(struct.unpack_from("<Q", content, offset)[0])


LAST = (BLOCKS - 1) * B + 4096


@pytest.mark.slow
@pytest.mark.rule("OV-2", "GR-3")
@pytest.mark.parametrize("mode", ["mapped", "flushed", "written"])
@pytest.mark.parametrize("disks", [1, 2])
@pytest.mark.parametrize("backwards", [False, True])
def test_of_two_counters_the_second_is_never_ahead_of_the_first(
    place: Path, mode: str, disks: int, backwards: bool
) -> None:
    """At the two ends of a disk, or on two disks of a group, whichever of them is read first."""
    folder = place / "chain"
    folder.mkdir()
    images = [new_disk(place / f"disk-{number}.raw") for number in range(disks)]
    places = [(0, 8), (disks - 1, LAST)]
    for number, at in places:
        with open(images[number], "r+b") as file:
            os.pwrite(file.fileno(), bytes(8), at)
    (one, one_at), (two, two_at) = places[::-1] if backwards else places

    def check(contents: list[bytes] | None) -> bool:
        if contents is None:
            return False
        first, second = number_at(contents[one], one_at), number_at(contents[two], two_at)
        assert first - second in (0, 1), (first, second)
        return True

    with counting(mode, images[one], one_at, images[two], two_at) as writer:
        outcomes = [check(taken(images, folder)) for _ in range(CAPTURES)]
        writer.send_signal(signal.SIGSTOP)  # the images are open, and still
        last = check(taken(images, folder))
    kind = place.name.removeprefix("mnt-")
    if kind in UNDATED and mode != "written":
        assert not any(outcomes) and not last  # nobody could say whether it was written to
        return
    assert last
    if disks == 1 and kind in CLONING:
        assert all(outcomes)


@pytest.mark.slow
@needs_loop
@pytest.mark.rule("OV-2")
def test_a_block_device_in_an_images_place_is_captured_when_nothing_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backing = tmp_path / "backing"
    backing.write_bytes(os.urandom(BLOCKS * B))
    with loop_device(backing) as device:
        chain = tmp_path / "chain"
        chain.mkdir()
        got = capture(device, chain, [], "s-1", 1)
        assert whole_view(chain, "s-1", got) == backing.read_bytes()
        assert MapReader(str(chain), Layer("s-1", got.map_file)).stamp == NO_STAMP
        real = SpanReader.read

        def read(self: SpanReader, first: int, count: int) -> list[memoryview]:
            with open(device, "r+b", buffering=0) as file:
                os.pwrite(file.fileno(), os.urandom(512), 0)
            return real(self, first, count)

        monkeypatch.setattr(SpanReader, "read", read)
        with pytest.raises(ImageBusy):
            capture(device, chain, [], "s-2", 2)


@pytest.mark.slow
def test_a_second_write_within_the_step_of_the_dates_is_seen_by_the_next_capture(
    place: Path,
) -> None:
    """Written, captured, written again in the same second, then left alone: each is seen."""
    chain = Chain(place, 4 * B)
    for turn in range(6):
        time.sleep(1 - time.time() % 1)  # a second begins
        chain.change({0: 2 * turn + 1})
        chain.snapshot()
        chain.change({0: 2 * turn + 2})
        time.sleep(0.01 * turn)
        chain.snapshot()
        chain.snapshot()
    time.sleep(2.1)
    chain.snapshot()
    chain.check()


@pytest.mark.slow
def test_an_image_that_was_left_alone_for_long_enough_is_not_read_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place.name.removeprefix("mnt-") in UNDATED:
        pytest.skip("no date proves anything here")
    chain = Chain(place, 4 * B)
    chain.change({0: 1})
    time.sleep(4)  # longer than whole seconds need
    chain.snapshot()
    reads: list[int] = []
    monkeypatch.setattr(SpanReader, "read", lambda *words: reads.append(words[1]))
    chain.snapshot()
    assert reads == []


@pytest.mark.parametrize(
    ("age_ns", "fraction_ns", "promised"),
    [
        (10_000_000, 1, False),
        (30_000_000, 1, True),
        (999_999_999, 0, False),
        (1_000_000_000, 0, False),  # older than the step, but the clock may be set back a little
        (2_000_000_000, 0, True),
        (-1_000_000_000, 1, False),
    ],
)
def test_a_stamp_needs_a_state_older_than_the_steps_of_its_file_systems_dates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age_ns: int, fraction_ns: int, promised: bool
) -> None:
    monkeypatch.setattr(stamps, "writes_are_dated", lambda fd: True)
    monkeypatch.setattr(stamps, "is_dated_by_this_machine", lambda fd: True)
    now_ns = time.clock_gettime_ns(time.CLOCK_REALTIME) // 1_000_000_000 * 1_000_000_000
    (tmp_path / "image").write_bytes(b"x")
    with open(tmp_path / "image", "rb") as file:
        state = dated(os.fstat(file.fileno()), now_ns - age_ns - age_ns % 2 + fraction_ns)
        now_ns = state.st_ctime_ns + age_ns
        stamp = stamps.stamp_of(file.fileno(), state, now_ns)
    assert (stamp != NO_STAMP) == promised


def dated(state: os.stat_result, ctime_ns: int) -> Any:
    """The same state, changed at another instant."""
    fields = {name: getattr(state, name) for name in dir(state) if name.startswith("st_")}
    return SimpleNamespace(**(fields | {"st_ctime_ns": ctime_ns}))


@pytest.mark.parametrize("ahead_seconds", [-3600, -5, 5, 3600])
def test_a_file_system_whose_clock_is_not_ours_gives_no_stamp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_seconds: int
) -> None:
    monkeypatch.setattr(stamps, "writes_are_dated", lambda fd: True)
    monkeypatch.setattr(stamps, "is_dated_by_this_machine", lambda fd: True)
    (tmp_path / "image").write_bytes(b"x")
    now_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
    with open(tmp_path / "image", "rb") as file:
        state = dated(os.fstat(file.fileno()), now_ns + ahead_seconds * 10**9 - 10**8 + 1)
        theirs = now_ns + ahead_seconds * 10**9
        assert stamps.stamp_of(file.fileno(), state, theirs) == NO_STAMP
        ours = dated(state, now_ns - 10**8 + 1)
        assert stamps.stamp_of(file.fileno(), ours, now_ns) != NO_STAMP
        assert stamps.stamp_of(file.fileno(), ours, None) == NO_STAMP


def test_a_stamp_ends_when_the_machines_clock_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a write could get the very date that is there already."""
    monkeypatch.setattr(stamps, "writes_are_dated", lambda fd: True)
    monkeypatch.setattr(stamps, "is_dated_by_this_machine", lambda fd: True)
    (tmp_path / "image").write_bytes(b"x")
    now_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
    with open(tmp_path / "image", "rb") as file:
        state = dated(os.fstat(file.fileno()), now_ns - 10**8 + 1)
        stamp = stamps.stamp_of(file.fileno(), state, now_ns)
        assert stamps.matches(stamp, state)
        real = stamps.clock_gettime_ns
        monkeypatch.setattr(
            stamps,
            "clock_gettime_ns",
            lambda clock: real(clock) - (10**9 if clock == time.CLOCK_REALTIME else 0),
        )
        assert not stamps.matches(stamp, state)


def test_a_date_that_lies_ahead_is_renewed_before_it_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the clock was set back it would stay as it is for all writes to come."""
    image = tmp_path / "image"
    image.write_bytes(b"x")
    before = image.stat().st_ctime_ns
    time.sleep(0.05)
    answers = iter([before - 10**9])  # as if the clock stood a second before the last change
    real = fence.file_system_now_ns
    monkeypatch.setattr(
        fence, "file_system_now_ns", lambda *words: next(answers, None) or real(*words)
    )
    with open(image, "r+b") as writer, open(image, "rb") as file:
        watched = Fence([str(image)], [file.fileno()])
        assert not watched.lease()
        assert watched.watch()
        assert image.stat().st_ctime_ns > before
        writer.write(b"y")
        writer.flush()
        assert not watched.holds()


def test_a_lease_is_taken_of_all_images_or_of_none(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "ab"]
    for path in paths:
        path.write_bytes(b"x")
    with open(paths[0], "rb") as one, open(paths[1], "rb") as two:
        stood = Fence([str(path) for path in paths], [one.fileno(), two.fileno()])
        with stood, open(paths[1], "r+b"):
            assert not stood.lease() and not stood.leased
            assert has_writer(one.fileno()) is False and has_writer(two.fileno()) is True
            assert not has_lease(one.fileno())
        with stood:
            assert stood.lease() and stood.holds() and not stood.is_broken()
        assert not has_lease(one.fileno()) and not has_lease(two.fileno())


def test_a_lease_that_somebody_waits_for_holds_no_longer(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(b"x")
    with open(image, "rb") as file:
        stood = Fence([str(image)], [file.fileno()])
        assert stood.lease() and stood.holds()
        writer = threading.Thread(target=lambda: open(image, "r+b").close())
        writer.start()
        try:
            for _ in range(1000):
                if stood.is_broken():
                    break
                time.sleep(0.01)
            assert not stood.holds()
            assert stood.stamp(0) == NO_STAMP
        finally:
            stood.give_up()
            writer.join()


@pytest.mark.slow
@pytest.mark.rule("GR-3")
@pytest.mark.parametrize("kind", CLONING)
def test_a_store_between_the_clones_of_two_members_makes_them_be_cloned_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A store to a page that is dirty already, on the disk that was cloned first."""
    with mounted(kind, tmp_path) as place, contextlib.ExitStack() as opened:
        folder = place / "chain"
        folder.mkdir()
        images = [new_disk(place / f"disk-{number}.raw") for number in (1, 2)]
        pages = []
        for image in images:
            file = opened.enter_context(open(image, "r+b"))
            pages.append(opened.enter_context(mmap.mmap(file.fileno(), BLOCKS * B)))
        for page in pages:
            page[0] = 1
        real = together_module.clone
        cloned: list[int] = []

        def clone(source: int, target: int) -> bool:
            done = real(source, target)
            cloned.append(source)
            if len(cloned) == 1:
                pages[0][0] = 2
                pages[1][0] = 2
            return done

        monkeypatch.setattr(together_module, "clone", clone)
        contents = taken(images, folder)
        assert contents is not None
        assert [content[0] for content in contents] == [2, 2]
        assert len(cloned) == 4
