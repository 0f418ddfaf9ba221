"""Cloud Assistant's lists with the console's columns. Draws nothing."""

import base64
import binascii
import contextlib
from collections.abc import Mapping
from typing import Any

from snapcli.cli.session import Session
from snapcli.cli.views.listing import Listing, id_and_name, more_text

_MOST_LINES = 6
_COLOURS: Mapping[str, str] = {
    "Success": "green",
    "Running": "yellow",
    "Pending": "yellow",
    "Failed": "red",
    "Timeout": "red",
    "Aborted": "red",
}


def results(answer: Any, _: Session) -> Listing:
    """Return what became of commands: state, exit code and the end of what they printed."""
    found = answer["Invocation"]["InvocationResults"]["InvocationResult"]
    return Listing(
        what="results",
        columns=("Execution ID", "Instance ID", "Status", "Exit Code", "Finished", "Output"),
        rows=[
            (
                each["InvokeId"],
                each["InstanceId"],
                each["InvocationStatus"],
                str(each.get("ExitCode", "-")),
                each["FinishedTime"] or "-",
                _output(each),
            )
            for each in found
        ],
        more=more_text(answer["Invocation"], len(found)),
        colours=_COLOURS,
    )


def _output(result: Any) -> str:
    text = result["Output"] or result["ErrorInfo"]
    with contextlib.suppress(binascii.Error, ValueError):  # asked for as plain text
        text = base64.b64decode(text, validate=True).decode()
    lines = text.rstrip().splitlines()
    cut = ["..."] if len(lines) > _MOST_LINES else []
    return "\n".join(cut + lines[-_MOST_LINES:])


def invocations(answer: Any, _: Session) -> Listing:
    """Return what was run where."""
    found = answer["Invocations"]["Invocation"]
    return Listing(
        what="invocations",
        columns=("Execution ID", "Command", "Type", "Created", "Status", "Instances"),
        rows=[
            (
                each["InvokeId"],
                id_and_name(each["CommandId"], each["CommandName"]),
                each["CommandType"],
                each["CreationTime"],
                each["InvocationStatus"],
                "\n".join(i["InstanceId"] for i in each["InvokeInstances"]["InvokeInstance"]),
            )
            for each in found
        ],
        more=more_text(answer, len(found)),
        colours=_COLOURS,
    )


def commands(answer: Any, _: Session) -> Listing:
    """Return the commands that are kept."""
    found = answer["Commands"]["Command"]
    return Listing(
        what="commands",
        columns=("Command ID/Name", "Type", "Created", "Timeout", "Invoked"),
        rows=[
            (
                id_and_name(each["CommandId"], each["Name"]),
                each["Type"],
                each["CreationTime"],
                f"{each['Timeout']} s",
                str(each["InvokeTimes"]),
            )
            for each in found
        ],
        more=more_text(answer, len(found)),
    )


def files(answer: Any, _: Session) -> Listing:
    """Return the files that were sent."""
    found = answer["Invocations"]["Invocation"]
    return Listing(
        what="files",
        columns=("Execution ID", "File", "Created", "Status", "Instances"),
        rows=[
            (
                each["InvokeId"],
                f"{each['TargetDir'].rstrip('/')}/{each['Name']}",
                each["CreationTime"],
                each["InvocationStatus"],
                "\n".join(i["InstanceId"] for i in each["InvokeInstances"]["InvokeInstance"]),
            )
            for each in found
        ],
        more=more_text(answer, len(found)),
        colours=_COLOURS,
    )


def clients(answer: Any, _: Session) -> Listing:
    """Return on which instances the client runs."""
    found = answer["InstanceCloudAssistantStatusSet"]["InstanceCloudAssistantStatus"]
    return Listing(
        what="instances",
        columns=("Instance ID", "System", "Client", "Version", "Under Way", "Invoked"),
        rows=[
            (
                each["InstanceId"],
                each["OSType"],
                "Running" if each["CloudAssistantStatus"] == "true" else "-",
                each["CloudAssistantVersion"] or "-",
                str(each["ActiveTaskCount"]),
                str(each["InvocationCount"]),
            )
            for each in found
        ],
        more=more_text(answer, len(found)),
    )
