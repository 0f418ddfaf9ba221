"""Documents: their bytes, and what is said of bytes that are none."""

import gc

import msgspec
import pytest
from workspace_helpers import Counter

from snapcli.workspace.documents import decode, encode, known_format
from snapcli.workspace.errors import WorkspaceError


class Terse(msgspec.Struct, omit_defaults=True):
    format: int = 3
    name: str = ""


class Nameless(msgspec.Struct):
    name: str = ""


def test_a_document_is_json_a_person_can_read() -> None:
    data = encode(Counter(count=2, notes={"a": "ü"}))
    assert data.decode() == '{\n "format": 1,\n "count": 2,\n "notes": {\n  "a": "ü"\n }\n}\n'
    assert decode("x", Counter, data) == Counter(count=2, notes={"a": "ü"})


def test_the_format_is_always_written() -> None:
    for record in (Terse(), Terse(name="a")):
        data = encode(record)
        assert b'"format": 3' in data
        assert decode("x", Terse, data) == record
    assert known_format(Terse) == 3
    for use in (lambda: encode(Nameless()), lambda: known_format(Nameless)):
        with pytest.raises(TypeError, match="Nameless has no field `format"):
            use()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"format": 1, "count": "many"}',
        b'{"format": "1"}',
        b'{"format": 0}',
        b'{"format": -1}',
        b'{"count": 1}',
        b'{"format": 1, "count": 1}x',
        b"\x00" * 64,
    ],
)
def test_a_damaged_document_is_named_with_what_to_do(data: bytes) -> None:
    with pytest.raises(WorkspaceError, match=r"^/w/x\.json is damaged: .*snapcli check") as caught:
        decode("/w/x.json", Counter, data)
    assert caught.value.path == "/w/x.json"


@pytest.mark.parametrize(
    "data", [b'{"format": 2, "count": 1}', b'{"format": 12, "count": {"new": true}}']
)
def test_a_newer_document_is_not_called_damaged(data: bytes) -> None:
    with pytest.raises(WorkspaceError, match=r"newer snapcli \(format 1?2\)\. Update snapcli"):
        decode("/w/x.json", Counter, data)


def test_the_collector_rests_while_decoding_and_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(gc, "disable", lambda: calls.append("off"))
    monkeypatch.setattr(gc, "enable", lambda: calls.append("on"))
    monkeypatch.setattr(gc, "isenabled", lambda: True)
    decode("x", Counter, encode(Counter()))
    with pytest.raises(WorkspaceError):
        decode("x", Counter, b"{")
    monkeypatch.setattr(gc, "isenabled", lambda: False)
    decode("x", Counter, encode(Counter()))
    assert calls == ["off", "on", "off", "on"]
