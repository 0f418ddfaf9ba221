"""Encrypted disks and their keys (rule OV-5): what is stored, who can read it, what is refused."""

import json
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from refusals import picture, refused
from snapshot_steps import digest, found
from support import BLOCK_BYTES, LINUX_IMAGE, REGION, Cloud, block

pytestmark = pytest.mark.rule("OV-5")

ZONE = "cn-hangzhou-h"
ESSD = {"RegionId": REGION, "ZoneId": ZONE, "DiskCategory": "cloud_essd"}
KEY = "0e478b7a-4262-4802-b8cb-00d3fb408266"
OTHER_KEY = "key-hzz65f3a68554jv8p9u2j"
WORDS = b"The number of the account is 4711. " * 2000
NOISE = random.Random(1).randbytes(BLOCK_BYTES)


def encrypted_disk(cloud: Cloud, **parameters: Any) -> str:
    """An encrypted data disk of a running instance."""
    given = {"DataDisk__1__Encrypted": True} | parameters
    return cloud.data_disk(cloud.instance(**given))


def key_path(cloud: Cloud, disk_id: str) -> Path:
    return cloud.root / "keys" / f"{cloud.disk(disk_id)['KMSKeyId']}.json"


def stored(cloud: Cloud, disk_id: str) -> dict[str, bytes]:
    """The content of every file of a disk's chain."""
    folder = cloud.root / "chains" / REGION / disk_id
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def stop(cloud: Cloud, disk_id: str) -> None:
    cloud.ecs("StopInstance", InstanceId=cloud.disk(disk_id)["InstanceId"])


@pytest.fixture
def disk_id(cloud: Cloud) -> str:
    """An encrypted disk with words in block 0 and noise, which can't be compressed, in block 2."""
    disk_id = encrypted_disk(cloud)
    cloud.write(disk_id, 0, WORDS[:BLOCK_BYTES])
    cloud.write(disk_id, 2, NOISE)
    return disk_id


def test_what_is_stored_of_an_encrypted_disk_is_found_nowhere_in_its_chain(
    cloud: Cloud, disk_id: str
) -> None:
    plain = cloud.data_disk(cloud.instance())
    for each in (0, 2):
        cloud.write(plain, each, cloud.read(disk_id, each, 1))
    for each in (plain, disk_id):
        cloud.snapshot(each)
    for piece in (NOISE[:32], WORDS[:32]):
        seen = [any(piece in each for each in stored(cloud, d).values()) for d in (plain, disk_id)]
        assert seen == [True, False], piece
    # Nor do the maps tell whether a block is one that somebody knows.
    for content in (WORDS[:BLOCK_BYTES], NOISE):
        known = blake3(content).digest(length=16)
        assert any(known in each for each in stored(cloud, plain).values())
        assert not any(known in each for each in stored(cloud, disk_id).values())


def test_a_snapshot_of_an_encrypted_disk_is_encrypted_with_the_same_key(
    cloud: Cloud, disk_id: str
) -> None:
    snapshot = found(cloud, cloud.snapshot(disk_id))
    assert snapshot["Encrypted"] is True
    assert snapshot["KMSKeyId"] == cloud.disk(disk_id)["KMSKeyId"] != ""


def test_a_chain_says_that_it_is_encrypted(cloud: Cloud, disk_id: str) -> None:
    cloud.snapshot(disk_id)
    plain = cloud.data_disk(cloud.instance())
    cloud.snapshot(plain)
    for each, encrypted in ((disk_id, True), (plain, False)):
        shown = cloud.ok("chain", "show", each, "--output", "json").json
        assert shown["Encrypted"] is encrypted
        assert shown["KMSKeyId"] == cloud.disk(each)["KMSKeyId"]
        drawn = cloud.ok("chain", "show", each, "--output", "table").out
        assert (", encrypted" in drawn) is encrypted


