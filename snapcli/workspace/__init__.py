"""Finding, opening and committing a workspace folder. Knows no resource of the service.

Import what you need from its modules: `store` (open, transactions), `location` (find, create),
`settings` (read), `settings_edit` (change workspace.toml), `clock`, `time_text`, `errors`.
FORMAT.md tells what lies on disk.
"""
