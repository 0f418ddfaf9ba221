"""Advice on fees as text: a paragraph for each change, and the command that makes it."""

import textwrap

import msgspec

from snapcli.cli.session import Session
from snapcli.cli.views.listing import bytes_text

_INDENT = "  "
_PIPE_WIDTH = 100
_LEAST_WIDTH = 40


class _Held(msgspec.Struct, rename="pascal"):
    snapshot_id: str
    reason: str


class _Item(msgspec.Struct, rename="pascal"):
    action: str
    region_id: str
    disk_id: str
    disk_name: str
    role: str
    role_assumed: bool
    recommended: str
    found: str
    snapshot_ids: list[str]
    policy_id: str
    freed_bytes: int
    saving: str
    held: list[_Held]


class _Advice(msgspec.Struct, rename="pascal"):
    currency: str
    freed_bytes: int
    saving: str
    advice: list[_Item]
    damaged_disks: list[str]


def view(answer: object, session: Session) -> str:
    """Return a ShowAdvice answer as text."""
    found = msgspec.convert(answer, _Advice)
    streams = session.streams
    width = min(streams.width, _PIPE_WIDTH) if streams.is_terminal("stdout") else _PIPE_WIDTH
    lines: list[str] = []
    for item in found.advice:
        lines += [*_paragraph(item, found.currency, max(width, _LEAST_WIDTH)), ""]
    for disk_id in found.damaged_disks:
        lines += [f"The chain of {disk_id} is damaged: `snapcli check` says more.", ""]
    if found.advice:
        lines.append(
            f"All of it together frees {bytes_text(found.freed_bytes)} and saves {found.saving} "
            f"{found.currency} a month."
        )
    else:
        lines.append("Nothing to advise: snapshots and policies are as the guide recommends.")
    return "\n".join(lines) + "\n"


def _paragraph(item: _Item, currency: str, width: int) -> list[str]:
    name = f" ({item.disk_name})" if item.disk_name else ""
    whence = ""
    if item.role_assumed:
        whence = ". That is assumed; the disk's tag snapcli:role would say otherwise"
    said = [
        f"Found: {item.found}",
        f"Recommended for a {item.recommended}{whence}",
        *(f"Stays: {held.snapshot_id}. {held.reason}" for held in item.held),
        f"{_change(item)} {item.saving} {currency} a month",
    ]
    lines = [f"{item.disk_id}{name} in {item.region_id}"]
    for text in said:
        lines += textwrap.wrap(
            text,
            width,
            initial_indent=_INDENT,
            subsequent_indent=_INDENT * 2,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return [*lines, *(_INDENT + command for command in _commands(item))]


def _change(item: _Item) -> str:
    count = len(item.snapshot_ids)
    many = "1 snapshot" if count == 1 else f"{count} snapshots"
    if item.action == "delete":
        return f"Deleting {many} frees {bytes_text(item.freed_bytes)} and saves"
    if item.action == "disable-instant-access":
        return f"Switching instant access off for {many} saves"
    return "A policy as recommended would not have made automatic ones that now cost"


def _commands(item: _Item) -> list[str]:
    """Return the command lines that make the change, one snapshot a line where there are many."""
    if item.action == "delete":
        return [
            f"snapcli delete-snapshots --region {item.region_id} \\",
            *(f"  {each} \\" for each in item.snapshot_ids[:-1]),
            f"  {item.snapshot_ids[-1]}",
        ]
    if item.action == "disable-instant-access":
        return [
            f"snapcli modify-snapshot-attribute --disable-instant-access --snapshot-id {each}"
            for each in item.snapshot_ids
        ]
    return [
        f"snapcli modify-auto-snapshot-policy-ex --auto-snapshot-policy-id {item.policy_id} ...",
        f"snapcli cancel-auto-snapshot-policy --disk-ids {item.disk_id}",
    ]
