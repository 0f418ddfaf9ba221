"""FORMAT.md beside the records says what the record types are, and what real files hold."""

import json
import re
import types
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from support import REGION, Cloud, block

import snapcli.ecs
from snapcli.api.dispatch import Caller
from snapcli.api.idempotency import RememberedCall
from snapcli.ecs import recorded, records
from snapcli.ecs.call import Call
from snapcli.workspace.store import Workspace

PAGE = Path(snapcli.ecs.__file__).with_name("FORMAT.md").read_text()
RECORDS: dict[str, type[msgspec.Struct]] = {
    "Account": records.Account,
    "Accounts": records.Accounts,
    "Events": records.Events,
    "EventRecord": records.EventRecord,
    "KmsKey": records.KmsKey,
    "RememberedCall": RememberedCall,
    "Inventory": records.Inventory,
    "InstanceRecord": records.InstanceRecord,
    "DiskRecord": records.DiskRecord,
    "ImageRecord": records.ImageRecord,
    "ImageDisk": records.ImageDisk,
    "TaskRecord": records.TaskRecord,
    "PolicyRecord": records.PolicyRecord,
    "GroupRecord": records.GroupRecord,
    "Phase": records.Phase,
    "Chain": records.Chain,
    "LockRecord": records.LockRecord,
    "SnapshotRecord": records.SnapshotRecord,
    "Ram": records.Ram,
    "RamRole": records.RamRole,
    "RamPolicy": records.RamPolicy,
    "SizeHistory": records.SizeHistory,
    "Usage": records.Usage,
    "EndedChain": records.EndedChain,
    "FoldedMonth": records.FoldedMonth,
    "FoldedLine": records.FoldedLine,
    "Assistant": records.Assistant,
    "CommandRecord": records.CommandRecord,
    "InvocationRecord": records.InvocationRecord,
    "InvocationResult": records.InvocationResult,
    "SentFileRecord": records.SentFileRecord,
}
_PLAIN = {str: "string", int: "integer", bool: "boolean", datetime: "instant"}


def table(heading: str) -> dict[str, tuple[str, str]]:
    """Field -> (type, default) of the table under a heading."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| .+ \|$", section, re.M)
    return {name: (type_, default) for name, type_, default in rows}


def documents(cloud: Cloud) -> dict[str, Path]:
    return {
        str(path.relative_to(cloud.root)): path
        for top in ("state", "chains", "keys")
        for path in (cloud.root / top).rglob("*.json")
        if path.name not in ("settings.json", "clock.json")  # the workspace's own
    }


def fits(hint: Any, written: str) -> bool:
    """Say whether a type of the page is that of a field."""
    if get_origin(hint) in (types.UnionType, Union):
        [hint] = [each for each in get_args(hint) if each is not type(None)]
    if hint is msgspec.Raw:
        return written == "object"
    if get_origin(hint) is dict:
        value = get_args(hint)[1]
        return written.startswith("object: ") and (
            value is str or written.endswith(f"→ {_PLAIN.get(value, value.__name__)}")
        )
    if get_origin(hint) is list:
        item = get_args(hint)[0]
        plain = {str: "strings", int: "integers"}
        return written == f"list of {plain.get(item, item.__name__)}"
    return written == _PLAIN.get(hint, getattr(hint, "__name__", ""))


@pytest.mark.parametrize("name", RECORDS)
def test_each_table_is_its_record_type(name: str) -> None:
    record = RECORDS[name]
    rows, hints = table(name), get_type_hints(record)
    fields = msgspec.structs.fields(record)
    assert list(rows) == [field.name for field in fields]
    for field in fields:
        type_, default = rows[field.name]
        assert fits(hints[field.name], type_), f"{name}.{field.name}: {type_}"
        if field.required:
            assert default == "—", field.name
        elif field.default_factory is not msgspec.NODEFAULT:
            assert json.loads(default) == field.default_factory(), field.name
        else:
            assert json.loads(default) == field.default, field.name


def test_every_record_type_has_its_table() -> None:
    kinds = {
        name
        for name, value in vars(records).items()
        if isinstance(value, type) and issubclass(value, records.Record)
    }
    assert kinds - {"Record"} | {"RememberedCall"} == RECORDS.keys()


@pytest.fixture
def used(cloud: Cloud) -> Cloud:
    """A workspace in which something of everything happened."""
    cloud.ok("config", "set", "speed", "realistic")
    instance_id = cloud.instance(
        AutoReleaseTime="2022-04-01T00:00Z", Tag__1__Key="a", Description="some text"
    )
    cloud.ok("clock", "advance", "1m")
    disk_id = cloud.data_disk(instance_id)
    system_id = cloud.disks(InstanceId=instance_id, DiskType="system")[0]["DiskId"]
    cloud.ok("create-auto-snapshot-policy", "--name", "daily", "--at", "11", "--on", "fri",
             "--tag", "a=b")  # fmt: skip
    listed = cloud.ecs("DescribeAutoSnapshotPolicyEx", RegionId=REGION)["AutoSnapshotPolicies"]
    policy_id = listed["AutoSnapshotPolicy"][0]["AutoSnapshotPolicyId"]
    cloud.ok(
        "apply-auto-snapshot-policy", "--auto-snapshot-policy-id", policy_id,
        "--disk-ids", system_id,
    )  # fmt: skip
    cloud.ecs("ModifyDiskAttribute", DiskId=system_id, EnableAutoSnapshot=False)
    cloud.ok("clock", "set", "2022-03-11T03:01:00Z")  # a run that is skipped
    for letter in "AB":
        cloud.write(disk_id, 0, block(letter))
        cloud.snapshot(disk_id, RetentionDays=2, ClientToken=f"t-{letter}", Tag__1__Key="k")
        cloud.ok("clock", "advance", "10m")
    cloud.ecs(
        "LockSnapshot", RegionId=REGION, SnapshotId=cloud.snapshots()[0]["SnapshotId"],
        LockMode="compliance", LockDuration=1, CoolOffPeriod=1,
    )  # fmt: skip
    cloud.snapshot(disk_id, InstantAccess=True, SnapshotName="fast")
    cloud.snapshot(disk_id, SnapshotName="fails")
    cloud.write(system_id, 0, block("S"))
    cloud.ecs("DeleteSnapshot", SnapshotId=cloud.snapshot(system_id))
    cloud.ok("account", "add", "partner")
    cloud.ecs("CreateDisk", RegionId=REGION, ZoneId=f"{REGION}-h", Size=20, Encrypted=True)
    statement = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"%s",%s}]}'
    trust = statement % ("sts:AssumeRole", '"Principal":{"Service":"ecs.aliyuncs.com"}')
    document = statement % ("ecs:*", '"Resource":"*"')
    cloud.ok("ram", "CreateRole", "--RoleName=r", f"--AssumeRolePolicyDocument={trust}")
    cloud.ok("ram", "CreatePolicy", "--PolicyName=p", f"--PolicyDocument={document}")
    cloud.ecs(
        "CreateCommand", RegionId=REGION, Name="c", Type="RunShellScript", CommandContent="id"
    )
    cloud.ok("guest", "set", instance_id, "--assistant", "missing")
    cloud.ecs(
        "RunCommand", RegionId=REGION, InstanceId__1=instance_id, Type="RunShellScript",
        CommandContent="id",
    )  # fmt: skip
    cloud.ecs(
        "SendFile", RegionId=REGION, InstanceId__1=instance_id, Name="f", TargetDir="/tmp",
        Content="x",
    )  # fmt: skip
    cloud.ecs("RebootInstance", InstanceId=instance_id)  # which fails the last one
    return cloud


def objects(value: Any, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every record in a document with the name of its type, as the tables say it."""
    yield name, value
    for field, (type_, _) in table(name).items():
        inner = value.get(field)
        target = type_.rsplit(" ", 1)[-1]
        if inner and type_ in RECORDS:
            yield from objects(inner, target)
        elif inner and target in RECORDS:
            for each in inner.values() if isinstance(inner, dict) else inner:
                yield from objects(each, target)


