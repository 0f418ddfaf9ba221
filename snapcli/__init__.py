"""snapcli: disk snapshots with the commands of `aliyun ecs`, kept in a local folder.

Holds only the version, so that importing the package costs nothing.
"""

__version__ = "0.1.0"
