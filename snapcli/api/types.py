"""The parameter types that several operations share, each with its limits and its error code.

A type is `Annotated[base, Meta(...)]`: `extra` carries the API code and status answered when a
value breaks the limits, and `right` says in words what would be accepted.
"""

from typing import Annotated, Any

from msgspec import Meta


def limits(code: str, status: int, right: str, **constraints: Any) -> Meta:
    """Return a Meta whose constraints, when broken, are answered with `code` and `status`."""
    return Meta(extra={"code": code, "status": status, "right": right}, **constraints)


def labelled(label: str) -> Meta:
    """Return the Meta of a parameter whose type the API names otherwise than its kind says."""
    return Meta(extra={"label": label})


def needed(*instead: str) -> Meta:
    """Return the Meta of a parameter that the API requires, though it has a default.

    `instead` names parameters of snapcli's own of which any one makes it unnecessary.
    """
    return Meta(extra={"required": True, "instead": instead})


def json_list(code: str, status: int, most: int) -> Meta:
    """Return the Meta of a JSON list sent as one string, of at most `most` elements."""
    right = f'a JSON list of at most {most} values, such as ["a","b"]'
    return Meta(
        max_length=most,
        extra={"code": code, "status": status, "right": right, "json": True},
    )


def several() -> Meta:
    """Return the Meta of a list of which the API takes one element, by the plain name.

    Forms of our own may give more, numbered as a repeat list is.
    """
    return Meta(extra={"several": True})


def choice(code: str, status: int, *values: str) -> Meta:
    """Return the Meta of a text that must be one of `values`, in any letter case."""
    right = ("one of " if len(values) > 1 else "") + ", ".join(values)
    return Meta(extra={"code": code, "status": status, "right": right, "of": values})


_NAME_WORDS = "2 to 128 characters: a letter, then letters, digits, '.', '_', '-' or ':'"
_NO_URL = "(?!https?://)"


def _snapshot_name(status: int) -> Meta:
    return limits(
        "InvalidSnapshotName.Malformed",
        status,
        _NAME_WORDS + ", not beginning with 'auto', 'http://' or 'https://'",
        min_length=2,
        max_length=128,
        pattern=r"^(?i:(?!auto))" + _NO_URL + r"[^\W\d_][\w.:-]*\Z",
    )


# CR-5. Unicode letters count as letters. A copy's codes are published with 403.
SnapshotName = Annotated[str, _snapshot_name(400)]
SnapshotName403 = Annotated[str, _snapshot_name(403)]
DiskName = Annotated[
    str,
    limits(
        "InvalidDiskName.Malformed",
        400,
        _NAME_WORDS + ", not beginning with 'http://' or 'https://'",
        min_length=2,
        max_length=128,
        pattern="^" + _NO_URL + r"[^\W\d_][\w.:-]*\Z",
    ),
]
# Without a period, as the API has it.
PolicyName = Annotated[
    str,
    limits(
        "InvalidSnapshotPolicyName.Malformed",
        400,
        "2 to 128 characters: a letter, then letters, digits, '_', '-' or ':', not beginning with "
        "'http://' or 'https://'",
        min_length=2,
        max_length=128,
        pattern="^" + _NO_URL + r"[^\W\d_][\w:-]*\Z",
    ),
]
InstanceName = Annotated[
    str,
    limits(
        "InvalidInstanceName.Malformed",
        400,
        _NAME_WORDS + " or ',' '[' ']', not beginning with 'http://' or 'https://'",
        min_length=2,
        max_length=128,
        pattern="^" + _NO_URL + r"[^\W\d_][\w.:,\[\]-]*\Z",
    ),
]


def _image_name(code: str) -> Meta:
    return limits(
        code,
        400,
        _NAME_WORDS + ", not beginning with 'acs:', 'aliyun', 'http://' or 'https://'",
        min_length=2,
        max_length=128,
        pattern=r"^(?i:(?!acs:|aliyun))" + _NO_URL + r"[^\W\d_][\w.:-]*\Z",
    )


ImageName = Annotated[str, _image_name("InvalidImageName.Malformed")]
ImageFamily = Annotated[str, _image_name("InvalidImageFamily.Malformed")]

_DESCRIPTION_WORDS = "2 to 256 characters, not beginning with 'http://' or 'https://'"


def _description(status: int) -> Meta:
    return limits(
        "InvalidDescription.Malformed",
        status,
        _DESCRIPTION_WORDS,
        min_length=2,
        max_length=256,
        pattern="(?s)^" + _NO_URL + ".*",
    )


# The same code is published with 404 for snapshots and disk attributes, with 400 elsewhere.
Description = Annotated[str, _description(404)]
Description400 = Annotated[str, _description(400)]
Description403 = Annotated[str, _description(403)]


def _retention_days(status: int) -> Meta:
    return limits("InvalidRetentionDays.Malformed", status, "1 to 65536 days", ge=1, le=65536)


RetentionDays = Annotated[int, _retention_days(400)]
RetentionDays403 = Annotated[int, _retention_days(403)]
InstantAccessDays = Annotated[
    int,
    limits("InvalidInstantAccessRetentionDays.Malformed", 403, "1 to 65536 days", ge=1, le=65536),
]
ClientToken = Annotated[
    str,
    limits(
        "InvalidClientToken.Malformed",
        403,
        "at most 64 ASCII characters",
        max_length=64,
        pattern=r"^[\x00-\x7f]*\Z",
    ),
]
PageNumber = Annotated[int, limits("InvalidPageNumber", 400, "1 or more", ge=1)]
# Values outside the range are clamped by `paging`, as the API does.
PageSize = Annotated[int, limits("InvalidPageSize", 400, "1 to 100", ge=1)]
MaxResults = Annotated[int, limits("InvalidMaxResults", 400, "1 to 100", ge=1)]
