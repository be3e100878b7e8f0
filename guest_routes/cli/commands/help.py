"""`guest-routes help [COMMAND]`, which --help and --version are too."""

from __future__ import annotations

from ..help import help_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """0"""
    if context.options.version:
        from ... import __version__

        context.terminal.lines([f"guest-routes {__version__}"])
    else:
        context.terminal.lines(help_lines(context.options.topic))
    return 0
