"""The keys of encrypted disks: a secret for each KMS key id, and what may be encrypted (OV-5).

A secret lies in `keys/<kms key id>.json`, which only its owner can read; it is made when a disk
first asks for the key, and never again, for what it encrypted would be lost. Nothing here reads
or writes a block, and no secret ever goes into the journal or another document.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from snapcli.api import ids
from snapcli.api.errors import ApiError
from snapcli.ecs.call import Call
from snapcli.ecs.disk_categories import CATEGORIES
from snapcli.ecs.records import Chain, DiskRecord, KmsKey, SnapshotRecord
from snapcli.volumes.errors import WrongKey
from snapcli.workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from snapcli.volumes.cipher import Cipher

_KEY_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?")


def check_encryption(
    encrypted: bool | None,
    kms_key_id: str,
    category: str,
    source: tuple[Chain, SnapshotRecord] | None = None,
) -> None:
    """Raise ApiError unless a disk can be made with this encryption, or without (OV-5).

    `encrypted` is None where the request says nothing. A disk made from the snapshot `source` is
    encrypted as that is: nothing converts between encrypted and unencrypted.
    """
    if kms_key_id and not _KEY_ID.fullmatch(kms_key_id):
        raise ApiError(
            "InvalidParameter.KMSKeyId.NotFound",
            404,
            f"KMSKeyId {kms_key_id!r} can't be a key's id: it must have up to 64 letters, digits "
            "and hyphens, such as 0e478b7a-4262-4802-b8cb-00d3fb408266.",
        )
    if source is not None:
        _check_source(encrypted, kms_key_id, source[0], source[1])
    elif kms_key_id and not encrypted:
        raise ApiError(
            "InvalidEncrypted.NotMatchKmsKeyId",
            400,
            f"KMSKeyId {kms_key_id} was given, but Encrypted is not true. Set Encrypted to true, "
            "or leave KMSKeyId out.",
        )
    if encrypted and CATEGORIES[category].local:
        raise ApiError(
            "InvalidParameter.EncryptedNotSupported",
            403,
            f"Disks of the category {category} are local disks and can't be encrypted.",
        )
    if source is not None and source[0].kms_key_id and CATEGORIES[category].local:
        raise ApiError(
            "NotSupportSnapshotEncrypted.DiskCategory",
            403,
            f"The snapshot {source[1].snapshot_id} is encrypted, and so would be the disk; disks "
            f"of the category {category} are local disks and can't be.",
        )


def _check_source(
    encrypted: bool | None, kms_key_id: str, chain: Chain, node: SnapshotRecord
) -> None:
    own = chain.kms_key_id
    if encrypted is not None and encrypted != bool(own):
        kind = "encrypted" if own else "not encrypted"
        raise ApiError(
            "InvalidEncrypted.NotMatchSnapshot",
            403,
            f"Encrypted is {str(encrypted).lower()}, but the snapshot {node.snapshot_id} is "
            f"{kind}, and so is every disk made from it. Leave Encrypted out.",
        )
    if kms_key_id and kms_key_id != own:
        key = f"encrypted with the key {own}" if own else "not encrypted"
        raise ApiError(
            "InvalidKmsKeyId.NotMatchSnapshot",
            400,
            f"KMSKeyId is {kms_key_id}, but the snapshot {node.snapshot_id} is {key}, and so is "
            "every disk made from it. Leave KMSKeyId out.",
        )


def encrypt(call: Call, disk: DiskRecord, encrypted: bool | None, kms_key_id: str) -> None:
    """Give a new, empty disk its key when it is to be encrypted; the key is made on first use.

    Without a `kms_key_id` it is the service key of the disk's region.
    """
    if not encrypted:
        return
    keys = call.account.service_keys
    if not kms_key_id:
        kms_key_id = keys.setdefault(disk.region_id, ids.kms_key_id())
    if kms_key_id not in call.account.kms_keys:
        _make(call, kms_key_id)
    load_key(call, kms_key_id)
    disk.kms_key_id = kms_key_id


def _make(call: Call, kms_key_id: str) -> None:
    from snapcli.volumes.cipher import SECRET_BYTES, key_check

    file = key_file(call, kms_key_id)
    if call.tx.exists(file):
        raise WorkspaceError(
            f"{call.tx.path(file)} is there, but no disk has asked for the key {kms_key_id} yet.",
            call.tx.path(file),
            "Move the file away; a new key is made then.",
        )
    secret = ids.random_bytes(SECRET_BYTES)
    key = KmsKey(kms_key_id=kms_key_id, created_at=call.now, secret=secret.hex())
    call.tx.put(file, key)
    call.account.kms_keys[kms_key_id] = key_check(secret).hex()


def key_file(call: Call, kms_key_id: str) -> str:
    """Return the path of a key's file in the workspace."""
    return f"{call.home}keys/{kms_key_id}.json"


