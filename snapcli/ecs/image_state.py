"""What an image is at an instant: its status and progress, computed from the record.

Pure functions of a record and `now`; nothing here is ever stored.
"""

from datetime import datetime

from snapcli.ecs.phases import percent_over
from snapcli.ecs.records import ImageRecord

STATUSES = ("Creating", "Waiting", "Available", "UnAvailable", "CreateFailed", "Deprecated")


def status(image: ImageRecord, now: datetime) -> str:
    """Return Creating, Available, CreateFailed or Deprecated."""
    if image.failed_at is not None:
        return "CreateFailed"
    if now < image.ready_at:
        return "Creating"
    return "Deprecated" if image.deprecated else "Available"


def progress_percent(image: ImageRecord, now: datetime) -> int:
    """Return 0 to 100; a failed image keeps how far it had come."""
    return percent_over(image.created_at, image.ready_at, image.failed_at or now)
