"""Buckets: folders that images are exported to and imported from.

A name is the folder `buckets/<name>` of the workspace, which all its accounts use; an absolute
path is that very folder. Objects are files in it.
"""

import os
import re

from snapcli.api.errors import ApiError
from snapcli.ecs.call import Call

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


def bucket_folder(call: Call, bucket: str, code: str, status: int) -> str:
    """Return the folder of a bucket: relative to the workspace, or absolute as it was given.

    Raises ApiError `code` for what is neither a bucket's name nor an absolute path.
    """
    if os.path.isabs(bucket):
        return os.path.normpath(bucket)
    if not _NAME.fullmatch(bucket):
        raise ApiError(
            code,
            status,
            f"The bucket {bucket!r} is not acceptable: give a name of 3 to 63 small letters, "
            "digits and hyphens, which is a folder in the workspace's buckets/, or the absolute "
            "path of a folder.",
        )
    return f"buckets/{bucket}"


def require_folder(call: Call, bucket: str, folder: str) -> None:
    """Raise ApiError InvalidOSSBucket.NotFound unless the bucket's folder is there."""
    path = call.tx.path(folder)
    if not os.path.isdir(path):
        raise ApiError(
            "InvalidOSSBucket.NotFound",
            400,
            f"There is no bucket {bucket!r}: the folder {path} is missing. Make the "
            "folder, or name a bucket that is there.",
        )


def object_path(call: Call, bucket: str, folder: str, name: str) -> str:
    """Return the path of an object in a bucket; it must be a file there, and nowhere else."""
    if os.path.isabs(name) or name != os.path.normpath(name) or name.split(os.sep)[0] == "..":
        raise ApiError(
            "InvalidOSSObject.Malformed",
            400,
            f"The object {name!r} is not acceptable: it must be the path of a file in the bucket, "
            "such as images/web.raw.",
        )
    root = os.path.realpath(call.tx.path(folder))
    path = os.path.realpath(os.path.join(root, name))
    if os.path.commonpath([root, path]) != root:
        raise ApiError(
            "InvalidOSSObject.Malformed", 400, f"The object {name!r} leads out of {bucket!r}."
        )
    if not os.path.isfile(path):
        raise ApiError(
            "InvalidOSSObject.NotFound",
            400,
            f"There is no object {name!r} in the bucket {bucket!r}: {path} is no file.",
        )
    return path
