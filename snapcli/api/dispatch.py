"""The one way through: an action name and parameter texts in, a typed response out.

Parses and validates, then hands the request to the service. Applies no rules and prints nothing.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import msgspec

from snapcli.api import catalogue, ids, parameters
from snapcli.api.errors import ApiError
from snapcli.api.operation import Response

Progress = Callable[[str, int, int], None]


class Caller(msgspec.Struct, kw_only=True):
    """Who calls and from where: what the command line or an HTTP request says beside parameters.

    `workspace`, `profile` (an account's name) and `region` are None when not said. `progress` is
    told of long work: what, done and total bytes; `counting` of what is long but no bytes.
    Without `settles` what has fallen due stays so, and an operation that describes changes nothing.
    `output` and `input` are the binary streams of operations that move bytes; `tell` takes a line
    for a person who watches.
    """

    workspace: str | None = None
    profile: str | None = None
    region: str | None = None
    progress: Progress | None = None
    counting: Progress | None = None
    on_wait: Callable[[], None] | None = None
    settles: bool = True
    read_input: Callable[[int], bytes] | None = None
    write_output: Callable[[bytes], object] | None = None
    write_error: Callable[[bytes], object] | None = None
    tell: Callable[[str], None] | None = None


def invoke(action: str, given: Mapping[str, str], caller: Caller) -> Response:
    """Carry out `action` with the wire parameters `given` and return its response.

    Raises ApiError (with its RequestId) when the service refuses, UnknownName for an unknown
    action, and the workspace's own errors.
    """
    declared = catalogue.load(action)
    request_id = ids.request_id()
    try:
        request = parameters.decode(declared.request, given)
        service: Any = import_module(catalogue.SERVICE)
        response: Response = service.perform(declared, request, given, caller)
    except ApiError as error:
        error.request_id = request_id
        raise
    response.request_id = request_id
    return response
