"""Help in the real command's layout: `snapcli ecs help`, `snapcli help ecs CreateSnapshot`.

Builds text from the catalogue and the declared parameters; the friendly form's help is Click's.
"""

from snapcli import __version__
from snapcli.api import catalogue
from snapcli.api.parameters import Parameter, describe
from snapcli.cli.examples import EXAMPLES
from snapcli.cli.spelling import ecs_words, friendly_words, shell_line
from snapcli.cli.usage import UsageError, meant

API_VERSION = "2014-05-26"
# The release of the real command whose behaviour this is.
ALIYUN_VERSION = "3.4.11"
_HEADS = {
    "snapcli": f"snapcli Version {__version__}, the disk-snapshot commands of `aliyun ecs`, "
    "offline",
    "aliyun": f"Alibaba Cloud Command Line Interface Version {ALIYUN_VERSION}\n\n"
    f"(answered by snapcli {__version__}, offline, from a workspace on this machine)",
}
# A product's name and words as its help begins, and the version of its API.
_PRODUCTS = {
    "ecs": ("Product: Ecs (Elastic Compute Service)", API_VERSION),
    "ram": ("Product: Ram (Resource Access Management)", "2015-05-01"),
}
_PLAIN = (
    "a whole number",
    "a number",
    "true or false",
    "a text",
)


def head(program: str) -> str:
    """Return the first lines of every help page of the real command's layout."""
    return _HEADS[program]


def version_of(product: str) -> str:
    """Return the version of a product's API."""
    return _PRODUCTS[product][1]


def product_help(product: str = "ecs", program: str = "snapcli") -> str:
    """Return the list of all actions of the product."""
    entries = catalogue.actions(product).values()
    actions = sorted(entry.action for entry in entries if not entry.local)
    title, version = _PRODUCTS[product]
    width = max(map(len, actions))
    listed = "\n".join(
        f"  {action:<{width}} {catalogue.ENTRIES[action].summary}" for action in actions
    )
    return (
        f"{head(program)}\n\n"
        f"Usage:\n  {program} {product} <ApiName> --parameter1 value1 --parameter2 value2 ...\n\n"
        f"{title}\nVersion: {version} \n\n"
        f"Available Api List: \n{listed}\n\n"
        f"Run `{program} {product} <ApiName> --help` to get more information about this API\n"
    )


def action_help(action: str, product: str = "ecs", program: str = "snapcli") -> str:
    """Return an action's parameters, required ones first, with an example.

    Raises UsageError for an unknown action.
    """
    known = catalogue.actions(product)
    entry = known.get(action)
    if entry is None:
        raise UsageError(
            f"'{action}' is not a valid api. See `{program} help {product}`.",
            near=meant(action, known),
        )
    parameters = sorted(
        describe(catalogue.load(action).request), key=lambda p: (not p.required, p.name)
    )
    body = "".join(_parameter(parameter, parameter.name) for parameter in parameters)
    return (
        f"{head(program)}\n\n{entry.summary}\n\n{_PRODUCTS[product][0]}\n\nParameters:\n{body}"
        f"Examples:\n{examples(action, program=program)}"
    )


def _parameter(parameter: Parameter, name: str, within: bool = True) -> str:
    needed = parameter.required and within
    if parameter.kind in ("group", "groups"):
        stem = f"{name}.n" if parameter.kind == "groups" else name
        return "".join(
            _parameter(member, f"{stem}.{member.name}", needed) for member in parameter.members
        )
    label = parameter.label
    if parameter.kind == "repeat":
        name, label = f"{name}.n", "String"
    need = "Required" if needed else "Optional"
    return f"  --{name} {label}  {need}\n\n  {explained(parameter)}\n\n"


def explained(parameter: Parameter) -> str:
    """Return a parameter's description with what it accepts and its default."""
    text = parameter.doc.rstrip(".")
    if parameter.right not in _PLAIN and not parameter.right.startswith("a JSON list"):
        text += f" ({parameter.right})"
    text += "."
    if parameter.default not in (None, "", False):
        text += f" Default: {parameter.default}."
    return text


def examples(action: str, *, friendly: bool = False, program: str = "snapcli") -> str:
    """Return the action's examples, each with a line of what it shows."""
    words = friendly_words if friendly else ecs_words
    return "".join(
        f"  # {shown}\n  {shell_line(words(action, given), program)}\n"
        for shown, given in EXAMPLES.get(action, ())
    )
