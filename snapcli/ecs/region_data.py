"""The regions and their zones, as data. Holds no rules."""

from typing import NamedTuple


class Region(NamedTuple):
    """A region: its id, names, the three characters its ids carry, and its zones' letters."""

    region_id: str
    english: str
    chinese: str
    code: str
    zones: str


REGIONS: dict[str, Region] = {
    region.region_id: region
    for region in (
        Region("cn-qingdao", "China (Qingdao)", "华北1（青岛）", "m5e", "bc"),
        Region("cn-beijing", "China (Beijing)", "华北2（北京）", "2ze", "abcdefghijkl"),
        Region("cn-zhangjiakou", "China (Zhangjiakou)", "华北3（张家口）", "8vb", "abc"),
        Region("cn-huhehaote", "China (Hohhot)", "华北5（呼和浩特）", "hp3", "ab"),
        Region("cn-wulanchabu", "China (Ulanqab)", "华北6（乌兰察布）", "0jl", "abc"),
        Region("cn-hangzhou", "China (Hangzhou)", "华东1（杭州）", "bp1", "bcdefghijk"),
        Region("cn-shanghai", "China (Shanghai)", "华东2（上海）", "uf6", "abcdefgklmn"),
        Region("cn-nanjing", "China (Nanjing)", "华东5（南京）", "gc7", "a"),
        Region("cn-fuzhou", "China (Fuzhou)", "华东6（福州）", "gw0", "a"),
        Region("cn-wuhan-lr", "China (Wuhan)", "华中1（武汉）", "n4a", "a"),
        Region("cn-shenzhen", "China (Shenzhen)", "华南1（深圳）", "wz9", "abcdef"),
        Region("cn-heyuan", "China (Heyuan)", "华南2（河源）", "f8z", "ab"),
        Region("cn-guangzhou", "China (Guangzhou)", "华南3（广州）", "7xv", "ab"),
        Region("cn-chengdu", "China (Chengdu)", "西南1（成都）", "2vc", "ab"),
        Region("cn-hongkong", "China (Hong Kong)", "中国香港", "j6c", "bcd"),
        Region("ap-northeast-1", "Japan (Tokyo)", "日本（东京）", "6we", "abc"),
        Region("ap-northeast-2", "South Korea (Seoul)", "韩国（首尔）", "mj7", "a"),
        Region("ap-southeast-1", "Singapore", "新加坡", "t4n", "abc"),
        Region("ap-southeast-2", "Australia (Sydney)", "澳大利亚（悉尼）", "p0w", "ab"),
        Region("ap-southeast-3", "Malaysia (Kuala Lumpur)", "马来西亚（吉隆坡）", "8ps", "ab"),
        Region("ap-southeast-5", "Indonesia (Jakarta)", "印度尼西亚（雅加达）", "k1a", "abc"),
        Region("ap-southeast-6", "Philippines (Manila)", "菲律宾（马尼拉）", "5ts", "a"),
        Region("ap-southeast-7", "Thailand (Bangkok)", "泰国（曼谷）", "0r1", "a"),
        Region("ap-south-1", "India (Mumbai)", "印度（孟买）", "a2d", "ab"),
        Region("us-east-1", "US (Virginia)", "美国（弗吉尼亚）", "0xi", "ab"),
        Region("us-west-1", "US (Silicon Valley)", "美国（硅谷）", "rj9", "ab"),
        Region("na-south-1", "Mexico", "墨西哥", "4hf", "a"),
        Region("eu-west-1", "UK (London)", "英国（伦敦）", "d7o", "ab"),
        Region("eu-central-1", "Germany (Frankfurt)", "德国（法兰克福）", "gw8", "abc"),
        Region("me-east-1", "UAE (Dubai)", "阿联酋（迪拜）", "eb3", "a"),
        Region("me-central-1", "SAU (Riyadh)", "沙特（利雅得）", "l4v", "ab"),
    )
}

REGION_BY_CODE: dict[str, str] = {region.code: region.region_id for region in REGIONS.values()}


def zone_ids(region: Region) -> list[str]:
    """Return the region's zone ids: `cn-hangzhou-h`, but `ap-southeast-1a`."""
    joint = "" if region.region_id[-1].isdigit() else "-"
    return [f"{region.region_id}{joint}{letter}" for letter in region.zones]
