"""Instance types: which names are acceptable, and their vCPUs and memory. Pure functions."""

from snapcli.api.errors import ApiError

_GIB_PER_CPU = {"c": 2, "g": 4, "r": 8, "t": 1, "s": 1}


def require_instance_type(name: str) -> str:
    """Return `name` when it has the form of an instance type, such as ecs.g7.large."""
    parts = name.split(".")
    if len(parts) != 3 or parts[0] != "ecs" or not parts[1] or not parts[2]:
        raise ApiError(
            "InvalidInstanceType.ValueNotSupported",
            400,
            f"There is no instance type {name!r}. Its form is ecs.<family>.<size>, for example "
            "ecs.g7.large.",
        )
    return name


def family(name: str) -> str:
    """Return the family of an instance type: `ecs.g7` of `ecs.g7.large`."""
    return name.rpartition(".")[0]


def cpu_count(name: str) -> int:
    """Return the vCPUs of an instance type, from its size."""
    size = name.rpartition(".")[2]
    if size.endswith("xlarge"):
        factor = size.removesuffix("xlarge")
        return 4 * int(factor) if factor.isdigit() else 4
    return {"small": 1, "medium": 1, "large": 2}.get(size, 2)


def memory_mib(name: str) -> int:
    """Return the memory of an instance type in MiB, from its family."""
    letter = name.split(".")[1][:1]
    return cpu_count(name) * _GIB_PER_CPU.get(letter, 4) * 1024
