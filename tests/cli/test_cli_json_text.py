"""The JSON layout of the real command (section 2 of its behaviour page)."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from snapcli.api.operation import Item, Response
from snapcli.cli.json_text import json_text


class _Item(Item):
    zone_id: str
    iops: int = msgspec.field(name="IOPS")
    image_id: str = ""
    tags: list[str] = []


class _Answer(Response):
    zones: list[_Item]
    a_first: dict[str, int] = {}


def plain_reference(value: object) -> bytes:
    text = json.dumps(value, indent="\t", sort_keys=True, ensure_ascii=False)
    return text.encode() + b"\n"


def test_the_sample_of_the_behaviour_page_is_printed_byte_for_byte() -> None:
    answer = {
        "SnapshotId": "s-bp17441ohwka0yui****",
        "RequestId": "C8B26B44-0189-443E-9816-D951F596****",
    }
    assert json_text(answer) == (
        b'{\n\t"RequestId": "C8B26B44-0189-443E-9816-D951F596****",\n'
        b'\t"SnapshotId": "s-bp17441ohwka0yui****"\n}\n'
    )


def test_a_typed_response_is_sorted_by_the_names_on_the_wire() -> None:
    answer = _Answer(zones=[_Item(zone_id="z", iops=3, tags=["b", "a"])], a_first={"b": 1, "B": 2})
    assert json_text(answer) == plain_reference(msgspec.to_builtins(answer))
    assert json_text(answer).index(b'"IOPS"') < json_text(answer).index(b'"ImageId"')


def test_empty_lists_and_objects_stay_on_their_line() -> None:
    assert json_text({"A": [], "B": {}, "C": [[], {}]}) == (
        b'{\n\t"A": [],\n\t"B": {},\n\t"C": [\n\t\t[],\n\t\t{}\n\t]\n}\n'
    )


def test_nothing_is_escaped_that_json_allows_raw() -> None:
    assert json_text({"N": "<a> & 快照 é", "L": " \n  x"}) == (
        '{\n\t"L": " \\n  x",\n\t"N": "<a> & 快照 é"\n}\n'.encode()
    )


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(_TEXTS, _VALUES, max_size=4))
def test_any_value_is_laid_out_as_the_plain_reference_does(value: dict[str, object]) -> None:
    assert json_text(value) == plain_reference(value)
