"""The rows of the table, and how the samples of one session become them.

A ratio is the median of the ratios of the runs: both sides of a pair ran one after the other,
so what else the machine did then troubles both.
"""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

OURS = "snapcli"
# Sides that are measured and told of beside the table, but are not what a row compares with.
UNSYNCED = ", unsynced"
READING_HERE = "reading, in the harness"


class Target(NamedTuple):
    """A row as it was agreed: at most `most` times the peer; `unit` is of the plain figures."""

    key: str
    title: str
    most: float
    unit: str


TARGETS = (
    Target("start", "DescribeSnapshots of 100 ÷ importing click and msgspec", 1.25, "ms"),
    Target("aws", "the same ÷ aws ec2 describe-snapshots on moto", 0.10, "ms"),
    Target("full", "first full snapshot ÷ best peer", 0.60, "s"),
    Target("second", "second snapshot, 2 % changed ÷ best peer", 0.45, "s"),
    Target("third", "third, nothing changed ÷ reading the data extents once", 1.8, "s"),
    Target("third-read", "the same after a write of the same bytes: all is read", 1.8, "s"),
    Target("new-disk", "new disk from a snapshot ÷ best peer's restore", 0.60, "s"),
    Target("rollback", "rollback of 2 % changed ÷ the same", 0.25, "s"),
    Target("stored-full", "stored bytes, full ÷ best peer", 1.10, "MB"),
    Target("stored-second", "stored bytes, 2 % changed ÷ best peer", 1.10, "MB"),
    Target("memory", "peak memory of any of these", 100, "MB"),
)
COMMAND_KEYS = ("start", "aws")
BLOCK_KEYS = tuple(target.key for target in TARGETS if target.key not in COMMAND_KEYS)


class Row(NamedTuple):
    """One measured row: plain figures in the target's unit, medians of all runs."""

    key: str
    title: str
    ours: float
    peer: float | None
    peer_name: str
    ratio: float
    most: float
    unit: str
    spread: tuple[float, float]

    @property
    def met(self) -> bool:
        """Whether the target was met."""
        return self.ratio <= self.most


class Samples:
    """Figures of all runs, by row and side."""

    def __init__(self) -> None:
        self._figures: dict[str, dict[str, list[float]]] = {}

    def add(self, key: str, side: str, figure: float) -> None:
        """Add one run's figure, in seconds or bytes."""
        self._figures.setdefault(key, {}).setdefault(side, []).append(figure)

    def has(self, key: str) -> bool:
        """Whether there is anything to compare in a row."""
        return len(self._figures.get(key, {})) > (0 if key == "memory" else 1)

    def sides(self, key: str) -> list[tuple[str, float]]:
        """Return every side's median, for the details."""
        return [(side, median(each)) for side, each in self._figures.get(key, {}).items()]

    def ratios(self, key: str, side: str) -> list[float]:
        """Return ours ÷ that side, run by run."""
        sides = self._figures[key]
        return [mine / theirs for mine, theirs in zip(sides[OURS], sides[side], strict=True)]

    def row(self, target: Target) -> Row:
        """Return a row: ours against the peer with the least median."""
        sides = self._figures[target.key]
        ours = median(sides[OURS])
        scale = {"ms": 1000, "s": 1, "MB": 1e-6}[target.unit]
        if target.key == "memory":
            most = max(sides[OURS]) * scale
            return Row(
                target.key, target.title, most, None, "", most, target.most, "MB", (most, most)
            )
        best = min(
            (side for side in sides if _is_peer(side)),
            key=lambda side: median(sides[side]),
        )
        ratios = self.ratios(target.key, best)
        return Row(
            key=target.key,
            title=target.title,
            ours=ours * scale,
            peer=median(sides[best]) * scale,
            peer_name=best,
            ratio=median(ratios),
            most=target.most,
            unit=target.unit,
            spread=(min(ratios), max(ratios)),
        )

    def against_unsynced(self, key: str) -> tuple[str, float] | None:
        """Ours ÷ the fastest peer when what that wrote is not waited for; its name."""
        sides = self._figures.get(key, {})
        unsynced = [side for side in sides if side.endswith(UNSYNCED)]
        if not unsynced:
            return None
        best = min(unsynced, key=lambda side: median(sides[side]))
        return best.removesuffix(UNSYNCED), median(self.ratios(key, best))


def _is_peer(side: str) -> bool:
    return side not in (OURS, READING_HERE) and not side.endswith(UNSYNCED)


def rows(samples: Samples, keys: Sequence[str]) -> list[Row]:
    """Return the rows that were asked for and measured, in the table's order."""
    return [
        samples.row(target) for target in TARGETS if target.key in keys and samples.has(target.key)
    ]
