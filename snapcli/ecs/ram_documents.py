"""RAM policy documents: whether one is well formed, and whether it allows an action.

Pure functions of documents and a context; knows no role, no record and no resource.
"""

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any, Literal

import msgspec

LONGEST_BYTES = 6144

OneOrMany = str | list[str]


class Statement(msgspec.Struct, kw_only=True, rename="pascal", forbid_unknown_fields=True):
    """A statement of a document, as it is written."""

    effect: Literal["Allow", "Deny"]
    action: OneOrMany | msgspec.UnsetType = msgspec.UNSET
    not_action: OneOrMany | msgspec.UnsetType = msgspec.UNSET
    resource: OneOrMany | msgspec.UnsetType = msgspec.UNSET
    not_resource: OneOrMany | msgspec.UnsetType = msgspec.UNSET
    principal: dict[str, OneOrMany] | msgspec.UnsetType = msgspec.UNSET
    condition: dict[str, dict[str, Any]] = {}


class Document(msgspec.Struct, kw_only=True, rename="pascal", forbid_unknown_fields=True):
    """A policy document of version 1."""

    version: Literal["1"]
    statement: list[Statement]


class MalformedDocument(Exception):
    """A document that is not one; the text says what is wrong and what would be right."""


def read_permissions(text: str) -> Document:
    """Read the document of a permission policy.

    Raises MalformedDocument unless each statement has one of Action and NotAction, one of
    Resource and NotResource, and no Principal.
    """
    document = _read(text)
    for number, statement in enumerate(document.statement, 1):
        _require_one(statement.action, statement.not_action, number, "Action", "NotAction")
        _require_one(statement.resource, statement.not_resource, number, "Resource", "NotResource")
        if statement.principal is not msgspec.UNSET:
            raise MalformedDocument(f"Statement {number} has a Principal; only a trust policy has.")
        for action in (*_many(statement.action), *_many(statement.not_action)):
            if not re.fullmatch(r"\*|[a-z0-9*-]+:[A-Za-z0-9*?]+", action):
                raise MalformedDocument(
                    f"Statement {number} has the action {action!r}. It must be written like "
                    "ecs:CreateSnapshot, ecs:Describe* or *."
                )
    return document


def read_trust(text: str) -> Document:
    """Read the document that says who may assume a role.

    Raises MalformedDocument unless each statement has a Principal and the action sts:AssumeRole.
    """
    document = _read(text)
    for number, statement in enumerate(document.statement, 1):
        if statement.principal is msgspec.UNSET or not statement.principal:
            raise MalformedDocument(
                f'Statement {number} has no Principal, such as {{"Service": ["ecs.aliyuncs.com"]}}.'
            )
        strange = statement.principal.keys() - {"Service", "RAM", "Federated"}
        if strange:
            raise MalformedDocument(
                f"Statement {number} has the principal {min(strange)!r}. It must be Service, RAM "
                "or Federated."
            )
        if "sts:AssumeRole" not in _many(statement.action):
            raise MalformedDocument(f"Statement {number} must have the action sts:AssumeRole.")
    return document


def _read(text: str) -> Document:
    if len(text.encode()) > LONGEST_BYTES:
        raise MalformedDocument(f"It has more than {LONGEST_BYTES} bytes.")
    try:
        document = msgspec.json.decode(text, type=Document)
    except msgspec.DecodeError as error:
        raise MalformedDocument(f"{error}.") from None
    if not document.statement:
        raise MalformedDocument("It has no Statement.")
    for number, statement in enumerate(document.statement, 1):
        for operator in statement.condition:
            if operator not in _OPERATORS:
                raise MalformedDocument(
                    f"Statement {number} has the condition operator {operator!r}. It must be one "
                    f"of {', '.join(_OPERATORS)}."
                )
    return document


def _require_one(one: object, other: object, number: int, name: str, negation: str) -> None:
    if (one is msgspec.UNSET) == (other is msgspec.UNSET):
        raise MalformedDocument(f"Statement {number} must have one of {name} and {negation}.")


