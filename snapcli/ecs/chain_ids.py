"""The id of a chain: its disk's; that of copies is `sl-` with the suffix of the disk's (IN-3)."""


def disk_id_of(link_id: str) -> str:
    """Return the disk id that a chain id stands for."""
    return "d-" + link_id[3:] if link_id.startswith("sl-") else link_id


def copies_id_of(disk_id: str) -> str:
    """Return the id that the chain of a disk's copied snapshots has in every region."""
    return "sl-" + disk_id.removeprefix("d-")
