"""From wire parameters to a typed request: what is let through, what is refused, and how."""

from typing import Annotated

import pytest

from snapcli.api import parameters
from snapcli.api.errors import ApiError, MissingParameters, UnknownName
from snapcli.api.operation import Group, Request
from snapcli.api.types import (
    ClientToken,
    Description,
    DiskName,
    InstanceName,
    RetentionDays,
    SnapshotName,
    choice,
    json_list,
    limits,
    several,
)


class Pair(Group):
    ignored = ("Colour",)
    key: Annotated[str, "The key."]
    value: Annotated[str, "The value."] | None = None


class Box(Group):
    ignored = ("Paint.Colour",)
    size: Annotated[int, limits("InvalidBoxSize", 403, "1 to 9", ge=1, le=9)] | None = None
    lid: Annotated[bool, "With a lid."] = False


class Example(Request):
    missing = {"Name": ("Missing.Name", 404)}
    ignored = ("Unused", "Deep.Unused")
    local = ("own",)
    name: Annotated[str, "A name."]
    count: Annotated[int, "How many."] = 1
    share: Annotated[float, "Which part."] = 0.5
    flag: Annotated[bool, "On or off."] | None = None
    kind: Annotated[str, choice("InvalidKind", 404, "standard", "flash")] = "standard"
    ids: Annotated[list[str], json_list("InvalidIds.Malformed", 403, 3), "Ids."] | None = None
    disk_id: Annotated[list[str], "Several."] = []
    place: Annotated[list[str], several(), "One, or several."] = []
    tag: Annotated[list[Pair], "Tags."] = []
    box: Annotated[Box, "A box."] | None = None
    own: Annotated[str, "Not of the API."] = ""


def decode(**given: str) -> Example:
    wire = {name.replace("__", "."): text for name, text in given.items()}
    request = parameters.decode(Example, {"Name": "n", **wire})
    assert isinstance(request, Example)
    return request


def refusal(**given: str) -> ApiError:
    with pytest.raises(ApiError) as caught:
        decode(**given)
    return caught.value


def test_texts_become_the_types_that_are_declared() -> None:
    request = decode(Count="12", Share="0.25", Flag="true", Kind="flash")
    assert (request.name, request.count, request.share) == ("n", 12, 0.25)
    assert request.flag is True
    assert request.kind == "flash"


def test_what_is_left_out_or_empty_has_its_default() -> None:
    request = decode(Count="", Flag="", Kind="", Ids="", DiskId__1="", Box__Size="", Own="")
    assert request == decode()
    assert (request.count, request.flag, request.kind, request.ids) == (1, None, "standard", None)
    assert (request.disk_id, request.tag, request.box) == ([], [], None)


@pytest.mark.parametrize("text", ["TRUE", "True", "true"])
def test_a_boolean_may_be_written_in_any_letter_case(text: str) -> None:
    assert decode(Flag=text).flag is True
    assert decode(Flag="False").flag is False


def test_a_choice_may_be_written_in_any_letter_case_and_keeps_the_apis_spelling() -> None:
    assert decode(Kind="Flash").kind == "flash"


@pytest.mark.parametrize(
    ("name", "text", "code", "status", "right"),
    [
        ("Count", "many", "InvalidCount", 400, "a whole number"),
        ("Count", "1.5", "InvalidCount", 400, "a whole number"),
        ("Share", "half", "InvalidShare", 400, "a number"),
        ("Flag", "yes", "InvalidFlag", 400, "true or false"),
        ("Kind", "gold", "InvalidKind", 404, "one of standard, flash"),
        ("Ids", '["a","b","c","d"]', "InvalidIds.Malformed", 403, "at most 3 values"),
        ("Ids", '["a"', "InvalidIds.Malformed", 403, "a JSON list"),
        ("Ids", '{"a": 1}', "InvalidIds.Malformed", 403, "a JSON list"),
        ("Ids", '[["a"]]', "InvalidIds.Malformed", 403, "a JSON list"),
        ("Box__Size", "10", "InvalidBoxSize", 403, "1 to 9"),
    ],
)
def test_a_refused_value_is_named_with_its_parameter_and_what_would_be_right(
    name: str, text: str, code: str, status: int, right: str
) -> None:
    error = refusal(**{name: text})
    assert (error.code, error.status) == (code, status)
    assert repr(text) in error.message
    assert name.replace("__", ".") in error.message
    assert right in error.message


