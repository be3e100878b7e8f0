"""The entry: one command, its output, its exit code."""

from __future__ import annotations

import gc
import os
import sys

from ..errors import SYSTEM_FAILURES, GuestRoutesError, UsageError, system_error_text
from .context import Context
from .grammar import plain
from .terminal import Terminal, open_closed_streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence


def run() -> None:
    """The command: main, then the end without taking every value apart first, which shows with many routes.

    Two units start it with a word that is no command: nobody else has the connection, or the need.
    """
    if sys.argv[1:] == ["fetch-for-service"]:
        from ..service.child.confined_fetch import main as fetch

        fetch()
        os._exit(0)
    if sys.argv[1:] == ["drives-for-early"]:
        from ..service.child.early_drive import main as mount

        mount()
        os._exit(0)
    open_closed_streams()
    held: list[object] = []
    os._exit(main(held=held))


def main(arguments: Sequence[str] | None = None, held: list[object] | None = None) -> int:
    """Runs one command; its exit code.

    Args:
        held: takes what the command has found, which would be taken apart at its end otherwise.
    """
    try:
        options = _options(sys.argv[1:] if arguments is None else arguments)
    except UsageError as error:
        terminal = Terminal()
        return terminal.finish(_failed(terminal, error.json_command, error.exit_code, str(error)))
    gc.disable()  # One pass makes no cycles worth finding, and looking for them costs 8 % of a large one.
    context = Context(options)
    if held is not None:
        held.append(context)
    terminal, command = context.terminal, options.command if options.json else ""
    try:
        code = _command(options.command)(context)
    except GuestRoutesError as error:
        context.close()  # With the last descriptor gone, nothing could be said.
        code = _failed(terminal, command, error.exit_code, str(error))
    except SYSTEM_FAILURES as error:
        context.close()
        code = _failed(terminal, command, 1, system_error_text(error))
    except KeyboardInterrupt:
        from ..output.notices import INTERRUPTED

        terminal.error(INTERRUPTED)
        code = 130
    finally:
        context.close()
    return terminal.finish(code)


def _options(arguments: Sequence[str]) -> Any:
    """As parser.parse, which costs as much as a small pass, has them."""
    options = plain(arguments)
    if options is None:
        from .parser import parse

        return parse(arguments)
    return options


def _failed(terminal: Terminal, json_command: str, code: int, text: str) -> int:
    """A command that could do nothing: the message, and where JSON was asked for, a document with it."""
    terminal.failure(text)
    if json_command:
        from ..output.notices import failed_json

        terminal.json(failed_json(json_command, code, text))
    return code


def _command(name: str) -> Callable[[Context], int]:
    """The `run` of commands/NAME.py."""
    module = __import__(f"{__package__}.commands.{name}", fromlist=["run"])
    found: Callable[[Context], int] = module.run
    return found
