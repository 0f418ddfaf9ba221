"""The friendly form: its spelling, its output choices, its mistakes."""

from types import SimpleNamespace

import pytest
from cli_running import Run

from snapcli.api.errors import ApiError


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--snapshot-name n", {"SnapshotName": "n"}),
        ("--force", {"Force": "true"}),
        ("--no-force", {"Force": "false"}),
        ("--category FLASH", {"Category": "flash"}),
        ("--snapshot-ids a --snapshot-ids b", {"SnapshotIds": '["a","b"]'}),
        ("--snapshot-ids a,b", {"SnapshotIds": '["a","b"]'}),
        ('--snapshot-ids ["a"]', {"SnapshotIds": '["a"]'}),
        ("--instance-id i --instance-id j", {"InstanceId.1": "i", "InstanceId.2": "j"}),
        (
            "--tag env=a=b --tag alone",
            {"Tag.1.Key": "env", "Tag.1.Value": "a=b", "Tag.2.Key": "alone"},
        ),
        ("--system-disk Size=40", {"SystemDisk.Size": "40"}),
        (
            "--data-disk size=20,disk-name=a,b --data-disk Category=cloud_essd",
            {
                "DataDisk.1.Size": "20",
                "DataDisk.1.DiskName": "a,b",
                "DataDisk.2.Category": "cloud_essd",
            },
        ),
        ('--data-disk {"Size":20}', {"DataDisk.1.Size": "20"}),
        ("--region r", {"RegionId": "r"}),
    ],
)
def test_options_become_the_parameters_of_the_api(
    run: Run, service: SimpleNamespace, line: str, expected: dict[str, str]
) -> None:
    done = run("create-snapshot", "--disk-id", "d", "--zone-id", "z", *line.split())
    assert (done.code, done.err) == (0, "")
    assert service.calls[0][1] == {"DiskId": "d", "ZoneId": "z"} | expected


@pytest.mark.parametrize(
    "line",
    [
        "--workspace w --region r clock show",
        "clock --workspace w show --region r",
        "clock show --region r --workspace w",
    ],
)
def test_the_global_options_stand_anywhere(run: Run, service: SimpleNamespace, line: str) -> None:
    assert run(*line.split()).code == 0
    caller = service.calls[0][2]
    assert (caller.workspace, caller.region) == ("w", "r")


def test_local_operations_take_what_they_act_on_as_an_argument(
    run: Run, service: SimpleNamespace
) -> None:
    done = run("clock", "advance", "3d2h")
    assert (done.code, done.out, done.err) == (0, "2022-03-11T02:33:00Z  frozen\n", "")
    assert service.calls[0][:2] == ("AdvanceClock", {"By": "3d2h"})


@pytest.mark.parametrize("line", ["clock show --output json", "-o json clock show"])
def test_local_operations_answer_json_when_asked(
    run: Run, service: SimpleNamespace, line: str
) -> None:
    done = run(*line.split())
    assert done.out.startswith('{\n\t"Mode": "frozen",\n\t"Now": "2022-03-11T02:33:00Z"')


def test_piped_the_answer_is_the_same_json_as_in_the_other_form(
    run: Run, service: SimpleNamespace
) -> None:
    assert run("describe-snapshots").raw == run("ecs", "DescribeSnapshots").raw


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        (
            "create-snapsho",
            2,
            "ERROR: 'create-snapsho' is not a valid command or product. See `snapcli --help`.\n\n"
            "Did you mean:\n  create-snapshot\n",
        ),
        (
            "clock sho",
            2,
            "ERROR: 'sho' is not a valid command of clock. See `snapcli clock --help`.\n\n"
            "Did you mean:\n  show\n",
        ),
        (
            "create-snapshot --disk-i d",
            2,
            "ERROR: '--disk-i' is not a valid parameter or flag. "
            "See `snapcli create-snapshot --help`.\n\nDid you mean:\n  --disk-id\n",
        ),
        (
            "create-snapshot --category flsh",
            2,
            "ERROR: Invalid value for '--category': 'flsh' is not one of 'standard', 'flash'. "
            "See `snapcli create-snapshot --help`.\n\nDid you mean:\n  flash\n",
        ),
        (
            "create-snapshot --data-disk Sze=1",
            2,
            "ERROR: 'Sze' is not a valid member of --data-disk; it takes Size, Category, "
            "DiskName.\n\nDid you mean:\n  Size\n",
        ),
        (
            "create-snapshot --data-disk 20",
            2,
            "ERROR: --data-disk 20 is not understood. Write it as Member=value,Member=value, "
            "such as --data-disk Size=...,Category=....\n",
        ),
        (
            "create-snapshot --snapshot-name n",
            3,
            "ERROR: required parameters not assigned: \n  --disk-id\n  --zone-id\n\n"
            "use `snapcli create-snapshot --help` to get more information\n",
        ),
        (
            "clock advance",
            3,
            "ERROR: required parameters not assigned: \n  DURATION\n\n"
            "use `snapcli clock advance --help` to get more information\n",
        ),
        (
            "describe-snapshots --output jsn",
            2,
            "ERROR: 'jsn' is not a valid output format. It must be json, table, csv, or "
            "cols=... [rows=...] [num=true].\n\nDid you mean:\n  json\n",
        ),
        (
            "config set",
            3,
            "ERROR: required parameters not assigned: \n  KEY\n  VALUE\n\n"
            "use `snapcli config set --help` to get more information\n",
        ),
    ],
)
def test_a_mistake_is_named_with_the_nearest_right_one(
    run: Run, service: SimpleNamespace, line: str, code: int, error: str
) -> None:
    done = run(*line.split())
    assert (done.code, done.out, done.err) == (code, "", error)
    assert service.calls == []


def test_what_the_service_refuses_carries_its_code(run: Run, service: SimpleNamespace) -> None:
    service.error = ApiError("InvalidDiskId.NotFound", 404, "There is no disk 'd'.")
    done = run("describe-snapshots")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "ERROR: There is no disk 'd'.\nErrorCode: InvalidDiskId.NotFound\nRequestId: \n"
    )


def test_a_hint_of_what_is_next_is_shown_at_a_terminal_only(
    run: Run, service: SimpleNamespace
) -> None:
    line = ["create-snapshot", "--disk-id", "d-1", "--zone-id", "z"]
    assert run(*line).err == ""
    done = run(*line, terminals=("stdout", "stderr"), environ={"NO_COLOR": "1"})
    assert done.err == "Next: snapcli chain show d-1\n"
    assert run(*line, terminals=("stderr",)).err == ""
