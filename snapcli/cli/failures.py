"""What a person, or a program, reads when a command fails, and the exit code that goes with it.

The only place that lays out errors. Never shows a traceback unless SNAPCLI_DEBUG asks for it.
"""

from typing import NamedTuple

from snapcli.api.errors import ApiError, MissingParameters, UnknownName
from snapcli.cli import exit_codes
from snapcli.cli.streams import OutputError, Streams
from snapcli.cli.usage import UsageError, missing

_RECOMMEND = "https://api.aliyun.com/troubleshoot?q={code}&product=Ecs&requestId={request_id}"
# What is no refusal of the service has a code of ours; for a mistyped command by exit code.
_USAGE_CODES = {
    exit_codes.REFUSED: "MalformedCommandLine",
    exit_codes.UNKNOWN: "UnknownName",
    exit_codes.MISSING: "IncompleteCommandLine",
    exit_codes.TIMED_OUT: "WaitTimeout",
}


class _Failure(NamedTuple):
    """A failure as data: what JSON says of it, and what it is made of for people."""

    code: str
    message: str
    exit_code: int
    request_id: str = ""
    near: tuple[str, ...] = ()
    tip: str = ""


def report(error: BaseException, streams: Streams, *, exact: bool) -> int:
    """Print `error` on standard error and return its exit code.

    `exact` asks for the real command's layout of what the service refuses. Where the answer was
    asked for as JSON (`streams.as_json`), exactly one object is printed.
    """
    failure = _failure(error)
    debug = bool(streams.environ.get("SNAPCLI_DEBUG"))
    if debug and failure.code in ("InternalError", "SystemError"):
        import traceback

        streams.complain("".join(traceback.format_exception(error)).rstrip())
    if streams.as_json:
        from snapcli.cli.json_text import json_text

        streams.complain(json_text(_object(failure)).decode().rstrip("\n"))
        return failure.exit_code
    if isinstance(error, ApiError):
        streams.error(_exact_refusal(error) if exact else _refusal(error))
    elif isinstance(error, KeyboardInterrupt):
        streams.error(failure.message)
    else:
        streams.error(f"ERROR: {failure.message}")
    _did_you_mean(streams, failure.near)
    if failure.tip:
        streams.suggest(f"\n{failure.tip}")
    return failure.exit_code


def exit_code(error: BaseException) -> int:
    """Return the exit code that goes with `error`, and print nothing."""
    return _failure(error).exit_code


def _failure(error: BaseException) -> _Failure:
    if isinstance(error, UsageError):
        code = _USAGE_CODES.get(error.exit_code, "MalformedCommandLine")
        return _Failure(code, error.message, error.exit_code, "", error.near, error.tip)
    if isinstance(error, UnknownName):
        return _Failure("UnknownName", str(error), exit_codes.UNKNOWN, "", error.near)
    if isinstance(error, MissingParameters):
        return _failure(missing([f"--{name}" for name in error.names], "snapcli --help"))
    if isinstance(error, ApiError):
        return _Failure(error.code, error.message, exit_codes.REFUSED, error.request_id)
    if isinstance(error, OutputError):
        return _Failure("OutputFailed", str(error), exit_codes.REFUSED)
    if isinstance(error, KeyboardInterrupt):
        return _Failure(
            "Interrupted",
            "Interrupted. The next command tidies up whatever was begun.",
            exit_codes.INTERRUPTED,
        )
    return _other(error)


def _other(error: BaseException) -> _Failure:
    """Tell what the rooms below raise (told apart by where it comes from) from the unexpected."""
    origin = type(error).__module__
    if origin.startswith(("snapcli.workspace.", "snapcli.volumes.")):
        return _Failure("WorkspaceUnusable", _sentence(error), exit_codes.WORKSPACE)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return _Failure("SystemError", f"{where}{error.strerror}", exit_codes.REFUSED)
    return _Failure(
        "InternalError",
        f"internal error: {type(error).__name__}: {_sentence(error)}",
        exit_codes.REFUSED,
        tip="Set SNAPCLI_DEBUG=1 and repeat the command to see where it happened.",
    )


def _object(failure: _Failure) -> dict[str, object]:
    said: dict[str, object] = {
        "Code": failure.code,
        "Message": " ".join(failure.message.split()),
        "RequestId": failure.request_id,
        "ExitCode": failure.exit_code,
    }
    if failure.near:
        said["DidYouMean"] = list(failure.near)
    if failure.tip:
        said["Hint"] = failure.tip
    return said


def _did_you_mean(streams: Streams, near: tuple[str, ...]) -> None:
    """Print the names that were probably meant, when there are any."""
    if near:
        streams.suggest("\nDid you mean:" + "".join(f"\n  {name}" for name in near))


def _exact_refusal(error: ApiError) -> str:
    recommend = _RECOMMEND.format(code=error.code, request_id=error.request_id)
    return (
        "ERROR: SDK.ServerError\n"
        f"ErrorCode: {error.code}\n"
        f"Recommend: {recommend}\n"
        f"RequestId: {error.request_id}\n"
        f"Message: {error.message}"
    )


def _refusal(error: ApiError) -> str:
    return f"ERROR: {error.message}\nErrorCode: {error.code}\nRequestId: {error.request_id}"


def _sentence(error: BaseException) -> str:
    return " ".join(str(error).split()) or "no message"
