"""Random requests to the service and to the model of its rules, compared after every step.

Each step is one request, made also when it must be refused: the model says with which codes. A
step is drawn as one number, from which all that it does is derived: so a series that fails is made
shorter by leaving steps out, and the steps that are left stay what they are.
"""

import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from robustness_service import BLOCK_BYTES, GIB, LINUX_IMAGE, ZERO_BLOCK, Service, data_blocks
from rules_model import HOME, INSTANT, SLOW, START, Codes, Quotas
from rules_model_groups import AllRules
from rules_records import CATEGORIES, ESSD, Disk, Image, Instance, Snapshot, Tags
from rules_seen import Seen, time

from snapcli.api import ids
from snapcli.api.errors import ApiError
from snapcli.workspace import settings_edit

ZONES = ("cn-hangzhou-h", "cn-hangzhou-i")
PARTNER = "2222222222222222"  # an account that images are shared with
MOST_INSTANCES, MOST_DISKS = 3, 8
PLACES = (0, 1, 2, 16383)
SEEDS = {seed: bytes([seed]) * BLOCK_BYTES for seed in (1, 2, 3)}
SETTINGS: dict[str, str | int | float] = {
    "quotas.manual_snapshots_per_disk": Quotas.manual,
    "quotas.automatic_snapshots_per_disk": Quotas.automatic,
    "quotas.instant_access_snapshots_per_disk": Quotas.instant,
    "quotas.local_snapshots_per_disk": Quotas.local,
    "quotas.tags_per_resource": Quotas.tags,
    "quotas.images_per_region": Quotas.images,
    "quotas.policies_per_region": Quotas.policies,
    "speeds.slow.snapshot_minimum_seconds": SLOW.least,
    "speeds.slow.snapshot_mib_per_second": BLOCK_BYTES / (1 << 20) / SLOW.a_block,
    "speeds.slow.local_snapshot_seconds": SLOW.local,
}

# What a step's parameters are chosen from. Which of several: by the remainder.
WHICH = tuple(range(64))
EITHER = (False, True)
SELDOM = (False, False, False, False, True)
TAGS: tuple[Tags, ...] = (
    *({}, {}, {}, {"a": "1"}, {"a": "2", "b": ""}, {"A": "1"}),
    {"c": "", "d": "", "e": "", "f": "4"},
)

# A series of steps is mostly about those with this in their names.
FOCUSES = (
    "",
    "image",
    "policy",
    "group",
    "copy",
    "lock",
    "archive",
    "disk",
    "roll_back",
    "re_init",
)

Step = Callable[..., None]


def step(weight: int, **choices: Sequence[Any]) -> Callable[[Step], Step]:
    """Make a method a step that is taken so often, its parameters chosen from these."""

    def mark(method: Step) -> Step:
        method.chosen = weight, choices  # type: ignore[attr-defined]
        return method

    return mark


