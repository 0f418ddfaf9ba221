"""Every code the service answers is one the API publishes, with a status it is published with."""

import ast
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import snapcli
from snapcli.api import catalogue, parameters

PACKAGE = Path(snapcli.__file__).parent
SPEC = Path(__file__).parents[3] / "shared" / "api" / "ecs-errors.json"
ACTIONS = [
    action
    for action, entry in catalogue.ENTRIES.items()
    if not entry.local and entry.product == "ecs"
]

pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="the API's error tables are not here")

# The shared gateway's form for a parameter that is there but unusable: Invalid<ParameterName>.
BY_PARAMETER_NAME = {"InvalidNextToken", "InvalidPageNumber", "InvalidPageSize"} | {
    "InvalidMaxResults"
}


# RAM is another product with tables of its own: code -> status.
RAM_CODES = {
    "DeleteConflict.Policy.Role": 409,
    "DeleteConflict.Role.Policy": 409,
    "EntityAlreadyExists.Policy": 409,
    "EntityAlreadyExists.Role": 409,
    "EntityAlreadyExists.Role.Policy": 409,
    "EntityNotExist.Policy": 404,
    "EntityNotExist.Role": 404,
    "EntityNotExist.Role.Policy": 404,
    "InvalidParameter.Description.Length": 400,
    "InvalidParameter.MaxItems": 400,
    "InvalidParameter.MaxSessionDuration": 400,
    "InvalidParameter.PolicyName.InvalidChars": 400,
    "InvalidParameter.PolicyType": 400,
    "InvalidParameter.RoleName.InvalidChars": 400,
    "LimitExceeded.Role": 409,
    "MalformedPolicyDocument": 400,
}


def read_tables() -> dict[str, dict[str, set[int]]]:
    """The published codes: operation (or * for all) -> code -> statuses."""
    tables: dict[str, dict[str, set[int]]] = {}
    for action, rows in json.loads(SPEC.read_bytes()).items():
        if isinstance(rows, list):
            for row in rows:
                statuses = tables.setdefault(action, {}).setdefault(row["code"], set())
                statuses.add(row["http"])
    return tables


def pairs(arguments: list[Any]) -> Iterator[tuple[str, int]]:
    """A code followed by its status, wherever the two stand beside each other."""
    for one, two in pairwise(arguments):
        if (
            isinstance(one, ast.Constant)
            and isinstance(one.value, str)
            and isinstance(two, ast.Constant)
            and type(two.value) is int
            and 400 <= two.value < 600
        ):
            yield one.value, two.value


def found_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from pairs(list(node.args))
        elif isinstance(node, ast.FunctionDef):
            yield from pairs(list(node.args.defaults))
        elif isinstance(node, ast.Tuple):
            yield from pairs(node.elts)


def modules() -> list[Path]:
    return sorted([*PACKAGE.glob("ecs/*.py"), *PACKAGE.glob("api/*.py")])


def test_every_code_in_the_source_is_published_with_its_status() -> None:
    published: dict[str, set[int]] = {}
    for table in read_tables().values():
        for code, statuses in table.items():
            published.setdefault(code, set()).update(statuses)
    seen = 0
    for code, status in RAM_CODES.items():
        published[code] = {status}
    for module in modules():
        for code, status in found_in(ast.parse(module.read_text())):
            if code in BY_PARAMETER_NAME or code == "status":
                continue
            seen += 1
            assert status in published.get(code, ()), f"{module.name}: {code} {status}"
    assert seen > 100


def test_every_refusal_is_made_with_a_code_and_a_status_side_by_side() -> None:
    """So that the scan above sees all of them; a passed-on code is called `code`."""
    for module in modules():
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ApiError":
                code, status = node.args[:2]
                passed_on = {ast.unparse(code), ast.unparse(status)} <= {
                    "code",
                    "status",
                    "parameter.code",
                    "parameter.status",
                    "403 if action in _FORBIDDEN else 400",
                    "'IdempotentParameterMismatch'",
                }
                assert passed_on or list(pairs([code, status])), f"{module.name}:{node.lineno}"


@pytest.mark.parametrize("action", ACTIONS)
def test_an_operations_own_codes_have_the_status_its_own_table_gives(action: str) -> None:
    """What its module raises and what its parameters answer, where its table has the code."""
    tables = read_tables()
    table = tables.get(action, {})
    entry = catalogue.ENTRIES[action]
    siblings = [a for a in ACTIONS if catalogue.ENTRIES[a].module == entry.module]
    answered = set(found_in(function_of(action, PACKAGE / "ecs" / f"{entry.module}.py")))
    for parameter in parameters.describe(catalogue.load(action).request):
        each = (parameter, *parameter.members)
        # A plain text is never refused for its form.
        answered |= {(p.code, p.status) for p in each if p.type is not str}
    if len(siblings) == 1:
        answered |= set(found_in(ast.parse((PACKAGE / "ecs" / f"{entry.module}.py").read_text())))
    for code, status in answered:
        assert status in table.get(code, {status}), f"{code} {status}"


def function_of(action: str, module: Path) -> ast.FunctionDef:
    """The function that is declared as the operation."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef) and any(
            isinstance(mark, ast.Call) and ast.unparse(mark.args[0]) == repr(action)
            for mark in node.decorator_list
            if getattr(mark, "args", None)
        ):
            return node
    raise AssertionError(action)


def test_a_required_parameter_left_out_has_the_code_of_its_operation() -> None:
    tables = read_tables()
    for action in ACTIONS:
        for name, (code, status) in catalogue.load(action).request.missing.items():
            assert status in tables[action][code], (action, name)


def test_a_code_that_nobody_publishes_would_be_noticed() -> None:
    made = "raise ApiError('NoSuch.Code', 400, 'text')"
    assert list(found_in(ast.parse(made))) == [("NoSuch.Code", 400)]
