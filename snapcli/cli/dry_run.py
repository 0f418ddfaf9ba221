"""`--dryrun`, `--cli-dry-run`, `--cli-dry-run-json`: the request as it would go to the service.

Nothing is signed or sent, and no workspace is opened. The API's own DryRun is another thing: it
is sent, and the service checks the request.
"""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

import msgspec

from snapcli import __version__
from snapcli.api import catalogue, ids
from snapcli.cli.help_text import version_of
from snapcli.cli.session import Session
from snapcli.workspace.clock import system_now

Style = Literal["dryrun", "cli-dry-run", "cli-dry-run-json"]

_NONE = "none"  # in the place of what would be a secret or made from one


def request_text(style: Style, action: str, given: Mapping[str, str], session: Session) -> str:
    """Return the request in the layout that the flag `style` asks for."""
    region = session.known_region()
    product = catalogue.ENTRIES[action].product
    version = version_of(product)
    # Of ram there is one for all regions.
    host = f"ecs.{region}.aliyuncs.com" if product == "ecs" else f"{product}.aliyuncs.com"
    query = {"RegionId": region} | dict(given)
    if style == "cli-dry-run-json":
        return _json_text(action, version, host, query)
    if style == "cli-dry-run":
        listed = "".join(f"  {name} = {query[name]}\n" for name in sorted(query))
        return (
            f"---\nStyle: RPC\nEndpoint: {host}\nMethod: POST\nAction: {action}\n"
            f"Version: {version}\nQuery:\n{listed}---\n"
        )
    signed = query | {
        "AccessKeyId": _NONE,
        "Action": action,
        "Format": "JSON",
        "Signature": _NONE,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": ids.random_bytes(16).hex(),
        "SignatureType": "",
        "SignatureVersion": "1.0",
        "Timestamp": f"{system_now():%Y-%m-%dT%H:%M:%SZ}",
        "Version": version,
    }
    encoded = "&".join(f"{quote(name)}={quote(signed[name], safe='')}" for name in sorted(signed))
    headers = "".join(
        f"{name}: {text}\n" for name, text in sorted(_headers(action, version).items())
    )
    return (
        "Skip invoke in dry-run mode, request is:\n"
        "------------------------------------\n"
        f"POST /?{encoded} HTTPS/1.1\nHost: {host}\n{headers}\n"
    )


def _headers(action: str, version: str) -> dict[str, str]:
    return {
        "Accept-Encoding": "identity",
        "Content-Type": "application/x-www-form-urlencoded",
        "x-acs-action": action,
        "x-acs-version": version,
        "x-sdk-client": f"snapcli/{__version__}",
        "x-sdk-invoke-type": "common",
    }


def _json_text(action: str, version: str, host: str, query: Mapping[str, str]) -> str:
    request = {
        "style": "RPC",
        "endpoint": host,
        "method": "POST",
        "headers": _headers(action, version),
        "query": dict(sorted(query.items())),
        "action": action,
        "version": version,
    }
    return msgspec.json.format(msgspec.json.encode(request), indent=2).decode() + "\n"
