"""Texts that a person is shown before something is switched on. Data only."""

# AC-1, after section 4.1 of the guide.
BILLING = """\
Notice on billing
  After activation every snapshot is billed for its size and for how long it
  is kept. Look at the size of your snapshots (describe-snapshot-links) and
  have enough in the account: when it falls overdue, pay-as-you-go services
  are affected, instances are stopped and resources released. Snapshots that
  are not needed can be deleted at any time.
  (Here nothing is paid.)"""
