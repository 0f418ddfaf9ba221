"""What holds for one run of the command line, whichever form it was typed in.

Carries choices and hands commands to dispatch; decides nothing about a command.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from snapcli.api import dispatch
from snapcli.api.dispatch import Caller
from snapcli.api.operation import Response
from snapcli.cli.streams import Streams

if TYPE_CHECKING:
    from snapcli.cli.progress import ProgressBar

# The last resort is the workspace's own setting, which the service reads.
_REGION_VARIABLES = (
    "SNAPCLI_REGION",
    "ALIBABA_CLOUD_REGION_ID",
    "ALIBABACLOUD_REGION_ID",
    "ALICLOUD_REGION_ID",
)


class Session:
    """The streams, and what the global options said; None or empty where nothing was said."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        self.workspace: str | None = None
        self.profile: str | None = None
        self.region: str | None = None
        self.output: tuple[str, ...] = ()
        self.yes = False
        self.quiet = False

    def effective_region(self) -> str | None:
        """Return the region from the option or the environment; None leaves it to the workspace."""
        if self.region:
            return self.region
        for variable in _REGION_VARIABLES:
            if self.streams.environ.get(variable):
                return self.streams.environ[variable]
        return None

    def effective_profile(self) -> str | None:
        """Return the account's name from the option or the environment; None for the current."""
        return self.profile or self.streams.environ.get("SNAPCLI_PROFILE") or None

    def invoke(self, action: str, given: Mapping[str, str]) -> Response:
        """Carry out `action` with the wire parameters `given`; raises what dispatch raises."""
        bar = self._progress_bar()
        try:
            return dispatch.invoke(
                action,
                given,
                Caller(
                    workspace=self.workspace,
                    profile=self.effective_profile(),
                    region=self.effective_region(),
                    progress=bar,
                    on_wait=self._on_wait,
                    read_input=self.streams.read_bytes,
                    write_output=self.streams.write_bytes,
                ),
            )
        finally:
            if bar is not None:
                bar.erase()

    def _progress_bar(self) -> "ProgressBar | None":
        if self.quiet or not self.streams.is_terminal("stderr"):
            return None
        from snapcli.cli.progress import ProgressBar

        return ProgressBar(self.streams)

    def _on_wait(self) -> None:
        if not self.quiet:
            self.streams.complain("Waiting for another command that is using the workspace ...")
