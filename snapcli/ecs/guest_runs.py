"""Processes inside an instance: `guest run|ps|stop`.

A process is started while the lock is shared, so that its instance is Running then; what waits
for its end holds no lock.
"""

from typing import Annotated

from snapcli.api import ids
from snapcli.api.errors import ApiError
from snapcli.api.operation import Item, Request, Response, operation
from snapcli.api.types import json_list, limits
from snapcli.ecs.call import Call
from snapcli.ecs.guest_insides import has_inside, inside_for_programs, make_inside, told
from snapcli.ecs.instance_power import require_status
from snapcli.ecs.steps import Steps

LOG_FILE = "/var/log/guest-run.log"
TIMED_OUT_CODE = 124  # as timeout(1) tells it


class RunInGuestRequest(Request):
    """What to run, and how."""

    instance_id: Annotated[str, "The instance, which must be Running."]
    command: Annotated[
        list[str],
        json_list("InvalidParameter", 400, 4096),
        "The command and its arguments, after --.",
    ]
    detach: Annotated[bool, f"Leave it running; what it prints goes to {LOG_FILE}."] = False
    interactive: Annotated[bool, "Give it this command's standard input."] = False
    env: Annotated[list[str], "A variable of its environment, NAME=value."] = []
    working_dir: Annotated[str, "The folder inside the instance to run it in."] = "/"
    timeout: Annotated[
        int,
        limits("InvalidParameter", 400, "a number of seconds, 1 or more", ge=1),
        "End it, and all that it started, after so many seconds; exit code 124 then.",
    ] = 0


class RunInGuestResponse(Response):
    """The process that runs, or how it ended."""

    pid: int
    exit_code: int = 0


@operation("RunInGuest", lock=False, changes=True)
def run_in_guest(call: Call, request: RunInGuestRequest) -> RunInGuestResponse:
    """Run a command as a process of the instance and pass its exit code on.

    It begins in the instance's root folder; $GUEST_ROOT names it.
    """
    from snapcli.guests import folder, processes, running
    from snapcli.volumes.images import break_off

    instance = call.instance(request.instance_id)
    require_status(call, instance, "Running")
    root = inside_for_programs(call, instance)
    extra = dict(_variable(text) for text in request.env)
    job = f"run-{ids.random_bytes(8).hex()}"
    with told():
        where = folder.resolve(root, request.working_dir)
        if request.detach:
            log_file = folder.resolve(root, LOG_FILE)
            break_off(log_file)  # a hard-linked copy of the workspace keeps what it has
            with open(log_file, "ab") as log:
                child = processes.start(
                    root, request.command, folder=where, output=log.fileno(), extra=extra
                )
            processes.leave_running(child)
            return RunInGuestResponse(pid=child.pid)
        started = running.Running(
            root,
            request.command,
            job=job,
            folder=where,
            extra=extra,
            stdin=0 if request.interactive else None,
        )

    def wait(steps: Steps) -> RunInGuestResponse:
        code = started.pass_on(
            steps.caller.write_output, steps.caller.write_error, request.timeout or None
        )
        return RunInGuestResponse(
            pid=started.pid, exit_code=TIMED_OUT_CODE if code is None else code
        )

    call.afterwards = wait
    return RunInGuestResponse(pid=started.pid)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ApiError(
            "InvalidParameter", 400, f"The variable {text!r} is not written as NAME=value."
        )
    return name, value


class ListGuestProcessesRequest(Request):
    """Whose processes to list."""

    instance_id: Annotated[str, "The instance."]


class ProcessItem(Item):
    """A process: its state is running, or held while a freeze lasts."""

    pid: int
    state: str
    command: str


class ListGuestProcessesResponse(Response):
    """The processes, in the order they began."""

    processes: list[ProcessItem]


@operation("ListGuestProcesses", lock=False, changes=False)
def list_guest_processes(
    call: Call, request: ListGuestProcessesRequest
) -> ListGuestProcessesResponse:
    """List what runs inside an instance."""
    from snapcli.guests import processes

    instance = call.instance(request.instance_id)
    if not has_inside(call, instance.instance_id):
        return ListGuestProcessesResponse(processes=[])
    root = make_inside(call, instance)
    with told():
        return ListGuestProcessesResponse(
            processes=[
                ProcessItem(
                    pid=each.pid,
                    state="held" if each.state in "Tt" else "running",
                    command=each.command,
                )
                for each in processes.find(root)
            ]
        )


class StopGuestProcessesRequest(Request):
    """Which processes to end."""

    instance_id: Annotated[str, "The instance."]
    pid: Annotated[list[str], "Only these; by default all of the instance."] = []


class StopGuestProcessesResponse(Response):
    """How many were ended."""

    count: int


@operation("StopGuestProcesses", lock=False, changes=True)
def stop_guest_processes(
    call: Call, request: StopGuestProcessesRequest
) -> StopGuestProcessesResponse:
    """End processes of an instance: asked first, killed when they have not gone in two seconds."""
    from snapcli.guests import processes

    instance = call.instance(request.instance_id)
    if not has_inside(call, instance.instance_id) and not request.pid:
        return StopGuestProcessesResponse(count=0)
    root = make_inside(call, instance)
    with told():
        if not request.pid:
            return StopGuestProcessesResponse(count=processes.end_all(root))
        own = {str(each.pid): each.pid for each in processes.find(root)}
        strange = [pid for pid in request.pid if pid not in own]
        if strange:
            raise ApiError(
                "InvalidParameter",
                400,
                f"There is no process {', '.join(strange)} in {instance.instance_id}. "
                f"`snapcli guest ps {instance.instance_id}` lists them.",
            )
        return StopGuestProcessesResponse(
            count=processes.end_some([own[pid] for pid in request.pid])
        )
