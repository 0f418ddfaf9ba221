"""What `aliyun` answers beside `ecs` where snapcli stands in its place: see `snapcli shim`.

Says of everything else what is here and what is not. Reaches no network.
"""

from collections.abc import Callable, Mapping

from snapcli.api import catalogue
from snapcli.cli import exit_codes
from snapcli.cli.grammar import Line
from snapcli.cli.streams import Streams
from snapcli.cli.usage import UsageError, closest

_COMMANDS: Mapping[str, str] = {
    "configure": "list, get, set, switch or delete profiles; no credentials are needed",
    "help": "help on a product, or on an API of it",
    "plugin": "the plug-in spelling of ecs is built in",
    "version": "print the version of aliyun that is followed",
}
_PRODUCTS: Mapping[str, str] = {
    "ecs": "Elastic Compute Service",
    "ram": "Resource Access Management",
}
# Products that scripts are likely to use; of any other word it cannot be known what is meant.
_ELSEWHERE = (
    "actiontrail",
    "alb",
    "alidns",
    "bssopenapi",
    "cas",
    "cbn",
    "cdn",
    "cloudapi",
    "cms",
    "cr",
    "cs",
    "dds",
    "dms-enterprise",
    "drds",
    "ebs",
    "eci",
    "eds",
    "ehpc",
    "ess",
    "fc",
    "hbr",
    "ims",
    "kms",
    "live",
    "log",
    "maxcompute",
    "mns",
    "nas",
    "nlb",
    "oos",
    "oss",
    "polardb",
    "pvtz",
    "r-kvstore",
    "rds",
    "resourcecenter",
    "resourcemanager",
    "ros",
    "sas",
    "slb",
    "sls",
    "smartag",
    "sts",
    "swas-open",
    "tag",
    "vod",
    "vpc",
    "waf-openapi",
)
_PLUGINS = ("aliyun-cli-ecs", "ecs")


def run(line: Line, streams: Streams) -> int:
    """Carry out a line whose first word is not `ecs`; return the exit code.

    Raises UsageError for what is not here, and what `configure` raises.
    """
    word = line.words[0].lower() if line.words else ""
    if not word and "version" in line.flags:
        word = "version"
    command = _RUN.get(word)
    if command is not None:
        return command(line, streams)
    if word in _ELSEWHERE:
        raise UsageError(
            f"the product '{word}' is not here: snapcli answers ecs and ram, as far as disk "
            "snapshots reach. See `aliyun help`."
        )
    raise UsageError(
        f"'{line.words[0]}' is not a valid command or product. See `aliyun help`.",
        near=closest(word, (*_PRODUCTS, *_COMMANDS, *_ELSEWHERE)),
    )


def _help(line: Line, streams: Streams) -> int:
    from snapcli.cli import help_text

    words = line.words[1:] if line.words else []
    if not words:
        streams.write(_top_help())
    elif words[0].lower() not in catalogue.PRODUCTS:
        return run(_without_first(line), streams)
    elif len(words) == 1:
        streams.write(help_text.product_help(words[0].lower(), "aliyun"))
    elif words[1].islower():
        from snapcli.cli import plugin_form

        return plugin_form.run([*words[:2], "--help"], 0, streams)
    else:
        streams.write(help_text.action_help(words[1], words[0].lower(), "aliyun"))
    return exit_codes.SUCCESS


def _without_first(line: Line) -> Line:
    inner = Line()
    inner.words = line.words[1:]
    inner.flags = line.flags | {"help": []}
    return inner


def _top_help() -> str:
    from snapcli.cli.help_text import head

    listed = "".join(f"  {name:<12} {about}\n" for name, about in _COMMANDS.items())
    products = "".join(
        f"  {product:<12} {about}: "
        f"{sum(not entry.local for entry in catalogue.actions(product).values())} operations\n"
        for product, about in _PRODUCTS.items()
    )
    return (
        f"{head('aliyun')}\n\n"
        "Usage:\n"
        "  aliyun <product> <operation> [--parameter1 value1 --parameter2 value2 ...]\n\n"
        f"Commands:\n{listed}\n"
        f"Products:\n{products}\n"
        "Use `aliyun help ecs` for its operations; no other product is here.\n"
    )


def _version(_: Line, streams: Streams) -> int:
    from snapcli.cli.help_text import ALIYUN_VERSION

    streams.write(f"{ALIYUN_VERSION}\n")
    return exit_codes.SUCCESS


def _configure(line: Line, streams: Streams) -> int:
    from snapcli.cli import configure

    return configure.run(line, streams)


def _plugin(line: Line, streams: Streams) -> int:
    asked = line.words[1:]
    if asked[:1] == ["list"]:
        streams.write("aliyun-cli-ecs (built in)\n")
        return exit_codes.SUCCESS
    names = [line.parameters.get("names", ""), line.parameters.get("name", ""), *asked[1:]]
    strange = [name for name in names if name and name not in _PLUGINS]
    if strange:
        raise UsageError(
            f"the plug-in '{strange[0]}' is not here; aliyun-cli-ecs is, built in.",
            near=closest(strange[0], _PLUGINS),
        )
    streams.remark("aliyun-cli-ecs is built in: there is nothing to install, update or remove.")
    return exit_codes.SUCCESS


_RUN: Mapping[str, Callable[[Line, Streams], int]] = {
    "": _help,
    "help": _help,
    "version": _version,
    "configure": _configure,
    "plugin": _plugin,
}
