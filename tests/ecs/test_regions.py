"""DescribeRegions and DescribeZones."""

import re
from pathlib import Path

import pytest
from support import Cloud

from snapcli.ecs.region_data import REGION_BY_CODE, REGIONS, zone_ids

GUIDE = Path(__file__).parents[3] / "shared" / "guide" / "ecs-snapshots-guide.txt"


def test_every_region_is_listed_with_its_endpoint_and_name(cloud: Cloud) -> None:
    regions = cloud.ecs("DescribeRegions", AcceptLanguage="en-US")["Regions"]["Region"]
    assert [region["RegionId"] for region in regions] == list(REGIONS)
    [hangzhou] = [region for region in regions if region["RegionId"] == "cn-hangzhou"]
    assert hangzhou == {
        "LocalName": "China (Hangzhou)",
        "RegionEndpoint": "ecs.cn-hangzhou.aliyuncs.com",
        "RegionId": "cn-hangzhou",
        "Status": "available",
    }


def test_names_are_chinese_unless_another_language_is_asked_for(cloud: Cloud) -> None:
    assert cloud.ecs("DescribeRegions")["Regions"]["Region"][0]["LocalName"] == "华北1（青岛）"
    refused = cloud.refused("DescribeRegions", AcceptLanguage="fr")
    assert refused.error_code == "InvalidAcceptLanguage.NotFound"
    assert "zh-CN, en-US, ja" in refused.err
    refused = cloud.refused("DescribeRegions", InstanceChargeType="Gift")
    assert refused.error_code == "Invalid.InstanceChargeType"


@pytest.mark.skipif(not GUIDE.exists(), reason="the guide is not here")
def test_every_region_that_the_guide_names_exists() -> None:
    named = set(
        re.findall(r"\b(?:China|US|Japan|UK|Germany|UAE) \([A-Z][\w ]+\)", GUIDE.read_text())
    )
    known = {region.english for region in REGIONS.values()}
    assert len(named) > 10
    assert named - known == set()


def test_zones_are_named_after_their_region(cloud: Cloud) -> None:
    zones = cloud.ecs("DescribeZones", RegionId="cn-hangzhou", AcceptLanguage="en-US")
    ids = [zone["ZoneId"] for zone in zones["Zones"]["Zone"]]
    assert "cn-hangzhou-h" in ids and len(set(ids)) == len(ids)
    assert zones["Zones"]["Zone"][0]["LocalName"] == "China (Hangzhou) Zone B"
    singapore = cloud.ecs("DescribeZones", RegionId="ap-southeast-1")["Zones"]["Zone"]
    assert singapore[0]["ZoneId"] == "ap-southeast-1a"
    assert "cloud_essd" in singapore[0]["AvailableDiskCategories"]["DiskCategories"]


def test_an_unknown_region_is_refused_with_the_nearest(cloud: Cloud) -> None:
    refused = cloud.refused("DescribeZones", RegionId="cn-hangzou")
    assert refused.error_code == "InvalidRegionId.NotFound"
    assert "Did you mean cn-hangzhou?" in refused.err


def test_every_region_has_a_zone_and_a_code_of_its_own() -> None:
    assert len(REGION_BY_CODE) == len(REGIONS)
    every = [zone for region in REGIONS.values() for zone in zone_ids(region)]
    assert len(set(every)) == len(every) >= len(REGIONS)
    assert all(len(region.code) == 3 for region in REGIONS.values())
