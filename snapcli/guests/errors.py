"""What can go wrong inside a guest, told with what was found and what would be right."""


class GuestError(Exception):
    """Something inside a guest is not as it must be; the text is for a person."""


class OutsideGuest(GuestError):
    """A path that is none of the guest's."""


class NotPossibleHere(GuestError):
    """The machine or the user lacks what it takes: root, loop devices, /proc."""


class StillBusy(GuestError):
    """A file system that cannot be unmounted because something outside the guest uses it."""