def test_disks_that_name_no_key_share_that_of_their_region(cloud: Cloud, disk_id: str) -> None:
    key = cloud.disk(disk_id)["KMSKeyId"]
    assert cloud.disk(encrypted_disk(cloud))["KMSKeyId"] == key
    there = {"RegionId": "cn-beijing", "ZoneId": "cn-beijing-h", "Size": 20, "Encrypted": True}
    elsewhere = cloud.ecs("CreateDisk", **there)["DiskId"]
    [made] = cloud.ecs("DescribeDisks", RegionId="cn-beijing")["Disks"]["Disk"]
    assert made["DiskId"] == elsewhere and made["Encrypted"] and made["KMSKeyId"] != key
    assert {path.stem for path in (cloud.root / "keys").iterdir()} == {key, made["KMSKeyId"]}


def test_the_file_of_a_key_is_its_owners_alone(cloud: Cloud, disk_id: str) -> None:
    path = key_path(cloud, disk_id)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    secret = json.loads(path.read_text())["secret"]
    assert len(bytes.fromhex(secret)) == 32
    documents = [each for each in cloud.root.rglob("*.json") if each != path]
    assert documents and not any(secret in each.read_text() for each in documents)


def test_two_disks_with_two_keys_are_told_apart(cloud: Cloud) -> None:
    disks = [encrypted_disk(cloud, DataDisk__1__KMSKeyId=key) for key in (KEY, OTHER_KEY)]
    plain = cloud.data_disk(cloud.instance())
    snapshots = [cloud.snapshot(each) for each in (*disks, plain)]
    for position, key in enumerate((KEY, OTHER_KEY)):
        assert [each["DiskId"] for each in cloud.disks(KMSKeyId=key)] == [disks[position]]
        [one] = cloud.snapshots(KMSKeyId=key)
        assert one["SnapshotId"] == snapshots[position]
    assert {each["DiskId"] for each in cloud.disks(Encrypted=True)} == set(disks)
    assert disks[0] not in {each["DiskId"] for each in cloud.disks(Encrypted=False)}
    assert {each["SnapshotId"] for each in cloud.snapshots(Encrypted=True)} == set(snapshots[:2])
    assert [each["SnapshotId"] for each in cloud.snapshots(Encrypted=False)] == snapshots[2:]
    assert len(cloud.snapshots()) == 3


def test_the_same_bytes_are_stored_differently_on_two_disks_and_at_two_times(
    cloud: Cloud, disk_id: str
) -> None:
    """So nobody can tell that two are alike; also where a chain begins anew under its old name."""
    other = encrypted_disk(cloud)
    for each in (0, 2):
        cloud.write(other, each, cloud.read(disk_id, each, 1))
    seen: set[bytes] = set()
    for each in (disk_id, other, disk_id):
        made = cloud.snapshot(each)
        pack = stored(cloud, each)[f"{made}.pack"][16:]
        windows = {pack[at : at + 12] for at in range(len(pack) - 12)}
        assert not windows & seen
        seen |= windows
        cloud.ecs("DeleteSnapshot", SnapshotId=made)


def test_rolling_back_gives_the_very_bytes(cloud: Cloud, disk_id: str) -> None:
    first = cloud.snapshot(disk_id)
    wanted = digest(cloud, disk_id)
    cloud.write(disk_id, 0, bytes(BLOCK_BYTES) + block("X") + block("Y"))
    second = cloud.snapshot(disk_id)
    later = digest(cloud, disk_id)
    stop(cloud, disk_id)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=first)
    assert digest(cloud, disk_id) == wanted
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=second)
    assert digest(cloud, disk_id) == later
    cloud.check()


