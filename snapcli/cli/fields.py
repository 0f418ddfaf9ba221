"""The words `key=value …` of a flag such as `--output`, `--waiter` or `--pager`. Knows no flag."""

from collections.abc import Sequence


def read_fields(words: Sequence[str], keys: Sequence[str]) -> dict[str, str]:
    """Return the fields by key; unknown ones too, and words without `=` are left out.

    A shell word may hold several of `keys`, as in `"cols=A,B rows=C[]"`.
    """
    found: dict[str, str] = {}
    for word in words:
        cuts = sorted({0} | {word.find(f" {key}=") + 1 for key in keys})
        for start, end in zip(cuts, [*cuts[1:], len(word)], strict=True):
            key, equals, value = word[start:end].strip().partition("=")
            if equals:
                found[key] = unquoted(value)
    return found


def unquoted(text: str) -> str:
    """Return a value without the double quotes around the whole of it."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
