"""The inside of an instance: its folder, its processes, its mounts. Knows no service."""
