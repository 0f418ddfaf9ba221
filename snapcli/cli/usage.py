"""How a mistyped command line is refused, and which real name was probably meant.

Holds no layout: `failures` prints what is raised here.
"""

from collections.abc import Iterable, Sequence

from snapcli.cli import exit_codes


class UsageError(Exception):
    """The command line cannot be understood or is not complete.

    `near` holds the names probably meant, `tip` what helps in words; `exit_code` is one of
    `exit_codes`.
    """

    def __init__(
        self,
        message: str,
        exit_code: int = exit_codes.UNKNOWN,
        near: tuple[str, ...] = (),
        tip: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.near = near
        self.tip = tip


def missing(options: Sequence[str], help_command: str) -> UsageError:
    """Return the refusal of a command line that lacks `options`, all of which it names."""
    listed = "".join(f"\n  {option}" for option in options)
    return UsageError(
        f"required parameters not assigned: {listed}",
        exit_codes.MISSING,
        tip=f"use `{help_command}` to get more information",
    )


def duplicated(option: str) -> UsageError:
    """Return the refusal of an `option`, as it was typed, that takes one value and has two."""
    return UsageError(f"parse failed flag duplicated {option}", exit_codes.REFUSED)


_FARTHEST = 2


def nearest(word: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """Return the candidates at the smallest edit distance from `word`, none beyond 2.

    A letter put in or left out costs 1, a replaced one 2, as the real command counts.
    """
    best = _FARTHEST
    found: dict[str, None] = {}
    for candidate in candidates:
        if abs(len(candidate) - len(word)) > best:
            continue
        distance = edit_distance(word, candidate)
        if distance < best:
            best = distance
            found = {}
        if distance == best:
            found[candidate] = None
    return tuple(sorted(found))


def meant(word: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """Return the nearest candidates, or else those spelled with the same letters and digits.

    So `--disk-id` and `--diskid` lead to `DiskId`, which the real command leaves unsaid.
    """
    known = list(candidates)
    plain = _plain(word)
    return nearest(word, known) or tuple(sorted({n for n in known if _plain(n) == plain}))


def _plain(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum())


def edit_distance(one: str, other: str) -> int:
    """Count the letters to put in or leave out to make `other` of `one`; a replaced one is 2."""
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, opposite in enumerate(other, 1):
            line.append(
                above[column - 1]
                if letter == opposite
                else 1 + min(above[column], line[column - 1])
            )
        above = line
    return above[-1]


def closest(word: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """Return the nearest candidates, or else the one that looks most like `word`, if any does."""
    known = list(candidates)
    near = nearest(word, known)
    if near:
        return near
    import difflib

    return tuple(difflib.get_close_matches(word, known, n=1, cutoff=0.6))
