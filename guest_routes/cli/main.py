"""The entry: one command, its output, its exit code."""

from __future__ import annotations

import gc
import os
import sys

from ..errors import GuestRoutesError
from .context import Context
from .parser import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence


def run() -> None:
    """The command: main, then the end without taking every value apart first, which shows with many routes.

    guest-routes-fetch@.service starts it with a word that is no command: nobody else has the connection it needs.
    """
    if sys.argv[1:] == ["fetch-for-service"]:
        from ..service.confined_fetch import main as fetch

        fetch()
        os._exit(0)
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; its exit code."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    gc.disable()  # One pass makes no cycles worth finding, and looking for them costs 8 % of a large one.
    context = Context(options)
    try:
        code = _command(options.command)(context)
        sys.stdout.flush()
        return code
    except GuestRoutesError as error:
        context.terminal.failure(str(error))
        if options.json:
            schema = f"guest-routes/{options.command}/1"
            context.terminal.json({"schema": schema, "exit_code": error.exit_code, "error": str(error)})
        return error.exit_code
    except BrokenPipeError:
        # The reader has gone (`| head`); what was to be done has been done.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except KeyboardInterrupt:
        context.terminal.error("interrupted; what was written stays, the next pass completes it")
        return 130
    finally:
        context.close()


def _command(name: str) -> Callable[[Context], int]:
    """The `run` of commands/NAME.py."""
    module = __import__(f"{__package__}.commands.{name}", fromlist=["run"])
    found: Callable[[Context], int] = module.run
    return found
