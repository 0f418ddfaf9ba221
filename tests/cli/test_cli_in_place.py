"""In the place of `aliyun`: the shim, the words beside ecs, profiles and the environment."""

import contextlib
import io
import json
import os
import stat
from pathlib import Path

import pytest
from cli_running import Outcome
from support import Cloud

from snapcli.cli.main import main
from snapcli.cli.streams import Streams
from snapcli.workspace.profiles import PROFILES_NAME


class Aliyun:
    """Runs command lines as a process called `aliyun` does, in a home of its own."""

    def __init__(self, cloud: Cloud, home: Path) -> None:
        self.cloud = cloud
        self.home = home
        self.environ: dict[str, str] = {}

    def __call__(self, *argv: str) -> Outcome:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        streams = Streams(
            stdin=io.TextIOWrapper(io.BytesIO()),
            stdout=out,
            stderr=err,
            environ={"HOME": str(self.home), "SNAPCLI_WORKSPACE": str(self.cloud.root)}
            | self.environ,
            terminals={"stdin": False, "stdout": False, "stderr": False},
        )
        streams.program = "aliyun"
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(argv, streams)
        out.flush()
        err.flush()
        return Outcome(code, out.buffer.getvalue(), err.buffer.getvalue().decode())

    def region(self, *words: str) -> str:
        """Return the region that a command is for."""
        request = self("ecs", "DescribeDisks", "--cli-dry-run-json", *words)
        assert request.code == 0, request.err
        return str(json.loads(request.out)["query"]["RegionId"])

    def configure(self, text: str) -> Path:
        """Write the real command's configuration."""
        path = self.home / ".aliyun" / "config.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def aliyun(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Aliyun:
    monkeypatch.setenv("SNAPCLI_WORKSPACE", str(cloud.root))
    return Aliyun(cloud, tmp_path)


CONFIG = """{
    "current": "prod",
    "profiles": [
        {"name": "prod", "mode": "AK", "access_key_id": "LTAIsecretid", "access_key_secret":
         "topsecret", "region_id": "cn-shanghai", "output_format": "json", "language": "zh"},
        {"name": "dev", "mode": "StsToken", "sts_token": "topsecret", "region_id": "cn-beijing",
         "language": "en"}
    ],
    "meta_path": ""
}"""


def test_the_version_is_a_bare_number(aliyun: Aliyun) -> None:
    assert (aliyun("version").out, aliyun("--version").out) == ("3.4.11\n", "3.4.11\n")


def test_help_is_answered_in_the_real_commands_layout(aliyun: Aliyun) -> None:
    pages = [aliyun(), aliyun("help"), aliyun("--help"), aliyun("-h")]
    assert {(page.code, page.out, page.err) for page in pages} == {(0, pages[0].out, "")}
    assert pages[0].out.startswith("Alibaba Cloud Command Line Interface Version 3.4.11\n")
    for words in (("help", "ecs"), ("ecs", "help"), ("ecs",), ("ecs", "--help")):
        assert "\n  aliyun ecs <ApiName> --parameter1 value1" in aliyun(*words).out
    page = aliyun("help", "ecs", "CreateSnapshot").out
    assert "\n  --DiskId String  Required\n" in page and "\n  aliyun ecs CreateSnapshot " in page
    assert aliyun("help", "ecs", "create-snapshot").out.startswith(
        "Usage: aliyun ecs create-snapshot"
    )


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("ecss X", 2, "'ecss' is not a valid command or product. See `aliyun help`."),
        ("describe-snapshots", 2, "'describe-snapshots' is not a valid command or product."),
        ("vpc DescribeVpcs", 2, "the product 'vpc' is not here: snapcli answers ecs"),
        ("help oss", 2, "the product 'oss' is not here"),
        ("ecs CreateSnapsho", 2, "'CreateSnapsho' is not a valid api. See `aliyun help ecs`."),
        ("ecs CreateSnapshot --DiskI d", 2, "See `aliyun help ecs CreateSnapshot`."),
        ("ecs CreateSnapshot", 3, "use `aliyun ecs CreateSnapshot --help` to get more"),
        ("ecs create-snapshot", 3, "use `aliyun ecs create-snapshot --help` to get more"),
        ("plugin install --names aliyun-cli-vpc", 2, "'aliyun-cli-vpc' is not here"),
        ("configure lst", 2, "'lst' is not a valid command of configure."),
        ("configure switch", 3, "the --profile <profileName> is required"),
        ("configure switch --profile nobody", 3, "unknown profile nobody, run configure to check"),
        ("configure get region --profile nobody", 3, "unknown profile nobody"),
        ("configure delete --profile nobody", 3, "the profile nobody was not set"),
        ("configure set --region Not/One", 3, "invalid region Not/One"),
        ("configure set --language fr", 3, "invalid language fr"),
    ],
)
def test_what_is_not_here_is_said_under_the_real_commands_name(
    aliyun: Aliyun, line: str, code: int, error: str
) -> None:
    done = aliyun(*line.split())
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("ERROR: ") and error in done.err
    assert "snapcli help" not in done.err


