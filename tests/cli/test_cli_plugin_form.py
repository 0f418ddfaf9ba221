"""`aliyun ecs create-snapshot …`: the plug-in's spelling becomes the wire parameters of the API."""

from types import SimpleNamespace

import pytest
from cli_running import Run
from support import Cloud


def sent(service: SimpleNamespace) -> dict[str, str]:
    return service.calls[-1][1]


NEEDED = {"DiskId": "d", "ZoneId": "z"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--biz-region-id r", {"RegionId": "r"}),
        ("--region e --biz-region-id r", {"RegionId": "r"}),
        ("--region e", {"RegionId": "e"}),
        ("--snapshot-name=n", {"SnapshotName": "n"}),
        ('--snapshot-ids ["a","b"]', {"SnapshotIds": '["a","b"]'}),
        ("--snapshot-ids a b --retention-days 7", {"SnapshotIds": '["a","b"]',
                                                   "RetentionDays": "7"}),
        ("--instance-id i j k", {"InstanceId.1": "i", "InstanceId.2": "j", "InstanceId.3": "k"}),
        ("--instance-id i --instance-id j", {"InstanceId.1": "i", "InstanceId.2": "j"}),
        ("--tag Key=env Value=prod", {"Tag.1.Key": "env", "Tag.1.Value": "prod"}),
        (
            "--tag Key=a Value=b Key=c Value=d --tag Key=e",
            {"Tag.1.Key": "a", "Tag.1.Value": "b", "Tag.2.Key": "c", "Tag.2.Value": "d",
             "Tag.3.Key": "e", "Tag.3.Value": ""},
        ),
        ("--tag env=prod", {"Tag.1.Key": "env", "Tag.1.Value": "prod"}),
        (
            "--data-disk Size=20 Category=cloud_essd --data-disk Size=40",
            {"DataDisk.1.Size": "20", "DataDisk.1.Category": "cloud_essd", "DataDisk.2.Size": "40"},
        ),
        (
            "--data-disk Size=20 DiskName=a Size=40 DiskName=b",
            {"DataDisk.1.Size": "20", "DataDisk.1.DiskName": "a", "DataDisk.2.Size": "40",
             "DataDisk.2.DiskName": "b"},
        ),
        ("--data-disk Size=20,Category=x", {"DataDisk.1.Size": "20", "DataDisk.1.Category": "x"}),
        ("--system-disk Size=40 DiskName=a,b", {"SystemDisk.Size": "40",
                                                "SystemDisk.DiskName": "a,b"}),
        ("--force true", {"Force": "true"}),
        ("--force=false", {"Force": "false"}),
        ("--force --snapshot-name n", {"Force": "true", "SnapshotName": "n"}),
        ("--access-key-id k --endpoint h -e h --user-agent me --read-timeout=3 --secure", {}),
    ],
)  # fmt: skip
def test_its_lists_objects_and_switches_are_understood(
    run: Run, service: SimpleNamespace, line: str, expected: dict[str, str]
) -> None:
    done = run("ecs", "create-snapshot", "--disk-id", "d", "--zone-id", "z", *line.split())
    assert (done.code, done.err) == (0, "")
    assert sent(service) == NEEDED | expected


def test_flags_may_stand_before_the_product(run: Run, service: SimpleNamespace) -> None:
    line = "--profile p --access-key-secret s ecs create-snapshot --disk-id d --zone-id z"
    assert run(*line.split()).code == 0
    assert sent(service) == NEEDED
    assert service.calls[-1][2].profile == "p"


def test_it_answers_json_at_a_terminal_and_lays_errors_out_as_the_real_command(
    run: Run, service: SimpleNamespace
) -> None:
    at = ("stdout", "stderr")
    piped = run("ecs", "describe-snapshots")
    assert piped.raw == run("ecs", "describe-snapshots", terminals=at).raw != b""
    lacking = run("ecs", "create-snapshot", "--disk-id", "d")
    assert lacking.code == 3
    assert lacking.err == (
        "ERROR: required parameters not assigned: \n  --zone-id\n\n"
        "use `snapcli ecs create-snapshot --help` to get more information\n"
    )


@pytest.mark.parametrize("word", ["create-snapsho", "describesnapshots"])
def test_a_mistyped_command_is_answered_with_the_nearest(
    run: Run, service: SimpleNamespace, word: str
) -> None:
    done = run("ecs", word)
    assert (done.code, done.out) == (2, "")
    assert "Did you mean:\n  " in done.err


def test_the_helper_flags_work_in_it(run: Run, service: SimpleNamespace) -> None:
    assert run("ecs", "describe-snapshots", "--cli-query", "TotalCount").out == "0\n"
    table = run("ecs", "describe-snapshots", "--output", "cols=TotalCount")
    assert table.out == "TotalCount\n----------\n0\n\n"


def test_an_option_is_not_taken_for_a_flag_of_the_same_name(cloud: Cloud) -> None:
    """`--ram-role-name` is a credential's flag of the real command, and this command's option."""
    instance = cloud.instance()
    attach = ("ecs", "attach-instance-ram-role", "--instance-ids", instance)
    done = cloud.run(*attach, "--ram-role-name", "nobody")
    assert (done.code, done.error_code) == (1, "InvalidRamRole.NotFound")
