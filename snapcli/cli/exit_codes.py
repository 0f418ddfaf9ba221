"""The exit codes, one table as data, for the program, its help and the README. Decides nothing."""

SUCCESS = 0
REFUSED = 1
UNKNOWN = 2
MISSING = 3
WORKSPACE = 4
DAMAGE = 5
TIMED_OUT = 6
INTERRUPTED = 130

TABLE: tuple[tuple[int, str], ...] = (
    (SUCCESS, "success, help, a closed pipe"),
    (REFUSED, "refused by the service, a malformed command line, or failed"),
    (UNKNOWN, "unknown command, parameter or value"),
    (MISSING, "a required parameter is missing, or the configuration is wrong"),
    (WORKSPACE, "the workspace cannot be used: damaged, newer, locked, read-only, no space"),
    (DAMAGE, "`check` found damage"),
    (TIMED_OUT, "`--waiter` ran out of time"),
    (INTERRUPTED, "interrupted by Ctrl-C"),
)
