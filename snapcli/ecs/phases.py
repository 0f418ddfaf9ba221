"""What an instance or a disk is at an instant: the phase it passes through, else its resting state.

Also how far anything is that takes its time. Pure functions of a record and `now`.
"""

from datetime import datetime, timedelta

from snapcli.ecs.records import DiskRecord, InstanceRecord, Phase


def current_phase(phases: list[Phase], now: datetime) -> str | None:
    """Return the name of the phase that `now` falls into, or None when all are over."""
    return next((phase.name for phase in phases if now < phase.until), None)


def phases_from(now: datetime, *steps: tuple[str, float]) -> list[Phase]:
    """Return consecutive phases from `now`, each (name, seconds); those of 0 s are left out."""
    phases: list[Phase] = []
    for name, seconds in steps:
        if seconds > 0:
            now += timedelta(seconds=seconds)
            phases.append(Phase(name=name, until=now))
    return phases


def percent_over(begins_at: datetime, ends_at: datetime, now: datetime) -> int:
    """Return how much of a stretch of time is over: 100 from its end on, before that 0 to 99.

    Holds for any three instants: a clock that went back may show one before the beginning.
    """
    if now >= ends_at:
        return 100
    if now <= begins_at:
        return 0
    return min(int((now - begins_at) / (ends_at - begins_at) * 100), 99)


def instance_status(instance: InstanceRecord, now: datetime) -> str:
    """Return Pending, Starting, Running, Stopping or Stopped."""
    return current_phase(instance.phases, now) or instance.power


def disk_status(disk: DiskRecord, now: datetime) -> str:
    """Return Creating, Attaching, Detaching, ReIniting, In_use or Available."""
    resting = "In_use" if disk.instance_id else "Available"
    return current_phase(disk.phases, now) or resting
