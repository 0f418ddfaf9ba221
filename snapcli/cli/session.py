"""What holds for one run of the command line, whichever form it was typed in.

Carries choices and hands commands to dispatch; decides nothing about a command.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from snapcli.api import dispatch
from snapcli.api.dispatch import Caller
from snapcli.api.operation import Response
from snapcli.cli.streams import Streams

if TYPE_CHECKING:
    from snapcli.cli.profiles import Known
    from snapcli.cli.progress import ProgressBar
    from snapcli.workspace.profiles import Profile

# Flags that change how an operation is called, or whether it is; `calling` carries them out.
HELPERS = frozenset(
    {
        "all-pages",
        "cli-dry-run",
        "cli-dry-run-json",
        "cli-query",
        "dryrun",
        "pager",
        "waiter",
    }
)

PROFILE_VARIABLES = (
    "SNAPCLI_PROFILE",
    "ALIBABACLOUD_PROFILE",
    "ALIBABA_CLOUD_PROFILE",
    "ALICLOUD_PROFILE",
)
# They fill in what neither an option nor a profile says. The last resort is the workspace's own
# setting, which the service reads.
REGION_VARIABLES = (
    "ALIBABA_CLOUD_REGION_ID",
    "ALIBABACLOUD_REGION_ID",
    "ALICLOUD_REGION_ID",
)
# Names so common that they mean a region only to scripts written for the real command.
IN_PLACE_REGION_VARIABLES = (*REGION_VARIABLES, "REGION_ID", "REGION")


class _BusyError(Exception):
    """Another command is using the workspace."""


def _leave() -> None:
    raise _BusyError


class Session:
    """The streams, and what the global options said; None or empty where nothing was said.

    `request_region` is the plug-in form's `--biz-region-id`; `exact` asks for the real command's
    output whatever the streams are.
    """

    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        self.workspace: str | None = None
        self.profile: str | None = None
        self.config_path: str | None = None
        self.region: str | None = None
        self.request_region: str | None = None
        self.output: tuple[str, ...] = ()
        self.flags: Mapping[str, Sequence[str]] = {}
        self.yes = False
        self.quiet = False
        self.exact = False
        self._known: Known | None = None

    @property
    def in_place(self) -> bool:
        """Tell whether this stands in the place of the real command, under its name."""
        return self.streams.program == "aliyun"

    def effective_region(self) -> str | None:
        """Return the region from the option, a profile or the environment.

        None leaves it to the workspace. Raises UsageError for a broken configuration.
        """
        return self.region_and_source()[0]

    def region_and_source(self) -> tuple[str | None, str]:
        """Return the same, and what it is from in words."""
        environ = self.streams.environ
        if self.region:
            return self.region, "--region"
        if environ.get("SNAPCLI_REGION"):
            return environ["SNAPCLI_REGION"], "SNAPCLI_REGION"
        profile = self._profile_of_region()
        if profile is not None and profile.region_id:
            return profile.region_id, f"the profile {profile.name}"
        for variable in IN_PLACE_REGION_VARIABLES if self.in_place else REGION_VARIABLES:
            if environ.get(variable):
                return environ[variable], variable
        return None, "workspace.toml"

    def known_region(self) -> str:
        """Return the region that a command is for, without making a workspace."""
        return self.request_region or self.effective_region() or self.workspace_region()

    def workspace_region(self) -> str:
        """Return the workspace's own region, the usual one where there is no workspace yet."""
        import os

        from snapcli.workspace import location, settings

        path = location.find(self.workspace, self.streams.environ, os.getcwd()).path
        chosen = settings.load(path) if location.is_workspace(path) else settings.Settings()
        return chosen.region

    def effective_profile(self) -> str | None:
        """Return the profile named by the option or the environment; None when none is."""
        if self.profile:
            return self.profile
        environ = self.streams.environ
        return next((environ[name] for name in PROFILE_VARIABLES if environ.get(name)), None)

    def profiles(self) -> "Known":
        """Return the profiles there are. Raises UsageError for a broken configuration."""
        if self._known is None:
            from snapcli.cli import profiles

            self._known = profiles.known(self.workspace, self.config_path, self.streams.environ)
        return self._known

    def _profile_of_region(self) -> "Profile | None":
        """Return the profile whose region counts: one that is named or, in place, the current."""
        name = self.effective_profile()
        if name is None and not self.in_place:
            return None
        known = self.profiles()
        return known.named(name or known.current)

    def _account(self) -> str | None:
        """Return the account to act for; a profile that is only a configuration's names none.

        Raises UsageError where the real command would not know the profile either.
        """
        name = self.effective_profile()
        if name is None:
            return None
        configured = self.profiles().named(name) is not None
        if not configured and not self.in_place:
            return name
        # It may be an account's name as well.
        accounts = self.accounts()
        if configured or name in accounts or len(accounts) == 1:
            return name if name in accounts else None
        from snapcli.cli.profiles import unknown

        raise unknown(name, [*self.profiles().names(), *accounts])

    def accounts(self) -> dict[str, bool]:
        """Return the names of the workspace's accounts, and whether each is the current one."""
        import msgspec

        response = dispatch.invoke("ListAccounts", {}, Caller(workspace=self.workspace))
        answer = msgspec.to_builtins(response)
        return {each["Name"]: each["Current"] for each in answer["Accounts"]}

    def invoke(self, action: str, given: Mapping[str, str]) -> Response:
        """Carry out `action` with the wire parameters `given`; raises what dispatch raises."""
        if "-" in given.values():
            from snapcli.cli import input_file

            with input_file.filled(action, given, self.streams) as whole:
                return self._invoke(action, whole)
        return self._invoke(action, given)

    def look(self, action: str, given: Mapping[str, str]) -> Response | None:
        """Carry out an operation that describes, for a person who is still typing.

        None where there is no workspace, or where another command is using it: nothing is made,
        waited for or changed. Raises what dispatch raises.
        """
        import os

        from snapcli.workspace import location

        found = location.find(self.workspace, self.streams.environ, os.getcwd())
        if not location.is_workspace(found.path):
            return None
        caller = Caller(
            workspace=found.path,
            profile=self._account() if self.effective_profile() else None,
            region=self.effective_region(),
            on_wait=_leave,
            settles=False,
        )
        try:
            return dispatch.invoke(action, given, caller)
        except _BusyError:
            return None

    def _invoke(self, action: str, given: Mapping[str, str]) -> Response:
        bar = self._progress_bar()
        try:
            return dispatch.invoke(
                action,
                given,
                Caller(
                    workspace=self.workspace,
                    profile=self._account(),
                    region=self.effective_region(),
                    progress=bar,
                    counting=bar.count if bar is not None else None,
                    on_wait=self._on_wait,
                    read_input=self.streams.read_bytes,
                    write_output=self.streams.write_bytes,
                    write_error=self.streams.write_error_bytes,
                    tell=self._tell(),
                ),
            )
        finally:
            if bar is not None:
                bar.erase()

    def _tell(self) -> "Callable[[str], None] | None":
        """Return who is told of steps: a person at a terminal."""
        streams = self.streams
        watched = streams.is_terminal("stderr") and not self.quiet and not streams.as_json
        return streams.remark if watched else None

    def _progress_bar(self) -> "ProgressBar | None":
        streams = self.streams
        if self.quiet or streams.as_json or not streams.is_terminal("stderr"):
            return None
        from snapcli.cli.progress import ProgressBar

        return ProgressBar(streams)

    def _on_wait(self) -> None:
        if not self.quiet:
            self.streams.remark("Waiting for another command that is using the workspace ...")
