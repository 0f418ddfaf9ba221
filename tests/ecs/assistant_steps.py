"""Running Cloud Assistant's commands and waiting for what becomes of them."""

import base64
import time
from typing import Any

from support import REGION, Cloud

ROLE = "AppSnapshotRoleName"
GUIDES_POLICY = """{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "ecs:DescribeSnapshot*",
        "ecs:CreateSnapshot*",
        "ecs:TagResources",
        "ecs:DescribeDisks"
      ],
      "Resource": ["*"],
      "Condition": {}
    }
  ]
}"""
_TRUST = (
    '{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
    '"Principal":{"Service":["ecs.aliyuncs.com"]}}]}'
)


def role(cloud: Cloud, instance_id: str, policy: str = GUIDES_POLICY, name: str = ROLE) -> None:
    """Make the guide's role with a policy and attach it to an instance."""
    cloud.ok("ram", "CreateRole", f"--RoleName={name}", f"--AssumeRolePolicyDocument={_TRUST}")
    cloud.ok("ram", "CreatePolicy", f"--PolicyName=p-{name}", f"--PolicyDocument={policy}")
    cloud.ok(
        "ram", "AttachPolicyToRole", "--PolicyType=Custom", f"--PolicyName=p-{name}",
        f"--RoleName={name}",
    )  # fmt: skip
    cloud.ecs(
        "AttachInstanceRamRole", RegionId=REGION, RamRoleName=name,
        InstanceIds=f'["{instance_id}"]',
    )  # fmt: skip


def start(cloud: Cloud, instance_id: str, content: str, **more: Any) -> str:
    """Call RunCommand and return the invocation's id."""
    more = {"Type": "RunShellScript", "RegionId": REGION} | more
    made = cloud.ecs("RunCommand", CommandContent=content, InstanceId__1=instance_id, **more)
    assert made["CommandId"].startswith("c-") and made["InvokeId"].startswith("t-")
    return str(made["InvokeId"])


def result(cloud: Cloud, invoke_id: str, **more: Any) -> dict[str, Any]:
    """Return the only result of an invocation as it is now."""
    found = cloud.ecs("DescribeInvocationResults", RegionId=REGION, InvokeId=invoke_id, **more)
    [only] = found["Invocation"]["InvocationResults"]["InvocationResult"]
    return dict(only)


def ended(cloud: Cloud, invoke_id: str, seconds: float = 30) -> dict[str, Any]:
    """Wait until an invocation has ended and return its result, the output as a text."""
    until = time.monotonic() + seconds
    while (found := result(cloud, invoke_id))["InvocationStatus"] in ("Pending", "Running"):
        assert time.monotonic() < until, found
        time.sleep(0.02)
    return found | {"Text": base64.b64decode(found["Output"]).decode()}


def run(cloud: Cloud, instance_id: str, content: str, **more: Any) -> dict[str, Any]:
    """Run a command to its end."""
    return ended(cloud, start(cloud, instance_id, content, **more))
