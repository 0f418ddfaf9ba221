"""The two ways a command is refused: by the service, or for how it was typed.

Messages are our own, name the value found and say what would be right; codes are the API's.
"""


class ApiError(Exception):
    """The service refuses a request.

    `code` is the API's own error code, `status` the HTTP status it is published with.
    """

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message
        self.request_id = ""


class DryRunOperation(ApiError):
    """Every check of a dry run passed; the API reports that success as an error."""

    def __init__(self) -> None:
        super().__init__(
            "DryRunOperation",
            400,
            "Every check passed. Nothing was done, because DryRun is true.",
        )


class UnknownName(Exception):
    """A command, action or parameter that does not exist; `near` holds the closest real names."""

    def __init__(self, message: str, near: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.near = near


class MissingParameters(Exception):
    """Required parameters were left out; `names` lists all of them as the API spells them."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__("required parameters not assigned: " + ", ".join(names))
        self.names = names


def missing_parameter(name: str, code: str = "MissingParameter", status: int = 400) -> ApiError:
    """Return the refusal of a request that lacks the required parameter `name`."""
    return ApiError(code, status, f"The required parameter {name} was not given.")
