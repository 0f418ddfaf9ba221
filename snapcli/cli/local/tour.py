"""`snapcli tour`: the main job on real bytes, in a workspace of its own.

The steps and what is said about them; how they are shown and run is in `tour_stage`, what lies on
the disk in `tour_content`. Knows nothing that a person could not find out by the same commands.
"""

import os
import shutil
import tempfile
from time import monotonic

import click
import msgspec

from snapcli.cli import exit_codes
from snapcli.cli.help_layout import helped_command
from snapcli.cli.local import tour_content
from snapcli.cli.local.tour_content import Content, Disk
from snapcli.cli.local.tour_stage import Stage, TourFailure, working_in
from snapcli.cli.session import Session
from snapcli.cli.usage import UsageError
from snapcli.cli.views.listing import bytes_text

_IMAGE = "ubuntu_18_04_x64_20G_alibase_20220101.vhd"
_DAMAGE = b"damaged\n"
_DAMAGE_MIB = 48
_EXAMPLES = """\
  snapcli tour
  # Keep the tour's workspace and look around in it
  snapcli tour --keep demo
  cd demo && snapcli status
"""


class _InstanceIds(msgspec.Struct, rename="pascal"):
    instance_id_set: list[str]


class _Launched(msgspec.Struct, rename="pascal"):
    instance_id_sets: _InstanceIds


class _Disk(msgspec.Struct, rename="pascal"):
    disk_id: str


class _DiskSet(msgspec.Struct, rename="pascal"):
    disk: list[_Disk]


class _Disks(msgspec.Struct, rename="pascal"):
    disks: _DiskSet


class _Created(msgspec.Struct, rename="pascal"):
    snapshot_id: str


class _Node(msgspec.Struct, rename="pascal"):
    data_blocks: int
    size_bytes: int
    compressed_bytes: int


class _Chain(msgspec.Struct, rename="pascal"):
    block_bytes: int
    nodes: list[_Node]


