"""`python -m snapcli`: the same program as the `snapcli` script, nothing more."""

from snapcli.cli.main import run

if __name__ == "__main__":
    run()
