"""Ids: their form, and that a seed makes them repeatable."""

import re
from collections.abc import Iterator

import pytest
from support import Cloud

from snapcli.api import ids


@pytest.fixture(autouse=True)
def random_again() -> Iterator[None]:
    yield
    ids.seed(None)


def test_an_id_has_its_prefix_and_its_regions_code() -> None:
    assert re.fullmatch("s-bp1[0-9a-z]{17}", ids.resource_id("s", "bp1", lambda _: False))


def test_an_id_that_is_taken_is_not_given_again() -> None:
    ids.seed(1)
    first = ids.resource_id("d", "bp1", lambda _: False)
    ids.seed(1)
    second = ids.resource_id("d", "bp1", lambda id_: id_ == first)
    assert first != second


def test_a_request_id_is_an_upper_case_uuid_of_version_4() -> None:
    form = "[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}"
    for _ in range(50):
        assert re.fullmatch(form, ids.request_id())


def test_a_serial_number_has_its_three_parts() -> None:
    for _ in range(50):
        assert re.fullmatch(r"\d{5}-\d{9}-\d{9}", ids.serial_number())


def test_a_seed_makes_all_of_them_repeatable_and_none_random_again() -> None:
    def some() -> list[str]:
        return [
            ids.request_id(),
            ids.serial_number(),
            ids.resource_id("i", "m5e", lambda _: False),
        ]

    ids.seed(7)
    first = some()
    ids.seed(7)
    assert some() == first
    ids.seed(None)
    assert some() != first


def test_every_answer_and_every_refusal_has_a_request_id_of_its_own(cloud: Cloud) -> None:
    seen = {cloud.ecs("DescribeRegions")["RequestId"] for _ in range(3)}
    for _ in range(2):
        refused = cloud.refused("DeleteDisk", DiskId="d-none")
        [line] = [line for line in refused.err.splitlines() if line.startswith("RequestId: ")]
        seen.add(line.removeprefix("RequestId: "))
    assert len(seen) == 5 and "" not in seen


def test_ids_of_a_seeded_workspace_repeat(cloud: Cloud) -> None:
    ids.seed(3)
    first = cloud.instance()
    cloud.ecs("DeleteInstance", InstanceId=first, Force=True)
    ids.seed(3)
    assert cloud.instance() == first
