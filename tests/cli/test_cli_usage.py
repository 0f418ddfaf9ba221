"""Did you mean: which names are offered for a mistyped one."""

import pytest

from snapcli.cli.usage import closest, edit_distance, nearest


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("", "", 0),
        ("abc", "abc", 0),
        ("abc", "ab", 1),
        ("abc", "abcd", 1),
        ("abc", "abd", 2),  # a replaced letter
        ("abc", "bac", 2),
        ("SnapshotNam", "SnapshotName", 1),
        ("abc", "xyz", 6),
    ],
)
def test_a_replaced_letter_counts_twice(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == edit_distance(other, one) == distance


def test_only_the_nearest_names_are_offered_and_none_beyond_two() -> None:
    names = ("DiskId", "DiskIds", "DiskName", "SnapshotId")
    assert nearest("DiskI", names) == ("DiskId",)
    assert nearest("DiskIdx", names) == ("DiskId",)
    assert nearest("Disk_Id", ("DiskId", "Disk-Id")) == ("DiskId",)
    assert nearest("diskId", names) == ("DiskId",)
    assert nearest("diskid", names) == ()
    assert nearest("AB", ("ABC", "ABD")) == ("ABC", "ABD")


def test_the_friendly_form_offers_what_looks_alike_when_nothing_is_near() -> None:
    assert closest("describe-snap", ("describe-snapshots", "init")) == ("describe-snapshots",)
    assert closest("zzz", ("describe-snapshots", "init")) == ()
