"""What a local command is about, bare, as scripts want it. Draws text only."""

from collections.abc import Mapping

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


def _field(answer: object, name: str) -> str:
    assert isinstance(answer, Mapping)
    return f"{answer[name]}\n"
