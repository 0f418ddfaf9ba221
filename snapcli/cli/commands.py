"""Click commands made from the catalogue: one for each action, built when it is asked for.

Turns options into wire parameters and hands them on; holds no rule of the service.
"""

from collections.abc import Callable, Sequence
from typing import Any

import click

from snapcli.api import catalogue
from snapcli.api.operation import Operation
from snapcli.cli import calling, care, exit_codes, help_text, hints, input_file, present
from snapcli.cli.ecs_form import BYTES_ALONE, damage_code, lacking_parameters
from snapcli.cli.help_layout import HelpedArgument, helped_command
from snapcli.cli.options import REGION_NAMES, Spelling, spellings, to_wire
from snapcli.cli.session import HELPERS, Session
from snapcli.cli.usage import missing

_STRUCTURES = ("json", "struct", "structs")


def build(action: str) -> click.Command:
    """Return the command of an action, importing the one module that declares it."""
    entry = catalogue.ENTRIES[action]
    examples = help_text.examples(action, friendly=True)
    return build_as(entry.command.split()[-1], action, perform, (), examples)


def build_as(
    name: str,
    action: str,
    carry_out: Callable[..., int],
    more: Sequence[click.Option],
    examples: str,
) -> click.Command:
    """Return a command that takes the parameters of an action, and `more` options of its own.

    `carry_out` is called as `perform` is, with the values of those options by name.
    """
    entry = catalogue.ENTRIES[action]
    declared = catalogue.load(action)
    spelled = spellings(action, declared.request)
    names = [str(option.name) for option in more]

    @click.pass_obj
    def callback(session: Session, /, **values: Any) -> None:
        extra = {name: values.pop(name) for name in names}
        given: dict[str, str] = {}
        for spelling in spelled:
            texts = _texts(spelling, values[spelling.parameter.field], session)
            given |= to_wire(spelling, texts)
        code = carry_out(action, declared, spelled, given, session, **extra)
        click.get_current_context().exit(code)

    return helped_command(
        name,
        callback,
        entry.summary,
        examples,
        [*map(_parameter, spelled), *more],
        operation=True,
    )


def _texts(spelling: Spelling, value: Any, session: Session) -> Sequence[str]:
    """Return what was given to an option; of a structure named as `@FILE` what it holds."""
    if value is None or value == ():
        return ()
    if spelling.style == "switch":
        return ("true" if value else "false",)
    texts: Sequence[str] = value if spelling.repeats else (value,)
    if spelling.style not in _STRUCTURES:
        return texts
    return [
        input_file.text(spelling.option, text[1:], session.streams).strip()
        if text.startswith("@")
        else text
        for text in texts
    ]


def _parameter(spelling: Spelling) -> click.Parameter:
    parameter = spelling.parameter
    if spelling.positional:
        about = help_text.explained(parameter)
        return HelpedArgument(parameter.field, _shown(spelling), about, repeats=spelling.repeats)
    kind: Any = str
    if parameter.choices and spelling.style == "value":
        kind = click.Choice(parameter.choices, case_sensitive=False)
    names = [spelling.option, parameter.field]
    if spelling.short:
        names.insert(0, spelling.short)
    if spelling.style == "switch":
        names[names.index(spelling.option)] += f"/--no-{spelling.option[2:]}"
    return click.Option(
        names,
        type=None if spelling.style == "switch" else kind,
        is_flag=spelling.style == "switch",
        default=None,
        multiple=spelling.repeats,
        metavar=_metavar(spelling),
        help=_explained(spelling),
    )


def _shown(spelling: Spelling) -> str:
    return spelling.option if spelling.parameter.required else f"[{spelling.option}]"


def _metavar(spelling: Spelling) -> str | None:
    parameter = spelling.parameter
    if parameter.choices and spelling.style == "value":
        return None
    kinds = {"integer": "NUMBER", "number": "NUMBER", "pairs": "KEY=VALUE"}
    if spelling.style in ("struct", "structs"):
        return "Member=value,..."
    return kinds.get(spelling.style) or kinds.get(parameter.kind, "TEXT")


def _explained(spelling: Spelling) -> str:
    parameter = spelling.parameter
    text = help_text.explained(parameter)
    if spelling.style in ("struct", "structs"):
        members = ", ".join(member.name for member in parameter.members)
        text += f" Members: {members}. @FILE reads it from a file."
    if spelling.repeats:
        text += " May be repeated."
    return text + ("  [required]" if parameter.required else "")


def perform(
    action: str,
    declared: Operation,
    spelled: Sequence[Spelling],
    given: dict[str, str],
    session: Session,
) -> int:
    """Carry out an action with its wire parameters, print the result, return the exit code."""
    plan = None if HELPERS.isdisjoint(session.flags) else calling.plan(declared, session)
    given = complete(declared, spelled, given, session)
    show = present.chosen(session.output)
    if plan is not None and calling.print_request(plan, action, given, session):
        return exit_codes.SUCCESS
    streams = session.streams
    confirmed = care.confirmed(action, given, session)
    if confirmed is None:
        return exit_codes.REFUSED
    if action == "OpenSnapshotService":
        from snapcli.cli.notices import BILLING

        streams.remark(BILLING)
    response: object
    if plan is None:
        response = session.invoke(action, confirmed)
    else:
        response = calling.answer(plan, declared, confirmed, session)
    if action not in BYTES_ALONE and not session.quiet:
        if plan is not None and plan.query:
            present.show_found(calling.queried(plan, response), show, session)
        else:
            present.show(action, response, show, session)
    streams.flush()
    care.remind(action, streams)
    if not session.quiet:
        hints.after(action, given, response, streams)
    return damage_code(action, response)


def complete(
    declared: Operation,
    spelled: Sequence[Spelling],
    given: dict[str, str],
    session: Session,
) -> dict[str, str]:
    """Return the wire parameters with the region. Raises UsageError where required ones lack."""
    options = {each.parameter.name: each.option for each in spelled}
    options |= dict.fromkeys(REGION_NAMES, "--region")
    region_name = _region_name(declared)
    region = session.request_region or session.effective_region()
    if region is None and region_name == "regionId":
        region = session.workspace_region()  # the API has no default there
    if region and region_name:
        given = given | {region_name: region}
    lacking = lacking_parameters(declared.request, given)
    if lacking:
        names = tuple(options.get(name, name) for name in lacking)
        path = click.get_current_context().command_path
        raise missing(names, f"{path} --help")
    return given


def _region_name(declared: Operation) -> str:
    """Return how the operation spells its region, "" when it takes none."""
    from snapcli.api.parameters import names

    known = names(declared.request)
    return next((name for name in REGION_NAMES if name in known), "")
