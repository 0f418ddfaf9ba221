"""The guardian of a postscript: a process of its own that runs it when nobody else does.

Run as `python -m snapcli.guests.guardian ROOT SCRIPT SECONDS JOB`. It says `r` when it watches,
and goes on `d` from its standard input; when that ends without, the plug-in was killed: its
prescript is ended and the postscript run, so that the application goes on.
"""

import os
import sys

from snapcli.guests import app_snapshot, processes


def watch(root: str, script: str, seconds: int, job: str) -> None:
    """Wait for the end of the plug-in, or finish for it."""
    os.write(1, b"r")
    if os.read(0, 1) == b"d":
        return
    processes.end_job(f"{job}.pre")
    processes.let_go(root)
    plan = app_snapshot.Plan(
        root=root,
        record="",
        job=job,
        freeze=False,
        file_systems=False,
        timeout_seconds=1,
        script_timeout_seconds=seconds,
    )
    app_snapshot.run_script(plan, script, f"{job}.post")


if __name__ == "__main__":
    watch(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
