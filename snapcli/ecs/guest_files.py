"""Files inside an instance: `guest path|put|get`.

A path of the guest is one from its own root, and never leads out of its folder.
"""

from collections.abc import Iterator
from typing import Annotated

from snapcli.api.errors import ApiError
from snapcli.api.operation import Request, Response, operation
from snapcli.api.types import limits
from snapcli.ecs.call import Call
from snapcli.ecs.guest_insides import make_inside, told
from snapcli.ecs.steps import Steps

_CHUNK_BYTES = 1 << 20
FileMode = Annotated[
    str,
    limits(
        "InvalidParameter",
        400,
        "three or four octal digits such as 0700",
        pattern=r"^[0-7]{3,4}\Z",
    ),
]


class ShowGuestPathRequest(Request):
    """Whose inside, and what of it."""

    instance_id: Annotated[str, "The instance."]
    path: Annotated[str, "A path inside it; by default its root."] = "/"


class ShowGuestPathResponse(Response):
    """Where that lies on this machine."""

    path: str


@operation("ShowGuestPath", lock=False, changes=False)
def show_guest_path(call: Call, request: ShowGuestPathRequest) -> ShowGuestPathResponse:
    """Say which folder stands for the instance's root file system; it is made at first use."""
    from snapcli.guests import folder

    root = make_inside(call, call.instance(request.instance_id))
    with told():
        return ShowGuestPathResponse(path=folder.resolve(root, request.path))


class PutGuestFileRequest(Request):
    """Which file to put where."""

    instance_id: Annotated[str, "The instance."]
    file: Annotated[str, "A file of this machine, or - for standard input."]
    path: Annotated[str, "Where to put it: a path inside the instance, from its root."]
    mode: Annotated[FileMode, "Its exact mode, octal."] = "0644"


class PutGuestFileResponse(Response):
    """Where the file is, and how long."""

    path: str
    length_bytes: int


@operation("PutGuestFile", lock=False, changes=True)
def put_guest_file(call: Call, request: PutGuestFileRequest) -> PutGuestFileResponse:
    """Put a file into the instance, whole or not at all; missing folders are made."""
    from snapcli.guests import folder

    root = make_inside(call, call.instance(request.instance_id))
    with told():
        written = folder.put(root, request.path, content_of(request.file), int(request.mode, 8))
        return PutGuestFileResponse(
            path=folder.shown(root, folder.resolve(root, request.path)), length_bytes=written
        )


def content_of(path: str) -> Iterator[bytes]:
    """Yield what a file of this machine holds. Raises ApiError when it can't be read."""
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise ApiError(
            "InvalidParameter", 400, f"The file {path!r} can't be read: {error.strerror}."
        ) from None


class GetGuestFileRequest(Request):
    """Which file to get."""

    instance_id: Annotated[str, "The instance."]
    path: Annotated[str, "The file's path inside the instance, from its root."]
    file: Annotated[str, "Where to write it; by default, and as -, to standard output."] = "-"


class GetGuestFileResponse(Response):
    """How long the file is."""

    length_bytes: int


@operation("GetGuestFile", lock=False, changes=False)
def get_guest_file(call: Call, request: GetGuestFileRequest) -> GetGuestFileResponse:
    """Copy a file out of the instance. The writing is done when no lock is held any more."""
    from snapcli.guests import folder

    root = make_inside(call, call.instance(request.instance_id))

    def copy(steps: Steps) -> GetGuestFileResponse:
        with told():
            return GetGuestFileResponse(
                length_bytes=_write(steps, request.file, folder.get(root, request.path))
            )

    call.afterwards = copy
    return GetGuestFileResponse(length_bytes=0)


def _write(steps: Steps, file: str, chunks: Iterator[bytes]) -> int:
    written = 0
    if file == "-":
        write = steps.caller.write_output
        if write is None:
            raise ApiError("InvalidParameter", 400, "There is no output to write the bytes to.")
        for chunk in chunks:
            write(chunk)
            written += len(chunk)
        return written
    first = next(chunks, b"")  # so that a missing one leaves no empty file behind
    try:
        with open(file, "wb") as target:
            written += target.write(first)
            for chunk in chunks:
                written += target.write(chunk)
    except OSError as error:
        raise ApiError(
            "InvalidParameter", 400, f"The file {file!r} can't be written: {error.strerror}."
        ) from None
    return written