def test_the_plugin_of_ecs_is_there_already(aliyun: Aliyun) -> None:
    done = aliyun("plugin", "install", "--names", "aliyun-cli-ecs")
    assert (done.code, done.out) == (0, "") and "built in" in done.err
    assert aliyun("plugin", "list").out == "aliyun-cli-ecs (built in)\n"


def test_profiles_are_listed_as_the_real_command_lays_them_out(aliyun: Aliyun) -> None:
    assert aliyun("configure", "list").out == (
        "Profile   | Credential         | Valid   | Region           | Language\n"
        "--------- | ------------------ | ------- | ---------------- | --------\n"
        "default * | none               | Valid   | cn-hangzhou      | en\n"
    )
    aliyun.configure(CONFIG)
    assert aliyun("configure", "list").out == (
        "Profile   | Credential         | Valid   | Region           | Language\n"
        "--------- | ------------------ | ------- | ---------------- | --------\n"
        "prod *    | AK:***             | Valid   | cn-shanghai      | zh\n"
        "dev       | StsToken:***       | Valid   | cn-beijing       | en\n"
        "default   | none               | Valid   | cn-hangzhou      | en\n"
    )


@pytest.mark.parametrize(
    ("words", "environ", "region"),
    [
        ("", {}, "cn-shanghai"),
        ("--profile dev", {}, "cn-beijing"),
        ("-p dev", {}, "cn-beijing"),
        ("--profile another", {}, "cn-hangzhou"),
        ("--profile dev --region cn-qingdao", {}, "cn-qingdao"),
        ("--profile dev --RegionId cn-qingdao", {}, "cn-qingdao"),
        ("", {"ALIBABA_CLOUD_PROFILE": "dev"}, "cn-beijing"),
        ("--profile prod", {"ALICLOUD_PROFILE": "dev"}, "cn-shanghai"),
        ("", {"ALIBABA_CLOUD_REGION_ID": "cn-qingdao"}, "cn-shanghai"),
        ("", {"SNAPCLI_REGION": "cn-qingdao"}, "cn-qingdao"),
        ("", {"ALIBABA_CLOUD_IGNORE_PROFILE": "TRUE"}, "cn-hangzhou"),
        ("--profile another", {"REGION": "cn-qingdao"}, "cn-qingdao"),
        ("--config-path {home}/none.json", {"REGION_ID": "cn-qingdao"}, "cn-qingdao"),
        ("--config-path {home}/other.json", {}, "cn-shenzhen"),
    ],
)
def test_the_region_is_the_options_the_profiles_or_the_environments(
    aliyun: Aliyun, words: str, environ: dict[str, str], region: str
) -> None:
    aliyun.configure(CONFIG)
    other = '{"current": "a", "profiles": [{"name": "a", "region_id": "cn-shenzhen"}]}'
    (aliyun.home / "other.json").write_text(other)
    aliyun.environ = environ
    assert aliyun.region(*words.format(home=aliyun.home).split()) == region


def test_a_profile_is_no_account_unless_one_has_its_name(aliyun: Aliyun) -> None:
    aliyun.configure(CONFIG)
    aliyun.cloud.ok("account", "add", "dev")
    region = ("--RegionId", "cn-hangzhou")
    disk_id = aliyun.cloud.data_disk(aliyun.cloud.instance())
    assert disk_id in aliyun("ecs", "DescribeDisks", "--profile", "prod", *region).out
    assert disk_id not in aliyun("ecs", "DescribeDisks", "--profile", "dev", *region).out
    assert disk_id in aliyun("ecs", "DescribeDisks", *region).out


