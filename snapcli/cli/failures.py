"""What a person reads when a command fails, and the exit code that goes with it.

The only place that lays out errors. Never shows a traceback unless SNAPCLI_DEBUG asks for it.
"""

from snapcli.api.errors import ApiError, MissingParameters, UnknownName
from snapcli.cli import exit_codes
from snapcli.cli.streams import OutputError, Streams
from snapcli.cli.usage import UsageError

_RECOMMEND = "https://api.aliyun.com/troubleshoot?q={code}&product=Ecs&requestId={request_id}"


def report(error: BaseException, streams: Streams, *, exact: bool) -> int:
    """Print `error` on standard error and return its exit code.

    `exact` asks for the real command's layout of what the service refuses.
    """
    if isinstance(error, UsageError):
        streams.error(f"ERROR: {error.message}")
        did_you_mean(streams, error.near)
        return error.exit_code
    if isinstance(error, UnknownName):
        streams.error(f"ERROR: {error}")
        did_you_mean(streams, error.near)
        return exit_codes.UNKNOWN
    if isinstance(error, MissingParameters):
        return missing(streams, tuple(f"--{name}" for name in error.names), "snapcli --help")
    if isinstance(error, ApiError):
        streams.error(_exact_refusal(error) if exact else _refusal(error))
        return exit_codes.REFUSED
    if isinstance(error, OutputError):
        streams.error(f"ERROR: {error}")
        return exit_codes.REFUSED
    if isinstance(error, KeyboardInterrupt):
        streams.error("Interrupted. The next command tidies up whatever was begun.")
        return exit_codes.INTERRUPTED
    return _other(error, streams)


def missing(streams: Streams, options: tuple[str, ...], help_command: str) -> int:
    """Print which required `options` were left out, all of them, and return the exit code."""
    listed = "".join(f"\n  {option}" for option in options)
    streams.error(f"ERROR: required parameters not assigned: {listed}")
    streams.suggest(f"\nuse `{help_command}` to get more information")
    return exit_codes.MISSING


def did_you_mean(streams: Streams, near: tuple[str, ...]) -> None:
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


def _other(error: BaseException, streams: Streams) -> int:
    """Report what the rooms below raise (told apart by where it comes from) and the unexpected."""
    origin = type(error).__module__
    if origin.startswith(("snapcli.workspace.", "snapcli.volumes.")):
        streams.error(f"ERROR: {_sentence(error)}")
        return exit_codes.WORKSPACE
    if streams.environ.get("SNAPCLI_DEBUG"):
        import traceback

        streams.complain("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        streams.error(f"ERROR: {where}{error.strerror}")
        return exit_codes.REFUSED
    streams.error(f"ERROR: internal error: {type(error).__name__}: {_sentence(error)}")
    if not streams.environ.get("SNAPCLI_DEBUG"):
        streams.suggest("Set SNAPCLI_DEBUG=1 and repeat the command to see where it happened.")
    return exit_codes.REFUSED


def _sentence(error: BaseException) -> str:
    return " ".join(str(error).split()) or "no message"
