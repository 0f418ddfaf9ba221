"""What snapshots will be, chain by chain and all together on the way. Draws text only."""

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.chain_view import aligned
from snapcli.cli.views.listing import bytes_text


class _Chain(msgspec.Struct, rename="pascal"):
    region_id: str
    disk_id: str
    disk_name: str
    is_copy: bool
    change_bytes_per_day: int
    change_measured: bool
    snapshots_now: int
    stored_bytes_now: int
    runs_skipped: int
    snapshots: int
    stored_bytes: int
    monthly_fee: str


class _Point(msgspec.Struct, rename="pascal"):
    time: str
    snapshots: int
    stored_bytes: int
    monthly_fee: str


class _Forecast(msgspec.Struct, rename="pascal"):
    start: str
    end: str
    currency: str
    snapshots: int
    stored_bytes: int
    monthly_fee: str
    disks: list[_Chain]
    points: list[_Point]


def view(answer: object, _: Session) -> str:
    """Return a ForecastPolicy answer as two tables and a sum."""
    found = msgspec.convert(answer, _Forecast)
    if not found.disks:
        return "No disk has a policy; --disk-id or --policy-id says which to look at.\n"
    fee = f"{found.currency} a month"
    chains = [
        ["Region", "Disk", "Changes a day", "Skipped", "Snapshots", "Stored", fee],
        *map(_chain_row, found.disks),
    ]
    points = [
        ["Time (UTC)", "Snapshots", "Stored", fee],
        *(
            [each.time, str(each.snapshots), bytes_text(each.stored_bytes), each.monthly_fee]
            for each in found.points
        ),
    ]
    lines = [
        f"Snapshots from {found.start} to {found.end}, if disks change evenly:",
        "",
        *aligned(chains),
        "",
        "All of them on the way; the fee is what they add beyond a region's free GiB:",
        "",
        *aligned(points),
    ]
    return "".join(line.rstrip() + "\n" for line in lines)


def _chain_row(chain: _Chain) -> list[str]:
    name = f"{chain.disk_id} ({chain.disk_name})" if chain.disk_name else chain.disk_id
    change = bytes_text(chain.change_bytes_per_day)
    return [
        chain.region_id,
        name + (", copies" if chain.is_copy else ""),
        change + (", measured" if chain.change_measured else ""),
        str(chain.runs_skipped or "-"),
        f"{chain.snapshots_now} -> {chain.snapshots}",
        f"{bytes_text(chain.stored_bytes_now)} -> {bytes_text(chain.stored_bytes)}",
        chain.monthly_fee,
    ]
