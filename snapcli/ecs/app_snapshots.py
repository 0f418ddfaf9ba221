"""The snapshot plug-in: application-consistent groups, by its own line or a friendly command.

Runs outside of any transaction but for the capture, so that no lock is held while scripts run
(rules AP).
"""

import os
import zoneinfo
from typing import Annotated

from snapcli.api import ids
from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import limits
from snapcli.ecs import app_snapshot_rules as rules
from snapcli.ecs.app_snapshot_line import BadLine, Parameters, read_line
from snapcli.ecs.app_snapshot_rules import Unmet
from snapcli.ecs.call import Call
from snapcli.ecs.group_creation import GroupDescription, GroupName, create_group
from snapcli.ecs.guest_attributes import is_windows
from snapcli.ecs.guest_holds import freeze_record
from snapcli.ecs.guest_insides import inside_for_programs, make_inside
from snapcli.ecs.records import GroupRecord, InstanceRecord
from snapcli.ecs.snapshot_state import status
from snapcli.ecs.steps import Steps
from snapcli.guests.app_snapshot import (
    POST_SCRIPT,
    PRE_SCRIPT,
    SCRIPT_MODE,
    Frozen,
    Log,
    Plan,
    StepFailed,
    take,
    why_invalid,
)

WRONG_GROUP, MISSING_MEMBER, WRONG_SNAPSHOT, UNKNOWN = 5, 7, 15, 255
_PLUGIN_FOLDER = "/usr/local/share/aliyun-assist/plugin"


def run_line(steps: Steps, instance_id: str, content: str, job: str) -> tuple[int, bytes]:
    """Carry out the plug-in's line on an instance; returns its exit code and its log."""
    log = _log(steps)
    try:
        parameters = read_line(content)
    except BadLine as error:
        log.say(f"The parameters are not valid: {error}", "error")
        return rules.BAD_PARAMETERS, log.text()
    code, _ = run(steps, instance_id, parameters, job, log)
    return code, log.text()


