"""What an operation function is given: the transaction, the time, and ways to find resources.

Loads documents on first touch. Decides nothing: the rules are in the resource modules.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from snapcli.api import ids
from snapcli.api.dispatch import Caller
from snapcli.api.errors import ApiError
from snapcli.ecs.chain_ids import copies_id_of, disk_id_of
from snapcli.ecs.records import (
    Account,
    Chain,
    DiskRecord,
    InstanceRecord,
    Inventory,
    SnapshotRecord,
)
from snapcli.ecs.region_data import REGION_BY_CODE, REGIONS

if TYPE_CHECKING:
    from snapcli.api.operation import Response
    from snapcli.ecs.events import Log
    from snapcli.ecs.steps import Steps
    from snapcli.workspace.settings import Settings
    from snapcli.workspace.store import Transaction

ACCOUNTS_FILE = "state/accounts.json"
FIRST_ACCOUNT = "default"
FROZEN_FOLDER = "guests/.frozen"  # of all accounts: what says which guests are frozen


class Freeing(msgspec.Struct):
    """What a transaction takes out of a chain, so that only that is looked at to free it.

    `replaced` are the map files that it removed or rewrote, `packs` the numbers of the packs that
    its nodes made, `inheritors` the snapshots whose new maps hold what was still needed of them.
    """

    chain: Chain
    account_id: str
    replaced: list[str] = []
    packs: set[int] = set()
    inheritors: set[str] = set()


class Call:
    """One operation's view of the workspace, inside one transaction."""

    def __init__(self, tx: "Transaction", caller: Caller, account_id: str = "") -> None:
        """Act for the account with this id; without one for the workspace's first."""
        self.tx = tx
        self.caller = caller
        self.account_id = account_id or tx.settings.account_id
        self.home = home_of(self.account_id, tx.settings)
        self.now: datetime = tx.now
        self.chains_to_free: dict[str, Freeing] = {}  # by folder
        self.sound_chains: set[str] = set()  # by folder, as far as they were looked at
        self.unsound_chains: set[str] = set()
        self.regions_to_fold: set[tuple[str, str]] = set()  # account and region: see usage
        self.to_settle: Log | None = None  # set where time is to be settled after the commit
        self.afterwards: Callable[[Steps], Response] | None = None  # work that holds no lock

    @property
    def settings(self) -> "Settings":
        """The workspace's settings."""
        return self.tx.settings

    @property
    def account(self) -> Account:
        """The account's record."""
        return self.tx.load(self.home + "state/account.json", Account, Account)

    def for_account(self, account_id: str) -> "Call":
        """Return this call as another account of the workspace would make it."""
        if account_id == self.account_id:
            return self
        other = Call(self.tx, self.caller, account_id)
        other.now = self.now
        other.chains_to_free = self.chains_to_free
        other.sound_chains, other.unsound_chains = self.sound_chains, self.unsound_chains
        other.regions_to_fold = self.regions_to_fold
        return other

    def due(self, instant: datetime) -> None:
        """Remember that something falls due at `instant`, for the lifecycle to look at."""
        account = self.account
        if account.next_due_at is None or instant < account.next_due_at:
            account.next_due_at = instant

    # Regions

    def inventory(self, region_id: str) -> Inventory:
        """Return the inventory of a region, empty when nothing was ever made there."""
        return self.tx.load(f"{self.home}state/{region_id}/inventory.json", Inventory, Inventory)

    def regions_in_use(self) -> list[str]:
        """Return the regions that have an inventory or chains."""
        found = {
            name for top in ("state", "chains") for name in self.tx.folder_names(self.home + top)
        }
        return sorted(found & REGIONS.keys())

    def _regions_for(self, resource_id: str) -> list[str]:
        """Return the regions where `resource_id` may be, its own region first."""
        _, _, body = resource_id.partition("-")
        home = REGION_BY_CODE.get(body[:3])
        in_use = self.regions_in_use()
        return [home] if home in in_use else in_use

    # Instances and disks

    def instance(
        self, instance_id: str, code: str = "InvalidInstanceId.NotFound", status: int = 404
    ) -> InstanceRecord:
        """Find an instance by id in all regions, or raise ApiError."""
        for region_id in self._regions_for(instance_id):
            record = self.inventory(region_id).instances.get(instance_id)
            if record is not None:
                return record
        raise ApiError(
            code, status, f"There is no instance {instance_id!r}. DescribeInstances lists them."
        )

    def find_disk(self, disk_id: str) -> DiskRecord | None:
        """Find a disk by id in all regions."""
        for region_id in self._regions_for(disk_id):
            record = self.inventory(region_id).disks.get(disk_id)
            if record is not None:
                return record
        return None

    def disk(
        self, disk_id: str, code: str = "InvalidDiskId.NotFound", status: int = 404
    ) -> DiskRecord:
        """Find a disk by id in all regions, or raise ApiError."""
        record = self.find_disk(disk_id)
        if record is None:
            raise ApiError(code, status, f"There is no disk {disk_id!r}. DescribeDisks lists them.")
        return record

    def disks_of(self, instance: InstanceRecord) -> list[DiskRecord]:
        """Return the disks attached to an instance, the system disk first."""
        disks = self.inventory(instance.region_id).disks.values()
        attached = [disk for disk in disks if disk.instance_id == instance.instance_id]
        return sorted(attached, key=lambda disk: (disk.type != "system", disk.device))

    def image_file(self, disk: DiskRecord) -> str:
        """Return where a disk's bytes are, relative to the workspace."""
        return f"{self.home}disks/{disk.region_id}/{disk.disk_id}.raw"

    def image_path(self, disk: DiskRecord) -> str:
        """Return where a disk's bytes are, as an absolute path."""
        return self.tx.path(self.image_file(disk))

    # Chains and snapshots

    def chain_file(self, region_id: str, chain_id: str) -> str:
        """Return where a chain's document is, relative to the workspace."""
        return f"{self.home}chains/{region_id}/{chain_id}/chain.json"

    def chain_home(self, chain: Chain) -> str:
        """Return the folder of a chain's files, relative to the workspace."""
        return f"{self.home}chains/{chain.region_id}/{chain.link_id}"

    def chain_folder(self, chain: Chain) -> str:
        """Return the folder of a chain's block files, as an absolute path."""
        return self.tx.path(self.chain_home(chain))

    def chain(self, region_id: str, chain_id: str) -> Chain | None:
        """Return a chain by its id, a disk's own by the disk's id, or None when there is none."""
        if "/" in chain_id:
            return None  # no chain's id, and no way into another folder
        file = self.chain_file(region_id, chain_id)
        return self.tx.load(file, Chain) if self.tx.exists(file) else None

    def linked_chain(self, region_id: str, link_id: str) -> Chain | None:
        """Return the chain with this id, else the disk's own that `sl-…` stands for (IN-3)."""
        return self.chain(region_id, link_id) or self.chain(region_id, disk_id_of(link_id))

    def chain_of_copies(self, region_id: str, disk_id: str) -> Chain | None:
        """Return the chain of the copies that a region has of a disk's snapshots, or None."""
        return self.chain(region_id, copies_id_of(disk_id))

    def new_chain(self, disk: DiskRecord) -> Chain:
        """Return the disk's chain, made now when it has none."""
        return self.tx.load(
            self.chain_file(disk.region_id, disk.disk_id),
            Chain,
            lambda: Chain(
                disk_id=disk.disk_id, region_id=disk.region_id, kms_key_id=disk.kms_key_id
            ),
        )

    def chains(self, region_id: str) -> Iterator[Chain]:
        """Yield every chain of a region."""
        for disk_id in self.tx.folder_names(f"{self.home}chains/{region_id}"):
            chain = self.chain(region_id, disk_id)
            if chain is not None:
                yield chain

    def find_snapshot(self, snapshot_id: str) -> tuple[Chain, SnapshotRecord] | None:
        """Find a snapshot by id in all regions.

        Its pack bears its name, so one look a chain finds the chain. A snapshot that failed or
        holds nothing of its own has no pack: its id is looked for in the bytes of the documents
        before any is decoded.
        """
        if not snapshot_id.startswith("s-") or "/" in snapshot_id:
            return None
        for region_id in self._regions_for(snapshot_id):
            for disk_id in self._likely_first(region_id, snapshot_id):
                chain = self.chain(region_id, disk_id)
                for node in chain.nodes if chain else ():
                    if node.snapshot_id == snapshot_id:
                        assert chain is not None
                        return chain, node
        return None

    def _likely_first(self, region_id: str, snapshot_id: str) -> Iterator[str]:
        """Yield a region's chains by folder, those first that will have the snapshot."""
        likely = self._disks_with_pack(region_id, snapshot_id)
        yield from likely
        others = []
        for name in self.tx.folder_names(f"{self.home}chains/{region_id}"):
            if name in likely:
                continue
            if self.tx.mentions(self.chain_file(region_id, name), snapshot_id):
                yield name
            else:
                others.append(name)
        yield from others  # one of them may be damaged, which has to be told

    def _disks_with_pack(self, region_id: str, snapshot_id: str) -> list[str]:
        """Return whose chain has this snapshot's pack; reads no document."""
        return [
            disk_id
            for disk_id in self.tx.folder_names(f"{self.home}chains/{region_id}")
            if self.tx.exists(f"{self.home}chains/{region_id}/{disk_id}/{snapshot_id}.pack")
        ]

    def snapshot(
        self, snapshot_id: str, code: str = "InvalidSnapshotId.NotFound", status: int = 404
    ) -> tuple[Chain, SnapshotRecord]:
        """Find a snapshot and its chain, or raise ApiError."""
        found = self.find_snapshot(snapshot_id)
        if found is None:
            raise ApiError(
                code, status, f"There is no snapshot {snapshot_id!r}. DescribeSnapshots lists them."
            )
        return found

    # New ids

    def new_id(self, prefix: str, region_id: str) -> str:
        """Return an id that no resource of the region bears."""
        inventory = self.inventory(region_id)
        taken = {
            "i": inventory.instances.__contains__,
            "d": lambda new: new in inventory.disks or self.chain(region_id, new) is not None,
            # Packs only: to read every chain would make each snapshot slower with every disk,
            # and one damaged chain would stop those of all others.
            "s": lambda new: bool(self._disks_with_pack(region_id, new)),
            "m": inventory.images.__contains__,
            "sp": inventory.policies.__contains__,
        }.get(prefix, lambda _: False)
        return ids.resource_id(prefix, REGIONS[region_id].code, taken)

    # Long work

    def progress(self, what: str) -> "ProgressOf | None":
        """Return a callback (done bytes, total bytes) for long work, when the caller shows any."""
        return ProgressOf(self.caller, what) if self.caller.progress else None


def home_of(account_id: str, settings: "Settings") -> str:
    """Return the folder of an account's things, with a stroke; the first one's is the workspace."""
    return "" if account_id == settings.account_id else f"accounts/{account_id}/"


class ProgressOf:
    """Tells the caller how far one piece of long work has come."""

    def __init__(self, caller: Caller, what: str) -> None:
        self._caller = caller
        self._what = what

    def __call__(self, done_bytes: int, total_bytes: int) -> None:
        """Pass on `done_bytes` of `total_bytes`."""
        if self._caller.progress:
            self._caller.progress(self._what, done_bytes, total_bytes)