def test_a_very_long_value_is_shown_by_its_beginning() -> None:
    error = refusal(Count="x" * 5000)
    assert len(error.message) < 300
    assert "x" * 117 + "..." in error.message


@pytest.mark.parametrize(
    "text",
    [
        '["d-1","d-2"]',
        '["d-1", "d-2"]',
        "['d-1', 'd-2']",
        " [\"d-1\", 'd-2'] ",
    ],
)
def test_a_json_list_in_a_string_is_read_as_scripts_write_it(text: str) -> None:
    assert decode(Ids=text).ids == ["d-1", "d-2"]


@pytest.mark.parametrize("text", ["d-1", "d-1,d-2", "[d-1,d-2]", "[d-1]", "d-1 d-2", "['d-1'"])
def test_a_text_that_is_no_list_is_refused(text: str) -> None:
    error = refusal(Ids=text)
    assert (error.code, error.status) == ("InvalidIds.Malformed", 403)
    bare = refusal(DiskId=text)
    assert (bare.code, bare.status) == ("InvalidDiskId", 400)
    assert "It must be DiskId.1, DiskId.2 and so on, one value each." in bare.message


def test_numbers_in_a_json_list_are_texts() -> None:
    assert decode(Ids="[1, 2]").ids == ["1", "2"]


def test_an_empty_json_list_is_a_list_and_not_absent() -> None:
    assert decode(Ids="[]").ids == []
    assert decode().ids is None


def test_a_repeat_list_goes_by_its_numbers_whatever_the_gaps() -> None:
    assert decode(DiskId__7="c", DiskId__2="b", DiskId__10="d", DiskId__1="a").disk_id == [
        "a",
        "b",
        "c",
        "d",
    ]


def test_a_repeat_list_may_be_one_json_text() -> None:
    assert decode(DiskId='["a","b"]').disk_id == ["a", "b"]
    assert decode(DiskId="['a']").disk_id == ["a"]


def test_what_the_api_takes_once_may_be_several_of_our_own() -> None:
    assert decode(Place="a,b").place == ["a,b"]
    assert decode(Place='["a"]').place == ['["a"]']
    assert decode(Place__1="a", Place__2="b").place == ["a", "b"]
    [place] = [each for each in parameters.describe(Example) if each.name == "Place"]
    assert place.label == "String"
    parameters.check_names(Example, ["Place"])
    with pytest.raises(UnknownName):
        parameters.check_names(Example, ["Place.1"])


def test_numbers_that_are_no_decimal_digits_number_nothing() -> None:
    assert decode(**{"DiskId__²": "a"}).disk_id == []
    with pytest.raises(UnknownName):
        parameters.check_names(Example, ["DiskId.²"])


def test_a_number_written_with_zeros_is_not_lost() -> None:
    assert decode(DiskId__01="a").disk_id == ["a"]
    assert decode(Tag__01__Key="a").tag == [Pair(key="a")]


def test_tags_are_read_in_both_letter_cases_and_in_order() -> None:
    request = decode(Tag__3__key="b", Tag__3__value="2", Tag__1__Key="a", Tag__1__Value="1")
    assert request.tag == [Pair(key="a", value="1"), Pair(key="b", value="2")]


def test_a_tag_without_its_key_names_what_is_missing() -> None:
    error = refusal(Tag__2__Value="v")
    assert error.code == "MissingParameter"
    assert "Tag.2.Key" in error.message


def test_a_structure_is_read_by_its_dots() -> None:
    assert decode(Box__Size="4", Box__Lid="true").box == Box(size=4, lid=True)


def test_a_missing_required_parameter_has_the_operations_own_code() -> None:
    with pytest.raises(ApiError, match="Name") as caught:
        parameters.decode(Example, {})
    assert (caught.value.code, caught.value.status) == ("Missing.Name", 404)
    with pytest.raises(MissingParameters) as lacking:
        parameters.check_required(Example, {})
    assert lacking.value.names == ("Name",)


