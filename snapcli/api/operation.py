"""What an operation is: one request, one response, one function, declared together.

This module holds the base types and the `@operation` declaration. It knows no operation itself;
the catalogue says which module declares which.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec


class Request(msgspec.Struct, kw_only=True, rename="pascal"):
    """Base of every request: a field per parameter, required ones without a default.

    `ignored` names the API's parameters that are accepted but have no meaning here; `local` the
    fields that the real API does not have; `optional` those that are published as required but
    described as optional, and are so here; `missing` the codes other than MissingParameter that
    an operation answers when a required parameter is absent.
    """

    ignored: ClassVar[tuple[str, ...]] = ()
    local: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    missing: ClassVar[dict[str, tuple[str, int]]] = {}


class Group(msgspec.Struct, kw_only=True, rename="pascal"):
    """Base of a structured parameter: `SystemDisk.Size`, or `Tag.1.Key` in a list."""

    ignored: ClassVar[tuple[str, ...]] = ()


class Response(msgspec.Struct, kw_only=True, rename="pascal"):
    """Base of every response; the RequestId is filled in by dispatch.

    `unanswered` names the API's response fields that have no meaning here.
    """

    unanswered: ClassVar[tuple[str, ...]] = ()

    request_id: str = ""


class Item(msgspec.Struct, kw_only=True, rename="pascal"):
    """Base of what stands inside a response.

    `unanswered` names the API's fields of it that have no meaning here.
    """

    unanswered: ClassVar[tuple[str, ...]] = ()


class Operation(msgspec.Struct, frozen=True):
    """An operation as declared: its action name, request type, function and manner.

    `lock` and `changes` are two facts: WriteDisk changes a disk under the shared lock.
    """

    action: str
    request: type[Request]
    response: type[Response]
    run: Callable[[Any, Any], Response]
    lock: bool
    changes: bool
    settles: bool


def operation(
    action: str, *, lock: bool, changes: bool, settles: bool = True
) -> Callable[[Callable[[Any, Any], Response]], Callable[[Any, Any], Response]]:
    """Declare the function below as the operation `action`.

    Its annotations name the request and response types. `lock` asks for the exclusive lock;
    `changes` says whether a repeated call would do something again, so that it is not made by
    a flag that repeats; `settles` lets what time has made due happen first.
    """

    def declare(function: Callable[[Any, Any], Response]) -> Callable[[Any, Any], Response]:
        hints = function.__annotations__
        declared = Operation(
            action=action,
            request=hints["request"],
            response=hints["return"],
            run=function,
            lock=lock,
            changes=changes,
            settles=settles,
        )
        function.__dict__["operation"] = declared
        return function

    return declare