@pytest.mark.parametrize("holes", [True, False])
def test_blocks_handed_on_by_a_deletion_give_the_very_bytes(
    cloud: Cloud, disk_id: str, holes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the file system makes no holes, so that what is left is moved, key or no key."""
    noise = random.Random(2).randbytes(6 * BLOCK_BYTES)
    cloud.write(disk_id, 4, noise)
    first = cloud.snapshot(disk_id)
    cloud.write(disk_id, 0, block("B"))
    cloud.write(disk_id, 5, block("B"))
    second = cloud.snapshot(disk_id)
    wanted = digest(cloud, disk_id)
    if not holes:
        monkeypatch.setattr("snapcli.volumes.freeing.punch_hole", lambda *_: False)
    cloud.ecs("DeleteSnapshot", SnapshotId=first)
    moved = any(re.search(r"\.\d+\.pack", name) for name in stored(cloud, disk_id))
    assert moved is not holes
    cloud.write(disk_id, 0, bytes(12 * BLOCK_BYTES))
    stop(cloud, disk_id)
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=second)
    assert digest(cloud, disk_id) == wanted
    cloud.check()


def test_a_disk_made_from_an_encrypted_snapshot_has_its_bytes_and_its_key(
    cloud: Cloud,
) -> None:
    disk_id = encrypted_disk(cloud, DataDisk__1__KMSKeyId=KEY)
    cloud.write(disk_id, 0, WORDS[:BLOCK_BYTES])
    made = cloud.snapshot(disk_id)
    for given in ({}, {"Encrypted": True}, {"Encrypted": True, "KMSKeyId": KEY}, {"KMSKeyId": KEY}):
        new = cloud.ecs("CreateDisk", SnapshotId=made, **ESSD, **given)["DiskId"]
        assert cloud.read(new, 0, 1) == cloud.read(disk_id, 0, 1)
        assert (cloud.disk(new)["Encrypted"], cloud.disk(new)["KMSKeyId"]) == (True, KEY)
    instance = cloud.instance(
        data_gib=None, DataDisk__1__SnapshotId=made, DataDisk__1__Category="cloud_essd"
    )
    new = cloud.data_disk(instance)
    assert cloud.disk(new)["KMSKeyId"] == KEY
    again = found(cloud, cloud.snapshot(new))
    assert (again["Encrypted"], again["KMSKeyId"]) == (True, KEY)
    cloud.check()


def test_nothing_converts_between_encrypted_and_unencrypted(cloud: Cloud) -> None:
    plain = cloud.data_disk(cloud.instance())
    secret = encrypted_disk(cloud, DataDisk__1__KMSKeyId=KEY)
    open_, hidden = (cloud.snapshot(each) for each in (plain, secret))
    create = ("CreateDisk", ESSD)
    for snapshot_id, given, code in (
        (open_, {"Encrypted": True}, "InvalidEncrypted.NotMatchSnapshot"),
        (open_, {"KMSKeyId": KEY}, "InvalidKmsKeyId.NotMatchSnapshot"),
        (hidden, {"Encrypted": False}, "InvalidEncrypted.NotMatchSnapshot"),
        (hidden, {"KMSKeyId": OTHER_KEY}, "InvalidKmsKeyId.NotMatchSnapshot"),
    ):
        result = refused(cloud, code, create[0], SnapshotId=snapshot_id, **create[1], **given)
        assert snapshot_id in result.err
    new = cloud.ecs("CreateDisk", SnapshotId=open_, Encrypted=False, **ESSD)["DiskId"]
    assert cloud.disk(new)["Encrypted"] is False


def test_a_system_disk_is_encrypted_when_asked_for(cloud: Cloud) -> None:
    instance_id = cloud.instance(
        data_gib=None, SystemDisk__Encrypted=True, SystemDisk__KMSKeyId=KEY
    )
    [disk] = cloud.disks(InstanceId=instance_id)
    assert (disk["Encrypted"], disk["KMSKeyId"]) == (True, KEY)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    request = {"InstanceId": instance_id, "ImageId": disk["ImageId"], "Encrypted": True}
    new = cloud.ecs("ReplaceSystemDisk", KMSKeyId=OTHER_KEY, **request)["DiskId"]
    assert cloud.disk(new)["KMSKeyId"] == OTHER_KEY
    cloud.ecs("StartInstance", InstanceId=instance_id)
    cloud.snapshot(new)
    cloud.check()


def test_disks_from_an_image_of_encrypted_snapshots_have_their_bytes_and_their_key(
    cloud: Cloud,
) -> None:
    instance_id = cloud.instance(
        SystemDisk__Encrypted=True, SystemDisk__KMSKeyId=KEY, DataDisk__1__Encrypted=False
    )
    disks = {disk["Type"]: disk["DiskId"] for disk in cloud.disks(InstanceId=instance_id)}
    cloud.write(disks["system"], 0, WORDS[:BLOCK_BYTES])
    cloud.write(disks["data"], 0, NOISE)
    made = cloud.ecs("CreateImage", RegionId=REGION, InstanceId=instance_id)["ImageId"]
    request = {"RegionId": REGION, "ImageId": made, "InstanceType": "ecs.g7.large"}
    for given in ({}, {"SystemDisk__Encrypted": True, "SystemDisk__KMSKeyId": KEY}):
        launched = cloud.ecs("RunInstances", **request, **given)
        [new] = launched["InstanceIdSets"]["InstanceIdSet"]
        found_disks = {disk["Type"]: disk for disk in cloud.disks(InstanceId=new)}
        keys = {kind: disk["KMSKeyId"] for kind, disk in found_disks.items()}
        assert keys == {"system": KEY, "data": ""}
        assert cloud.read(found_disks["system"]["DiskId"], 0, 1) == WORDS[:BLOCK_BYTES]
        assert cloud.read(found_disks["data"]["DiskId"], 0, 1) == NOISE
    for given, code in (
        ({"SystemDisk__Encrypted": False}, "InvalidEncrypted.NotMatchSnapshot"),
        (
            {"SystemDisk__Encrypted": True, "SystemDisk__KMSKeyId": OTHER_KEY},
            "InvalidKmsKeyId.NotMatchSnapshot",
        ),
    ):
        refused(cloud, code, "RunInstances", **request, **given)
    plain = cloud.ecs("CreateImage", RegionId=REGION, InstanceId=cloud.instance(data_gib=None))
    request["ImageId"] = plain["ImageId"]
    code = "InvalidEncrypted.NotMatchSnapshot"
    refused(cloud, code, "RunInstances", **request, SystemDisk__Encrypted=True)
    cloud.ecs("StopInstance", InstanceId=instance_id)
    request = {"InstanceId": instance_id, "ImageId": plain["ImageId"], "Encrypted": True}
    refused(cloud, code, "ReplaceSystemDisk", **request)
    alone = cloud.ecs("CreateImage", RegionId=REGION, SnapshotId=cloud.snapshot(disks["system"]))
    request = {"InstanceId": instance_id, "ImageId": alone["ImageId"]}
    new = cloud.ecs("ReplaceSystemDisk", **request)["DiskId"]
    assert cloud.disk(new)["KMSKeyId"] == KEY
    assert cloud.read(new, 0, 1) == WORDS[:BLOCK_BYTES]
    cloud.check()


def test_a_reinitialised_disk_gets_the_bytes_of_its_encrypted_snapshot_again(
    cloud: Cloud, disk_id: str
) -> None:
    made = cloud.snapshot(disk_id)
    there = {"RegionId": REGION, "InstanceId": cloud.disk(disk_id)["InstanceId"]}
    new = cloud.ecs("CreateDisk", SnapshotId=made, DiskCategory="cloud_essd", **there)["DiskId"]
    wanted = digest(cloud, new)
    cloud.write(new, 0, block("Q"))
    stop(cloud, disk_id)
    cloud.ecs("ReInitDisk", DiskId=new)
    assert digest(cloud, new) == wanted


def test_a_changed_byte_is_told_as_damage_of_a_block_of_a_snapshot(
    cloud: Cloud, disk_id: str
) -> None:
    made = cloud.snapshot(disk_id)
    pack = cloud.root / "chains" / REGION / disk_id / f"{made}.pack"
    whole = pack.read_bytes()
    stop(cloud, disk_id)
    cloud.write(disk_id, 0, bytes(4 * BLOCK_BYTES))
    # In the first block's nonce; in the second's ciphertext and tag.
    for at, damaged in ((20, 0), (len(whole) - 1000, 2), (len(whole) - 3, 2)):
        content = bytearray(whole)
        content[at] ^= 0x10
        pack.write_bytes(content)
        before = picture(cloud)
        result = cloud.run("ecs", "ResetDisk", "--DiskId", disk_id, "--SnapshotId", made)
        assert result.code == 4 and "Traceback" not in result.err
        assert f"block {damaged} of snapshot {made} is damaged" in result.err
        assert picture(cloud) == before
        [problem] = checked(cloud, 5, "--read-data")
        assert (problem["SnapshotId"], problem["Block"]) == (made, damaged)
        assert problem["Disks"] == [disk_id]
    pack.write_bytes(whole)
    cloud.check()


def checked(cloud: Cloud, code: int, *words: str) -> list[dict[str, Any]]:
    """The problems that `check` tells."""
    result = cloud.run("check", *words, "--output", "json")
    assert result.code == code, result.err
    return list(result.json["Problems"])


def test_without_its_key_an_encrypted_disk_is_refused_and_the_key_is_named(
    cloud: Cloud, disk_id: str
) -> None:
    made = cloud.snapshot(disk_id)
    wanted = digest(cloud, disk_id)
    stop(cloud, disk_id)
    path = key_path(cloud, disk_id)
    content = path.read_bytes()
    path.unlink()
    code = "InvalidParameter.KMSKeyId.NotFound"
    for action, request in (
        ("CreateSnapshot", {"DiskId": disk_id}),
        ("ResetDisk", {"DiskId": disk_id, "SnapshotId": made}),
        ("CreateDisk", {"SnapshotId": made, **ESSD}),
        # Nor is another key made in its place, with which the old blocks could not be read.
        ("CreateDisk", {"Encrypted": True, "Size": 20, **ESSD}),
        ("CreateDisk", {"Encrypted": True, "Size": 20, "KMSKeyId": path.stem, **ESSD}),
    ):
        result = refused(cloud, code, action, **request)
        assert path.stem in result.err and str(path) in result.err
    [problem] = checked(cloud, 5, "--read-data")
    assert path.stem in problem["Message"] and disk_id in problem["Disks"]
    path.write_bytes(content)
    path.chmod(0o600)
    cloud.write(disk_id, 0, block("X"))
    cloud.ecs("ResetDisk", DiskId=disk_id, SnapshotId=made)
    assert digest(cloud, disk_id) == wanted
    cloud.check()


def test_a_wrong_key_is_recognised_and_named(cloud: Cloud) -> None:
    disk_id = encrypted_disk(cloud, DataDisk__1__KMSKeyId=KEY)
    other = encrypted_disk(cloud, DataDisk__1__KMSKeyId=OTHER_KEY)
    cloud.write(disk_id, 0, WORDS[:BLOCK_BYTES])
    made = cloud.snapshot(disk_id)
    stop(cloud, disk_id)
    path = key_path(cloud, disk_id)
    whole = path.read_text()
    secret = json.loads(whole)["secret"]
    swapped = key_path(cloud, other).read_text().replace(OTHER_KEY, KEY)
    for wrong in (whole.replace(secret, "00" * 32), whole.replace(secret, "none"), swapped, "{"):
        path.write_text(wrong)
        before = picture(cloud)
        for action in (
            ["CreateSnapshot", "--DiskId", disk_id],
            ["ResetDisk", "--DiskId", disk_id, "--SnapshotId", made],
            ["CreateDisk", "--SnapshotId", made, *(f"--{k}={v}" for k, v in ESSD.items())],
        ):
            result = cloud.run("ecs", *action)
            assert result.code == 4 and result.bytes == b"" and "Traceback" not in result.err
            assert f"key {KEY}" in result.err and str(path) in result.err
            assert picture(cloud) == before
        [problem] = checked(cloud, 5)
        assert KEY in problem["Message"] and problem["File"] == str(path)
    cloud.snapshot(other)  # which has another key
    # A snapshot can be deleted without the key.
    cloud.ecs("DeleteSnapshot", SnapshotId=made)


def test_check_does_not_stop_at_a_missing_key(cloud: Cloud) -> None:
    disks = [encrypted_disk(cloud, DataDisk__1__KMSKeyId=key) for key in (KEY, OTHER_KEY)]
    snapshots = []
    for disk_id in disks:
        cloud.write(disk_id, 0, NOISE)
        snapshots.append(cloud.snapshot(disk_id))
    key_path(cloud, disks[0]).unlink()
    key_path(cloud, disks[1]).chmod(0o644)
    pack = cloud.root / "chains" / REGION / disks[1] / f"{snapshots[1]}.pack"
    content = bytearray(pack.read_bytes())
    content[-1] ^= 1
    pack.write_bytes(content)
    (cloud.root / "chains" / REGION / disks[0] / f"{snapshots[0]}.pack").unlink()
    problems = checked(cloud, 5, "--read-data")
    told = [(each["SnapshotId"], each["Block"]) for each in problems]
    assert (snapshots[1], 0) in told and (snapshots[0], None) in told
    counted = cloud.run("check", "--read-data", "--output", "json").json
    assert (counted["Snapshots"], counted["DataBlocks"]) == (2, 1)  # one chain's could be read
    messages = " ".join(each["Message"] for each in problems)
    assert (
        f"The key {KEY} is gone" in messages
        and f"chmod 600 {key_path(cloud, disks[1])}" in messages
    )


_DIE = """
import os, sys
from snapcli.volumes import restore
restore._Filler.write = lambda *_: os._exit(9)
from snapcli.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_rollback_that_was_cut_off_is_finished_with_the_key_the_journal_names(
    cloud: Cloud, disk_id: str
) -> None:
    made = cloud.snapshot(disk_id)
    wanted = digest(cloud, disk_id)
    cloud.write(disk_id, 0, bytes(4 * BLOCK_BYTES))
    stop(cloud, disk_id)
    path = key_path(cloud, disk_id)
    line = ["--workspace", str(cloud.root), "ecs", "ResetDisk"]
    line += ["--DiskId", disk_id, "--SnapshotId", made]
    died = subprocess.run([sys.executable, "-c", _DIE, *line], capture_output=True, timeout=60)
    assert died.returncode == 9
    journal = (cloud.root / "journal.json").read_text()
    assert path.stem in journal
    assert json.loads(path.read_text())["secret"] not in journal
    shutil.move(path, cloud.root / "kept")
    result = cloud.run("ecs", "DescribeSnapshots", "--RegionId", REGION)
    assert result.code == 4 and path.stem in result.err and "Traceback" not in result.err
    shutil.move(cloud.root / "kept", path)
    assert len(cloud.snapshots()) == 1
    assert digest(cloud, disk_id) == wanted
    cloud.check()


def test_an_imported_disk_is_encrypted_when_asked_for(cloud: Cloud, tmp_path: Path) -> None:
    image = tmp_path / "image.raw"
    image.write_bytes(NOISE)
    words = ("disk", "import", str(image), "--instance-id", cloud.instance(data_gib=None))
    new = cloud.ok(*words, "--encrypted", "--kms-key-id", KEY).out.strip()
    assert cloud.disk(new)["KMSKeyId"] == KEY
    cloud.snapshot(new)
    assert not any(NOISE[:32] in content for content in stored(cloud, new).values())
    result = cloud.run(*words, "--kms-key-id", KEY)
    assert result.code == 1 and result.error_code == "InvalidEncrypted.NotMatchKmsKeyId"


def test_a_refused_request_leaves_no_key(cloud: Cloud) -> None:
    refused(
        cloud, "InvalidSize.ValueNotSupported", "CreateDisk", Encrypted=True, Size=99999, **ESSD
    )
    refused(
        cloud,
        "DryRunOperation",
        "RunInstances",
        RegionId=REGION,
        ImageId=LINUX_IMAGE,
        InstanceType="ecs.g7.large",
        SystemDisk__Encrypted=True,
        DryRun=True,
    )
    assert not (cloud.root / "keys").exists()


@pytest.mark.parametrize("key", ["../x", "a/b", "-a", "a" * 65, "ключ"])
def test_a_key_id_that_cannot_be_one_is_refused(cloud: Cloud, key: str) -> None:
    request = {"Encrypted": True, "Size": 20, "KMSKeyId": key, **ESSD}
    refused(cloud, "InvalidParameter.KMSKeyId.NotFound", "CreateDisk", **request)


def test_a_key_without_encryption_is_refused(cloud: Cloud) -> None:
    request = {"Size": 20, "KMSKeyId": KEY, **ESSD}
    for given in ({}, {"Encrypted": False}):
        refused(cloud, "InvalidEncrypted.NotMatchKmsKeyId", "CreateDisk", **request, **given)


def test_a_local_disk_cannot_be_encrypted(cloud: Cloud, disk_id: str) -> None:
    made = cloud.snapshot(disk_id)
    local = {**ESSD, "DiskCategory": "ephemeral_ssd", "Size": 20}
    code = "InvalidParameter.EncryptedNotSupported"
    refused(cloud, code, "CreateDisk", Encrypted=True, **local)
    code = "NotSupportSnapshotEncrypted.DiskCategory"
    refused(cloud, code, "CreateDisk", SnapshotId=made, **local)


def test_an_unencrypted_disk_needs_nothing_of_encryption(cloud: Cloud) -> None:
    """Its commands import nothing of it, its files have the version they always had."""
    disk_id = cloud.data_disk(cloud.instance())
    cloud.write(disk_id, 0, NOISE)
    made = cloud.snapshot(disk_id)
    for name, content in stored(cloud, disk_id).items():
        if name != "chain.json":
            assert content[8:12] == (1).to_bytes(4, "little"), name
    stop(cloud, disk_id)
    for line in (
        ["CreateSnapshot", "--DiskId", disk_id],
        ["ResetDisk", "--DiskId", disk_id, "--SnapshotId", made],
        ["DeleteSnapshot", "--SnapshotId", made],
    ):
        script = (
            "import sys\n"
            "from snapcli.cli.main import main\n"
            "code = main(sys.argv[1:])\n"
            "sys.exit(code or 7 * any(m.startswith('cryptography') for m in sys.modules))\n"
        )
        words = ["--workspace", str(cloud.root), "ecs", *line]
        done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True)
        assert done.returncode == 0, done.stderr


def test_each_account_has_its_own_keys(cloud: Cloud, disk_id: str) -> None:
    account_id = cloud.ok("account", "add", "partner", "--output", "json").json["AccountId"]
    cloud.ok("account", "use", "partner")
    cloud.ecs("OpenSnapshotService")
    mine = encrypted_disk(cloud)
    cloud.write(mine, 0, NOISE)
    cloud.snapshot(mine)
    key = cloud.disk(mine)["KMSKeyId"]
    assert (cloud.root / "accounts" / account_id / "keys" / f"{key}.json").exists()
    assert not (cloud.root / "keys" / f"{key}.json").exists()
    cloud.check()