@pytest.mark.parametrize(
    "name",
    [
        "Name",
        "DiskId.1",
        "DiskId",
        "Tag.1.Key",
        "Tag.1.value",
        "Tag.2.Colour",
        "Box.Size",
        "Box.Paint.Colour",
        "Unused",
        "Unused.1.Deep",
        "Deep.Unused",
        "Own",
    ],
)
def test_declared_and_ignored_names_are_known(name: str) -> None:
    parameters.check_names(Example, [name])


@pytest.mark.parametrize(
    "name",
    [
        "name",
        "Nam",
        "Name.1",
        "DiskId.x",
        "DiskId.1.Key",
        "Tag",
        "Tag.Key",
        "Tag.1",
        "Box",
        "Tag.1.Weight",
        "Box.1.Size",
        "Box.Height",
        "Deep",
        "Deep.Used",
    ],
)
def test_other_names_are_unknown_and_named(name: str) -> None:
    with pytest.raises(UnknownName, match=name):
        parameters.check_names(Example, ["Name", name])


def test_the_description_tells_names_labels_and_defaults() -> None:
    known = {parameter.name: parameter for parameter in parameters.describe(Example)}
    assert [known[name].label for name in ("Name", "Count", "Share", "Flag", "Ids")] == [
        "String",
        "Integer",
        "Float",
        "Boolean",
        "String",
    ]
    assert (known["DiskId"].label, known["Box"].label) == ("RepeatList", "Struct")
    assert known["Name"].required and not known["Count"].required
    assert known["Count"].default == 1
    assert known["Own"].local and not known["Name"].local
    assert known["Kind"].choices == ("standard", "flash")


class Limits(Request):
    snapshot_name: Annotated[SnapshotName, "."] = ""
    disk_name: Annotated[DiskName, "."] = ""
    instance_name: Annotated[InstanceName, "."] = ""
    description: Annotated[Description, "."] = ""
    retention_days: Annotated[RetentionDays, "."] = 0
    client_token: Annotated[ClientToken, "."] = ""


def accepted(name: str, text: str) -> bool:
    try:
        parameters.decode(Limits, {name: text})
    except ApiError as error:
        assert name in error.message
        return False
    return True


@pytest.mark.rule("CR-5")
@pytest.mark.parametrize(
    "name",
    ["ab", "快照", "快照-1", "é1", "A.b_c-d:e", "a" * 128, "xauto", "httpx", "a1"],
)
def test_a_name_of_letters_digits_and_its_four_signs_is_accepted(name: str) -> None:
    assert accepted("SnapshotName", name)
    assert accepted("DiskName", name)


@pytest.mark.rule("CR-5")
@pytest.mark.parametrize(
    "name",
    [
        "a",
        "a" * 129,
        "1ab",
        "_ab",
        "-ab",
        ".ab",
        "a b",
        "a/b",
        "a,b",
        "http://a",
        "https://ab",
        "ab\n",
        "a\u200bb",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    assert not accepted("SnapshotName", name)
    assert not accepted("DiskName", name)


@pytest.mark.rule("CR-5")
@pytest.mark.parametrize("name", ["auto1", "Auto-x", "AUTO", "autoa"])
def test_only_a_snapshots_name_may_not_begin_with_auto(name: str) -> None:
    assert not accepted("SnapshotName", name)
    assert accepted("DiskName", name)


@pytest.mark.rule("CR-5")
def test_a_description_has_2_to_256_characters_and_is_no_url() -> None:
    assert accepted("Description", "ab") and accepted("Description", "描" * 256)
    assert accepted("Description", "two\nlines, see http://x")
    for text in ("a", "a" * 257, "http://a", "https://a"):
        assert not accepted("Description", text)


@pytest.mark.rule("CR-4")
def test_retention_is_1_to_65536_days() -> None:
    assert accepted("RetentionDays", "1") and accepted("RetentionDays", "65536")
    for text in ("0", "65537", "-1", "1.5"):
        assert not accepted("RetentionDays", text)


def test_an_instance_name_has_brackets_and_commas_too() -> None:
    assert accepted("InstanceName", "web-[1,3]")
    assert not accepted("InstanceName", "1web")


def test_a_client_token_is_at_most_64_ascii_characters() -> None:
    assert accepted("ClientToken", "t" * 64)
    assert not accepted("ClientToken", "t" * 65)
    assert not accepted("ClientToken", "ü")