def test_real_files_hold_what_the_tables_say(used: Cloud) -> None:
    found: set[str] = set()
    for relative, path in documents(used).items():
        name = "KmsKey" if relative.startswith("keys/") else path.stem.capitalize()
        for kind, record in objects(json.loads(path.read_text()), name):
            found.add(kind)
            rows = table(kind)
            assert record.keys() <= rows.keys(), relative
            always = {field for field, (_, default) in rows.items() if default == "—"}
            assert always <= record.keys(), relative
            for field in record.keys() - always - {"format"}:
                assert record[field] != json.loads(rows[field][1]), f"{kind}.{field} is a default"
    images = {"ImageRecord", "ImageDisk", "TaskRecord"}
    elsewhere = images | {"FoldedMonth", "FoldedLine", "GroupRecord"}
    assert found | elsewhere == RECORDS.keys()


def test_the_documents_lie_where_the_page_says(used: Cloud) -> None:
    [disk_id] = [path.parent.name for path in used.root.glob("chains/*/*/chain.json")]
    written = re.findall(r"^\| `(\S+/.+?\.json)` \|", PAGE, re.M)
    [key] = used.root.glob("keys/*.json")
    names = {"<region>": REGION, "<disk id>": disk_id, "<kms key id>": key.stem}
    expected = {re.sub("<.+?>", lambda each: names[each[0]], path) for path in written}
    assert set(documents(used)) == expected and len(expected) >= 6


def test_the_search_for_the_newest_instant_reads_every_document(used: Cloud) -> None:
    workspace = Workspace.open(str(used.root))
    expected = set(workspace.documents()) - {"state/accounts.json"}  # which holds no instant
    with workspace.read() as tx:
        found = list(recorded.documents(Call(tx, Caller())))
    assert {file for file, _ in found} == expected and len(found) == len(expected)


def test_the_invariants_of_a_chain_hold(used: Cloud) -> None:
    """Also after a node was deleted and another was made."""
    [path] = used.root.glob("chains/*/*/chain.json")
    disk_id = path.parent.name
    used.ecs("DeleteSnapshot", SnapshotId=used.snapshots()[0]["SnapshotId"])
    used.ok("clock", "advance", "1h")
    used.write(disk_id, 3, block("C"))
    used.snapshot(disk_id)
    chain = json.loads(path.read_text())
    numbers = [node["number"] for node in chain["nodes"]]
    assert numbers == sorted(set(numbers)) and numbers[-1] == chain["next_number"] - 1
    assert numbers == [1, 2, 3, 5]
    assert used.chain_size(disk_id) == 65536 * sum(
        node.get("data_blocks", 0) for node in chain["nodes"]
    )
    named = {node["map_file"] for node in chain["nodes"] if "map_file" in node} | set(
        chain["packs"].values()
    )
    assert {file.name for file in path.parent.iterdir()} == named | {"chain.json"}


def test_what_is_due_next_is_never_noted_too_late(used: Cloud) -> None:
    account = json.loads((used.root / "state" / "account.json").read_text())
    assert account["next_due_at"] == "2022-03-13T03:01:00Z"  # the first snapshot's retention
