"""`snapcli ecs CreateSnapshot --DiskId d-…`: the form of the real command, to the letter.

On the fast path: imports nothing that a Describe to a pipe does not need. Draws nothing.
"""

from snapcli.api import catalogue, parameters
from snapcli.api.errors import UnknownName
from snapcli.api.operation import Request
from snapcli.cli import exit_codes, failures, grammar
from snapcli.cli.session import Session
from snapcli.cli.streams import Streams
from snapcli.cli.usage import UsageError, nearest

_FILE_SUFFIX = "-FILE"
# Operations whose result is the bytes that they write to standard output.
BYTES_ALONE = ("ReadDisk",)


def run(line: grammar.Line, streams: Streams) -> int:
    """Carry out the command in `line` (whose first word is the product); return the exit code.

    Raises UsageError, ApiError and what the rooms below raise; `failures` prints them.
    """
    streams.no_color = streams.no_color or "no-color" in line.flags
    words = line.words
    product = words[0].lower()
    known = catalogue.actions(product)
    if len(words) == 1 or words[1] == "help":
        from snapcli.cli import help_text

        if len(words) > 2:
            streams.write(help_text.action_help(words[2], product))
        else:
            streams.write(help_text.product_help(product))
        return exit_codes.SUCCESS
    action = words[1]
    if action not in known:
        raise UsageError(
            f"'{action}' is not a valid api. See `snapcli help {product}`.",
            near=nearest(action, known),
        )
    if "help" in line.flags:
        from snapcli.cli import help_text

        streams.write(help_text.action_help(action, product))
        return exit_codes.SUCCESS
    _check_words(words)
    _check_flags(line)
    _warn_of_lost(line, streams)
    return _perform(action, line, _session(line, streams))


def _check_words(words: list[str]) -> None:
    if len(words) > 3:
        raise UsageError("too many arguments", exit_codes.MISSING)
    if len(words) == 3:
        raise UsageError(f"can not find api by path {words[2]}", exit_codes.MISSING)


def _check_flags(line: grammar.Line) -> None:
    for name in line.flags:
        if grammar.FLAGS[name].state == "later":
            raise UsageError(f"--{name} is not available yet in snapcli. Leave it out.")
    version = line.flag("version")
    if version is not None and version != "2014-05-26":
        raise UsageError(
            f"--version {version} is not known; snapcli answers as version 2014-05-26.",
            exit_codes.MISSING,
        )


def _warn_of_lost(line: grammar.Line, streams: Streams) -> None:
    for name, value in line.lost:
        streams.suggest(
            f"WARNING: {value} was ignored, as aliyun ignores a separate value that begins with "
            f"'-'. Write --{name or 'Name'}={value} to send it."
        )


def _session(line: grammar.Line, streams: Streams) -> Session:
    session = Session(streams)
    session.workspace = line.flag("workspace")
    session.profile = line.flag("profile")
    session.region = line.flag("region") or line.flag("RegionId")
    session.output = tuple(line.flags.get("output", ()))
    session.yes = "yes" in line.flags
    session.quiet = "quiet" in line.flags
    return session


def _perform(action: str, line: grammar.Line, session: Session) -> int:
    streams = session.streams
    product = catalogue.ENTRIES[action].product
    request = catalogue.load(action).request
    given = _given(request, line, session)
    if "force" not in line.flags:
        try:
            parameters.check_names(request, given)
        except UnknownName as unknown:
            name = unknown.near[0]
            raise UsageError(
                f"'--{name}' is not a valid parameter or flag. "
                f"See `snapcli help {product} {action}`.",
                near=nearest(name, (*parameters.names(request), *grammar.FLAGS)),
            ) from None
        lacking = lacking_parameters(request, given)
        if lacking:
            options = tuple(f"--{name}" for name in lacking)
            return failures.missing(streams, options, f"snapcli {product} {action} --help")
    wanted = None
    if "output" in line.flags:
        from snapcli.cli import output

        wanted = output.columns(session.output)
    if streams.interactive or action == "DeleteSnapshots":
        from snapcli.cli import care

        confirmed = care.confirmed(action, given, session)
        if confirmed is None:
            return exit_codes.REFUSED
        given = dict(confirmed)
    response = session.invoke(action, given)
    if not session.quiet and action not in BYTES_ALONE:
        if wanted is not None:
            from snapcli.cli import output

            streams.write(output.columns_table(wanted, response))
        else:
            from snapcli.cli.json_text import json_text

            streams.write_bytes(json_text(response))
    if streams.interactive:
        from snapcli.cli import care

        care.remind(action, streams)
    return damage_code(action, response)


def lacking_parameters(request: type[Request], given: dict[str, str]) -> tuple[str, ...]:
    """Return the required parameters that `given` lacks, as the API spells them."""
    from snapcli.api.errors import MissingParameters

    try:
        parameters.check_required(request, given)
    except MissingParameters as lacking:
        return lacking.names
    return ()


def damage_code(action: str, response: object) -> int:
    """Return the exit code of a finished operation.

    `check` tells of damage by its own code; of several deletions one refusal is enough (DL-4),
    but for a dry run.
    """
    if action == "CheckWorkspace" and getattr(response, "problems", None):
        return exit_codes.DAMAGE
    if action == "DeleteSnapshots":
        outcomes = getattr(response, "outcomes", ())
        refused = any(each.code for each in outcomes) and not getattr(response, "dry_run", False)
        return exit_codes.REFUSED if refused else exit_codes.SUCCESS
    return exit_codes.SUCCESS


def _given(request: type[Request], line: grammar.Line, session: Session) -> dict[str, str]:
    """Return the wire parameters: those typed, those from files, and the region."""
    given: dict[str, str] = {}
    for name, text in line.parameters.items():
        if name.endswith(_FILE_SUFFIX) and len(name) > len(_FILE_SUFFIX):
            name = name[: -len(_FILE_SUFFIX)]
            text = _file_text(name, text)
        if name in given:
            raise UsageError(f"parse failed flag duplicated --{name}", exit_codes.REFUSED)
        given[name] = text
    region = line.flag("RegionId") or session.effective_region()
    if region and "RegionId" in parameters.names(request):
        given["RegionId"] = region
    return given


def _file_text(name: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(
            f"--{name}{_FILE_SUFFIX}: {path} cannot be read: {reason}", exit_codes.REFUSED
        ) from None
