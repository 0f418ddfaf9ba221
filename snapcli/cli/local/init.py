"""`snapcli init [DIR]`: make a workspace and, after the notice on billing, activate snapshots."""

import os

import click

from snapcli.cli.help_layout import HelpedArgument, helped_command
from snapcli.cli.local.common import wants_json
from snapcli.cli.notices import BILLING
from snapcli.cli.session import Session

_EXAMPLES = """\
  # Make a workspace here, in .snapcli
  snapcli init
  # In another folder, without activating the snapshot service
  snapcli init demo --no-activate
"""


@click.pass_obj
def _init(session: Session, /, directory: str, activate: bool) -> None:
    from snapcli.cli.json_text import json_text
    from snapcli.workspace import location

    path = session.workspace or os.path.join(directory, location.FOLDER_NAME)
    path = os.path.abspath(os.path.expanduser(path))
    as_json = wants_json(session)
    made = location.create(path)
    session.workspace = path
    streams = session.streams
    elsewhere = streams.environ.get(location.ENVIRONMENT_NAME)
    if elsewhere and os.path.abspath(elsewhere) != path:
        streams.suggest(
            f"{location.ENVIRONMENT_NAME} leads other commands to {elsewhere}, not to {path}."
        )
    if activate:
        streams.remark(BILLING)
        session.invoke("OpenSnapshotService", {})
    if as_json:
        streams.write_bytes(json_text({"Workspace": path, "Made": made, "Activated": activate}))
        return
    said = f"Workspace made in {path}." if made else f"There is a workspace in {path} already."
    service = (
        "The snapshot service is activated."
        if activate
        else "The snapshot service was not activated; `snapcli open-snapshot-service` does it."
    )
    streams.write(f"{said}\n{service}\n")
    streams.hint("Next: snapcli tour, or snapcli run-instances --help")


command = helped_command(
    "init",
    _init,
    "Make a workspace and activate the snapshot service.",
    _EXAMPLES,
    [
        HelpedArgument("directory", "[DIR]", "Where .snapcli is made. Default: here.", "."),
        click.Option(
            ["--activate/--no-activate"],
            default=True,
            help="Activate the snapshot service, once for the account. Default: activate.",
        ),
    ],
)
