"""The command line: what is typed in, what is printed out. Holds no rules of the service."""
