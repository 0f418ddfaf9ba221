"""The system policies that a role can be given without writing one. Data only."""


def _document(*actions: str) -> str:
    listed = ", ".join(f'"{action}"' for action in actions)
    return (
        '{"Version": "1", "Statement": [{"Effect": "Allow", '
        f'"Action": [{listed}], "Resource": "*"}}]}}'
    )


SYSTEM_POLICIES: dict[str, str] = {
    "AdministratorAccess": _document("*"),
    "ReadOnlyAccess": _document("*:Describe*", "*:List*", "*:Get*"),
    "AliyunECSFullAccess": _document("ecs:*"),
    "AliyunECSReadOnlyAccess": _document("ecs:Describe*", "ecs:List*"),
    "AliyunECSAssistantFullAccess": _document(
        "ecs:DescribeInstances",
        "ecs:DescribeTag*",
        "ecs:*Command*",
        "ecs:*Invocation*",
        "ecs:SendFile",
        "ecs:DescribeSendFileResults",
        "ecs:*CloudAssistant*",
    ),
}
