"""The errors of this room. Formats nothing and prints nothing; the command line does."""


class WorkspaceError(Exception):
    """A workspace that cannot be found, read, locked, committed or understood.

    `message` says what is wrong and with which value, `path` names the file or folder it is
    about (or None), `hint` says what to do, as a sentence or a command.
    """

    def __init__(self, message: str, path: str | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class SettingError(WorkspaceError):
    """A key or value given for workspace.toml is not right; the file itself is sound."""
