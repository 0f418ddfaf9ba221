"""Finding, opening and committing a workspace folder. Knows no resource of the service."""