def _many(value: OneOrMany | msgspec.UnsetType) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [] if isinstance(value, msgspec.UnsetType) else value


def trusts_service(document: Document, service: str) -> bool:
    """Say whether a trust document lets the service, such as ecs.aliyuncs.com, assume the role."""
    allowed = False
    for statement in document.statement:
        principal = statement.principal
        if isinstance(principal, dict) and service in _many(principal.get("Service", [])):
            if statement.effect == "Deny":
                return False
            allowed = True
    return allowed


def allows(
    documents: Iterable[Document], action: str, resource: str, context: Mapping[str, str]
) -> bool:
    """Say whether the documents together allow `action`, such as ecs:CreateSnapshot (AP-4).

    Nothing is allowed that no statement allows; a statement that denies wins over all that allow.
    `context` has the condition keys that are known, such as acs:CurrentTime.
    """
    allowed = False
    for document in documents:
        for statement in document.statement:
            if _concerns(statement, action, resource) and _holds(statement.condition, context):
                if statement.effect == "Deny":
                    return False
                allowed = True
    return allowed


def _concerns(statement: Statement, action: str, resource: str) -> bool:
    if statement.action is not msgspec.UNSET:
        named = _any_like(action.lower(), [a.lower() for a in _many(statement.action)])
    else:
        named = not _any_like(action.lower(), [a.lower() for a in _many(statement.not_action)])
    if statement.resource is not msgspec.UNSET:
        return named and _any_like(resource, _many(statement.resource))
    return named and not _any_like(resource, _many(statement.not_resource))


def _any_like(text: str, patterns: Iterable[str]) -> bool:
    return any(_like(text, pattern) for pattern in patterns)


def _like(text: str, pattern: str) -> bool:
    """Match with * and ? only; a bracket means itself."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    """Say whether all of a condition is met; a key that is not known meets nothing."""
    for operator, keys in condition.items():
        test, negated = _OPERATORS[operator]
        for key, wanted in keys.items():
            if key not in context:
                return False
            values = [str(value) for value in (wanted if isinstance(wanted, list) else [wanted])]
            try:
                met = any(_TESTS[test](context[key], value) for value in values)
            except ValueError:
                return False  # not a number, an instant or an address: nothing can meet it
            if met == negated:
                return False
    return True


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "equals": lambda found, wanted: found == wanted,
    "equals in any case": lambda found, wanted: found.lower() == wanted.lower(),
    "like": _like,
    "number equals": lambda found, wanted: float(found) == float(wanted),
    "number less": lambda found, wanted: float(found) < float(wanted),
    "number at most": lambda found, wanted: float(found) <= float(wanted),
    "date equals": lambda found, wanted: _instant(found) == _instant(wanted),
    "date less": lambda found, wanted: _instant(found) < _instant(wanted),
    "date at most": lambda found, wanted: _instant(found) <= _instant(wanted),
    "address": lambda found, wanted: ip_address(found) in ip_network(wanted, strict=False),
}

_OPERATORS: dict[str, tuple[str, bool]] = {
    "StringEquals": ("equals", False),
    "StringNotEquals": ("equals", True),
    "StringEqualsIgnoreCase": ("equals in any case", False),
    "StringNotEqualsIgnoreCase": ("equals in any case", True),
    "StringLike": ("like", False),
    "StringNotLike": ("like", True),
    "NumericEquals": ("number equals", False),
    "NumericNotEquals": ("number equals", True),
    "NumericLessThan": ("number less", False),
    "NumericLessThanEquals": ("number at most", False),
    "NumericGreaterThan": ("number at most", True),
    "NumericGreaterThanEquals": ("number less", True),
    "DateEquals": ("date equals", False),
    "DateNotEquals": ("date equals", True),
    "DateLessThan": ("date less", False),
    "DateLessThanEquals": ("date at most", False),
    "DateGreaterThan": ("date at most", True),
    "DateGreaterThanEquals": ("date less", True),
    "Bool": ("equals in any case", False),
    "IpAddress": ("address", False),
    "NotIpAddress": ("address", True),
}
