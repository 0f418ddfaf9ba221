"""How an operation is called when flags say more than "once": dry runs, pages, waiting, a query.

Imported only when one of `session.HELPERS` was given. Prints nothing but a dry run's request.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from snapcli.api.operation import Operation
from snapcli.cli import exit_codes
from snapcli.cli.session import Session
from snapcli.cli.usage import UsageError

if TYPE_CHECKING:
    from snapcli.cli.dry_run import Style
    from snapcli.cli.pager import Pager
    from snapcli.cli.waiter import Waiter

# As the real command declares them: a flag, and those that cannot go with it.
_EXCLUSIVE: Mapping[str, tuple[str, ...]] = {
    "quiet": ("dryrun", "cli-dry-run", "cli-dry-run-json"),
    "dryrun": ("pager", "all-pages", "waiter", "cli-dry-run", "cli-dry-run-json"),
    "cli-dry-run": ("pager", "all-pages", "waiter", "cli-dry-run-json"),
    "cli-dry-run-json": ("pager", "all-pages", "waiter"),
    "pager": ("waiter",),
    "all-pages": ("waiter",),
}


class Plan(msgspec.Struct, frozen=True):
    """What the flags ask for; None and "" where nothing was said."""

    dry: "Style | None"
    pager: "Pager | None"
    waiter: "Waiter | None"
    query: str


def plan(declared: Operation, session: Session) -> Plan:
    """Read the flags, before anything is called.

    Raises UsageError (exit code 1) for flags that exclude each other, for malformed ones, and
    for a change that would be made again and again.
    """
    flags = session.flags
    for flag, others in _EXCLUSIVE.items():
        for other in others:
            if flag in flags and other in flags:
                raise UsageError(f"flag --{flag} is exclusive with --{other}", exit_codes.REFUSED)
    for flag in ("waiter", "pager", "all-pages"):
        if flag in flags and declared.changes:
            raise UsageError(
                f"--{flag} repeats the call, and each {declared.action} changes something. Use "
                "it with an operation that describes.",
                exit_codes.REFUSED,
            )
    styles: tuple[Style, ...] = ("dryrun", "cli-dry-run", "cli-dry-run-json")
    wanted_pager = wanted_waiter = None
    if "pager" in flags or "all-pages" in flags:
        from snapcli.cli.pager import pager

        wanted_pager = pager(flags.get("pager", ()))
    if "waiter" in flags:
        from snapcli.cli.waiter import waiter

        wanted_waiter = waiter(flags["waiter"])
    query = flags.get("cli-query", ())
    if query:
        from snapcli.cli import query as queries

        queries.check(query[-1])
    return Plan(
        dry=next((style for style in styles if style in flags), None),
        pager=wanted_pager,
        waiter=wanted_waiter,
        query=query[-1] if query else "",
    )


def print_request(wanted: Plan, action: str, given: Mapping[str, str], session: Session) -> bool:
    """Print the request in place of sending it; False when no dry run was asked for."""
    if wanted.dry is None:
        return False
    from snapcli.cli.dry_run import request_text

    session.streams.write(request_text(wanted.dry, action, given, session))
    return True


def answer(wanted: Plan, declared: Operation, given: Mapping[str, str], session: Session) -> object:
    """Call the operation as often as the flags say and return its answer.

    Raises what the flags' own parts and the call raise.
    """
    action = declared.action
    if wanted.pager is not None:
        from snapcli.cli.pager import all_pages

        return all_pages(
            wanted.pager, declared.request, given, lambda asked: session.invoke(action, asked)
        )
    if wanted.waiter is not None:
        from snapcli.cli.waiter import wait

        return wait(wanted.waiter, lambda: session.invoke(action, given), session)
    return session.invoke(action, given)


def queried(wanted: Plan, response: object) -> object:
    """Return what `--cli-query` finds in an answer; without one the answer as it is."""
    if not wanted.query:
        return response
    from snapcli.cli import query

    return query.ask(wanted.query, msgspec.to_builtins(response))
