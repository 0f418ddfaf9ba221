"""What storage costs: the prices of workspace.toml as exact numbers. Knows no chain."""

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from snapcli.ecs.ledger import INSTANT
from snapcli.ecs.usage import BLOCKS_PER_GIB, HOUR_SECONDS

if TYPE_CHECKING:
    from snapcli.workspace.settings import Prices

AMOUNT_DIGITS = 8  # of an amount on a bill, behind the point


class Tariff:
    """The prices of one month. A GiB that is stored for all its hours costs the month's price."""

    def __init__(self, prices: "Prices", hours_of_month: int) -> None:
        self._unit = BLOCKS_PER_GIB * HOUR_SECONDS * hours_of_month
        self._a_use = exact(prices.instant_access_usd_per_use)
        self._a_month = {
            "standard": exact(prices.standard_usd_per_gib_month),
            "flash": exact(prices.local_usd_per_gib_month),
            "archive": exact(prices.archive_usd_per_gib_month),
            INSTANT: exact(prices.instant_access_usd_per_gib_month),
        }

    @property
    def kinds(self) -> list[str]:
        """The kinds of what is stored, as the ledger names them."""
        return list(self._a_month)

    def storage(self, kind: str, block_seconds: int) -> Fraction:
        """Return what so many blocks times seconds cost, not rounded."""
        return self._a_month[kind] * block_seconds / self._unit

    def uses(self, count: int) -> Fraction:
        """Return what it costs to have switched instant access on so often."""
        return self._a_use * count


def exact(price: float) -> Fraction:
    """Return a price as it is written in workspace.toml: 0.02 is two hundredths."""
    return Fraction(str(price))


def rounded(amount: Fraction) -> Decimal:
    """Return an amount with the digits of a bill; halves go to the even digit."""
    return Decimal(round(amount * 10**AMOUNT_DIGITS)).scaleb(-AMOUNT_DIGITS)
