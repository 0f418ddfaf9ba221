"""The records that documents are made of: what is stored, never what can be computed.

Status, progress and usage are worked out from these and the time; see the resource modules.
The field tables are in FORMAT.md beside this file.
"""

import msgspec

from snapcli.api.idempotency import Instant, RememberedCall

BLOCK_BYTES = 65536
GIB = 1 << 30


class Record(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Base of all stored records; fields at their default are left out of the document."""


class Phase(Record):
    """A state that a resource passes through until an instant: Pending, Starting, Creating…"""

    name: str
    until: Instant


class InstanceRecord(Record):
    """An instance. `power` is Running or Stopped: where the phases lead."""

    instance_id: str
    region_id: str
    zone_id: str
    created_at: Instant
    image_id: str
    instance_type: str
    name: str
    os_name: str = ""  # of a custom image, which may go
    os_type: str = ""
    description: str = ""
    host_name: str = ""
    power: str = "Running"
    phases: list[Phase] = []
    started_at: Instant | None = None
    ever_started: bool = False
    auto_release_at: Instant | None = None
    deletion_protection: bool = False
    security_group_ids: list[str] = []
    vswitch_id: str = ""
    vpc_id: str = ""
    private_ip: str = ""
    key_pair_name: str = ""
    user_data: str = ""
    charge_type: str = "PostPaid"
    resource_group_id: str = ""
    credit_specification: str = ""
    stopped_mode: str = ""
    ram_role_name: str = ""
    guest_os_name: str = ""  # what is inside, where it differs from the image's
    assistant: str = ""  # installed or missing; empty: as its image has it
    file_system: str = ""  # of its disks; empty: as found where they are mounted
    tags: dict[str, str] = {}


class DiskRecord(Record):
    """A disk; its bytes are in `disks/<region>/<disk id>.raw`."""

    disk_id: str
    region_id: str
    zone_id: str
    created_at: Instant
    size_gib: int
    category: str
    type: str  # system or data
    performance_level: str = ""
    name: str = ""
    description: str = ""
    phases: list[Phase] = []
    instance_id: str = ""
    device: str = ""
    attached_at: Instant | None = None
    detached_at: Instant | None = None
    ever_attached: bool = False
    delete_with_instance: bool = False
    delete_auto_snapshot: bool = True
    enable_auto_snapshot: bool = True
    burst: bool = False
    provisioned_iops: int = 0
    multi_attach: str = "Disabled"
    portable: bool = True
    origin_instance_id: str = ""  # of a system disk: the only instance it can boot
    image_id: str = ""
    image_account_id: str = ""  # of one from a shared image: whose snapshot it was made from
    source_snapshot_id: str = ""
    kms_key_id: str = ""  # of an encrypted disk
    policy_id: str = ""  # the automatic snapshot policy applied to it
    reinitialised_at: Instant | None = None
    serial_number: str = ""
    resource_group_id: str = ""
    tags: dict[str, str] = {}


class ImageDisk(Record):
    """A disk that an image gives each instance; without a snapshot it is empty."""

    type: str  # system or data
    device: str
    size_gib: int
    snapshot_id: str = ""
    encrypted: bool = False
    source_bucket: str = ""  # of an imported image
    source_object: str = ""
    source_format: str = ""


class ImageRecord(Record):
    """A custom image. Its bytes are those of the snapshots it names."""

    image_id: str
    region_id: str
    created_at: Instant
    ready_at: Instant
    disks: list[ImageDisk]  # the system disk first
    name: str = ""
    description: str = ""
    family: str = ""
    version: str = ""
    architecture: str = "x86_64"
    boot_mode: str = "BIOS"
    platform: str = ""
    os_name: str = ""
    os_type: str = "linux"
    license_type: str = "Auto"
    deprecated: bool = False
    failed_at: Instant | None = None
    source_image_id: str = ""  # of a copy
    source_region_id: str = ""
    source_instance_id: str = ""
    imported: bool = False
    encrypted: bool = False
    public: bool = False
    shared_with: dict[str, Instant] = {}  # account id -> since when
    resource_group_id: str = ""
    tags: dict[str, str] = {}


class PolicyRecord(Record):
    """An automatic snapshot policy; the disks that it is applied to name it."""

    policy_id: str
    region_id: str
    created_at: Instant
    hours: list[int]  # 0 to 23, of the account's time zone
    weekdays: list[int]  # 1 to 7, Monday first
    retention_days: int  # of its snapshots; 0: until the limit needs room
    name: str = ""
    copy_region_id: str = ""  # where its snapshots are copied to
    copy_retention_days: int = 0  # of those copies; 0: until somebody deletes them
    resource_group_id: str = ""
    tags: dict[str, str] = {}


class GroupRecord(Record):
    """A snapshot-consistent group; its members name it, each in its disk's chain."""

    group_id: str
    region_id: str
    created_at: Instant
    name: str = ""
    description: str = ""
    instance_id: str = ""  # when all its disks were attached to one
    disk_ids: list[str] = []
    resource_group_id: str = ""
    tags: dict[str, str] = {}


class TaskRecord(Record):
    """An export or import of an image; its bytes are there, only the clock says it goes on."""

    task_id: str
    region_id: str
    action: str  # ExportImage or ImportImage
    resource_id: str
    created_at: Instant
    ready_at: Instant
    cancelled_at: Instant | None = None
    files: list[str] = []  # of an export: what it wrote


class Inventory(Record):
    """The small things of one region."""

    format: int = 1
    instances: dict[str, InstanceRecord] = {}
    disks: dict[str, DiskRecord] = {}
    images: dict[str, ImageRecord] = {}
    tasks: dict[str, TaskRecord] = {}
    policies: dict[str, PolicyRecord] = {}
    groups: dict[str, GroupRecord] = {}


class LockRecord(Record):
    """A lock on a snapshot: nobody deletes it before its end."""

    mode: str
    created_at: Instant
    starts_at: Instant  # the duration counts from here
    duration_days: int
    cool_off_hours: int = 0


class SizeHistory(Record):
    """What a chain stored from when on, of one kind and one set of tags; see ledger.py.

    The keys are instants of whole seconds as documents write them, so they sort as texts.
    """

    kind: str  # standard, flash, archive; instant: those blocks of them with instant access
    tags: dict[str, str] = {}
    points: dict[str, int] = {}  # blocks from that instant on
    ahead: dict[str, int] = {}  # the same to come, as instant access ends
    hours: dict[str, int] = {}  # block-seconds of an hour whose points were thinned out
    uses: dict[str, int] = {}  # how often instant access was switched on in an hour


class SnapshotRecord(Record):
    """A snapshot: a node of its disk's chain. Blocks are in `map_file` and the chain's packs."""

    snapshot_id: str
    created_at: Instant
    ready_at: Instant
    number: int  # of the node and its pack in the chain, never used twice
    size_gib: int  # of the disk at that instant
    disk_type: str
    name: str = ""
    description: str = ""
    kind: str = "user"  # user or auto
    category: str = "standard"
    retention_days: int = 0  # 0: until somebody deletes it
    overdue_at: Instant | None = None  # since when only an image keeps it from going
    instant_access: bool = False
    instant_access_days: int = 0  # 0: as long as the snapshot is kept
    instant_access_ended_at: Instant | None = None  # off before that, by hand or with the disk
    group_id: str = ""  # the snapshot-consistent group it was made with
    zone_id: str = ""  # of the disk; a local snapshot can be used only there
    disk_reinitialised_at: Instant | None = None  # a local one is no way back from then on
    source_region_id: str = ""  # of a copy
    source_snapshot_id: str = ""
    copy_region_id: str = ""  # where it is to be copied once it is accomplished
    copy_retention_days: int = 0  # of that copy
    lock: LockRecord | None = None
    failed_at: Instant | None = None
    modified_at: Instant | None = None
    map_file: str = ""
    generation: int = 0  # how often the map was rewritten by deletions
    data_blocks: int = 0  # counted on this node
    empty_blocks: int = 0
    view_blocks: int = 0  # data blocks of the whole disk as this node sees it
    serial_number: str = ""
    resource_group_id: str = ""
    tags: dict[str, str] = {}


class Chain(Record, kw_only=True):
    """All snapshots of one disk, oldest first, and the packs that hold their blocks.

    The copies of a disk's snapshots in another region are a chain there with an id of its own.
    """

    format: int = 1
    disk_id: str
    region_id: str
    disk_name: str = ""
    disk_size_gib: int = 0
    disk_type: str = ""
    disk_image_id: str = ""
    chain_id: str = ""  # where it differs from the disk's id: of copies
    kms_key_id: str = ""  # of an encrypted disk's chain
    next_number: int = 1
    nodes: list[SnapshotRecord] = []
    packs: dict[int, str] = {}
    history: list[SizeHistory] = []

    @property
    def link_id(self) -> str:
        """The chain's own id: its disk's, or that of a chain of copies (IN-3)."""
        return self.chain_id or self.disk_id


class EndedChain(Record):
    """What a chain stored that has no snapshot any more."""

    chain_id: str
    disk_id: str
    disk_name: str = ""
    history: list[SizeHistory] = []


class FoldedLine(Record):
    """What a chain stored in a month, of one kind and one set of tags."""

    chain_id: str
    disk_id: str
    kind: str
    disk_name: str = ""
    tags: dict[str, str] = {}
    block_seconds: int = 0
    uses: int = 0  # how often instant access was switched on


class FoldedMonth(Record):
    """What a region stored in a month, when its single hours are no longer kept."""

    free_block_seconds: int = 0  # how much of it was free, hour by hour
    lines: list[FoldedLine] = []


class Usage(Record):
    """What a region stored beside the histories that its chains hold themselves."""

    format: int = 1
    folded_until: str = ""  # months before this instant are in `months`
    months: dict[str, FoldedMonth] = {}  # by name, such as 2022-03
    ended: list[EndedChain] = []


class Account(Record):
    """What belongs to the account as a whole."""

    format: int = 1
    snapshot_service_at: Instant | None = None  # when activated
    next_due_at: Instant | None = None  # nothing is due before this
    settled_at: Instant | None = None  # what was due up to here has happened
    time_zone: str = ""  # in which the hours of policies were last counted
    overdue_at: Instant | None = None  # since when a bill is unpaid
    service_keys: dict[str, str] = {}  # region -> the key of disks encrypted without naming one
    kms_keys: dict[str, str] = {}  # key id -> what its secret must give, to tell a wrong one
    calls: dict[str, RememberedCall] = {}


class EventRecord(Record):
    """One thing that the passing of time did."""

    at: Instant
    event: str
    region_id: str
    account_id: str
    snapshot_id: str = ""
    disk_id: str = ""
    policy_id: str = ""
    instance_id: str = ""
    reason: str = ""


class Events(Record):
    """The newest events of the workspace, in the order that they were applied in."""

    format: int = 1
    number: int = 0  # how many there have ever been; the last of `events` is this one
    events: list[EventRecord] = []


class KmsKey(Record, kw_only=True):
    """The secret of a key that disks are encrypted with; in a file that only its owner reads."""

    format: int = 1
    kms_key_id: str
    created_at: Instant
    secret: str  # 32 bytes in hexadecimal


class Accounts(Record):
    """The workspace's accounts beside the first, which the settings name."""

    format: int = 1
    current: str = "default"  # whose commands these are unless they say otherwise
    others: dict[str, str] = {}  # name -> account id


class RamRole(Record):
    """A role that an instance can play, and the policies attached to it."""

    role_id: str
    name: str
    created_at: Instant
    trust: str  # the document that says who may assume it
    session_seconds: int
    description: str = ""
    updated_at: Instant | None = None
    attached: dict[str, Instant] = {}  # "Custom/name" or "System/name" -> since when


class RamPolicy(Record):
    """A permission policy of the account's own."""

    name: str
    created_at: Instant
    document: str
    description: str = ""


class Ram(Record):
    """The roles and policies of an account."""

    format: int = 1
    roles: dict[str, RamRole] = {}
    policies: dict[str, RamPolicy] = {}


class CommandRecord(Record):
    """A command of Cloud Assistant. One that is not kept is no longer than its invocation."""

    command_id: str
    created_at: Instant
    type: str
    content: str
    name: str = ""
    description: str = ""
    timeout_seconds: int = 60
    working_dir: str = ""
    takes_parameters: bool = False
    launcher: str = ""
    invoked: int = 0  # how often
    resource_group_id: str = ""
    tags: dict[str, str] = {}


class InvocationResult(Record):
    """What became of an invocation, or of a file that was sent, on one instance."""

    instance_id: str
    state: str = "Pending"  # then Running, then how it ended
    runner_pid: int = 0  # the process that carries it out, and when that began
    runner_started: int = 0
    started_at: Instant | None = None
    finished_at: Instant | None = None
    stopped_at: Instant | None = None
    exit_code: int | None = None
    output: str = ""  # Base64
    dropped_bytes: int = 0
    error_code: str = ""
    error_info: str = ""


class InvocationRecord(Record):
    """A command being carried out on instances, or that was."""

    invoke_id: str
    created_at: Instant
    command_id: str
    type: str
    content: str
    name: str = ""
    description: str = ""
    timeout_seconds: int = 60
    working_dir: str = ""
    username: str = ""
    parameters: dict[str, str] = {}
    launcher: str = ""
    termination_mode: str = ""
    results: dict[str, InvocationResult] = {}
    resource_group_id: str = ""
    tags: dict[str, str] = {}


class SentFileRecord(Record):
    """A file that was sent to instances."""

    invoke_id: str
    created_at: Instant
    name: str
    target_dir: str
    content: str
    content_type: str = "PlainText"
    description: str = ""
    mode: str = ""
    owner: str = ""
    group: str = ""
    overwrite: bool = False
    results: dict[str, InvocationResult] = {}
    resource_group_id: str = ""
    tags: dict[str, str] = {}


class Assistant(Record):
    """The commands of Cloud Assistant in a region and what became of them."""

    format: int = 1
    commands: dict[str, CommandRecord] = {}
    invocations: dict[str, InvocationRecord] = {}
    files: dict[str, SentFileRecord] = {}
