"""`guest-routes status`: the last pass, and whether its routes are still in place."""

from __future__ import annotations

import os

from ...diagnose.status import inspect
from ...output.status import status_json, status_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """That of the last pass; 1 when the routes have drifted."""
    options, terminal = context.options, context.terminal
    found = inspect(context.settings, context.state, context.kernel)
    if options.textfile:
        from ...output.prometheus import metrics_text
        from ...state.files import replace

        replace(os.path.abspath(options.textfile), metrics_text(found).encode(), 0o644, "the old one is still there")
    elif options.json:
        terminal.json(status_json(found))
    else:
        terminal.lines(status_lines(found))
    return found.exit_code
