"""`snapcli ecs CreateSnapshot --DiskId d-…`: the form of the real command, to the letter.

On the fast path: imports nothing that a Describe to a pipe does not need. Draws nothing.
"""

from snapcli.api import catalogue, parameters
from snapcli.api.errors import UnknownName
from snapcli.api.operation import Operation, Request
from snapcli.cli import exit_codes, grammar
from snapcli.cli.session import HELPERS, Session
from snapcli.cli.streams import Streams
from snapcli.cli.usage import UsageError, duplicated, meant, missing

_FILE_SUFFIX = "-FILE"
# Operations whose result is the bytes that they write to standard output.
BYTES_ALONE = ("ReadDisk", "GetGuestFile", "RunInGuest")


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
            name = catalogue.proper(words[2])
            streams.write(help_text.action_help(name, product, streams.program))
        else:
            streams.write(help_text.product_help(product, streams.program))
        return exit_codes.SUCCESS
    action = catalogue.proper(words[1])
    if action not in known:
        raise UsageError(
            f"'{action}' is not a valid api. See `{streams.program} help {product}`.",
            near=meant(action, known),
        )
    if "help" in line.flags:
        from snapcli.cli import help_text

        streams.write(help_text.action_help(action, product, streams.program))
        return exit_codes.SUCCESS
    _check_words(words)
    _check_flags(line)
    _warn_of_lost(line, streams)
    return _perform(action, line, session_of(line, streams))


def _check_words(words: list[str]) -> None:
    if len(words) > 3:
        raise UsageError("too many arguments", exit_codes.MISSING)
    if len(words) == 3:
        raise UsageError(f"can not find api by path {words[2]}", exit_codes.MISSING)


def _check_flags(line: grammar.Line) -> None:
    version = line.flag("version")
    if version is None:
        return
    from snapcli.cli.help_text import version_of

    right = version_of(line.words[0].lower())
    if version != right:
        raise UsageError(
            f"--version {version} is not known; snapcli answers as version {right}.",
            exit_codes.MISSING,
        )


def _warn_of_lost(line: grammar.Line, streams: Streams) -> None:
    for name, value in line.lost:
        streams.suggest(
            f"WARNING: {value} was ignored, as aliyun ignores a separate value that begins with "
            f"'-'. Write --{name or 'Name'}={value} to send it."
        )


def session_of(line: grammar.Line, streams: Streams) -> Session:
    """Return the session that the flags of a line ask for."""
    session = Session(streams)
    session.workspace = line.flag("workspace")
    session.profile = line.flag("profile")
    session.config_path = line.flag("config-path")
    session.region = line.flag("region") or line.flag("RegionId")
    session.request_region = line.flag("RegionId")
    session.output = tuple(line.flags.get("output", ()))
    session.flags = line.flags
    session.exact = True
    session.yes = "yes" in line.flags
    session.quiet = "quiet" in line.flags
    return session


def _perform(action: str, line: grammar.Line, session: Session) -> int:
    streams = session.streams
    declared = catalogue.load(action)
    product = catalogue.ENTRIES[action].product
    plan = None
    if not HELPERS.isdisjoint(line.flags):
        from snapcli.cli import calling

        plan = calling.plan(declared, session)
    given = _given(declared.request, line, session)
    if "force" not in line.flags:
        _check_parameters(declared, given, f"{streams.program} {{}}{product} {action}")
    wanted = None
    if "output" in line.flags:
        from snapcli.cli import output

        wanted = output.columns(session.output)
    if plan is not None and calling.print_request(plan, action, given, session):
        return exit_codes.SUCCESS
    if streams.interactive or action == "DeleteSnapshots":
        from snapcli.cli import care

        confirmed = care.confirmed(action, given, session)
        if confirmed is None:
            return exit_codes.REFUSED
        given = dict(confirmed)
    response: object
    if plan is None:
        response = session.invoke(action, given)
    else:
        response = calling.answer(plan, declared, given, session)
    if not session.quiet and action not in BYTES_ALONE:
        shown = response if plan is None else calling.queried(plan, response)
        if wanted is not None:
            streams.write(output.columns_table(wanted, shown))
        else:
            from snapcli.cli.json_text import json_text

            streams.write_bytes(json_text(shown))
    if streams.interactive:
        from snapcli.cli import care

        care.remind(action, streams)
    return damage_code(action, response)


def _check_parameters(declared: Operation, given: dict[str, str], line: str) -> None:
    """Raise UsageError for unknown and lacking names; `line` has a place for the word help."""
    request = declared.request
    try:
        parameters.check_names(request, given)
    except UnknownName as unknown:
        name = unknown.near[0]
        raise UsageError(
            f"'--{name}' is not a valid parameter or flag. See `{line.format('help ')}`.",
            near=meant(name, (*parameters.names(request), *grammar.FLAGS)),
        ) from None
    lacking = lacking_parameters(request, given)
    if lacking:
        raise missing([f"--{name}" for name in lacking], f"{line.format('')} --help")


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
    but for a dry run. A command run inside an instance passes on its own.
    """
    if action == "CheckWorkspace" and getattr(response, "problems", None):
        return exit_codes.DAMAGE
    if action == "CreateAppSnapshot":
        failed = getattr(response, "exit_code", 0)
        return exit_codes.REFUSED if failed else exit_codes.SUCCESS
    if action == "RunInGuest":
        return int(getattr(response, "exit_code", 0))
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
            from snapcli.cli import input_file

            text = input_file.text(f"--{name}{_FILE_SUFFIX}", text, session.streams)
        if name in given:
            raise duplicated(f"--{name}")
        given[name] = text
    region = session.request_region or session.effective_region()
    if region and "RegionId" in parameters.names(request):
        given["RegionId"] = region
    return given
