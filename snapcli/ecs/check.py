"""`check`: whether documents, disks, maps and stored blocks are what they should be.

Changes nothing. Each problem names the file, the snapshot and block, and the disks it touches.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec

from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.ecs.accounts import account_ids
from snapcli.ecs.call import Call
from snapcli.ecs.events import JOURNAL_FILE
from snapcli.ecs.ledger import usage_file
from snapcli.ecs.nodes import layers
from snapcli.ecs.records import (
    GIB,
    Account,
    Assistant,
    Chain,
    Events,
    Inventory,
    Ram,
    Usage,
)
from snapcli.workspace.clock_mark import MARK_NAME
from snapcli.workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from snapcli.volumes.verify import Problem


D = TypeVar("D", bound=msgspec.Struct)


class CheckWorkspaceRequest(Request):
    """How thoroughly to check."""

    read_data: Annotated[bool, "Read every stored block and compare its digest."] = False


class ProblemItem(Item):
    """One thing that is wrong."""

    file: str
    message: str
    snapshot_id: str = ""
    block: int | None = None
    disks: list[str] = []


class CheckWorkspaceResponse(Response):
    """What was checked and what is wrong with it; nothing wrong is an empty list."""

    documents: int
    disks: int
    chains: int
    snapshots: int
    data_blocks: int
    data_was_read: bool
    problems: list[ProblemItem]


@operation("CheckWorkspace", lock=False, changes=False, settles=False)
def check_workspace(call: Call, request: CheckWorkspaceRequest) -> CheckWorkspaceResponse:
    """Verify the workspace's documents, disks and chains."""
    checkers = [
        _Checker(call.for_account(account_id), request.read_data)
        for account_id in account_ids(call.tx)
    ]
    for checker in checkers:
        checker.check_all()
    problems = [problem for checker in checkers for problem in checker.problems]
    chains = [chain for checker in checkers for chain in checker.chains]
    unread = [chain for checker in checkers for chain in checker.unread_chains()]
    return CheckWorkspaceResponse(
        documents=sum(checker.document_count for checker in checkers),
        disks=sum(len(i.disks) for checker in checkers for i in checker.inventories.values()),
        chains=len(chains),
        snapshots=sum(len(chain.nodes) for chain in chains),
        data_blocks=_data_blocks(chains) - _data_blocks(unread),
        data_was_read=request.read_data,
        problems=[*_mark_problems(call), *problems],
    )


def _mark_problems(call: Call) -> list[ProblemItem]:
    """Return what is wrong with the mark of the newest instant that was recorded."""
    message = call.tx.mark_problem()
    advice = "It counts as none; the next change makes it anew."
    path = call.tx.path(MARK_NAME)
    return [ProblemItem(file=path, message=f"{message} {advice}")] if message else []


def _disk_of(chain_id: str) -> list[str]:
    """Return the disk whose own chain this is; a chain of copies (`sl-…`) is no disk's."""
    return [] if chain_id.startswith("sl-") else [chain_id]


def _data_blocks(chains: list[Chain]) -> int:
    return sum(node.data_blocks for chain in chains for node in chain.nodes)


