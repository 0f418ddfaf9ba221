"""The id of a chain: the id of its disk; `sl-` with the disk's suffix is accepted too (IN-3)."""


def disk_id_of(link_id: str) -> str:
    """Return the disk id that a chain id stands for."""
    return "d-" + link_id[3:] if link_id.startswith("sl-") else link_id