class Machine(RuleBasedStateMachine):
    """What all steps share: the two worlds, choosing, and asking the service."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="snapcli-rules-"))
        self.steps = 0
        self.failed = True  # until a step has come to its end
        self.gone: list[Snapshot] = []
        self.gone_disks: list[Disk] = []

    @initialize(slow=st.booleans(), focus=st.sampled_from(FOCUSES))
    def begin(self, slow: bool, focus: str) -> None:
        """An instance with a data disk, and one that was never attached."""
        self.focus = focus
        ids.seed(1)
        self.service = Service(self.folder / "workspace")
        settings_edit.set_many(
            str(self.service.root), SETTINGS | {"speed": "slow" if slow else "instant"}
        )
        self.service("AddAccount", Name="partner", AccountId=PARTNER)
        self.rules = AllRules(SLOW if slow else INSTANT)
        self.seen = Seen(self.service, self.rules)
        assert self.service("ShowClock")["Now"] == time(START)
        self.run_instance(None, ZONES[0], {})
        self.disk(ESSD, 1)
        self.end()

    def run_instance(self, image: Image | None, zone: str, tags: Tags) -> None:
        """RunInstances with a system disk and, from a public image, a data disk."""
        asked: dict[str, Any] = {}
        if image is None:
            asked |= {f"DataDisk__1__{name}": value for name, value in kind_of(ESSD).items()}
            asked |= {"DataDisk__1__Size": 1}
        size_gib = image.disks[0].size_gib if image else 20
        asked |= {f"SystemDisk__{name}": value for name, value in kind_of(ESSD).items()}
        made = self.ask(
            self.rules.why_not_run(image),
            "RunInstances",
            RegionId=HOME,
            ZoneId=zone,
            ImageId=image.image_id if image else LINUX_IMAGE,
            InstanceType="ecs.g7.large",
            SystemDisk__Size=size_gib,
            **asked,
            **numbered(tags),
        )
        if made is None:
            return
        [instance_id] = made["InstanceIdSets"]["InstanceIdSet"]
        instance = Instance(instance_id, zone, image.image_id if image else LINUX_IMAGE, tags=tags)
        self.rules.instances.append(instance)
        sources = [each.snapshot for each in image.disks] if image else [None, None]
        sizes = [each.size_gib for each in image.disks] if image else [20, 1]
        rows = self.seen.rows("DescribeDisks", InstanceId=instance_id)
        rows.sort(key=lambda row: row["Device"])
        for row, size, source in zip(rows, sizes, sources, strict=True):
            disk = Disk(row["DiskId"], zone, ESSD, size, row["Type"], tags=dict(tags))
            disk.image, disk.instance, disk.ever_attached = image, instance, True
            disk.goes_with_instance, disk.device = True, row["Device"]
            if disk.type == "system":
                disk.origin = instance
            self.add(disk, source)

    def disk(self, category: str, size_gib: int) -> None:
        """CreateDisk, empty, attached to nothing."""
        made = self.service(
            "CreateDisk",
            RegionId=HOME,
            ZoneId=ZONES[0],
            Size=size_gib,
            **kind_of(category, "DiskCategory"),
        )
        self.add(Disk(made["DiskId"], ZONES[0], category, size_gib), None)

    def add(self, disk: Disk, source: Snapshot | None) -> None:
        """Take in a new disk; what a public image gives it is learnt from its bytes."""
        disk.source = source
        if source is not None:
            disk.content, disk.key = dict(source.content), source.disk.key
        else:
            disk.empty = dict(data_blocks(self.service.image(disk.disk_id)))
            assert disk.type == "system" or not disk.empty
            disk.content = dict(disk.empty)
        self.rules.disks.append(disk)
        self.seen.compare_bytes(disk)

    # Steps

    @rule(number=st.integers(0, 2**64 - 1))
    def take_step(self, number: int) -> None:
        chance = random.Random(number)
        steps = [(name, *getattr(type(self), name).chosen) for name in self.step_names()]
        weights = [weight * (4 if self.focus in name else 1) for name, weight, _ in steps]
        [(name, _, choices)] = chance.choices(steps, weights)
        chosen = {each: chance.choice(options) for each, options in choices.items()}
        note(f"{name}({', '.join(f'{each}={value!r}' for each, value in chosen.items())})")
        getattr(self, name)(**chosen)

    @classmethod
    def step_names(cls) -> list[str]:
        return sorted(name for name in dir(cls) if hasattr(getattr(cls, name), "chosen"))

    # Asking

    def ask(self, codes: Codes, action: str, **parameters: Any) -> Any:
        """The answer; None where the request was refused, which must be with one of `codes`."""
        self.failed = True
        try:
            answer = self.service(action, **parameters)
        except ApiError as error:
            note(f"    {action} {parameters}: {error.code}")
            told = f"{action} {parameters} is refused: {error.code}: {error.message}"
            assert error.code in codes, f"{told} The model says {codes or 'that it succeeds'}."
            return None
        note(f"    {action} {parameters}: done")
        assert not codes, f"{action} {parameters} must be refused with {codes}"
        return answer

    def end(self) -> None:
        """Compare, after every step."""
        self.rules.pass_time(timedelta(0))
        self.steps += 1
        self.seen.compare(all_of_it=self.steps % 3 == 0)
        self.failed = False

    # Choosing

    def any_disk(self, which: int) -> Disk:
        """One of the disks; seldom one that was released."""
        disks = [*self.rules.living_disks(), *self.gone_disks[-1:]]
        return disks[which % len(disks)]

    def any_instance(self, which: int) -> Instance | None:
        instances = self.rules.instances
        return instances[which % len(instances)] if instances else None

    def any_snapshot(self, which: int) -> Snapshot | None:
        """One of the snapshots; seldom one that was deleted."""
        snapshots = [*self.rules.snapshots, *self.gone[-1:]]
        return snapshots[which % len(snapshots)] if snapshots else None

    def own_snapshot(self, disk: Disk, which: int) -> Snapshot | None:
        """One of the disk's own, mostly."""
        own = self.rules.chain(disk)
        return own[which % len(own)] if own and which % 5 else self.any_snapshot(which)

    def any_image(self, which: int) -> Image | None:
        """One of the custom images, or None for a public one."""
        images: list[Image | None] = [None, *self.rules.images]
        return images[which % len(images)]

    def note_gone(self, snapshot: Snapshot) -> None:
        self.rules.remove(snapshot)
        self.gone.append(snapshot)

    def write_block(self, disk: Disk, place: int, seed: int) -> None:
        """Write a block, as any program may; seed 0 is zeros."""
        if disk.released or (place + 1) * BLOCK_BYTES > disk.size_gib * GIB:
            return
        content = SEEDS.get(seed, ZERO_BLOCK)
        self.service.write(disk.disk_id, place * BLOCK_BYTES, content)
        if seed:
            disk.content[place] = content
        else:
            disk.content.pop(place, None)

    def teardown(self) -> None:
        try:
            if not self.failed:
                self.seen.compare()
                self.seen.compare_tags()
                self.seen.compare_all_bytes()
                assert self.service.problems() == []
        finally:
            ids.seed(None)
            shutil.rmtree(self.folder)


def kind_of(category: str, name: str = "Category") -> dict[str, Any]:
    """The parameters that ask for a category of disk."""
    level = CATEGORIES[category][0]
    return {name: category} | ({"PerformanceLevel": level} if level else {})


def numbered(tags: Tags) -> dict[str, str]:
    """The parameters that give tags."""
    found = {}
    for number, (key, value) in enumerate(tags.items(), 1):
        found |= {f"Tag__{number}__Key": key, f"Tag__{number}__Value": value}
    return found
