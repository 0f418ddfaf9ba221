"""What a local command is about, bare, as scripts want it. Draws text only."""

from collections.abc import Mapping

import msgspec

from snapcli.cli.session import Session


def path(answer: object, _: Session) -> str:
    """Return where a disk's bytes are."""
    return _field(answer, "Path")


def disk_id(answer: object, _: Session) -> str:
    """Return the id of a disk that was made."""
    return _field(answer, "DiskId")


def written(answer: object, _: Session) -> str:
    """Return how many bytes were written."""
    return _field(answer, "LengthBytes").rstrip() + " bytes written\n"


class _Outcome(msgspec.Struct, rename="pascal"):
    snapshot_id: str
    deleted: bool
    code: str = ""
    message: str = ""


class _Deletions(msgspec.Struct, rename="pascal"):
    outcomes: list[_Outcome]


def deletions(answer: object, _: Session) -> str:
    """Return a line for each snapshot: deleted, or why not."""
    return "".join(
        f"{each.snapshot_id}: "
        + ("deleted\n" if each.deleted else f"not deleted, {each.code}: {each.message}\n")
        for each in msgspec.convert(answer, _Deletions).outcomes
    )


def _field(answer: object, name: str) -> str:
    assert isinstance(answer, Mapping)
    return f"{answer[name]}\n"
