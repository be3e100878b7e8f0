"""The command's start: what makes its imports cheap, before there are any. Also `python -m guest_routes`."""

import gc

from .bytecode import find_quickly


def run() -> None:
    """The command; it doesn't return."""
    gc.disable()  # Imports make nothing that it would find, either.
    find_quickly()
    from .cli.main import run as command

    command()


if __name__ == "__main__":
    run()