class _Tour:
    """One tour: the stage, the content of the disk, and what was made on the way."""

    def __init__(self, stage: Stage, content: Content) -> None:
        self.stage = stage
        self.content = content
        self.instance_id = ""
        self.disk = Disk("", "")

    def launch(self) -> None:
        """Make the workspace and the instance."""
        stage = self.stage
        stage.title("A workspace, and an instance with a system disk and an ESSD data disk")
        stage.note(f"cd {stage.folder}")
        stage.snapcli("init")
        stage.snapcli("config", "set", "speed", "instant")
        launched = stage.snapcli(
            *("run-instances", "--instance-name", "tour", "--image-id", _IMAGE),
            *("--instance-type", "ecs.g6.large"),
            *("--data-disk", "Size=1,Category=cloud_essd,PerformanceLevel=PL0"),
        )
        ids = msgspec.json.decode(launched, type=_Launched).instance_id_sets.instance_id_set
        [self.instance_id] = ids
        stage.snapcli(
            *("describe-disks", "--instance-id", self.instance_id),
            *("--output", "cols=DiskId,Type,Category,Size,Device", "rows=Disks.Disk[]"),
        )
        words = ("describe-disks", "--instance-id", self.instance_id, "--disk-type", "data")
        [disk] = msgspec.json.decode(stage.answer(*words), type=_Disks).disks.disk
        self.disk = Disk(disk.disk_id, "")

    def fill(self) -> dict[str, str]:
        """Put real files on the data disk; return facts about disk and files."""
        stage = self.stage
        stage.title("Real files on the data disk")
        stage.say(
            "A disk is a sparse file of its full size. Any program can use it: here one that puts "
            "files on it, later one that ruins them."
        )
        path = stage.snapcli("disk", "path", self.disk.disk_id, into="disk").strip()
        self.disk = Disk(self.disk.disk_id, path)
        found = os.stat(path)
        stage.note("stat -c '%s bytes, %b blocks of %B bytes in use' \"$disk\"")
        stage.output(f"{found.st_size} bytes, {found.st_blocks} blocks of 512 bytes in use\n")
        facts = {"disk": bytes_text(os.path.getsize(path))}
        facts |= tour_content.gather(stage.folder)
        return facts | self.content.fill(stage, self.disk)

    def first_snapshot(self, facts: dict[str, str]) -> None:
        """Take the full snapshot and compare its size."""
        stage = self.stage
        stage.title("The first snapshot: the whole disk, without its empty blocks")
        self._create("first")
        [node] = self._chain().nodes
        blocks = f"{node.data_blocks} blocks, {bytes_text(node.size_bytes)}"
        stored = f"{bytes_text(node.compressed_bytes)} after compression"
        stage.facts(facts | {"snapshot": blocks, "stored": stored})

    def second_snapshot(self) -> str:
        """Change a file, take the second snapshot, draw the chain; return the snapshot's id."""
        stage = self.stage
        stage.title("A change, and the second snapshot: only what changed")
        tour_content.add_orders(stage.folder, 1001, 1200)
        stage.say("200 orders are added to orders.csv, and it goes to the disk again.")
        self.content.change(stage, self.disk)
        snapshot_id = self._create("second")
        stage.snapcli("chain", "show", self.disk.disk_id)
        first, second = self._chain().nodes
        if not 0 < second.data_blocks < first.data_blocks:
            raise TourFailure(
                f"The second snapshot has {second.data_blocks} blocks, the first "
                f"{first.data_blocks}; it must have some, and fewer."
            )
        return snapshot_id

    def damage(self) -> None:
        """Overwrite the beginning of the disk and show that it no longer reads."""
        stage = self.stage
        stage.title("An accident")
        length_bytes = _DAMAGE_MIB << 20
        stage.snapcli(
            *("disk", "write", self.disk.disk_id),
            stdin=_DAMAGE * (length_bytes // len(_DAMAGE)),
            source=f"yes damaged | head -c {_DAMAGE_MIB}M",
        )
        reading = self.content.read(stage, self.disk)
        stage.output(reading.text)
        if reading.good:
            raise TourFailure("The disk still reads although its beginning was overwritten.")
        stage.bad("The disk can't be read any more.")

    def roll_back(self, snapshot_id: str) -> None:
        """Bring the disk back to a snapshot: the instance is stopped for it."""
        stage = self.stage
        stage.title("Back to the second snapshot")
        stage.snapcli("stop-instance", "--instance-id", self.instance_id)
        stage.snapcli(
            *("reset-disk", "--disk-id", self.disk.disk_id, "--snapshot-id", snapshot_id, "--yes")
        )
        reading = self.content.read(stage, self.disk)
        stage.output(reading.text)
        if not reading.good:
            raise TourFailure("The disk can't be read although it was rolled back.")

    def compare(self, before: str) -> None:
        """Hold the disk and a file on it against what they were at the snapshot."""
        stage = self.stage
        orders = self.content.orders(stage, self.disk)
        after = self.digest()
        stage.facts({"before": before, "after": after})
        if after != before:
            raise TourFailure(
                f"The disk's SHA-256 is {after} after the rollback; at the snapshot it was "
                f"{before}. Please report this."
            )
        if orders != tour_content.kept_orders(stage.folder):
            raise TourFailure("orders.csv on the disk is not what it was at the snapshot.")
        stage.good("Every byte of the disk is what it was, all 1,200 orders among them.")
        stage.snapcli("start-instance", "--instance-id", self.instance_id)
        stage.snapcli("check", "--read-data")

    def digest(self) -> str:
        """Show the line that prints the SHA-256 of the whole disk, and return it."""
        self.stage.note('sha256sum < "$disk"')
        found = tour_content.sha256(self.disk.path)
        self.stage.output(f"{found}  -\n")
        return found

    def _create(self, name: str) -> str:
        words = ("create-snapshot", "--disk-id", self.disk.disk_id, "--snapshot-name", name)
        return msgspec.json.decode(self.stage.snapcli(*words), type=_Created).snapshot_id

    def _chain(self) -> _Chain:
        found = self.stage.answer("chain", "show", self.disk.disk_id)
        return msgspec.json.decode(found, type=_Chain)


def _play(stage: Stage, *, kept: bool) -> None:
    began = monotonic()
    stage.say(
        "This tour takes two snapshots of a disk, damages the disk and rolls it back. Every line "
        "after a $ is one that you can type. It happens in a folder of its own, "
        + ("which is kept." if kept else "which is removed at the end.")
    )
    tour = _Tour(stage, tour_content.choose())
    tour.launch()
    facts = tour.fill()
    tour.first_snapshot(facts)
    snapshot_id = tour.second_snapshot()
    digest = tour.digest()
    tour.damage()
    tour.roll_back(snapshot_id)
    tour.compare(digest)
    stage.title("What to try next")
    here = f"cd {stage.folder}" if kept else "snapcli tour --keep demo"
    stage.facts(
        {
            here: "this workspace: snapcli status and all else",
            "snapcli init": "a workspace of your own, in .snapcli here",
            "snapcli disk import FILE": "a disk from a raw image that you have",
            "snapcli clock advance 30d": "a month later, now",
            "snapcli ecs DescribeSnapshots": "the form of the real command",
            "snapcli --help": "everything there is",
        }
    )
    stage.say(f"The tour took {monotonic() - began:.1f} seconds.")


def _folder_to_keep(text: str) -> str:
    """Return the absolute folder for --keep, made if need be. Raises UsageError."""
    folder = os.path.abspath(os.path.expanduser(text))
    try:
        os.makedirs(folder, exist_ok=True)
        taken = bool(os.listdir(folder))
    except OSError as error:
        raise UsageError(
            f"The folder {folder} can't be used: {error.strerror}.", exit_codes.REFUSED
        ) from None
    if taken:
        raise UsageError(
            f"The folder {folder} is not empty. Give --keep a new or empty one.",
            exit_codes.REFUSED,
        )
    return folder


@click.pass_obj
def _tour(session: Session, /, keep: str | None) -> None:
    if session.workspace is not None:
        raise UsageError(
            "The tour makes a workspace of its own; --keep DIR says where.", exit_codes.REFUSED
        )
    streams = session.streams
    folder = _folder_to_keep(keep) if keep else tempfile.mkdtemp(prefix="snapcli-tour-")
    try:
        with working_in(folder):
            _play(Stage(streams, folder), kept=bool(keep))
    except TourFailure as failure:
        streams.error(f"ERROR: {failure}")
        click.get_current_context().exit(failure.exit_code)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


command = helped_command(
    "tour",
    _tour,
    "See a disk rolled back, in a workspace of its own.",
    _EXAMPLES,
    [
        click.Option(
            ["--keep"],
            metavar="DIR",
            help="Make the tour's workspace in DIR, a new or empty folder, and keep it.",
        )
    ],
)