def load_key(call: Call, kms_key_id: str) -> bytes:
    """Return the secret of a key that was used before.

    Raises ApiError InvalidParameter.KMSKeyId.NotFound when its file is gone, WrongKey when it is
    not the file that it was.
    """
    file = key_file(call, kms_key_id)
    if not call.tx.exists(file):
        raise ApiError(
            "InvalidParameter.KMSKeyId.NotFound",
            404,
            f"The key {kms_key_id} is gone: there is no {call.tx.path(file)}. Put the file back "
            "from a copy; without it nothing that was encrypted with this key can be read.",
        )
    try:
        key = call.tx.load(file, KmsKey)
    except WorkspaceError as error:
        raise WrongKey(kms_key_id, call.tx.path(file), error.message) from None
    check = call.account.kms_keys.get(kms_key_id)
    if check is None:
        raise WrongKey(
            kms_key_id, call.tx.path(file), "the account's document does not name this key"
        )
    return _secret(key, kms_key_id, call.tx.path(file), check)


def _secret(key: KmsKey, kms_key_id: str, path: str, check: str) -> bytes:
    """Return a key's secret when it is the one that `check` was made from."""
    from snapcli.volumes.cipher import SECRET_BYTES, key_check

    try:
        secret = bytes.fromhex(key.secret)
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES or key_check(secret).hex() != check:
        raise WrongKey(kms_key_id, path, "its secret is not the one that was used")
    return secret


def chain_cipher(call: Call, chain: Chain) -> "Cipher | None":
    """Return the cipher of a chain, None when it is not encrypted; raises as `load_key`."""
    if not chain.kms_key_id:
        return None
    from snapcli.volumes.cipher import Cipher

    return Cipher(load_key(call, chain.kms_key_id), chain.link_id, ids.random_bytes)


def key_note(call: Call, chain: Chain) -> dict[str, object]:
    """Return what a finisher needs to find the chain's key; empty when it is not encrypted."""
    if not chain.kms_key_id:
        return {}
    return {
        "key": {
            "kms_key_id": chain.kms_key_id,
            "file": key_file(call, chain.kms_key_id),
            "check": call.account.kms_keys.get(chain.kms_key_id, ""),
            "chain_id": chain.link_id,
        }
    }


def cipher_noted(workspace: str, note: Mapping[str, Any] | None) -> "Cipher | None":
    """Return the cipher of a chain from what `key_note` had written down.

    Raises WrongKey when the key is missing or another one.
    """
    if note is None:
        return None
    import os

    from snapcli.volumes.cipher import Cipher
    from snapcli.workspace import documents, files

    path = os.path.join(workspace, note["file"])
    try:
        key = documents.decode(path, KmsKey, files.read_bytes(path))
    except OSError:
        raise WrongKey(note["kms_key_id"], path, "the file is missing") from None
    except WorkspaceError as error:
        raise WrongKey(note["kms_key_id"], path, error.message) from None
    secret = _secret(key, note["kms_key_id"], path, note["check"])
    return Cipher(secret, note["chain_id"], ids.random_bytes)
