"""`aws ec2 describe-snapshots` on a moto server of its own: the peer of a listing command."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from bench_process import Failed, Run, run

_WAIT_SECONDS = 60
_MAKE = """
import boto3, sys
ec2 = boto3.client("ec2", endpoint_url=sys.argv[1], region_name="us-east-1",
                   aws_access_key_id="x", aws_secret_access_key="x")
for disk in range(10):
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=20)["VolumeId"]
    for number in range(int(sys.argv[2]) // 10):
        ec2.create_snapshot(VolumeId=volume, Description=f"snapshot {number}")
"""


class Aws:
    """The AWS command line in a venv of its own, with a moto server that holds snapshots."""

    def __init__(self, venv: Path, environment: Mapping[str, str], folder: Path) -> None:
        self._venv = venv
        self._folder = folder
        self._environment = dict(environment) | {
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_PAGER": "",
            # Else moto answers with the snapshots of a thousand public images too.
            "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
        }
        self._server: subprocess.Popen[bytes] | None = None
        self._url = ""

    def install(self) -> None:
        """Make the venv with awscli and moto from PyPI, unless it is there."""
        if (self._venv / "bin" / "aws").exists():
            return
        subprocess.run([sys.executable, "-m", "venv", self._venv], check=True)
        pip = self._venv / "bin" / "pip"
        subprocess.run([pip, "install", "-q", "awscli", "moto[ec2,server]"], check=True)

    def version(self) -> str:
        """Return the versions of the command line and of moto."""
        aws = run([str(self._venv / "bin" / "aws"), "--version"], self._environment, self._folder)
        line = "from importlib.metadata import version; print(version('moto'))"
        moto = self._python("-c", line)
        return f"{aws.output.decode().split()[0]}, moto {moto.output.decode().strip()}"

    def start(self, snapshots: int) -> None:
        """Start the server and make snapshots in it. Raises Failed when it does not answer."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        self._server = subprocess.Popen(
            [self._venv / "bin" / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + _WAIT_SECONDS
        while not self._answers():
            if time.monotonic() > until or self._server.poll() is not None:
                raise Failed("the moto server does not answer")
            time.sleep(0.2)
        self._python("-c", _MAKE, self._url, str(snapshots))

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self._url}/moto-api/", timeout=2).close()
        except (urllib.error.URLError, OSError):
            return False
        return True

    def describe(self) -> Run:
        """Run `aws ec2 describe-snapshots`, whose answer has all the snapshots made."""
        words = [str(self._venv / "bin" / "aws"), "ec2", "describe-snapshots"]
        words += ["--owner-ids", "self", "--endpoint-url", self._url]
        return run(words, self._environment, self._folder)

    def stop(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait()

    def _python(self, *words: str) -> Run:
        program = str(self._venv / "bin" / "python")
        return run([program, *words], self._environment, self._folder)
