"""The service: one module a resource, with its records, operations and rules. Never prints."""
