"""`snapcli completion SHELL`: print the script that makes a shell complete snapcli's lines."""

import click

from snapcli.cli.help_layout import HelpedArgument, helped_command
from snapcli.cli.local.common import lacking
from snapcli.cli.session import Session
from snapcli.cli.usage import UsageError, closest

_EXAMPLES = """\
  # For this shell
  source <(snapcli completion bash)
  source <(snapcli completion zsh)
  snapcli completion fish | source
  # For good
  echo 'source <(snapcli completion bash)' >> ~/.bashrc
"""


@click.pass_obj
def _completion(session: Session, /, shell: str | None) -> None:
    from snapcli.cli.completion.scripts import SCRIPTS

    if shell is None:
        raise lacking("snapcli completion", "SHELL")
    text = SCRIPTS.get(shell.lower())
    if text is None:
        raise UsageError(
            f"'{shell}' is not a shell that can be completed in. It must be {', '.join(SCRIPTS)}.",
            near=closest(shell, SCRIPTS),
        )
    session.streams.write(text)


command = helped_command(
    "completion",
    _completion,
    "Print what makes a shell complete commands, options and ids.",
    _EXAMPLES,
    [HelpedArgument("shell", "SHELL", "bash, zsh or fish.")],
)