def _log(steps: Steps) -> Log:
    with steps.begin(writes=False) as call:
        try:
            zone = zoneinfo.ZoneInfo(call.settings.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            zone = zoneinfo.ZoneInfo("UTC")
        return Log(call.now.astimezone(zone), steps.caller.tell)


def run(
    steps: Steps, instance_id: str, parameters: Parameters, job: str, log: Log
) -> tuple[int, str]:
    """Make an application-consistent group; returns the exit code and the group's id.

    With a code other than 0 no group is left and nothing is frozen.
    """
    work = _Work(steps, instance_id, parameters, job, log)
    try:
        work.do()
    except (Unmet, StepFailed) as error:
        log.say(str(error), "error")
        return error.code, ""
    except ApiError as error:
        log.say(f"{error.code}: {error.message}", "error")
        return rules.code_of(error), ""
    except Exception as error:  # whatever it is, it has an exit code of its own
        log.say(f"An unknown error occurred: {error}", "error")
        return UNKNOWN, ""
    return 0, work.group_id


class _Work:
    """One run of the plug-in."""

    def __init__(
        self, steps: Steps, instance_id: str, parameters: Parameters, job: str, log: Log
    ) -> None:
        self._steps = steps
        self._instance_id = instance_id
        self._parameters = parameters
        self._job = job
        self._log = log
        self._tag = ""
        self.group_id = ""

    def do(self) -> None:
        with self._steps.begin(writes=False) as call:
            instance = self._checked(call)
            self._say_left_out(call, instance)
            plan = self._plan(call, instance)
        self._say_what(plan)
        try:
            take(plan, self._log, self._capture)
            self._check_group()
            self._check_tags()
        except BaseException:
            self._undo()
            raise
        self._say_end()

    def _checked(self, call: Call) -> InstanceRecord:
        instance = call.instance(self._instance_id)
        rules.check_words(self._parameters)
        rules.check_instance(call, instance, self._parameters)
        rules.check_role(call, instance, self._parameters.ram_role_name)
        rules.disks_to_capture(call, instance, self._parameters)
        return instance

    def _say_left_out(self, call: Call, instance: InstanceRecord) -> None:
        taken = {d.disk_id for d in rules.disks_to_capture(call, instance, self._parameters)}
        for disk in call.disks_of(instance):
            if disk.disk_id not in taken | set(self._parameters.exclude_disk_ids):
                text = f"The disk {disk.disk_id} ({disk.category}) is no ESSD and is left out"
                self._log.say(text, "warning")

    def _plan(self, call: Call, instance: InstanceRecord) -> Plan:
        """Decide what kind of snapshots these can be, and how to come by them (AP-5, AP-7)."""
        given = self._parameters
        root = inside_for_programs(call, instance)
        self._install(root)
        plan = Plan(
            root=root,
            record=freeze_record(call, instance.instance_id),
            job=self._job,
            freeze=given.windows or given.enable_fs_freeze,
            file_systems=True,
            timeout_seconds=given.timeout_seconds,
            script_timeout_seconds=given.script_timeout_seconds,
        )
        if given.windows:
            self._tag = "AppConsistent" if given.enable_writers else "FsConsistent"
            return plan
        wrong = {
            path: why_invalid(root, path, wanted)
            for path, wanted in (
                (given.pre_script_path, PRE_SCRIPT),
                (given.post_script_path, POST_SCRIPT),
            )
        }
        for path, why in wrong.items():
            if why and path:
                self._log.say(f"The script {path} is not valid: {why}", "warning")
        valid = len(wrong) == 2 and not any(wrong.values())
        if valid:
            plan.pre_script = os.path.join(root, PRE_SCRIPT[1:])
            plan.post_script = os.path.join(root, POST_SCRIPT[1:])
        if plan.freeze:
            self._tag = "AppConsistent" if valid else "FsConsistent"
        return plan

    def _install(self, root: str) -> None:
        """Note that the plug-in is on the instance: at its first use it installs itself (AP-3)."""
        from snapcli.guests import folder

        name = "app-snapshot-plugin" + ("-win" if self._parameters.windows else "")
        path = f"{_PLUGIN_FOLDER}/{name}"
        if not os.path.exists(folder.resolve(root, path)):
            folder.put(root, path, [b"Installed by its first use.\n"])
            self._log.say(f"Install plugin {name}")

    def _say_what(self, plan: Plan) -> None:
        if self._parameters.windows:
            self._log.say("Required COM+ components are there")
            self._log.say("Start to Initialize VSS Requestor ...")
            writers = "All writers included" if self._parameters.enable_writers else "No writers"
            self._log.say(f"Prepare to Create snapshots: {writers}")
            return
        kind = self._tag or "Plain"
        scripts = "with" if plan.pre_script else "without"
        self._log.say(f"{kind} Snapshots {scripts} Pre/Post-Script Enabled")

    def _capture(self, frozen: Frozen) -> None:
        """Capture all disks while the guest is frozen; the group is there only when it held.

        The lock is taken before the freeze, so that nothing is waited for while it lasts.
        """
        given = self._parameters
        with self._steps.begin(writes=True) as call:
            instance = self._checked(call)
            disks = rules.disks_to_capture(call, instance, given)
            with frozen, self._log.measured("Capture"):
                group = create_group(
                    call,
                    disks,
                    given.name,
                    given.description,
                    self._tags(call, instance),
                    rules.group_request(given),
                    hold=not self._tag,
                )
            group_id = group.group_id
        self.group_id = group_id
        self._log.say(f"SnapshotGroup, requestId={ids.request_id()}, SnapshotGroupId={group_id}")

    def _group(self, call: Call) -> GroupRecord:
        region_id = call.instance(self._instance_id).region_id
        group = call.inventory(region_id).groups.get(self.group_id)
        if group is None:
            raise Unmet(WRONG_GROUP, f"The group {self.group_id} is not there any more.")
        return group

    def _check_group(self) -> None:
        """Raise Unmet unless the group is as it should be."""
        from snapcli.ecs.groups import members_of

        with self._steps.begin(writes=False) as call:
            group = self._group(call)
            members = list(members_of(call, group))
            if len(members) < len(group.disk_ids):
                raise Unmet(MISSING_MEMBER, "A snapshot of the group is not there any more.")
            failed = [n.snapshot_id for _, n in members if status(n, call.now) == "failed"]
            if failed and len(failed) == len(members):
                raise Unmet(WRONG_GROUP, "The snapshots of the group failed.")
            if failed:
                raise Unmet(WRONG_SNAPSHOT, f"The snapshot {failed[0]} failed.")

    def _tags(self, call: Call, instance: InstanceRecord) -> dict[str, str]:
        """Return the tag that says what the snapshots are, when the role may set it (AP-8).

        It is set as they are made: killed at any instant, they are there with it or not at all.
        """
        allowed = self._tag and rules.may(call, instance, "TagResources")
        return {self._tag: "True"} if allowed else {}

    def _check_tags(self) -> None:
        """Raise Unmet when the snapshots could not be tagged."""
        if not self._tag:
            return
        with self._steps.begin(writes=False) as call:
            if self._tag not in self._group(call).tags:
                role = call.instance(self._instance_id).ram_role_name
                raise Unmet(rules.TAGS, f"The RAM role {role} does not allow ecs:TagResources.")
        self._log.say(f"Tag snapshots with {self._tag}")

    def _undo(self) -> None:
        """Remove the group of a run that failed."""
        if not self.group_id:
            return
        from snapcli.ecs.groups import members_of
        from snapcli.ecs.nodes import remove_node

        with self._steps.begin(writes=True) as call:
            region_id = call.instance(self._instance_id).region_id
            group = call.inventory(region_id).groups.get(self.group_id)
            if group is not None:
                for chain, node in list(members_of(call, group)):
                    remove_node(call, chain, node)
                del call.inventory(region_id).groups[self.group_id]
        self._log.say(f"The group {self.group_id} was removed", "warning")

    def _say_end(self) -> None:
        log = self._log
        log.say(f"Take {self._tag or 'Plain'} snapshots successfully")
        if not self._parameters.windows:
            pre, post = log.cost("PreScript"), log.cost("PostScript")
            log.say(f"Prescript cost={pre}, Postscript cost={post}")
        log.say(
            f"Prepare Freeze={log.cost('Freeze')}, Thaw cost={log.cost('Thaw')}, "
            f"Snapshot Creation={log.cost('Capture')}"
        )
        log.say(
            "Finish whole Processes of Snapshot successfully",
            head=f'[snapshotgroup="{self.group_id}"]',
        )


_Seconds = limits("InvalidParameter", 400, "1 to 86400 seconds", ge=1, le=86400)


class CreateAppSnapshotRequest(Request, kw_only=True):
    """Which instance to capture, how the group is called, and how to bring writing to rest."""

    instance_id: Annotated[str, "The instance, which must be Running."]
    name: Annotated[GroupName, "A name for the group."]
    description: Annotated[GroupDescription, "A description for people."] = ""
    pre_script: Annotated[str, f"A script to put at {PRE_SCRIPT} and run before the freeze."] = ""
    post_script: Annotated[str, f"A script to put at {POST_SCRIPT} and run after the thaw."] = ""
    exclude_disk_id: Annotated[list[str], "All of the instance's disks but these."] = []
    instant_access: Annotated[bool, "Make the snapshots usable while still in creation."] = False
    instant_access_retention_days: Annotated[
        int,
        limits("InvalidParameter", 400, "1 to 65536 days", ge=1, le=65536),
        "Switch instant access off after so many days.",
    ] = 1
    fs_freeze: Annotated[bool, "Freeze the mounted file systems."] = True
    writers: Annotated[bool, "On Windows: include the applications' writers."] = True
    timeout: Annotated[int, _Seconds, "How many seconds the freeze may last."] = 30
    script_timeout: Annotated[int, _Seconds, "How many seconds each script may run."] = 1800
    ram_role_name: Annotated[str, "The role; by default the one attached to the instance."] = ""


class CreateAppSnapshotResponse(Response):
    """The group, how consistent it is, and the plug-in's log."""

    snapshot_group_id: str
    exit_code: int
    log: str


@operation("CreateAppSnapshot", lock=False, changes=True)
def create_app_snapshot(call: Call, request: CreateAppSnapshotRequest) -> CreateAppSnapshotResponse:
    """Capture all disks of an instance with its applications at rest, as the plug-in does.

    Needs no Cloud Assistant command; the scripts given are put into the instance first.
    """
    if call.settings.guest.commands == "deny":
        raise ApiError(
            "Operation.Forbidden",
            403,
            "This workspace lets no command run inside instances (guest.commands). Its owner can "
            "change that with: snapcli config set guest.commands plugin",
        )
    instance = call.instance(request.instance_id)
    if bool(request.pre_script) != bool(request.post_script):
        raise ApiError(
            "InvalidParameter",
            400,
            "PreScript and PostScript go together; only one of them was given.",
        )
    root = make_inside(call, instance)
    for source, path in ((request.pre_script, PRE_SCRIPT), (request.post_script, POST_SCRIPT)):
        if source:
            _put_script(root, source, path)
    parameters = Parameters(
        windows=is_windows(instance),
        name=request.name,
        ram_role_name=request.ram_role_name or instance.ram_role_name,
        description=request.description,
        exclude_disk_ids=request.exclude_disk_id,
        instant_access=request.instant_access,
        instant_access_retention_days=request.instant_access_retention_days,
        pre_script_path=_path_of(root, PRE_SCRIPT),
        post_script_path=_path_of(root, POST_SCRIPT),
        enable_fs_freeze=request.fs_freeze,
        enable_writers=request.writers,
        timeout_seconds=request.timeout,
        script_timeout_seconds=request.script_timeout,
    )
    job = f"app-{ids.random_bytes(8).hex()}"

    def work(steps: Steps) -> CreateAppSnapshotResponse:
        log = _log(steps)
        code, group_id = run(steps, request.instance_id, parameters, job, log)
        return CreateAppSnapshotResponse(
            snapshot_group_id=group_id, exit_code=code, log=log.text().decode()
        )

    call.afterwards = work
    return CreateAppSnapshotResponse(snapshot_group_id="", exit_code=UNKNOWN, log="")


def _path_of(root: str, path: str) -> str:
    """Return the path of a script that is in the guest, also from before; "" when none is."""
    return path if os.path.lexists(os.path.join(root, path[1:])) else ""


def _put_script(root: str, source: str, path: str) -> None:
    from snapcli.ecs.guest_files import content_of
    from snapcli.ecs.guest_insides import told
    from snapcli.guests import folder

    with told():
        folder.put(root, path, content_of(source), SCRIPT_MODE)
