"""The environment variables that are heeded, one table as data for help and README."""

TABLE: tuple[tuple[str, str], ...] = (
    ("SNAPCLI_WORKSPACE", "the workspace folder, where --workspace is not given"),
    ("SNAPCLI_REGION", "the region, where --region is not given"),
    ("SNAPCLI_PROFILE", "the account or profile, where --profile is not given"),
    ("SNAPCLI_DEBUG", "any value: show where an internal error happened"),
    ("ALIBABA_CLOUD_PROFILE", "as SNAPCLI_PROFILE, after it; ALIBABACLOUD_ and ALICLOUD_ too"),
    ("ALIBABA_CLOUD_REGION_ID", "the region, where no profile has one; other prefixes as above"),
    ("ALIBABA_CLOUD_IGNORE_PROFILE", "TRUE: no configuration of aliyun is read"),
    ("NO_COLOR", "any value: no colours; TERM=dumb does the same"),
    ("COLUMNS", "how wide tables may be at a terminal"),
)
