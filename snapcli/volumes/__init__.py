"""Disk images, chains of blocks, capture and restore. Knows no regions, quotas or tags."""
