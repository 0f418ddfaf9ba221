"""What workspace.toml says, as typed records with defaults. Never writes workspace.toml.

Decoding TOML costs 20 ms, so the outcome is kept in state/settings.json together with the very
text it was made from: as long as workspace.toml is that text, the record is used as it is. The
text itself is compared, so no clock, time stamp or inode can deceive it.
"""

import os
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from snapcli import __version__
from snapcli.workspace import files
from snapcli.workspace.errors import WorkspaceError

SETTINGS_NAME = "workspace.toml"
CACHE_NAME = "state/settings.json"
FORMAT = 1

# The description is what an error says would be right.
Count = Annotated[int, Meta(ge=1, le=100_000, description="a whole number from 1 to 100000")]
Seconds = Annotated[
    float, Meta(ge=0, le=31_536_000, description="a number of seconds from 0 to 31536000")
]
MibPerSecond = Annotated[
    float, Meta(ge=0, le=1_000_000, description="a number from 0 (no limit) to 1000000")
]
OffsetSeconds = Annotated[
    float,
    Meta(
        ge=-31_536_000_000, le=221_000_000_000, description="a number of seconds, 0 for no offset"
    ),
]
Usd = Annotated[float, Meta(ge=0, le=1_000_000, description="an amount from 0 to 1000000 USD")]
Gib = Annotated[float, Meta(ge=0, le=1_000_000, description="a number of GiB from 0 to 1000000")]
Mode = Annotated[Literal["system", "frozen"], Meta(description='"system" or "frozen"')]
Waiting = Annotated[Literal["sleep", "advance"], Meta(description='"sleep" or "advance"')]
Commands = Annotated[
    Literal["allow", "plugin", "deny"], Meta(description='"allow", "plugin" or "deny"')
]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$",
        max_length=64,
        description="a name of small letters, digits and hyphens",
    ),
]
AccountId = Annotated[str, Meta(pattern=r"^[0-9]{16}$", description="a string of 16 digits")]
TimeZone = Annotated[
    str, Meta(min_length=1, description='the name of a time zone, such as "Asia/Shanghai"')
]
Instant = Annotated[
    str, Meta(description='an instant in quotes, such as "2024-01-31T08:00:00Z", or ""')
]


class Speed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long things seem to take. Seconds are the service's; they never make anyone wait."""

    snapshot_mib_per_second: MibPerSecond = 0
    snapshot_minimum_seconds: Seconds = 0
    local_snapshot_seconds: Seconds = 0
    instance_seconds: Seconds = 0
    disk_seconds: Seconds = 0
    copy_mib_per_second: MibPerSecond = 0


PRESETS = {
    "instant": Speed(),
    "quick": Speed(
        snapshot_mib_per_second=1024,
        snapshot_minimum_seconds=2,
        local_snapshot_seconds=1,
        copy_mib_per_second=256,
    ),
    "realistic": Speed(
        snapshot_mib_per_second=100,
        snapshot_minimum_seconds=30,
        local_snapshot_seconds=5,
        instance_seconds=20,
        disk_seconds=5,
        copy_mib_per_second=20,
    ),
}


class ClockSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The clock: the system's time plus an offset, or frozen at an instant."""

    mode: Mode = "system"
    offset_seconds: OffsetSeconds = 0
    at: Instant = ""


class Quotas(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many of a thing there may be."""

    manual_snapshots_per_disk: Count = 256
    automatic_snapshots_per_disk: Count = 1000
    disks_per_instance: Count = 17
    tags_per_resource: Count = 20
    instant_access_snapshots_per_disk: Count = 10
    local_snapshots_per_disk: Count = 10
    images_per_region: Count = 100
    accounts_per_shared_image: Count = 50
    policies_per_region: Count = 100


class GuestSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may run inside instances because an API operation says so."""

    commands: Commands = "allow"


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What storing snapshots costs. A month is the calendar month in UTC, billed by the hour."""

    standard_usd_per_gib_month: Usd = 0.02
    standard_free_gib: Gib = 5
    local_usd_per_gib_month: Usd = 0.224
    archive_usd_per_gib_month: Usd = 0.02
    instant_access_usd_per_gib_month: Usd = 0.224
    instant_access_usd_per_use: Usd = 0.1415


def _presets() -> dict[str, Speed]:
    return dict(PRESETS)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything workspace.toml can say."""

    format: int = FORMAT
    region: Name = "cn-hangzhou"
    time_zone: TimeZone = "Asia/Shanghai"
    account_id: AccountId = "1234567890123456"
    waiter: Waiting = "sleep"
    speed: Name = "quick"
    speeds: dict[str, Speed] = msgspec.field(default_factory=_presets)
    clock: ClockSettings = ClockSettings()
    quotas: Quotas = Quotas()
    prices: Prices = Prices()
    guest: GuestSettings = GuestSettings()

    def current_speed(self) -> Speed:
        """Return the speed in force (decoding has made sure that it exists)."""
        return self.speeds[self.speed]


class _Cache(msgspec.Struct, frozen=True):
    """Settings beside the text and the program version they come from."""

    version: str
    text: str
    settings: Settings


def load(path: str, *, exclusive: bool = False) -> Settings:
    """Return the settings of the workspace folder `path`.

    `exclusive` tells that the caller holds the exclusive lock (a left-over of a cache write may
    then be replaced). Raises WorkspaceError naming the file, key and value that are not right.
    """
    toml_path = os.path.join(path, SETTINGS_NAME)
    text = read_text(toml_path)
    cache_path = os.path.join(path, CACHE_NAME)
    cached = _read_cache(cache_path)
    if cached is not None and cached.text == text and cached.version == __version__:
        return cached.settings
    # Imported only when workspace.toml is new: it brings tomllib and all that explains mistakes.
    from snapcli.workspace.settings_check import decode

    settings = decode(text, toml_path)
    _write_cache(cache_path, _Cache(__version__, text, settings), exclusive)
    return settings


def read_text(toml_path: str) -> str:
    """Return the text of workspace.toml. Raises WorkspaceError."""
    try:
        return files.read_bytes(toml_path).decode()
    except FileNotFoundError:
        raise WorkspaceError(
            f"{toml_path} is missing.", toml_path, "Make a workspace with: snapcli init"
        ) from None
    except OSError as error:
        raise WorkspaceError(f"{toml_path} cannot be read: {error.strerror}.", toml_path) from None
    except UnicodeDecodeError as error:
        raise WorkspaceError(
            f"{toml_path} is not UTF-8 text (byte {error.start}).", toml_path, "Save it as UTF-8."
        ) from None


def _read_cache(path: str) -> _Cache | None:
    """Whatever is wrong with a cache, it only has to be made anew."""
    try:
        return msgspec.json.decode(files.read_bytes(path), type=_Cache)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _write_cache(path: str, cache: _Cache, exclusive: bool) -> None:
    """Write the cache if that is possible; nothing depends on it, so nothing is synced.

    Readers may race: the one that makes the temporary file writes, the others do without. What a
    crash leaves of it stays until someone holds the exclusive lock.
    """
    temporary = path + ".new"
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if exclusive else os.O_EXCL)
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        descriptor = os.open(temporary, flags, 0o600)
    except OSError:
        return
    data = msgspec.json.encode(cache)
    try:
        try:
            complete = os.write(descriptor, data) == len(data)
        finally:
            os.close(descriptor)
        if complete:
            os.replace(temporary, path)
        else:
            os.unlink(temporary)
    except OSError:
        try:
            os.unlink(temporary)
        except OSError:
            return