def test_a_profile_that_nobody_knows_is_refused_where_there_are_several_accounts(
    aliyun: Aliyun,
) -> None:
    assert aliyun("ecs", "DescribeDisks", "--profile", "nobody").code == 0
    aliyun.cloud.ok("account", "add", "partner")
    done = aliyun("ecs", "DescribeDisks", "--profile", "partnr")
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        "ERROR: unknown profile partnr, run configure to check\n\nDid you mean:\n  partner\n\n"
        "Configuration failed, use `aliyun configure` to configure it\n"
    )


def test_what_is_set_is_kept_in_the_workspace_without_any_secret(aliyun: Aliyun) -> None:
    config = aliyun.configure(CONFIG)
    done = aliyun(
        *("configure", "set", "--profile", "ci", "--mode", "AK", "--region", "cn-qingdao"),
        *("--access-key-id", "LTAItop", "--access-key-secret", "topsecret", "--language", "en"),
    )
    assert (done.code, done.out) == (0, "")
    assert "not kept" in done.err and "topsecret" not in done.err
    kept = (aliyun.cloud.root / PROFILES_NAME).read_text()
    assert "topsecret" not in kept and "LTAItop" not in kept
    assert config.read_text() == CONFIG
    assert aliyun.region() == "cn-qingdao"
    assert aliyun("configure", "get", "profile", "region", "mode", "language").out == (
        "profile=ci\nregion=cn-qingdao\nmode=AK\nlanguage=en\n"
    )
    assert json.loads(aliyun("configure", "get").out)["region_id"] == "cn-qingdao"
    assert aliyun("configure", "get", "access-key-secret").out == "access-key-secret=\n"
    assert aliyun("configure", "switch", "--profile", "dev").out == (
        "The default profile is `dev` now.\n"
    )
    assert aliyun.region() == "cn-beijing"
    assert aliyun("configure", "delete", "--profile", "ci").code == 0
    assert "ci" not in aliyun("configure", "list").out
    assert aliyun("configure").code == 0


def test_a_configuration_that_cannot_be_read_is_named(aliyun: Aliyun) -> None:
    path = aliyun.configure("{")
    done = aliyun("ecs", "DescribeDisks")
    assert (done.code, done.out) == (3, "")
    assert str(path) in done.err
    assert done.err.endswith("\n\nConfiguration failed, use `aliyun configure` to configure it\n")
    assert aliyun("ecs", "DescribeDisks", "--region", "cn-hangzhou").code == 0


def test_under_its_own_name_the_current_profile_of_the_real_command_is_not_asked(
    aliyun: Aliyun, monkeypatch: pytest.MonkeyPatch
) -> None:
    aliyun.configure("{")
    monkeypatch.setenv("HOME", str(aliyun.home))
    assert aliyun.cloud.ok("ecs", "DescribeDisks").code == 0
    aliyun.configure(CONFIG)
    query = ("--cli-dry-run-json", "--profile", "dev")
    assert aliyun.cloud.ok("describe-disks", *query).json["query"]["RegionId"] == "cn-beijing"


def test_the_shim_is_a_program_of_one_folder(cloud: Cloud, tmp_path: Path) -> None:
    folder = tmp_path / "bin dir"
    done = cloud.ok("shim", str(folder))
    assert done.out == f"export PATH='{folder}':\"$PATH\"\n"
    shim = folder / "aliyun"
    assert os.listdir(folder) == ["aliyun"]
    assert stat.S_IMODE(shim.stat().st_mode) & 0o111 == 0o111
    assert str(cloud.root) in shim.read_text()
    again = cloud.ok("shim", str(folder), "--output", "json")
    assert again.json == {"Shim": str(shim), "Workspace": str(cloud.root)}
    assert again.err == ""


def test_another_program_of_that_name_is_not_replaced(cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "aliyun").write_text("#!/bin/sh\n")
    refused = cloud.run("shim", str(tmp_path))
    assert (refused.code, refused.out) == (1, "")
    assert (tmp_path / "aliyun").read_text() == "#!/bin/sh\n"
    assert cloud.run("shim").code == 3


def test_a_python_in_a_folder_with_blanks_can_carry_the_shim(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess
    import sys

    python = tmp_path / "a folder" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    cloud.ok("shim", str(tmp_path))
    environ = {key: text for key, text in os.environ.items() if "SNAPCLI" not in key}
    done = subprocess.run(
        [tmp_path / "aliyun", "ecs", "DescribeDisks", "--cli-query", "TotalCount"],
        capture_output=True,
        text=True,
        env=environ,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