class _Checker:
    """Goes through an account's part of a workspace and gathers what is wrong."""

    def __init__(self, call: Call, read_data: bool) -> None:
        self.call = call
        self.read_data = read_data
        self.problems: list[ProblemItem] = []
        self.inventories: dict[str, Inventory] = {}
        self.damaged_regions: set[str] = set()
        self.account: Account | None = Account()
        self.sound_keys: set[str] = set()
        self.chains: list[Chain] = []
        self.document_count = 0

    def check_all(self) -> None:
        """Check documents, disks and chains."""
        self.check_documents()
        for inventory in self.inventories.values():
            self.check_disks(inventory)
        self.check_disk_files()
        self.check_guests()
        self.check_keys()
        for chain in self.chains:
            self.check_chain(chain)
        self.check_chain_folders()
        for region_id, inventory in self.inventories.items():
            self.check_images(region_id, inventory)

    def check_documents(self) -> None:
        """Decode every document, and gather inventories and chains."""
        tx = self.call.tx
        home = self.call.home
        if tx.exists(home + "state/account.json"):
            self.account = self._load(home + "state/account.json", Account)
        if tx.exists(home + JOURNAL_FILE):
            self._load(home + JOURNAL_FILE, Events)
        if tx.exists(home + "state/ram.json"):
            self._load(home + "state/ram.json", Ram)
        for region_id in tx.folder_names(home + "state"):
            file = f"{home}state/{region_id}/inventory.json"
            if tx.exists(file):
                inventory = self._load(file, Inventory)
                if inventory is None:
                    self.damaged_regions.add(region_id)
                else:
                    self.inventories[region_id] = inventory
            file = f"{home}state/{region_id}/assistant.json"
            if tx.exists(file):
                self._load(file, Assistant)
            file = usage_file(self.call, region_id)
            if tx.exists(file):
                self._load(file, Usage)
        for region_id in tx.folder_names(self.call.home + "chains"):
            for disk_id in tx.folder_names(f"{self.call.home}chains/{region_id}"):
                file = self.call.chain_file(region_id, disk_id)
                if not tx.exists(file):
                    continue
                chain = self._load(file, Chain)
                if chain is not None:
                    self.chains.append(chain)

    def _load(self, file: str, type_: type[D]) -> D | None:
        self.document_count += 1
        try:
            return self.call.tx.load(file, type_)
        except WorkspaceError as error:
            disks = _disk_of(file.split("/")[-2]) if file.endswith("/chain.json") else []
            self._add(self.call.tx.path(file), str(error), disks=disks)
            return None

    def _add(
        self,
        file: str,
        message: str,
        *,
        snapshot_id: str = "",
        block: int | None = None,
        disks: list[str] | None = None,
    ) -> None:
        self.problems.append(
            ProblemItem(
                file=file,
                message=message,
                snapshot_id=snapshot_id,
                block=block,
                disks=disks or [],
            )
        )

    def check_images(self, region_id: str, inventory: Inventory) -> None:
        """Check that every snapshot that an image needs is there."""
        held = {
            node.snapshot_id
            for chain in self.chains
            if chain.region_id == region_id
            for node in chain.nodes
            if node.failed_at is None
        }
        for image in inventory.images.values():
            for disk in image.disks if image.failed_at is None else ():
                if disk.snapshot_id and disk.snapshot_id not in held:
                    self._add(
                        self.call.tx.path(f"{self.call.home}state/{region_id}/inventory.json"),
                        f"The image {image.image_id} needs the snapshot {disk.snapshot_id}, which "
                        "is gone; it can't be used, only deleted.",
                        snapshot_id=disk.snapshot_id,
                    )

    def check_disks(self, inventory: Inventory) -> None:
        """Check that each disk has its file, of its length, and its instance."""
        from snapcli.volumes.errors import VolumeError
        from snapcli.volumes.images import require_image

        for disk in inventory.disks.values():
            path = self.call.image_path(disk)
            try:
                os.stat(path)
            except OSError as error:
                self._add(path, f"The disk's file is gone: {error.strerror}", disks=[disk.disk_id])
                continue
            try:
                require_image(path, disk.size_gib * GIB)
            except VolumeError as error:
                self._add(path, str(error), disks=[disk.disk_id])
            if disk.instance_id and disk.instance_id not in inventory.instances:
                self._add(
                    path,
                    f"The disk is attached to {disk.instance_id}, which does not exist.",
                    disks=[disk.disk_id],
                )

    def check_disk_files(self) -> None:
        """Check that no disk file is left over.

        What a kill left of breaking a disk's file off is used up by the next time, or goes with
        the disk.
        """
        from snapcli.volumes.images import name_apart

        for region_id in self.call.tx.folder_names(self.call.home + "disks"):
            if region_id in self.damaged_regions:
                continue  # what belongs there can't be told
            disks = self.inventories.get(region_id, Inventory()).disks
            known = {f"{disk_id}.raw" for disk_id in disks}
            known |= {name_apart(name) for name in known}
            for name in self.call.tx.folder_names(f"{self.call.home}disks/{region_id}"):
                if name not in known:
                    path = self.call.tx.path(f"{self.call.home}disks/{region_id}/{name}")
                    self._add(path, "No disk has this file; it can be deleted.")

    def check_guests(self) -> None:
        """Check that every inside is that of an instance."""
        if self.damaged_regions:
            return  # whose they are can't be told
        known = {each for i in self.inventories.values() for each in i.instances}
        for name in self.call.tx.folder_names(self.call.home + "guests"):
            if name not in known and not name.startswith("."):
                path = self.call.tx.path(f"{self.call.home}guests/{name}")
                self._add(path, "No instance has this inside; it can be deleted.")

    def check_keys(self) -> None:
        """Check that each key is there, is the one that was used, and is its owner's alone.

        A chain whose key is not is checked as far as that goes without (OV-5).
        """
        from snapcli.ecs.keys import key_file, load_key
        from snapcli.volumes.errors import VolumeError

        for kms_key_id, disks in self._keys_in_use().items():
            path = self.call.tx.path(key_file(self.call, kms_key_id))
            self.document_count += 1
            try:
                load_key(self.call, kms_key_id)
            except (ApiError, VolumeError) as error:
                self._add(path, str(error), disks=disks)
                continue
            self.sound_keys.add(kms_key_id)
            if os.stat(path).st_mode & 0o077:
                self._add(
                    path,
                    f"Others than its owner may use the file of the key {kms_key_id}; take that "
                    f"away with: chmod 600 {path}",
                    disks=disks,
                )

    def unread_chains(self) -> list[Chain]:
        """Return the chains whose blocks were to be read but can't be for want of their key."""
        if not self.read_data:
            return []
        sound = self.sound_keys | {""}
        return [chain for chain in self.chains if chain.kms_key_id not in sound]

    def _keys_in_use(self) -> dict[str, list[str]]:
        """Return the keys that were ever made, and the disks that each encrypts."""
        if self.account is None:
            return {}  # which keys there should be can't be told
        keys: dict[str, list[str]] = {kms_key_id: [] for kms_key_id in self.account.kms_keys}
        inventories = self.inventories.values()
        uses = [(disk.kms_key_id, disk.disk_id) for i in inventories for disk in i.disks.values()]
        uses += [(chain.kms_key_id, chain.disk_id) for chain in self.chains]
        for kms_key_id, disk_id in dict.fromkeys(uses):
            if kms_key_id:
                keys.setdefault(kms_key_id, []).append(disk_id)
        return keys

    def check_chain(self, chain: Chain) -> None:
        """Check a chain's maps, packs, counts, and with `read_data` every stored block."""
        from snapcli.ecs.keys import chain_cipher
        from snapcli.volumes.verify import unnamed_files, verify_chain

        folder = self.call.chain_folder(chain)
        held = layers(chain.nodes)
        for problem in verify_chain(
            folder,
            held,
            chain.packs,
            self.read_data,
            self.call.progress(f"Checking {chain.disk_id}"),
            encrypted=bool(chain.kms_key_id),
            cipher=(
                chain_cipher(self.call, chain) if chain.kms_key_id in self.sound_keys else None
            ),
        ):
            self._add(
                problem.file,
                problem.message,
                snapshot_id=problem.snapshot_id,
                block=problem.block,
                disks=self._touched(chain, problem),
            )
        self._check_counts(chain)
        self._check_ledger(chain)
        for name in unnamed_files(folder, held, chain.packs, ["chain.json"]):
            self._add(os.path.join(folder, name), "No snapshot needs this file; it can be deleted.")

    def _check_counts(self, chain: Chain) -> None:
        from snapcli.volumes.describe import layer_usage
        from snapcli.volumes.errors import VolumeError

        for node in chain.nodes:
            if not node.map_file:
                continue
            try:
                counted = layer_usage(self.call.chain_folder(chain), layers([node])[0])[:2]
            except VolumeError:
                continue  # told by verify_chain already
            if counted != (node.data_blocks, node.empty_blocks):
                self._add(
                    os.path.join(self.call.chain_folder(chain), node.map_file),
                    f"The map holds {counted[0]} data and {counted[1]} empty blocks, the document "
                    f"says {node.data_blocks} and {node.empty_blocks}.",
                    snapshot_id=node.snapshot_id,
                    disks=_disk_of(chain.link_id),
                )

    def _check_ledger(self, chain: Chain) -> None:
        """Check that what is billed is what is stored."""
        from snapcli.ecs.ledger import is_right

        if not is_right(chain, self.call.now):
            self._add(
                self.call.tx.path(self.call.chain_file(chain.region_id, chain.link_id)),
                "The chain's history does not end in what its snapshots hold now, so its bill "
                "would be wrong; the next change of one of them puts it right.",
                disks=[chain.disk_id],
            )

    def _touched(self, chain: Chain, problem: "Problem") -> list[str]:
        """Return the disks that need what is damaged: the chain's own, and those made from it."""
        ids = [node.snapshot_id for node in chain.nodes]
        later = ids[ids.index(problem.snapshot_id) :] if problem.snapshot_id in ids else ids
        made = self._made_from(chain.region_id, set(later))
        return [*_disk_of(chain.link_id), *made]

    def _made_from(self, region_id: str, snapshot_ids: set[str]) -> Iterator[str]:
        for disk in self.inventories.get(region_id, Inventory()).disks.values():
            if disk.source_snapshot_id in snapshot_ids:
                yield disk.disk_id

    def check_chain_folders(self) -> None:
        """Check that no chain folder is left over without its document, nor has lost it."""
        tx = self.call.tx
        for region_id in tx.folder_names(self.call.home + "chains"):
            for disk_id in tx.folder_names(f"{self.call.home}chains/{region_id}"):
                folder = f"{self.call.home}chains/{region_id}/{disk_id}"
                if tx.exists(f"{folder}/chain.json"):
                    continue
                if any(name.endswith(".map") for name in tx.folder_names(folder)):
                    self._add(
                        tx.path(f"{folder}/chain.json"),
                        "The chain's document is gone, its blocks are there. Put back a copy of "
                        "this file if you have one; else the folder is of no use.",
                        disks=_disk_of(disk_id),
                    )
                else:
                    self._add(tx.path(folder), "The folder holds no chain; it can be deleted.")
